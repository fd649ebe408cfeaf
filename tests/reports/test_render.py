"""What people see: tables, pages and mails of a month, and of hostile names."""

import csv
import io
import json
import re
import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import pytest

from slurm_finops.reports import charts, render, tables
from slurm_finops.reports.view import (
    Budget,
    Correction,
    Costly,
    Daily,
    Day,
    Header,
    Page,
    Report,
    Row,
    Spend,
    TagFault,
    Trend,
    Unpriced,
    Waste,
)

HEADER = Header(
    "USD", 2, "UTC", "2026-06", "2026-06-01T00:00:00+00:00", "2026-07-01T00:00:00+00:00",
    date(2026, 6, 1), date(2026, 6, 30),
)  # fmt: skip
MAY = replace(HEADER, label="2026-05", first_day=date(2026, 5, 1), last_day=date(2026, 5, 31))
HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "{{7*7}}", "$x_2$ \\frac{1}{2}",
    "a\r\nBcc: everyone@example.org", "\u202etxt.exe", "日本語 🚀", "x" * 5000, "=1+1",
    "'--", "%s%n", " ", "@SUM(A1)", "&lt;b&gt;",
]  # fmt: skip


def a_budget(limit: int = 100_000, spent: int = 27_000, by: int = 30, **more: object) -> Budget:
    """Of June, by one of its days."""
    days = tuple(spent * day // by for day in range(1, by + 1))
    budget = Budget("June 2026", date(2026, 6, 1), date(2026, 6, 30), limit, spent,
                    limit * by // 30, date(2026, 6, by), None, days)  # fmt: skip
    return replace(budget, **more)  # type: ignore[arg-type]


def a_page(names: list[str | None] | None = None, **more: object) -> Page:
    names = ["nlp", "cv", None] if names is None else names
    rows = tuple(Row((n,), 3 + i, 3600 * (90 - i), 9000 - i, 9000 - i, 9000 - i)
                 for i, n in enumerate(names))  # fmt: skip
    total = Row((), 12, sum(r.gpu_seconds for r in rows), *[sum(r.billed_minor for r in rows)] * 3)
    spend = Spend(("project",), rows, total)
    days = tuple(Day(date(2026, 6, d), tuple(d * 7 for _ in names)) for d in range(1, 31))
    report = Report(HEADER, spend, 2, 1250, 1, 3600, (Unpriced("gres/shard", 1, 7200),), 3)
    page = Page(
        "nlp", "nlp", report, (Spend(("experiment",), rows, total),),
        Daily(tuple(names), days, "project"),
        (TagFault("nlp", "untagged", '{"team":"nlp"}', 4, 990),),
        (a_budget(100_000, total.billed_minor),),
        trend=Trend("month", total.effective_minor, 20_000, (15_000, 25_000), 6),
        waste=(Waste("failed", 2, 7200, 784, "alpha/4711_3"), Waste("out of memory", 1, 3600, 392)),
        costliest=(Costly("4711_3", "alpha", "ann", "train <b>", "FAILED",
                          "2026-06-08T14:03:00+00:00", "2026-06-09T02:11:00+00:00", 43_200, 4704),
                   Costly("4712", "alpha", "", "", "RUNNING", "2026-06-30T14:03:00+00:00", None,
                          3600, 392)),
        suspended_seconds=5400, corrections=(Correction("2026-05", MAY, 10_000, 10_100),),
        before=((("nlp",), 8000), (("gone",), 50)),
    )  # fmt: skip
    return replace(page, **more)  # type: ignore[arg-type]


def png_size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return struct.unpack(">II", png[16:24])


class Tags(HTMLParser):
    """The tags and attributes a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_the_terminal_table(golden: Callable[[str, str], None]) -> None:
    golden("report.txt", tables.table_text(a_page().report))


def test_the_mail_as_text_stands_alone(golden: Callable[[str, str], None]) -> None:
    text = render.mail_text(a_page())
    golden("mail.txt", text)
    assert all(len(line) <= 76 for line in text.splitlines() if not line.startswith("  --comment"))


def test_the_mail_as_html(golden: Callable[[str, str], None]) -> None:
    golden("mail.html", render.mail_html(a_page()))


def test_the_page(golden: Callable[[str, str], None]) -> None:
    # charts are looked at as pictures; their bytes change with matplotlib's releases
    html = re.sub(r"<svg .*?</svg>", "<svg/>", render.page_html(a_page()), flags=re.S)
    html = re.sub(r"(?s)<style>.*</style>|<script>.*</script>|(?<=sha256-)[^']+", "…", html)
    golden("report.html", html)


def test_json_is_the_contracts(golden: Callable[[str, str], None]) -> None:
    golden("report.json", json.dumps(tables.report_json(a_page().report), indent=2) + "\n")


def test_csv_has_the_same_columns_and_no_formulas() -> None:
    text = tables.report_csv(a_page(["=1+1", "@SUM(A1)", "-2", None]).report)
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["project"] for row in rows] == ["'=1+1", "'@SUM(A1)", "'-2", ""]
    assert list(rows[0])[1:] == [
        "runs", "gpu_seconds", "list_cost", "effective_cost", "billed_cost", "forgiven_cost",
        "subsidised_cost", "credited_cost", "rounded_cost", "currency",
    ]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_nothing_else(name: str) -> None:
    page = a_page([name, "cv"], title=name)
    for html in (render.page_html(page), render.mail_html(page)):
        tags = Tags(html).seen
        # of the page its own, which tests/reports/test_page.py holds to its hash
        ours = int(html.startswith("<!DOCTYPE html>") and "script-src 'sha256-" in html)
        assert [tag for tag, _ in tags].count("script") == ours
        assert not [a for _, attrs in tags for a in attrs if a.startswith("on")]
        images = [attrs["src"] or "" for tag, attrs in tags if tag == "img"]
        assert all(source.startswith(("data:image/png", "cid:chart")) for source in images)
        assert "49" not in re.findall(r">\{?\{?(\d+)", html) or "{{7*7}}" not in name
    subject = render.subject(page)
    assert "\r" not in subject
    assert "\n" not in subject
    assert len(subject) < 140
    assert all(
        len(line) <= 76
        for line in render.mail_text(page).splitlines()[4:]
        if "--comment" not in line
    )
    tables.table_text(page.report)


def test_a_page_needs_nothing_from_outside() -> None:
    html = render.page_html(a_page())
    assert "http://" not in html
    assert "https://" not in html
    assert "default-src 'none'" in html


def test_a_mail_of_a_thousand_projects_is_small_and_still_sums() -> None:
    page = a_page([f"project-{i}" for i in range(1000)])
    page = replace(page, daily=replace(page.daily, names=("a",)))
    html = render.mail_html(page)
    assert len(html) < 100_000
    assert "and 988 more" in html


def test_charts_are_pictures_for_a_phone_at_twice_its_density() -> None:
    page = a_page()
    found = render.pictures(page)
    assert [one.title for one in found] == [
        "By day", "Budget for June 2026", "Costliest by experiment, USD",
        "Runs that did not end well, USD",
    ]  # fmt: skip
    assert {png_size(one.image)[0] for one in found} == {825}
    assert "the highest is 6.30 USD on 30 June" in found[0].alt
    pace = charts.pace_of(page.budgets, page.daily)
    assert pace == 3333
    assert charts.draw_daily(page.daily, HEADER, "project", pace) == found[0].image


def test_a_name_has_one_colour_in_every_chart() -> None:
    assert charts.colours(["a", "b"])["b"] == charts.colours(["a", "b", None])["b"]


def test_an_empty_period_says_so() -> None:
    page = a_page([], budgets=())
    assert "Nothing was held in this period" in render.page_html(page)
    assert "Nothing was held in this period" in render.mail_html(page)
    assert render.pictures(page) == []


@pytest.mark.parametrize(
    ("minor", "digits", "text"),
    [(2257920, 2, "22,579.20"), (-5, 2, "−0.05"), (3386880, 0, "3,386,880"), (12345, 3, "12.345")],
)  # fmt: skip
def test_money_as_people_read_it(minor: int, digits: int, text: str) -> None:
    assert tables.grouped(minor, digits) == text


@pytest.mark.parametrize(("seconds", "hours"), [(8_294_400, "2,304.0"), (179, "0.0"), (180, "0.1")])
def test_gpu_hours_have_one_decimal(seconds: int, hours: str) -> None:
    assert tables.gpu_hours(seconds) == hours

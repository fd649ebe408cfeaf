"""Names are typed by anybody: what they must not do to a page, a mail, a shell or a terminal."""

import re
import shlex
from dataclasses import replace
from datetime import date

import pytest

from slurm_finops.core.characters import is_control
from slurm_finops.reports import render, tables
from slurm_finops.reports.format import columns
from slurm_finops.reports.view import Costly, Page, Row, Spend, TagFault
from tests.reports.test_render import HOSTILE, a_budget, a_page

MOVING = "a\x1b[2J\r\nb\u202ec\u2028d\u200b\ud800"


def a_hostile_page() -> Page:
    """All that a name can be part of holds every hostile name, at length."""
    page = a_page([*HOSTILE, MOVING])
    rows = tuple(
        Row((name, "&" * 900, "日" * 300), 1, 1, 1, 1, 1) for name in [*HOSTILE, MOVING] * 10
    )
    total = Row((), 1, len(rows), len(rows), len(rows), len(rows))
    report = replace(page.report, held=tuple(f"alpha/{i} <b>" for i in range(5000)))
    faults = tuple(
        TagFault(name, f"unknown {name}", f'{{"team":"\'$(reboot)\' {name}"}}', 1, 100)
        for name in HOSTILE
    )
    return replace(
        page, title=MOVING * 50, report=report, faults=faults, notes=("<i>&" * 1000,) * 50,
        tables=(Spend(("team", "project", "experiment"), rows, total),) * 3,
        costliest=tuple(
            Costly(f"{i}", "alpha", name, name, "FAILED", "2026-06-08T14:03:00+00:00", None, 1, 1)
            for i, name in enumerate([*HOSTILE, MOVING])
        ),
        budgets=(a_budget(name=MOVING * 20),) * 3,
    )


def test_a_mail_stays_below_what_clients_clip_whatever_it_holds() -> None:
    html = render.mail_html(a_hostile_page())
    assert len(html.encode()) < 100_000


def test_nothing_that_cannot_be_seen_reaches_a_reader() -> None:
    page = a_hostile_page()
    texts = [
        render.page_html(page), render.mail_html(page), render.mail_text(page),
        render.subject(page), tables.table_text(page.report),
    ]  # fmt: skip
    for text in texts:
        text.encode()
        assert not [char for char in text if char != "\n" and is_control(char)]


def test_a_mails_text_keeps_its_width_whatever_the_names_are() -> None:
    lines = render.mail_text(a_hostile_page()).splitlines()
    assert [line for line in lines if columns(line) > 76 and "--comment" not in line] == []


@pytest.mark.parametrize("value", ["'; touch /tmp/x; '", "$(reboot)", "`id`", "a'b", 'a"b', "a b"])
def test_what_is_to_be_typed_is_one_word_to_a_shell(value: str) -> None:
    example = f'{{"team":"{value}"}}'
    page = a_page(faults=(TagFault("nlp", "wrong", example, 1, 1),))
    (line,) = [li for li in render.mail_text(page).splitlines() if "--comment" in li]
    assert shlex.split(line) == [f"--comment={example}"]
    for html in (render.page_html(page), render.mail_html(page)):
        (typed,) = re.findall(r">(--comment=.*?)<", html)
        plain = typed.replace("&#39;", "'").replace("&#34;", '"').replace("&amp;", "&")
        assert shlex.split(plain) == [f"--comment={example}"]


def test_what_is_left_out_of_a_mail_is_counted_and_still_sums() -> None:
    faults = tuple(TagFault(f"t{i}", "wrong", "{}", 2, 100) for i in range(10))
    page = a_page(faults=faults)
    for text in (render.mail_text(page), render.mail_html(page)):
        assert "and 4 more kinds of faults: 4.00 USD" in text
        assert text.count("--comment=") == 6
    assert render.page_html(page).count("--comment=") == 10


def test_runs_held_unbilled_are_named_or_counted() -> None:
    report = replace(a_page().report, held=tuple(f"alpha/{i}" for i in range(300)))
    (line,) = [li for li in tables.table_text(report).splitlines() if li.startswith("held")]
    assert line.endswith("alpha/9, and 290 more")


@pytest.mark.parametrize(
    ("limit", "says"),
    [(100_000, "269.97 of 1,000.00 USD for June 2026 is spent (27.0%); 730.03 was left."),
     (20_000, "269.97 of 200.00 USD for June 2026 is spent (135.0%); 69.97 over."),
     (0, "269.97 of 0.00 USD for June 2026 is spent (–); 269.97 over.")],
)  # fmt: skip
def test_a_budget_says_what_is_left(limit: int, says: str) -> None:
    page = a_page(budgets=(a_budget(limit, 26_997),))
    assert says in render.page_html(page)
    assert says in render.mail_html(page)
    assert ("over" in says) == ('class="budget over"' in render.page_html(page))
    assert ("over" in says) == render.subject(page).endswith("in June 2026, over budget")


def test_a_week_says_what_of_the_months_budget_is_used_by_its_end() -> None:
    page = a_page(budgets=(a_budget(100_000, 60_000, by=14),))
    week = replace(page.report.header, label="2026-W24", first_day=date(2026, 6, 8),
                   last_day=date(2026, 6, 14), so_far=True)  # fmt: skip
    text = render.mail_text(replace(page, report=replace(page.report, header=week)))
    said = " ".join(text.split())
    assert "600.00 of 1,000.00 USD for June 2026 is spent (60.0%); 400.00 is left" in said
    assert text.startswith("nlp: 269.97 USD in week 24 of 2026 (8–14 June) so far\n")


def test_when_the_figures_were_read_is_said_where_it_is_known() -> None:
    page, as_of = a_page(), "1 July 2026 03:15"
    for write in (render.page_html, render.mail_html, render.mail_text):
        assert f"as of {as_of}" in write(page, as_of)
        assert "as of" not in write(page)


def test_a_page_has_its_charts_for_light_and_dark() -> None:
    html = render.page_html(a_page())
    dark = re.findall(r'media="screen and \(prefers-color-scheme: dark\)" srcset="([^"]+)"', html)
    light = re.findall(r'<img src="([^"]+)"', html)
    assert len(dark) == len(light) == 4
    assert set(dark).isdisjoint(light)

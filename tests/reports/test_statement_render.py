"""A statement as people and programs are given it."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from slurm_finops.cli.stating import STYLES, say, statement_mail
from slurm_finops.core.characters import is_control
from slurm_finops.core.posted import Item, Payer
from slurm_finops.core.tags import Tags
from slurm_finops.reports import statement_words as words
from slurm_finops.reports.format import columns
from slurm_finops.reports.statement import Statement, statement
from tests.conftest import GOLDEN
from tests.reports.statements import (
    CLOSED,
    DRAFT,
    HEADER,
    LINES,
    MAY,
    a_draft,
    a_line,
    a_statement,
    an_item,
    of_a_fund,
    usage,
)
from tests.reports.test_hostile import MOVING
from tests.reports.test_render import HOSTILE
from tests.reports.test_render import Tags as Markup

AS_OF = "2026-07-03 09:15 CEST"
PEOPLE = "text", "html"
DOCS = GOLDEN.parents[1] / "docs" / "statements.md"


def bare(html: str) -> str:
    """Without the style sheet, which is looked at."""
    return re.sub(r"(?s)<style>.*</style>", "<style>…</style>", html)


def test_as_text(golden: Callable[[str, str], None]) -> None:
    golden("statement.txt", say(a_statement(), "text", AS_OF))
    golden("statement-draft.txt", say(a_draft(), "text"))
    golden("statement-fund.txt", say(of_a_fund(), "text"))


def test_as_a_page(golden: Callable[[str, str], None]) -> None:
    golden("statement.html", bare(say(a_statement(), "html", AS_OF)))
    golden("statement-draft.html", bare(say(a_draft(), "html")))


def test_for_programs(golden: Callable[[str, str], None]) -> None:
    golden("statement.json", say(a_statement(), "json"))
    golden("statement.csv", say(a_statement(), "csv"))


def test_as_a_mail(golden: Callable[[str, str], None]) -> None:
    mail = statement_mail(a_statement(), AS_OF)
    golden("mail-statement.html", mail.html)
    assert mail.subject == "Statement FIN-2026-000007: nlp, June 2026: 8,021.50 USD"
    assert mail.text.startswith(mail.subject)
    (file,) = mail.attachments
    assert (file.name, file.subtype) == ("statement-FIN-2026-000007.csv", "csv")
    assert file.data.decode() == say(a_statement(), "csv")
    assert "All of its 19 lines, by day: statement-FIN-2026-000007.csv" in mail.html


def test_a_draft_says_so_first_and_last_and_in_the_margin_of_a_print() -> None:
    text, html, mail = say(a_draft(), "text"), say(a_draft(), "html"), statement_mail(a_draft(), "")
    for one in (text, mail.text):
        assert one.startswith("DRAFT.  Nothing of this is booked")
        assert one.count("DRAFT.  ") == 2
    assert mail.subject == "Draft statement: nlp, June 2026: 8,021.50 USD"
    assert '@bottom-left { content: "DRAFT · Draft statement · nlp · June 2026"; }' in html
    assert html.count("DRAFT") == 4  # beside that the banner, across the sheet, at the foot
    assert mail.html.count("DRAFT") == 2
    assert mail.attachments[0].name == "statement-draft-nlp-2026-06.csv"
    for style in PEOPLE:
        assert "DRAFT" not in say(a_statement(), style)


def test_what_it_can_be_checked_by_is_on_every_one() -> None:
    mail = statement_mail(a_statement(), "")
    for said in (say(a_statement(), "text"), say(a_statement(), "html"), mail.text, mail.html):
        assert CLOSED.sha256 in said
        assert CLOSED.head in said
        assert "slurm-finops period verify" in said
    first = replace(DRAFT, head="")
    for style in PEOPLE:
        assert "period verify" not in say(a_statement(first), style)
        assert "SHA-256" not in say(a_draft(), style)
        assert CLOSED.head in say(a_draft(), style)


def test_the_first_of_a_fiscal_year_brings_nothing_forward() -> None:
    first = replace(CLOSED, opening_minor=0, opening_label="")
    for style in PEOPLE:
        assert "fiscal year" not in say(a_statement(first), style)
        assert "49,803.60" in say(a_statement(), style)


def test_without_tax_there_is_no_net() -> None:
    names = [name for name, _, _ in words.summary(of_a_fund())]
    assert names == ["Usage", "total"]
    assert "net, before tax" in [name for name, _, _ in words.summary(a_statement())]


def test_hours_of_gpus_and_cores_are_not_added() -> None:
    (table,) = words.tables(of_a_fund())
    assert (table.hours_head, table.all_hours) == ("unit-hours", "")
    usage_table = next(words.tables(a_statement()))
    assert (usage_table.hours_head, usage_table.all_hours) == ("GPU-hours", "2,404.0")


def test_figures_are_the_locales() -> None:
    german = replace(HEADER, locale="de_DE", currency="EUR")
    for style in PEOPLE:
        said = say(statement(LINES, CLOSED, german), style)
        assert "8.021,50" in said
        assert "8,021.50" not in said
        assert "Juni 2026" in said
    assert '"total": "8021.50"' in say(statement(LINES, CLOSED, german), "json")


def test_a_currency_without_decimals() -> None:
    yen = statement([a_line(usage("on_demand"), 1234)], CLOSED,
                    replace(HEADER, currency="JPY", digits=0))  # fmt: skip
    assert "1,234\n" in say(yen, "text")
    assert json.loads(say(yen, "json"))["total"] == "1234"


@pytest.mark.parametrize(("kind", "owner", "says"), [
    ("team", None, "team (untagged)"), ("fund", None, "fund (none)"),
    ("cost_center", "product-ai", "cost centre product-ai"),
])  # fmt: skip
def test_whose_it_is(kind: str, owner: str | None, says: str) -> None:
    issue = replace(CLOSED, kind=kind, owner=owner)
    for style in PEOPLE:
        assert says in say(a_statement(issue), style)


def test_a_statement_of_nothing_is_one_all_the_same() -> None:
    nothing = statement([], CLOSED, HEADER)
    for style in STYLES:
        assert say(nothing, style)
    assert words.subject(nothing).endswith(": 0.00 USD")
    assert "Booked by" not in say(nothing, "text")


def test_csv_has_a_line_a_line() -> None:
    rows = list(csv.DictReader(io.StringIO(say(a_statement(), "csv"))))
    assert len(rows) == len(LINES)
    assert (rows[12]["correction"], rows[12]["original"], rows[12]["day"]) == (
        "true", "FIN-2026-000004", "2026-05-31")  # fmt: skip
    assert rows[9]["billed_cost"] == "-78.40"  # a figure, and no formula


def test_a_mail_of_many_rows_shows_some_and_still_sums() -> None:
    lines = [a_line(usage("spot"), 100, 1, f"project-{i:03}") for i in range(30)]
    mail = statement_mail(statement(lines, CLOSED, HEADER), "")
    assert re.search(r"and 22 more rows +22\.00\n", mail.text)
    assert "and 22 more rows" in mail.html
    assert "project-029" not in mail.text
    assert "project-029" in say(statement(lines, CLOSED, HEADER), "text")


def test_lines_that_are_too_many_for_a_mail_are_not_attached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("slurm_finops.cli.stating._MOST_ATTACHED", 100)
    mail = statement_mail(a_statement(), "")
    assert mail.attachments == ()
    assert "are not attached: slurm-finops statement --format csv" in " ".join(mail.text.split())


# ---- the page of it


def test_its_page_shows_what_is_printed() -> None:
    page = DOCS.read_text()
    assert f"```text\n{say(a_statement(), 'text', AS_OF)}```" in page


def test_its_page_names_every_key_and_column() -> None:
    page = DOCS.read_text()
    _, _, table = page.partition("| key | meaning |")
    table, _, columns_ = table.partition("CSV has a row a line")
    first = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    keys = [key for cell in first for key in re.findall(r"`(\w+)`", cell)]
    assert sorted(keys) == sorted(json.loads(say(a_statement(), "json")))
    head = say(a_statement(), "csv").splitlines()[0].split(",")
    tags = set(Tags._fields)
    assert re.findall(r"`(\w+)`", columns_) == [name for name in head if name not in tags]


# ---- names that anybody typed


def a_hostile_statement(names: list[str]) -> Statement:
    """Every name in every place."""
    lines = [
        a_line(usage("on_demand"), 1, 1)._replace(
            tags=Tags(*[name] * 6), payer=Payer(name, name, name), cluster=name,
            item=Item(category, name, name, name, name, name), correction=correction,
            original=name, statement=name,
        )
        for name in names for correction in (False, True)
        for category in ("usage", "share", "overhead", "line", "credit", "surcharge", "tax", name)
    ]  # fmt: skip
    said = names[0]
    issue = replace(
        CLOSED, number=said, entity=said, owner=said, closed_by=said, kind="fund", head=said,
        sha256=said, opening_label=said, waived=tuple((name, name) for name in names),
        held=tuple((name, 100) for name in names), notes=tuple(names) * 5,
    )  # fmt: skip
    return statement(lines, issue, HEADER)


@pytest.mark.parametrize("name", [*HOSTILE, MOVING, "&" * 10_000, "日" * 10_000])
def test_a_hostile_name_is_text_and_nothing_else(name: str) -> None:
    hostile, plain = a_hostile_statement([name]), a_hostile_statement(["plain"])
    mail, known = statement_mail(hostile, AS_OF), statement_mail(plain, AS_OF)
    for html, like in ((say(hostile, "html"), say(plain, "html")), (mail.html, known.html)):
        assert [tag for tag, _ in Markup(html).seen] == [tag for tag, _ in Markup(like).seen]
    for said in (say(hostile, "text"), say(hostile, "html"), mail.text, mail.html, mail.subject):
        said.encode()
        assert not [char for char in said if char != "\n" and is_control(char)]
    assert len(mail.subject) < 200
    assert "\n" not in mail.subject
    assert [line for line in mail.text.splitlines() if columns(line) > 76] == []
    assert not re.search(r"(?m)(^|,)[=@+]", say(hostile, "csv"))


def test_a_name_cannot_leave_the_margin_of_a_print() -> None:
    for name in ('x"; } body { display: none', "x\\", "</style>"):
        html = say(a_statement(replace(CLOSED, owner=name)), "html")
        assert '@bottom-left { content: "Statement FIN-2026-000007 · June 2026"; }' in html


def test_a_mail_stays_below_what_clients_clip_whatever_it_holds() -> None:
    names = [f"{i}{name}" for i in range(3) for name in (*HOSTILE, MOVING, "&" * 10_000)]
    assert len(statement_mail(a_hostile_statement(names), AS_OF).html.encode()) < 100_000


def test_a_page_needs_nothing_from_outside() -> None:
    html = say(a_statement(), "html")
    assert "default-src 'none'" in html
    assert "script" not in html
    assert "http" not in html.replace('http-equiv="', "")


def test_what_a_correction_was_for() -> None:
    lines = [a_line(usage("on_demand"), 1, 1, of=MAY),
             a_line(an_item("share", "owned"), 2, of=MAY)]  # fmt: skip
    (table,) = words.tables(statement(lines, CLOSED, replace(HEADER, last_day=date(2026, 6, 30))))
    assert table.columns[-1].cells == ("share, owned", "usage, on demand, gres/gpu:h100")

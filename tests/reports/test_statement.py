"""Posted lines become a statement: where each stands, and that all of it sums."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.posted import Item, Payer, Posted
from slurm_finops.core.tags import Tags
from slurm_finops.reports.statement import (
    CORRECTIONS,
    CREDITS,
    OTHER,
    OVERHEAD,
    POOLS,
    SECTIONS,
    SURCHARGES,
    TAX,
    USAGE,
    Section,
    Statement,
    statement,
)
from slurm_finops.reports.statement_tables import statement_json
from tests.reports.statements import (
    BASE,
    CLOSED,
    DRAFT,
    GRANT,
    HEADER,
    LINES,
    MAY,
    a_line,
    a_statement,
    an_item,
    of_a_fund,
    usage,
)


def of(view: Statement, name: str) -> Section:
    (found,) = [one for one in view.sections if one.name == name]
    return found


@pytest.mark.parametrize(("category", "section"), [
    ("usage", USAGE), ("share", POOLS), ("unused", POOLS), ("beyond", POOLS), ("purchase", POOLS),
    ("shared", OVERHEAD), ("overhead", OVERHEAD), ("line", OTHER), ("credit", CREDITS),
    ("allocation", CREDITS), ("forgiven", CREDITS), ("subsidised", CREDITS),
    ("adjustment", CREDITS), ("surcharge", SURCHARGES), ("tax", TAX),
])  # fmt: skip
def test_each_category_has_its_section(category: str, section: str) -> None:
    (found,) = statement([a_line(an_item(category, "x"), 7)], CLOSED, HEADER).sections
    assert (found.name, found.minor) == (section, 7)


def test_what_nobody_foresaw_is_shown_and_summed() -> None:
    view = statement([a_line(an_item("fine", "x"), 7)], CLOSED, HEADER)
    assert (of(view, OTHER).minor, view.total_minor) == (7, 7)


def test_sections_stand_in_their_order_and_empty_ones_nowhere() -> None:
    assert [one.name for one in a_statement().sections] == list(SECTIONS)
    assert [one.name for one in of_a_fund().sections] == [USAGE]
    assert statement([], CLOSED, HEADER).sections == ()


def test_days_of_one_project_and_price_are_one_row() -> None:
    first = of(a_statement(), USAGE).rows[0]
    assert (first.project, first.pricing, first.sku) == (
        "llama-finetune", "on_demand", "gres/gpu:h100")  # fmt: skip
    assert (first.minor, first.unit_seconds) == (470_400 + 32_928, 1284 * 3600)


def test_a_share_of_a_pool_does_not_count_its_hours_again() -> None:
    assert [row.unit_seconds for row in of(a_statement(), POOLS).rows] == [0, 0]


def test_a_correction_is_told_by_its_month_and_the_statement_it_corrects() -> None:
    rows = of(a_statement(), CORRECTIONS).rows
    assert [(row.month, row.original, row.project, row.minor) for row in rows] == [
        ("2026-04", "FIN-2026-000002", "llama-finetune", -250),
        ("2026-05", "FIN-2026-000004", "llama-finetune", -7740),
        ("2026-05", "FIN-2026-000004", "summarizer", 7840),
    ]


def test_a_day_of_this_month_is_no_earlier_one_unless_it_is_a_correction() -> None:
    late = a_line(usage("on_demand"), 5)._replace(day=a_line(usage("spot"), 1, of=MAY).day)
    assert [one.name for one in statement([late], CLOSED, HEADER).sections] == [USAGE]


def test_net_has_no_tax_of_corrections_either() -> None:
    view = a_statement()
    assert view.tax_minor == 128_070 + 19
    assert view.net_minor == view.total_minor - 128_089
    assert [row.month for row in of(view, TAX).rows] == ["", "2026-05"]


def test_a_correction_of_a_surcharge_is_a_correction() -> None:
    view = statement([a_line(an_item("surcharge", "s"), 3, of=MAY)], CLOSED, HEADER)
    assert [one.name for one in view.sections] == [CORRECTIONS]


def test_what_is_held_back_is_in_no_total() -> None:
    held = replace(CLOSED, held=(("why", 1_000_000),))
    assert a_statement(held).total_minor == a_statement(replace(CLOSED, held=())).total_minor


def test_closing_is_what_the_fiscal_year_has_stated_so_far() -> None:
    view = a_statement()
    assert view.closing_minor == CLOSED.opening_minor + view.total_minor


def test_who_books_it() -> None:
    assert dict(a_statement().books) == {
        BASE: sum(one.billed_minor for one in LINES if one.payer == BASE),
        GRANT: sum(one.billed_minor for one in LINES if one.payer == GRANT),
    }


@pytest.mark.parametrize(("kind", "teams"), [
    ("team", False), ("project", False), ("cost_center", True), ("fund", True),
])  # fmt: skip
def test_a_fund_and_a_cost_centre_see_teams(kind: str, teams: bool) -> None:
    assert a_statement(replace(CLOSED, kind=kind)).names_teams == teams


def test_a_project_that_two_teams_have_is_told_with_the_team() -> None:
    lines = [a_line(usage("spot"), 1, 1), a_line(usage("spot"), 2, 1, team="cv")]
    view = statement(lines, replace(CLOSED, kind="project"), HEADER)
    assert view.names_teams
    assert [row.team for row in of(view, USAGE).rows] == ["cv", "nlp"]


def test_only_what_is_closed_binds() -> None:
    assert DRAFT.is_draft
    assert replace(CLOSED, state="disputed").is_draft
    assert not CLOSED.is_draft


# ---- the law

NAMES = st.sampled_from(["", "a", "b", "=x"])
TAGS = st.builds(Tags, *[st.sampled_from([None, "a", "b"])] * 6)
ITEMS = st.builds(
    Item, st.sampled_from([
        "usage", "share", "unused", "beyond", "purchase", "shared", "overhead", "line", "credit",
        "allocation", "forgiven", "subsidised", "adjustment", "surcharge", "tax", "unheard-of",
    ]), NAMES, NAMES, NAMES, NAMES, NAMES,
)  # fmt: skip
POSTED = st.builds(
    Posted, st.integers(0, 99), st.just("2026-06"), NAMES, NAMES, st.booleans(),
    st.integers(20_000, 20_700), NAMES, TAGS, ITEMS, st.builds(Payer, NAMES, NAMES, NAMES),
    st.integers(-10**7, 10**9), *[st.integers()] * 4, st.integers(-10**13, 10**13),
)  # fmt: skip


def read(text: str, digits: int) -> int:
    """Minor units of a decimal text, by cutting out its point."""
    whole, _, fraction = text.partition(".")
    assert len(fraction) == digits
    return int(whole + fraction)


@given(st.lists(POSTED, max_size=30), st.sampled_from([0, 2, 3]), st.randoms())
def test_all_that_a_statement_says_sums_to_what_was_posted(
    posted: list[Posted], digits: int, random: Any
) -> None:
    header, whole = replace(HEADER, digits=digits), sum(one.billed_minor for one in posted)
    view = statement(posted, CLOSED, header)
    assert view.total_minor == whole
    assert sum(row.minor for one in view.sections for row in one.rows) == whole
    assert sum(minor for _, minor in view.books) == whole
    assert view.net_minor + view.tax_minor == whole
    assert view.tax_minor == sum(x.billed_minor for x in posted if x.item.category == "tax")
    found = statement_json(view)
    assert read(found["total"], digits) == whole
    for rows in ([row for one in found["sections"] for row in one["rows"]],
                 found["lines"], found["booked_by"], found["sections"]):  # fmt: skip
        assert sum(read(row["billed_cost"], digits) for row in rows) == whole
    random.shuffle(posted)
    again = statement(posted, CLOSED, header)
    assert (again.sections, again.books) == (view.sections, view.books)

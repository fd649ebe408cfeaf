"""Imported lines in the ledger: what is new, what is refused, what is taken back."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.accrual import Cost
from slurm_finops.core.period import Calendar
from slurm_finops.core.pools import Line, Spread
from slurm_finops.core.rates import EVER
from slurm_finops.core.tags import Tags
from slurm_finops.errors import InputError
from slurm_finops.ledger.import_log import Changes, Source
from slurm_finops.ledger.lines import (
    LOG,
    Dated,
    changes,
    dated,
    imported_lines,
    origins,
    store,
)
from slurm_finops.ledger.store import Ledger
from tests.support import JUNE, a_ledger

CALENDAR = Calendar(ZoneInfo("UTC"))
DAY = 86_400
#: Of a line, as the audit says it.
EGRESS = ("1900.00 once, until 2026-07-01, egress; spread by=cost, method=ratios, over=day, "
          f"ratios=[['cv', {10**30}], ['nlp', 1]], to=nlp")  # fmt: skip
RATIOS = Spread("ratios", "cost", (("cv", 10**30), ("nlp", 1)), "nlp", "day")


def line(
    first: int, days: int | None = 30, micros: int = 1_900_000_000, name: str = "egress",
    tags: Tags | None = None, spread: Spread = RATIOS, where: str = "new.csv line 2",
) -> Dated:  # fmt: skip
    """A line from so many days after 1 June on."""
    start = JUNE + first * DAY
    end = EVER if days is None else start + days * DAY
    cost = Cost(name, micros * 3600, "once" if days else "month", start, end)
    return dated(Line(name, "egress", cost, tags, spread, where), CALENDAR)


def bring(
    ledger: Ledger, name: str, *lines: Dated, take_place: bool = False
) -> Changes[Dated]:
    with ledger.transaction():
        made = changes(imported_lines(ledger.db, CALENDAR), lines, take_place)
        if made:
            store(ledger, Source(name, "csv", {}, [(f"{name}.csv", "0" * 64)]), made, JUNE, "root")
    return made


def kept(ledger: Ledger) -> list[tuple[str, int, int]]:
    june = CALENDAR.day_of(JUNE)
    return [
        (one.name, one.first - june, one.line.cost.ticks // 3600)
        for one in imported_lines(ledger.db, CALENDAR)
    ]


def audited(ledger: Ledger) -> list[tuple[str, str, str]]:
    return ledger.db.execute("SELECT actor, action, detail FROM audit").fetchall()


def test_what_is_imported_reads_back_and_names_its_import() -> None:
    ledger = a_ledger()
    lines = [
        line(0), line(30, None, name="licence", tags=Tags(team="nlp", cost_center="4711")),
        line(5, 1, (1 << 63) - 1, "storage", spread=Spread("even")),
    ]  # fmt: skip
    assert bring(ledger, "june", *lines) == Changes(lines, [], [], 0)
    assert imported_lines(ledger.db, CALENDAR) == [
        one._replace(line=Line(**vars(one.line) | {"where": "import june (new.csv line 2)"}))
        for one in lines
    ]
    assert audited(ledger) == [
        ("root", "lines import", "june (csv, june.csv): 3 lines new, 0 as before"),
        ("root", "lines import", f"june: egress from 2026-06-01: none -> {EGRESS}"),
        ("root", "lines import", "june: licence from 2026-07-01: none -> 1900.00 month, egress; "
                                 "for cost_center=4711, team=nlp"),
        ("root", "lines import", "june: storage from 2026-06-06: none -> 9223372036854.775807 once,"
                                 " until 2026-06-07, egress; spread by=gpu_hours, method=even, "
                                 "over=month"),
    ]  # fmt: skip
    (one,) = LOG.all(ledger.db)
    assert one == ("june", "csv", {}, JUNE, "root", 3, 3, (("june.csv", "0" * 64),))


def test_the_days_of_a_line_are_those_of_the_billing_zone() -> None:
    zurich = Calendar(ZoneInfo("Europe/Zurich"))
    month = zurich.period("2026-10")
    one = dated(Line("x", "other", Cost("x", 1, "once", month.start, month.end), None, Spread()),
                zurich)  # fmt: skip
    assert (one.first, one.last) == (month.first, month.last)


def test_the_same_again_changes_nothing() -> None:
    ledger = a_ledger()
    bring(ledger, "june", line(0), line(30))
    before = list(ledger.db.iterdump())
    for take_place in (False, True):
        again = bring(ledger, "again", line(0, where="a copy line 9"), line(30),
                      take_place=take_place)  # fmt: skip
        assert again == Changes([], [], [], 2)
    assert list(ledger.db.iterdump()) == before


@given(st.permutations(range(12)), st.lists(st.integers(0, 12), max_size=4))
def test_months_in_any_order_and_number_come_to_the_whole(
    order: list[int], cuts: list[int]
) -> None:
    ledger, months = a_ledger(), [line(30 * n, micros=n) for n in order]
    edges = sorted({0, 12, *cuts})
    for first, last in pairwise(edges):
        bring(ledger, f"part {first}", *months[first:last])
        bring(ledger, "so far", *months[:last])
    assert kept(ledger) == [("egress", 30 * n, n) for n in range(12)]


def test_two_of_a_name_may_not_have_a_day_in_common() -> None:
    one, two = line(0, where="a line 2"), line(29, where="a line 3")
    with pytest.raises(InputError) as caught:
        changes([], [two, one], False)
    assert str(caught.value) == (
        "a line 3: a line 2 is called 'egress', too, and both have 2026-06-30; set their days "
        "apart (from, until), or give one another name"
    )
    with pytest.raises(InputError, match="both have"):
        changes([], [one, one], False)
    assert len(changes([], [one, line(30), line(0, name="other")], False).added) == 3


@pytest.mark.parametrize("other", [line(0, micros=5), line(29), line(0, 1), line(-9, None)])
def test_another_line_for_the_same_days_is_refused_and_both_places_are_named(other: Dated) -> None:
    ledger = a_ledger()
    bring(ledger, "june", line(0), line(40))
    before = list(ledger.db.iterdump())
    with pytest.raises(InputError) as caught:
        bring(ledger, "july", line(0, name="fine"), other)
    assert str(caught.value) == (
        "new.csv line 2: 'egress' is there already for 2026-06-01 to 2026-07-01, from import june "
        "(new.csv line 2).  Nothing was imported; --replace takes the new line"
    )
    assert list(ledger.db.iterdump()) == before


def test_a_replacement_stands_alone_over_the_days_that_it_has() -> None:
    ledger = a_ledger()
    bring(ledger, "june", line(0), line(30), line(60), line(90))
    made = bring(ledger, "new", line(30, 15, 7), line(50, 40, 8), take_place=True)
    assert [len(part) for part in made[:3]] == [1, 1, 1]
    assert kept(ledger) == [
        ("egress", 0, 1_900_000_000), ("egress", 30, 7), ("egress", 50, 8),
        ("egress", 90, 1_900_000_000),
    ]  # fmt: skip
    assert [(one.name, one.brought, one.standing) for one in LOG.all(ledger.db)] == [
        ("june", 4, 2), ("new", 2, 2)
    ]  # fmt: skip


def test_a_replacement_that_would_take_other_days_along_is_refused() -> None:
    ledger = a_ledger()
    bring(ledger, "licence", line(0, None))
    with pytest.raises(InputError, match=r"is for 2026-06-01 on, more days than the file has"):
        bring(ledger, "new", line(30, None, 5), take_place=True)
    bring(ledger, "new", line(0, 30), line(30, None, 5), take_place=True)
    assert [first for _, first, _ in kept(ledger)] == [0, 30]


def test_an_import_is_taken_back_whole_and_the_audit_keeps_it() -> None:
    ledger = a_ledger()
    bring(ledger, "june", line(0))
    bring(ledger, "july", line(30))
    with ledger.transaction():
        assert LOG.remove(ledger, "june", JUNE, "root") == 1
    assert [first for _, first, _ in kept(ledger)] == [30]
    assert [one.name for one in LOG.all(ledger.db)] == ["july"]
    assert audited(ledger)[-2:] == [
        ("root", "lines remove", "june: 1 line taken back"),
        ("root", "lines remove", f"june: egress from 2026-06-01: {EGRESS} -> none"),
    ]
    assert ledger.db.execute("PRAGMA foreign_key_check").fetchall() == []


def test_of_several_with_one_name_each_says_since_when_it_is() -> None:
    found = origins([line(0), line(30), line(0, name="storage")])
    assert [one.name for one in found] == ["egress 2026-06-01", "egress 2026-07-01", "storage"]

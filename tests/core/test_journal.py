"""What finance books: balanced, whole to the minor unit, and the same each time."""

import re
from collections import defaultdict
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core import posted as record
from slurm_finops.core.journal import CATEGORIES, Accounts, Entry, counters, entries, memo
from slurm_finops.core.period import day_date
from slurm_finops.core.posted import Payer, Posted
from slurm_finops.core.tags import Tags
from tests.core.posting import months, posted

OTHER = Accounts("4000", "4100", "2200", {"credit": "4090", "usage": "2200"})


def told(entry: Entry) -> list[tuple[str, int]]:
    return [(line.account, line.amount) for line in entry.lines]


def ids(made: list[Entry]) -> list[str]:
    return [line.external_id for entry in made for line in entry.lines]


def test_who_pays_is_debited_and_what_is_paid_for_is_credited() -> None:
    (entry,) = entries([posted(100_00), posted(20_00, "share"), posted(9_60, "tax")], Accounts())
    assert told(entry) == [
        ("4711-00", 129_60), ("Recovery", -20_00), ("Tax payable", -9_60), ("Revenue", -100_00),
    ]  # fmt: skip
    assert day_date(entry.day) == date(2026, 6, 30)
    assert (entry.entity, entry.statement, entry.debit) == ("uni", "FIN-2026-000007", 129_60)


def test_what_is_given_back_stands_on_the_other_side() -> None:
    (entry,) = entries([posted(-5), posted(2, "credit", correction=True)], Accounts())
    assert told(entry) == [("4711-00", -5), ("4711-00", 2), ("Revenue", -2), ("Revenue", 5)]


def test_a_line_for_each_payer_and_owner_and_for_corrections() -> None:
    lines = [
        posted(1), posted(2, tags=Tags("nlp")), posted(4, tags=Tags("nlp", "bert")),
        posted(8, payer=Payer("core", "4711-00", "uni")), posted(16, correction=True),
        posted(32, payer=Payer("grant", "4712-00", "uni")), posted(64, tags=Tags()),
        posted(128, tags=Tags("nlp", "llama", experiment="two", cost_center="CC-1")),
    ]  # fmt: skip
    (entry,) = entries(lines, Accounts())
    # the experiment alone makes no line of its own
    assert sorted(line.amount for line in entry.lines if not line.category) == [
        2, 4, 8, 16, 32, 64, 129,
    ]  # fmt: skip


def test_an_entry_for_each_statement_period_and_entity() -> None:
    lines = [
        posted(1), posted(1, statement="FIN-2026-000008"), posted(1, period="2026-05"),
        posted(1, payer=Payer("grant", "4711-00", "clinic")),
    ]  # fmt: skip
    made = entries(lines, Accounts())
    assert [(one.period, one.entity, one.statement[-1]) for one in made] == [
        ("2026-05", "uni", "7"), ("2026-06", "clinic", "7"), ("2026-06", "uni", "7"),
        ("2026-06", "uni", "8"),
    ]  # fmt: skip
    assert len({one.entry_id for one in made}) == 4


def test_what_comes_to_nothing_is_no_line() -> None:
    assert entries([posted(5), posted(-5)], Accounts()) == []
    assert entries([], Accounts()) == []
    (entry,) = entries([posted(5), posted(-5, "credit")], OTHER)
    assert told(entry) == [("4090", 5), ("2200", -5)]


def test_accounts_by_category_come_before_the_three() -> None:
    assert [OTHER.of(one) for one in ("usage", "credit", "line", "unused", "tax")] == [
        "2200", "4090", "4000", "4100", "2200",
    ]  # fmt: skip


def test_categories_are_those_of_the_record() -> None:
    named = re.search(r"``category``: ([^.]+)\.", record.Item.__doc__ or "")
    assert named
    assert tuple(re.split(r",?\s+(?:or\s+)?", named[1])) == CATEGORIES


def test_a_line_in_words() -> None:
    (entry,) = entries([posted(5), posted(2, "tax", tags=Tags(), correction=True)], OTHER)
    assert [memo(entry, line) for line in entry.lines] == [
        "2026-06 untagged (correction)", "2026-06 nlp / llama", "2026-06 tax (correction)",
        "2026-06 usage",
    ]  # fmt: skip
    assert [list(counters(entry, line)) for line in entry.lines] == [
        ["2200"], ["2200"], ["4711-00"], ["4711-00"],
    ]  # fmt: skip


def test_an_id_is_the_same_for_ever() -> None:
    (entry,) = entries([posted(5)], Accounts())
    assert entry.entry_id == "FIN-2026-000007-0f9cae822e29b1b6"
    assert ids([entry]) == [
        "FIN-2026-000007-5207a9d7810ee59a", "FIN-2026-000007-609efc30a12b1059",
    ]  # fmt: skip


def _slowly(lines: list[Posted]) -> dict[tuple[object, ...], int]:
    """The same sums, one at a time from all lines: payers by whom, the others by category."""
    sums: dict[tuple[object, ...], int] = defaultdict(int)
    for one in lines:
        book = (one.period, one.payer.entity, one.statement, one.correction)
        owner = tuple(one.tags._asdict()[key] or "" for key in ("team", "project", "cost_center"))
        sums[(*book, "", one.payer.account, one.payer.fund, *owner)] += one.billed_minor
        sums[(*book, one.item.category, OTHER.of(one.item.category), "", "", "", "")] -= (
            one.billed_minor
        )
    return {key: amount for key, amount in sums.items() if amount}


@given(months())
def test_every_amount_is_that_of_its_lines(lines: list[Posted]) -> None:
    found = {
        (entry.period, entry.entity, entry.statement, line.correction, line.category, line.account,
         line.fund, line.team, line.project, line.cost_center): line.amount
        for entry in entries(lines, OTHER) for line in entry.lines
    }  # fmt: skip
    assert found == _slowly(lines)


@given(months())
def test_entries_balance_and_come_to_what_was_billed(lines: list[Posted]) -> None:
    made = entries(lines, Accounts())
    payers = [line.amount for entry in made for line in entry.lines if not line.category]
    assert sum(payers) == sum(one.billed_minor for one in lines)
    for entry in made:
        assert sum(line.amount for line in entry.lines) == 0
        assert all(line.amount for line in entry.lines)
        assert len(entry.lines) >= 2


@given(months(), st.randoms(use_true_random=False))
def test_the_order_of_lines_makes_no_difference(lines: list[Posted], chance) -> None:
    shuffled = list(lines)
    chance.shuffle(shuffled)
    assert entries(shuffled, Accounts()) == entries(lines, Accounts())


@given(months())
def test_ids_are_each_lines_own_whatever_else_is_exported(lines: list[Posted]) -> None:
    made = entries(lines, Accounts())
    every = [*ids(made), *(entry.entry_id for entry in made)]
    assert len(set(every)) == len(every)
    # on other accounts, and each statement by itself
    assert ids(entries(lines, OTHER)) == ids(made)
    alone = [
        name for entry in made for name in ids(entries([
            one for one in lines
            if (one.period, one.payer.entity, one.statement)
            == (entry.period, entry.entity, entry.statement)
        ], Accounts()))
    ]  # fmt: skip
    assert alone == ids(made)

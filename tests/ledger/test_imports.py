"""Imported rates in the ledger: what is new, what is refused, what is taken back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.approval import Approval
from slurm_finops.core.rates import Rate
from slurm_finops.errors import InputError
from slurm_finops.ledger.import_log import Changes, Source
from slurm_finops.ledger.imports import LOG, Origin, changes, imported_rates, store
from slurm_finops.ledger.schema_moved import steps
from slurm_finops.ledger.store import Ledger
from tests.support import JUNE, a_ledger

SPOT = (("partition", "spot"),)
STEP = "gres/gpu:h100 partition=spot from 2026-06-01T"


def offered(*points: tuple[int, int], origin: str = "zone a", file: str = "new") -> list[Origin]:
    """Steps ``(hours from June on, price)``."""
    return [
        Origin(Rate("gres/gpu:h100", price, JUNE + hour * 3600, 8, "spot", SPOT, 0, f"{file} {i}"),
               origin)
        for i, (hour, price) in enumerate(points, 1)
    ]  # fmt: skip


def bring(ledger: Ledger, name: str, rates: list[Origin], replace: bool = False) -> Changes[Origin]:
    with ledger.transaction():
        made = changes(ledger.db, rates, replace)
        if made:
            source = Source(name, "aws-spot", {"zone": "a"}, [(f"{name}.json", "0" * 64)])
            store(ledger, source, made, JUNE, "root")
    return made


def kept(ledger: Ledger) -> list[tuple[int, int]]:
    return [((rate.start - JUNE) // 3600, rate.price) for rate in imported_rates(ledger.db)]


def audited(ledger: Ledger) -> list[tuple[str, str, str]]:
    return ledger.db.execute("SELECT actor, action, detail FROM audit").fetchall()


def test_what_is_imported_reads_back_and_names_its_import() -> None:
    ledger = a_ledger()
    rates = offered((0, 23_280_000), (6, 31_360_000))
    assert bring(ledger, "june", rates) == Changes(rates, [], [], 0)
    where = "import june (gres/gpu:h100)"
    assert imported_rates(ledger.db) == [one.rate._replace(where=where) for one in rates]
    assert audited(ledger) == [
        ("root", "rates import", "june (aws-spot, june.json): 2 rates new, 0 as before"),
        ("root", "rates import", f"june: {STEP}00:00:00Z: none -> 23.28/h for 8 spot (zone a)"),
        ("root", "rates import", f"june: {STEP}06:00:00Z: none -> 31.36/h for 8 spot (zone a)"),
    ]
    (one,) = LOG.all(ledger.db)
    assert one == ("june", "aws-spot", {"zone": "a"}, JUNE, "root", 2, 2,
                   (("june.json", "0" * 64),))  # fmt: skip


def test_the_same_again_changes_nothing() -> None:
    ledger = a_ledger()
    bring(ledger, "june", offered((0, 1), (6, 2)))
    before = list(ledger.db.iterdump())
    for replace in (False, True):
        assert bring(ledger, "again", offered((0, 1), (6, 2)), replace) == Changes([], [], [], 2)
    assert list(ledger.db.iterdump()) == before


@given(
    st.dictionaries(st.integers(0, 40), st.integers(0, 9), min_size=1, max_size=12),
    st.integers(0, 40), st.integers(0, 40),
)  # fmt: skip
def test_parts_of_a_history_in_any_order_come_to_the_whole(
    points: dict[int, int], one: int, two: int
) -> None:
    ledger, ordered = a_ledger(), sorted(points.items())
    for cut in (ordered[:one], ordered[two:], ordered):
        if cut:
            bring(ledger, "part", offered(*cut))
    assert kept(ledger) == ordered
    assert sum(one.standing for one in LOG.all(ledger.db)) == len(ordered)


def test_another_price_for_the_same_moment_is_refused_and_both_sources_are_named() -> None:
    ledger = a_ledger()
    bring(ledger, "june", offered((0, 23_280_000), (6, 31_360_000)))
    before = list(ledger.db.iterdump())
    with pytest.raises(InputError) as caught:
        bring(ledger, "july", offered((6, 30_000_000), (7, 1)))
    assert str(caught.value) == (
        "gres/gpu:h100 from 2026-06-01T06:00:00Z: 30.00/h for 8 spot in new 1, and 31.36/h for 8 "
        "spot in import june (gres/gpu:h100).  Nothing was imported; --replace takes the new price"
    )
    assert list(ledger.db.iterdump()) == before


def test_a_replacement_stands_alone_over_the_time_that_it_covers() -> None:
    ledger = a_ledger()
    bring(ledger, "june", offered((0, 1), (2, 2), (4, 3), (9, 4)))
    made = bring(ledger, "new", offered((2, 7), (5, 8)), replace=True)
    assert [len(part) for part in made[:3]] == [1, 1, 1]
    assert kept(ledger) == [(0, 1), (2, 7), (5, 8), (9, 4)]
    assert [(one.name, one.brought, one.standing) for one in LOG.all(ledger.db)] == [
        ("june", 4, 2), ("new", 2, 2)
    ]  # fmt: skip
    head, *steps_said = [said for _, _, said in audited(ledger) if said.startswith("new")]
    assert head.endswith("1 rate new, 1 replaced, 1 taken away, 0 as before")
    assert steps_said == [
        f"new: {STEP}02:00:00Z: 0.000002/h for 8 spot (zone a) -> 0.000007/h for 8 spot (zone a)",
        f"new: {STEP}04:00:00Z: 0.000003/h for 8 spot (zone a) -> none",
        f"new: {STEP}05:00:00Z: none -> 0.000008/h for 8 spot (zone a)",
    ]


def test_of_many_prices_the_audit_has_first_those_that_are_kept_nowhere_else() -> None:
    ledger = a_ledger()
    bring(ledger, "june", offered(*((hour, 1) for hour in range(100, 110))))
    bring(ledger, "new", offered(*((hour, 2) for hour in range(110))), replace=True)
    said = [text for _, _, text in audited(ledger) if text.startswith("new: ")]
    steps_said = [text for text in said if " -> " in text]
    assert sum(": none ->" not in text for text in steps_said) == 10
    assert said[-1] == f"new: and {110 - len(steps_said)} more"
    with ledger.transaction():
        LOG.remove(ledger, "new", JUNE, "root")
    gone = [text for _, action, text in audited(ledger) if action == "rates remove"]
    assert gone[-1] == f"new: and {110 - len(gone[1:-1])} more"


def test_steps_of_two_zones_never_mix() -> None:
    ledger = a_ledger()
    bring(ledger, "a", offered((0, 1), (6, 2)))
    other = offered((3, 5), (4, 5), origin="zone b")
    said = r"prices of 'zone b', and among them in time lie those of 'zone a' in import a \(gres"
    with pytest.raises(InputError, match=said):
        bring(ledger, "b", other)
    later = offered((7, 5), origin="zone b")
    bring(ledger, "later", later)
    assert kept(ledger) == [(0, 1), (6, 2), (7, 5)]
    elsewhere = [one._replace(rate=one.rate._replace(rank=1)) for one in other]
    bring(ledger, "ranked", elsewhere)
    assert len(kept(ledger)) == 5


def test_an_import_is_taken_back_whole_and_the_audit_keeps_it() -> None:
    ledger = a_ledger()
    bring(ledger, "june", offered((0, 1), (6, 2)))
    bring(ledger, "july", offered((6, 2), (9, 3)))
    with ledger.transaction():
        assert LOG.remove(ledger, "june", JUNE, "root") == 2
    assert kept(ledger) == [(9, 3)]
    assert [one.name for one in LOG.all(ledger.db)] == ["july"]
    assert audited(ledger)[-3:] == [
        ("root", "rates remove", "june: 2 rates taken back"),
        ("root", "rates remove", f"june: {STEP}00:00:00Z: 0.000001/h for 8 spot (zone a) -> none"),
        ("root", "rates remove", f"june: {STEP}06:00:00Z: 0.000002/h for 8 spot (zone a) -> none"),
    ]
    assert ledger.db.execute("PRAGMA foreign_key_check").fetchall() == []
    # what july had found to be there already comes with it again
    assert bring(ledger, "july", offered((6, 2), (9, 3))).same == 1
    assert kept(ledger) == [(6, 2), (9, 3)]


def approved(rates: list[Origin], approval: Approval | None) -> list[Origin]:
    return [one._replace(rate=one.rate._replace(approval=approval)) for one in rates]


def test_the_same_prices_with_another_approval_are_a_change_and_one_that_says_nothing_is_none(
) -> None:
    ledger, rates = a_ledger(), offered((0, 1), (6, 2))
    board, dean = Approval("board", "B-1"), Approval("dean")
    bring(ledger, "june", rates)
    assert bring(ledger, "june", approved(rates, board))[3:] == (0, (*approved(rates, board),))
    before = list(ledger.db.iterdump())
    for again in (approved(rates, board), rates):
        assert not bring(ledger, "june", again)
    assert list(ledger.db.iterdump()) == before
    assert [rate.approval for rate in imported_rates(ledger.db)] == [board, board]
    bring(ledger, "dean", approved(rates[:1], dean))
    assert [rate.approval for rate in imported_rates(ledger.db)] == [dean, board]
    assert [one[2] for one in audited(ledger)][-2:] == [
        "dean (aws-spot, dean.json): 0 rates new, 1 approved otherwise, 0 as before",
        "dean: gres/gpu:h100 from 2026-06-01T00:00:00Z on (1 rate): dean; before: board (B-1)",
    ]


def test_a_replacement_says_all_of_approvals_too() -> None:
    ledger, rates = a_ledger(), offered((0, 1), (6, 2))
    bring(ledger, "june", approved(rates, Approval("board")))
    made = bring(ledger, "bare", rates, replace=True)
    assert (made.replaced, len(made.approved), made.same) == ([], 2, 0)
    assert [rate.approval for rate in imported_rates(ledger.db)] == [None, None]
    assert kept(ledger) == [(0, 1), (6, 2)]


def test_without_a_ledger_all_is_new() -> None:
    assert changes(None, offered((0, 1)), False) == Changes(offered((0, 1)), [], [], 0)


def test_a_ledger_of_the_step_before_is_brought_up_to_date(tmp_path) -> None:  # type: ignore[no-untyped-def]
    import sqlite3

    from sqlite_utils import Database

    path = tmp_path / "l.db"
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("BEGIN")
    steps.apply(Database(old, execute_plugins=False), stop_before="0004_imported_rates")
    old.execute("COMMIT")
    old.execute("PRAGMA user_version = 3")
    old.close()
    ledger = a_ledger(path)
    bring(ledger, "june", offered((0, 1)))
    assert kept(ledger) == [(0, 1)]

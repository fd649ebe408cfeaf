"""Giving, revoking and listing credits, and the days that have to be applied again."""

import sqlite3

import pytest

from slurm_finops.errors import InputError, OutsideError
from slurm_finops.ledger import credits
from slurm_finops.ledger.credits import Granted
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR
from tests.ledger.giving import AT, give, of_run, outage, ran
from tests.support import JUNE, a_ledger, write


def take_back(ledger: Ledger, number: int, why: str = "the wrong rack") -> Granted:
    return credits.revoke(ledger, number, why, CALENDAR, AT + 9, "ops")


def undrawn(ledger: Ledger) -> list[int]:
    """Days counted from the first of June."""
    return [day - FIRST for day in credits.undrawn(ledger.db)]


def ids(found: list[Granted]) -> list[int]:
    return [one.id for one in found]


def dump(ledger: Ledger) -> list[str]:
    return list(ledger.db.iterdump())


def test_a_credit_is_listed_as_it_was_given() -> None:
    ledger = a_ledger()
    wanted = outage("gpu[01-04]", HOUR, 2 * HOUR, num=1, den=2)
    given = give(ledger, wanted)
    assert given == Granted(1, wanted, AT, "root")
    assert credits.listed(ledger.db) == [given]


def test_a_run_of_a_saved_file_without_raw_ids_keeps_its_name_as_its_key() -> None:
    ledger = a_ledger()
    give(ledger, of_run("16_3", "16_3"))
    give(ledger, of_run("17", 17))
    assert [one.wanted.job_id_raw for one in credits.listed(ledger.db)] == ["16_3", 17]


def test_giving_and_revoking_are_audited_with_all_their_words() -> None:
    ledger = a_ledger()
    give(ledger, outage("n1", HOUR, DAY, num=1, den=2))
    give(ledger, of_run("100", 100, submit=JUNE))
    take_back(ledger, 1)
    assert ledger.db.execute("SELECT at, actor, action, detail FROM audit").fetchall() == [
        (AT, "root", "credits add", "1: 1/2 of n1 of alpha, 2026-06-01T01:00:00+00:00 to "
         "2026-06-02; cooling failed; ticket OPS-17; approved by pi@example.org"),
        (AT, "root", "credits add", "2: all of run 100 of alpha submitted at "
         "2026-06-01T00:00:00+00:00; disk full; approved by pi@example.org"),
        (AT + 9, "ops", "credits revoke", "1: 1/2 of n1 of alpha, 2026-06-01T01:00:00+00:00 to "
         "2026-06-02; the wrong rack"),
    ]  # fmt: skip


def test_what_is_revoked_is_kept_and_no_longer_in_force() -> None:
    ledger = a_ledger()
    given = give(ledger, outage("n1", 0, DAY))
    revoked = take_back(ledger, 1)
    assert revoked == given._replace(
        revoked_at=AT + 9, revoked_by="ops", revoked_why="the wrong rack"
    )
    assert credits.listed(ledger.db) == []
    assert credits.applying(ledger.db, JUNE, JUNE + DAY) == []
    assert credits.listed(ledger.db, revoked=True) == [revoked]


def test_one_that_is_revoked_or_was_never_given_is_not_revoked() -> None:
    ledger = a_ledger()
    give(ledger, outage("n1", 0, DAY))
    take_back(ledger, 1)
    before = dump(ledger)
    with pytest.raises(InputError, match=r"revoked already, at 2026-07-11T.* by ops: the wrong"):
        take_back(ledger, 1)
    with pytest.raises(InputError, match=r"no credit 2; slurm-finops credits list"):
        take_back(ledger, 2)
    assert dump(ledger) == before


@pytest.mark.parametrize("statement", [
    "DELETE FROM credits", "UPDATE credits SET num = 1, den = 3",
    "UPDATE credits SET reason = 'other', revoked_at = 1, revoked_by = 'x', revoked_why = 'y'",
    "UPDATE credits SET nodes = NULL", "UPDATE credits SET id = 9",
])  # fmt: skip
def test_a_credit_never_changes_but_for_being_revoked(statement: str) -> None:
    ledger = a_ledger()
    give(ledger, outage("n1", 0, DAY))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger.db.execute(statement)


@pytest.mark.parametrize("column", ["at = NULL", "by = 'nobody'", "why = 'other'"])
def test_a_revocation_never_changes(column: str) -> None:
    ledger = a_ledger()
    give(ledger, outage("n1", 0, DAY))
    take_back(ledger, 1)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger.db.execute(f"UPDATE credits SET revoked_{column}")


@pytest.mark.parametrize("wrong", [
    {"num": 0}, {"num": 3, "den": 2}, {"num": 0.5}, {"den": 1.5}, {"reason": " "},
    {"approver": ""}, {"nodes": None}, {"until": None}, {"until": JUNE}, {"kind": "run"},
    {"kind": "gift"}, {"job_id": "4711"},
])  # fmt: skip
def test_what_is_no_credit_is_not_stored(wrong: dict[str, object]) -> None:
    ledger = a_ledger()
    before = dump(ledger)
    with pytest.raises(OutsideError, match="CHECK constraint failed"):
        give(ledger, outage("n1", 0, DAY)._replace(**wrong), again=True)  # type: ignore[arg-type]
    assert dump(ledger) == before


# ---- the same again


@pytest.mark.parametrize("same", [
    outage("gpu[1-2]", 0, DAY, reason="another", ticket="", approver="another"),
    outage("gpu2,gpu1", 0, DAY),
])  # fmt: skip
def test_what_forgives_the_same_is_refused_with_the_first_ones_number(same) -> None:  # type: ignore[no-untyped-def]
    ledger = a_ledger()
    give(ledger, outage("n9", 0, DAY))
    give(ledger, outage("gpu[1-2]", 0, DAY))
    before = dump(ledger)
    with pytest.raises(InputError, match=r"credit 2 \(all of gpu\[1-2\] of alpha.*--again"):
        give(ledger, same)
    assert dump(ledger) == before
    assert give(ledger, same, again=True).id == 3


@pytest.mark.parametrize("other", [
    outage("gpu[1-3]", 0, DAY), outage("gpu[1-2]", 1, DAY), outage("gpu[1-2]", 0, DAY + 1),
    outage("gpu[1-2]", 0, DAY, num=1, den=2), outage("gpu[1-2]", 0, DAY, cluster="beta"),
])  # fmt: skip
def test_what_forgives_something_else_is_another_credit(other) -> None:  # type: ignore[no-untyped-def]
    ledger = a_ledger()
    give(ledger, outage("gpu[1-2]", 0, DAY))
    assert give(ledger, other).id == 2


def test_what_is_revoked_can_be_given_anew() -> None:
    ledger = a_ledger()
    give(ledger, of_run("100", 100))
    with pytest.raises(InputError, match="credit 1"):
        give(ledger, of_run("100", 100))
    assert give(ledger, of_run("100", 100, submit=JUNE)).id == 2
    take_back(ledger, 1)
    assert give(ledger, of_run("100", 100)).id == 3


# ---- which may apply


def test_those_that_touch_a_time_are_found_by_number() -> None:
    ledger = a_ledger()
    give(ledger, outage("n1", DAY, 2 * DAY))
    give(ledger, of_run("100", 100))
    give(ledger, of_run("100", 100, since=JUNE + DAY))
    give(ledger, of_run("100", 100, until=JUNE + DAY))

    def touching(start: int, end: int) -> list[int]:
        return ids(credits.applying(ledger.db, JUNE + start, JUNE + end))

    assert touching(0, DAY) == [2, 4]
    assert touching(DAY - 1, DAY + 1) == [1, 2, 3, 4]
    assert touching(2 * DAY - 1, 3 * DAY) == [1, 2, 3]
    assert touching(2 * DAY, 3 * DAY) == [2, 3]


# ---- days to be applied again


def test_an_outage_marks_the_days_of_its_window_and_its_revocation_again() -> None:
    ledger = a_ledger()
    give(ledger, outage("n1", DAY, 3 * DAY))
    assert undrawn(ledger) == [1, 2]
    credits.mark_drawn(ledger.db, [FIRST + 1])
    assert undrawn(ledger) == [2]
    credits.mark_drawn(ledger.db, [FIRST + 2])
    take_back(ledger, 1)
    assert undrawn(ledger) == [1, 2]


def test_a_window_marks_the_days_it_begins_and_ends_in() -> None:
    ledger = a_ledger()
    give(ledger, outage("n1", DAY - 1, DAY + 1))
    assert undrawn(ledger) == [0, 1]


def test_a_run_marks_the_days_its_charges_can_lie_on() -> None:
    ledger = a_ledger()
    # suspended time may be charged, and what is rounded up may reach into the next day
    write(ledger, ran(100, DAY + HOUR, DAY, suspended=DAY), ran(101))
    give(ledger, of_run("100", 100))
    assert undrawn(ledger) == [1, 2, 3, 4]


def test_a_runs_window_marks_only_what_it_holds_of_the_run() -> None:
    ledger = a_ledger()
    write(ledger, ran(100, 0, 9 * DAY))
    give(ledger, of_run("100", 100, since=JUNE + 5 * DAY + 1, until=JUNE + 6 * DAY - 1))
    assert undrawn(ledger) == [5, 6]


def test_revoking_marks_also_what_came_after_the_credit_was_given() -> None:
    ledger = a_ledger()
    write(ledger, ran(100))
    give(ledger, of_run("100", 100))
    credits.mark_drawn(ledger.db, credits.undrawn(ledger.db))
    write(ledger, ran(100, 20 * DAY))
    take_back(ledger, 1)
    assert undrawn(ledger) == [0, 1, 20, 21]

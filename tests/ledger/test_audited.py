"""The audit in the ledger: it only grows, and is read as it was written."""

import sqlite3
from pathlib import Path

import pytest
from sqlite_utils import Database

from slurm_finops.ledger.audited import EVERYTHING, Entry, Wanted, actions, entries, last
from slurm_finops.ledger.configured import note
from slurm_finops.ledger.schema_audit import steps
from slurm_finops.ledger.store import Ledger
from tests.support import a_ledger


def audited(*rows: tuple[int, str, str]) -> Ledger:
    ledger = a_ledger()
    for at, actor, action in rows:
        ledger.audit(at, actor, action, f"at {at}")
    return ledger


ROWS = ((10, "root", "rates"), (20, "ops", "rates import"), (30, "root", "credits add"))
REPLACED = "INTO audit (id, at, actor, action, detail) VALUES ({}, 1, 'x', 'x', 'x')"


@pytest.mark.parametrize("statement", [
    "DELETE FROM audit",
    "UPDATE audit SET actor = 'nobody'",
    "UPDATE OR REPLACE audit SET id = 1 WHERE id = 2",
    f"INSERT OR REPLACE {REPLACED.format(2)}",
    f"REPLACE {REPLACED.format(3)}",
    f"INSERT OR IGNORE {REPLACED.format(2)}",
    f"INSERT {REPLACED.format(2)} ON CONFLICT (id) DO UPDATE SET actor = 'nobody'",
    f"INSERT {REPLACED.format(0)}",
    f"INSERT {REPLACED.format(-1)}",
    # behind which no entry would have a number
    f"INSERT {REPLACED.format((1 << 63) - 1)}",
    f"INSERT {REPLACED.format(5)}",
])  # fmt: skip
@pytest.mark.parametrize("recursive", [0, 1])
def test_no_statement_changes_what_is_there_or_slips_something_in(
    statement: str, recursive: int
) -> None:
    ledger = audited(*ROWS)
    ledger.db.execute(f"PRAGMA recursive_triggers = {recursive}")
    before = list(entries(ledger.db))
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger.db.execute(statement)
    assert list(entries(ledger.db)) == before
    ledger.audit(40, "root", "rates", "and it goes on")
    assert len(list(entries(ledger.db))) == 4


def test_the_first_entry_is_the_first() -> None:
    ledger = a_ledger()
    for number in (-1, 0, 2):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            ledger.db.execute(f"INSERT {REPLACED.format(number)}")
    assert list(entries(ledger.db)) == []


@pytest.mark.parametrize(("wanted", "times"), [
    (EVERYTHING, [10, 20, 30]),
    (Wanted(since=20), [20, 30]),
    (Wanted(until=20), [10]),
    (Wanted(10, 30), [10, 20]),
    (Wanted(action="rates"), [10, 20]),
    (Wanted(action="%"), []),
    (Wanted(by="root"), [10, 30]),
    (Wanted(by=""), []),
    (Wanted(action="rates", by="root", since=11), []),
])  # fmt: skip
def test_entries_are_chosen_by_time_action_and_login(wanted: Wanted, times: list[int]) -> None:
    ledger = audited(*ROWS)
    assert [one.at for one in entries(ledger.db, wanted)] == times
    assert last(ledger.db, wanted, 1) == (
        [one for one in entries(ledger.db) if one.at in times[-1:]], max(len(times) - 1, 0)
    )
    assert last(ledger.db, wanted, 9) == (list(entries(ledger.db, wanted)), 0)


def test_an_action_is_named_once() -> None:
    assert actions(audited(*ROWS, *ROWS).db) == ["credits add", "rates", "rates import"]
    assert list(entries(audited(ROWS[0]).db)) == [Entry(10, "root", "rates", "at 10")]


def test_a_configuration_is_noted_when_it_says_something_else() -> None:
    ledger, one = a_ledger(), {"": {"cluster": '"alpha"'}, "teams nlp": {"budget": '"1"'}}
    note(ledger, one, 1, "ops")
    note(ledger, one, 2, "ops")
    note(ledger, {"": {"cluster": '"beta"'}, "teams nlp": {"budget": '"2"'}}, 3, "root")
    assert list(entries(ledger.db)) == [
        Entry(1, "ops", "configuration", "first seen, with 2 keys"),
        Entry(3, "root", "configuration", 'cluster: "alpha" -> "beta"'),
        Entry(3, "root", "configuration teams", 'teams nlp budget: "1" -> "2"'),
    ]


@pytest.mark.parametrize(("kind", "rest"), [("alerts", 30), ("teams", 31)])
def test_a_flood_of_what_is_new_hides_no_change(kind: str, rest: int) -> None:
    ledger = a_ledger()
    many = {f"{kind} {i:02}": {"x": "1"} for i in range(50)}
    note(ledger, {"teams nlp": {"budget": '"1"'}}, 1, "ops")
    note(ledger, many | {"teams nlp": {"budget": '"2"'}}, 2, "ops")
    found = [one.detail for one in entries(ledger.db, Wanted(since=2))]
    assert (found[0], found[-1]) == ('teams nlp budget: "1" -> "2"', f"and {rest} more")
    assert len(found) == 52 - rest


def test_a_ledger_that_has_an_audit_is_closed_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    old = sqlite3.connect(path, isolation_level=None)
    old.execute("BEGIN")
    steps.apply(Database(old, execute_plugins=False), stop_before="0018_audit_kept")
    old.execute("INSERT INTO audit (at, actor, action, detail) VALUES (1, 'root', 'rates', 'x')")
    old.execute("COMMIT")
    old.execute("PRAGMA user_version = 17")
    old.close()
    ledger = a_ledger(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger.db.execute(f"REPLACE {REPLACED.format(1)}")
    ledger.audit(2, "root", "rates", "y")
    assert [one.detail for one in entries(ledger.db)] == ["x", "y"]

"""Retags in the ledger: kept for good, undone once; and a ledger of before takes them."""

import sqlite3
from pathlib import Path

import pytest

from slurm_finops.core.retags import Retag, Wanted
from slurm_finops.errors import InputError
from slurm_finops.ledger.retags import check_new, end, find, in_force, insert, listed, told
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR
from tests.support import JUNE, a_ledger, a_run, write

RULE = Wanted("rule", None, None, None, None, None, (("account", "nlp"), ("project", None)), JUNE,
              None, (("project", "bert"), ("model", None)), "nobody named it", "OPS-1",
              "pi@example.org")  # fmt: skip
JOB = Wanted("run", "alpha", "16", None, "nlp1", JUNE, (), None, None, (("team", "cv"),), "theirs",
             "", "")  # fmt: skip


def made(ledger: Ledger, *many: Wanted) -> list[Retag]:
    with ledger.transaction() as db:
        return [insert(db, wanted, JUNE, "root") for wanted in many]


def test_a_retag_comes_back_as_it_was_made() -> None:
    ledger = a_ledger()
    stored = made(ledger, RULE, JOB)
    assert in_force(ledger.db) == listed(ledger.db) == stored
    assert [one.id for one in stored] == [1, 2]
    assert (stored[0].wanted.approver, stored[0].wanted.reason) == ("pi@example.org",
                                                                    "nobody named it")  # fmt: skip


def test_it_is_undone_once_and_stays() -> None:
    ledger = a_ledger()
    first, second = made(ledger, RULE, JOB)
    with ledger.transaction() as db:
        undone = end(db, find(db, 1, CALENDAR), "wrong", JUNE + 1, "ops")
    assert in_force(ledger.db) == [second]
    assert listed(ledger.db) == [undone, second]
    assert undone[:3] == first[:3]
    with pytest.raises(InputError, match=r"retag 1 is undone already, at .* by ops: wrong"):
        find(ledger.db, 1, CALENDAR)
    with pytest.raises(InputError, match="there is no retag 3"):
        find(ledger.db, 3, CALENDAR)


@pytest.mark.parametrize("statement", [
    "DELETE FROM retags", "UPDATE retags SET sets = '{\"team\": \"x\"}'",
    "UPDATE retags SET reason = 'another'", "UPDATE OR REPLACE retags SET id = 1 WHERE id = 2",
    "UPDATE retags SET undone_at = NULL, undone_by = NULL, undone_why = NULL WHERE id = 1",
    "INSERT OR REPLACE INTO retags SELECT * FROM retags WHERE id = 2",
])  # fmt: skip
def test_no_statement_changes_or_replaces_one(statement: str) -> None:
    ledger = a_ledger()
    first, _ = made(ledger, RULE, JOB)
    end(ledger.db, first, "wrong", JUNE, "ops")
    before = listed(ledger.db)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        ledger.db.execute(statement)
    assert listed(ledger.db) == before


def test_the_same_again_is_refused_until_the_first_is_undone() -> None:
    ledger = a_ledger()
    (first,) = made(ledger, RULE)
    turned = RULE._replace(match=RULE.match[::-1], reason="again", ticket="")
    with pytest.raises(InputError, match=r"retag 1 .* does the same already"):
        check_new(ledger.db, turned, CALENDAR)
    check_new(ledger.db, RULE._replace(until=JUNE + 1), CALENDAR)
    end(ledger.db, first, "wrong", JUNE, "ops")
    check_new(ledger.db, turned, CALENDAR)


def test_what_it_is_for_is_told_in_words() -> None:
    assert told(CALENDAR, RULE) == (
        "project=bert, model=- for runs with account=nlp, project=-, started 2026-06-01 to …"
    )
    assert told(CALENDAR, JOB) == (
        "team=cv for run 16 of alpha submitted at 2026-06-01T00:00:00+00:00"
    )


def test_a_ledger_of_before_is_widened_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlite_utils import Database

    from slurm_finops.ledger.schema_audit import steps

    path = tmp_path / "old.db"
    db = sqlite3.connect(path, isolation_level=None)
    steps.apply(Database(db, execute_plugins=False), stop_before="0019_retags")
    db.execute("PRAGMA user_version = 18")
    db.execute("INSERT INTO tag_sets (id, content, faults, source) VALUES (7, 7, '', 'seal')")
    with pytest.raises(sqlite3.IntegrityError):
        db.execute("INSERT INTO tag_sets (content, faults, source) VALUES (8, '', 'retag')")
    ledger = a_ledger(path)
    # a connection that was open before sees it, too
    for each in (db, ledger.db):
        each.execute("INSERT INTO tag_sets (content, faults, source) "
                     "VALUES (abs(random()), '', 'retag')")  # fmt: skip
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            each.execute("INSERT INTO tag_sets (content, faults, source) VALUES (9, '', 'gossip')")
    assert ledger.db.execute("SELECT source FROM tag_sets WHERE id = 7").fetchone() == ("seal",)
    assert ledger.db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    write(ledger, a_run())


def test_a_run_whose_name_changes_is_looked_at_again_where_there_are_retags() -> None:
    ledger = a_ledger()
    going = a_run(provisional=True, end=None, state="RUNNING")
    write(ledger, going)
    write(ledger, going._replace(job_name="sweep-1"))
    assert ledger.db.execute("SELECT count(*) FROM pricing_queue").fetchone() == (0,)
    made(ledger, RULE)
    write(ledger, going._replace(job_name="sweep-1"))
    assert ledger.db.execute("SELECT count(*) FROM pricing_queue").fetchone() == (0,)
    write(ledger, going._replace(job_name="sweep-2"))
    assert ledger.db.execute("SELECT count(*) FROM pricing_queue").fetchone() == (1,)

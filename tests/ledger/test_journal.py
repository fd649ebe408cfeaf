"""What was sent to finance and what it answered stay as they are."""

import sqlite3

import pytest

from slurm_finops.core.journal import Accounts, Entry, entries
from slurm_finops.core.journal_status import Status
from slurm_finops.errors import RefusedError
from slurm_finops.ledger.audited import entries as audited
from slurm_finops.ledger.journal import exported, hear, keep, rejected, unheard
from slurm_finops.ledger.store import Ledger
from tests.core.posting import posted
from tests.support import a_ledger


def journal(*minor: int, accounts: Accounts | None = None) -> list[Entry]:
    return entries([posted(one) for one in minor], accounts or Accounts())


@pytest.fixture
def ledger() -> Ledger:
    ledger = a_ledger()
    with ledger.transaction():
        keep(ledger, journal(500), 1, "ops")
    return ledger


def ids(ledger: Ledger) -> list[str]:
    return list(exported(ledger.db))


def said(ledger: Ledger) -> list[tuple[object, ...]]:
    return ledger.db.execute("SELECT status, reason, at, actor FROM journal_status").fetchall()


def test_lines_are_kept_once_and_audited(ledger: Ledger) -> None:
    made = journal(500)
    with ledger.transaction():
        assert keep(ledger, made, 2, "ops") == (0, [])
    assert [(line.account, line.amount) for line in exported(ledger.db).values()] == [
        ("4711-00", 500), ("Revenue", -500),
    ]  # fmt: skip
    assert [(one.action, one.detail) for one in audited(ledger.db)] == [
        ("export journal", "FIN-2026-000007 for 2026-06: 2 lines"),
    ]  # fmt: skip


def test_another_amount_under_the_same_id_is_refused(ledger: Ledger) -> None:
    before = ledger.db.execute("SELECT * FROM journal_lines").fetchall()
    altered = "is not what was exported before: a closed period was altered"
    with pytest.raises(RefusedError, match=altered), ledger.transaction():
        keep(ledger, journal(501), 2, "ops")
    assert ledger.db.execute("SELECT * FROM journal_lines").fetchall() == before


def test_a_line_on_another_account_is_told_and_stays_as_it_was_sent(ledger: Ledger) -> None:
    with ledger.transaction():
        kept = keep(ledger, journal(500, accounts=Accounts("4000")), 2, "ops")
    assert [line.account for line in kept.elsewhere] == ["Revenue"]
    assert {line.account for line in exported(ledger.db).values()} == {"4711-00", "Revenue"}


def test_of_several_answers_the_last_holds(ledger: Ledger) -> None:
    payer, _ = ids(ledger)
    no, yes = Status(payer, "rejected", "closed", "J-1"), Status(payer, "accepted", "", "J-2")
    for at, status in enumerate((no, yes, no), 1):
        with ledger.transaction():
            new = unheard(ledger.db, [status])
            assert new == [status]
            hear(ledger, new, "a.csv", at, "ops")
        assert bool(rejected(ledger.db)) == (status == no)
        assert unheard(ledger.db, [status]) == []
    ((line, status),) = rejected(ledger.db)
    assert (line.fund, line.amount, status) == ("grant", 500, no)
    assert said(ledger) == [
        ("rejected", "closed", 1, "ops"), ("accepted", "", 2, "ops"),
        ("rejected", "closed", 3, "ops"),
    ]  # fmt: skip
    assert [one.detail for one in audited(ledger.db)][1:3] == [
        f"a.csv: 0 accepted, 1 rejected: {payer}: 'closed'", "a.csv: 1 accepted, 0 rejected",
    ]  # fmt: skip


@pytest.mark.parametrize("sql", [
    "UPDATE journal_lines SET amount_minor = 1",
    "DELETE FROM journal_lines",
    "INSERT OR REPLACE INTO journal_lines SELECT external_id, period, statement, entity, account,"
    " 1, category, fund, team, project, cost_center, correction, 9 FROM journal_lines",
    "UPDATE journal_status SET status = 'accepted'",
    "DELETE FROM journal_status",
    "INSERT OR REPLACE INTO journal_status SELECT id, external_id, 'accepted', '', '', 1, 'x'"
    " FROM journal_status",
    "INSERT INTO journal_status SELECT id + 5, external_id, 'accepted', '', '', 1, 'x'"
    " FROM journal_status",
])  # fmt: skip
def test_what_was_sent_and_said_is_append_only(ledger: Ledger, sql: str) -> None:
    hear(ledger, [Status(ids(ledger)[0], "rejected", "closed", "")], "a.csv", 1, "ops")
    before = said(ledger), exported(ledger.db)
    with pytest.raises(sqlite3.IntegrityError, match="is append-only"):
        ledger.db.execute(sql)
    assert (said(ledger), exported(ledger.db)) == before

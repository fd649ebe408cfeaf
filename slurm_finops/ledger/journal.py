"""Journals that were exported, and what finance answered to their lines."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slurm_finops.core.funds import SUSPENSE
from slurm_finops.core.journal import Entry
from slurm_finops.core.journal_status import REJECTED, Sent, Status, sent
from slurm_finops.core.words import count, shown
from slurm_finops.errors import RefusedError
from slurm_finops.ledger.store import Ledger

_COLUMNS = """external_id, period, statement, entity, account, amount_minor, category, fund, team,
  project, cost_center, correction"""
_INSERT = f"INSERT INTO journal_lines VALUES ({', '.join('?' * len(Sent._fields))}, ?)"
#: So many rejected lines are named in the audit.
_NAMED = 20
#: The last answer to each line.
_LAST = "SELECT max(id) FROM journal_status GROUP BY external_id"


class Kept(NamedTuple):
    """What an export was to the ledger: lines that are new, and those on another account now."""

    new: int
    elsewhere: list[Sent]


def keep(ledger: Ledger, entries: Iterable[Entry], at: int, actor: str) -> Kept:
    """Keep what is exported, so that answers to it are known, and audit what of it is new.

    Call inside a transaction.  A line that was exported before stays as it was then.  Raises
    `RefusedError` where it was another amount, or of another owner: what was closed has been
    altered.
    """
    found = Kept(0, [])
    for entry in entries:
        new = found.new
        for line in sent(entry):
            before = _line(ledger.db, line.external_id)
            if before is None:
                ledger.db.execute(_INSERT, (*line, at))
                found = found._replace(new=found.new + 1)
            elif before._replace(account=line.account) != line:
                raise RefusedError(
                    f"line {line.external_id} of {line.statement} is not what was exported before: "
                    "a closed period was altered.  Nothing was written; slurm-finops period verify "
                    "finds where"
                )
            elif before != line:
                found.elsewhere.append(before)
        if found.new > new:
            told = f"{entry.statement} for {entry.period}: {count(found.new - new, 'line')}"
            ledger.audit(at, actor, "export journal", told)
    return found


def _line(db: sqlite3.Connection, external_id: str) -> Sent | None:
    sql = f"SELECT {_COLUMNS} FROM journal_lines WHERE external_id = ?"
    row = db.execute(sql, (external_id,)).fetchone()
    return None if row is None else _sent(row)


def _sent(row: Sequence[object]) -> Sent:
    found = Sent(*row)  # type: ignore[arg-type]
    return found._replace(correction=bool(found.correction))


def exported(db: sqlite3.Connection) -> dict[str, Sent]:
    """Every line that was ever exported, by its id."""
    rows = db.execute(f"SELECT {_COLUMNS} FROM journal_lines")
    return {row[0]: _sent(row) for row in rows}


def rejected(db: sqlite3.Connection) -> list[tuple[Sent, Status]]:
    """Lines whose last answer is that finance does not take them, by id."""
    sql = f"""SELECT {_COLUMNS}, status, reason, reference
      FROM journal_status JOIN journal_lines USING (external_id)
      WHERE id IN ({_LAST}) AND status = ? ORDER BY external_id"""
    width = len(Sent._fields)
    return [
        (_sent(row[:width]), Status(row[0], *row[width:]))
        for row in db.execute(sql, (REJECTED,))
    ]  # fmt: skip


def to_move(db: sqlite3.Connection) -> list[Sent]:
    """Payers' lines that finance does not take and that no close has put on suspense, by id."""
    moved = {row[0] for row in db.execute("SELECT external_id FROM journal_moved")}
    return [
        line for line, _ in rejected(db)
        if line.fund not in ("", SUSPENSE) and line.external_id not in moved
    ]  # fmt: skip


def put_moved(db: sqlite3.Connection, lines: Iterable[Sent], period_id: int) -> None:
    """Note that these went to suspense in a period."""
    db.executemany(
        "INSERT INTO journal_moved VALUES (?, ?)", [(one.external_id, period_id) for one in lines]
    )


def unheard(db: sqlite3.Connection, said: Iterable[Status]) -> list[Status]:
    """What of these is not already the last answer to its line."""
    sql = f"""SELECT external_id, status, reason, reference FROM journal_status
      WHERE id IN ({_LAST})"""
    last = {row[0]: Status(*row) for row in db.execute(sql)}
    return [status for status in said if last.get(status.external_id) != status]


def hear(
    ledger: Ledger, said: Sequence[Status], source: str, at: int, actor: str
) -> None:
    """Store answers and audit them; ``source`` says where from.  Call inside a transaction."""
    ledger.db.executemany(
        "INSERT INTO journal_status (external_id, status, reason, reference, at, actor) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        [(*status, at, actor) for status in said],
    )
    no = [status for status in said if status.status == REJECTED]
    some = "; ".join(
        f"{status.external_id}: {shown(status.reason)}" for status in no[:_NAMED]
    )
    more = f"; and {len(no) - _NAMED:,} more" if len(no) > _NAMED else ""
    told = f"{source}: {len(said) - len(no):,} accepted, {len(no):,} rejected"
    ledger.audit(at, actor, "import journal-status", ": ".join(filter(None, [told, some])) + more)


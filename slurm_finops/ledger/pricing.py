"""What the pricing run reads and writes: runs to price, their charges, the queue."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.core.tags import Claim
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import SELECT, as_claim

PRICED_THROUGH = "priced_through"
_JUDGED_THROUGH = "judged_through"
_SELECT = """SELECT id, start, elapsed, suspended, cluster_id, context_id, tres_id, tag_set_id
FROM jobs"""
_BILLABLE = "start IS NOT NULL AND elapsed + suspended > 0 AND held IS NULL"
_CHARGES = BulkInsert(
    "charges",
    (
        "day", "usage_id", "sku_id", "rate_card_id", "tag_set_id", "quantity", "seconds",
        "list_ticks", "contracted_ticks", "effective_ticks", "billed_ticks",
    ),
)  # fmt: skip


class Held(NamedTuple):
    """A run as pricing needs it: what it held, for how long, and who it says it is for."""

    id: int
    start: int
    elapsed: int
    suspended: int
    cluster_id: int
    context_id: int
    tres_id: int
    tag_set_id: int


class Queued(NamedTuple):
    """A run to price again; its charges lie in ``[was_start, was_end)``."""

    id: int
    was_start: int | None
    was_end: int | None


def priced_through(ledger: Ledger) -> int:
    """The last run that was priced when it was new."""
    return int(ledger.setting(PRICED_THROUGH) or 0)


def new_runs(db: sqlite3.Connection, after: int, limit: int) -> tuple[int, list[Held]]:
    """The next ``limit`` ids never priced: the last of them, and those that can cost."""
    last = db.execute(
        "SELECT max(id) FROM (SELECT id FROM jobs WHERE id > ? ORDER BY id LIMIT ?)",
        (after, limit),
    ).fetchone()[0]
    if last is None:
        return after, []
    rows = db.execute(f"{_SELECT} WHERE id > ? AND id <= ? AND {_BILLABLE}", (after, last))
    return last, rows.fetchall()


def queued(db: sqlite3.Connection, limit: int) -> list[Queued]:
    """Some runs that must be priced again."""
    rows = db.execute("SELECT job_id, was_start, was_end FROM pricing_queue LIMIT ?", (limit,))
    return [Queued(*row) for row in rows]


def runs_by_id(db: sqlite3.Connection, ids: Sequence[int]) -> list[Held]:
    """Those of these runs that can cost."""
    select = f"{_SELECT} WHERE id = ? AND {_BILLABLE}"
    return [row for i in ids for row in db.execute(select, (i,))]


def write_charges(db: sqlite3.Connection, rows: Sequence[tuple[object, ...]]) -> None:
    """Store charges, as tuples in the table's own order."""
    _CHARGES.write(db, rows)


def drop_charges(db: sqlite3.Connection, spans: Sequence[tuple[int, int, int]]) -> None:
    """Remove the charges of ``(run, first day, last day)``."""
    db.executemany("DELETE FROM charges WHERE usage_id = ? AND day BETWEEN ? AND ?", spans)


def unqueue(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """These runs are priced."""
    db.executemany("DELETE FROM pricing_queue WHERE job_id = ?", [(i,) for i in ids])


def queue_touched(
    db: sqlite3.Connection, tres_ids: Sequence[int], start: int, end: int, through: int
) -> int:
    """Queue the runs up to ``through`` that held such TRES in ``[start, end)``; how many."""
    queued = 0
    for tres_id in tres_ids:
        queued += db.execute(
            "INSERT OR IGNORE INTO pricing_queue SELECT id, start, start + elapsed + suspended "
            "FROM jobs WHERE tres_id = ? AND start < ? AND start + elapsed + suspended > ? "
            "AND id <= ?",
            (tres_id, end, start, through),
        ).rowcount
    return queued


def owners_charged(db: sqlite3.Connection) -> list[tuple[int, str, int]]:
    """``(claimed tag set, account, tag set that is charged)``, each combination once."""
    return db.execute(
        "SELECT DISTINCT jobs.tag_set_id, account, charges.tag_set_id FROM charges "
        "JOIN jobs ON jobs.id = usage_id JOIN contexts ON contexts.id = context_id"
    ).fetchall()


def queue_owner(db: sqlite3.Connection, claimed: int, account: str) -> int:
    """Queue the runs of one claim and account; returns how many."""
    return db.execute(
        "INSERT OR IGNORE INTO pricing_queue SELECT jobs.id, start, start + elapsed + suspended "
        "FROM jobs JOIN contexts ON contexts.id = context_id "
        "WHERE jobs.tag_set_id = ? AND account = ?",
        (claimed, account),
    ).rowcount


def queue_suspended(db: sqlite3.Connection) -> int:
    """Queue the runs that were suspended for a while; returns how many."""
    return db.execute(
        "INSERT OR IGNORE INTO pricing_queue SELECT id, start, start + elapsed + suspended "
        "FROM jobs WHERE suspended > 0 AND start IS NOT NULL"
    ).rowcount


def unjudged(ledger: Ledger, limit: int) -> list[tuple[int, Claim]]:
    """Some tag sets that nobody has looked at, with their claims, in order of their ids."""
    through = int(ledger.setting(_JUDGED_THROUGH) or 0)
    rows = ledger.db.execute(f"{SELECT} WHERE id > ? ORDER BY id LIMIT ?", (through, limit))
    return [(row[0], as_claim(row[1:])) for row in rows]


def write_status(ledger: Ledger, judged: Sequence[tuple[str, int]]) -> None:
    """Store ``(status, tag set)``, which come in order of their ids."""
    ledger.db.executemany("UPDATE tag_sets SET status = ? WHERE id = ?", judged)
    ledger.set(_JUDGED_THROUGH, str(judged[-1][1]))


def judge_again(ledger: Ledger) -> None:
    """All tag sets must be looked at."""
    ledger.set(_JUDGED_THROUGH, "0")

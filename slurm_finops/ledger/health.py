"""What `check` asks of a ledger; nothing here writes."""

import sqlite3
from collections.abc import Iterable
from itertools import islice

from slurm_finops.ledger.ingest import ACCOUNTING

_SOME = 3
_LIVE = f"source IN ({', '.join(map(repr, ACCOUNTING))})"


def damage(db: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong, the first few; bulk writers check no references row by row."""
    said = [row[0] for row in db.execute(f"PRAGMA quick_check({_SOME})") if row[0] != "ok"]
    return said + [
        f"row {row} of {table} names a row of {parent} that is not there"
        for table, row, parent, _ in islice(db.execute("PRAGMA foreign_key_check"), _SOME)
    ]


def count_runs(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM jobs").fetchone()[0])


def count_provisional(db: sqlite3.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM jobs WHERE provisional = 1").fetchone()[0])


def was_live(db: sqlite3.Connection) -> bool:
    """Whether the ledger was ever fed by Slurm's accounting itself."""
    query = f"SELECT 1 FROM ingest_runs WHERE {_LIVE} LIMIT 1"
    return db.execute(query).fetchone() is not None


def last_failure(db: sqlite3.Connection, cluster: str) -> str | None:
    """Why the last live collection of a cluster failed, None if it did not."""
    row = db.execute(
        f"SELECT status, detail FROM ingest_runs WHERE {_LIVE} AND cluster = ? "
        "ORDER BY id DESC LIMIT 1",
        (cluster,),
    ).fetchone()
    return str(row[1]) if row and row[0] == "failed" else None


def skus_seen(db: sqlite3.Connection) -> set[str]:
    """The names of all TRES that any run has held."""
    from slurm_finops.core.usage import parse_tres

    return {
        name for (text,) in db.execute("SELECT alloc_tres FROM tres") for name in parse_tres(text)
    }


def values_seen(db: sqlite3.Connection, keys: Iterable[str]) -> dict[str, set[str]]:
    """What any run had as its cluster, account, partition or QOS."""
    found = {}
    for key in keys:
        table, column = ("clusters", "name") if key == "cluster" else ("contexts", key)
        rows = db.execute(f"SELECT DISTINCT {column} FROM {table}")
        found[key] = {row[0] for row in rows}
    return found


def undelivered(db: sqlite3.Connection) -> list[tuple[int, str, str, int, str]]:
    """``(id, recipient, status, queued at, what was said)`` of mails that did not go out."""
    return db.execute(
        "SELECT id, recipient, status, queued_at, ifnull(detail, '') FROM outbox "
        "WHERE status IN ('failed', 'unknown') OR status = 'queued' AND tried_at IS NOT NULL "
        "ORDER BY status = 'queued', id"
    ).fetchall()

"""What `check` asks of a ledger; nothing here writes."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from slurm_finops.core.policy import Who
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


def newest_from(db: sqlite3.Connection, number: int) -> int:
    """The id above which the ``number`` runs lie that were collected last; 0 for all."""
    last = int(db.execute("SELECT ifnull(max(id), 0) FROM jobs").fetchone()[0])
    return max(last - number, 0)


def sealed_since(db: sqlite3.Connection) -> dict[int, int]:
    """Clusters by id -> when the first run that has a seal was submitted there."""
    # few rows tell whether there is any; a site without the gate need not read its runs
    if db.execute("SELECT 1 FROM tag_sets WHERE source = 'seal' LIMIT 1").fetchone() is None:
        return {}
    rows = db.execute("SELECT cluster_id, min(submit) FROM jobs WHERE claim = 2 GROUP BY 1")
    return dict(rows.fetchall())


def sealed_runs(db: sqlite3.Connection, above: int) -> Iterator[tuple[str, str, str, str]]:
    """``(job id, Comment, AdminComment, account)`` of runs with both, the newest first."""
    return db.execute(
        "SELECT job_id, comment, admin_comment, account FROM jobs "
        "JOIN contexts ON contexts.id = context_id "
        "WHERE jobs.id > ? AND claim = 2 AND comment <> '' ORDER BY jobs.id DESC",
        (above,),
    )


class Unsealed(NamedTuple):
    """A run without a seal: its cluster by id, when it was submitted, its claim, whose it is."""

    job_id: str
    cluster: int
    submit: int
    tag_set: int
    who: Who


def unsealed(db: sqlite3.Connection, above: int) -> Iterator[Unsealed]:
    """Runs without a seal, the newest first; only of those that have ended is it known."""
    rows = db.execute(
        "SELECT job_id, cluster_id, submit, tag_set_id, account, user, wckey, partition, qos "
        "FROM jobs JOIN contexts ON contexts.id = context_id "
        "WHERE jobs.id > ? AND claim < 2 AND provisional = 0 ORDER BY jobs.id DESC",
        (above,),
    )
    for job_id, cluster, submit, tag_set, *whose in rows:
        yield Unsealed(job_id, cluster, submit, tag_set, Who(*whose))


def contested(
    db: sqlite3.Connection, first_day: int, last_day: int, some: int
) -> tuple[int, list[tuple[str, str, str]]]:
    """How many runs billed on the days ``[first, last)`` name a team not theirs, and the newest.

    Each of ``some`` is ``(job id, account, faults as JSON)``.
    """
    within = (
        "FROM charges WHERE day >= ? AND day < ? "
        "AND tag_set_id IN (SELECT id FROM tag_sets WHERE source = 'account')"
    )
    days = first_day, last_day
    number = int(db.execute(f"SELECT count(DISTINCT usage_id) {within}", days).fetchone()[0])
    if not number:
        return 0, []
    rows = db.execute(
        "SELECT job_id, account, faults FROM "
        f"(SELECT usage_id, max(tag_set_id) AS owner {within} GROUP BY 1 ORDER BY 1 DESC LIMIT ?) "
        "JOIN jobs ON jobs.id = usage_id JOIN contexts ON contexts.id = context_id "
        "JOIN tag_sets ON tag_sets.id = owner ORDER BY usage_id DESC",
        (*days, some),
    )
    return number, rows.fetchall()


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

"""What the pricing run reads and writes: runs to price, their charges, the queue."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Literal, NamedTuple

from slurm_finops.core.rates import NEVER
from slurm_finops.core.tags import Claim
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import SELECT, as_claim

PRICED_THROUGH = "priced_through"
_JUDGED_THROUGH = "judged_through"
#: Selects `Held`.
SELECT_HELD = """SELECT id, start, elapsed, suspended, cluster_id, context_id, tres_id, tag_set_id,
state, provisional FROM jobs"""
#: Which runs can cost.
BILLABLE = "start IS NOT NULL AND elapsed + suspended > 0 AND held IS NULL"
_CHARGES = BulkInsert(
    "charges",
    (
        "day", "usage_id", "sku_id", "rate_card_id", "tag_set_id", "quantity", "seconds",
        "list_ticks", "contracted_ticks", "effective_ticks", "billed_ticks",
        "rounded_ticks", "forgiven_ticks", "subsidised_ticks",
    ),
)  # fmt: skip


#: A row of ``charges``, in the table's own order; its costs are None where unpriced.
ChargeRow = tuple[
    int, int, int, int, int, int, int, int | None, int | None, int | None, int | None,
    int, int, int,
]  # fmt: skip
#: Where in it the ticks stand that are billed.
BILLED: Literal[10] = 10


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
    state: str
    provisional: int


class Queued(NamedTuple):
    """A run to price again; its charges lie in ``[was_start, was_end)``.

    ``moved``: what is made of its charges may change even where they stay as they are.
    """

    id: int
    was_start: int | None
    was_end: int | None
    moved: int


def priced_through(ledger: Ledger) -> int:
    """The last run that was priced when it was new."""
    return int(ledger.setting(PRICED_THROUGH) or 0)


def waiting(ledger: Ledger) -> int:
    """How many runs are new or have changed since they were priced."""
    rows = ledger.db.execute(
        "SELECT (SELECT count(*) FROM jobs WHERE id > ?) + (SELECT count(*) FROM pricing_queue)",
        (priced_through(ledger),),
    )
    return int(rows.fetchone()[0])


def new_runs(db: sqlite3.Connection, after: int, limit: int) -> tuple[int, list[Held]]:
    """The next ``limit`` ids never priced: the last of them, and those that can cost."""
    last = db.execute(
        "SELECT max(id) FROM (SELECT id FROM jobs WHERE id > ? ORDER BY id LIMIT ?)",
        (after, limit),
    ).fetchone()[0]
    if last is None:
        return after, []
    rows = db.execute(f"{SELECT_HELD} WHERE id > ? AND id <= ? AND {BILLABLE}", (after, last))
    return last, rows.fetchall()


def queued(db: sqlite3.Connection, limit: int) -> list[Queued]:
    """Some runs that must be priced again."""
    rows = db.execute(
        "SELECT job_id, was_start, was_end, moved FROM pricing_queue LIMIT ?", (limit,)
    )
    return [Queued(*row) for row in rows]


def runs_by_id(db: sqlite3.Connection, ids: Sequence[int]) -> list[Held]:
    """Those of these runs that can cost."""
    select = f"{SELECT_HELD} WHERE id = ? AND {BILLABLE}"
    return [row for i in ids for row in db.execute(select, (i,))]


def write_charges(db: sqlite3.Connection, rows: Sequence[ChargeRow]) -> None:
    """Store charges.  Raises OverflowError for what is no 64-bit integer."""
    _CHARGES.write(db, rows)


def charges_of(db: sqlite3.Connection, days: Iterable[tuple[int, int]]) -> list[ChargeRow]:
    """The charges of each ``(day, run)``."""
    sql = "SELECT * FROM charges WHERE day = ? AND usage_id = ?"
    return [row for key in days for row in db.execute(sql, key)]


def drop_charges(db: sqlite3.Connection, days: Iterable[tuple[int, int]]) -> None:
    """Remove the charges of each ``(day, run)``.

    By single days: a range of days would be looked through from end to end for
    every run, since the day comes first in the table's order.
    """
    db.executemany("DELETE FROM charges WHERE day = ? AND usage_id = ?", days)


def unqueue(db: sqlite3.Connection, ids: Sequence[int]) -> None:
    """These runs are priced."""
    db.executemany("DELETE FROM pricing_queue WHERE job_id = ?", [(i,) for i in ids])


_ENQUEUE = (
    "INSERT OR IGNORE INTO pricing_queue (job_id, was_start, was_end) "
    "SELECT jobs.id, start, start + elapsed + suspended FROM jobs"
)


def queue_touched(
    db: sqlite3.Connection, spans: Iterable[tuple[int, int, int]], through: int
) -> int:
    """Queue the runs up to ``through`` that held in ``[from, to)`` what a rate prices; how many.

    ``spans`` are ``(TRES id, from, to)``.  One look through the runs, whatever their number.
    """
    with _temporary(db, "touched", "tres_id INTEGER, since INTEGER, until INTEGER"):
        db.executemany("INSERT INTO temp.touched VALUES (?, ?, ?)", spans)
        db.execute("CREATE INDEX temp.touched_tres ON touched (tres_id)")
        return db.execute(
            f"{_ENQUEUE} CROSS JOIN temp.touched ON touched.tres_id = jobs.tres_id "
            "WHERE start < until AND start + elapsed + suspended > since AND jobs.id <= ?",
            (through,),
        ).rowcount


def owners_charged(db: sqlite3.Connection) -> Iterator[tuple[int, int, int]]:
    """``(claimed tag set, context, tag set that is charged)``, each combination once."""
    yield from db.execute(
        "SELECT DISTINCT jobs.tag_set_id, context_id, charges.tag_set_id FROM charges "
        "JOIN jobs ON jobs.id = usage_id"
    )


def claims(db: sqlite3.Connection) -> Iterator[tuple[int, int]]:
    """``(claimed tag set, context)`` of all runs, each combination once."""
    yield from db.execute("SELECT DISTINCT tag_set_id, context_id FROM jobs")


def queue_owners(
    db: sqlite3.Connection, owners: Iterable[tuple[int, int]], since: int = NEVER
) -> int:
    """Queue the runs of each ``(claimed tag set, context)`` that end after ``since``; how many."""
    with _temporary(db, "moved", "tag_set_id INTEGER, context_id INTEGER, "
                                 "PRIMARY KEY (tag_set_id, context_id)"):  # fmt: skip
        db.executemany("INSERT OR IGNORE INTO temp.moved VALUES (?, ?)", owners)
        if not db.execute("SELECT 1 FROM temp.moved").fetchone():
            return 0
        return db.execute(
            f"{_ENQUEUE} CROSS JOIN temp.moved "
            "ON (moved.tag_set_id, moved.context_id) = (jobs.tag_set_id, jobs.context_id) "
            "WHERE start IS NOT NULL AND start + elapsed + suspended > ?",
            (since,),
        ).rowcount


def queue_ruled(
    db: sqlite3.Connection, start: int, end: int, match: Mapping[str, str],
    states: Sequence[str], through: int,
) -> int:  # fmt: skip
    """Queue the runs up to ``through`` that held something in ``[start, end)`` and match.

    ``match`` are columns of contexts, and cluster; ``states`` empty for any.
    """
    where = "".join(
        f" AND {'clusters.name' if key == 'cluster' else f'contexts.{key}'} = ?" for key in match
    )
    if states:
        where += f" AND state IN ({', '.join('?' * len(states))})"
    return db.execute(
        f"{_ENQUEUE} JOIN contexts ON contexts.id = context_id "
        "JOIN clusters ON clusters.id = cluster_id "
        f"WHERE jobs.id <= ? AND start < ? AND start + elapsed + suspended > ?{where}",
        (through, end, start, *match.values(), *states),
    ).rowcount


def queue_team(db: sqlite3.Connection, team: str, first: int, last: int) -> int:
    """Queue the runs charged to a team ("" is nobody) on the days ``[first, last)``; how many."""
    return db.execute(
        f"{_ENQUEUE} WHERE start IS NOT NULL AND jobs.id IN (SELECT usage_id FROM charges "
        "JOIN tag_sets ON tag_sets.id = charges.tag_set_id "
        "WHERE day >= ? AND day < ? AND ifnull(team, '') = ?)",
        (first, last, team),
    ).rowcount


def queue_runs(db: sqlite3.Connection, runs: Iterable[int], through: int) -> int:
    """Queue these runs, of those up to ``through``; how many."""
    return db.executemany(
        f"{_ENQUEUE} WHERE jobs.id = ? AND start IS NOT NULL",
        [(run,) for run in runs if run <= through],
    ).rowcount


def charged_runs(db: sqlite3.Connection) -> Iterator[tuple[Held, int]]:
    """Every run that has charges, with the tag set that they are billed to."""
    columns = SELECT_HELD.removeprefix("SELECT").removesuffix("FROM jobs")
    rows = db.execute(
        f"SELECT {columns}, owner FROM jobs JOIN (SELECT usage_id, max(tag_set_id) AS owner "
        "FROM charges GROUP BY usage_id) ON usage_id = id"
    )
    return ((Held._make(row[:-1]), row[-1]) for row in rows)


def all_runs(db: sqlite3.Connection) -> Iterator[Held]:
    """Every run that can cost."""
    return map(Held._make, db.execute(f"{SELECT_HELD} WHERE {BILLABLE}"))


def queue_uncharged(db: sqlite3.Connection) -> int:
    """Queue the runs that were charged nothing, not even as unpriced; returns how many."""
    return db.execute(
        f"{_ENQUEUE} WHERE start IS NOT NULL AND jobs.id NOT IN (SELECT usage_id FROM charges)"
    ).rowcount


def queue_suspended(db: sqlite3.Connection) -> int:
    """Queue the runs that were suspended for a while; returns how many."""
    return db.execute(f"{_ENQUEUE} WHERE suspended > 0 AND start IS NOT NULL").rowcount


@contextmanager
def _temporary(db: sqlite3.Connection, name: str, columns: str) -> Iterator[None]:
    """A table of this connection's own, for as long as the block lasts."""
    db.execute(f"CREATE TEMP TABLE {name} ({columns})")
    try:
        yield
    finally:
        db.execute(f"DROP TABLE temp.{name}")


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

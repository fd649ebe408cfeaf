"""How runs ended: the costliest of a scope, and what stood still while it was held."""

import sqlite3
from typing import NamedTuple

from slurm_finops.core.money import TICKS, join_ticks
from slurm_finops.ledger.spend import GPU_SECONDS, Scope, days_of, joins, sum_ticks


class Ended(NamedTuple):
    """A run and what it cost in a scope; times are epoch seconds, ``end`` None while it runs."""

    cluster: str
    job_id: str
    user: str
    name: str
    project: str | None
    experiment: str | None
    state: str
    start: int
    end: int | None
    gpu_seconds: int
    list_ticks: int
    effective_ticks: int


def costliest(db: sqlite3.Connection, scope: Scope, most: int, *, at_list: bool) -> list[Ended]:
    """The costliest runs by what they were charged, or would have been at list price.

    What a run has of a pool is no charge of its own: where there are pools list price
    says what it was worth.
    """
    first = "list_ticks" if at_list else "effective_ticks"
    found = db.execute(
        f"""SELECT usage_id, {GPU_SECONDS},
          {sum_ticks("list_ticks")}, {sum_ticks("effective_ticks")}
        FROM charges {joins("skus", *scope.tables)} WHERE {days_of(scope)} AND rate_card_id > 0
        GROUP BY usage_id ORDER BY SUM({first} / {TICKS}) DESC, SUM({first} % {TICKS}) DESC, 1
        LIMIT ?""",
        (scope.first, scope.last, *scope.values, most),
    ).fetchall()
    return [
        _ended(db, usage, seconds, join_ticks(*ticks[:2]), join_ticks(*ticks[2:]))
        for usage, seconds, *ticks in found
    ]


def how_many(db: sqlite3.Connection, scope: Scope) -> int:
    """How many runs the `costliest` are of: those that were charged by a rate."""
    (found,) = db.execute(
        f"""SELECT COUNT(DISTINCT usage_id) FROM charges {joins(*scope.tables)}
        WHERE {days_of(scope)} AND rate_card_id > 0""",
        (scope.first, scope.last, *scope.values),
    ).fetchone()
    return int(found)


def _ended(
    db: sqlite3.Connection, usage: int, gpu_seconds: int, listed: int, effective: int
) -> Ended:
    told = db.execute(
        """SELECT clusters.name, job_id, user, job_name, project, experiment, state, start,
          CASE WHEN provisional THEN NULL ELSE start + elapsed + suspended END
        FROM jobs JOIN clusters ON clusters.id = cluster_id
          JOIN contexts ON contexts.id = context_id
          JOIN tag_sets ON tag_sets.id = tag_set_id
        WHERE jobs.id = ?""",
        (usage,),
    ).fetchone()
    return Ended._make((*told, gpu_seconds, listed, effective))


def suspended_gpu_seconds(db: sqlite3.Connection, scope: Scope, start: int, end: int) -> int:
    """GPU-seconds that runs which ended in ``[start, end)`` held while they were suspended."""
    rows = db.execute(
        f"""SELECT MAX(quantity) * suspended FROM charges {joins("jobs", "skus", *scope.tables)}
        WHERE {days_of(scope)} AND suspended > 0 AND is_gpu
          AND start + elapsed + suspended > ? AND start + elapsed + suspended <= ?
        GROUP BY usage_id, sku_id""",
        (scope.first, scope.last, *scope.values, start, end),
    )
    return sum(row[0] for row in rows)

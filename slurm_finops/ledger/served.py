"""What a snapshot for readers takes from the ledger row by row; everything else is a report."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.ledger.spend import GPU_SECONDS, sum_ticks
from slurm_finops.ledger.tag_sets import SELECT


class Served(NamedTuple):
    """A run, and what it was charged from some day on; ticks are None where nothing has a rate.

    ``tag_set`` is the one that it is billed to, or claims where nothing was charged for it.
    """

    id: int
    cluster: str
    job_id: str
    job_name: str
    user: str
    account: str
    partition: str
    qos: str
    state: str
    submit: int
    start: int | None
    end: int | None
    alloc_tres: str
    tag_set: int
    comment: str
    gpu_seconds: int
    effective_ticks: int | None
    billed_ticks: int | None


def days(db: sqlite3.Connection) -> tuple[int, int] | None:
    """The first and the last day that anything was charged or shared for."""
    ends = [
        db.execute(f"SELECT (SELECT min(day) FROM {table}), (SELECT max(day) FROM {table})")
        .fetchone()
        for table in ("charges", "allocations")
    ]  # fmt: skip
    found = [(first, last) for first, last in ends if first is not None]
    return (min(f for f, _ in found), max(last for _, last in found)) if found else None


_RUNS = """SELECT jobs.id, clusters.name, job_id, job_name, user, account, partition, qos, state,
    submit, start, "end", alloc_tres, ifnull(owner, jobs.tag_set_id), comment,
    ifnull(gpu_seconds, 0), priced, effective_1, effective_2, billed_1, billed_2, taken_1, taken_2
  FROM jobs JOIN clusters ON clusters.id = cluster_id JOIN contexts ON contexts.id = context_id
    JOIN tres ON tres.id = tres_id
    LEFT JOIN (SELECT usage_id, {gpu_seconds}
        AS gpu_seconds, MAX(rate_card_id) > 0 AS priced, MAX(tag_set_id) AS owner, {sums}
      FROM charges JOIN skus ON skus.id = sku_id WHERE day >= ? GROUP BY usage_id)
      AS charged ON charged.usage_id = jobs.id
    LEFT JOIN (SELECT usage_id, {taken} FROM draws WHERE day >= ? GROUP BY usage_id)
      AS taken ON taken.usage_id = jobs.id
  WHERE "end" IS NULL OR "end" > ? ORDER BY jobs.id"""


def _as(column: str, name: str) -> str:
    one, other = sum_ticks(column).split(", ")
    return f"{one} AS {name}_1, {other} AS {name}_2"


def runs(db: sqlite3.Connection, day: int, instant: int) -> Iterator[Served]:
    """The runs that had not ended by ``instant``, with their charges from ``day`` on, by id."""
    sql = _RUNS.format(
        sums=f"{_as('effective_ticks', 'effective')}, {_as('billed_ticks', 'billed')}",
        taken=_as("ticks", "taken"), gpu_seconds=GPU_SECONDS,
    )
    for *row, priced, e1, e2, b1, b2, t1, t2 in db.execute(sql, (day, day, instant)):
        effective = join_ticks(e1, e2) if priced else None
        billed = join_ticks(b1, b2) - join_ticks(t1, t2) if priced else None
        yield Served._make((*row, effective, billed))


def tag_sets(db: sqlite3.Connection) -> Iterator[tuple[int, tuple[str | None, ...], str | None]]:
    """``(id, the columns of a claim, status)`` of every tag set."""
    sql = SELECT.replace(" FROM", ", status FROM")
    for number, *row, status in db.execute(sql):
        yield number, tuple(row), status


def collected(db: sqlite3.Connection, since: int) -> Iterator[tuple[int, str, str, int, int, int]]:
    """``(time, status, cluster, new, changed, problems)`` of collections since an instant."""
    yield from db.execute(
        "SELECT ifnull(finished_at, started_at), status, cluster, new, changed, problems "
        "FROM ingest_runs WHERE started_at >= ?",
        (since,),
    )

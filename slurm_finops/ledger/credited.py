"""What a credit comes to in GPU time, and which of its nodes look like a slip."""

import sqlite3
from collections.abc import Collection
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.core.credits import Claim, stretches
from slurm_finops.core.hostlist import expand
from slurm_finops.core.usage import billable, is_gpu, parse_tres
from slurm_finops.ledger.credits import NO_NODES, Granted, applying, claims, matched


class Credited(NamedTuple):
    """A run that a credit is for, ``[since, until)`` of it, and what it held.

    ``forgiven`` are the GPU-seconds that this credit forgives, after those given before it.
    """

    job_id: str
    user: str
    submit: int
    provisional: bool
    since: int
    until: int
    gpus: int
    forgiven: Fraction

    @property
    def gpu_seconds(self) -> int:
        return self.gpus * (self.until - self.since)


def credited(
    db: sqlite3.Connection, granted: Granted, suspended: bool, unread: set[str] | None = None
) -> list[Credited]:
    """The runs that a credit is for as far as they are collected, in order of time.

    It may be one that is not stored yet, with the id it would have.
    """
    found = matched(db, granted, *granted.wanted.window, suspended=suspended, unread=unread)
    if not found:
        return []
    span = min(one.since for one in found), max(one.until for one in found)
    before = [one for one in applying(db, *span) if one.id < granted.id]
    others = claims(db, before, *span, suspended=suspended)
    num, den = granted.wanted.num, granted.wanted.den
    rows = []
    for run, since, until in found:
        own = Claim(since, until, num, den, granted.id)
        seconds = sum((
            (stretch.until - stretch.since) * draw.forgiven
            for stretch in stretches([*others.get(run, ()), own])
            for draw in stretch.draws if draw.credit == granted.id
        ), Fraction(0))  # fmt: skip
        job_id, user, submit, provisional, tres = db.execute(_FACTS, (run,)).fetchone()
        gpus = gpu_count(tres)
        rows.append(Credited(
            job_id, user, submit, bool(provisional), since, until, gpus, seconds * gpus
        ))  # fmt: skip
    return sorted(rows, key=lambda row: (row.since, row.job_id, row.submit))


_FACTS = """SELECT job_id, user, submit, provisional, alloc_tres FROM jobs
  JOIN contexts ON contexts.id = context_id JOIN tres ON tres.id = tres_id WHERE jobs.id = ?"""


def gpu_count(alloc_tres: str) -> int:
    """The GPUs of any type that a run held."""
    return sum(units for sku, units in billable(parse_tres(alloc_tres), ()) if is_gpu(sku))


def next_id(db: sqlite3.Connection) -> int:
    """The id that a credit would have if it were given now."""
    return int(db.execute("SELECT ifnull(max(id), 0) + 1 FROM credits").fetchone()[0])


def never_seen(db: sqlite3.Connection, cluster: str, names: Collection[str]) -> list[str]:
    """Those of these nodes on which no run of a cluster was, and which were never collected."""
    left = dict.fromkeys(names)
    of = "WHERE cluster_id = (SELECT id FROM clusters WHERE name = ?)"
    for (nodes,) in db.execute(f"SELECT DISTINCT node_list FROM jobs {of}", (cluster,)):
        try:
            seen = [] if nodes in NO_NODES else expand(nodes)
        except ValueError:
            continue  # `matched` says that it cannot be read
        for name in seen:
            left.pop(name, None)
    for (name,) in db.execute(f"SELECT DISTINCT node FROM node_capacity {of}", (cluster,)):
        left.pop(name, None)
    return list(left)

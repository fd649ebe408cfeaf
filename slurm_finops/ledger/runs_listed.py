"""The runs behind a report's costs, one by one."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.spend import GPU_SECONDS, Scope, Sums, days_of, joins, sum_ticks


class RunCost(NamedTuple):
    """A run, and what of it is in a period; instants are epoch seconds.

    ``tags`` are what it is billed to, in the order of `KEYS`.  Its sums have its cluster,
    name, number and owner as key, which no other run has.
    """

    cluster: str
    job_id: str
    user: str
    job_name: str
    partition: str
    qos: str
    state: str
    start: int | None
    end: int | None
    tags: tuple[str | None, ...]
    sums: Sums


_ABOUT = 'clusters.name, job_id, user, job_name, partition, qos, state, start, "end"'
_WIDTH = 9
_MONEY = ("list", "effective", "billed", "forgiven", "subsidised", "rounded")


def runs_listed(db: sqlite3.Connection, scope: Scope) -> Iterator[RunCost]:
    """Every run that was charged in a scope, unordered; what pools share out is of none."""
    taken = _taken(db, scope)
    money = ", ".join(sum_ticks(f"{name}_ticks") for name in _MONEY)
    tags = ", ".join(f"tag_sets.{key}" for key in KEYS)
    rows = db.execute(
        f"SELECT usage_id, charges.tag_set_id, {_ABOUT}, {tags}, "
        f"{GPU_SECONDS}, MAX(rate_card_id) = 0, "
        f"{money} FROM charges "
        f"{joins('jobs', 'contexts', 'clusters', 'tag_sets', 'skus', *scope.tables)} "
        f"WHERE {days_of(scope)} GROUP BY usage_id, charges.tag_set_id",
        (scope.first, scope.last, *scope.values),
    )
    for usage, tag_set, *row in rows:
        about, owner = row[:_WIDTH], row[_WIDTH : _WIDTH + len(KEYS)]
        gpu_seconds, unpriced, *pairs = row[_WIDTH + len(KEYS) :]
        ticks = [join_ticks(*pairs[i : i + 2]) for i in range(0, len(pairs), 2)]
        listed, effective, billed, forgiven, subsidised, rounded = ticks
        credited = taken.get((usage, tag_set), 0)
        sums = Sums(
            (about[0], about[1], str(usage), str(tag_set)), 1, gpu_seconds, listed, effective,
            billed - credited, bool(unpriced), forgiven, subsidised, credited, rounded,
        )  # fmt: skip
        yield RunCost._make((*about, tuple(owner), sums))


def _taken(db: sqlite3.Connection, scope: Scope) -> dict[tuple[int, int], int]:
    """Ticks that allocations pay and credits forgive, by run and tag set."""
    rows = db.execute(
        # the joins and conditions of charges, whose owners and runs these have, too
        f"SELECT usage_id, charges.tag_set_id, {sum_ticks('ticks')} "
        f"FROM draws AS charges {joins(*scope.tables)} WHERE {days_of(scope)} GROUP BY 1, 2",
        (scope.first, scope.last, *scope.values),
    )
    return {(usage, tag_set): join_ticks(units, ticks) for usage, tag_set, units, ticks in rows}

"""Runs that had not ended when they were seen last, and how long they may go on."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from slurm_finops.core.period import Calendar

_MINUTE = 60


class Going(NamedTuple):
    """A run that is not held; ``limit`` in seconds, None where it has none that is known.

    ``owner`` is the tag set that its charges are billed to.
    """

    start: int
    elapsed: int
    suspended: int
    limit: int | None
    cluster: int
    context: int
    tres: int
    owner: int
    state: str


def going(db: sqlite3.Connection, calendar: Calendar) -> Iterator[Going]:
    """Every run that had not ended; one that nothing was charged for yet is whose it claims."""
    db.create_function("billing_day", 1, calendar.day_of)
    rows = db.execute(
        f"""SELECT start, elapsed, suspended, timelimit * {_MINUTE}, cluster_id, context_id,
          tres_id, ifnull((SELECT tag_set_id FROM charges
            WHERE day = billing_day(start) AND usage_id = jobs.id LIMIT 1), tag_set_id), state
        FROM jobs WHERE provisional = 1 AND held IS NULL AND start IS NOT NULL ORDER BY id"""
    )
    yield from map(Going._make, rows)

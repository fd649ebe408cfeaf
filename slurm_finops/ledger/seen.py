"""Runs as reconciling needs them: what the ledger knows, by time and by key."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator

from slurm_finops.core.reconcile import Key, Seen

_SELECT = """SELECT clusters.name, job_id_raw, submit, job_id, account, state, start, elapsed,
  suspended, alloc_tres, provisional, ifnull(held, '')
FROM jobs JOIN clusters ON clusters.id = cluster_id JOIN contexts ON contexts.id = context_id
  JOIN tres ON tres.id = tres_id"""


def seen_between(
    db: sqlite3.Connection, clusters: Collection[str], start: int, end: int
) -> Iterator[tuple[Key, Seen]]:
    """The runs of these clusters that held anything in ``[start, end)``, or began in it."""
    names = ", ".join("?" * len(clusters))
    rows = db.execute(
        f"{_SELECT} WHERE start < ? AND (start >= ? OR start + elapsed + suspended > ?) "
        f"AND clusters.name IN ({names})",
        (end, start, start, *clusters),
    )
    return map(_seen, rows)


def seen_by_key(db: sqlite3.Connection, keys: Iterable[Key]) -> Iterator[tuple[Key, Seen]]:
    """Those of these runs that the ledger has."""
    where = "WHERE (clusters.name, job_id_raw, submit) = (?, ?, ?)"
    for key in keys:
        yield from map(_seen, db.execute(f"{_SELECT} {where}", key))


def _seen(row: tuple) -> tuple[Key, Seen]:  # type: ignore[type-arg]
    *facts, provisional, held = row[3:]
    return row[:3], Seen._make((*facts, bool(provisional), held))

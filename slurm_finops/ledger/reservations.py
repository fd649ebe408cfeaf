"""Reservations as the ledger keeps them: each as it was shown last, known up to then."""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from slurm_finops.core.reservations import Holder, Reservation
from slurm_finops.ledger.intern import Interner
from slurm_finops.ledger.store import Ledger

_COLUMNS = "number, start, until, name, tres, flags, nodes, associations, holders"


class Changes(NamedTuple):
    """What a collection changed, and the times of which more or other is known now."""

    new: int
    changed: int
    spans: list[tuple[int, int]]


class Stored(NamedTuple):
    """A reservation, its cluster's id and when it was last shown."""

    cluster_id: int
    seen: int
    what: Reservation

    @property
    def span(self) -> tuple[int, int]:
        """When it is known to have been there; nothing before it was seen begun."""
        return self.what.start, max(self.what.start, min(self.what.end, self.seen))


def write_reservations(ledger: Ledger, shown: Iterable[Reservation], at: int) -> Changes:
    """Store reservations as they were shown at a time; use inside a transaction.

    Answers may come in any order: of a reservation that was shown later than this
    nothing changes.  One that is shown no more stays as it was shown last.
    """
    db = ledger.db
    ids = Interner(db, "clusters", ("name",))
    new = changed = 0
    spans = []
    for one in shown:
        cluster = ids[(one.cluster,)]
        before = _of(db, cluster, one.number, one.start)
        if before and before.seen > at:
            continue
        if before and one.associations == before.what.associations:
            # an association may have been deleted since
            one = one._replace(holders=_united(before.what.holders, one.holders))
        now = Stored(cluster, at, one)
        if before is None:
            new += 1
        elif before.what != one:
            changed += 1
        elif before.what.end <= before.seen:
            continue  # it had ended, and is as it was
        spans += _differing(before, now)
        _put(db, now)
    return Changes(new, changed, spans)


def overlapping(db: sqlite3.Connection, start: int, end: int) -> Iterator[Stored]:
    """Reservations that were there at any time of ``[start, end)``, as far as is known."""
    rows = db.execute(
        f"SELECT cluster_id, seen, clusters.name, {_COLUMNS.replace('name', 'reservations.name')} "
        "FROM reservations JOIN clusters ON clusters.id = cluster_id "
        "WHERE start < ? AND min(until, seen) > max(start, ?) ORDER BY cluster_id, number, start",
        (end, start),
    )
    return map(_stored, rows)


def anything_known(db: sqlite3.Connection) -> bool:
    """Whether any reservation was collected."""
    return db.execute("SELECT 1 FROM reservations LIMIT 1").fetchone() is not None


def _of(db: sqlite3.Connection, cluster: int, number: int, start: int) -> Stored | None:
    row = db.execute(
        f"SELECT cluster_id, seen, (SELECT name FROM clusters WHERE id = cluster_id), {_COLUMNS} "
        "FROM reservations WHERE cluster_id = ? AND number = ? AND start = ?",
        (cluster, number, start),
    ).fetchone()
    return _stored(row) if row else None


def _stored(row: tuple) -> Stored:  # type: ignore[type-arg]
    cluster_id, seen, *fields, holders = row
    pairs = tuple(Holder(account, user) for account, user in json.loads(holders))
    return Stored(cluster_id, seen, Reservation._make([*fields, pairs]))


def _put(db: sqlite3.Connection, one: Stored) -> None:
    *fields, holders = one.what[1:]
    db.execute(
        f"INSERT OR REPLACE INTO reservations (cluster_id, seen, {_COLUMNS}) "
        f"VALUES ({', '.join('?' * (len(fields) + 3))})",
        (one.cluster_id, one.seen, *fields, json.dumps(holders, ensure_ascii=False)),
    )


def _united(before: tuple[Holder, ...], now: tuple[Holder, ...]) -> tuple[Holder, ...]:
    return tuple(sorted({*before, *now}))


def _differing(before: Stored | None, now: Stored) -> list[tuple[int, int]]:
    """The times of which the two say otherwise."""
    if before is None:
        found = [now.span]
    elif before.what._replace(end=now.what.end) == now.what:
        ends = before.span[1], now.span[1]
        found = [(min(ends), max(ends))]
    else:
        found = [(now.what.start, max(before.span[1], now.span[1]))]
    return [(start, end) for start, end in found if start < end]

"""Nodes and their events as the ledger keeps them: what there was, from when to when."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from slurm_finops.core.capacity import Event, Node
from slurm_finops.errors import InputError
from slurm_finops.ledger.intern import Interner
from slurm_finops.ledger.store import Ledger

_Had = dict[str, tuple[str, tuple[tuple[str, int], ...]]]


class Changes(NamedTuple):
    """What a collection changed: nodes that are new, that changed or that are gone."""

    new: int = 0
    changed: int = 0
    gone: int = 0


class Known(NamedTuple):
    """Up to where a cluster's nodes and events are known; epoch seconds, None for never."""

    cluster_id: int
    first: int | None
    last: int | None
    events_through: int | None


class Had(NamedTuple):
    """What a node had over ``[start, end)``; ``end`` None: it still has."""

    cluster_id: int
    node: str
    start: int
    end: int | None
    partitions: tuple[str, ...]
    units: dict[str, int]


def write_nodes(
    ledger: Ledger, cluster: str, seen: int, nodes: Iterable[Node], unclear: Collection[str]
) -> tuple[Changes, int | None]:
    """Store how a cluster's nodes were at a time; ``unclear`` ones stay as they were.

    Returns what changed, and since when capacity is another than it was (None: it is not).
    Raises `InputError` for nodes as they were before a time that is stored already.
    Use inside a transaction.
    """
    db = ledger.db
    cluster_id = _cluster(db, cluster)
    last = _known(db, cluster_id).last
    if last is not None and seen < last:
        raise InputError(
            f"the nodes of {cluster} were seen later already (epoch {last}; these {seen}): "
            "collect saved nodes in the order in which they were saved.  Nothing was written"
        )
    had = _now(db, cluster_id)
    has: _Had = {node.name: (",".join(node.partitions), node.units) for node in nodes}
    changed = [name for name, is_ in has.items() if name in had and had[name] != is_]
    gone = [name for name in had if name not in has and name not in unclear]
    new = [name for name in has if name not in had]
    for name in (*changed, *gone):
        _close(db, cluster_id, name, seen)
    for name in (*changed, *new):
        partitions, units = has[name]
        db.executemany(
            "INSERT INTO node_capacity VALUES (?, ?, ?, ?, NULL, ?, ?)",
            [(cluster_id, name, sku, seen, count, partitions) for sku, count in units],
        )
    db.execute(
        "UPDATE nodes_seen SET first = ifnull(first, ?), last = ? WHERE cluster_id = ?",
        (seen, seen, cluster_id),
    )
    found = Changes(len(new), len(changed), len(gone))
    # the first look also says which nodes of the past were not there
    return found, 0 if last is None else seen if any(found) else None


def _close(db: sqlite3.Connection, cluster_id: int, name: str, at: int) -> None:
    where = "cluster_id = ? AND node = ? AND until IS NULL", (cluster_id, name)
    # two looks at one second: what was there for no time leaves nothing behind
    db.execute(f"DELETE FROM node_capacity WHERE {where[0]} AND start = ?", (*where[1], at))
    db.execute(f"UPDATE node_capacity SET until = ? WHERE {where[0]}", (at, *where[1]))


def _now(db: sqlite3.Connection, cluster_id: int) -> _Had:
    """What each node has, as far as is known."""
    return {
        had.node: (",".join(had.partitions), tuple(sorted(had.units.items())))
        for had in _rows(db, "cluster_id = ? AND until IS NULL", cluster_id)
    }


def write_events(
    ledger: Ledger, events: Collection[Event], through: int
) -> tuple[int, int | None]:
    """Store events that were asked for at ``through``; use inside a transaction.

    Returns how many were new or have ended since, and from when on more is known.
    An older answer does not open again what has ended.
    """
    db = ledger.db
    clusters = [_cluster(db, name) for name in {event.cluster for event in events}]
    before = [_known(db, cluster).events_through for cluster in clusters]
    changed, since = 0, min((time for time in before if time is not None), default=None)
    for event in events:
        tres = ",".join(f"{sku}={count}" for sku, count in event.units)
        row = _cluster(db, event.cluster), event.node, event.start, event.end, event.state, tres
        done = db.execute(
            "INSERT INTO node_events VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (cluster_id, node, start) DO UPDATE SET "
            "until = ifnull(excluded.until, until), state = excluded.state, tres = excluded.tres "
            "WHERE until IS NOT ifnull(excluded.until, until) OR state IS NOT excluded.state "
            "OR tres IS NOT excluded.tres",
            row,
        ).rowcount
        changed += done
        if done:
            since = event.start if since is None else min(since, event.start)
    # every cluster has events, if only what it registered: of one without any nothing is known
    db.executemany(
        "UPDATE nodes_seen SET events_through = max(ifnull(events_through, ?), ?) "
        "WHERE cluster_id = ?",
        [(through, through, cluster) for cluster in clusters],
    )
    return changed, since


def _cluster(db: sqlite3.Connection, name: str) -> int:
    found = Interner(db, "clusters", ("name",))[(name,)]
    db.execute("INSERT OR IGNORE INTO nodes_seen VALUES (?, NULL, NULL, NULL)", (found,))
    return found


def _known(db: sqlite3.Connection, cluster_id: int) -> Known:
    row = db.execute("SELECT * FROM nodes_seen WHERE cluster_id = ?", (cluster_id,)).fetchone()
    return Known(*row)


def known(db: sqlite3.Connection) -> dict[str, Known]:
    """The clusters of which nodes or events were collected, by name."""
    rows = db.execute(
        "SELECT name, nodes_seen.* FROM nodes_seen JOIN clusters ON clusters.id = cluster_id"
    )
    return {name: Known(*rest) for name, *rest in rows}


def nodes(db: sqlite3.Connection, cluster_id: int) -> Iterator[Had]:
    """All that a cluster's nodes had, at any time."""
    return _rows(db, "cluster_id = ?", cluster_id)


def _rows(db: sqlite3.Connection, where: str, cluster_id: int) -> Iterator[Had]:
    rows = db.execute(
        "SELECT cluster_id, node, start, until, partitions, sku, units FROM node_capacity "
        f"WHERE {where} ORDER BY node, start, sku",
        (cluster_id,),
    )
    last: Had | None = None
    for number, node, start, until, partitions, sku, units in rows:
        if last is None or (last.node, last.start) != (node, start):
            if last is not None:
                yield last
            names = tuple(filter(None, partitions.split(",")))
            last = Had(number, node, start, until, names, {})
        last.units[sku] = units
    if last is not None:
        yield last


def events(db: sqlite3.Connection, cluster_id: int) -> Iterator[Event]:
    """All events of a cluster, and of its nodes, in the order of their start."""
    rows = db.execute(
        "SELECT name, node, start, until, state, tres FROM node_events "
        "JOIN clusters ON clusters.id = cluster_id WHERE cluster_id = ? ORDER BY start, node",
        (cluster_id,),
    )
    for name, node, start, until, state, tres in rows:
        pairs = (item.rpartition("=") for item in tres.split(",") if item)
        units = tuple((sku, int(count)) for sku, _, count in pairs)
        yield Event(name, node, start, until, state, units)

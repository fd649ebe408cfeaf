"""What capacity pools have, and what of it was down: a fixed number of units, or Slurm's nodes."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slurm_finops.core.capacity import (
    OPEN,
    Event,
    Level,
    Span,
    apart,
    is_away,
    is_down,
    shared,
    taken,
)
from slurm_finops.core.money import split_amount
from slurm_finops.core.period import Calendar
from slurm_finops.core.pools import SLURM, Pool
from slurm_finops.ledger import capacity as table

_COLLECT = "slurm-finops collect nodes"


class AllocationError(ValueError):
    """Pools that cannot be what their use says; the text names the key and the time."""


class Room(NamedTuple):
    """Unit-seconds that a pool had, and what of the unused ones was down; None: not known."""

    capacity: int
    down: int | None


class _Cluster(NamedTuple):
    """What a pool has of a cluster: from ``since`` on it is known, events through ``through``."""

    name: str
    since: int | None
    through: int | None
    there: list[Span]
    down: list[Span]


class _OfSlurm(NamedTuple):
    clusters: list[_Cluster]
    there: Level
    down: Level


class Capacity:
    """Unit-seconds of pools by (pool, start, end); what Slurm knows is read once a pool."""

    def __init__(self, db: sqlite3.Connection, calendar: Calendar) -> None:
        self._db = db
        self._calendar = calendar
        self._found: dict[str, _OfSlurm] = {}

    def of(self, pool: Pool, start: int, end: int) -> int | None:
        """What there was over ``[start, end)``; None for a pool without capacity.

        Raises `AllocationError` where Slurm's nodes were not known then.
        """
        if pool.units is None:
            return None
        if pool.units != SLURM:
            return int(pool.units) * (end - start)
        found = self._of_slurm(pool)
        for cluster in found.clusters:
            if cluster.since is None or start < cluster.since:
                raise AllocationError(self._unknown(pool, cluster, start))
        if not found.clusters or not found.there:
            raise AllocationError(self._none(pool, found))
        return max(0, found.there.over(start, end))

    def down(self, pool: Pool, start: int, end: int) -> int | None:
        """What of it was down or drained; None where that is not known."""
        if pool.units != SLURM:
            return None
        found = self._of_slurm(pool)
        if any(cluster.through is None or cluster.through < end for cluster in found.clusters):
            return None
        return found.down.over(start, end)

    def room(self, pool: Pool, held: Sequence[int], spans: Sequence[tuple[int, int]]) -> Room:
        """What there was over slots, given what runs held in each that the pool may cover.

        A node that is down while a run still holds it is used: no more of a slot was
        down than nobody used.
        """
        has = [self.of(pool, *span) or 0 for span in spans]
        down = [self.down(pool, *span) for span in spans]
        known = [units for units in down if units is not None]
        if len(known) < len(down):
            return Room(sum(has), None)
        left = (max(0, units - used) for units, used in zip(has, held, strict=True))
        return Room(sum(has), sum(map(min, known, left)))

    def room_by_day(self, pool: Pool, held: int, days: Sequence[tuple[int, int]]) -> list[Room]:
        """The same by day where all days are one slot: on each by what was down on it."""
        has = [self.of(pool, *day) or 0 for day in days]
        whole = self.room(pool, [held], [(days[0][0], days[-1][1])])
        if whole.down is None:
            return [Room(units, None) for units in has]
        down = [self.down(pool, *day) or 0 for day in days]
        parts = split_amount(whole.down, down, days) if whole.down else [0] * len(days)
        return [Room(*of) for of in zip(has, parts, strict=True)]

    def _of_slurm(self, pool: Pool) -> _OfSlurm:
        if pool.name not in self._found:
            wanted = dict(pool.match).get("cluster")
            clusters = [
                self._cluster(pool, name, known)
                for name, known in sorted(table.known(self._db).items())
                if wanted in (None, name)
            ]
            self._found[pool.name] = _OfSlurm(
                clusters,
                Level(span for cluster in clusters for span in cluster.there),
                Level(span for cluster in clusters for span in cluster.down),
            )
        return self._found[pool.name]

    def _cluster(self, pool: Pool, name: str, known: table.Known) -> _Cluster:
        partition = dict(pool.match).get("partition")
        events = list(table.events(self._db, known.cluster_id))
        first = OPEN if known.first is None else known.first
        nodes: dict[str, list[Span]] = {}
        for had in table.nodes(self._db, known.cluster_id):
            if partition is None or partition in had.partitions:
                end = OPEN if had.end is None else had.end
                span = Span(had.start, end, taken(pool.use, had.units))
                nodes.setdefault(had.node, []).append(span)
        there = [span for spans in nodes.values() for span in spans]
        since = known.first
        # accounting keeps what a cluster had, not what its partitions had
        if partition is None:
            before = list(_before(pool, events, first))
            since = min([span.start for span in before], default=since)
            seen = {name for name, spans in nodes.items() if spans[0].start == first}
            there += [*before, *_away(pool, events, seen, since, first)]
        down = list(_down(pool, events, nodes, first if partition is None else -OPEN))
        return _Cluster(name, since, known.events_through, there, down)

    def _unknown(self, pool: Pool, cluster: _Cluster, start: int) -> str:
        head = f'{pool.where} ({pool.name}): units is "{SLURM}", and'
        if cluster.since is None:
            return (
                f"{head} the nodes of {cluster.name} are not known yet; run: {_COLLECT}, or name "
                "the cluster of the pool in match"
            )
        since, start_ = map(self._calendar.isoformat, (cluster.since, start))
        hint = (
            "Slurm's accounting keeps the past of a cluster, not of its partitions"
            if "partition" in dict(pool.match) else
            f"{_COLLECT} also reads what accounting knows of the past"
        )  # fmt: skip
        return (
            f"{head} what nodes {cluster.name} had at {start_} is not known, only from {since} on "
            f"({hint}); let it begin on a later day, and a pool with a number of units end there"
        )

    def _none(self, pool: Pool, found: _OfSlurm) -> str:
        head = f'{pool.where} ({pool.name}): units is "{SLURM}", and'
        if not found.clusters:
            of = dict(pool.match).get("cluster")
            whose = f"of {of} " if of else ""
            return f"{head} no nodes {whose}are known yet; run: {_COLLECT}"
        named = " or ".join(sku for sku, _ in pool.use)
        where = dict(pool.match).get("partition")
        return (
            f"{head} no node {f'of partition {where} ' if where else ''}has had {named}; "
            f"see scontrol show node, and run: {_COLLECT}"
        )


def mean(unit_seconds: int, start: int, end: int) -> str:
    """Units over a time in words, cut off behind the second digit."""
    hundredths = unit_seconds * 100 // (end - start)
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def _before(pool: Pool, events: list[Event], first: int) -> Iterator[Span]:
    """What the cluster had before its nodes were first seen, back to where that is not known.

    What it registered holds until it registers something else: a controller that is
    away takes no node with it.
    """
    end = first
    for event in reversed([event for event in events if not event.node and event.start < first]):
        units = dict(event.units)
        if any(sku not in units for sku, _ in pool.use):
            return
        yield Span(event.start, end, taken(pool.use, units))
        end = event.start


def _away(
    pool: Pool, events: list[Event], seen: set[str], since: int | None, first: int
) -> Iterator[Span]:
    """What a cluster had registered before ``first`` and not there, as units to take off.

    A node that is away and was not among those ``seen`` first is one that comes and goes.
    """
    if since is None:
        return
    away = [event for event in events if event.node not in seen and is_away(event.state)]
    for spans in _by_node(pool, away).values():
        for start, end, units in spans:
            yield Span(max(start, since), min(end, first), -units)


def _down(
    pool: Pool, events: list[Event], nodes: dict[str, list[Span]], first: int
) -> Iterator[Span]:
    """What of the pool's nodes was down: before ``first`` by what the event itself says of it."""
    down = [event for event in events if is_down(event.state)]
    for name, times in _by_node(pool, down).items():
        for start, end, units in times:
            if start < first:
                yield Span(start, min(end, first), units)
        yield from shared(nodes.get(name, ()), times)


def _by_node(pool: Pool, events: list[Event]) -> dict[str, list[Span]]:
    """When each node was in one of its events, and what the event says that it has."""
    found: dict[str, list[Span]] = {}
    for event in events:
        if event.node:
            end = OPEN if event.end is None else event.end
            span = Span(event.start, end, taken(pool.use, dict(event.units)))
            found.setdefault(event.node, []).append(span)
    return {name: list(apart(spans)) for name, spans in found.items()}

"""What nodes have, and when: capacity over time, whole unit-seconds of any stretch of it.

A node is there from when it was seen until it was seen changed or gone.  What a
pool may take of it goes by the SKUs that the pool names.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from slurm_finops.core.usage import GPU, is_gpu

#: What a node has by SKU.
Units = Mapping[str, int]
#: Beyond every time: of what has not ended.
OPEN = 1 << 62
#: How a node's state begins in which it takes no new jobs (scontrol, "State").
_DOWN = ("DOWN", "DRAIN", "DRNG", "FAIL", "ERROR", "INVAL")
_FUTURE = ("FUTR", "FUTURE")


class Node(NamedTuple):
    """A node as Slurm shows it; ``units`` are ``(sku, count)``, sorted, memory in MiB."""

    name: str
    partitions: tuple[str, ...]
    units: tuple[tuple[str, int], ...]


class Event(NamedTuple):
    """What accounting says of a node, or with ``node`` "" of a whole cluster, from ``start`` on.

    ``end`` None: it lasts.  ``units`` are what it is about, as of a `Node`; a SKU that is
    missing there is not known to accounting, rather than not there.
    """

    cluster: str
    node: str
    start: int
    end: int | None
    state: str
    units: tuple[tuple[str, int], ...]


class Span(NamedTuple):
    """So many units over ``[start, end)``, epoch seconds."""

    start: int
    end: int
    units: int


def is_down(state: str) -> bool:
    """Whether a node in this state takes no new jobs: down, drained or draining, failed."""
    return state.upper().startswith(_DOWN)


def is_away(state: str) -> bool:
    """Whether a node in an event of this state may be one that is not there.

    That is a future one, or a cloud node that is powered down; a cluster registers
    both, and has an event for each (measured on 22.05, 24.11 and 26.05).
    """
    name = state.upper()
    powered_down = "~" in name or name.startswith("POWERED_DOWN")
    return name.startswith(_FUTURE) or (powered_down and not is_down(state))


def taken(use: Iterable[tuple[str, int]], units: Units) -> int:
    """Units of a pool that this is, given what a unit of each SKU takes of the pool.

    As of rates, ``gres/gpu`` stands for the types that are not named.
    """
    weights = dict(use)
    general = weights.get(GPU, 0)
    return sum(
        count * weights.get(sku, general if is_gpu(sku) else 0) for sku, count in units.items()
    )


class Level:
    """The sum of spans at any time, and of it any stretch."""

    def __init__(self, spans: Iterable[Span]) -> None:
        changes: dict[int, int] = {}
        for start, end, units in spans:
            if start < end:
                changes[start] = changes.get(start, 0) + units
                changes[end] = changes.get(end, 0) - units
        self._times = sorted(changes)
        self._levels: list[int] = []
        #: unit-seconds before each time
        self._before: list[int] = []
        level = total = last = 0
        for time in self._times:
            total += level * (time - last)
            level, last = level + changes[time], time
            self._levels.append(level)
            self._before.append(total)

    def __bool__(self) -> bool:
        return any(self._levels)

    def over(self, start: int, end: int) -> int:
        """Unit-seconds of ``[start, end)``."""
        return self._until(end) - self._until(start)

    def _until(self, time: int) -> int:
        place = bisect_right(self._times, time) - 1
        if place < 0:
            return 0
        return self._before[place] + self._levels[place] * (time - self._times[place])


def apart(events: Iterable[tuple[int, int, int]]) -> Iterator[Span]:
    """Spans without what they share: at each time the one that began first."""
    reached = -OPEN
    for start, end, units in sorted(events):
        if end > reached:
            yield Span(max(start, reached), end, units)
            reached = end


def shared(one: Iterable[Span], times: Iterable[Span]) -> Iterator[Span]:
    """The parts of ``one`` that lie in ``times``, of which no two share a time."""
    times = list(times)
    for start, end, units in one:
        for since, until, _ in times:
            if max(start, since) < min(end, until):
                yield Span(max(start, since), min(end, until), units)

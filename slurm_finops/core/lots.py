"""Allocations: lots of GPU-hours or money that a team's or project's runs are paid from.

A lot covers the runs of its holder from second to second until it is used up, and
never more than it holds: of the second in which it ends each run has its part.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.core.money import split_amount
from slurm_finops.core.rates import Match, RateError
from slurm_finops.core.usage import GPU, is_gpu

#: What a lot of hours is counted in: millionths of a unit-second, since a factor may be any ratio.
MICRO = 1_000_000


@dataclass(frozen=True)
class Lot:
    """``amount`` in ticks, or of ``hours`` in `MICRO` unit-seconds, for days ``[first, last)``.

    ``use``: what a unit of each SKU takes; () is any SKU, once.  At ``last`` the part
    ``carry`` of what is left goes on until ``carried``.
    """

    name: str
    team: str
    project: str | None
    hours: bool
    amount: int
    first: int
    last: int
    use: tuple[tuple[str, int], ...] = ()
    match: Match = ()
    rank: int = 0
    carry: Fraction = Fraction(0)
    carried: int | None = None
    where: str = ""

    @property
    def order(self) -> tuple[int, bool, int]:
        """Which is used first: the higher rank, a project's own, what expires sooner."""
        return -self.rank, self.project is None, self.last

    @property
    def ends(self) -> int:
        """The first day on which nothing can be taken from it."""
        return self.last if self.carried is None else self.carried

    def live(self, day: int) -> bool:
        return self.first <= day < self.ends

    def takes(self, sku: str) -> int:
        """What a unit of a SKU takes of it, 0 for nothing; ``gres/gpu`` stands for any type."""
        use = dict(self.use)
        if not use:
            return 1
        return use.get(sku) or (use.get(GPU, 0) if is_gpu(sku) else 0)

    def covers(self, project: str | None, dimensions: Mapping[str, str]) -> bool:
        """Whether it pays for its team's runs of a project, with these dimensions."""
        return self.project in (None, project) and all(
            dimensions.get(key) == value for key, value in self.match
        )

    def left(self, day: int, drawn: Mapping[int, int]) -> int:
        """What is left at the beginning of a day, of what was ``drawn`` on the days before."""
        first = self.amount - sum(units for at, units in drawn.items() if at < min(day, self.last))
        if day < self.last:
            return first
        part = first * self.carry.numerator // self.carry.denominator
        return part - sum(units for at, units in drawn.items() if self.last <= at < day)


def check_lots(lots: Iterable[Lot]) -> None:
    """Raise `RateError` for lots of which nobody could say which is used first."""
    # each is compared with few: a site may have thousands, and this is done for every command
    alike: dict[tuple[str, str | None, tuple[int, bool, int]], list[Lot]] = {}
    for two in lots:
        before = alike.setdefault((two.team, two.project, two.order), [])
        for one in before:
            if _could_meet(one, two):
                raise RateError(
                    f"{one.where} ({one.name}) and {two.where} ({two.name}) could both pay for one "
                    "run and expire on the same day; give the one that is to be used first a "
                    "higher rank"
                )
        before.append(two)


def _could_meet(one: Lot, two: Lot) -> bool:
    """Whether two of one team and project could both pay for some use at some moment."""
    match = dict(one.match)
    skus = [sku for sku, _ in (*one.use, *two.use)]
    return (
        all(match.get(key, value) == value for key, value in two.match)
        and one.first < two.ends and two.first < one.ends
        and (not one.use or not two.use or any(one.takes(s) and two.takes(s) for s in skus))
    )  # fmt: skip


#: What a use has come to by a second of a day: ticks, and micro unit-seconds, since it
#: began.  Neither ever falls.
Meter = Callable[[int], tuple[int, int]]


class Drawn(NamedTuple):
    """What a lot pays of one use: ticks, and what is taken of the lot for them."""

    ticks: int
    units: int


class Source(NamedTuple):
    """A lot on one day: whether it counts hours, what is left, and what a unit of each use takes.

    ``weights`` are by the place of a use, 0 for what it does not pay.
    """

    hours: bool
    left: int
    weights: Sequence[int]


def draw(
    meters: Sequence[Meter], sources: Sequence[Source], start: int, end: int
) -> list[list[Drawn]]:
    """What each source pays of each use over a day ``[start, end)``, the sources in their order.

    A second that a source cannot pay whole is the first that the next one pays of.
    """
    day = _Day(meters, start, end)
    return [day.drawn(source) for source in sources]


class _Day:
    """A day's use, and what of it is paid."""

    def __init__(self, meters: Sequence[Meter], start: int, end: int) -> None:
        self._meters = meters
        self._start = start
        self._end = end
        self._paid = [(0, 0)] * len(meters)

    def drawn(self, source: Source) -> list[Drawn]:
        """What a source pays of what those before it have left."""
        free = self._free(source, self._end)
        more = [(0, 0, 0)] * len(free)
        if sum(_asked(source, free)) > source.left:
            last = self._last_whole(source)
            free = self._free(source, last)
            more = _parts(source, free, self._free(source, last + 1))
        self._paid = [
            (ticks + now[0] + extra[0], units + now[1] + extra[1])
            for (ticks, units), now, extra in zip(self._paid, free, more, strict=True)
        ]
        return [
            Drawn(ticks + extra[0], asked + extra[2])
            for (ticks, _), asked, extra in zip(free, _asked(source, free), more, strict=True)
        ]

    def _last_whole(self, source: Source) -> int:
        """The last second by which no more is asked than is left."""
        low, high = self._start, self._end
        while high - low > 1:
            middle = (low + high) // 2
            if sum(_asked(source, self._free(source, middle))) <= source.left:
                low = middle
            else:
                high = middle
        return low

    def _free(self, source: Source, second: int) -> list[tuple[int, int]]:
        """What nobody has paid by a second, of each use that a source pays."""
        found = []
        for meter, paid, weight in zip(self._meters, self._paid, source.weights, strict=True):
            now = meter(second) if weight else paid
            found.append((max(0, now[0] - paid[0]), max(0, now[1] - paid[1])))
        return found


def _asked(source: Source, free: Sequence[tuple[int, int]]) -> list[int]:
    """What a source would give for that."""
    if not source.hours:
        return [ticks for ticks, _ in free]
    return [units * weight for (_, units), weight in zip(free, source.weights, strict=True)]


def _parts(
    source: Source, before: Sequence[tuple[int, int]], after: Sequence[tuple[int, int]]
) -> list[tuple[int, int, int]]:
    """The second in which a source ends: ticks and units that it pays of each, and gives for them.

    What is left goes by what is asked, by largest remainder: nobody gets more than it asks.
    """
    low, high = _asked(source, before), _asked(source, after)
    asked = [b - a for a, b in zip(low, high, strict=True)]
    parts = split_amount(source.left - sum(low), asked, range(len(asked)))
    found = []
    for part, whole, first, last in zip(parts, asked, before, after, strict=True):
        ticks, units = last[0] - first[0], last[1] - first[1]
        if not part:
            found.append((0, 0, 0))
        elif source.hours:
            found.append((ticks * part // whole, units * part // whole, part))
        else:
            found.append((part, units * part // whole, part))
    return found

"""Usage x price curve -> charges, one per part of time (a billing day) and rate.

The cost of a run over ``[a, b)`` is ``floor(q F(b) / per) - floor(q F(a) / per)``
with F the integral of the price from the run's start: additive over any split
in time, exact where ``per`` is 1, within one tick a run (and change of rate)
elsewhere.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from slurm_finops.core.rates import Curve, Segment

C = TypeVar("C")


class Cut(Protocol):
    """What time is cut into: `core.period.Calendar` cuts it into billing days."""

    def split(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """``[start, end)`` in adjoining pieces ``(number, from, to)``, none empty."""


#: Ticks: contracted, kept when some is forgiven, and net of what somebody else pays; as `Rest`.
Rests = tuple[int, int, int]


class Line(NamedTuple, Generic[C]):
    """What one day of one usage costs, in ticks; ``card`` and costs None where unpriced.

    ``rest`` is None where all of it is ``ticks``.
    """

    day: int
    card: C | None
    seconds: int
    list_ticks: int | None
    ticks: int | None
    rest: Rests | None = None


# what Line._make does, without a Python call in between: this runs once a charge
_as_line: Callable[[Iterable[Any]], Line[Any]] = partial(tuple.__new__, Line)


def charge(
    start: int, end: int, quantity: int, segments: Sequence[Segment[C]], cut: Cut
) -> list[Line[C]]:
    """The lines of ``quantity`` units held over ``[start, end)``, by day and card.

    Any ``cut`` comes to the same sum, and to the same cost of what two of them share.
    """
    last = segments[-1]
    if last.start <= start:
        return _lines(last, quantity, cut.split(start, end))
    first = bisect_right(segments, start, key=_start)
    if end <= segments[first].start:  # the others do not matter
        return _lines(segments[first - 1], quantity, cut.split(start, end))
    lines = [
        line
        for segment, origin, stop in _pieces(start, end, segments, first - 1)
        for line in _lines(segment, quantity, cut.split(origin, stop))
    ]
    return _merged(lines)


def _lines(
    segment: Segment[C], quantity: int, days: Sequence[tuple[int, int, int]]
) -> list[Line[C]]:
    _, card, curve, list_curve, more = segment
    if curve is None or list_curve is None or not days:
        return [Line(day, None, b - a, None, None) for day, a, b in days]
    if len(days) == 1:  # most runs: what follows comes to the same, and is slower
        day, start, end = days[0]
        cost = quantity * curve.between(start, end) // curve.per
        listed_cost = cost if list_curve is curve else _cost(list_curve, quantity, start, end)
        rest = None
        if more is not None:
            contracted, kept, net = more
            ours = cost if contracted is curve else _cost(contracted, quantity, start, end)
            left = cost if kept is curve else _cost(kept, quantity, start, end)
            rest = ours, left, left if net is kept else _cost(net, quantity, start, end)
        return [_as_line((day, card, end - start, listed_cost, cost, rest))]
    ticks = costs(curve, quantity, days)
    known = {curve: ticks}
    listed = _known(known, list_curve, quantity, days)
    rests: Sequence[Rests | None] = [None] * len(days)
    if more is not None:
        columns = [_known(known, one, quantity, days) for one in more]
        rests = list(zip(*columns, strict=True))
    return [
        _as_line((day, card, b - a, listed_ticks, billed_ticks, rest))
        for (day, a, b), listed_ticks, billed_ticks, rest in zip(
            days, listed, ticks, rests, strict=True
        )
    ]


def _cost(curve: Curve, quantity: int, start: int, end: int) -> int:
    return quantity * curve.between(start, end) // curve.per


def _known(
    known: dict[Curve, list[int]], curve: Curve, quantity: int, days: Sequence[tuple[int, int, int]]
) -> list[int]:
    found = known.get(curve)
    if found is None:
        found = known[curve] = costs(curve, quantity, days)
    return found


def costs(curve: Curve, quantity: int, days: Sequence[tuple[int, int, int]]) -> list[int]:
    """Ticks for ``quantity`` over each of the adjoining ``days`` of a usage begun at the first."""
    per, origin = curve.per, days[0][1]
    found, before = [], 0
    for _, _, end in days:
        upto = quantity * curve.between(origin, end) // per
        found.append(upto - before)
        before = upto
    return found


def _pieces(
    start: int, end: int, segments: Sequence[Segment[C]], first: int
) -> list[tuple[Segment[C], int, int]]:
    """The segments from the ``first`` on that ``[start, end)`` falls into, and when it does."""
    pieces = []
    while start < end:
        last = first + 1 == len(segments)
        stop = end if last else min(end, segments[first + 1].start)
        pieces.append((segments[first], start, stop))
        start, first = stop, first + 1
    return pieces


def _start(segment: Segment[Any]) -> int:
    return segment.start


def _merged(lines: list[Line[C]]) -> list[Line[C]]:
    """Lines with the same day and card made one: a rate may come and go within a day."""
    merged: dict[tuple[int, C | None], Line[C]] = {}
    for line in lines:
        key = line.day, line.card
        seen = merged.get(key)
        merged[key] = line if seen is None else _sum(seen, line)
    return list(merged.values())


def _sum(one: Line[C], two: Line[C]) -> Line[C]:
    seconds = one.seconds + two.seconds
    if one.ticks is None or two.ticks is None or one.list_ticks is None or two.list_ticks is None:
        return one._replace(seconds=seconds)
    rest = None
    if one.rest is not None or two.rest is not None:
        first, second = one.rest or (one.ticks,) * 3, two.rest or (two.ticks,) * 3
        rest = first[0] + second[0], first[1] + second[1], first[2] + second[2]
    listed, ticks = one.list_ticks + two.list_ticks, one.ticks + two.ticks
    return Line(one.day, one.card, seconds, listed, ticks, rest)

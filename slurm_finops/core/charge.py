"""Usage x price curve -> charges, one per billing day and rate.

The cost of a run over ``[a, b)`` is ``floor(q F(b) / per) - floor(q F(a) / per)``
with F the integral of the price from the run's start: additive over any split
in time, exact where ``per`` is 1, within one tick a run (and change of rate)
elsewhere.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import Card, Curve, Segment


class Line(NamedTuple):
    """What one day of one usage costs, in ticks; ``card`` and costs None where unpriced."""

    day: int
    card: Card | None
    seconds: int
    list_ticks: int | None
    ticks: int | None


def charge(
    start: int, end: int, quantity: int, segments: Sequence[Segment], calendar: Calendar
) -> list[Line]:
    """The lines of ``quantity`` units held over ``[start, end)``, by day and card."""
    last = segments[-1]
    pieces = [(last, start, end)] if last.start <= start else _pieces(start, end, segments)
    lines: list[Line] = []
    for (_, card, curve, list_curve), origin, stop in pieces:
        days = calendar.split(origin, stop)
        if curve is None or list_curve is None:
            lines += [Line(day, None, b - a, None, None) for day, a, b in days]
            continue
        ticks = costs(curve, quantity, origin, days)
        listed = ticks if list_curve is curve else costs(list_curve, quantity, origin, days)
        for (day, a, b), listed_ticks, billed_ticks in zip(days, listed, ticks, strict=True):
            lines.append(Line(day, card, b - a, listed_ticks, billed_ticks))
    return lines if len(pieces) == 1 else _merged(lines)


def costs(
    curve: Curve, quantity: int, origin: int, days: Sequence[tuple[int, int, int]]
) -> list[int]:
    """Ticks for ``quantity`` over each of the adjoining ``days`` of a usage begun at ``origin``."""
    base, per = curve.integral(origin), curve.per
    if len(days) == 1:
        return [quantity * (curve.integral(days[0][2]) - base) // per]
    found, before = [], 0
    for _, _, end in days:
        upto = quantity * (curve.integral(end) - base) // per
        found.append(upto - before)
        before = upto
    return found


def _pieces(start: int, end: int, segments: Sequence[Segment]) -> list[tuple[Segment, int, int]]:
    """The segments that ``[start, end)`` falls into, each with its share of the time."""
    first = bisect_right(segments, start, key=_start) - 1
    pieces = []
    while start < end:
        last = first + 1 == len(segments)
        stop = end if last else min(end, segments[first + 1].start)
        pieces.append((segments[first], start, stop))
        start, first = stop, first + 1
    return pieces


def _start(segment: Segment) -> int:
    return segment.start


def _merged(lines: list[Line]) -> list[Line]:
    """Lines with the same day and card made one: a rate may come and go within a day."""
    merged: dict[tuple[int, Card | None], Line] = {}
    for line in lines:
        key = line.day, line.card
        seen = merged.get(key)
        merged[key] = line if seen is None else _sum(seen, line)
    return list(merged.values())


def _sum(one: Line, two: Line) -> Line:
    if one.ticks is None or two.ticks is None or one.list_ticks is None or two.list_ticks is None:
        return one._replace(seconds=one.seconds + two.seconds)
    return Line(
        one.day,
        one.card,
        one.seconds + two.seconds,
        one.list_ticks + two.list_ticks,
        one.ticks + two.ticks,
    )

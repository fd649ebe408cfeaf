"""What the next days of a group will cost, by what its past days did; whole numbers and fractions.

A history is ticks a day, oldest first, up to yesterday, from the group's first use on.

Each coming day is taken to cost what its weekday cost on average over the last
`WEEKS` weeks, the dearest day of them counted as at most twice the second.  The
range is how far the same rule, asked on each past day, was off.
"""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from slurm_finops.core.money import round_half_away

WEEK = 7
#: Whole weeks that a forecast looks back.  Two follow a change sooner and four err less where
#: there is none (docs/forecast.md).
WEEKS = 3
#: Days of history under which nothing is said.
LEAST = 28
#: Days of history that are looked at: what was before says little of what will be.
HISTORY = 120
#: Of a span so many must lie in the history behind its first week, for what was off to be known.
SPANS = 3
#: The part of all cases that is left out of a range on either side.
TAIL = Fraction(1, 10)


class Range(NamedTuple):
    """Ticks: between ``low`` and ``high`` in 8 of 10 cases."""

    low: int
    middle: int
    high: int

    def plus(self, ticks: int) -> "Range":
        """With what is spent already."""
        return Range(*(one + ticks for one in self))


class Backtest(NamedTuple):
    """Of ``made`` ranges of past days so many held what came; ``below`` of what came was below.

    ``width``, ``off`` and ``actual`` are sums in ticks: of high - low, of how far the
    middle was off, and of what came.
    """

    made: int
    within: int
    below: int
    width: int
    off: int
    actual: int


def forecast(history: Sequence[int], days: int) -> Range | None:
    """What the next ``days`` days cost; None below `LEAST` days of history."""
    if len(history) < LEAST:
        return None
    if days <= 0:
        return Range(0, 0, 0)
    history = history[-HISTORY:]
    middle = expected(history, len(history), days)
    low, high = _off(history, days, middle)
    return Range(max(min(0, middle), middle + min(0, low)), middle, middle + max(0, high))


def expected(history: Sequence[int], at: int, days: int) -> int:
    """What ``days`` days were taken to cost when only ``history[:at]`` was known, a week of it."""
    weeks = min(WEEKS, at // WEEK)
    window = history[at - weeks * WEEK : at]
    second = sorted(window)[-2]
    cap = max(second, 2 * second)
    whole, rest = divmod(days, WEEK)
    total = sum(min(ticks, cap) * (whole + (i % WEEK < rest)) for i, ticks in enumerate(window))
    return round_half_away(total, weeks)


def _off(history: Sequence[int], days: int, middle: int) -> tuple[int, int]:
    """How far below and above ``middle`` the edges of the range lie, in ticks.

    What came after each past day is known as a share of what had been expected, or of
    the average of the whole history where that is more: a group that rests is not off
    by a thousandfold.  For a span that has no `SPANS` in the history a shorter one
    stands.  Spans overlap, so there are only ``apart`` independent ones: as many of a
    hundred are left out as conformal prediction leaves out of so few (none below 9), and the
    edges are moved out by one part in so many.
    """
    size = len(history)
    span = min(days, (size - WEEK) // SPANS)
    upto = [0, *accumulate(history)]
    made = range(WEEK, size - span + 1)
    shares = []
    for at in made:
        before = expected(history, at, span)
        scale = max(before * size, upto[size] * span, size)
        shares.append(Fraction((upto[at + span] - upto[at] - before) * size, scale))
    shares.sort()
    apart = len(made) // span + 1
    drop = int(len(made) * max(Fraction(0), TAIL - (1 - TAIL) / apart))
    unit = max(Fraction(middle), Fraction(upto[size] * days, size)) * Fraction(apart + 1, apart)
    edges = shares[drop] * unit, shares[-1 - drop] * unit
    return round_half_away(*edges[0].as_integer_ratio()), round_half_away(
        *edges[1].as_integer_ratio()
    )


def path(history: Sequence[int], days: int) -> list[int]:
    """What is expected to be spent by the end of each of the next ``days`` days."""
    return [expected(history, len(history), day) for day in range(1, days + 1)]


def used_up(path: Sequence[int], left: int) -> int | None:
    """On which of the days of a path, from 0, ``left`` is used up; None if on none of them."""
    if left <= 0:
        return 0
    day = bisect_left(list(accumulate(path, max)), left)
    return day if day < len(path) else None


def stretched(path: Sequence[int], end: int) -> list[int]:
    """A path that ends at ``end`` instead, day by day in proportion."""
    last = path[-1] if path else 0
    if last > 0:
        return [round_half_away(ticks * end, last) for ticks in path]
    return [round_half_away(end * day, len(path)) for day in range(1, len(path) + 1)]


def backtest(history: Sequence[int], days: int) -> Backtest:
    """How often the ranges that would have been made on past days held."""
    upto = [0, *accumulate(history)]
    sums = [0] * 6
    for at in range(LEAST, len(history) - days + 1):
        found = forecast(history[:at], days)
        came = upto[at + days] - upto[at]
        if found:
            held = found.low <= came <= found.high
            one = (1, held, came < found.low, found.high - found.low, abs(came - found.middle),
                   came)  # fmt: skip
            sums = [a + b for a, b in zip(sums, one, strict=True)]
    return Backtest(*sums)


def usual(totals: Sequence[int]) -> tuple[int, int] | None:
    """Between what at least 8 of 10 of earlier periods of one kind cost; None for less than 4.

    Of n totals in order, the lowest and the highest ``n // 10`` are left out.
    """
    if len(totals) < 4:
        return None
    ordered, drop = sorted(totals), len(totals) // 10
    return ordered[drop], ordered[-1 - drop]

"""What the next days of a group will cost, from what its past days did; integers only.

A history is ticks a day, oldest first, up to yesterday, from the group's first use on.

Each coming day is taken to cost what its weekday cost on average over the last
`WEEKS` weeks.  The range is how far the same rule, asked on each past day, was off.
"""

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from slurm_finops.core.money import round_half_away

WEEK = 7
#: Whole weeks that a forecast looks back; a younger group has as many as it has.
WEEKS = 4
#: Days of history under which nothing is said.
LEAST = 21
#: What the range is to hold: 8 of 10, the others halved to both sides.
TAIL = Fraction(1, 10)
#: So many times the median distance from the usual is no wonder yet.
MADS = 6


class Range(NamedTuple):
    """Ticks: between ``low`` and ``high`` in 8 of 10 cases."""

    low: int
    middle: int
    high: int


class Backtest(NamedTuple):
    """How often a range made on a past day held: ``within`` of ``made``, with their widths."""

    made: int
    within: int
    #: sums over all that were made, in ticks: of high - low, and of what it came to
    width: int
    actual: int


def forecast(history: Sequence[int], days: int) -> Range | None:
    """What the next ``days`` days cost; None below `LEAST` days of history."""
    if len(history) < LEAST:
        return None
    if days <= 0:
        return Range(0, 0, 0)
    middle = point(history, len(history), days)
    low, high = _errors(history, days)
    return Range(max(0, min(middle, middle + low)), middle, max(middle, middle + high))


def point(history: Sequence[int], at: int, days: int) -> int:
    """The forecast that was made when only ``history[:at]`` was known; at least a week of it."""
    weeks = min(WEEKS, at // WEEK)
    window = history[at - weeks * WEEK : at]
    cap = 2 * sorted(window)[-2]
    whole, rest = divmod(days, WEEK)
    total = 0
    for i, ticks in enumerate(window):
        total += min(ticks, cap) * (whole + (i % WEEK < rest))
    return round_half_away(total, weeks)


def _errors(history: Sequence[int], days: int) -> tuple[int, int]:
    """By how much what came was below and above the forecast: the edges of 8 of 10 cases.

    Of a span that the history has not three of, a shorter one stands for it, in proportion.
    """
    span = min(days, max(1, (len(history) - WEEK) // 3))
    upto = [0, *accumulate(history)]
    made = range(WEEK, len(history) - span + 1)
    off = sorted(upto[at + span] - upto[at] - point(history, at, span) for at in made)
    apart = len(made) // span + 1
    drop = int(len(off) * max(Fraction(0), TAIL - (1 - TAIL) / apart))
    low, high = off[drop], off[-1 - drop]
    return -round_half_away(-low * days, span), round_half_away(high * days, span)


def backtest(history: Sequence[int], days: int) -> Backtest:
    """How often the ranges that would have been made on past days held."""
    upto = [0, *accumulate(history)]
    made = within = width = actual = 0
    for at in range(LEAST, len(history) - days + 1):
        found = forecast(history[:at], days)
        came = upto[at + days] - upto[at]
        if found:
            made, width, actual = made + 1, width + found.high - found.low, actual + came
            within += found.low <= came <= found.high
    return Backtest(made, within, width, actual)


def usual(totals: Sequence[int]) -> tuple[int, int] | None:
    """Between what at least 8 of 10 of earlier periods of the same kind cost; None for under 4.

    Of n totals in order, the lowest and the highest ``n // 10`` are left out.
    """
    if len(totals) < 4:
        return None
    ordered, drop = sorted(totals), len(totals) // 10
    return ordered[drop], ordered[-1 - drop]


class Unusual(NamedTuple):
    """Ticks: what a day cost, what such a day usually costs, and up to where it is no wonder."""

    ticks: int
    usual: int
    limit: int


def unusual(history: Sequence[int], ticks: int, floor: int = 0) -> Unusual | None:
    """Whether the day after ``history`` cost more than the group's history makes likely.

    ``floor``: ticks that it must be above the usual at the least.  None: it did
    not, or there is too little history to say.
    """
    if len(history) < LEAST:
        return None
    seen = history[-8 * WEEK :]
    medians = [median(seen[-1 - i :: -WEEK]) for i in range(WEEK)]
    off = [abs(day - medians[i % WEEK]) for i, day in enumerate(reversed(seen))]
    own = medians[WEEK - 1]
    limit = max(own + MADS * median(off), own + floor, max(seen))
    return Unusual(ticks, own, limit) if ticks > limit else None


def median(values: Sequence[int]) -> int:
    """The middle one; of an even number the lower of the two."""
    return sorted(values)[(len(values) - 1) // 2]

"""Costs that accrue with time, whether anything is used or not.

What has accrued by an instant is cut down to a whole tick, so that what accrues
over adjoining stretches sums to what accrues over them all.
"""

from collections.abc import Iterator
from typing import NamedTuple

from slurm_finops.core.money import SECONDS_PER_HOUR
from slurm_finops.core.period import Calendar, day_date

ONCE, HOUR, MONTH, YEAR = "once", "hour", "month", "year"
EVERY = (ONCE, HOUR, MONTH, YEAR)


class Cost(NamedTuple):
    """``ticks`` for ``every`` hour, billing month or calendar year of ``[start, end)``.

    ``once``: for the whole of it, evenly by the second.  A part of a month or
    year costs its part of it by seconds, 28 days or 31.
    """

    name: str
    ticks: int
    every: str
    start: int
    end: int


def accrued(cost: Cost, since: int, until: int, calendar: Calendar) -> int:
    """Ticks that accrue over ``[since, until)``."""
    since, until = max(since, cost.start), min(until, cost.end)
    if since >= until:
        return 0
    return sum(
        _upto(cost.ticks, first, last, min(until, end)) - _upto(cost.ticks, first, last, start)
        for start, end, first, last in _stretches(cost, since, until, calendar)
    )


def _upto(ticks: int, first: int, last: int, instant: int) -> int:
    return ticks * (instant - first) // (last - first)


def _stretches(
    cost: Cost, since: int, until: int, calendar: Calendar
) -> Iterator[tuple[int, int, int, int]]:
    """``(from, to)`` of ``[since, until)``, with the ``[first, last)`` that ``ticks`` is for."""
    if cost.every == ONCE:
        yield since, until, cost.start, cost.end
    elif cost.every == HOUR:
        yield since, until, cost.start, cost.start + SECONDS_PER_HOUR
    else:
        while since < until:
            month = calendar.month_of(calendar.day_of(since))
            if cost.every == YEAR:
                year = day_date(month.first).year
                month = calendar.period(f"{year}-01-01..{year + 1}-01-01")
            yield since, min(until, month.end), month.start, month.end
            since = month.end

"""The same usage under another price list: what a run books there, and what that costs.

A list may count time more coarsely than Slurm does: a run books its elapsed
time, at least the list's minimum, rounded up to the list's granularity, as an
interval from its start on.  The price is that of `core.charge` over the booked
interval, so dated and spot prices hold for the rounded-up seconds, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

from slurm_finops.core.charge import Cut, charge
from slurm_finops.core.charging import GRANULARITIES, booked
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import Rate, Segment

#: A year: nobody sells a GPU for longer at the least.
LONGEST_MINIMUM = 31_536_000

C = TypeVar("C")


class MonthlyLine(NamedTuple):
    """What a provider asks beside usage: minor units a billing month."""

    name: str
    amount_minor: int


@dataclass(frozen=True)
class PriceList:
    """Dated rates, how a run's time is counted (``minimum`` in seconds), and monthly lines."""

    name: str
    rates: tuple[Rate, ...]
    granularity: str = "second"
    minimum: int = 0
    lines: tuple[MonthlyLine, ...] = ()

    @cached_property
    def book(self) -> PriceBook:
        return PriceBook(self.rates)

    @cached_property
    def step(self) -> int:
        """Seconds that booked time is a multiple of."""
        return GRANULARITIES[self.granularity]

    def booked(self, elapsed: int) -> int:
        """Seconds that a run of ``elapsed`` seconds, more than none, pays for."""
        return booked(elapsed, self.step, self.minimum)


class Window:
    """A period in one piece, number 0; what lies before it is -1 and what comes after 1.

    Adds up to what the billing days of the period do, and is sooner cut.
    """

    def __init__(self, since: int, until: int) -> None:
        self._since = since
        self._until = until

    def split(self, start: int, end: int) -> list[tuple[int, int, int]]:
        since, until = self._since, self._until
        if since <= start < end <= until:
            return [(0, start, end)]
        pieces = (
            (-1, start, min(end, since)),
            (0, max(start, since), min(end, until)),
            (1, max(start, until), end),
        )
        return [piece for piece in pieces if piece[1] < piece[2]]


#: ``(number of the cut, card, seconds held, seconds booked, ticks)``; a plain tuple,
#: because one is made a run and list.  Card and ticks are None where no rate applies.
Share = tuple[int, C | None, int, int, int | None]


def shares(
    start: int, elapsed: int, booked: int, quantity: int, segments: Sequence[Segment[C]], cut: Cut
) -> list[Share[C]]:
    """What ``quantity`` units cost that a run held for ``elapsed`` and books for ``booked``."""
    lines = charge(start, start + booked, quantity, segments, cut)
    if len(lines) == 1:
        part, card, seconds, _, ticks, _ = lines[0]
        return [(part, card, elapsed, seconds, ticks)]
    held = {
        (line.day, line.card): line.seconds
        for line in charge(start, start + elapsed, quantity, segments, cut)
    }
    return [
        (part, card, held.get((part, card), 0), seconds, ticks)
        for part, card, seconds, _, ticks, _ in lines
    ]


def monthly(amount: int, period: Period, calendar: Calendar) -> int:
    """What of a monthly amount falls into a period, in the amount's own whole units.

    Each billing month that the period touches gives its part by seconds, cut off
    cumulatively from the month's start: so the parts of adjoining periods sum.
    """
    return sum(
        _upto(amount, month, min(period.end, month.end))
        - _upto(amount, month, max(period.start, month.start))
        for month in _months(period, calendar)
    )


def _upto(amount: int, month: Period, instant: int) -> int:
    return amount * (instant - month.start) // (month.end - month.start)


def _months(period: Period, calendar: Calendar) -> Iterator[Period]:
    month = calendar.month_of(period.first)
    while month.first < period.last:
        yield month
        month = calendar.following(month)

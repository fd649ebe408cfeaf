"""What a team still holds of an allocation on a day, and how long it will last."""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import SECONDS_PER_HOUR, TICKS, apportion, round_half_away

#: What a lot is on a day.
COMING, IN_USE, USED_UP, CARRIED, EXPIRED = "coming", "in use", "used up", "carried", "expired"
#: A rate of use is looked at over so many whole days.
RATE_DAYS = 30
#: Expiry is spoken of so many days before, and less than a tenth is little.
SOON_DAYS = 30


class Amounts(NamedTuple):
    """Whole minor units, or parts of an hour: ``amount = used + left + lapsed``."""

    amount: int
    used: int
    left: int
    lapsed: int


class Outlook(NamedTuple):
    """Where the use of the last days leads: the day it is used up, and what nobody will use.

    ``lasts_until`` is None where it is not used up; ``unused`` is in the lot's own units.
    The rate is that of the ``days`` before.
    """

    days: int
    lasts_until: int | None
    unused: int


class Holding(NamedTuple):
    """A lot at the end of a day, in its own units: what is used, left, and gone unused."""

    lot: Lot
    day: int
    used: int
    left: int
    #: what was drawn of it on each day up to this one
    drawn: Mapping[int, int]

    @property
    def lapsed(self) -> int:
        """What expired, or was not carried."""
        return self.lot.amount - self.used - self.left

    @property
    def state(self) -> str:
        lot, day = self.lot, self.day
        if day < lot.first:
            return COMING
        if day >= lot.ends:
            return EXPIRED
        if self.left <= 0:  # below: it was made smaller, and nobody has priced since
            return USED_UP
        return IN_USE if day < lot.last else CARRIED

    @property
    def is_live(self) -> bool:
        """Whether it still pays."""
        return self.state in (IN_USE, CARRIED)

    @property
    def expires(self) -> int:
        """The first day on which what is left now, or some of it, is gone."""
        return self.lot.last if self.day < self.lot.last else self.lot.ends

    @property
    def days_left(self) -> int:
        """Days on which it still pays, the running one counted; 0 once it is expired."""
        return max(0, self.expires - self.day)

    @property
    def keeps_all(self) -> bool:
        """Whether nothing is lost when it expires next, for all of it is carried."""
        return self.day < self.lot.last and self.lot.carry == 1

    @property
    def expires_soon(self) -> bool:
        """Whether something of what is left is lost within a month."""
        return self.is_live and self.days_left <= SOON_DAYS and not self.keeps_all

    @property
    def is_low(self) -> bool:
        """Whether less than a tenth is left."""
        return self.is_live and self.left * 10 < self.lot.amount

    def amounts(self, digits: int) -> Amounts:
        """Rounded once, so that the parts sum to the whole.

        ``digits``: of the currency, or decimals of an hour.
        """
        below = MICRO * SECONDS_PER_HOUR if self.lot.hours else TICKS
        scale = 10**digits
        parts = [part * scale for part in (self.used, self.left, self.lapsed)]
        whole = round_half_away(self.lot.amount * scale, below)
        return Amounts(whole, *apportion(whole, parts, below, "abc"))

    @property
    def outlook(self) -> Outlook | None:
        """By the whole days before, of which `RATE_DAYS` are looked at.

        None where it pays no more, or paid nothing then: what comes is not known.
        """
        since = max(self.lot.first, self.day - RATE_DAYS)
        recent = sum(units for at, units in self.drawn.items() if since <= at < self.day)
        if not self.is_live or not recent:
            return None
        days, day, left, lost = self.day - since, self.day, self.left, 0
        rate = Fraction(recent, days)
        for end, goes_on in self._expiries():
            rest = left - rate * (end - 1 - day)
            if rest <= 0:
                return Outlook(days, day + _ceil(left / rate), lost)
            lost += round_half_away(*(rest * (1 - goes_on)).as_integer_ratio())
            left, day = _floor(rest * goes_on), end - 1
            if not left:
                break
        return Outlook(days, None, lost)

    def _expiries(self) -> Iterator[tuple[int, Fraction]]:
        """``(first day after, the part of what is left then that goes on)``, those to come."""
        if self.day < self.lot.last:
            yield self.lot.last, self.lot.carry
        if self.lot.carried is not None:
            yield self.lot.carried, Fraction(0)


def holding(lot: Lot, day: int, drawn: Mapping[int, int]) -> Holding:
    """A lot at the end of a day, of what was ``drawn`` on each."""
    known = {at: units for at, units in drawn.items() if at <= day}
    left = 0
    if day < lot.ends:
        left = lot.left(day, known) - known.get(day, 0)
    return Holding(lot, day, sum(known.values()), left, known)


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


def _floor(value: Fraction) -> int:
    return value.numerator // value.denominator

"""The values in a record: times, durations, numbers."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TypeVar

#: What Slurm prints for a time that has not come.
NEVER = frozenset(("", "Unknown", "None", "N/A", "0"))
#: Epoch seconds and durations beyond the year 2242 are damage.
MOST_SECONDS = 1 << 33
_LAST_YEAR = 2241
_CACHE = 100_000
K = TypeVar("K")
V = TypeVar("V")


class Unreadable(ValueError):
    """A record that cannot be read; the text says why."""


def remember(cache: dict[K, V], key: K, value: V) -> V:
    # a site has few distinct texts; a hostile file must not fill memory
    if len(cache) >= _CACHE:
        cache.clear()
    cache[key] = value
    return value


def integers(texts: Sequence[str], limit: int) -> list[int]:
    """Plain decimal numbers below ``limit``; raises ValueError for anything else."""
    if not "".join(texts).isdecimal():
        raise ValueError
    numbers = list(map(int, texts))
    if max(numbers) >= limit:
        raise ValueError
    return numbers


def integer(text: str, limit: int, column: str) -> int:
    # by its length first: Python refuses to convert thousands of digits
    number = int(text) if len(text) < 20 else limit
    if number >= limit:
        raise Unreadable(f"{column} {text[:40]!r} is too large")
    return number


class Times:
    """Epoch seconds, ISO with an offset, or ISO local in one zone."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        #: whether a time without an offset was seen on a day when clocks change
        self.local = False
        #: a local date -> its midnight, for dates that keep one offset all day
        self._days: dict[str, int] = {}
        self._clock: dict[str, int] = {}

    def parse(self, text: str, column: str) -> int | None:
        if text in NEVER:
            return None
        if text.isdecimal():
            return integer(text, MOST_SECONDS, column)
        # two look-ups instead of a datetime: three times a record, it is the
        # larger part of reading a file of local times
        clock = self._clock.get(text[10:])
        midnight = self._days.get(text[:10])
        if clock is not None and midnight is not None:
            return midnight + clock
        return self._slow(text, column)

    def column(self, texts: Sequence[str]) -> list[int | None]:
        """`parse` of many; raises ValueError."""
        try:
            numbers: list[int | None] = [*integers(texts, MOST_SECONDS)]
        except ValueError:
            pass
        else:
            return [number or None for number in numbers] if 0 in numbers else numbers
        days, clock = self._days, self._clock
        try:
            return [days[text[:10]] + clock[text[10:]] for text in texts]
        except KeyError:
            return [self.parse(text, "") for text in texts]

    def _slow(self, text: str, column: str) -> int:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise Unreadable(f"{column} {text[:40]!r} is not a time") from None
        if not 1970 <= at.year <= _LAST_YEAR:
            raise Unreadable(f"{column} {text[:40]!r} is out of range")
        if at.tzinfo is None:
            self._learn(at)
            at = at.replace(tzinfo=self._zone)
        return int(at.timestamp())

    def _learn(self, at: datetime) -> None:
        day = at.date()
        midnight = datetime.combine(day, datetime.min.time(), self._zone)
        following = datetime.combine(day + timedelta(1), datetime.min.time(), self._zone)
        whole_day = following.timestamp() - midnight.timestamp() == 86_400
        if whole_day and midnight.utcoffset() == following.utcoffset():
            remember(self._days, day.isoformat(), int(midnight.timestamp()))
            seconds = at.hour * 3600 + at.minute * 60 + at.second
            remember(self._clock, at.isoformat()[10:], seconds)
        else:
            self.local = True

"""Half-open time in a billing zone: days, weeks, months.

Instants are whole epoch seconds.  A billing *day* is the number of days from
1970-01-01 to its local date, and lasts from that date's first instant in the
zone to the next one's: 23 or 25 hours where the clocks change.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

_EPOCH = date(1970, 1, 1).toordinal()
_UTC_DAY = 86_400
_DATE = r"\d{4}-\d{2}-\d{2}"
_SHAPE = re.compile(
    rf"(?P<day>{_DATE})|(?P<month>\d{{4}}-\d{{2}})|(?P<week>\d{{4}}-W\d{{2}})", re.ASCII
)


def day_number(day: date) -> int:
    """The billing day of a local date."""
    return day.toordinal() - _EPOCH


def day_date(number: int) -> date:
    """The local date of a billing day."""
    return date.fromordinal(number + _EPOCH)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole billing days ``[first, last)`` and the instants ``[start, end)`` they cover.

    ``every`` is ``day``, ``week``, ``month``, or "" for a range.
    """

    label: str
    first: int
    last: int
    start: int
    end: int
    every: str = ""


class Calendar:
    """Billing days of one zone.  Pure but for a cache of midnights."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self._midnights: dict[int, int] = {}
        #: the day looked up last, with its midnights: runs come in order of time
        self._today = (0, 0, 0)

    def midnight(self, day: int) -> int:
        """The first instant of a billing day.

        ``fold=0`` gives the earlier of two midnights, and for a midnight that
        the clocks skip the instant of the change itself (PEP 495).
        """
        found = self._midnights.get(day)
        if found is None:
            local = datetime.combine(day_date(day), datetime.min.time(), self.zone)
            found = self._midnights[day] = int(local.timestamp())
        return found

    def day_of(self, instant: int) -> int:
        """The billing day that ``instant`` falls in."""
        start, end, day = self._today
        if start <= instant < end:
            return day
        day = instant // _UTC_DAY
        while instant < self.midnight(day):
            day -= 1
        while instant >= self.midnight(day + 1):
            day += 1
        self._today = self.midnight(day), self.midnight(day + 1), day
        return day

    def split(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """``[start, end)`` cut at midnights: ``(day, from, to)``, none empty."""
        day = self.day_of(start)
        if start < end <= self._today[1]:
            return [(day, start, end)]
        pieces = []
        while start < end:
            cut = min(self.midnight(day + 1), end)
            if cut > start:
                pieces.append((day, start, cut))
                start = cut
            day += 1
        return pieces

    def isoformat(self, instant: int) -> str:
        """An instant as ISO 8601 with the zone's offset."""
        return datetime.fromtimestamp(instant, self.zone).isoformat()

    def shortest(self, instant: int) -> str:
        """The date alone of an instant that is a midnight of the zone, else `isoformat`."""
        text = self.isoformat(instant)
        return text[:10] if self.midnight(self.day_of(instant)) == instant else text

    def period(self, text: str) -> Period:
        """A period as typed: ``2026-06``, ``2026-06-01``, ``2026-W23`` or ``A..B``.

        ``A..B`` runs from the start of A to the start of B.  Raises ValueError.
        """
        if ".." in text:
            head, _, tail = text.partition("..")
            first, last = _span(head)[0], _span(tail)[0]
        else:
            first, last = _span(text)
        if first >= last:
            raise ValueError(f"period {text!r} ends before it starts")
        shape = _SHAPE.fullmatch(text)
        every = shape.lastgroup or "" if shape else ""
        return self.days(day_number(first), day_number(last), text, every)

    def days(self, first: int, last: int, label: str = "", every: str = "") -> Period:
        """The period of the billing days ``[first, last)``."""
        label = label or f"{day_date(first)}..{day_date(last)}"
        return Period(label, first, last, self.midnight(first), self.midnight(last), every)

    def month_of(self, day: int) -> Period:
        """The billing month that a day lies in."""
        return self.period(f"{day_date(day):%Y-%m}")

    def fiscal_year(self, day: int, begins: tuple[int, int] = (1, 1)) -> Period:
        """The fiscal year that a day lies in; ``begins`` is the month and day of its first day.

        Raises ValueError for a day that not every year has.
        """
        found = day_date(day)
        first = _of_every_year(found.year, begins)
        if found < first:
            first = _of_every_year(found.year - 1, begins)
        last = _of_every_year(first.year + 1, begins)
        label = f"{first.year:04d}" if begins == (1, 1) else f"{first}..{last}"
        return self.days(day_number(first), day_number(last), label)

    def following(self, period: Period) -> Period:
        """The day, week or month after this one."""
        first = day_date(period.last)
        year, week, _ = first.isocalendar()
        labels = {"day": str(first), "week": f"{year}-W{week:02d}", "month": f"{first:%Y-%m}"}
        return self.period(labels[period.every])

    def preceding(self, period: Period) -> Period:
        """The day, week or month before this one; of any other span as many days."""
        last = day_date(period.first) - timedelta(1)
        year, week, _ = last.isocalendar()
        labels = {"day": str(last), "week": f"{year}-W{week:02d}", "month": f"{last:%Y-%m}"}
        if period.every in labels:
            return self.period(labels[period.every])
        return self.days(2 * period.first - period.last, period.first)

    def last_complete(self, every: str, as_of: int) -> Period:
        """The last whole ``day``, ISO ``week`` or ``month`` that ended by ``as_of``."""
        today = day_date(self.day_of(as_of))
        if every == "day":
            return self.period((today - timedelta(1)).isoformat())
        if every == "week":
            year, week, _ = (today - timedelta(7)).isocalendar()
            return self.period(f"{year}-W{week:02d}")
        return self.period(f"{today.replace(day=1) - timedelta(1):%Y-%m}")


def _of_every_year(year: int, begins: tuple[int, int]) -> date:
    date(2001, *begins)  # a year without 29 February
    return date(year, *begins)


def _span(text: str) -> tuple[date, date]:
    """First date of ``text`` and of what follows it."""
    found = _SHAPE.fullmatch(text)
    try:
        if found and found["day"]:
            day = date.fromisoformat(text)
            return day, day + timedelta(1)
        if found and found["month"]:
            first = date.fromisoformat(text + "-01")
            return first, (first + timedelta(31)).replace(day=1)
        if found:
            monday = date.fromisocalendar(int(text[:4]), int(text[6:]), 1)
            return monday, monday + timedelta(7)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"period {text!r} does not exist: {error}") from None
    raise ValueError(
        f"{text!r} is not a period: expected 2026-06, 2026-06-01, 2026-W23, "
        "or a half-open range such as 2026-06-01..2026-06-15"
    )

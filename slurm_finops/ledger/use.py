"""Reading use: unit-seconds held, by the hours of a billing day.

An hour begins a whole number of hours after its day's midnight, so that none
lies in two days: the last of a 23- or 25-hour day is the 23rd or 25th.
"""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from slurm_finops.core.period import Calendar
from slurm_finops.ledger.spend import Tables, joins

HOUR = 3600


class HourlyUse:
    """Unit-seconds of each hour of a day, by some columns.

    ``by`` and ``where`` are SQL over ``charges``, ``jobs`` (always joined) and
    ``tables`` of `ledger.spend`; ``units`` is what a charge counts of what it holds.
    ``spans`` gives when what the columns' values select is priced so, for the days on
    which a run has several rates.
    Summing in SQL instead took four times as long (a million runs, SQLite 3.40).
    """

    def __init__(
        self, db: sqlite3.Connection, calendar: Calendar, by: Sequence[str], where: str = "1",
        tables: Tables = (), units: str = "quantity", suspended: bool = False,
        spans: Callable[[Any], Sequence[tuple[int, int]]] | None = None,
    ) -> None:  # fmt: skip
        self._db = db
        self._calendar = calendar
        self._spans = spans
        end = _end(suspended)
        columns = "".join(f", {column}" for column in by)
        self._sql = (
            f"SELECT {units}, seconds, max(start, :since), min({end}, :until){columns} "
            f"FROM charges {joins('jobs', *tables)} WHERE day = :day AND ({where})"
        )

    def of_day(self, day: int, **values: object) -> dict[tuple[Any, ...], list[int]]:
        """The columns' values -> unit-seconds of each hour of the day."""
        since, until = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        hours = -(-(until - since) // HOUR)
        found: dict[tuple[Any, ...], list[int]] = {}
        rows = self._db.execute(self._sql, {"day": day, "since": since, "until": until} | values)
        for units, seconds, start, end, *key in rows:
            held = found.get(tuple(key))
            if held is None:
                held = found[tuple(key)] = [0] * hours
            if seconds == end - start:
                _add(held, units, start - since, end - since)
            elif not self._add_spans(held, units, start, end, seconds, since, tuple(key)):
                _add_part(held, units, start - since, end - since, seconds)
        return found


    def _add_spans(
        self, held: list[int], units: int, start: int, end: int, seconds: int, since: int,
        key: tuple[Any, ...],
    ) -> bool:  # fmt: skip
        """Add what is held in the spans of ``key``, if they make up the charge's seconds."""
        if self._spans is None:
            return False
        cut = [(max(start, a), min(end, b)) for a, b in self._spans(key)]
        cut = [(a, b) for a, b in cut if a < b]
        if sum(b - a for a, b in cut) != seconds:
            return False
        for a, b in cut:
            _add(held, units, a - since, b - since)
        return True


class InReservation(NamedTuple):
    """What a run in a reservation held of a SKU on a day: units over ``[start, end)``."""

    cluster_id: int
    reservation: str
    sku: str
    units: int
    start: int
    end: int


def in_reservations(
    db: sqlite3.Connection, calendar: Calendar, day: int, suspended: bool = False
) -> Iterator[InReservation]:
    """What runs in any reservation held on a day, whatever rates it had.

    A reservation is named by its name, as sacct does, which others may have had before, or by
    its id (`core.reservations.by_id`).
    """
    rows = db.execute(
        "SELECT cluster_id, reservation, skus.name, quantity, max(start, :since), "
        f"min({_end(suspended)}, :until) FROM charges {joins('jobs', 'contexts', 'skus')} "
        "WHERE day = :day AND reservation != '' GROUP BY usage_id, sku_id",
        {"day": day, "since": calendar.midnight(day), "until": calendar.midnight(day + 1)},
    )
    return (InReservation(*row) for row in rows)


def _end(suspended: bool) -> str:
    return "start + elapsed + suspended" if suspended else "start + elapsed"


def add_hours(held: list[int], units: int, start: int, end: int) -> None:
    """Add what is held over ``[start, end)``, seconds of the day, to its hours."""
    if start < end:
        _add(held, units, start, end)


def _add(held: list[int], units: int, start: int, end: int) -> None:
    """Add what is held over ``[start, end)``, seconds of the day, to its hours."""
    first, last = start // HOUR, (end - 1) // HOUR
    if first == last:
        held[first] += units * (end - start)
        return
    held[first] += units * ((first + 1) * HOUR - start)
    held[last] += units * (end - last * HOUR)
    for hour in range(first + 1, last):
        held[hour] += units * HOUR


def _add_part(held: list[int], units: int, start: int, end: int, seconds: int) -> None:
    """The same where several rates share ``[start, end)``: each has its seconds spread over it.

    Which of the hours each had is not kept; cut cumulatively, they sum.
    """
    before = 0
    for hour in range(start // HOUR, (end - 1) // HOUR + 1):
        upto = seconds * (min(end, (hour + 1) * HOUR) - start) // (end - start)
        held[hour] += units * (upto - before)
        before = upto

"""How a run is priced: worked out once for what runs have in common."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from slurm_finops.core.charging import ALWAYS, Rounding, Timeline
from slurm_finops.core.price_book import PriceBook, Priced
from slurm_finops.core.rates import Card, Segment
from slurm_finops.core.usage import billable, is_device, parse_tres

#: Entries of each cache: many distinct values cost time, not memory.
_CACHE = 50_000

S = TypeVar("S")
C = TypeVar("C")


class Line(NamedTuple, Generic[S, C]):
    """One SKU that a run is charged for."""

    sku: S
    quantity: int
    segments: tuple[Segment[C], ...]
    #: unpriced without a rate; anything else is nothing to bill until a rate names it
    device: bool


class Plan(NamedTuple, Generic[S, C]):
    """The lines of a run, and the rule that rounds its time, ``(from, rule)`` by its start."""

    lines: list[Line[S, C]]
    rounding: tuple[tuple[int, Rounding | None], ...] = ()


Key = tuple[int, int, int, int, str]


class Plans(dict[Key, Plan[S, C]], Generic[S, C]):
    """``(cluster, place, TRES, customer, state)`` -> how such a run is priced.

    A *place* is what the rates can match of a run's context, so that runs of many
    users in one partition share a plan; a customer is a place in ``timelines``, and
    the state "" wherever no rule forgives it.  ``sku_as`` and ``card_as`` give what
    lines name a SKU and a card by: ids where charges are stored, words where they
    are only summed.  Each is asked once a combination, for that costs as much as
    pricing a run.
    """

    def __init__(
        self, db: sqlite3.Connection, book: PriceBook, sku_as: Callable[[str], S],
        card_as: Callable[[Card], C], timelines: Sequence[Timeline] = (ALWAYS,),
    ) -> None:  # fmt: skip
        super().__init__()
        self._db = db
        self._book = book
        self._sku_as = sku_as
        self._card_as = card_as
        self._timelines = timelines
        self.places = _Places(db, book)
        self._priced: dict[tuple[str, int, int, int, str], tuple[Segment[Card], ...]] = {}
        self._named: dict[tuple[Segment[Card], ...], tuple[Segment[C], ...]] = {}
        self._skus: dict[str, S] = {}

    def __missing__(self, key: Key) -> Plan[S, C]:
        cluster, place, tres, customer, state = key
        (text,) = self._db.execute("SELECT alloc_tres FROM tres WHERE id = ?", (tres,)).fetchone()
        dimensions = self.dimensions(cluster, place)
        lines = [
            Priced(sku, quantity, self._segments(sku, cluster, place, customer, state))
            for sku, quantity in billable(parse_tres(text), self._book.skus)
        ]
        lines = self._book.combined(lines, dimensions)
        rounding = self._book.rounding(dimensions, self._timelines[customer])
        plan = Plan([self._line(line) for line in lines], rounding)
        if len(self) >= _CACHE:
            self.clear()
        self[key] = plan
        return plan

    def dimensions(self, cluster: int, place: int) -> dict[str, str]:
        """What rates and rules go by, of runs of a cluster and place."""
        rows = self._db.execute("SELECT name FROM clusters WHERE id = ?", (cluster,))
        return {"cluster": rows.fetchone()[0], **self.places.dimensions(place)}

    def _segments(
        self, sku: str, cluster: int, place: int, customer: int, state: str
    ) -> tuple[Segment[Card], ...]:
        key = sku, cluster, place, customer, state
        found = self._priced.get(key)
        if found is None:
            found = self._priced[key] = self._book.segments(
                sku, self.dimensions(cluster, place), self._timelines[customer], state
            )
        return found

    def _line(self, line: Priced) -> Line[S, C]:
        named = self._named.get(line.segments)
        if named is None:
            named = self._named[line.segments] = tuple(
                Segment(start, None if card is None else self._card_as(card), curve, listed, rest)
                for start, card, curve, listed, rest in line.segments
            )
        if line.sku not in self._skus:
            self._skus[line.sku] = self._sku_as(line.sku)
        return Line(self._skus[line.sku], line.quantity, named, is_device(line.sku))


class _Places(dict[int, int]):
    """Context id -> place."""

    _KEYS = ("account", "partition", "qos", "reservation")

    def __init__(self, db: sqlite3.Connection, book: PriceBook) -> None:
        super().__init__()
        self._db = db
        self._used = tuple(key for key in self._KEYS if key in book.match_keys)
        self._ids: dict[tuple[str, ...], int] = {}
        self._values: list[tuple[str, ...]] = []

    def __missing__(self, context: int) -> int:
        row = self._db.execute(
            f"SELECT {', '.join(self._KEYS)} FROM contexts WHERE id = ?", (context,)
        ).fetchone()
        named = dict(zip(self._KEYS, row, strict=True))
        values = tuple(named[key] for key in self._used)
        if values not in self._ids:
            self._ids[values] = len(self._values)
            self._values.append(values)
        if len(self) >= _CACHE:
            self.clear()
        place = self[context] = self._ids[values]
        return place

    def dimensions(self, place: int) -> dict[str, str]:
        return dict(zip(self._used, self._values[place], strict=True))

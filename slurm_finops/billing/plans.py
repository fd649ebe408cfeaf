"""How a run is priced: worked out once for what runs have in common."""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from slurm_finops.core.rates import Card, RateBook, Segment
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


class Plans(dict[tuple[int, int, int], list[Line[S, C]]], Generic[S, C]):
    """``(cluster, place, TRES)`` ids -> the lines of such a run.

    A *place* is what the rates can match of a run's context, so that runs of many
    users in one partition share a plan.  ``sku_as`` and ``card_as`` give what its
    lines name a SKU and a card by: ids where charges are stored, words where they
    are only summed.  Each is asked once a combination, for that costs as much as
    pricing a run.
    """

    def __init__(
        self, db: sqlite3.Connection, book: RateBook, sku_as: Callable[[str], S],
        card_as: Callable[[Card], C],
    ) -> None:  # fmt: skip
        super().__init__()
        self._db = db
        self._book = book
        self._sku_as = sku_as
        self._card_as = card_as
        self.places = _Places(db, book)
        self._priced: dict[tuple[str, int, int], tuple[S, tuple[Segment[C], ...]]] = {}

    def __missing__(self, key: tuple[int, int, int]) -> list[Line[S, C]]:
        cluster, place, tres = key
        (text,) = self._db.execute("SELECT alloc_tres FROM tres WHERE id = ?", (tres,)).fetchone()
        lines = []
        for sku, quantity in billable(parse_tres(text), self._book.skus):
            named, segments = self._how(sku, cluster, place)
            lines.append(Line(named, quantity, segments, is_device(sku)))
        if len(self) >= _CACHE:
            self.clear()
        self[key] = lines
        return lines

    def _how(self, sku: str, cluster: int, place: int) -> tuple[S, tuple[Segment[C], ...]]:
        found = self._priced.get((sku, cluster, place))
        if found is None:
            (name,) = self._db.execute(
                "SELECT name FROM clusters WHERE id = ?", (cluster,)
            ).fetchone()
            dimensions = {"cluster": name, **self.places.dimensions(place)}
            segments = self._named(self._book.segments(sku, dimensions))
            found = self._priced[sku, cluster, place] = self._sku_as(sku), segments
        return found

    def _named(self, segments: Sequence[Segment[Card]]) -> tuple[Segment[C], ...]:
        card_as = self._card_as
        return tuple(
            Segment(start, None if card is None else card_as(card), curve, list_curve)
            for start, card, curve, list_curve in segments
        )


class _Places(dict[int, int]):
    """Context id -> place."""

    _KEYS = ("account", "partition", "qos")

    def __init__(self, db: sqlite3.Connection, book: RateBook) -> None:
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

"""How a run is priced: worked out once for what runs have in common."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.core.rates import Card, RateBook, Segment
from slurm_finops.core.usage import billable, is_device, is_gpu, parse_tres
from slurm_finops.ledger.rates import RateCards

#: Entries of each cache: many distinct values cost time, not memory.
_CACHE = 50_000


class Line(NamedTuple):
    """One SKU that a run is charged for."""

    sku_id: int
    quantity: int
    #: their cards are ids of `RateCards`
    segments: tuple[Segment[int], ...]
    #: unpriced without a rate; anything else is nothing to bill until a rate names it
    device: bool


class Plans(dict[tuple[int, int, int], list[Line]]):
    """``(cluster, place, TRES)`` ids -> the lines of such a run.

    A *place* is what the site's rates can match of a run's context, so that
    runs of many users in one partition share a plan.  Use it inside a transaction.
    """

    def __init__(self, db: sqlite3.Connection, book: RateBook) -> None:
        super().__init__()
        self._db = db
        self._book = book
        self._cards = RateCards(db)
        self.places = _Places(db, book)
        self._priced: dict[tuple[str, int, int], tuple[int, tuple[Segment[int], ...]]] = {}

    def __missing__(self, key: tuple[int, int, int]) -> list[Line]:
        cluster, place, tres = key
        (text,) = self._db.execute("SELECT alloc_tres FROM tres WHERE id = ?", (tres,)).fetchone()
        lines = []
        for sku, quantity in billable(parse_tres(text), self._book.skus):
            sku_id, segments = self._how(sku, cluster, place)
            lines.append(Line(sku_id, quantity, segments, is_device(sku)))
        if len(self) >= _CACHE:
            self.clear()
        self[key] = lines
        return lines

    def _how(self, sku: str, cluster: int, place: int) -> tuple[int, tuple[Segment[int], ...]]:
        found = self._priced.get((sku, cluster, place))
        if found is None:
            (name,) = self._db.execute(
                "SELECT name FROM clusters WHERE id = ?", (cluster,)
            ).fetchone()
            dimensions = {"cluster": name, **self.places.dimensions(place)}
            segments = self._numbered(self._book.segments(sku, dimensions))
            found = self._priced[sku, cluster, place] = self._sku_id(sku), segments
        return found

    def _numbered(self, segments: Sequence[Segment[Card]]) -> tuple[Segment[int], ...]:
        """The same with their cards' ids: looking one up costs as much as pricing a run."""
        card_id = self._cards.id
        return tuple(
            Segment(start, None if card is None else card_id(card), curve, list_curve)
            for start, card, curve, list_curve in segments
        )

    def _sku_id(self, sku: str) -> int:
        self._db.execute(
            "INSERT INTO skus (name, is_gpu) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (sku, is_gpu(sku)),
        )
        row = self._db.execute("SELECT id FROM skus WHERE name = ?", (sku,)).fetchone()
        return int(row[0])


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

"""Rates, rate cards and SKUs in the ledger."""

import json
import sqlite3
from collections.abc import Sequence

from slurm_finops.core.rates import Card, Match, Rate
from slurm_finops.core.usage import is_gpu
from slurm_finops.ledger.bulk import BulkInsert

_COLUMNS = ("sku", "match", "rank", "start", "price_micros", "per", "pricing")
_INSERT = BulkInsert("rates", _COLUMNS)


def _match_text(match: Match) -> str:
    return json.dumps(dict(match), sort_keys=True)


def stored_rates(db: sqlite3.Connection) -> list[Rate]:
    """The rates by which the ledger's charges were made."""
    found = db.execute(f"SELECT {', '.join(_COLUMNS)} FROM rates ORDER BY id")
    return [
        Rate(sku, price, start, per, pricing, tuple(sorted(json.loads(match).items())), rank)
        for sku, match, rank, start, price, per, pricing in found
    ]


def replace_rates(db: sqlite3.Connection, rates: Sequence[Rate]) -> None:
    """Make the ledger's rates these; call inside a transaction."""
    db.execute("DELETE FROM rates")
    rows = [
        (r.sku, _match_text(r.match), r.rank, r.start, r.price, r.per, r.pricing) for r in rates
    ]
    _INSERT.write(db, rows)


class RateCards:
    """Ids of rate cards; 0 is no rate."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._ids: dict[Card | None, int] = {None: 0}

    def id(self, card: Card | None) -> int:
        """The id of a card, stored if new; call inside a transaction."""
        found = self._ids.get(card)
        if found is None and card is not None:
            values = (card.sku, _match_text(card.match), card.rank, card.pricing)
            self._db.execute(
                "INSERT INTO rate_cards (sku, match, rank, pricing) VALUES (?, ?, ?, ?) "
                "ON CONFLICT DO NOTHING",
                values,
            )
            found = self._ids[card] = self._db.execute(
                "SELECT id FROM rate_cards WHERE (sku, match, rank, pricing) = (?, ?, ?, ?)", values
            ).fetchone()[0]
        return found or 0


class SkuIds:
    """Ids of SKUs."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def id(self, sku: str) -> int:
        """The id of a SKU, stored if new; call inside a transaction."""
        self._db.execute(
            "INSERT INTO skus (name, is_gpu) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (sku, is_gpu(sku)),
        )
        row = self._db.execute("SELECT id FROM skus WHERE name = ?", (sku,)).fetchone()
        return int(row[0])

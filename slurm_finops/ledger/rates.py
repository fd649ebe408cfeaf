"""Rates, rate cards and SKUs in the ledger."""

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from slurm_finops.core.approval import Approval
from slurm_finops.core.charging import Applied
from slurm_finops.core.rates import Card, Match, Rate
from slurm_finops.core.usage import is_gpu
from slurm_finops.ledger.bulk import BulkInsert

#: A rate's columns, wherever it is kept.
COLUMNS = (
    "sku", "match", "rank", "start", "price_micros", "per", "pricing", "subsidy_micros",
    "approved_by", "document", "review",
)  # fmt: skip
_INSERT = BulkInsert("rates", COLUMNS)


@lru_cache(maxsize=1024)
def match_text(match: Match) -> str:
    """A match as the ledger keeps it."""
    return json.dumps(dict(match), sort_keys=True)


def values(rate: Rate) -> tuple[object, ...]:
    """A rate as its columns."""
    return (
        rate.sku, match_text(rate.match), rate.rank, rate.start, rate.price, rate.per,
        rate.pricing, rate.subsidy, *(rate.approval or (None, None, None)),
    )  # fmt: skip


class RateRows:
    """Rows of `COLUMNS` as rates.  Long series share a few matches: each is read once."""

    def __init__(self) -> None:
        self._matches: dict[str, Match] = {}

    def rate(self, row: Sequence[Any], where: str = "") -> Rate:
        sku, text, rank, start, price, per, pricing, subsidy, *approved = row
        match = self._matches.get(text)
        if match is None:
            match = self._matches[text] = tuple(sorted(json.loads(text).items()))
        approval = None if approved[0] is None else Approval(*approved)
        return Rate(sku, price, start, per, pricing, match, rank, where, subsidy, approval)


def stored_rates(db: sqlite3.Connection) -> list[Rate]:
    """The rates by which the ledger's charges were made."""
    read = RateRows()
    rows = db.execute(f"SELECT {', '.join(COLUMNS)} FROM rates ORDER BY id")
    return [read.rate(row) for row in rows]


def replace_rates(db: sqlite3.Connection, rates: Sequence[Rate]) -> None:
    """Make the ledger's rates these; call inside a transaction."""
    db.execute("DELETE FROM rates")
    _INSERT.write(db, map(values, rates))


class RateCards:
    """Ids of rate cards; 0 is no rate."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._ids: dict[Card | None, int] = {None: 0}

    def id(self, card: Card | None) -> int:
        """The id of a card, stored if new; call inside a transaction."""
        found = self._ids.get(card)
        if found is None and card is not None:
            values = (card.sku, match_text(card.match), card.rank, card.pricing, card.policy)
            columns = "sku, match, rank, pricing, policy"
            said = Applied.of(card.policy)
            self._db.execute(
                f"INSERT INTO rate_cards ({columns}, of_class, outdone) "
                "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (*values, said.of_class, bool(said.outdone)),
            )
            found = self._ids[card] = self._db.execute(
                f"SELECT id FROM rate_cards WHERE ({columns}) = (?, ?, ?, ?, ?)", values
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

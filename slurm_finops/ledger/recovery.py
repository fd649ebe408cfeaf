"""What use came to, by what pools that rates recover tell it apart by."""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.core.rates import CLASS
from slurm_finops.core.recovery import Recovered
from slurm_finops.ledger.spend import sum_ticks

_TICKS = ("billed_ticks", "subsidised_ticks", "forgiven_ticks")


class Charged(NamedTuple):
    """Charges of one SKU from one context; ``unpriced`` are unit-seconds without a rate.

    What an allocation pays is paid by somebody else, as a subsidy is; what a credit by
    hand forgives is paid by nobody.
    """

    sku: str
    dimensions: dict[str, str]
    customer_class: str | None
    recovered: Recovered
    unpriced: int


_NAMED = """SELECT skus.name, of_class, clusters.name, partition, qos, account, reservation, sums.*
FROM sums JOIN skus ON skus.id = sku_id JOIN clusters ON clusters.id = cluster_id
  JOIN contexts ON contexts.id = context_id"""


def charged(db: sqlite3.Connection, first: int, last: int) -> Iterator[Charged]:
    """The charges of the billing days ``[first, last)``."""
    rows = db.execute(
        # summed by ids, and only the sums given names
        f"""WITH sums AS (
          SELECT sku_id, cluster_id, context_id, ifnull(of_class, '') AS of_class,
            {', '.join(map(sum_ticks, _TICKS))},
            SUM(CASE WHEN rate_card_id = 0 THEN quantity * seconds ELSE 0 END)
          FROM charges JOIN jobs ON jobs.id = usage_id
            LEFT JOIN rate_cards ON rate_cards.id = rate_card_id WHERE day >= ? AND day < ?
          GROUP BY 1, 2, 3, 4) {_NAMED}""",
        (first, last),
    )
    for sku, of_class, *row in rows:
        where, (*ticks, unpriced) = _where(row[:5], of_class), row[9:]
        whole = (join_ticks(ticks[i], ticks[i + 1]) for i in (0, 2, 4))
        yield Charged(sku, where, of_class or None, Recovered(*whole), unpriced)
    yield from _drawn(db, first, last)


def _drawn(db: sqlite3.Connection, first: int, last: int) -> Iterator[Charged]:
    """What is taken off these charges: what was billed by them is not what anybody is billed."""
    of = """(SELECT of_class FROM charges JOIN rate_cards ON rate_cards.id = rate_card_id
      WHERE (day, usage_id, sku_id) = (draws.day, draws.usage_id, draws.sku_id) LIMIT 1)"""
    rows = db.execute(
        f"""WITH sums AS (
          SELECT sku_id, cluster_id, context_id, {of} AS of_class, lot_id > 0, {sum_ticks('ticks')}
          FROM draws JOIN jobs ON jobs.id = usage_id WHERE day >= ? AND day < ?
          GROUP BY 1, 2, 3, 4, 5) {_NAMED}""",
        (first, last),
    )
    for sku, of_class, *row in rows:
        by_lot, ticks = row[9], join_ticks(*row[10:])
        part = Recovered(-ticks, ticks, 0) if by_lot else Recovered(-ticks, 0, ticks)
        yield Charged(sku, _where(row[:5], of_class), of_class or None, part, 0)


def _where(row: Sequence[str], of_class: str | None) -> dict[str, str]:
    names = ("cluster", "partition", "qos", "account", "reservation", CLASS)
    return dict(zip(names, (*row, of_class or ""), strict=True))

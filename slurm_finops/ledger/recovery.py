"""What use came to, by what pools that rates recover tell it apart by."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.core.recovery import Recovered
from slurm_finops.ledger.spend import sum_ticks

_TICKS = ("billed_ticks", "subsidised_ticks", "forgiven_ticks")


class Charged(NamedTuple):
    """Charges of one SKU from one context; ``unpriced`` are unit-seconds without a rate.

    ``customer_class`` is not in the ledger yet: None.
    """

    sku: str
    dimensions: dict[str, str]
    customer_class: str | None
    recovered: Recovered
    unpriced: int


def charged(db: sqlite3.Connection, first: int, last: int) -> Iterator[Charged]:
    """The charges of the billing days ``[first, last)``."""
    rows = db.execute(
        # summed by ids, and only the sums given names
        f"""WITH sums AS (
          SELECT sku_id, cluster_id, context_id, {', '.join(map(sum_ticks, _TICKS))},
            SUM(CASE WHEN rate_card_id = 0 THEN quantity * seconds ELSE 0 END)
          FROM charges JOIN jobs ON jobs.id = usage_id WHERE day >= ? AND day < ?
          GROUP BY sku_id, cluster_id, context_id)
        SELECT skus.name, clusters.name, partition, qos, account, sums.*
        FROM sums JOIN skus ON skus.id = sku_id JOIN clusters ON clusters.id = cluster_id
          JOIN contexts ON contexts.id = context_id""",
        (first, last),
    )
    for sku, cluster, partition, qos, account, _, _, _, *ticks, unpriced in rows:
        where = {"cluster": cluster, "partition": partition, "qos": qos, "account": account}
        whole = (join_ticks(ticks[i], ticks[i + 1]) for i in (0, 2, 4))
        yield Charged(sku, where, None, Recovered(*whole), unpriced)

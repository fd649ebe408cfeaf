"""What a day costs as the ledger has it now, in the lines that statements are made of.

A usage line is its whole price; what is forgiven, subsidised, paid by an allocation or
credited is a line of its own, below zero, so that all of a day sums to what it bills.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.core.posted import Item
from slurm_finops.ledger.spend import sum_ticks

_PRICING = {"share": "committed", "beyond": "on_demand", "shared": "overhead"}


class Fact(NamedTuple):
    """Of a cluster (0: none), a tag set and an item.

    ``figures``: unit-seconds; ticks of any size: list, contracted, effective and billed.
    """

    cluster_id: int
    tag_set_id: int
    item: Item
    figures: list[int]


def facts(db: sqlite3.Connection, day: int) -> Iterator[Fact]:
    """All that a day costs; what has no price is in no cost."""
    yield from _charges(db, day)
    yield from _allocations(db, day)
    yield from _draws(db, day)


def _charges(db: sqlite3.Connection, day: int) -> Iterator[Fact]:
    """Summed here: SQLite would sort the day's charges first, which takes twice as long."""
    sums: dict[tuple[int, int, int, int], list[int]] = {}
    rows = db.execute(
        "SELECT cluster_id, charges.tag_set_id, sku_id, rate_card_id, quantity * seconds, "
        "list_ticks, contracted_ticks, effective_ticks, forgiven_ticks, subsidised_ticks "
        "FROM charges JOIN jobs ON jobs.id = usage_id WHERE day = ? AND rate_card_id > 0",
        (day,),
    )
    for cluster, tag_set, sku, card, a, b, c, d, e, f in rows:
        total = sums.get((cluster, tag_set, sku, card))
        if total is None:
            sums[cluster, tag_set, sku, card] = [a, b, c, d, e, f]
        else:
            total[0] += a
            total[1] += b
            total[2] += c
            total[3] += d
            total[4] += e
            total[5] += f
    skus = dict(db.execute("SELECT id, name FROM skus").fetchall())
    cards = {
        card: (pricing, of_class)
        for card, pricing, of_class in db.execute("SELECT id, pricing, of_class FROM rate_cards")
    }
    items: dict[tuple[int, int], Item] = {}
    for (cluster, tag_set, sku, card), figures in sums.items():
        seconds, listed, contracted, effective, forgiven, subsidised = figures
        item = items.get((sku, card))
        if item is None:
            pricing, of_class = cards[card]
            item = items[sku, card] = Item("usage", skus[sku], pricing, "", "", of_class)
        yield Fact(cluster, tag_set, item, [seconds, listed, contracted, effective, effective])
        for category, ticks in (("forgiven", forgiven), ("subsidised", subsidised)):
            if ticks:
                off = item._replace(category=category)
                yield Fact(cluster, tag_set, off, [0, 0, 0, 0, -ticks])


def _allocations(db: sqlite3.Connection, day: int) -> Iterator[Fact]:
    rows = db.execute(
        "SELECT allocations.cluster_id, tag_set_id, category, origins.sku, origins.name, method, "
        "effective_units, effective_ticks, billed_units, billed_ticks "
        "FROM allocations JOIN origins ON origins.id = origin_id WHERE day = ?",
        (day,),
    )
    items: dict[tuple[str, ...], Item] = {}
    for cluster, tag_set, category, sku, origin, method, *ticks in rows:
        item = items.get((category, sku, origin, method))
        if item is None:
            item = Item(category, sku, _PRICING.get(category, category), origin, method, "")
            items[category, sku, origin, method] = item
        effective, billed = join_ticks(*ticks[:2]), join_ticks(*ticks[2:])
        # what was held stands on the usage itself
        yield Fact(cluster, tag_set, item, [0, 0, 0, effective, billed])


def _draws(db: sqlite3.Connection, day: int) -> Iterator[Fact]:
    rows = db.execute(
        "SELECT cluster_id, draws.tag_set_id, skus.name, lots.name, credit_id, reason, "
        f"{sum_ticks('ticks')} FROM draws JOIN jobs ON jobs.id = usage_id "
        "JOIN skus ON skus.id = sku_id LEFT JOIN lots ON lots.id = lot_id "
        "LEFT JOIN credits ON credits.id = credit_id WHERE day = ? GROUP BY 1, 2, 3, 4, 5",
        (day,),
    )
    for cluster, tag_set, sku, lot, credit, reason, units, ticks in rows:
        kind = "credit" if lot is None else "allocation"
        origin = f"credit {credit}: {reason}" if lot is None else lot
        item = Item(kind, sku, kind, origin, "", "")
        yield Fact(cluster, tag_set, item, [0, 0, 0, 0, -join_ticks(units, ticks)])


class OfRun(NamedTuple):
    """What a run costs of a day in one item; figures as of `Fact`."""

    run: int
    cluster: str
    job_id: str
    job_id_raw: int
    submit: int
    name: str
    user: str
    tag_set_id: int
    item: Item
    figures: Sequence[int]


def runs_of(db: sqlite3.Connection, day: int) -> Iterator[OfRun]:
    """The runs behind the usage lines of a day, and behind what is forgiven or subsidised of it."""
    rows = db.execute(
        "SELECT usage_id, clusters.name, job_id, job_id_raw, submit, job_name, user, "
        "charges.tag_set_id, skus.name, pricing, of_class, quantity * seconds, list_ticks, "
        "contracted_ticks, effective_ticks, forgiven_ticks, subsidised_ticks FROM charges "
        "JOIN jobs ON jobs.id = usage_id JOIN clusters ON clusters.id = cluster_id "
        "JOIN contexts ON contexts.id = context_id JOIN skus ON skus.id = sku_id "
        "JOIN rate_cards ON rate_cards.id = rate_card_id WHERE day = ? "
        "ORDER BY clusters.name, job_id_raw, submit, sku_id, rate_card_id",
        (day,),
    )
    for row in rows:
        sku, pricing, of_class, seconds, a, b, c, forgiven, subsidised = row[8:]
        item = Item("usage", sku, pricing, "", "", of_class)
        of = OfRun._make((*row[:8], item, [seconds, a, b, c, c]))
        yield of
        for category, ticks in (("forgiven", forgiven), ("subsidised", subsidised)):
            if ticks:
                off = item._replace(category=category)
                yield of._replace(item=off, figures=[0, 0, 0, 0, -ticks])

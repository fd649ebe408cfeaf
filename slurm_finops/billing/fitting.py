"""Which pools may cover what: worked out once a cluster, context and SKU."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from slurm_finops.billing.names import Names
from slurm_finops.core.allocation import Class
from slurm_finops.core.charging import Piece
from slurm_finops.core.pools import Pool
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import CLASS, EVER, NEVER, POOL_RANK

#: The number of the overhead rule of what falls under none.
NO_RULE = -1
Spans = tuple[tuple[int, int], ...]


class Fit(NamedTuple):
    """Which pools may cover the use of one SKU from one context; buyers that come first.

    ``spans`` are the instants at which its rate is a pool's; ``unrated`` those of them at
    which no rate is behind the pool.
    """

    partition: str
    rule: int
    kind: Class
    weight: int
    bought: tuple[tuple[int, str | None], ...]
    spans: Spans
    unrated: Spans


class Fitting(dict[tuple[int, int, int, str], Fit | None]):
    """``(cluster, context, SKU)`` ids and a class -> what fits of ``live`` pools, if any."""

    def __init__(
        self, pools: Sequence[Pool], live: tuple[int, ...], names: Names,
        rule_of: Mapping[int, int], book: PriceBook,
    ) -> None:  # fmt: skip
        super().__init__()
        self.live = live
        self._pools = pools
        self._names = names
        self._rule_of = rule_of
        self._book = book

    def __missing__(self, key: tuple[int, int, int, str]) -> Fit | None:
        cluster, context, sku_id, of_class = key
        of, sku = self._names.context(context), self._names.sku(sku_id)
        dimensions = {
            "cluster": self._names.cluster(cluster), "partition": of.partition,
            "qos": of.qos, "account": of.account, "reservation": of.reservation, CLASS: of_class,
        }  # fmt: skip
        chain = tuple(
            number for number in self.live
            if self._pools[number].takes(sku) and self._pools[number].covers(dimensions)
        )  # fmt: skip
        found = None
        if chain:
            weight = self._pools[chain[0]].takes(sku)
            pools = [(number, self._pools[number]) for number in chain]
            bought = tuple((number, pool.buyer) for number, pool in pools if pool.buyer_first)
            found = Fit(of.partition, self._rule_of[context], Class(chain), weight, bought,
                        *_spans(self._book, sku, dimensions, of_class))  # fmt: skip
        self[key] = found
        return found


def _spans(
    book: PriceBook, sku: str, dimensions: Mapping[str, str], of_class: str
) -> tuple[Spans, Spans]:
    segments = book.segments(sku, dimensions, (Piece(NEVER, of_class),))
    ends = [*(segment.start for segment in segments[1:]), EVER]
    pooled = [
        (segment, end) for segment, end in zip(segments, ends, strict=True)
        if segment.card is not None and segment.card.rank >= POOL_RANK
    ]  # fmt: skip
    unrated = (
        (one.start, end) for one, end in pooled if one.rest and one.rest.contracted is one.curve
    )
    return tuple((one.start, end) for one, end in pooled), tuple(unrated)

"""What was used on a day that allocations may pay for, and which of them in which order."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from slurm_finops.billing.meters import units_of
from slurm_finops.billing.names import Names
from slurm_finops.core.lots import Lot, Meter
from slurm_finops.ledger import draws as table

#: Team, project, and the values of what lots match on.
Holder = tuple[str, str | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The lots that may pay for some uses of a day: their places in order, and what a unit takes.

    Each is equal to itself alone: uses are put together by it, and a look at all of
    its lots would take as long as the rest.
    """

    lots: tuple[tuple[int, int], ...]


@dataclass(slots=True)
class Use:
    """A run's use of a SKU on a day: what is left to be paid of it, and by which lots."""

    usage: int
    sku: int
    tag_set: int
    ticks: int
    units: int
    chain: Chain
    meter: Meter | None = None


class Holders:
    """Who asks, by all that a lot can go by."""

    def __init__(self, names: Names, lots: Sequence[Lot]) -> None:
        self._names = names
        self.keys = tuple(sorted({key for lot in lots for key, _ in lot.match}))

    def of_run(self, tag_set: int, cluster: int, context: int) -> Holder:
        team, project = self._names.owner(tag_set)
        if not self.keys:
            return team or "", project, ()
        of = self._names.context(context)
        known = {
            "cluster": self._names.cluster(cluster), "partition": of.partition,
            "qos": of.qos, "account": of.account, "reservation": of.reservation,
        }  # fmt: skip
        return team or "", project, tuple(known[key] for key in self.keys)


class Chains(dict[tuple[Holder, int], Chain]):
    """``(holder, SKU id)`` -> chain, on a day on which these places of ``lots`` hold anything."""

    def __init__(
        self, names: Names, keys: tuple[str, ...], lots: Sequence[Lot], places: Sequence[int]
    ) -> None:
        super().__init__()
        self._names = names
        self._keys = keys
        self._of_team: dict[str, list[tuple[int, Lot]]] = {}
        for place in places:
            self._of_team.setdefault(lots[place].team, []).append((place, lots[place]))

    def __missing__(self, key: tuple[Holder, int]) -> Chain:
        (team, project, values), sku_id = key
        sku = self._names.sku(sku_id)
        dimensions = dict(zip(self._keys, values, strict=True))
        chain = self[key] = Chain(tuple(
            (place, weight) for place, lot in self._of_team.get(team, ())
            if (weight := lot.takes(sku)) and lot.covers(project, dimensions)
        ))  # fmt: skip
        return chain


def uses(
    db: sqlite3.Connection, day: int, holders: Holders, chains: Chains,
    ratios: Mapping[int, Fraction], credited: Mapping[int, object],
) -> Iterator[Use]:  # fmt: skip
    """What was used on a day that a lot or a credit may be for, in the order of runs and SKUs.

    ``ratios`` are by rate card; ``credited`` has the runs that a credit is for.
    """
    run, holder, use = -1, None, None
    for row in table.charged(db, day):
        usage, sku, card, quantity, seconds, ticks, tag_set, cluster, context = row
        if usage != run or holder is None:
            run, holder = usage, holders.of_run(tag_set, cluster, context)
        chain = chains[holder, sku]
        if not chain.lots and usage not in credited:
            continue
        units = units_of(quantity, seconds, ratios[card])
        if use is not None and use.usage == usage and use.sku == sku:
            use.ticks += ticks
            use.units += units
            continue
        if use is not None:
            yield use
        use = Use(usage, sku, tag_set, ticks, units, chain)
    if use is not None:
        yield use

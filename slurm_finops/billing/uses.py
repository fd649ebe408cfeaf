"""What was used on a day that allocations may pay for, and which of them in which order."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from slurm_finops.billing.meters import Ratio, units_of
from slurm_finops.billing.names import Names
from slurm_finops.core.lots import Lot
from slurm_finops.ledger import draws as table

#: Team, project, and the values of what lots match on.
Holder = tuple[str, str | None, tuple[str, ...]]


#: A run's use of a SKU on a day: run, SKU id, tag set, and what is to be paid of it, in ticks
#: and micro unit-seconds.  No class: there are millions.
Use = tuple[int, int, int, int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The lots that may pay for some uses of a day: their places in order, and what a unit takes.

    Each is equal to itself alone: a look at all of its lots would take as long as the rest.
    """

    lots: tuple[tuple[int, int], ...]
    uses: list[Use] = field(default_factory=list)

    @property
    def asked(self) -> tuple[int, int]:
        """Ticks and units of all its uses."""
        return sum(use[3] for use in self.uses), sum(use[4] for use in self.uses)


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


def read(
    db: sqlite3.Connection, day: int, holders: Holders, chains: Chains,
    ratios: Mapping[int, Ratio], credited: Mapping[int, object],
) -> list[tuple[Use, Chain]]:  # fmt: skip
    """Put what was used on a day into its chains, in the order of runs and SKUs.

    ``ratios`` are by rate card.  What the runs of ``credited`` used is in no chain: it
    is the answer.
    """
    run: int = -1
    holder: Holder = ("", None, ())
    before: Use = (-1, -1, -1, 0, 0)
    found: list[tuple[Use, Chain]] = []
    for row in table.charged(db, day, bool(holders.keys)):
        usage, sku, card, quantity, seconds, ticks, tag_set, cluster, context = row
        if usage != run:
            run, holder = usage, holders.of_run(tag_set, cluster, context)
        chain = chains[holder, sku]
        units = units_of(quantity, seconds, ratios[card])
        if usage in credited:
            found.append(((usage, sku, tag_set, ticks, units), chain))
            continue
        if not chain.lots:
            continue
        if before[0] == usage and before[1] == sku:  # two rates on one day
            ticks, units = ticks + before[3], units + before[4]
            chain.uses.pop()
        before = usage, sku, tag_set, ticks, units
        chain.uses.append(before)
    return _merged(found)


def _merged(found: list[tuple[Use, Chain]]) -> list[tuple[Use, Chain]]:
    """One use for each run and SKU, whatever it was charged by."""
    sums: dict[tuple[int, int], tuple[Use, Chain]] = {}
    for use, chain in found:
        if use[:2] in sums:
            first = sums[use[:2]][0]
            use = (*use[:3], use[3] + first[3], use[4] + first[4])
        sums[use[:2]] = use, chain
    return list(sums.values())

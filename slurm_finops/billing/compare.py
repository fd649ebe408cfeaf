"""What the runs of a period cost under price lists that are not the ledger's own.

Runs stream by once for all lists.  What is kept is a sum for each group, SKU and
pricing (and day, if asked for), however many runs there are.  Nothing is written.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from slurm_finops.billing.plans import Plans
from slurm_finops.core.charge import Cut
from slurm_finops.core.compare import PriceList, Window, shares
from slurm_finops.core.period import Calendar, Period, day_date
from slurm_finops.core.usage import is_gpu
from slurm_finops.ledger.owned import Groups, Owned, Values, owned_runs
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope, charged, unpriced
from slurm_finops.ledger.store import Ledger

_BLOCK = 10_000
#: (group, SKU, pricing, number of the cut): what ticks and unit-seconds are summed by
_Place = tuple[int, str, str | None, int]


@dataclass(slots=True)
class Cell:
    """Sums over some runs: ticks, GPU-seconds held and booked; whether any of it has a price."""

    ticks: int = 0
    gpu_seconds: int = 0
    booked_gpu_seconds: int = 0
    priced: bool = False


class Bare(NamedTuple):
    """What of a SKU a list has no rate for: runs, and unit-seconds booked."""

    sku: str
    runs: int
    unit_seconds: int


@dataclass
class Costs:
    """A period under one price list: a cell for each of the dimensions' values."""

    cells: dict[Values, Cell] = field(default_factory=dict)
    unpriced_runs: int = 0
    unpriced: tuple[Bare, ...] = ()


def as_charged(ledger: Ledger, period: Period, by: Sequence[str]) -> Costs:
    """The same of the ledger: effective cost, pools and lines with it; booked is what is held."""
    scope = Scope(period.first, period.last)
    bare = charged(ledger.db, scope.narrowed("rate_card_id = 0"), ())
    return Costs(
        {
            row.key: Cell(row.effective_ticks, row.gpu_seconds, row.gpu_seconds, not row.unpriced)
            for row in spend(ledger.db, scope, by)
        },
        bare[0].runs if bare else 0,
        tuple(Bare(*row) for row in unpriced(ledger.db, scope)),
    )


def compare(
    ledger: Ledger, period: Period, lists: Sequence[PriceList], by: Sequence[str],
    calendar: Calendar, *, suspended: bool = False,
    progress: Callable[[int], None] = lambda runs: None,
) -> list[Costs]:  # fmt: skip
    """The costs of a period under each list, by dimensions of `ledger.spend`.

    Each run that books time in the period is in it, with what it books there.
    """
    groups = Groups(ledger.db, by)
    tallies = [_Tally(ledger, period, one, calendar, "day" in by) for one in lists]
    runs = owned_runs(
        ledger.db, calendar, period.start, period.end, suspended=suspended,
        least=max((one.minimum for one in lists), default=0),
        slack=max((one.step - 1 for one in lists), default=0),
    )  # fmt: skip
    ids = groups.ids
    while block := list(islice(runs, _BLOCK)):
        numbers = [groups[ids(run)] for run in block]
        for tally in tallies:
            tally.add(block, numbers)
        progress(len(block))
    return [tally.costs(groups, by) for tally in tallies]


class _Tally:
    """The sums of one list."""

    def __init__(
        self, ledger: Ledger, period: Period, prices: PriceList, calendar: Calendar, days: bool
    ) -> None:
        self._booked = prices.booked
        self._plans: Plans[str, str] = Plans(ledger.db, prices.book, str, attrgetter("pricing"))
        self._cut: Cut = calendar if days else Window(period.start, period.end)
        self._first, self._last = (period.first, period.last) if days else (0, 1)
        self._sums: dict[_Place, list[int]] = {}
        self._bare: Counter[str] = Counter()
        self._bare_runs = 0

    def add(self, runs: Sequence[Owned], numbers: Sequence[int]) -> None:
        """Add what runs book in the period; ``numbers`` are their groups."""
        plans, places, booked_of = self._plans, self._plans.places, self._booked
        cut, first, last, sums = self._cut, self._first, self._last, self._sums
        for (_, start, elapsed, cluster, context, tres, _, _, _), group in zip(
            runs, numbers, strict=True
        ):
            booked, bare = booked_of(elapsed), None
            plan = plans[cluster, places[context], tres, 0, ""]
            for sku, quantity, segments, device in plan.lines:
                for part, pricing, held, seconds, ticks in shares(
                    start, elapsed, booked, quantity, segments, cut
                ):
                    if not first <= part < last or (pricing is None and not device):
                        continue
                    cell = sums.get((group, sku, pricing, part))
                    if cell is None:
                        cell = sums[group, sku, pricing, part] = [0, 0, 0]
                    cell[0] += ticks or 0
                    cell[1] += quantity * held
                    cell[2] += quantity * seconds
                    if pricing is None:
                        bare = {*(bare or ()), sku}
            if bare:
                self._bare.update(bare)
                self._bare_runs += 1

    def costs(self, groups: Groups, by: Sequence[str]) -> Costs:
        """What was added, by these dimensions."""
        found = Costs(unpriced_runs=self._bare_runs)
        unit_seconds: Counter[str] = Counter()
        for (group, sku, pricing, part), (ticks, held, booked) in self._sums.items():
            values = dict(zip(groups.names, groups.members[group], strict=True))
            values |= {
                "sku": sku, "pricing": pricing or "unpriced", "day": str(day_date(part)),
                # a list prices use, for all alike; what else a site has comes from elsewhere
                "origin": None, "category": "usage", "class": None,
            }  # fmt: skip
            cell = found.cells.setdefault(tuple(values[name] for name in by), Cell())
            cell.ticks += ticks
            if is_gpu(sku):
                cell.gpu_seconds += held
                cell.booked_gpu_seconds += booked
            if pricing is None:
                unit_seconds[sku] += booked
            else:
                cell.priced = True
        found.unpriced = tuple(
            Bare(sku, runs, unit_seconds[sku]) for sku, runs in sorted(self._bare.items())
        )
        return found

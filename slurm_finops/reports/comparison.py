"""A period under several price lists -> a view: what `slurm-finops compare` shows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from slurm_finops.billing.compare import Bare, Costs, as_charged, compare
from slurm_finops.core.compare import MonthlyLine, PriceList, monthly
from slurm_finops.core.money import apportion_ticks
from slurm_finops.core.period import Period
from slurm_finops.ledger.pricing import waiting
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.build import is_stale
from slurm_finops.reports.site import Site, header_of, name_order
from slurm_finops.reports.view import Header, Key

#: What the ledger's own charges are called among the lists.
AS_CHARGED = "as charged"


@dataclass(frozen=True, slots=True)
class Cost:
    """An owner's usage under a list; ``minor`` is None where nothing of it has a price."""

    minor: int | None
    gpu_seconds: int
    booked_gpu_seconds: int


@dataclass(frozen=True, slots=True)
class Column:
    """What one list asks: owners' costs, which sum to its usage; lines for the period."""

    name: str
    granularity: str
    minimum: int
    costs: dict[Key, Cost]
    lines: tuple[MonthlyLine, ...] = ()
    unpriced_runs: int = 0
    unpriced: tuple[Bare, ...] = ()

    @property
    def usage_minor(self) -> int:
        return sum(cost.minor or 0 for cost in self.costs.values())

    @property
    def lines_minor(self) -> int:
        return sum(line.amount_minor for line in self.lines)

    @property
    def all_minor(self) -> int:
        return self.usage_minor + self.lines_minor

    @property
    def booked_gpu_seconds(self) -> int:
        return sum(cost.booked_gpu_seconds for cost in self.costs.values())


@dataclass(frozen=True, slots=True)
class Comparison:
    """Lists beside each other, the ledger's own prices first; ``keys`` are all owners, in order."""

    header: Header
    by: tuple[str, ...]
    keys: tuple[Key, ...]
    columns: tuple[Column, ...]
    #: runs that are new or have changed since they were priced
    waiting: int = 0
    #: whether prices have changed since the ledger's charges were made
    stale: bool = False

    def behind(self, key: Key) -> int:
        """How many lists price any run of an owner: none does what no run is behind."""
        return sum(key in column.costs for column in self.columns[1:])


def comparison(
    ledger: Ledger, site: Site, period: Period, lists: Sequence[PriceList], by: Sequence[str], *,
    suspended: bool = False, progress: Callable[[int], None] = lambda runs: None,
) -> Comparison:  # fmt: skip
    """The period under the ledger's own prices and under each list."""
    charged = as_charged(ledger, period, by)
    found = compare(
        ledger, period, lists, by, site.calendar, suspended=suspended, progress=progress
    )
    columns = [
        _column(AS_CHARGED, "second", 0, charged, (), site.digits),
        *(
            _column(one.name, one.granularity, one.minimum, costs, tuple(
                MonthlyLine(line.name, monthly(line.amount_minor, period, site.calendar))
                for line in one.lines
            ), site.digits)
            for one, costs in zip(lists, found, strict=True)
        ),
    ]  # fmt: skip
    return Comparison(
        header_of(site, period), tuple(by), _ordered(columns), tuple(columns),
        waiting(ledger), is_stale(ledger, site),
    )  # fmt: skip


def _column(
    name: str, granularity: str, minimum: int, found: Costs, lines: tuple[MonthlyLine, ...],
    digits: int,
) -> Column:  # fmt: skip
    """Owners' money is apportioned from the list's own rounded total."""
    keys = list(found.cells)
    ticks = [found.cells[key].ticks for key in keys]
    shares = apportion_ticks(ticks, digits, [name_order(key) for key in keys])
    costs = {
        key: Cost(minor if cell.priced else None, cell.gpu_seconds, cell.booked_gpu_seconds)
        for (key, cell), minor in zip(found.cells.items(), shares, strict=True)
    }
    return Column(name, granularity, minimum, costs, lines, found.unpriced_runs, found.unpriced)


def _ordered(columns: Sequence[Column]) -> tuple[Key, ...]:
    """All owners, the costliest as charged first; those alike by the next list, then by name."""
    keys = {key for column in columns for key in column.costs}

    def place(key: Key) -> tuple[object, ...]:
        costs = [column.costs.get(key) for column in columns]
        return *(-(cost.minor or 0) if cost else 0 for cost in costs), name_order(key)

    return tuple(sorted(keys, key=place))

"""What rates recovered of pools that are there to be recovered, by fiscal year."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from slurm_finops.core.accrual import accrued
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.pools import Recharge
from slurm_finops.core.recovery import Flow, Recovered
from slurm_finops.ledger.allocation import through
from slurm_finops.ledger.recovery import charged
from slurm_finops.ledger.store import Ledger


@dataclass
class Recovery:
    """A pool, its years from its first on, and its use that has no rate: unit-seconds by SKU."""

    pool: Recharge
    flows: list[Flow]
    unpriced: dict[str, int] = field(default_factory=dict)


def counted_until(ledger: Ledger, calendar: Calendar, as_of: int) -> int:
    """The billing day before which all is counted: it has ended, and `price` has seen it.

    Costs accrue by themselves and what recovers them does not: where pricing has stopped,
    costs that go on would pass for a loss.
    """
    today = calendar.day_of(as_of)
    return min(today, through(ledger) or today)


def fiscal_years(
    calendar: Calendar, begins: tuple[int, int], first: int, last: Period
) -> list[Period]:
    """The fiscal years from the one of a day to ``last``; none where it comes later."""
    years = [calendar.fiscal_year(first, begins)]
    while years[-1].first < last.first:
        years.append(calendar.fiscal_year(years[-1].last, begins))
    return [year for year in years if year.first <= last.first]


def recovery(
    ledger: Ledger, pools: Sequence[Recharge], calendar: Calendar, begins: tuple[int, int],
    last: Period, until: int,
) -> list[Recovery]:  # fmt: skip
    """Of each pool the years up to ``last``, on billing days before ``until``."""
    found: list[Recovery] = []
    for pool in pools:
        years = fiscal_years(calendar, begins, pool.first, last)
        flows = [
            Flow(year, min(year.last, until), _cost(pool, year, until, calendar), {})
            for year in years
        ]
        if flows:
            found.append(Recovery(pool, flows))
    _recovered(ledger, found, min(last.last, until))
    return found


def _cost(pool: Recharge, year: Period, until: int, calendar: Calendar) -> int:
    end = calendar.midnight(min(year.last, until))
    return sum(accrued(cost, year.start, end, calendar) for cost in pool.costs)


def _recovered(ledger: Ledger, found: Sequence[Recovery], until: int) -> None:
    """Put charges to the years of the pools that they recover; each day is read once."""
    edges = {until}
    for one in found:
        edges |= {one.pool.first, one.pool.last or until}
        edges |= {flow.year.first for flow in one.flows}
    for first, last in pairwise(sorted(edge for edge in edges if edge <= until)):
        live = [(one, flow) for one in found for flow in one.flows
                if one.pool.live(first) and flow.year.first <= first < flow.year.last]  # fmt: skip
        if live:
            _add(ledger, live, first, last)


def _add(
    ledger: Ledger, live: Sequence[tuple[Recovery, Flow]], first: int, last: int
) -> None:
    for part in charged(ledger.db, first, last):
        for one, flow in live:
            if one.pool.takes(part.sku) and one.pool.covers(part.dimensions):
                of_class = flow.by_class.get(part.customer_class, Recovered())
                flow.by_class[part.customer_class] = of_class.plus(part.recovered)
                if part.unpriced:
                    before = one.unpriced.get(part.sku, 0)
                    one.unpriced[part.sku] = before + part.unpriced

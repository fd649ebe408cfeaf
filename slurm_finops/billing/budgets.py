"""Budgets of a billing month: what was spent of them, and what that is in GPU-minutes."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slurm_finops.core.estimate import Price, dearest, places
from slurm_finops.core.holdings import Holding
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import to_minor
from slurm_finops.core.period import Period
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.request import Request
from slurm_finops.core.usage import GPU, is_gpu
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger


class Spent(NamedTuple):
    """A team's or a project's budget for a billing month, in minor units."""

    team: str
    project: str | None
    limit_minor: int
    spent_minor: int

    @property
    def left_minor(self) -> int:
        return self.limit_minor - self.spent_minor


def spent(
    ledger: Ledger, month: Period, digits: int, limits: Iterable[tuple[str, str | None, int]]
) -> list[Spent]:
    """What a month cost of each ``(team, project or None, minor units)``.

    What an allocation or a credit pays is not spending of a budget.
    """
    scope = Scope(month.first, month.last)
    costs = {
        row.key: row.budgeted_ticks
        for by in (("team",), ("team", "project"))
        for row in spend(ledger.db, scope, by)
    }
    return [
        Spent(team, project, limit, to_minor(
            costs.get((team, project) if project else (team,), 0), digits
        ))
        for team, project, limit in limits
    ]  # fmt: skip


class Beside(NamedTuple):
    """What a team's allocations pay beside its budget: minor units, and whole GPU-minutes."""

    minor: int
    minutes: int


def beside(found: Iterable[Holding], digits: int, since: int | None = None) -> dict[str, Beside]:
    """By team what is left of the allocations in force.

    With ``since`` also what any have paid from that day on: Slurm counts what was
    used of a limit since its month began.
    """
    sums: dict[str, Beside] = {}
    for one in found:
        units = one.left if one.is_live else 0
        units += sum(at for day, at in one.drawn.items() if since is not None and day >= since)
        minor, minutes = sums.get(one.lot.team, Beside(0, 0))
        if one.lot.hours:
            minutes += _gpu_minutes(one.lot, units)
        else:
            minor += to_minor(units, digits)
        sums[one.lot.team] = Beside(minor, minutes)
    return {team: both for team, both in sums.items() if any(both)}


def _gpu_minutes(lot: Lot, units: int) -> int:
    """For the GPU that takes most of it: a limit is never to let more through than is paid."""
    weight = max((weight for sku, weight in lot.use if is_gpu(sku)), default=0)
    return units // (MICRO * 60 * weight) if weight else 0


class Limit(NamedTuple):
    """A budget as GPU-minutes at one price, cut to whole ones."""

    price: Price
    minutes: int

    def minutes_of(self, minor: int, digits: int) -> int:
        """The same of any amount."""
        above, below = self.price.minor_per_minute(digits)
        return minor * below // above


def gpu_limit(
    book: PriceBook, cluster: str, accounts: Sequence[str], of_class: str, at: int,
    budget_minor: int, digits: int,
) -> Limit | None:  # fmt: skip
    """How many GPU-minutes a budget buys at the dearest GPU that these accounts may use.

    None where no GPU has a price, or only a price of nothing.
    """
    asked = Request(
        {}, None, partitions=(*book.values("partition"), ""),
        reservations=(*book.values("reservation"), ""),
    )
    where = [
        place for account in accounts for qos in (*book.values("qos"), "")
        for place in places(asked._replace(account=account, qos=qos), cluster, [of_class])
    ]  # fmt: skip
    price = dearest(book, GPU, where, at)
    if price is None:
        return None
    above, below = price.minor_per_minute(digits)
    return Limit(price, budget_minor * below // above) if above else None

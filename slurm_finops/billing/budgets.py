"""Budgets of a billing month: what was spent of them, and what that is in GPU-minutes."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slurm_finops.core.estimate import Price, dearest, places
from slurm_finops.core.money import to_minor
from slurm_finops.core.period import Period
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.request import Request
from slurm_finops.core.usage import GPU
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
    """What a month cost of each ``(team, project or None, minor units)``."""
    scope = Scope(month.first, month.last)
    costs = {
        row.key: row.effective_ticks
        for by in (("team",), ("team", "project"))
        for row in spend(ledger.db, scope, by)
    }
    return [
        Spent(team, project, limit, to_minor(
            costs.get((team, project) if project else (team,), 0), digits
        ))
        for team, project, limit in limits
    ]  # fmt: skip


class Limit(NamedTuple):
    """A budget as GPU-minutes at one price, cut to whole ones."""

    price: Price
    minutes: int


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

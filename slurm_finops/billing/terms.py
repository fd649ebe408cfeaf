"""By what a site prices."""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property

from slurm_finops.core.charging import Charging
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.core.pools import Allocation, pool_rates
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import Rate


@dataclass(frozen=True)
class Terms:
    """Its rates, its tag policy, its billing days, what is shared, and its charging policy."""

    rates: tuple[Rate, ...]
    policy: Policy
    calendar: Calendar
    charge_suspended: bool = False
    allocation: Allocation = field(default_factory=Allocation)
    charging: Charging = field(default_factory=Charging)

    @cached_property
    def all_rates(self) -> tuple[Rate, ...]:
        """The rates, and those by which use that a pool may cover costs nothing."""
        return (*self.rates, *pool_rates(self.allocation.pools, self.calendar))

    @cached_property
    def book(self) -> PriceBook:
        """By which runs are charged."""
        return PriceBook(self.all_rates, self.charging)

    @cached_property
    def list_book(self) -> PriceBook:
        """The prices alone: what a job may cost at most, pools or not."""
        return PriceBook(self.rates, self.charging)

    def policy_digest(self) -> str:
        """Changes when what is valid may change."""
        return _digest(self.policy)

    def owners_digest(self) -> str:
        """Changes when attribution may change."""
        return owners_digest(self.policy)


def owners_digest(policy: Policy) -> str:
    """The same of a policy alone."""
    teams = [replace(team, projects=()) for team in policy.teams]
    return _digest([teams, policy.defaults])


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()

"""What pages are made for: a site as it is configured, and whose costs are asked for."""

from dataclasses import dataclass, field
from typing import NamedTuple

from slurm_finops.core.charging import Charging
from slurm_finops.core.period import Calendar, Period, day_date
from slurm_finops.core.policy import Policy
from slurm_finops.core.pools import Allocation
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.spend import Scope
from slurm_finops.reports.view import Header, Key


@dataclass(frozen=True)
class Site:
    """What a report needs to know beside the ledger."""

    currency: str
    digits: int
    timezone: str
    calendar: Calendar
    policy: Policy
    people: str = "names"
    #: the prices as they are configured now
    rates: tuple[Rate, ...] = ()
    #: and what is shared beside them
    allocation: Allocation = field(default_factory=Allocation)
    #: and who pays how much of it
    charging: Charging = field(default_factory=Charging)
    #: now, in epoch seconds; None if no period is to be called unfinished
    as_of: int | None = None
    #: whether the time a run was suspended costs, as it is configured now
    charge_suspended: bool = False
    #: how figures and dates are written: ``de_DE``
    locale: str = "en"


class Owner(NamedTuple):
    """Whose costs: a team's, one of its projects', a cost centre's, or with no name everybody's.

    ``UNTAGGED_NAME`` as team is whoever named none.
    """

    team: str = ""
    project: str = ""
    cost_center: str = ""

    @property
    def title(self) -> str:
        if self.cost_center:
            return self.cost_center
        return f"{self.team} / {self.project}" if self.project else self.team or "All teams"

    def scope(self, period: Period) -> Scope:
        scope = Scope(period.first, period.last)
        if self.team == UNTAGGED_NAME:
            scope = scope.narrowed("tag_sets.team IS NULL", tables=("tag_sets",))
        elif self.team:
            scope = scope.narrowed("tag_sets.team = ?", self.team, tables=("tag_sets",))
        if self.project:
            scope = scope.narrowed("tag_sets.project = ?", self.project)
        if self.cost_center:
            scope = scope.narrowed(
                "tag_sets.cost_center = ?", self.cost_center, tables=("tag_sets",)
            )
        return scope


EVERYBODY = Owner()
#: How tables call the owner of what nobody tagged.
UNTAGGED_NAME = "(untagged)"


def name_order(key: Key) -> tuple[tuple[bool, str], ...]:
    """Rows of one cost stand by their names, and what has none comes last."""
    return tuple((value is None, str(value or "")) for value in key)


def header_of(site: Site, period: Period) -> Header:
    """What a table or page of a period is about."""
    return Header(
        currency=site.currency,
        digits=site.digits,
        timezone=site.timezone,
        label=period.label,
        start=site.calendar.isoformat(period.start),
        end=site.calendar.isoformat(period.end),
        first_day=day_date(period.first),
        last_day=day_date(period.last - 1),
        so_far=site.as_of is not None and site.as_of < period.end,
        locale=site.locale,
    )

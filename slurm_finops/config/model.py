"""What a finops.toml says, once it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from pathlib import Path
from typing import Any

from slurm_finops.core.budgets import Budget
from slurm_finops.core.charging import Charging
from slurm_finops.core.funds import Funding, Split
from slurm_finops.core.journal import Accounts
from slurm_finops.core.journal_layout import FORMATS, Layout
from slurm_finops.core.money import minor_digits
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.core.pools import Allocation, pool_rates
from slurm_finops.core.rates import Rate
from slurm_finops.core.surcharges import Surcharge

#: How often reports go out.
CADENCES = ("day", "week", "month")
#: Ways on which people may be shown by another rule than ``[privacy] people``.
CHANNELS = ("mail", "page", "slack", "serve", "export")
#: What there can be one statement of.
PER = ("team", "project", "cost_center", "fund")


@dataclass(frozen=True)
class Project:
    """A project of a team: who is told of it, its budget for a billing month, and others."""

    name: str
    email: tuple[str, ...] = ()
    budget_minor: int | None = None
    budgets: tuple[Budget, ...] = ()
    #: who gets the same reports as the owner
    delegates: tuple[str, ...] = ()
    #: which funds pay for it, in order of days; () is as the team
    payers: tuple[Split, ...] = ()


@dataclass(frozen=True)
class Team:
    """A team of the registry; ``budget_minor`` is for a billing month, ``budgets`` are others."""

    name: str
    cost_center: str | None = None
    accounts: tuple[str, ...] | None = None
    users: tuple[str, ...] | None = None
    wckeys: tuple[str, ...] | None = None
    email: tuple[str, ...] = ()
    budget_minor: int | None = None
    budgets: tuple[Budget, ...] = ()
    projects: tuple[Project, ...] = ()
    delegates: tuple[str, ...] = ()
    payers: tuple[Split, ...] = ()
    slack_webhook_file: Path | None = None


@dataclass(frozen=True)
class CostCenter:
    """Who is told of all teams of a cost centre."""

    name: str
    email: tuple[str, ...] = ()
    delegates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Gate:
    """What the gate at sbatch does: with bad tags, when it breaks itself, and its last line."""

    mode: str = "warn"
    on_error: str = "accept"
    help: str = ""


@dataclass(frozen=True)
class Hook:
    """What the gate says of money, and where nightly leaves what is left of each budget."""

    show_cost: bool = False
    budget_file: Path | None = None


@dataclass(frozen=True)
class Mail:
    """Where mails go out, from whom, how often and how fast; ``digest``: of the whole site."""

    sender: str
    smtp: str
    password_file: Path | None = None
    every: tuple[str, ...] = ("week",)
    per_minute: int = 60
    runs_csv: bool = False
    digest: tuple[str, ...] = ()
    reply_to: str = ""


@dataclass(frozen=True)
class Slack:
    """The webhook that is told of the whole site, and how often every webhook is posted to."""

    webhook_file: Path | None = None
    every: tuple[str, ...] = ("week",)


@dataclass(frozen=True)
class Privacy:
    """What stands for people where: ``names``, ``pseudonyms`` or ``none``."""

    people: str = "names"
    mail: str = "names"
    page: str = "names"
    slack: str = "names"
    serve: str = "names"
    export: str = "names"


@dataclass(frozen=True)
class Alerts:
    """What is told of budgets and of days; ``floor_minor``: what a day must be above the usual.

    ``to`` and ``slack``: who is told beside the owners.
    """

    thresholds: tuple[int, ...] = (50, 80, 100)
    forecast: bool = True
    unusual: bool = True
    to: tuple[str, ...] = ()
    slack: bool = True
    floor_minor: int = 0


@dataclass(frozen=True)
class Readiness:
    """What must hold before chargeback begins; ``coverage`` in hundredths of a per cent.

    ``weeks``: how many are looked at; ``edits``: slips between values that may be one.
    """

    coverage: int = 8_000
    weeks: int = 6
    edits: int = 1


@dataclass(frozen=True)
class Entity:
    """A legal entity that bills; the numbers of its statements begin with ``series``."""

    name: str
    series: str = ""


@dataclass(frozen=True)
class Statements:
    """How months are billed: one statement for each of what, by whom, with what on top.

    ``entity`` bills what has no fund with one.  ``second_person``: who closes a period is
    another than who drafted it.
    """

    per: str = "team"
    entity: str = ""
    second_person: bool = False
    entities: tuple[Entity, ...] = ()
    surcharges: tuple[Surcharge, ...] = ()

    def series(self, entity: str) -> str:
        """What numbers of an entity's statements begin with; "" for one that says nothing."""
        return next((one.series for one in self.entities if one.name == entity), "")


@dataclass(frozen=True)
class Journal:
    """The accounts beside those of payers, and the file that finance takes."""

    accounts: Accounts = field(default_factory=Accounts)
    layout: Layout = FORMATS["plain"]


@dataclass(frozen=True)
class Config:
    """A whole finops.toml.  Paths are absolute; ``rates`` are checked against each other."""

    path: Path
    cluster: str
    currency: str
    timezone: str
    database: Path
    zone: tzinfo
    policy: Policy = field(default_factory=Policy)
    gate: Gate = Gate()
    hook: Hook = Hook()
    rates: tuple[Rate, ...] = ()
    allocation: Allocation = field(default_factory=Allocation)
    charging: Charging = field(default_factory=Charging)
    teams: tuple[Team, ...] = ()
    cost_centers: tuple[CostCenter, ...] = ()
    mail: Mail | None = None
    slack: Slack = Slack()
    alerts: Alerts = Alerts()
    privacy: Privacy = Privacy()
    readiness: Readiness = Readiness()
    funding: Funding = field(default_factory=Funding)
    statements: Statements = Statements()
    journal: Journal = field(default_factory=Journal)
    #: by what figures and dates are written for people
    locale: str = "en"
    charge_suspended: bool = False
    #: where nightly keeps a site of all pages
    site_folder: Path | None = None
    #: month and day on which a fiscal year begins
    fiscal_year: tuple[int, int] = (1, 1)
    #: the file itself, from which the audit says what was changed
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def people(self) -> str:
        """What stands for people where no channel is asked for."""
        return self.privacy.people

    @property
    def posts(self) -> bool:
        """Whether anything goes to Slack."""
        return bool(self.slack.webhook_file) or any(t.slack_webhook_file for t in self.teams)

    @property
    def digits(self) -> int:
        """Decimals in which the currency is booked."""
        return minor_digits(self.currency)

    @property
    def all_rates(self) -> tuple[Rate, ...]:
        """The rates, and those by which use that a pool may cover costs nothing."""
        return (*self.rates, *pool_rates(self.allocation.pools, self.calendar))

    @property
    def calendar(self) -> Calendar:
        return Calendar(self.zone)

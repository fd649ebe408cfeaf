"""What a report says, before anything is drawn: figures and names, no markup.

Money is in minor units of the currency; rows of a table sum to its total.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import date

Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: the values of its dimensions (None: absent) and its figures."""

    key: Key
    runs: int
    gpu_seconds: int
    list_minor: int
    effective_minor: int
    billed_minor: int
    #: whether none of it had a rate
    unpriced: bool = False
    #: of the effective cost: what is not billed, and why
    forgiven_minor: int = 0
    subsidised_minor: int = 0
    credited_minor: int = 0
    #: and what booked time adds to the time that was held
    rounded_minor: int = 0


def summed(rows: Iterable[Row], runs: int) -> Row:
    """Rows as one; ``runs`` are counted by whoever knows, for a run may stand in several."""
    figures = [row for row in fields(Row) if row.name not in ("key", "runs", "unpriced")]
    every = list(rows)
    return Row((), runs, **{f.name: sum(getattr(row, f.name) for row in every) for f in figures})


@dataclass(frozen=True, slots=True)
class Unpriced:
    """A SKU that was held without any rate: it is in no cost."""

    sku: str
    runs: int
    unit_seconds: int


@dataclass(frozen=True, slots=True)
class Spend:
    """One table: a period's cost by some dimensions, most costly first."""

    by: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Row


@dataclass(frozen=True, slots=True)
class Day:
    """One billing day: cost in minor units by name, in the order of the legend."""

    day: date
    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Daily:
    """Cost by day: ``names`` is the legend (None: untagged), each `Day` has a part a name."""

    names: tuple[str | None, ...]
    days: tuple[Day, ...]
    #: what the names are values of
    by: str = "team"


@dataclass(frozen=True, slots=True)
class Header:
    """What a table or page is about."""

    currency: str
    digits: int
    timezone: str
    label: str
    start: str
    end: str
    first_day: date
    last_day: date
    #: whether the period had not ended when the figures were read
    so_far: bool = False
    #: how figures and dates are written
    locale: str = "en"


@dataclass(frozen=True, slots=True)
class Report:
    """A table with what must be known beside it: what may still change, what has no price."""

    header: Header
    spend: Spend
    provisional_runs: int
    provisional_minor: int
    unpriced_runs: int
    unpriced_gpu_seconds: int
    unpriced: tuple[Unpriced, ...] = ()
    problems: int = 0
    held: tuple[str, ...] = ()
    #: runs that are in no figure because nobody has priced them yet
    waiting: int = 0
    #: whether prices have changed since the figures were made
    stale: bool = False


@dataclass(frozen=True, slots=True)
class TagFault:
    """Runs whose tags are missing or wrong: how many, what they cost, what to type."""

    team: str | None
    status: str
    example: str
    runs: int
    effective_minor: int
    #: whose runs they are, the costliest first; nobody where the site names no people
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ahead:
    """What a budget comes to at the end of its span: 8 of 10 times between low and high."""

    low_minor: int
    middle_minor: int
    high_minor: int
    #: the first day on which nothing is left, as the middle goes on; None if it lasts
    used_up: date | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """An owner's budget, and what of it was spent by the period's end; days are inclusive.

    ``pace_minor`` is what had been spent by then if each day took the same of it.
    """

    name: str
    first_day: date
    last_day: date
    limit_minor: int
    spent_minor: int
    pace_minor: int
    #: the last day that is in what was spent
    by: date
    ahead: Ahead | None = None
    #: what was spent by the end of each day of the span so far
    days: tuple[int, ...] = ()
    #: whether nothing is said ahead because too little is known
    young: bool = False


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One of many budgets, whoever's: a line of the table of a whole site or a cost centre.

    ``used_up`` is the day on which nothing is left as expected, ``at_worst`` at the high
    end; None where it lasts, or nobody can say.
    """

    team: str
    project: str | None
    #: what it is for: ``June 2026``, the name of a grant
    name: str
    limit_minor: int
    spent_minor: int
    ahead: Ahead | None = None
    used_up: date | None = None
    at_worst: date | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """What a period cost beside those before it, of the same length."""

    #: a day, week or month; "" for another span of days
    every: str
    spent_minor: int
    before_minor: int | None = None
    #: between which so many periods before were; of ten of them the least and the most left out
    usual: tuple[int, int] | None = None
    periods: int = 0
    #: of a period that goes on: how many of its days are compared
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Waste:
    """What runs cost that ended in one way other than well."""

    cause: str
    runs: int
    gpu_seconds: int
    effective_minor: int
    #: the costliest of them, ``cluster/job``
    worst: str = ""


@dataclass(frozen=True, slots=True)
class Costly:
    """One run; times are ISO, ``end`` None while it runs, ``user`` "" where none is told."""

    job_id: str
    cluster: str
    user: str
    name: str
    state: str
    start: str
    end: str | None
    gpu_seconds: int
    minor: int


@dataclass(frozen=True, slots=True)
class Correction:
    """An earlier period that has changed since a mail told of it."""

    label: str
    header: Header
    told_minor: int
    now_minor: int


@dataclass(frozen=True, slots=True)
class Allotment:
    """An allocation that a page's owner holds, at the end of its period or of today.

    ``amount`` and ``left`` are tenths of GPU-hours where ``hours``, else minor units;
    ``last_day`` is the last on which it pays.
    """

    name: str
    hours: bool
    amount: int
    left: int
    last_day: date
    #: what of it is to be warned of
    used_up: bool = False
    low: bool = False
    expiring: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether chargeback may begin, by which weeks.

    ``signals``: each one's name, its figure, and whether it is good.  ``first``: what to
    mend first, "" if nothing.
    """

    ready: bool
    weeks: str
    signals: tuple[tuple[str, str, bool], ...]
    first: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page or mail: who it is for, its tables, its chart, what is wrong with tags.

    ``owner`` is a team or project, or None for the whole site.
    """

    title: str
    owner: str | None
    report: Report
    tables: tuple[Spend, ...]
    daily: Daily
    faults: tuple[TagFault, ...] = ()
    budgets: tuple[Budget, ...] = ()
    notes: tuple[str, ...] = field(default=())
    allotments: tuple[Allotment, ...] = ()
    trend: Trend | None = None
    waste: tuple[Waste, ...] = ()
    costliest: tuple[Costly, ...] = ()
    #: whether the costliest are told at list price, as pools have no price for one run
    at_list: bool = False
    #: GPU-seconds that were held while suspended, and are not charged
    suspended_seconds: int = 0
    corrections: tuple[Correction, ...] = ()
    #: what the first table's rows cost in the period before, by key
    before: tuple[tuple[Key, int], ...] | None = None
    #: every budget of the whole site or of a cost centre's teams, in the order of teams
    standings: tuple[BudgetLine, ...] = ()
    #: whether chargeback may begin: of the digest alone
    ready: Ready | None = None

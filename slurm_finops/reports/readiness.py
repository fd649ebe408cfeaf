"""Whether chargeback may begin: ledger -> four signals, what is behind each, what would mend it."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from slurm_finops.billing.readiness import (
    Seen,
    Unowned,
    known_from,
    known_names,
    seen,
    unowned,
    whole_weeks,
)
from slurm_finops.core.money import apportion_ticks, grouped, minor_text, to_minor
from slurm_finops.core.near import nearest
from slurm_finops.core.period import Period
from slurm_finops.core.readiness import (
    Cost,
    Covered,
    Lacking,
    Near,
    Split,
    covered,
    lacking,
    near_values,
    splits,
)
from slurm_finops.core.words import count
from slurm_finops.ledger.allocation import origins
from slurm_finops.ledger.pricing import waiting
from slurm_finops.ledger.spend import Scope, unpriced
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.build import is_stale
from slurm_finops.reports.faults import tag_faults, typed
from slurm_finops.reports.format import visible
from slurm_finops.reports.site import UNTAGGED_NAME, Site
from slurm_finops.reports.view import Unpriced

COVERAGE, TEAMS, UNOWNED, TAGS = "coverage", "teams", "unowned", "tags"
#: How a signal's figures are written: hundredths of a per cent, a number of things, minor units.
PERCENT, COUNT, MONEY = "percent", "count", "money"
_TOP = 5


@dataclass(frozen=True)
class Asked:
    """What must hold: hundredths of a per cent, weeks, slips; and the teams with a budget."""

    coverage: int
    weeks: int
    edits: int
    budgeted: frozenset[str]


@dataclass(frozen=True)
class Behind:
    """One thing behind a signal: what it is, what it costs in minor units, and what mends it."""

    name: str
    detail: str
    minor: int
    runs: int
    mend: str
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class Signal:
    """One of the four; ``figure`` is the one that decides, ``trend`` the same week by week.

    None: nothing is known of a week.  ``behind`` are the costliest, ``more`` how many are
    left out.
    """

    name: str
    ok: bool
    unit: str
    figure: int | None
    trend: tuple[int | None, ...]
    says: str
    mend: str
    behind: tuple[Behind, ...]
    more: int


@dataclass(frozen=True)
class Readiness:
    """All of it, over whole ISO weeks; a week is ``known`` if use of it cost anything."""

    currency: str
    digits: int
    asked: Asked
    weeks: tuple[Period, ...]
    known: int
    signals: tuple[Signal, ...]
    waiting: int
    stale: bool
    unpriced: tuple[Unpriced, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether every signal is good."""
        return all(signal.ok for signal in self.signals)


def readiness(ledger: Ledger, site: Site, asked: Asked) -> Readiness:
    """The last whole weeks before ``site.as_of``."""
    assert site.as_of is not None
    periods = whole_weeks(site.calendar, site.as_of, asked.weeks)
    whole = site.calendar.days(periods[0].first, periods[-1].last)
    looks, all_of_it = [seen(ledger, week) for week in periods], seen(ledger, whole)
    first = known_from(ledger)
    # one that began before the ledger did is not whole
    weeks = [
        covered(look.parts) if first is not None and first <= look.period.first else Covered(0, 0)
        for look in looks
    ]
    known = sum(week.all > 0 for week in weeks)
    signals = (
        _coverage(ledger, site, asked, periods, weeks),
        _teams(site, asked, looks, all_of_it),
        _unowned(ledger, site, looks, all_of_it),
        _tags(site, asked, looks, all_of_it),
    )
    return Readiness(
        site.currency, site.digits, asked, tuple(periods), known, signals, waiting(ledger),
        is_stale(ledger, site),
        tuple(Unpriced(*row) for row in unpriced(ledger.db, Scope(whole.first, whole.last))),
    )  # fmt: skip


def _percent(share: int) -> str:
    """Hundredths of a per cent as they are configured: ``80%``, ``92.5%``."""
    return f"{minor_text(share, 2).rstrip('0').rstrip('.')}%"


# ---- coverage


def _coverage(
    ledger: Ledger, site: Site, asked: Asked, periods: Sequence[Period], weeks: Sequence[Covered]
) -> Signal:
    known = [(week.share or 0, period) for week, period in zip(weeks, periods, strict=True)
             if week.all > 0]  # fmt: skip
    enough = len(known) == len(weeks)
    reached = all(week.reaches(asked.coverage) for week in weeks if week.all > 0)
    scope = Scope(periods[0].first, periods[-1].last)
    kinds = [fault for fault in tag_faults(ledger, site, scope, pools=True)
             if fault.effective_minor]  # fmt: skip
    behind = [
        Behind(fault.team or UNTAGGED_NAME, fault.status, fault.effective_minor, fault.runs,
               f"type: {typed(fault.example)}", fault.people)
        for fault in kinds
    ]  # fmt: skip
    return Signal(
        COVERAGE, enough and reached, PERCENT, min((share for share, _ in known), default=None),
        tuple(week.share for week in weeks), _coverage_says(asked, known),
        f"go on with showback until {count(asked.weeks, 'whole week')} are known" if reached
        else "let the gate at sbatch ask for tags: [tags] mode",
        *_top(behind),
    )  # fmt: skip


def _coverage_says(asked: Asked, known: Sequence[tuple[int, Period]]) -> str:
    few = ""
    if len(known) < asked.weeks:
        few = (f"only {len(known)} of {count(asked.weeks, 'whole week')} "
               f"{'is' if len(known) == 1 else 'are'} known")  # fmt: skip
    if not known:
        return few
    share, week = min(known, key=lambda one: one[0])
    low = (f"the lowest week, {week.label}, has {_percent(share)}; "
           f"{_percent(asked.coverage)} are wanted of each")  # fmt: skip
    return f"{few}; {low}" if few else low


# ---- teams


def _teams(site: Site, asked: Asked, looks: Sequence[Seen], all_of_it: Seen) -> Signal:
    registered = {team.name for team in site.policy.teams}
    centred = {team.name for team in site.policy.teams if team.cost_center}

    def found(look: Seen) -> list[Lacking]:
        return lacking(look.teams, registered, asked.budgeted, centred)

    every = found(all_of_it)
    behind = [
        Behind(one.team, _lacks(one), _minor(one.cost, site), one.cost.runs,
               _team_mend(one, sorted(registered)))
        for one in every
    ]  # fmt: skip
    return _counted(
        TEAMS, every, (found(look) for look in looks), behind,
        f"{count(len(every), 'team')} with cost {'has' if len(every) == 1 else 'have'} no budget "
        "or no cost centre", "every team with cost has a budget and a cost centre",
        "give each its lines in finops.toml",
    )  # fmt: skip


def _lacks(one: Lacking) -> str:
    if not one.registered:
        return "not in [[teams]]"
    has = (("budget", one.budget), ("cost centre", one.cost_center))
    return " and ".join(f"no {name}" for name, there in has if not there)


def _team_mend(one: Lacking, registered: Sequence[str]) -> str:
    near = None if one.registered else nearest(one.team, registered)
    if near:
        return f"type team {_quoted(near)}, or if it is another: a [[teams]] in finops.toml"
    lines = [f"name = {_quoted(one.team)}"]
    lines += [] if one.budget else ['budget = "<amount a month>"']
    lines += [] if one.cost_center else ['cost_center = "<cost centre>"']
    below = "in finops.toml, below" if one.registered else "in finops.toml, a new"
    return f"{below} [[teams]]: {', '.join(lines)}"


# ---- what nobody owns


def _unowned(ledger: Ledger, site: Site, looks: Sequence[Seen], all_of_it: Seen) -> Signal:
    kinds = {name: origin.kind for name, (_, origin) in origins(ledger.db).items()}
    every = unowned(ledger, all_of_it)
    behind = [
        Behind(one.name or "(no account)", _UNOWNED.get(one.category, one.category),
               _minor(one.cost, site), one.cost.runs, _owner_mend(one, kinds))
        for one in every
    ]  # fmt: skip
    # weeks add up to what all of them come to
    trend = apportion_ticks(
        [look.unowned for look in looks], site.digits, [look.period.first for look in looks]
    )
    figure = sum(trend)
    money = f"{grouped(figure, site.digits)} {site.currency}"
    ok = not every
    return Signal(
        UNOWNED, ok, MONEY, figure, tuple(trend),
        "all costs have an owner" if ok else f"no rule says who carries {money}",
        "" if ok else "name who carries each", *_top(behind),
    )  # fmt: skip


_UNOWNED = {
    "": "use that names no team, by its account", "unused": "what nobody used",
    "overhead": "overhead", "line": "a line", "credit": "a credit",
}  # fmt: skip
_SPREAD = '{ spread = "proportional" } or { spread = "carried", to = "<team>" }'


def _owner_mend(one: Unowned, kinds: Mapping[str, str]) -> str:
    name = _quoted(one.name)
    if not one.category:
        return f'in finops.toml: [tags.defaults.{name}] team = "<team>", or a right --comment'
    if one.category == "unused" and kinds.get(one.name) == "reservation":
        return "give the team that holds the reservation its accounts or users in [[teams]]"
    if one.category == "unused":
        return f"below [[pools]] {name}: unused = {_SPREAD}"
    if one.category == "credit":
        return f'below [[pools]] {name}: buyer = "<team>"'
    if one.category == "line":
        return f"below [[lines]] {name}, or in the file it is from: a team, or a spread with to"
    return f'below [[overhead]] {name}: spread = "carried", to = "<team>"'


# ---- tags that differ


def _tags(site: Site, asked: Asked, looks: Sequence[Seen], all_of_it: Seen) -> Signal:
    known = known_names(site.policy)

    def found(look: Seen) -> list[Split | Near]:
        both: list[Split | Near] = [*splits(look.parts)]
        both += near_values(look.parts, known, asked.edits)
        return sorted(both, key=lambda one: -_of(one).ticks)

    every = found(all_of_it)
    behind = [
        _split_behind(one, site) if isinstance(one, Split) else _near_behind(one, site)
        for one in every
    ]
    return _counted(
        TAGS, every, (found(look) for look in looks), behind,
        f"{count(len(every), 'name')} {'differs' if len(every) == 1 else 'differ'} by environment "
        "or by a slip", "tags agree over environments, and no value is a slip for another",
        "mend what jobs say; names that are right belong into [[teams]] or [tags.allowed]",
    )  # fmt: skip


def _of(one: Split | Near) -> Cost:
    """What is to be mended."""
    return one.cost if isinstance(one, Split) else one.rare.cost


def _split_behind(one: Split, site: Site) -> Behind:
    what = {"team": "team", "cost_center": "cost centre"}[one.key]
    held = ", ".join(
        f"{visible(held.environment)}: {visible(held.value or '(none)')} "
        f"({_runs_and_cost(held.cost, site)})" for held in one.held
    )  # fmt: skip
    right = one.common or next((held.value for held in one.held if held.value), "")
    mend = f"type {one.key} {_quoted(visible(right))} in each environment of the project"
    if one.key == "cost_center":
        mend += ", or none: the team's own in [[teams]] stands in for it"
    return Behind(one.project, f"the {what} differs: {held}", _minor(one.cost, site),
                  one.cost.runs, mend)  # fmt: skip


def _near_behind(one: Near, site: Site) -> Behind:
    common, rare = one.common, one.rare
    what = one.key.replace("_", " ")
    return Behind(
        rare.name, f"the {what} may be a slip for {_quoted(visible(common.name))} "
        f"({_runs_and_cost(common.cost, site)})", _minor(rare.cost, site),
        rare.cost.runs, f"type {one.key} {_quoted(visible(common.name))}, or if both are right: "
        f"name both in {_HOME.get(one.key, f'[tags.allowed] {one.key}')}",
    )  # fmt: skip


_HOME = {
    "team": "[[teams]]", "project": "[[teams.projects]]", "cost_center": "[[teams]] cost_center",
}  # fmt: skip


def _runs_and_cost(cost: Cost, site: Site) -> str:
    return f"{count(cost.runs, 'run')}, {grouped(_minor(cost, site), site.digits)}"


# ---- what all have in common


def _counted(
    name: str, every: Collection[object], weeks: Iterable[Collection[object]],
    behind: Sequence[Behind], says: str, good: str, mend: str,
) -> Signal:  # fmt: skip
    """A signal that is good where there is nothing of its kind."""
    ok = not every
    return Signal(
        name, ok, COUNT, len(every), tuple(len(week) for week in weeks), good if ok else says,
        "" if ok else mend, *_top(behind),
    )  # fmt: skip


def _top(behind: Sequence[Behind]) -> tuple[tuple[Behind, ...], int]:
    """The first few, and how many more there are."""
    return tuple(behind[:_TOP]), max(0, len(behind) - _TOP)


def _minor(cost: Cost, site: Site) -> int:
    return to_minor(cost.ticks, site.digits)


def _quoted(text: str) -> str:
    """A text as finops.toml takes it."""
    return json.dumps(text, ensure_ascii=False)

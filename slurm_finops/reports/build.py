"""Ledger -> views: sums in ticks become rows in minor units, rounded once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from slurm_finops.billing.allocation import outdated
from slurm_finops.billing.changed import charged_otherwise
from slurm_finops.billing.holdings import holdings
from slurm_finops.billing.standings import Standing
from slurm_finops.core.money import apportion_ticks, to_minor
from slurm_finops.core.period import Period, day_date
from slurm_finops.core.rates import touched
from slurm_finops.ledger import history
from slurm_finops.ledger.held import held_runs
from slurm_finops.ledger.pricing import waiting
from slurm_finops.ledger.problems import count_open
from slurm_finops.ledger.rates import stored_rates
from slurm_finops.ledger.shares import anything_shared, spend
from slurm_finops.ledger.spend import Scope, Sums, unpriced
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports import insight
from slurm_finops.reports.faults import tag_faults
from slurm_finops.reports.format import BESIDE
from slurm_finops.reports.holdings import allotments
from slurm_finops.reports.people import pseudonyms
from slurm_finops.reports.rounding import apportion_billed
from slurm_finops.reports.site import (
    EVERYBODY,
    UNTAGGED_NAME,
    Owner,
    Site,
    header_of,
    name_order,
)
from slurm_finops.reports.view import (
    Allotment,
    Daily,
    Day,
    Key,
    Page,
    Report,
    Row,
    Spend,
    Unpriced,
    summed,
)

_LEGEND = 8


def table(sums: Sequence[Sums], by: Sequence[str], digits: int) -> Spend:
    """Rows by cost, then name; each column of money apportioned from its own rounded total."""
    ordered = sorted(sums, key=lambda row: (-row.effective_ticks, -row.billed_ticks, _name(row)))
    keys = [_name(row) for row in ordered]
    listed = apportion_ticks([row.list_ticks for row in ordered], digits, keys)
    effective = apportion_ticks([row.effective_ticks for row in ordered], digits, keys)
    rounded = apportion_ticks([row.rounded_ticks for row in ordered], digits, keys)
    billed, taken = apportion_billed(ordered, effective, digits, keys)
    rows = tuple(
        Row(row.key, row.runs, row.gpu_seconds, listed[i], effective[i], billed[i], row.unpriced,
            *taken[i], rounded[i])
        for i, row in enumerate(ordered)
    )  # fmt: skip
    return Spend(tuple(by), rows, _total(rows))


def _name(row: Sums) -> tuple[tuple[bool, str], ...]:
    return name_order(row.key)


def _total(rows: Iterable[Row]) -> Row:
    """Sums of the rows; runs are counted apart, for a run may stand in several."""
    return summed(rows, 0)


class State(NamedTuple):
    """What is so of the whole ledger, whoever's costs are asked for."""

    problems: int
    held: tuple[str, ...]
    waiting: int
    stale: bool


def state_of(ledger: Ledger, site: Site) -> State:
    """Read it; once is enough for any number of reports."""
    return State(
        problems=count_open(ledger.db),
        held=tuple(f"{run} ({why})" for run, why in held_runs(ledger.db)),
        waiting=waiting(ledger),
        stale=is_stale(ledger, site),
    )


def report(
    ledger: Ledger, site: Site, period: Period, by: Sequence[str], owner: Owner = EVERYBODY,
    state: State | None = None,
) -> Report:  # fmt: skip
    """One table of a period, with what must be known beside it."""
    state = state or state_of(ledger, site)
    scope = owner.scope(period)
    running = _provisional(ledger, scope)
    bare = _all(ledger, scope.narrowed("rate_card_id = 0", usage=True))
    return Report(
        header=header_of(site, period),
        spend=_spend(ledger, site, scope, by),
        provisional_runs=running.runs,
        provisional_minor=to_minor(running.effective_ticks, site.digits),
        unpriced_runs=bare.runs,
        unpriced_gpu_seconds=bare.gpu_seconds,
        unpriced=tuple(Unpriced(*row) for row in unpriced(ledger.db, scope)),
        **state._asdict(),
    )


def is_stale(ledger: Ledger, site: Site) -> bool:
    """Whether prices, who pays them or what is shared have changed since figures were made."""
    return (
        bool(touched(stored_rates(ledger.db), site.rates))
        or charged_otherwise(ledger, site.policy, site.charge_suspended, site.charging)
        or outdated(ledger, site.allocation, site.policy, site.calendar)
    )


def anything_spent(ledger: Ledger, owner: Owner, period: Period) -> bool:
    """Whether anything was held at all."""
    return bool(spend(ledger.db, owner.scope(period), ()))


class Spenders:
    """The same of many owners: who has any cost in a period is read once."""

    def __init__(self, ledger: Ledger, period: Period) -> None:
        by = ("team", "project", "cost_center")
        keys = [row.key for row in spend(ledger.db, Scope(period.first, period.last), by)]
        self._any = bool(keys)
        self._teams = {team or UNTAGGED_NAME for team, _, _ in keys}
        self._projects = {(team, project) for team, project, _ in keys}
        self._centres = {centre for _, _, centre in keys}

    def has(self, owner: Owner) -> bool:
        if owner.cost_center:
            return owner.cost_center in self._centres
        if owner.project:
            return (owner.team, owner.project) in self._projects
        return owner.team in self._teams if owner.team else self._any


def _spend(ledger: Ledger, site: Site, scope: Scope, by: Sequence[str]) -> Spend:
    found = table(spend(ledger.db, scope, by), by, site.digits)
    total = found.total
    runs = _all(ledger, scope).runs
    return Spend(found.by, found.rows, replace(total, runs=runs))


def _all(ledger: Ledger, scope: Scope) -> Sums:
    rows = spend(ledger.db, scope, ())
    return rows[0] if rows else Sums((), 0, 0, 0, 0, 0)


def _provisional(ledger: Ledger, scope: Scope) -> Sums:
    """What still runs: few, found by an index, so that a report of a month stays one scan."""
    running = "usage_id IN (SELECT id FROM jobs AS live WHERE live.provisional = 1)"
    return _all(ledger, scope.narrowed(running, usage=True))


def page(
    ledger: Ledger, site: Site, period: Period, owner: Owner = EVERYBODY, *,
    by: Sequence[str] = (), days: Mapping[int, history.Day] | None = None,
    budgets: Iterable[Standing] = (), state: State | None = None,
) -> Page:  # fmt: skip
    """A page for an owner, or for the whole site by ``by``.

    ``days`` are what each day cost the owner, from `insight.first_day` and the budgets'
    first days on; with None nothing is said of how usual a cost is.
    """
    scope = owner.scope(period)
    main = tuple(by) or _main(owner)
    at_list = anything_shared(ledger.db, scope)
    name = main[0] if main[0] not in ("day", "user") or site.people == "names" else "team"
    known = days or {}
    return Page(
        title=owner.title,
        owner=owner.team or None,
        report=_shown(
            _of_owner(report(ledger, site, period, main, owner, state), owner), site.people
        ),
        tables=_told(
            _on_page(_spend(ledger, site, scope, names), site.people)
            for names in _tables(owner, site, at_list) if names != main
        ),
        daily=daily(ledger, site, period, "team" if name == "day" else name, owner),
        faults=tag_faults(ledger, site, scope),
        budgets=tuple(
            insight.budget(one, known, site, header_of(site, period)) for one in budgets
        ),
        allotments=_allotments(ledger, site, period, owner),
        trend=None if days is None else insight.trend(
            known, site, period, lambda one: history.covered(ledger.db, one.first, one.last)
        ),
        waste=insight.waste(ledger, site, scope),
        costliest=insight.costly(ledger, site, scope, at_list=at_list),
        at_list=at_list,
        suspended_seconds=insight.suspended(ledger, site, scope, period),
        before=_before(ledger, site, period, owner, main),
    )  # fmt: skip


def _told(tables: Iterable[Spend]) -> tuple[Spend, ...]:
    """Without a table that says of one price model or resource that it is the only one."""
    return tuple(
        one for one in tables if one.by not in (("pricing",), ("sku",)) or len(one.rows) > 1
    )


def _main(owner: Owner) -> tuple[str, ...]:
    """What an owner's first table is by."""
    if owner.project:
        return ("experiment",)
    return ("project",) if owner.team else ("team",)


def _tables(owner: Owner, site: Site, is_shared: bool) -> list[tuple[str, ...]]:
    """The tables after the first."""
    tables: list[tuple[str, ...]] = [("team", "project"), ("sku",)]
    if owner.team:
        tables = [("experiment",), ("user",)]
    tables.append(("pricing",))
    if is_shared:
        tables.append(("origin", "category"))
    if site.people == "none":
        tables = [names for names in tables if "user" not in names]
    return tables


def _before(
    ledger: Ledger, site: Site, period: Period, owner: Owner, by: Sequence[str]
) -> tuple[tuple[Key, int], ...] | None:
    """What rows by ``by`` cost in the whole period before this one, if this one is whole."""
    if not period.every or "day" in by or header_of(site, period).so_far:
        return None
    if "user" in by and site.people != "names":
        return None
    earlier = owner.scope(site.calendar.preceding(period))
    found = _spend(ledger, site, earlier, by)
    return tuple((row.key, row.effective_minor) for row in found.rows) or None


def _allotments(
    ledger: Ledger, site: Site, period: Period, owner: Owner
) -> tuple[Allotment, ...]:
    """What the owner holds at the end of the period, or of today."""
    lots = [
        lot for lot in site.charging.lots
        if lot.team == owner.team and (not owner.project or lot.project in (None, owner.project))
    ]  # fmt: skip
    if not lots:
        return ()
    last = period.last - 1
    day = last if site.as_of is None else min(last, site.calendar.day_of(site.as_of))
    return allotments(holdings(ledger, lots, day), period.first, site.digits)


def _of_owner(report_: Report, owner: Owner) -> Report:
    """What concerns the whole ledger is the site's business, not a team's."""
    return replace(report_, problems=0, held=()) if owner.team else report_


def _shown(report_: Report, people: str) -> Report:
    return replace(report_, spend=_on_page(report_.spend, people))


def without_names(spend_: Spend, people: str) -> Spend:
    """A table without people's names, where the site does not show them."""
    if people == "names" or "user" not in spend_.by:
        return spend_
    place = spend_.by.index("user")
    called = pseudonyms(spend_.rows, place)
    rows = tuple(
        replace(row, key=(*row.key[:place], called.get(row.key[place]), *row.key[place + 1 :]))
        for row in spend_.rows
    )
    return Spend(spend_.by, rows, spend_.total)


def _on_page(spend_: Spend, people: str) -> Spend:
    """And without rows of nothing but a purchase: a page goes by what things cost."""
    kept = tuple(row for row in spend_.rows if row.runs or row.effective_minor or row.list_minor)
    return without_names(replace(spend_, rows=kept), people)


def daily(
    ledger: Ledger, site: Site, period: Period, name: str, owner: Owner = EVERYBODY
) -> Daily:
    """Cost by day and ``name``; the costliest names apart, the rest as one."""
    sums = spend(ledger.db, owner.scope(period), (name, "day"))
    weight: dict[str | None, int] = {}
    runs: dict[str | None, int] = {}
    for row in sums:
        weight[row.key[0]] = weight.get(row.key[0], 0) + row.effective_ticks
        runs[row.key[0]] = runs.get(row.key[0], 0) + row.runs
    names = sorted(weight, key=lambda n: (-weight[n], n is None, n or ""))
    # what costs nothing and ran nothing, such as the purchase of a pool, has no bar
    names = [n for n in names if weight[n] or runs[n]]
    shown = names if len(names) <= _LEGEND else [*names[: _LEGEND - 1], "other"]
    if None in shown and not runs[None]:
        shown = [BESIDE if n is None else n for n in shown]
    place = {n: min(i, len(shown) - 1) for i, n in enumerate(names)}
    ticks = {day: [0] * len(shown) for day in range(period.first, period.last)}
    for row in sums:
        at = date.fromisoformat(str(row.key[1])).toordinal() - date(1970, 1, 1).toordinal()
        if row.key[0] in place:
            ticks[at][place[row.key[0]]] += row.effective_ticks
    return Daily(
        tuple(shown),
        tuple(
            Day(day_date(day), tuple(to_minor(t, site.digits) for t in parts))
            for day, parts in ticks.items()
        ),
        name,
    )

"""Ledger -> views: sums in ticks become rows in minor units, rounded once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple

from slurm_finops.billing.allocation import outdated
from slurm_finops.billing.changed import charged_otherwise
from slurm_finops.billing.holdings import holdings
from slurm_finops.core.charging import Charging
from slurm_finops.core.money import apportion_ticks, to_minor
from slurm_finops.core.period import Calendar, Period, day_date
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.pools import Allocation
from slurm_finops.core.rates import Rate, touched
from slurm_finops.core.tags import KEYS, make_comment
from slurm_finops.core.verdict import example
from slurm_finops.ledger.held import held_runs
from slurm_finops.ledger.pricing import waiting
from slurm_finops.ledger.problems import count_open
from slurm_finops.ledger.rates import stored_rates
from slurm_finops.ledger.shares import anything_shared, spend
from slurm_finops.ledger.spend import Scope, Sums, unpriced
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import as_claim
from slurm_finops.reports.format import BESIDE
from slurm_finops.reports.holdings import allotments
from slurm_finops.reports.rounding import apportion_billed
from slurm_finops.reports.view import (
    Allotment,
    Budget,
    Daily,
    Day,
    Header,
    Key,
    Page,
    Report,
    Row,
    Spend,
    TagFault,
    Unpriced,
    summed,
)

_LEGEND = 8


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


def name_order(key: Key) -> tuple[tuple[bool, str], ...]:
    """Rows of one cost stand by their names, and what has none comes last."""
    return tuple((value is None, str(value or "")) for value in key)


def _name(row: Sums) -> tuple[tuple[bool, str], ...]:
    return name_order(row.key)


def _total(rows: Iterable[Row]) -> Row:
    """Sums of the rows; runs are counted apart, for a run may stand in several."""
    return summed(rows, 0)


def report(
    ledger: Ledger, site: Site, period: Period, by: Sequence[str], owner: Owner = EVERYBODY
) -> Report:
    """One table of a period, with what must be known beside it."""
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
        problems=count_open(ledger.db),
        held=tuple(f"{run} ({why})" for run, why in held_runs(ledger.db)),
        waiting=waiting(ledger),
        stale=is_stale(ledger, site),
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
    )


def page(
    ledger: Ledger, site: Site, period: Period, owner: Owner = EVERYBODY, *,
    budget_minor: int | None = None, by: Sequence[str] = (),
) -> Page:  # fmt: skip
    """A page for a team or a project, or for the whole site by ``by``."""
    scope = owner.scope(period)
    main = tuple(by) or (("experiment",) if owner.project else ("project",) if owner.team
                         else ("team",))  # fmt: skip
    tables: list[tuple[str, ...]] = [("team", "project"), ("sku",)]
    if owner.team:
        tables = [("experiment",), ("user",)]
    if anything_shared(ledger.db, scope):
        tables.append(("origin", "category"))
    if site.people == "none":
        tables = [names for names in tables if "user" not in names]
    name = main[0] if main[0] not in ("day", "user") or site.people == "names" else "team"
    return Page(
        title=owner.title,
        owner=owner.team or None,
        report=_shown(_of_owner(report(ledger, site, period, main, owner), owner), site.people),
        tables=tuple(
            _people(_spend(ledger, site, scope, names), site.people)
            for names in tables if names != main
        ),
        daily=daily(ledger, site, period, "team" if name == "day" else name, owner),
        faults=tag_faults(ledger, site, scope),
        budget=_budget(ledger, site, period, owner, budget_minor),
        allotments=_allotments(ledger, site, period, owner),
    )  # fmt: skip


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


def _budget(
    ledger: Ledger, site: Site, period: Period, owner: Owner, limit_minor: int | None
) -> Budget | None:
    """What of a month's budget was spent by the end of the period."""
    if limit_minor is None:
        return None
    month = site.calendar.month_of(period.last - 1)
    spent = _all(ledger, owner.scope(replace(month, last=min(month.last, period.last))))
    return Budget(month.label, limit_minor, to_minor(spent.budgeted_ticks, site.digits))


def _of_owner(report_: Report, owner: Owner) -> Report:
    """What concerns the whole ledger is the site's business, not a team's."""
    return replace(report_, problems=0, held=()) if owner.team else report_


def _shown(report_: Report, people: str) -> Report:
    return replace(report_, spend=_people(report_.spend, people))


def _people(spend_: Spend, people: str) -> Spend:
    """A table without people's names, where the site does not show them.

    And without rows of nothing but a purchase: a page goes by what things cost.
    Pseudonyms are by place in the table: they say how work is spread, and
    cannot be traced from one mail to the next.
    """
    kept = tuple(row for row in spend_.rows if row.runs or row.effective_minor or row.list_minor)
    spend_ = replace(spend_, rows=kept)
    if people == "names" or "user" not in spend_.by:
        return spend_
    place = spend_.by.index("user")
    rows = tuple(
        replace(row, key=(*row.key[:place], f"person {i}", *row.key[place + 1 :]))
        for i, row in enumerate(spend_.rows, 1)
    )  # fmt: skip
    return Spend(spend_.by, rows, spend_.total)


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


def tag_faults(ledger: Ledger, site: Site, scope: Scope) -> tuple[TagFault, ...]:
    """Tags that are missing or wrong, the costliest kinds first, with a comment to type."""
    bad = scope.narrowed(
        "tag_sets.status IN ('invalid', 'untagged')", tables=("tag_sets",), usage=True
    )
    kinds: dict[tuple[object, ...], list[Sums]] = {}
    for row in spend(ledger.db, bad, (*KEYS, "faults", "tag_source", "user")):
        faults = site.policy.faults(as_claim(row.key[:-1]), hint=False)
        kind = row.key[0], tuple((fault.code, fault.key) for fault in faults)
        kinds.setdefault(kind, []).append(row)
    ordered = sorted(
        (sorted(rows, key=_costliest) for rows in kinds.values()),
        key=lambda rows: (-sum(row.effective_ticks for row in rows), _name(rows[0])),
    )
    return tuple(_tag_fault(site, rows) for rows in ordered)


def _costliest(row: Sums) -> tuple[int, tuple[tuple[bool, str], ...]]:
    return -row.effective_ticks, _name(row)


def _tag_fault(site: Site, rows: Sequence[Sums]) -> TagFault:
    """One kind of fault, told by the costliest of its tag sets."""
    claim = as_claim(rows[0].key[:-1])
    faults = site.policy.faults(claim)
    return TagFault(
        team=claim.tags.team,
        status="; ".join(fault.message for fault in faults) or "no tags",
        example=make_comment(example(site.policy, claim, faults, Who())),
        runs=sum(row.runs for row in rows),
        effective_minor=to_minor(sum(row.effective_ticks for row in rows), site.digits),
        people=_who_to_ask(rows) if site.people == "names" else (),
    )


def _who_to_ask(rows: Sequence[Sums]) -> tuple[str, ...]:
    """The users of these costs, the costliest first."""
    cost: dict[str, int] = {}
    for row in rows:
        user = row.key[-1] or ""
        cost[user] = cost.get(user, 0) + row.effective_ticks
    return tuple(sorted(filter(None, cost), key=lambda user: (-cost[user], user)))

"""What is to be told as soon as it is so: of budgets, and of days beyond a history."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from slurm_finops.billing.standings import Moment, Standing, spans_of, standing
from slurm_finops.billing.terms import Terms
from slurm_finops.core.budgets import SPAN, Budget
from slurm_finops.core.forecast import HISTORY
from slurm_finops.core.money import minor_text, to_minor
from slurm_finops.core.owner_key import owner_key
from slurm_finops.core.period import Period, day_date
from slurm_finops.core.unusual import unusual
from slurm_finops.ledger.endings import Ended, costliest, how_many
from slurm_finops.ledger.history import Day, Owner, daily, of_owner, series
from slurm_finops.ledger.shares import anything_shared
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger

SPENT, FORECAST, DAY = "spent", "forecast", "day"
#: Days after which what ended is no news.
FRESH = 7
#: So many runs of an unusual day are named.
NAMED = 5


class Wanted(NamedTuple):
    """What is told: percentages of a budget; whether of forecasts and days; a floor in ticks."""

    thresholds: tuple[int, ...]
    forecast: bool
    unusual: bool
    floor_ticks: int


class OddDay(NamedTuple):
    """A billing day beyond a history, in minor units, and the costliest ``of`` so many runs.

    ``at_list``: where something is shared on that day, runs are told by their list price.
    """

    day: int
    cost_minor: int
    usual_minor: int
    limit_minor: int
    runs: tuple[Ended, ...]
    of: int
    at_list: bool = False


class Alert(NamedTuple):
    """One thing to be told of a team (None: untagged) or project.

    ``key`` names it, whenever it is found again: its place in the outbox.  With
    ``standing`` it is of a budget, ``percent`` of which is reached; else of ``odd``.
    """

    kind: str
    team: str | None
    project: str | None
    key: str
    percent: int = 0
    standing: Standing | None = None
    odd: OddDay | None = None

    @property
    def report(self) -> str:
        """What the outbox knows the owner's alerts by."""
        if self.team is None:
            return "alert:untagged"
        return f"alert:{owner_key(self.team, self.project or '')}"

    def is_told(self, keys: Collection[str]) -> bool:
        """Whether these keys hold it: once a budget's higher threshold was told, so is this one."""
        if self.key in keys or self.kind != SPENT:
            return self.key in keys
        before, after = self.key.rsplit(f": {self.percent}% of ", 1)
        same = re.compile(re.escape(before) + r": (\d+)% of " + re.escape(after))
        found = (same.fullmatch(key) for key in keys)
        return any(one and int(one[1]) >= self.percent for one in found)


def alerts(
    ledger: Ledger, terms: Terms, budgets: Sequence[Budget], projects: Iterable[Owner],
    wanted: Wanted, digits: int, moment: Moment, begins: tuple[int, int],
) -> list[Alert]:  # fmt: skip
    """What stands now, by owner.

    Days are looked at for every team that has any, and for ``projects``.  What ended
    more than `FRESH` days ago is not told.
    """
    spans = _fresh(terms, budgets, moment, begins)
    first = min([moment.today - HISTORY - FRESH, *(period.first for _, period in spans)])
    last = terms.calendar.day_of(moment.instant - 1) + 1
    days = daily(ledger.db, first, last)
    found = [
        alert for one in standing(days, ledger, terms, spans, digits, moment)
        for alert in of_budget(one, wanted, digits)
    ]  # fmt: skip
    if wanted.unusual:
        teams = dict.fromkeys((team, None) for team, _ in days)
        for owner in dict.fromkeys((*teams, *projects)):
            found += _of_days(ledger, days, owner, wanted.floor_ticks, digits, moment.today)
    return sorted(found, key=lambda one: (one.team or "", one.project or "", one.kind == DAY))


def _fresh(
    terms: Terms, budgets: Sequence[Budget], moment: Moment, begins: tuple[int, int]
) -> list[tuple[Budget, Period]]:
    """Budgets that have begun, with those that ended a few days ago."""
    found = {
        (budget, period): None for shown in (moment.today - FRESH - 1, moment.today)
        for budget, period in spans_of(terms.calendar, budgets, shown, begins)
        if period.first <= moment.today <= period.last + FRESH
    }  # fmt: skip
    return list(found)


def of_budget(one: Standing, wanted: Wanted, digits: int) -> Iterator[Alert]:
    """The highest threshold that is reached; and whether it will not last."""
    budget = one.budget
    limit = minor_text(budget.limit_minor, digits)
    label = f"{budget.kind} {one.period.label}"
    if budget.kind == SPAN:  # its name and amount may be those of the one before it
        label += f" {day_date(budget.first)}..{day_date(budget.last)}"
    reached = [
        percent for percent in wanted.thresholds
        if one.spent_minor > 0 and one.spent_minor * 100 >= percent * budget.limit_minor
    ]  # fmt: skip
    if reached:
        percent = max(reached)
        key = f"{label}: {percent}% of {limit}"
        yield Alert(SPENT, budget.team, budget.project, key, percent, one)
    over = one.end is not None and one.end.middle > budget.limit_minor
    if wanted.forecast and over and one.left_minor > 0:
        key = f"{label}: forecast over {limit}"
        yield Alert(FORECAST, budget.team, budget.project, key, 0, one)


def _of_days(
    ledger: Ledger, found: Mapping[Owner, Mapping[int, Day]], owner: Owner, floor: int,
    digits: int, today: int,
) -> Iterator[Alert]:  # fmt: skip
    """The last days that were beyond what an owner's history made likely."""
    days = of_owner(found, *owner)
    for day in range(today - FRESH, today):
        if day not in days:
            continue
        odd = unusual(series(days, day)[-HISTORY:], days[day].effective_ticks, floor)
        if odd:
            cost, usual, limit = (to_minor(ticks, digits) for ticks in odd)
            seen = OddDay(day, cost, usual, limit, *_runs(ledger, day, owner))
            yield Alert(DAY, *owner, f"day {day_date(day)}", odd=seen)


def _runs(ledger: Ledger, day: int, owner: Owner) -> tuple[tuple[Ended, ...], int, bool]:
    """The costliest runs of an owner's day, how many there are, and whether at list price."""
    team, project = owner
    scope = Scope(day, day + 1).narrowed("tag_sets.team IS ?", team, tables=("tag_sets",))
    if project is not None:
        scope = scope.narrowed("tag_sets.project = ?", project)
    at_list = anything_shared(ledger.db, scope)
    found = costliest(ledger.db, scope, NAMED, at_list=at_list)
    return tuple(found), how_many(ledger.db, scope), at_list

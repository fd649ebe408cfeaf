"""The pages of one period, however many: what they share is read once.

A site mails hundreds of owners.  Each page asks a dozen questions; asked of the whole
ledger they would take as long as there are owners times what the site used.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property

from slurm_finops.billing.standings import Moment, Standing, standing
from slurm_finops.billing.terms import Terms
from slurm_finops.core.budgets import Budget
from slurm_finops.core.forecast import HISTORY
from slurm_finops.core.period import Period
from slurm_finops.ledger import history
from slurm_finops.ledger.narrowed import Teams
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports import insight
from slurm_finops.reports.build import page, state_of
from slurm_finops.reports.readiness import Asked, readiness
from slurm_finops.reports.readiness_digest import in_short
from slurm_finops.reports.runs_csv import runs_csv
from slurm_finops.reports.site import EVERYBODY, UNTAGGED_NAME, Owner, Site, header_of
from slurm_finops.reports.view import BudgetLine, Header, Page, Ready

_Days = Mapping[int, history.Day]


class Pages:
    """``budgets`` are those for the days in which the period ends, whoever's; ``moment``: its end.

    ``many``: whether more than a few owners are asked for, so that it pays to put the
    costs in order of teams first.  ``asked``: what must hold before chargeback begins,
    where the whole site is told whether it does.
    """

    def __init__(
        self, ledger: Ledger, site: Site, terms: Terms, period: Period, moment: Moment,
        budgets: Iterable[tuple[Budget, Period]] = (), *, many: bool = False,
        asked: Asked | None = None,
    ) -> None:  # fmt: skip
        self._ledger, self._site, self._period = ledger, site, period
        self._terms, self._moment = terms, moment
        self._budgets, self._asked = list(budgets), asked
        self._state = state_of(ledger, site)
        self._daily: dict[history.Owner, dict[int, history.Day]] | None = None
        self._teams: Teams | None = None
        if many:
            first = self._first([span for _, span in self._budgets])
            self._daily = history.daily(ledger.db, first, period.last)
            since = site.calendar.preceding(period).first
            self._teams = Teams(ledger, since, period.last)

    def page(
        self, owner: Owner, by: Sequence[str] = (), told: Mapping[str, int] | None = None
    ) -> Page:
        """One owner's; ``told``: what mails said that earlier periods cost, in minor units."""
        mine = [
            (budget, span) for budget, span in self._budgets
            if owner.team and (budget.team, budget.project or "") == (owner.team, owner.project)
        ]  # fmt: skip
        days = self._days(owner, [span for _, span in mine])
        with self._narrowed(owner):
            found = page(
                self._ledger, self._site, self._period, owner, by=by, days=days,
                budgets=self._standing(owner, mine, days), state=self._state,
            )  # fmt: skip
        first = insight.first_day(self._site.calendar, self._period)
        return replace(found, standings=self._lines(owner), corrections=insight.corrections(
            days, self._site, self._period, told or {}, first
        ), ready=self._ready(found.report.header) if owner == EVERYBODY else None)  # fmt: skip

    def close(self) -> None:
        """No more pages of this period are asked for."""
        if self._teams is not None:
            self._teams.drop()

    def _ready(self, header: Header) -> Ready | None:
        if self._asked is None:
            return None
        # of the weeks up to the period's end: a mail that is late says what it would have said
        known = self._period.end if self._site.as_of is None else self._site.as_of
        site = replace(self._site, as_of=min(known, self._period.end))
        return in_short(readiness(self._ledger, site, self._asked), header)

    def _lines(self, owner: Owner) -> tuple[BudgetLine, ...]:
        """Every budget of the whole site, or of the teams of a cost centre."""
        if owner.team:
            return ()
        header = header_of(self._site, self._period)
        teams = self._teams_of(owner)
        return tuple(
            insight.budget_line(one, header) for one in self._standings if one.budget.team in teams
        )

    def _teams_of(self, owner: Owner) -> set[str]:
        if not owner.cost_center:
            return {budget.team for budget, _ in self._budgets}
        rules = self._site.policy.teams
        return {rule.name for rule in rules if rule.cost_center == owner.cost_center}

    @cached_property
    def _standings(self) -> list[Standing]:
        """How all budgets stand, whoever's."""
        if not self._budgets:
            return []
        days = self._daily
        if days is None:
            first = self._first([span for _, span in self._budgets])
            days = history.daily(self._ledger.db, first, self._period.last)
        digits = self._site.digits
        return standing(days, self._ledger, self._terms, self._budgets, digits, self._moment)

    def runs_csv(self, owner: Owner, runs: int, most: int) -> bytes | None:
        """The list of an owner's runs, as `reports.runs_csv` makes it."""
        with self._narrowed(owner):
            return runs_csv(self._ledger, self._site, self._period, owner, runs, most)

    def _standing(
        self, owner: Owner, mine: Sequence[tuple[Budget, Period]], days: _Days
    ) -> list[Standing]:
        found: dict[history.Owner, _Days] = {(owner.team, owner.project or None): days}
        digits = self._site.digits
        return standing(found, self._ledger, self._terms, mine, digits, self._moment)

    @contextmanager
    def _narrowed(self, owner: Owner) -> Iterator[None]:
        if self._teams is None or not owner.team:
            yield
            return
        team = "" if owner.team == UNTAGGED_NAME else owner.team
        with self._teams.only(team, owner.project):
            yield

    def _first(self, spans: Iterable[Period]) -> int:
        """The first day that is looked back on."""
        back = insight.first_day(self._site.calendar, self._period)
        return min([back, *(min(span.first, self._moment.today - HISTORY) for span in spans)])

    def _days(self, owner: Owner, spans: Sequence[Period]) -> _Days:
        if self._daily is None or owner.cost_center:
            days = self._site.calendar.days(self._first(spans), self._period.last)
            return history.of_scope(self._ledger.db, owner.scope(days))
        if not owner.team:
            return _all(self._daily.values())
        team = None if owner.team == UNTAGGED_NAME else owner.team
        return history.of_owner(self._daily, team, owner.project or None)


def _all(owners: Iterable[_Days]) -> dict[int, history.Day]:
    sums: dict[int, history.Day] = {}
    for days in owners:
        for day, one in days.items():
            sums[day] = sums.get(day, history.NOTHING).plus(one)
    return sums

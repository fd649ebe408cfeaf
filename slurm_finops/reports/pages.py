"""The pages of one period, however many: what they share is read once.

A site mails hundreds of owners.  Each page asks a dozen questions; asked of the whole
ledger they would take as long as there are owners times what the site used.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from slurm_finops.core.period import Period
from slurm_finops.ledger import history
from slurm_finops.ledger.narrowed import Teams
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports import insight
from slurm_finops.reports.build import page, state_of
from slurm_finops.reports.insight import Limit
from slurm_finops.reports.site import UNTAGGED_NAME, Owner, Site
from slurm_finops.reports.view import Page


class Pages:
    """``limits``: every budget that any of the pages shows, by its owner.

    ``many``: whether more than a few owners are asked for, so that it pays to put the
    costs in order of teams first.
    """

    def __init__(
        self, ledger: Ledger, site: Site, period: Period,
        limits: Mapping[Owner, Sequence[Limit]] | None = None, *, many: bool = False,
    ) -> None:  # fmt: skip
        self._ledger, self._site, self._period = ledger, site, period
        self._limits = limits or {}
        self._state = state_of(ledger, site)
        every = [limit.first for some in self._limits.values() for limit in some]
        self._first = min([insight.first_day(site.calendar, period), *every])
        self._daily: dict[history.Owner, dict[int, history.Day]] | None = None
        self._teams: Teams | None = None
        if many:
            self._daily = history.daily(ledger.db, self._first, period.last)
            since = site.calendar.preceding(period).first
            self._teams = Teams(ledger, since, period.last)

    def page(self, owner: Owner, by: Sequence[str] = ()) -> Page:
        """One owner's."""
        with self._narrowed(owner):
            return page(
                self._ledger, self._site, self._period, owner, by=by, days=self._days(owner),
                limits=self._limits.get(owner, ()), state=self._state,
            )  # fmt: skip

    @contextmanager
    def _narrowed(self, owner: Owner) -> Iterator[None]:
        if self._teams is None or not owner.team:
            yield
            return
        with self._teams.only("" if owner.team == UNTAGGED_NAME else owner.team):
            yield

    def _days(self, owner: Owner) -> dict[int, history.Day]:
        if self._daily is None or owner.cost_center:
            span = self._site.calendar.days(self._first, self._period.last)
            return history.of_scope(self._ledger.db, owner.scope(span))
        if not owner.team:
            return _all(self._daily.values())
        team = None if owner.team == UNTAGGED_NAME else owner.team
        return history.of_owner(self._daily, team, owner.project or None)


def _all(owners: Iterable[Mapping[int, history.Day]]) -> dict[int, history.Day]:
    sums: dict[int, history.Day] = {}
    for days in owners:
        for day, one in days.items():
            sums[day] = sums.get(day, history.NOTHING).plus(one)
    return sums

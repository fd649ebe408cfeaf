"""Budgets: whose, how much, and for which billing days."""

from typing import NamedTuple

from slurm_finops.core.period import Calendar, Period

MONTH, YEAR, SPAN = "month", "year", "span"


class Budget(NamedTuple):
    """A team's or a project's budget, in minor units.

    ``kind``: of every billing `MONTH`, of every fiscal `YEAR`, or of the days
    ``[first, last)``, a `SPAN` that has a name such as a grant's.
    """

    team: str
    project: str | None
    kind: str
    limit_minor: int
    name: str = ""
    first: int = 0
    last: int = 0

    def period(self, calendar: Calendar, day: int, begins: tuple[int, int]) -> Period:
        """The days it is for, of those of its kind the ones that a day lies in."""
        if self.kind == MONTH:
            return calendar.month_of(day)
        if self.kind == YEAR:
            return calendar.fiscal_year(day, begins)
        return calendar.days(self.first, self.last, self.name)

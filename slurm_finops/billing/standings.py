"""How budgets stand: what is spent, what a straight line would have been, and how they may end."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

from slurm_finops.billing.exposure import Exposed, exposure
from slurm_finops.billing.terms import Terms
from slurm_finops.core.budgets import Budget
from slurm_finops.core.forecast import (
    HISTORY,
    Range,
    forecast,
    path,
    stretched,
    used_up,
)
from slurm_finops.core.money import TICKS, round_half_away, to_minor
from slurm_finops.core.period import Calendar, Period
from slurm_finops.ledger.history import Day, Owner, daily, of_owner, series
from slurm_finops.ledger.store import Ledger


class Moment(NamedTuple):
    """When budgets are looked at: the day that has not ended, and its instant (epoch seconds).

    ``shown`` is the day whose month and fiscal year are meant.
    """

    today: int
    instant: int
    shown: int


class Standing(NamedTuple):
    """A budget over its days; money in minor units, days are billing days.

    ``gone``: the part of its time that is over.  ``end``: what it may have cost by its
    end, None where that is past or there is too little history (``history`` days of it).
    ``used_up``: the day on which it is used up as expected, and at the high end; None
    where it lasts, or nobody can say.  ``exposed``: what running jobs may add by its end.
    """

    budget: Budget
    period: Period
    spent_minor: int
    gone: Fraction
    history: int
    end: Range | None
    used_up: tuple[int | None, int | None]
    exposed_minor: int = 0
    unlimited: int = 0
    #: with today; 0 where it is past, or has not begun
    days_left: int = 0

    @property
    def left_minor(self) -> int:
        return self.budget.limit_minor - self.spent_minor

    @property
    def pace_minor(self) -> int:
        """What a straight line from nothing to the limit has spent by now."""
        return round_half_away(self.budget.limit_minor * self.gone.numerator,
                               self.gone.denominator)  # fmt: skip

    @property
    def is_young(self) -> bool:
        """Whether a forecast is missing because there is too little history."""
        return self.days_left > 0 and self.end is None


def standings(
    ledger: Ledger, terms: Terms, budgets: Iterable[Budget], digits: int, moment: Moment,
    begins: tuple[int, int],
) -> list[Standing]:  # fmt: skip
    """Each budget whose days overlap those shown, in order; ``begins``: a fiscal year's first day.

    All days are read once, whatever the number of budgets.
    """
    (found,) = standings_at(ledger, terms, budgets, digits, [moment], begins)
    return found


def standings_at(
    ledger: Ledger, terms: Terms, budgets: Iterable[Budget], digits: int,
    moments: Iterable[Moment], begins: tuple[int, int],
) -> list[list[Standing]]:  # fmt: skip
    """The same at each of several moments; all days are read once, whatever their number."""
    known = tuple(budgets)
    asked = [(one, spans_of(terms.calendar, known, one.shown, begins)) for one in moments]
    reach = [_reach(terms.calendar, moment, spans) for moment, spans in asked if spans]
    found: Mapping[Owner, Mapping[int, Day]] = {}
    if reach:
        first, last = min(first for first, _ in reach), max(last for _, last in reach)
        found = daily(ledger.db, first, last)
    return [
        standing(
            _within(found, *_reach(terms.calendar, moment, spans)), ledger, terms, spans, digits,
            moment,
        ) if spans else []
        for moment, spans in asked
    ]  # fmt: skip


def _reach(
    calendar: Calendar, moment: Moment, spans: Sequence[tuple[Budget, Period]]
) -> tuple[int, int]:
    """The days ``[first, last)`` from which it is said how budgets stand."""
    first = min(moment.today - HISTORY, *(period.first for _, period in spans))
    # nothing is known of a day that begins now
    return first, calendar.day_of(moment.instant - 1) + 1


def _within(
    found: Mapping[Owner, Mapping[int, Day]], first: int, last: int
) -> dict[Owner, dict[int, Day]]:
    return {
        owner: {day: one for day, one in days.items() if first <= day < last}
        for owner, days in found.items()
    }


def spans_of(
    calendar: Calendar, budgets: Iterable[Budget], shown: int, begins: tuple[int, int]
) -> list[tuple[Budget, Period]]:
    """The budgets of the month that a day lies in, each with all of its days."""
    month = calendar.month_of(shown)
    found = [(budget, budget.period(calendar, shown, begins)) for budget in budgets]
    return [
        (budget, period) for budget, period in found
        if period.first < month.last and period.last > month.first
    ]  # fmt: skip


def standing(
    found: Mapping[Owner, Mapping[int, Day]], ledger: Ledger, terms: Terms,
    spans: Sequence[tuple[Budget, Period]], digits: int, moment: Moment,
) -> list[Standing]:  # fmt: skip
    """The same of days that are read already, from the first of any span on."""

    @cache
    def running(until: int) -> dict[Owner, Exposed]:
        return exposure(ledger, terms, until)

    answers = []
    for budget, period in spans:
        days = of_owner(found, budget.team, budget.project)
        exposed = Exposed()
        if period.first <= moment.today < period.last:
            exposed = _exposed(running(period.end), budget)
        answers.append(_standing(budget, period, days, exposed, digits, moment))
    return answers


def _exposed(found: Mapping[Owner, Exposed], budget: Budget) -> Exposed:
    total = Exposed()
    for (team, project), one in found.items():
        if team == budget.team and budget.project in (None, project):
            total = total.plus(one)
    return total


def _standing(
    budget: Budget, period: Period, days: Mapping[int, Day], exposed: Exposed, digits: int,
    moment: Moment,
) -> Standing:  # fmt: skip
    today = moment.today
    inside = {
        day: one.budgeted_ticks for day, one in days.items() if period.first <= day < period.last
    }
    spent = sum(inside.values())
    before = spent - inside.get(today, 0)
    history = series(days, today, budgeted=True)[-HISTORY:]
    limit = budget.limit_minor * TICKS // 10**digits
    end: Range | None = None
    when: tuple[int | None, int | None] = None, None
    left = period.last - today if period.first <= today < period.last else 0
    if left:
        end, when = _ahead(history, today, left, before, spent, limit, exposed)
    if spent >= limit and inside:
        gone = _passed(inside, limit)
        when = gone, gone
    return Standing(
        budget, period, to_minor(spent, digits), _gone(period, moment), len(history),
        Range(*(to_minor(one, digits) for one in end)) if end else None, when,
        to_minor(exposed.ticks, digits), exposed.unlimited, left,
    )  # fmt: skip


def _ahead(
    history: Sequence[int], today: int, left: int, before: int, spent: int, limit: int,
    exposed: Exposed,
) -> tuple[Range | None, tuple[int | None, int | None]]:  # fmt: skip
    """What it may come to by the end, ``left`` days from today on, and when it is used up."""
    coming = forecast(history, left)
    if coming is None:
        return None, (None, None)
    # what is known of today, and what running jobs could still add, are no less than that
    more = spent - before
    high = max(coming.high, more + exposed.ticks)
    coming = Range(max(coming.low, more), max(coming.middle, more), max(high, more))
    way = path(history, left)
    ways = stretched(way, coming.middle), stretched(way, coming.high)
    days = tuple(used_up(one, limit - before) for one in ways)
    expected, worst = (None if day is None else today + day for day in days)
    return coming.plus(before), (expected, worst)


def _passed(inside: Mapping[int, int], limit: int) -> int:
    """The day by whose end a limit was reached."""
    total = 0
    for day in sorted(inside):
        total += inside[day]
        if total >= limit:
            return day
    return max(inside)


def _gone(period: Period, moment: Moment) -> Fraction:
    gone = min(max(moment.instant, period.start), period.end) - period.start
    return Fraction(gone, period.end - period.start)

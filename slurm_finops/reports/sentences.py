"""The six answers of a mail, each in a sentence or two: for HTML, text and Slack alike.

What did my group spend, is that normal, will the budget last, what was it spent on,
what was wasted, what should I do.  Made from a page's figures; "" where one is not known.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.reports.format import (
    about,
    counted,
    day_name,
    figure,
    gpu_hours,
    money,
    row_name,
    share,
    shortened,
    visible,
)
from slurm_finops.reports.view import Budget, BudgetLine, Header, Page, Trend, Waste

#: How a period before is called, and as many days of it as this one has had.
_BEFORE = {"day": "the day before", "week": "the week before", "month": "the month before"}
_SO_FAR = {"day": "the day before", "week": "the same days of the week before",
           "month": "the same days of the month before"}  # fmt: skip
#: What runs that ended so did, and what to do about it.
_REMEDIES = {
    "timed out": ("timed out", "ask for more time"),
    "out of memory": ("ran out of memory", "ask for more --mem"),
    "failed": ("failed", "see their logs"),
    "node failed": ("lost a node", "ask your administrators for a credit"),
}
#: What is worth a line: at least a hundredth of all that was spent.
_WORTH = 100
_NAMED, _CAUSES, _ACTIONS = 3, 2, 3
_NAME_WIDTH = 40


class Answers(NamedTuple):
    """The answers in the order in which they are asked; the first is the figure above them."""

    normal: str
    #: a line a budget
    budgets: tuple[str, ...]
    spent_on: str
    wasted: str
    to_do: tuple[str, ...]

    def told(self) -> list[tuple[str, str]]:
        """``(question in a word or two, answer)`` of those that are known."""
        said = self.normal, " ".join(self.budgets), self.spent_on, self.wasted
        asked = zip(("Normal?", "Budget", "Spent on", "Wasted"), said, strict=True)
        return [(name, answer) for name, answer in asked if answer]


def answers(page: Page) -> Answers:
    """All that the figure itself does not say."""
    header = page.report.header
    return Answers(
        normal=_normal(page.trend, header) if page.trend else "",
        budgets=tuple(_budgets(page)),
        spent_on=_spent_on(page),
        wasted=_wasted(page) if page.report.spend.rows else "",
        to_do=tuple(_to_do(page))[:_ACTIONS],
    )


def _normal(trend: Trend, header: Header) -> str:
    """Beside the period before, and the range of those before that."""
    parts = []
    if trend.before_minor is not None and trend.every:
        parts.append(_beside(trend, header))
    if trend.usual:
        low, high = trend.usual
        spent = trend.spent_minor
        is_usual = "more than" if spent > high else "less than" if spent < low else "within"
        parts.append(
            f"{is_usual} the usual {about(low, header) if low else 0} to {about(high, header)} "
            f"{header.currency} of {trend.periods} {trend.every}s"
        )
    if not parts:
        return "Nothing to compare it with yet." if trend.every else ""
    return _sentence("; ".join(parts))


def _beside(trend: Trend, header: Header) -> str:
    before = trend.before_minor or 0
    change = trend.spent_minor - before
    called = _BEFORE if trend.days is None else _SO_FAR
    than = f"{called[trend.every]} ({money(before, header)})"
    if not change:
        return f"as much as {than}"
    more = "more" if change > 0 else "less"
    if before <= 0:
        return f"{money(abs(change), header)} {more} than {than}"
    return f"{share(abs(change), before, header)} {more} than {than}"


def _budgets(page: Page) -> Iterator[str]:
    """One in full; several shortly, for all of them are to stay on the first screen."""
    header = page.report.header
    if len(page.budgets) == 1:
        yield _budget(page.budgets[0], header)
    elif page.budgets:
        yield from (_briefly(budget, header) for budget in page.budgets)
    elif page.standings:
        yield _of_all(page.standings, header)


def _of_all(lines: Sequence[BudgetLine], header: Header) -> str:
    """How many of the budgets of many are used up or will be, and which the most."""
    gone = [one for one in lines if one.spent_minor > one.limit_minor]
    ending = [one for one in lines if one.spent_minor <= one.limit_minor and one.used_up]
    if not gone and not ending:
        return f"{counted(len(lines), 'budget', header)}, none used up or expected to be."
    gone.sort(key=lambda one: Fraction(one.spent_minor, max(one.limit_minor, 1)), reverse=True)
    used = [f"{_whose(one, lines)} {share(one.spent_minor, one.limit_minor, header)}"
            for one in gone]  # fmt: skip
    ending.sort(key=lambda one: one.used_up or date.max)
    when = [f"{_whose(one, lines)} on {day_name(one.used_up, header)}"
            for one in ending if one.used_up]  # fmt: skip
    parts = []
    if used:
        parts.append(f"{len(used)} of {counted(len(lines), 'budget', header)} used up: "
                     f"{_first(used)}")  # fmt: skip
    if when:
        parts.append(f"{len(when)} more expected to be: {_first(when)}" if used else
                     f"{len(when)} of {counted(len(lines), 'budget', header)} expected to be used "
                     f"up: {_first(when)}")  # fmt: skip
    return _sentence("; ".join(parts))


def _whose(one: BudgetLine, among: Sequence[BudgetLine]) -> str:
    """A budget's owner; with its name where the owner has several."""
    owner = f"{one.team} / {one.project}" if one.project else one.team
    several = sum((one.team, one.project) == (other.team, other.project) for other in among) > 1
    said = shortened(visible(owner), _NAME_WIDTH)
    return f"{said} ({shortened(visible(one.name), _NAME_WIDTH)})" if several else said


def _first(said: Sequence[str]) -> str:
    more = [f"and {len(said) - _NAMED} more"] if len(said) > _NAMED else []
    return ", ".join([*said[:_NAMED], *more])


def _briefly(budget: Budget, header: Header) -> str:
    used = share(budget.spent_minor, budget.limit_minor, header)
    said = f"{visible(budget.name)}: {used} of {money(budget.limit_minor, header)} is spent"
    said += _as_of(budget, header)
    ahead, over = budget.ahead, budget.spent_minor - budget.limit_minor
    if over > 0:
        return _sentence(f"{said}, {figure(over, header)} over")
    if ahead is None or budget.by >= budget.last_day:
        return _sentence(said)
    if ahead.used_up is not None:
        return _sentence(f"{said}; at this pace it is used up on {day_name(ahead.used_up, header)}")
    may = "should last" if ahead.high_minor > budget.limit_minor else "lasts"
    return _sentence(f"{said}, {may}: about {about(ahead.middle_minor, header)} by the end")


def _as_of(budget: Budget, header: Header) -> str:
    """By when, where a period is told that is over before its budget is."""
    is_told_later = not header.so_far and budget.by < budget.last_day
    return f" by {day_name(budget.by, header)}" if is_told_later else ""


def _budget(budget: Budget, header: Header) -> str:
    left = budget.limit_minor - budget.spent_minor
    used = share(budget.spent_minor, budget.limit_minor, header)
    said = (
        f"{figure(budget.spent_minor, header)} of {money(budget.limit_minor, header)} for "
        f"{visible(budget.name)} is spent{_as_of(budget, header)} ({used}); "
    )
    if left < 0:
        return f"{said}{figure(-left, header)} over."
    if budget.by >= budget.last_day:
        return f"{said}{figure(left, header)} was left."
    if budget.ahead is None:
        until = f"{figure(left, header)} is left until {day_name(budget.last_day, header)}"
        unknown = "; too little is known yet to say how long it lasts" if budget.young else ""
        return f"{said}{until}{unknown}."
    return said + _ahead(budget, header)


def _ahead(budget: Budget, header: Header) -> str:
    ahead, end = budget.ahead, day_name(budget.last_day, header)
    assert ahead is not None
    reach = (
        f"about {about(ahead.middle_minor, header)} by {end} "
        f"({about(ahead.low_minor, header)} to {about(ahead.high_minor, header)})"
    )
    if ahead.used_up is not None:
        when = day_name(ahead.used_up, header)
        return f"at this pace it is used up on {when}: {reach}."
    if ahead.high_minor > budget.limit_minor:
        return f"it should last, but may not: {reach}."
    return f"it lasts: {reach}."


def _spent_on(page: Page) -> str:
    """The costliest rows of the first table, by share."""
    spend, header = page.report.spend, page.report.header
    rows = [row for row in spend.rows if row.effective_minor > 0]
    whole = spend.total.effective_minor
    if not rows or whole <= 0:
        return ""
    kept = rows if len(rows) <= _NAMED + 1 else rows[:_NAMED]
    parts = [
        f"{shortened(row_name(spend.by, row.key, row.runs), _NAME_WIDTH)} "
        f"{share(row.effective_minor, whole, header)}"
        for row in kept
    ]
    if rest := rows[len(kept) :]:
        others = share(sum(row.effective_minor for row in rest), whole, header)
        parts.append(f"{len(rest)} others {others}")
    return ", ".join(parts)


def _wasted(page: Page) -> str:
    """What ended otherwise than well, by cause."""
    header, whole = page.report.header, page.report.spend.total.effective_minor
    found = [waste for waste in page.waste if waste.effective_minor > 0]
    held = page.suspended_seconds
    suspended = f"{gpu_hours(held, header)} GPU-hours held while suspended" if held else ""
    if not found and page.waste:
        runs, seconds = sum(w.runs for w in page.waste), sum(w.gpu_seconds for w in page.waste)
        badly = (f"{counted(runs, 'run', header)} did not end well: "
                 f"{gpu_hours(seconds, header)} GPU-hours, at no cost")  # fmt: skip
        return _sentence("; ".join(filter(None, (badly, suspended))))
    if not found:
        return _sentence(suspended or "nothing: every run that ended, ended well")
    cost = sum(waste.effective_minor for waste in found)
    runs = sum(waste.runs for waste in found)
    causes = [f"{figure(w.effective_minor, header)} {w.cause}" for w in found[:_CAUSES]]
    if rest := found[_CAUSES:]:
        causes.append(f"{figure(sum(w.effective_minor for w in rest), header)} otherwise")
    if suspended:
        causes.append(suspended)
    return (
        f"{money(cost, header)} ({share(cost, whole, header)}) on {counted(runs, 'run', header)}: "
        f"{', '.join(causes)}."
    )


def _to_do(page: Page) -> Iterator[str]:
    """What is worth most first: what runs out, then tags, then ways in which runs end."""
    header, whole = page.report.header, page.report.spend.total.effective_minor
    for budget in page.budgets:
        named = f" ({visible(budget.name)})" if len(page.budgets) > 1 else ""
        yield from _hold_back(budget, named, header)
    if not page.budgets:
        yield from _talk_to(page.standings)
    for lot in page.allotments:
        if lot.expiring and lot.left > 0:
            yield (f"Use what is left of the allocation {visible(lot.name)} by "
                   f"{day_name(lot.last_day, header)}: then it expires.")  # fmt: skip
    worth = max(whole, 1)
    untagged = sum(fault.effective_minor for fault in page.faults)
    runs = sum(fault.runs for fault in page.faults)
    if untagged * _WORTH >= worth or (page.faults and whole <= 0):
        of = f"{counted(runs, 'run', header)} ({money(untagged, header)})"
        yield (f"Tag {of} next time: --comment is missing or wrong." if page.owner else
               f"{of} are not tagged as they should be: ask their teams, or have the gate refuse "
               "such jobs.")  # fmt: skip
    if not page.owner:
        return  # who reads a whole site's page can mend no run
    for waste in sorted(page.waste, key=lambda one: -one.effective_minor):
        if waste.cause in _REMEDIES and waste.effective_minor * _WORTH >= worth:
            yield _sentence(_remedy(waste, header))


def _remedy(waste: Waste, header: Header) -> str:
    did, remedy = _REMEDIES[waste.cause]
    runs = counted(waste.runs, "run", header)
    return f"{runs} {did} ({money(waste.effective_minor, header)}): {remedy}"


def _talk_to(lines: Sequence[BudgetLine]) -> Iterator[str]:
    """With whom to speak of budgets that are used up."""
    gone = sorted(
        (one for one in lines if one.spent_minor > one.limit_minor),
        key=lambda one: one.limit_minor - one.spent_minor,
    )
    if gone:
        teams = list(dict.fromkeys(shortened(visible(one.team), _NAME_WIDTH) for one in gone))
        theirs = "their budgets are" if len(gone) > 1 else "its budget is"
        yield f"Talk to {_first(teams)}: {theirs} used up."


def _hold_back(budget: Budget, named: str, header: Header) -> Iterator[str]:
    """What a day may cost from now on, where a budget that goes on does not last."""
    ahead = budget.ahead
    left, days = budget.limit_minor - budget.spent_minor, _days_left(budget.by, budget.last_day)
    if days <= 0:
        return
    if left < 0:
        yield (f"The budget for {visible(budget.name)} is used up: ask for more, or stop what "
               "can wait.")  # fmt: skip
    elif ahead and ahead.used_up is not None:
        yield (f"Spend at most {money(left // days, header)} a day until "
               f"{day_name(budget.last_day, header)}{named}, or ask for more.")


def _days_left(by: date, last: date) -> int:
    return (last - by).days


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."

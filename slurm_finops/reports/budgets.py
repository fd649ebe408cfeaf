"""How budgets stand, as a table and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from slurm_finops.billing.standings import Standing
from slurm_finops.core.budgets import MONTH, SPAN
from slurm_finops.core.forecast import LEAST
from slurm_finops.core.money import grouped, minor_text
from slurm_finops.core.period import day_date
from slurm_finops.reports.format import (
    full_date,
    month_name,
    row_name,
    share,
    shortened,
    visible,
)
from slurm_finops.reports.tables import aligned
from slurm_finops.reports.view import Header

_HEAD = ("team / project", "for", "budget", "spent", "left", "used", "pace", "forecast",
         "8 times of 10", "used up")  # fmt: skip
_OWNER = ("team", "project")
_NAME = 40


def table(found: Sequence[Standing], currency: str, digits: int, label: str) -> Iterator[str]:
    """A line a budget, and under them what must be known."""
    yield f"{label}, {currency}"
    yield from aligned([_HEAD, *(_row(one, digits) for one in found)], 2)
    yield from _notes(found)


def owner(team: str | None, project: str | None) -> str:
    """``nlp / llama``, ``nlp``; who named no team is *untagged*."""
    names = (team,) if project is None else (team, project)
    return row_name(_OWNER[: len(names)], names)


def span(one: Standing) -> str:
    """What a budget is for: ``2026-06``, or the name of a grant."""
    return visible(one.period.label)


def in_words(one: Standing, header: Header | None = None) -> str:
    """The same in a sentence: ``June 2026``, ``the year 2026``."""
    first, last = day_date(one.period.first), day_date(one.period.last - 1)
    if one.budget.kind == SPAN:
        return one.period.label
    if one.budget.kind == MONTH:
        return month_name(first, header)
    if first.year == last.year:
        return f"the year {first.year}"
    return f"the fiscal year {full_date(first, header)} to {full_date(last, header)}"


def _row(one: Standing, digits: int) -> tuple[str, ...]:
    limit = one.budget.limit_minor
    money = (limit, one.spent_minor, one.left_minor)
    ahead = ("–", "–")
    if one.end:
        low, middle, high = (grouped(minor, digits) for minor in one.end)
        ahead = middle, f"{low} to {high}"
    return (
        _short(one), shortened(span(one), _NAME),
        *(grouped(minor, digits) for minor in money), share(one.spent_minor, limit),
        share(*one.gone.as_integer_ratio()), *ahead, used_up(one),
    )  # fmt: skip


def _short(one: Standing) -> str:
    return shortened(owner(one.budget.team, one.budget.project), _NAME)


def used_up(one: Standing) -> str:
    """The day on which nothing is left: as expected, else ``?`` at the high end."""
    expected, worst = one.used_up
    if expected is not None:
        return str(day_date(expected))
    return f"{day_date(worst)}?" if worst is not None else "–"


def _notes(found: Sequence[Standing]) -> Iterator[str]:
    young = [one for one in found if one.is_young]
    names = dict.fromkeys(f"{_short(one)} has {one.history}" for one in young)
    if names:
        yield f"no forecast before {LEAST} days of use: {', '.join(names)}"
    if any(one.used_up[0] is None and one.used_up[1] is not None for one in found):
        yield "?: not as expected, but within the range"
    for one in found:
        if one.unlimited:
            yield (f"{_short(one)}: {one.unlimited:,} running without a time "
                   "limit, and in no range")  # fmt: skip


def as_json(one: Standing, digits: int) -> dict[str, Any]:
    """Money is a decimal text; days are dates, ``until`` the first that is no more in it."""
    budget, period = one.budget, one.period

    def money(minor: int) -> str:
        return minor_text(minor, digits)

    end = one.end and {name: money(minor) for name, minor in one.end._asdict().items()}
    expected, worst = (None if day is None else str(day_date(day)) for day in one.used_up)
    return {
        "team": budget.team, "project": budget.project, "kind": budget.kind,
        "name": budget.name if budget.kind == SPAN else None,
        "from": str(day_date(period.first)), "until": str(day_date(period.last)),
        "budget": money(budget.limit_minor), "spent": money(one.spent_minor),
        "left": money(one.left_minor), "pace": money(one.pace_minor),
        "forecast": end, "used_up": expected, "used_up_at_worst": worst,
        "history_days": one.history, "running": money(one.exposed_minor),
        "running_without_limit": one.unlimited,
    }  # fmt: skip

"""What alerts say: a line in a list, a mail, and JSON."""

import shlex
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.billing.alerts import FORECAST, Alert, OddDay
from slurm_finops.billing.standings import Standing
from slurm_finops.core.budgets import MONTH, YEAR
from slurm_finops.core.forecast import LEAST
from slurm_finops.core.money import grouped, minor_text, to_minor
from slurm_finops.core.period import day_date
from slurm_finops.core.words import count
from slurm_finops.ledger.day_runs import DayRun
from slurm_finops.reports import budgets
from slurm_finops.reports.format import (
    columns,
    day_name,
    gpu_hours,
    month_name,
    share,
    shortened,
    visible,
)
from slurm_finops.reports.tables import aligned

if TYPE_CHECKING:
    from jinja2 import Environment

_WIDTH = 76
_NAME = 60
#: What a mail shows of a name; one of 10 KB is nobody's.
_CELL = 64
#: And of one that is to be typed.
_TYPED = 200


class Style(NamedTuple):
    """How an alert is written: its currency, and what stands for people."""

    currency: str
    digits: int
    people: str = "names"

    def money(self, minor: int) -> str:
        return f"{grouped(minor, self.digits)} {self.currency}"


def owner(alert: Alert) -> str:
    """``nlp / llama``."""
    if alert.team is None:
        return "(untagged)"
    return " / ".join(visible(name) for name in (alert.team, alert.project) if name is not None)


def headline(alert: Alert, style: Style) -> str:
    """What is so, in a line: ``83.4% of the budget for June 2026 is spent``."""
    if alert.odd:
        odd = alert.odd
        return (f"{_day(odd.day)} cost {style.money(odd.cost_minor)}, and such a day usually "
                f"{style.money(odd.usual_minor)}")  # fmt: skip
    one = _standing(alert)
    if alert.kind == FORECAST:
        when = one.used_up[0]
        if when is None or when >= one.period.last - 1:  # "until" its last day would sound well
            more = style.money(one.end.middle - one.budget.limit_minor if one.end else 0)
            return f"the budget for {_span(one)} is expected to be overspent by {more}"
        return f"the budget for {_span(one)} is expected to last until {_day(when)}"
    if one.left_minor <= 0:
        over = f", {style.money(-one.left_minor)} over" if one.left_minor else ""
        return f"the budget for {_span(one)} is used up{over}"
    return f"{_used(one)} of the budget for {_span(one)} is spent"


def subject(alert: Alert, style: Style) -> str:
    """``nlp: 83.4% of the budget for June 2026 is spent``."""
    return f"{shortened(owner(alert), _NAME)}: {headline(alert, style)}"


def _used(one: Standing) -> str:
    return share(one.spent_minor, one.budget.limit_minor)


def _standing(alert: Alert) -> Standing:
    assert alert.standing is not None
    return alert.standing


def _span(one: Standing) -> str:
    if one.budget.kind == MONTH:
        return month_name(one.period.label)
    if one.budget.kind == YEAR:
        first, last = day_date(one.period.first), day_date(one.period.last - 1)
        if first.year == last.year:
            return f"the year {first.year}"
        return f"the fiscal year {_date(first)} to {_date(last)}"
    return shortened(visible(one.period.label), _NAME)


def _day(day: int) -> str:
    return _date(day_date(day))


def _date(day: date) -> str:
    return f"{day_name(day)} {day.year}"


def facts(alert: Alert, style: Style) -> list[str]:
    """The sentences under the headline."""
    return [*(_of_day(alert.odd, style) if alert.odd else _of_budget(_standing(alert), style))]


def _of_budget(one: Standing, style: Style) -> Iterator[str]:
    money = style.money
    left = f"{money(one.left_minor)} are left" if one.left_minor > 0 else "nothing is left"
    yield (f"{money(one.spent_minor)} of {money(one.budget.limit_minor)} are spent, {left}; "
           f"{share(*one.gone.as_integer_ratio())} of its time is over.")  # fmt: skip
    expected, worst = one.used_up
    if one.end:
        low, middle, high = map(money, one.end)
        yield (f"By its end it is expected to come to {middle}; 8 times of 10 it will be between "
               f"{low} and {high}.")  # fmt: skip
        if one.left_minor > 0 and expected is not None:
            early = ""
            if worst is not None and worst != expected:
                early = f", at worst on {_day(worst)}"
            yield f"So it is used up on {_day(expected)}{early}."
        elif one.left_minor > 0 and worst is not None:
            yield f"As expected it lasts; at worst it is used up on {_day(worst)}."
    elif one.is_young:
        yield (f"How it will end is not known yet: there are {count(one.history, 'day')} of use, "
               f"and a forecast needs {LEAST}.")  # fmt: skip
    if one.exposed_minor > 0:
        yield f"Running jobs may add {money(one.exposed_minor)} by their time limits."
    if one.unlimited:
        yield f"{count(one.unlimited, 'running job has', 'running jobs have')} no time limit."


def _of_day(odd: OddDay, style: Style) -> Iterator[str]:
    yield (f"Up to {style.money(odd.limit_minor)} would have been no surprise after the last eight "
           "weeks.")  # fmt: skip
    if odd.runs:
        more = odd.of - len(odd.runs)
        rest = f"; {more:,} more are not shown" if more > 0 else ""
        yield f"The costliest runs of that day{rest}:"
    else:
        yield "No run is behind it: it is what lines, pools or shared services cost."


def rows(odd: OddDay, style: Style) -> list[tuple[str, ...]]:
    """The runs of a day under their heads; people as their names, as numbers, or not at all."""
    head = ("job", "user", "project / experiment", "ended as", "GPU-hours", style.currency)
    people = dict.fromkeys(run.user for run in odd.runs)
    names = {user: visible(user) for user in people}
    if style.people != "names":
        names = {user: f"person {i}" for i, user in enumerate(people, 1)}
    found: list[tuple[str, ...]] = [head]
    for run in odd.runs:
        cost = grouped(to_minor(run.effective_ticks, style.digits), style.digits)
        found.append((visible(run.job_id), names[run.user], _tags(run), visible(run.state),
                      gpu_hours(run.gpu_seconds), cost))  # fmt: skip
    if style.people == "none":
        found = [(row[0], *row[2:]) for row in found]
    return [tuple(shortened(cell, _CELL) for cell in row) for row in found]


def _tags(run: DayRun) -> str:
    return " / ".join("–" if tag is None else visible(tag) for tag in (run.project, run.experiment))


def next_step(alert: Alert) -> str:
    """The command that says more."""
    if alert.odd:
        period, by = str(day_date(alert.odd.day)), "user,project,experiment"
    else:
        first, last = _standing(alert).period.first, _standing(alert).period.last
        period, by = f"{day_date(first)}..{day_date(last)}", "project,experiment"
    words = ["slurm-finops", "report", "--period", period, "--by", by]
    if alert.team is not None and len(alert.team) <= _TYPED:
        words += ["--team", visible(alert.team)]
    return shlex.join(words)


def mail_text(alert: Alert, style: Style, as_of: str) -> str:
    """The mail for who reads no HTML."""
    said = _wrapped(subject(alert, style))
    lines = [*said, "=" * max(map(columns, said)), ""]
    for fact in facts(alert, style):
        lines += _wrapped(fact)
    if alert.odd and alert.odd.runs:
        lines += ["", *_columns(rows(alert.odd, style))]
    lines += ["", "More:", f"  {next_step(alert)}", "", *_wrapped(_foot(as_of))]
    return "\n".join(lines) + "\n"


def _wrapped(text: str) -> list[str]:
    return wrap(text, _WIDTH, subsequent_indent="  ")


def _columns(table: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """Aligned, with names cut so that a line fits a mail."""
    tags = len(table[0]) - 4
    short = (
        [shortened(cell, 24 if i == tags else 12) for i, cell in enumerate(row[:-2])] + [*row[-2:]]
        for row in table
    )
    yield from aligned([*short], len(table[0]) - 2)


def _foot(as_of: str) -> str:
    return f"slurm-finops, as of {as_of}.  This is told once."


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader("slurm_finops"), autoescape=select_autoescape(["html.j2"]),
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


def mail_html(alert: Alert, style: Style, as_of: str) -> str:
    """The same as HTML, without pictures."""
    one = alert.standing
    bar = None
    if one:
        limit = max(one.budget.limit_minor, 1)
        bar = {
            "spent": min(100, max(0, one.spent_minor * 100 // limit)),
            "over": one.left_minor <= 0,
        }
    return _environment().get_template("alert.html.j2").render(
        owner=shortened(owner(alert), _NAME), headline=headline(alert, style),
        subject=subject(alert, style), facts=facts(alert, style), bar=bar,
        runs=[_run(row) for row in rows(alert.odd, style)[1:]] if alert.odd else [],
        currency=style.currency,
        command=next_step(alert), foot=_foot(as_of),
    )  # fmt: skip


def _run(row: tuple[str, ...]) -> dict[str, Any]:
    """A row of `rows` for a narrow screen: the job and its user, and the rest under them."""
    *names, tags, state, hours, cost = row
    return {"names": names, "tags": tags, "state": state, "hours": hours, "cost": cost}


def as_json(
    alert: Alert, style: Style, told: Sequence[str], waiting: Sequence[str]
) -> dict[str, Any]:
    """Money is a decimal text; ``told`` and ``waiting`` are addresses."""
    odd = alert.odd
    found: dict[str, Any] = {
        "kind": alert.kind, "team": alert.team, "project": alert.project, "key": alert.key,
        "says": headline(alert, style), "told": list(told), "to_be_told": list(waiting),
    }  # fmt: skip
    if alert.standing:
        found["percent"] = alert.percent or None
        found["budget"] = budgets.as_json(alert.standing, style.digits)
    if odd:
        money = {"cost": odd.cost_minor, "usual": odd.usual_minor, "limit": odd.limit_minor}
        found |= {name: minor_text(minor, style.digits) for name, minor in money.items()}
        head, *shown = rows(odd, style)
        keys = {"project / experiment": "project_experiment", "ended as": "state",
                "GPU-hours": "gpu_hours", style.currency: "cost"}  # fmt: skip
        names = [keys.get(name, name) for name in head]
        found |= {"day": str(day_date(odd.day)), "runs": odd.of,
                  "costliest": [dict(zip(names, row, strict=True)) for row in shown]}  # fmt: skip
    return found


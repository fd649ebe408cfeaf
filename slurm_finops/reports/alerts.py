"""What alerts say: a line in a list, a mail, and JSON."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from slurm_finops.billing.alerts import FORECAST, Alert, OddDay
from slurm_finops.billing.standings import Standing
from slurm_finops.core.forecast import LEAST
from slurm_finops.core.money import minor_text, to_minor
from slurm_finops.core.period import day_date
from slurm_finops.core.words import count
from slurm_finops.ledger.endings import Ended
from slurm_finops.reports import budgets
from slurm_finops.reports.budgets import in_words
from slurm_finops.reports.format import (
    columns,
    figure,
    full_date,
    gpu_hours,
    money,
    share,
    shortened,
    visible,
    whole_number,
)
from slurm_finops.reports.render import environment
from slurm_finops.reports.render_text import wrapped
from slurm_finops.reports.view import Header

_NAME = 60
#: What a mail shows of a name; one of 10 KB is nobody's.
_CELL = 64
#: And of one that is to be typed.
_TYPED = 200


class Style(NamedTuple):
    """How an alert is written: by which locale and currency, and what stands for people."""

    header: Header
    people: str = "names"


def owner(alert: Alert) -> str:
    """``nlp / llama``."""
    return budgets.owner(alert.team, alert.project)


def headline(alert: Alert, header: Header) -> str:
    """What is so, in a line: ``83.4% of the budget for June 2026 is spent``."""
    if alert.odd:
        odd = alert.odd
        return (f"{_day(odd.day, header)} cost {money(odd.cost_minor, header)}, and such a day "
                f"usually {money(odd.usual_minor, header)}")  # fmt: skip
    one = _standing(alert)
    span = shortened(visible(in_words(one, header)), _NAME)
    if alert.kind == FORECAST:
        when = one.used_up[0]
        if when is None or when >= one.period.last - 1:  # "until" its last day would sound well
            more = money(one.end.middle - one.budget.limit_minor if one.end else 0, header)
            return f"the budget for {span} is expected to be overspent by {more}"
        return f"the budget for {span} is expected to last until {_day(when, header)}"
    if one.left_minor <= 0:
        over = f", {money(-one.left_minor, header)} over" if one.left_minor else ""
        return f"the budget for {span} is used up{over}"
    used = share(one.spent_minor, one.budget.limit_minor, header)
    return f"{used} of the budget for {span} is spent"


def subject(alert: Alert, header: Header) -> str:
    """``nlp: 83.4% of the budget for June 2026 is spent``."""
    return f"{shortened(owner(alert), _NAME)}: {headline(alert, header)}"


def _standing(alert: Alert) -> Standing:
    assert alert.standing is not None
    return alert.standing


def _day(day: int, header: Header) -> str:
    return full_date(day_date(day), header)


def facts(alert: Alert, header: Header) -> list[str]:
    """The sentences under the headline."""
    if alert.odd:
        return [*_of_day(alert.odd, header)]
    return [*_of_budget(_standing(alert), header)]


def _of_budget(one: Standing, header: Header) -> Iterator[str]:
    def said(minor: int) -> str:
        return money(minor, header)

    left = f"{said(one.left_minor)} are left" if one.left_minor > 0 else "nothing is left"
    yield (f"{said(one.spent_minor)} of {said(one.budget.limit_minor)} are spent, {left}; "
           f"{share(*one.gone.as_integer_ratio(), header)} of its time is over.")  # fmt: skip
    yield from _ahead(one, header)
    if one.exposed_minor > 0:
        yield f"Running jobs may add {said(one.exposed_minor)} by their time limits."
    if one.unlimited:
        yield f"{count(one.unlimited, 'running job has', 'running jobs have')} no time limit."


def _ahead(one: Standing, header: Header) -> Iterator[str]:
    """How it may end, and when it is used up."""
    expected, worst = one.used_up
    if one.end:
        low, middle, high = (money(minor, header) for minor in one.end)
        yield (f"By its end it is expected to come to {middle}; 8 times of 10 it will be between "
               f"{low} and {high}.")  # fmt: skip
        if one.left_minor > 0 and expected is not None:
            early = ""
            if worst is not None and worst != expected:
                early = f", at worst on {_day(worst, header)}"
            yield f"So it is used up on {_day(expected, header)}{early}."
        elif one.left_minor > 0 and worst is not None:
            yield f"As expected it lasts; at worst it is used up on {_day(worst, header)}."
    elif one.is_young:
        yield (f"How it will end is not known yet: there are {count(one.history, 'day')} of use, "
               f"and a forecast needs {LEAST}.")  # fmt: skip


def _of_day(odd: OddDay, header: Header) -> Iterator[str]:
    yield (f"Up to {money(odd.limit_minor, header)} would have been no surprise after the last "
           "eight weeks.")  # fmt: skip
    if odd.runs:
        at_list = ", at list price" if odd.at_list else ""
        more = odd.of - len(odd.runs)
        rest = f"; {whole_number(more, header)} more are not shown" if more > 0 else ""
        yield f"The costliest runs of that day{at_list}{rest}:"
    else:
        yield "No run is behind it: it is what lines, pools or shared services cost."


def runs(odd: OddDay, style: Style) -> list[dict[str, str]]:
    """The runs of a day in words: job, user ("" where nobody is named), tags, state, figures."""
    names, header = _people(odd, style.people), style.header
    return [
        {"job": _short(f"{run.cluster}/{run.job_id}"), "user": _short(names[run.user] or ""),
         "tags": _short(_tags(run)), "state": _short(run.state.lower().replace("_", " ")),
         "hours": gpu_hours(run.gpu_seconds, header),
         "cost": figure(_cost(odd, run, header.digits), header)}
        for run in odd.runs
    ]  # fmt: skip


def _short(text: str) -> str:
    return shortened(visible(text), _CELL)


def _people(odd: OddDay, people: str) -> dict[str, str | None]:
    """What stands for each user: the name, a number by place, or nothing."""
    users = dict.fromkeys(run.user for run in odd.runs)
    if people == "names":
        return {user: user for user in users}
    if people == "none":
        return dict.fromkeys(users)
    return {user: f"person {i}" for i, user in enumerate(users, 1)}


def _cost(odd: OddDay, run: Ended, digits: int) -> int:
    return to_minor(run.list_ticks if odd.at_list else run.effective_ticks, digits)


def _tags(run: Ended) -> str:
    return " / ".join("–" if tag is None else tag for tag in (run.project, run.experiment))


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
    said = wrapped(subject(alert, style.header))
    lines = [*said, "=" * max(map(columns, said)), ""]
    for fact in facts(alert, style.header):
        lines += wrapped(fact)
    if alert.odd and alert.odd.runs:
        lines += ["", *(part for line in run_lines(alert.odd, style) for part in wrapped(line))]
    lines += ["", "More:", f"  {next_step(alert)}", "", *wrapped(foot(as_of))]
    return "\n".join(lines) + "\n"


def run_lines(odd: OddDay, style: Style) -> Iterator[str]:
    """The runs of a day, each in a sentence."""
    for run in runs(odd, style):
        who = f"{run['user']}, " if run["user"] else ""
        yield (
            f"{run['job']}: {run['cost']} {style.header.currency}, {run['hours']} GPU-hours, "
            f"{who}{run['tags']} ({run['state']})"
        )


def foot(as_of: str) -> str:
    """Who says so, and when."""
    return f"slurm-finops, as of {as_of}.  This is told once."


def mail_html(alert: Alert, style: Style, as_of: str) -> str:
    """The same as HTML, without pictures."""
    header = style.header
    return environment().get_template("alert.html.j2").render(
        owner=shortened(owner(alert), _NAME), headline=headline(alert, header),
        subject=subject(alert, header), facts=facts(alert, header),
        bar=_bar(alert.standing) if alert.standing else None,
        runs=runs(alert.odd, style) if alert.odd else [],
        currency=header.currency,
        command=next_step(alert), foot=foot(as_of),
    )  # fmt: skip


def _bar(one: Standing) -> dict[str, Any]:
    """How far it is filled, in whole per cent of its length."""
    limit = max(one.budget.limit_minor, 1)
    return {
        "spent": min(100, max(0, one.spent_minor * 100 // limit)), "over": one.left_minor <= 0
    }


def as_json(
    alert: Alert, style: Style, told: Sequence[str], waiting: Sequence[str]
) -> dict[str, Any]:
    """Money is a decimal text, names are whole; ``told`` and ``waiting`` are addresses.

    ``says`` alone is for people.
    """
    found: dict[str, Any] = {
        "kind": alert.kind, "team": alert.team, "project": alert.project, "key": alert.key,
        "says": headline(alert, style.header), "told": list(told), "to_be_told": list(waiting),
    }  # fmt: skip
    if alert.standing:
        found["percent"] = alert.percent or None
        found["budget"] = budgets.as_json(alert.standing, style.header.digits)
    if alert.odd:
        found |= _day_json(alert.odd, style)
    return found


def _day_json(odd: OddDay, style: Style) -> dict[str, Any]:
    digits, names = style.header.digits, _people(odd, style.people)
    money = {"cost": odd.cost_minor, "usual": odd.usual_minor, "limit": odd.limit_minor}
    costliest = [
        {"cluster": run.cluster, "job_id": run.job_id,
         **({} if names[run.user] is None else {"user": names[run.user]}),
         "project": run.project, "experiment": run.experiment, "state": run.state,
         "gpu_seconds": run.gpu_seconds,
         "list_cost": minor_text(to_minor(run.list_ticks, digits), digits),
         "effective_cost": minor_text(to_minor(run.effective_ticks, digits), digits)}
        for run in odd.runs
    ]  # fmt: skip
    return {
        "day": str(day_date(odd.day)),
        **{name: minor_text(minor, digits) for name, minor in money.items()},
        "runs": odd.of, "costliest": costliest,
    }  # fmt: skip

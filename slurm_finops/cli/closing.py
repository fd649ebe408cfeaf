"""What is looked at before a month closes: the checks, and who may close it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from slurm_finops.cli.app import App, actor, now
from slurm_finops.core.words import count
from slurm_finops.errors import FinopsError, InputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from slurm_finops.core.period import Period
    from slurm_finops.ledger.drafts import Draft
    from slurm_finops.ledger.store import Ledger

CHECKS = ("readiness", "unpriced", "reconcile", "provisional", "problems")


class Check(NamedTuple):
    """One of `CHECKS`: whether it passes, what is so, and what would mend it."""

    name: str
    ok: bool
    said: str
    mend: str = ""


class Saved(NamedTuple):
    """A saved sacct file to reconcile with, instead of sacct itself."""

    path: str | None = None
    delimiter: str | None = None


def month(app: App, text: str) -> Period:
    """A billing month as typed."""
    period = app.period(text, "PERIOD")
    if period.every != "month":
        raise click.BadParameter(f"{text!r} is no month; expected such as 2026-06",
                                 param_hint="'PERIOD'")  # fmt: skip
    return period


def next_months(app: App, ledger: Ledger, period: Period) -> list[Period]:
    """The months to close, the last of them this one: those before it that cost nothing, too.

    Raises `RefusedError` if it is not its turn.
    """
    from slurm_finops.ledger.posted import closed, last_closed

    calendar, last = app.config.calendar, last_closed(ledger.db)
    if period.end > now():
        raise RefusedError(f"{period.label} has not ended: it can be closed from "
                           f"{calendar.isoformat(period.end)[:10]} on")  # fmt: skip
    if last is None:
        return [period]
    if period.first < last.last:
        first = closed(ledger.db)[0].label
        raise RefusedError(f"{period.label} is before {first}, the first month that was closed: "
                           "months close in order")  # fmt: skip
    found = []
    one = calendar.month_of(last.last)
    while one.first < period.first:
        if costs(ledger, one):
            raise RefusedError(f"{one.label} comes first: months close in order.  "
                               f"slurm-finops period close {one.label}")  # fmt: skip
        found.append(one)
        one = calendar.following(one)
    return [*found, period]


def turn(app: App, ledger: Ledger) -> Period | None:
    """The month that closes next; None while none is closed."""
    from slurm_finops.ledger.posted import last_closed

    last = last_closed(ledger.db)
    return None if last is None else app.config.calendar.month_of(last.last)


def costs(ledger: Ledger, period: Period) -> bool:
    """Whether a month cost anything, or gave anything back, by hand too."""
    from slurm_finops.ledger.disputes import adjustments
    from slurm_finops.ledger.shares import spend
    from slurm_finops.ledger.spend import Scope

    by_hand = any(one.period == period.label for one in adjustments(ledger.db))
    return by_hand or bool(spend(ledger.db, Scope(period.first, period.last), ()))


def check_chain(ledger: Ledger) -> None:
    """Raises `RefusedError` where something closed was altered: it would be billed as a change."""
    from slurm_finops.billing.verifying import verify
    from slurm_finops.cli.app import progress

    with progress("verifying") as advance:
        found = verify(ledger.db, progress=advance)
    if found.fault:
        raise RefusedError(f"{found.fault}: nothing is closed on top of that.  Restore the ledger "
                           "from a backup; slurm-finops period verify looks again")  # fmt: skip


def check_person(app: App, ledger: Ledger, period: Period) -> Draft | None:
    """The last draft of the month.  Raises `RefusedError` where another must close it."""
    from slurm_finops.ledger.drafts import last_draft

    drafted = last_draft(ledger.db, period.label)
    if not app.config.statements.second_person:
        return drafted
    if drafted is None:
        raise RefusedError(
            f"{period.label} has no draft, and [statements] second_person asks for one: somebody "
            f"else first types: slurm-finops period draft {period.label}"
        )
    if drafted.at < period.end:
        raise RefusedError(
            f"{drafted.actor} drew {period.label} up before it had ended: somebody else types it "
            f"again: slurm-finops period draft {period.label}"
        )
    if drafted.actor == actor():
        raise RefusedError(
            f"{drafted.actor} drew {period.label} up, and [statements] second_person asks for "
            "somebody else to close it"
        )
    return drafted


def waivers(given: Iterable[str]) -> dict[str, str]:
    """``CHECK=REASON`` as typed.  Raises a usage error that names the nearest check."""
    from slurm_finops.core.near import nearest

    found: dict[str, str] = {}
    for text in given:
        name, equals, reason = (part.strip() for part in text.partition("="))
        if name not in CHECKS:
            near = nearest(name, CHECKS)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(CHECKS)}"
            raise click.BadParameter(f"{name!r} is no check; {hint}", param_hint="'--waive'")
        if not equals or not reason:
            raise click.BadParameter(f"says no reason: {name}=\"why this is no obstacle\"",
                                     param_hint="'--waive'")  # fmt: skip
        found[name] = reason
    return found


def checks(app: App, ledger: Ledger, period: Period, saved: Saved = Saved()) -> list[Check]:  # noqa: B008
    """All of `CHECKS`, of the ledger as it is."""
    return [
        _readiness(app, ledger, period), _unpriced(ledger, period),
        _reconcile(app, ledger, period, saved), _provisional(app, ledger, period),
        _problems(ledger),
    ]  # fmt: skip


def refuse(period: Period, found: Iterable[Check], waived: Mapping[str, str]) -> None:
    """Raises `RefusedError` with the list of what does not pass and is not waived."""
    failing = [check for check in found if not check.ok and check.name not in waived]
    if not failing:
        return
    lines = [f"{period.label} cannot be closed yet:"]
    for check in failing:
        lines.append(f"  {check.name}: {check.said}")
        if check.mend:
            lines.append(f"    {check.mend}")
    lines.append("Mend it, or say why it does not matter: "
                 + " ".join(f'--waive {check.name}="…"' for check in failing))  # fmt: skip
    raise RefusedError("\n".join(lines))


def _readiness(app: App, ledger: Ledger, period: Period) -> Check:
    from slurm_finops.cli.readiness import asked_of
    from slurm_finops.ledger.served import days
    from slurm_finops.reports.readiness import readiness

    if days(ledger.db) is None:
        return Check("readiness", False, "nothing is priced yet", "slurm-finops price")
    site = replace(app.site, people="names", as_of=min(now(), period.end))
    found = readiness(ledger, site, asked_of(app, None))
    bad = [signal.name for signal in found.signals if not signal.ok]
    if found.ready:
        return Check("readiness", True, "every signal is good")
    return Check("readiness", False, f"chargeback is premature ({', '.join(bad) or 'unknown'})",
                 "slurm-finops readiness says what to mend")  # fmt: skip


def _unpriced(ledger: Ledger, period: Period) -> Check:
    from slurm_finops.ledger.posted import unstated
    from slurm_finops.ledger.spend import Scope, unpriced

    found = unpriced(ledger.db, Scope(period.first, period.last))
    where, earlier = "", min([*unstated(ledger.db), period.first])
    if not found:  # what lost its price since it was stated would be given back
        changed = Scope(earlier, period.first, "day IN (SELECT day FROM unstated_days)")
        found, where = unpriced(ledger.db, changed), ", on days that were stated before"
    if not found:
        return Check("unpriced", True, "all that was held has a price")
    said = ", ".join(f"{sku} ({count(runs, 'run')})" for sku, runs, _ in found)
    return Check("unpriced", False, f"no rate for {said}{where}",
                 "add it to [[rates]], then slurm-finops price")  # fmt: skip


def _reconcile(app: App, ledger: Ledger, period: Period, saved: Saved) -> Check:
    from slurm_finops.cli.collect import saved_batches
    from slurm_finops.cli.reconciling import against_file, against_slurm

    # months that cost nothing close with it: is that so, or were they never collected?
    following = turn(app, ledger)
    since = period.start if following is None else min(period.start, following.start)
    span = since, period.end
    try:
        if saved.path is None:
            found = against_slurm(app, ledger, span, lambda done: None)
        else:
            batches = saved_batches(app, saved.path, saved.delimiter, None)
            found = against_file(app, ledger, span, saved.path, batches)
    except InputError:
        raise
    except FinopsError as error:
        return Check("reconcile", False, f"Slurm was not asked: {error}",
                     "run this where sacct answers, or give --file with what it said")  # fmt: skip
    if any(found.unexplained):
        return Check("reconcile", False, "the ledger and Slurm differ",
                     f"slurm-finops reconcile --period {period.label} lists by what")  # fmt: skip
    return Check("reconcile", True, "the ledger is what Slurm says")


def _provisional(app: App, ledger: Ledger, period: Period) -> Check:
    from slurm_finops.cli.standing import collected
    from slurm_finops.ledger.live import running_in
    from slurm_finops.ledger.posted import unstated

    through = collected(app, ledger)
    if through is not None and through < period.end:
        known = app.config.calendar.isoformat(through)
        return Check("provisional", False, f"runs are collected up to {known} only",
                     "slurm-finops collect sacct")  # fmt: skip
    # what of a closed month is held since it was stated would be given back
    earlier = min([*unstated(ledger.db), period.first])
    since = app.config.calendar.midnight(earlier)
    running, held = running_in(ledger.db, since, period.end)
    if running or held:
        parts = [f"{count(running, 'run')} had not ended when last collected"] if running else []
        parts += [f"{count(held, 'run')} held unbilled"] if held else []
        return Check("provisional", False, " and ".join(parts),
                     "slurm-finops collect sacct; slurm-finops check names those held")  # fmt: skip
    return Check("provisional", True, "all runs have ended")


def _problems(ledger: Ledger) -> Check:
    from slurm_finops.ledger.problems import count_open

    found = count_open(ledger.db)
    if not found:
        return Check("problems", True, "every record could be read")
    return Check("problems", False, f"{count(found, 'record')} could not be read",
                 "slurm-finops problems lists and settles them")  # fmt: skip

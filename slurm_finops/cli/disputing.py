"""What is held back or credited: checked as it is typed, told, and as JSON."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from slurm_finops.cli.app import App, now
from slurm_finops.cli.owners import Whose
from slurm_finops.core.money import grouped, minor_text, parse_decimal, to_minor
from slurm_finops.errors import InputError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.core.period import Period
    from slurm_finops.ledger.disputes import Adjustment, Ended, Hold
    from slurm_finops.ledger.store import Ledger

#: Before the point: a key that was held down too long is to be nobody's credit.
_MOST_DIGITS = 12


@contextmanager
def opened(app: App, what: str) -> Iterator[Ledger]:
    """The ledger, for writing; one who has none is told so, and none is made."""
    there = app.config.database.exists()
    with app.writing(what) if there else app.reading() as ledger:
        yield ledger


def amount(app: App, text: str) -> int:
    """Minor units above 0 as typed; raises a usage error."""
    digits, hint = app.config.digits, "'--amount'"
    try:
        minor = parse_decimal(text.strip(), digits)
    except ValueError as error:
        also = "; --charge puts it on the statement" if text.strip().startswith(("-", "+")) else ""
        raise click.BadParameter(f"{error}{also}", param_hint=hint) from None
    if not 0 < minor < 10 ** (_MOST_DIGITS + digits):
        raise click.BadParameter(f"{text!r} is not above 0, with at most {_MOST_DIGITS} digits "
                                 "before the point", param_hint=hint)  # fmt: skip
    return minor


# ---- which month takes it


def to_hold(app: App, ledger: Ledger, label: str, owner: Whose) -> Period:
    """The month, if this of it can be held; raises what to do otherwise."""
    from slurm_finops.ledger.disputes import holds
    from slurm_finops.reports.format import visible

    month, following, why = _month(app, ledger, label)
    if following is not None:
        raise RefusedError(
            f"{month.label} {why}: it was stated, and cannot be held.  Credit it in the next open "
            f"month: slurm-finops period credit {following.label} {_options(owner)} --amount … "
            "--reason … --approver …  What is another team's is tagged anew: slurm-finops retag"
        )
    for one in holds(ledger.db):
        if one.is_of(month.label, *owner):
            raise InputError(visible(f"hold {one.id} holds {of(one)} already: {one.reason}"))
    return month


def to_credit(app: App, ledger: Ledger, wanted: Adjustment, again: bool) -> Period:
    """The month that is wanted, if it takes it; raises what to type otherwise."""
    from slurm_finops.ledger.disputes import adjustments
    from slurm_finops.reports.format import visible

    month, following, why = _month(app, ledger, wanted.period)
    if following is not None:
        raise RefusedError(
            f"{month.label} {why}: what was stated stays.  It goes into the next open month: "
            f"{_typed(app, wanted, following, wanted.reason, wanted.approver)}"
        )
    for one in adjustments(ledger.db):
        if _same(one, wanted) and not again:
            raise InputError(visible(f"adjustment {one.id} says the same already ({one.reason}).  "
                                     "Nothing was changed; --again adds another"))  # fmt: skip
    return month


def _same(one: Adjustment, other: Adjustment) -> bool:
    return one[1:5] == other[1:5]


def check_unstated(app: App, ledger: Ledger, one: Adjustment) -> None:
    """Raises `RefusedError` with what to type instead if its month is closed."""
    _, following, why = _month(app, ledger, one.period)
    if following is not None:
        contrary = one._replace(amount_minor=-one.amount_minor)
        raise RefusedError(
            f"{one.period} {why}, with adjustment {one.id} on its statement: what was stated "
            "stays.  The contrary goes into the next open month: "
            f"{_typed(app, contrary, following, '…', '…')}"
        )


def _month(app: App, ledger: Ledger, label: str) -> tuple[Period, Period | None, str]:
    """The month as typed; if it is closed for good, the next one that is open, and why."""
    from slurm_finops.cli.closing import month, turn
    from slurm_finops.ledger.posted import closed
    from slurm_finops.ledger.served import days

    found, known, following = month(app, label), days(ledger.db), turn(app, ledger)
    if found.start > now():
        raise InputError(f"{found.label} has not begun: is the month right?")
    if known is not None and found.last <= known[0]:
        first = app.config.calendar.month_of(known[0]).label
        raise InputError(f"nothing cost anything before {first}: is {found.label} right?")
    if following is None or found.first >= following.first:
        return found, None, ""
    isclosed = any(one.label == found.label for one in closed(ledger.db))
    why = "is closed" if isclosed else "is before the first month that was closed"
    return found, following, why


def _options(owner: Whose) -> str:
    from slurm_finops.reports.format import visible

    words = ["--team", str(owner._replace(project=None))]
    if owner.project is not None:
        words += ["--project", owner.project]
    return visible(shlex.join(words))


def _typed(app: App, one: Adjustment, month: Period, reason: str, approver: str) -> str:
    """The command that puts the same on another month."""
    size = minor_text(abs(one.amount_minor), app.config.digits)
    charge = " --charge" if one.amount_minor > 0 else ""
    reason, approver = (text if text == "…" else shlex.quote(text) for text in (reason, approver))
    return (f"slurm-finops period credit {month.label} {_options(_whose(one))} --amount "
            f"{size}{charge} --reason {reason} --approver {approver}")  # fmt: skip


# ---- in words


def _whose(one: Hold | Adjustment) -> Whose:
    return Whose(one.team, one.project)


def of(one: Hold) -> str:
    """``nlp / llama of 2026-06``, as the audit keeps it."""
    return f"{_whose(one)} of {one.period}"


def shown_of(one: Hold) -> str:
    """The same for a terminal."""
    from slurm_finops.reports.format import visible

    return visible(of(one))


def adjusted(app: App, one: Adjustment) -> str:
    """``-25.50 USD for nlp on 2026-06``, as the audit keeps it."""
    size = minor_text(one.amount_minor, app.config.digits)
    return f"{size} {app.config.currency} for {_whose(one)} on {one.period}"


def shown_adjusted(app: App, one: Adjustment) -> str:
    """``−25.50 USD for nlp on the statement of 2026-06``, for a terminal."""
    from slurm_finops.reports.format import visible

    size = grouped(one.amount_minor, app.config.digits)
    what = f"{size} {app.config.currency} for {_whose(one)}"
    return visible(f"{what} on the statement of {one.period}")


def stated_in(app: App, ledger: Ledger, label: str) -> str:
    """When what was held of a month is stated."""
    from slurm_finops.cli.closing import turn

    following = turn(app, ledger)
    if following is None or app.config.calendar.period(label).first >= following.first:
        return f"when {label} closes"
    return f"as a correction when {following.label} closes"


def billed(ledger: Ledger, month: Period, owner: Whose) -> int:
    """Ticks of what a month bills an owner, as it is priced now."""
    from slurm_finops.ledger.shares import spend
    from slurm_finops.ledger.spend import Scope

    rows = spend(ledger.db, Scope(month.first, month.last), ("team", "project"))
    return sum(
        row.billed_ticks for row in rows
        if row.key[0] == owner.team and owner.project in (None, row.key[1])
    )  # fmt: skip


def costs_of(app: App, ledger: Ledger, month: Period, owner: Whose) -> str:
    """The same as text."""
    minor = to_minor(billed(ledger, month, owner), app.config.digits)
    return f"{grouped(minor, app.config.digits)} {app.config.currency}"


def notes(app: App, ledger: Ledger, month: Period, one: Adjustment) -> Iterator[str]:
    """What a person should know of a credit."""
    from slurm_finops.ledger.disputes import holds

    digits = app.config.digits
    for held in holds(ledger.db):
        if held.is_of(month.label, one.team, one.project):
            yield f"note: hold {held.id} holds it back, too"
    bills = to_minor(billed(ledger, month, _whose(one)), digits)
    if one.amount_minor < 0 and -one.amount_minor > bills:
        yield (f"note: that is more than the {grouped(bills, digits)} {app.config.currency} that "
               f"{month.label} bills there as it is priced now")  # fmt: skip


# ---- as JSON


def hold_json(app: App, one: Hold, ended: Ended | None) -> dict[str, Any]:
    """Times in ISO 8601; ``released`` is null while it is in force."""
    return {
        "id": one.id, "period": one.period, "team": one.team, "project": one.project,
        "reason": one.reason, **who(app, one.at, one.actor), "released": ended_json(app, ended),
    }  # fmt: skip


def credit_json(app: App, one: Adjustment, ended: Ended | None, stated: bool) -> dict[str, Any]:
    """``amount`` is what it puts on the statement, below 0 for a credit."""
    return {
        "id": one.id, "period": one.period, "team": one.team, "project": one.project,
        "amount": minor_text(one.amount_minor, app.config.digits),
        "currency": app.config.currency, "reason": one.reason, "approver": one.approver,
        **who(app, one.at, one.actor), "stated": stated, "revoked": ended_json(app, ended),
    }  # fmt: skip


def who(app: App, at: int, actor: str) -> dict[str, str]:
    return {"at": app.config.calendar.isoformat(at), "by": actor}


def ended_json(app: App, ended: Ended | None) -> dict[str, str] | None:
    return None if ended is None else {**who(app, ended.at, ended.actor), "reason": ended.why}

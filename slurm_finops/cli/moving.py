"""A move of what was paid from one fund to another: checked, told, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slurm_finops.cli.app import App, actor
from slurm_finops.cli.owners import Whose
from slurm_finops.core.money import grouped, minor_text, to_minor
from slurm_finops.core.words import count
from slurm_finops.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.core.period import Period
    from slurm_finops.ledger.disputes import Move
    from slurm_finops.ledger.store import Ledger


class Moved(NamedTuple):
    """A move, what it takes in ticks (None of one that is stated), and where it stands.

    ``stated``: the month on whose statements it is; ``days``: how long after the end of its
    own month it was asked for.
    """

    move: Move
    ticks: int | None
    stated: str | None
    days: int

    @property
    def late(self) -> bool:
        from slurm_finops.billing.staging import LATE_DAYS

        return self.days >= LATE_DAYS


def check_funds(app: App, ledger: Ledger, source: str, target: str) -> None:
    """Raises a usage error that names the nearest fund.

    What finops.toml does not name any more can be moved away from, and not to.
    """
    from slurm_finops.billing.closing import spent
    from slurm_finops.core.funds import SUSPENSE
    from slurm_finops.core.near import nearest

    named = [*(fund.name for fund in app.config.funding.funds), SUSPENSE]
    for name, known, option in (
        (source, sorted({*named, *spent(ledger)}), "--from"), (target, sorted(named), "--to"),
    ):  # fmt: skip
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known)}"
            raise click.BadParameter(f"{name!r} is no fund of {app.config.path}; {hint}",
                                     param_hint=f"'{option}'")  # fmt: skip
    if source == target:
        raise click.UsageError(f"--from and --to are both {source!r}: that moves nothing")


def check_approver(approver: str) -> None:
    """Raises `RefusedError` if who types this approves it, too."""
    if approver.casefold() == actor().casefold():
        raise RefusedError(f"{actor()} types this, and somebody else has to approve it: --approver")


def closed_month(app: App, ledger: Ledger, label: str) -> Period:
    """The month as typed; raises `RefusedError` with what to do if it is not closed."""
    from slurm_finops.cli.closing import month
    from slurm_finops.ledger.posted import closed

    found = month(app, label)
    if all(one.label != found.label for one in closed(ledger.db)):
        raise RefusedError(
            f"{found.label} is not closed, so no fund has paid for it: who pays is said by payers "
            f"in {app.config.path} until it closes"
        )
    return found


def planned(app: App, ledger: Ledger, month: Period, move: Move) -> Moved:
    """The move with what it will take; raises `RefusedError` if that is nothing."""
    from slurm_finops.ledger.disputes import open_moves
    from slurm_finops.ledger.paid import fits, paid, taken

    found = paid(ledger.db, month.first, month.last)
    taken(found, (one for one in open_moves(ledger.db) if one.period == month.label))
    shares = {share.fund: ticks for share, ticks in found.items() if ticks and fits(share, move)}
    if move.from_fund not in shares:
        owner = Whose(move.team, move.project)
        others = f" ({', '.join(sorted(shares))} does, with what is to be moved)" if shares else ""
        raise RefusedError(f"{move.from_fund} pays nothing of {owner} for {move.period}{others}: "
                           "there is nothing to move")  # fmt: skip
    (ticks,) = taken(found, [move])
    return Moved(move, ticks, None, days_after(app, month, move.at))


def days_after(app: App, month: Period, at: int) -> int:
    """Days from a month's end to a moment."""
    return app.config.calendar.day_of(at) - month.last


def all_moved(app: App, ledger: Ledger) -> list[Moved]:
    """Every move; of those that wait, what they will take."""
    from slurm_finops.ledger.disputes import all_moves
    from slurm_finops.ledger.paid import paid, taken

    moves = all_moves(ledger.db)
    waiting: dict[str, list[Move]] = {}
    for move, stated in moves:
        if stated is None:
            waiting.setdefault(move.period, []).append(move)
    takes: dict[int, int] = {}
    for label, of in waiting.items():
        month = app.config.calendar.period(label)
        sums = taken(paid(ledger.db, month.first, month.last), of)
        takes.update(zip((move.id for move in of), sums, strict=True))
    return [
        Moved(move, takes.get(move.id), stated,
              days_after(app, app.config.calendar.period(move.period), move.at))
        for move, stated in moves
    ]  # fmt: skip


# ---- in words


def size(app: App, ticks: int) -> str:
    digits = app.config.digits
    return f"{grouped(to_minor(ticks, digits), digits)} {app.config.currency}"


def said(app: App, one: Moved) -> str:
    """A move as the audit keeps it, without its number."""
    move = one.move
    what = minor_text(to_minor(one.ticks or 0, app.config.digits), app.config.digits)
    late = f"; {count(one.days, 'day')} after the month ended" if one.late else ""
    return (f"{what} {app.config.currency} of {Whose(move.team, move.project)} for {move.period} "
            f"from {move.from_fund} to {move.to_fund}; {move.justification}; approved by "
            f"{move.approver}{late}")  # fmt: skip


def told(app: App, ledger: Ledger, one: Moved) -> str:
    """The same for a terminal."""
    from slurm_finops.cli.closing import turn
    from slurm_finops.reports.format import visible

    move, following = one.move, turn(app, ledger)
    assert following is not None
    what = f"{size(app, one.ticks or 0)} of {Whose(move.team, move.project)} for {move.period}"
    return visible(f"move {move.id}: {what} goes from {move.from_fund} to {move.to_fund} when "
                   f"{following.label} closes")  # fmt: skip


def notes(app: App, ledger: Ledger, month: Period, one: Moved) -> Iterator[str]:
    """What a person should know of it: that it is late, and what the other fund says to it."""
    from slurm_finops.billing.closing import spent
    from slurm_finops.billing.staging import LATE_DAYS
    from slurm_finops.reports.format import visible

    if one.late:
        yield (f"note: {month.label} ended {count(one.days, 'day')} ago, and from {LATE_DAYS} days "
               "on a move is late: the audit says so, and the close will")  # fmt: skip
    fund = next((f for f in app.config.funding.funds if f.name == one.move.to_fund), None)
    if fund is None:
        return
    if any(fund.refuses(day) for day in (month.first, month.last - 1)):
        yield f"note: {visible(fund.name)} does not pay on all days of {month.label}"
    if fund.cap_ticks is not None:
        over = spent(ledger).get(fund.name, 0) + (one.ticks or 0) - fund.cap_ticks
        if over > 0:
            yield f"note: {visible(fund.name)} is {size(app, over)} over its cap with it"


def as_json(app: App, one: Moved) -> dict[str, Any]:
    """A move; ``amount`` is null once it is stated, ``late`` from 90 days after its month on."""
    from slurm_finops.cli.disputing import who

    move, digits = one.move, app.config.digits
    return {
        "id": move.id, "period": move.period, "team": move.team, "project": move.project,
        "from": move.from_fund, "to": move.to_fund,
        "amount": None if one.ticks is None else minor_text(to_minor(one.ticks, digits), digits),
        "currency": app.config.currency, "justification": move.justification,
        "approver": move.approver, **who(app, move.at, move.actor), "days_after": one.days,
        "late": one.late, "stated_in": one.stated,
    }  # fmt: skip

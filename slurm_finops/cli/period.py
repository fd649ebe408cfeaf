"""period: months that close: how they stand, drawing one up, closing it, verifying the chain."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, actor, echo_json, now, pass_app, progress
from slurm_finops.cli.period_disputes import COMMANDS

if TYPE_CHECKING:
    from slurm_finops.cli.closing import Saved
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.posted import Closed
    from slurm_finops.ledger.store import Ledger

_WAIVE = click.option("--waive", "waive", metavar="CHECK=REASON", multiple=True,
                      help="Close although this check (readiness, unpriced, reconcile, "
                      "provisional, problems) does not pass; the reason is kept.  May be given "
                      "again.")  # fmt: skip
_FILE = click.option("--file", "path", metavar="FILE", help="Reconcile with a saved sacct file "
                     "(.gz too) instead of asking sacct.")  # fmt: skip
_DELIMITER = click.option("--delimiter", help="Of the saved file.  [default: as in its header]")


@click.group()
def period() -> None:
    """Close billing months: what is stated then stays, and what comes later is a correction.

    \b
    Examples:
      slurm-finops period status
      slurm-finops period draft 2026-06
      slurm-finops period hold 2026-06 --team cv --reason "not our nodes, asked ops"
      slurm-finops period close 2026-06
      slurm-finops period verify
    """


for _command in COMMANDS:
    period.add_command(_command)


@period.command()
@FORMAT
@pass_app
def status(app: App, style: str) -> None:
    """List the months: which are closed, with what total and head; which are open.

    Of a month that is not closed the amount is what its days cost by now, without surcharges
    and tax, corrections, and what is credited or held back; "period draft" says what it
    would state.

    \b
    Examples:
      slurm-finops period status
      slurm-finops period status --format json
    """
    from slurm_finops.cli.periods_list import as_json, months, table

    with app.reading() as ledger:
        found = months(app, ledger)
    if style == "json":
        echo_json({"currency": app.config.currency, "periods": as_json(app, found)})
    else:
        click.echo("\n".join(table(app, found)))


@period.command()
@click.argument("label", metavar="PERIOD")
@_FILE
@_DELIMITER
@FORMAT
@pass_app
def draft(app: App, label: str, path: str | None, delimiter: str | None, style: str) -> None:
    """Draw a month up for review: what it would state, and what still keeps it from closing.

    It is noted who did, for where [statements] second_person asks for another to close
    it.  Nothing is frozen: "slurm-finops statement" shows the draft as it is today.

    \b
    Examples:
      slurm-finops period draft 2026-06
      slurm-finops period draft 2026-06 --format json
    """
    from slurm_finops.billing.closing import Drawn, staged
    from slurm_finops.cli import closing, periods_list
    from slurm_finops.cli.books import books_of
    from slurm_finops.cli.price import run
    from slurm_finops.ledger.drafts import Draft, drafted

    month = closing.month(app, label)
    with app.writing("period draft") as ledger:
        _check_open(ledger, month)
        run(app, ledger)
        found = closing.checks(app, ledger, month, closing.Saved(path, delimiter))
        books = books_of(app)
        with ledger.transaction():
            staging = staged(ledger, books, app.config.calendar, month)
            drawn = Drawn(staging, books.digits)
            told = periods_list.told(app, staging)
            staging.stage.clear()
        draft_ = Draft(now(), actor(), drawn.total, drawn.said)
        drafted(ledger, month.label, draft_, books.digits)
    if style == "json":
        echo_json(periods_list.draft_json(app, month, drawn, found, told))
        return
    click.echo("\n".join([*periods_list.draft_text(app, month, drawn, found), *told]))


def _check_open(ledger: Ledger, month: Period) -> None:
    from slurm_finops.errors import RefusedError
    from slurm_finops.ledger.posted import closed

    if month.start > now():
        raise RefusedError(f"{month.label} has not begun")
    for one in closed(ledger.db):
        if one.label == month.label:
            raise RefusedError(f"{one.label} is closed: slurm-finops statement {one.label} shows "
                               "what was stated")  # fmt: skip


@period.command()
@click.argument("label", metavar="PERIOD")
@click.option("--yes", is_flag=True, help="Close without asking once more.")
@_WAIVE
@_FILE
@_DELIMITER
@FORMAT
@pass_app
def close(
    app: App, label: str, yes: bool, waive: tuple[str, ...], path: str | None,
    delimiter: str | None, style: str,
) -> None:  # fmt: skip
    """Close a month for good: freeze its statements, number them, and chain their hash.

    It is priced first, then looked at: is the site ready, has all a price, does the
    ledger agree with sacct, have all runs ended, could every record be read?  What does
    not pass is listed, and keeps it open unless each is waived with a reason.

    What arrives or changes later becomes corrections in the next month that closes.
    Closing a month that is closed changes nothing; there is no way to open one again.

    \b
    Examples:
      slurm-finops period close 2026-06
      slurm-finops period close 2026-06 --yes --file june.txt.gz \\
        --waive problems="two torn lines, both of a test node"
    """
    from slurm_finops.cli import closing, periods_list

    month, waived = closing.month(app, label), closing.waivers(waive)
    with app.writing("period close") as ledger:
        found, told, new = _close(app, ledger, month, waived, closing.Saved(path, delimiter), yes)
        statements = periods_list.statements(ledger, found)
    if style == "json":
        echo_json(periods_list.closed_json(app, found, statements, told))
        return
    click.echo("\n".join([*periods_list.closed_text(app, found, statements, new), *told]))


def _close(
    app: App, ledger: Ledger, month: Period, waived: dict[str, str], saved: Saved, yes: bool
) -> tuple[Closed, list[str], bool]:
    """The closed month, what a person should know of it, and whether it was closed just now."""
    from slurm_finops.billing.closing import Closing, NotReviewed, close
    from slurm_finops.cli import closing, periods_list
    from slurm_finops.cli.books import basis_of, books_of
    from slurm_finops.cli.price import run
    from slurm_finops.errors import RefusedError
    from slurm_finops.ledger.posted import closed

    for one in closed(ledger.db):
        if one.label == month.label:
            return one, [], False
    closing.check_chain(ledger)
    months = closing.next_months(app, ledger, month)
    draft = closing.check_person(app, ledger, month)
    run(app, ledger)
    checks = closing.checks(app, ledger, month, saved)
    closing.refuse(month, checks, waived)
    # what passes needs no excuse, and a statement names none
    waived = {check.name: waived[check.name] for check in checks if not check.ok}
    _confirm(app, month, yes)
    from slurm_finops import __version__

    last, told = None, []
    for each in months:
        reviewed = draft if app.config.statements.second_person and each == month else None
        what = Closing(
            each, now(), actor(), draft.actor if draft else "", __version__,
            basis_of(app, ledger, each) | {"checks": {c.name: c.said for c in checks}}, waived,
            reviewed.statements if reviewed else None,
        )  # fmt: skip
        try:
            last, staging = close(ledger, books_of(app), app.config.calendar, what)
        except NotReviewed as error:
            assert draft is not None
            said = periods_list.not_reviewed(app, month, draft, error.now)
            raise RefusedError("\n".join(said)) from None
        told = periods_list.told(app, staging) if staging else []
    assert last is not None
    if draft:
        told += periods_list.since_draft(app, draft, periods_list.statements(ledger, last))
    return last, told, True


def _confirm(app: App, month: Period, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"closing {month.label} cannot be undone: say so with --yes")
    click.confirm(f"Close {month.label} of {app.config.database} for good?", abort=True)


@period.command()
@click.option("--head", metavar="HEX", default="", help="A head that you kept, from a statement or "
              "mail, or its first 8 digits at least: it must be in the chain.")
@FORMAT
@pass_app
def verify(app: App, head: str, style: str) -> None:
    """Recompute every line, statement and month that was closed, and the chain of their hashes.

    Names the first thing that is not as it was closed, and exits 1 then.  Whoever can
    write the file can make the whole chain anew; a head that was kept elsewhere, as it is
    printed on every statement, shows that.

    \b
    Examples:
      slurm-finops period verify
      slurm-finops period verify --head 4be6c0f2a91d
    """
    from slurm_finops.billing.verifying import verify as recompute

    if head and (len(head) < 8 or set(head.lower()) - set("0123456789abcdef")):
        raise click.BadParameter(f"{head!r} is no head: 8 to 64 hexadecimal digits",
                                 param_hint="'--head'")  # fmt: skip
    with app.reading() as ledger, progress("verifying") as advance:
        found = recompute(ledger.db, head, advance)
    if style == "json":
        echo_json({
            "intact": not found.fault, "fault": found.fault or None, "periods": found.periods,
            "lines": found.lines, "head": found.head,
        })  # fmt: skip
    else:
        _tell(found.fault, found.periods, found.lines, found.head)
    if found.fault:
        raise click.exceptions.Exit(1)


def _tell(fault: str, periods: int, lines: int, head: str) -> None:
    from slurm_finops.core.words import count
    from slurm_finops.reports.format import visible

    if fault:
        click.echo(f"ALTERED: {visible(fault)}")
        click.echo(f"{count(periods, 'period')} before it as they were closed")
    elif not periods:
        click.echo("no period is closed yet: slurm-finops period close closes the first")
    else:
        click.echo(f"{count(periods, 'period')}, {count(lines, 'line')}: all as they were closed")
        click.echo(f"head {head}")

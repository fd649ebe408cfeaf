"""alerts: budgets that are running out and days beyond a history, each told once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app
from slurm_finops.errors import OutsideError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.cli.alerting import ToTell
    from slurm_finops.delivery.outbox import Outcome
    from slurm_finops.ledger.store import Ledger


@click.group(invoke_without_command=True)
@FORMAT
@click.pass_context
def alerts(context: click.Context, style: str) -> None:
    """Budgets that are running out, and days that cost more than a history makes likely.

    Without a command it lists what is so now, and how many of those who are to be
    told were told.

    \b
    Examples:
      slurm-finops alerts
      slurm-finops alerts --format json
      slurm-finops alerts send
    """
    if context.invoked_subcommand is None:
        _list(context.find_object(App) or App(None), style)


def _list(app: App, style: str) -> None:
    from slurm_finops.cli.alerting import find, style_of
    from slurm_finops.reports.alerts import as_json

    with app.reading() as ledger:
        found = find(app, ledger)
    if style == "json":
        written = style_of(app, "export")
        echo_json({"currency": app.config.currency, "alerts": [
            as_json(one.alert, written, one.told, one.waiting) for one in found
        ]})  # fmt: skip
    elif found:
        click.echo("\n".join(_table(app, found)))
    else:
        click.echo("nothing to tell: no budget has reached a threshold of [alerts], and no day of "
                   "the last seven was unusual")  # fmt: skip


def _table(app: App, found: list[ToTell]) -> Iterator[str]:
    from slurm_finops.cli.alerting import style_of
    from slurm_finops.reports.alerts import headline, owner
    from slurm_finops.reports.format import shortened
    from slurm_finops.reports.tables import aligned

    header = style_of(app, "export").header
    rows = [("team / project", "what is so", "told")]
    for one in found:
        said = headline(one.alert, header)
        rows.append((shortened(owner(one.alert), 40), said, _told(one)))
    yield from aligned(rows, 3)


def _told(one: ToTell) -> str:
    if not one.told and not one.waiting:
        return "nobody is to be"
    return f"{len(one.told)} of {len(one.told) + len(one.waiting)}"


@alerts.command()
@click.option("--dry-run", is_flag=True, help="Write .eml files and open no connection.")
@click.option("--out", metavar="DIR", help="Where --dry-run writes.  [default: outbox]")
@pass_app
def send(app: App, dry_run: bool, out: str | None) -> None:
    """Tell each alert once: to the owners of its team or project and to [alerts] to, by mail,
    and to the webhooks of the team and the site.

    \b
    Examples:
      slurm-finops alerts send
      slurm-finops alerts send --dry-run --out mails
    """
    from slurm_finops.cli.alerting import find, messages
    from slurm_finops.cli.due import check_channels
    from slurm_finops.cli.send import WELL, told, write_all

    if out is not None and not dry_run:
        raise click.UsageError("--out is where --dry-run writes: without it mails are sent")
    check_channels(app)
    if dry_run:
        with app.reading() as ledger:
            wanted = (mail for one in find(app, ledger) for mail in messages(app, one))
            write_all(wanted, Path(out or "outbox"))
        return
    with app.writing("alerts send") as ledger:
        outcomes = run(app, ledger)
    for line in told(app, outcomes) if outcomes else ["nothing new is to be told"]:
        click.echo(line)
    if any(outcome.status not in WELL for outcome in outcomes):
        raise click.exceptions.Exit(OutsideError.exit_code)


def run(app: App, ledger: Ledger) -> list[Outcome]:
    """Queue what is new, then send what is queued of alerts.

    One that cannot be made stops no other.  Raises `RefusedError` while figures do not hold.
    """
    from slurm_finops.cli.alerting import find, queue
    from slurm_finops.cli.send import check_priced, outbox_of

    check_priced(app, ledger)
    outbox = outbox_of(app, ledger)
    failed = queue(app, outbox, find(app, ledger), now())
    return failed + outbox.send_due(now(), lambda report: report.startswith("alert:"))

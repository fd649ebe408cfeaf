"""audit: who changed what, when, from what to what."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, echo_json, pass_app

if TYPE_CHECKING:
    from slurm_finops.ledger.audited import Wanted
    from slurm_finops.ledger.store import Ledger

_DAY = click.DateTime(["%Y-%m-%d"])
_LAST = 50


@click.command()
@click.option("--since", metavar="DATE", type=_DAY, help="From this billing day on.")
@click.option("--until", metavar="DATE", type=_DAY, help="Before this billing day.")
@click.option("--action", metavar="PREFIX", default="",
              help="Only actions that begin so, such as rates, or \"configuration teams\".")
@click.option("--by", metavar="LOGIN", help="Only what this login did.")
@click.option("--last", "limit", metavar="N", type=click.IntRange(1, 1_000_000_000),
              help=f"Only the last N.  [default: {_LAST} in the table, else all]")
@click.option("--format", "style", type=click.Choice(["table", "json", "csv"]), default="table",
              show_default=True, help="How the answer is printed.")
@pass_app
def audit(
    app: App, since: datetime | None, until: datetime | None, action: str, by: str | None,
    limit: int | None, style: str,
) -> None:  # fmt: skip
    """List who changed what, when, from what to what; the newest last.

    Nothing in it can be changed or taken back.  What finops.toml says otherwise than
    before is in it from the first price or nightly that saw it, by whoever ran that.

    \b
    Examples:
      slurm-finops audit
      slurm-finops audit --since 2026-06-01 --until 2026-07-01 --action rates
      slurm-finops audit --action "configuration teams" --format csv
    """
    wanted = _wanted(app, since, until, action, by)
    with app.reading() as ledger:
        if style == "table":
            _table(app, ledger, wanted, limit or _LAST)
        else:
            _export(app, ledger, wanted, limit, style)


def _wanted(
    app: App, since: datetime | None, until: datetime | None, action: str, by: str | None
) -> Wanted:
    from slurm_finops.core.period import day_number
    from slurm_finops.ledger.audited import Wanted

    if since and until and until <= since:
        raise click.BadParameter(
            f"{until:%Y-%m-%d} is not after --since; it is the first day that is not listed",
            param_hint="'--until'",
        )
    first, end = (
        None if day is None else app.config.calendar.midnight(day_number(day.date()))
        for day in (since, until)
    )
    return Wanted(first, end, action, by)


def _table(app: App, ledger: Ledger, wanted: Wanted, limit: int) -> None:
    from slurm_finops.ledger.audited import EVERYTHING, actions, last
    from slurm_finops.reports.audit import table

    found, earlier = last(ledger.db, wanted, limit)
    for line in table(found, app.config.calendar, earlier):
        click.echo(line)
    if found:
        return
    known = actions(ledger.db)
    if wanted == EVERYTHING or not known:
        click.echo("nothing is in the audit yet")
    elif not any(one.startswith(wanted.action) for one in known):
        click.echo(f"no action in the audit begins so; there are: {', '.join(known)}")
    else:
        click.echo("nothing in the audit fits")


def _export(app: App, ledger: Ledger, wanted: Wanted, limit: int | None, style: str) -> None:
    from slurm_finops.ledger.audited import entries, last
    from slurm_finops.reports.audit import csv_lines, rows

    found = last(ledger.db, wanted, limit)[0] if limit else entries(ledger.db, wanted)
    made = rows(found, app.config.calendar, app.config.privacy.export)
    if style == "json":
        echo_json({"timezone": app.config.timezone, "entries": list(made)})
        return
    for line in csv_lines(made):
        click.echo(line, nl=False)

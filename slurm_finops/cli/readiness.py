"""readiness: whether showback may become chargeback."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app
from slurm_finops.cli.files import save, why_no_png
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.readiness import Asked


@click.command()
@click.option("--weeks", type=click.IntRange(4, 26), metavar="WEEKS",
              help="How many whole weeks are looked at.  [default: [readiness] weeks, else 6]")
@FORMAT
@click.option("--picture", metavar="FILE.png", help="Draw it here, too: each signal by week.")
@pass_app
def readiness(app: App, weeks: int | None, style: str, picture: str | None) -> None:
    """Say whether chargeback may begin, and what to mend first.

    Four signals over the last whole weeks: how much of the cost has all its tags, teams
    without a budget or cost centre, costs that nobody owns, and tags that differ between
    environments or by a slip.  Changes nothing.

    Exits 1 while chargeback is premature, and 0 when every signal is good.

    \b
    Examples:
      slurm-finops readiness
      slurm-finops readiness --weeks 4 --picture readiness.png
      slurm-finops readiness --format json
    """
    from dataclasses import replace

    from slurm_finops.reports import readiness as reports
    from slurm_finops.reports import readiness_tables as tables

    if picture is not None and (why := why_no_png(Path(picture))):
        raise click.BadParameter(why, param_hint="'--picture'")
    asked = asked_of(app, weeks)
    with app.reading() as ledger:
        _check_known(ledger)
        # a terminal is told who it is, as in every table; other programs as [privacy] says
        site = app.site_for("export") if style == "json" else replace(app.site, people="names")
        found = reports.readiness(ledger, site, asked)
    if picture is not None:
        from slurm_finops.reports.readiness_chart import readiness_png

        save(Path(picture), readiness_png(found))
    if style == "json":
        for line in tables.notes(found):
            click.echo(line, err=True)
        echo_json(tables.readiness_json(found))
    else:
        click.echo(tables.readiness_text(found), nl=False)
    if not found.ready:
        raise click.exceptions.Exit(1)


def asked_of(app: App, weeks: int | None = None) -> Asked:
    """What must hold before chargeback begins, as it is configured."""
    from slurm_finops.config.budgets import all_budgets
    from slurm_finops.core.budgets import SPAN
    from slurm_finops.reports.readiness import Asked

    config = app.config
    today, wanted = config.calendar.day_of(now()), config.readiness
    budgeted = frozenset(
        one.team for one in all_budgets(config.teams)
        if one.project is None and (one.kind != SPAN or one.first <= today < one.last)
    )  # fmt: skip
    return Asked(wanted.coverage, weeks or wanted.weeks, wanted.edits, budgeted)


def _check_known(ledger: Ledger) -> None:
    """Of a ledger without any cost nothing can be said, not even that it is premature."""
    from slurm_finops.cli.nothing import known_days
    from slurm_finops.ledger.served import days

    if days(ledger.db) is None:
        raise InputError(
            f"{known_days(ledger)}, so there is nothing to judge; first: slurm-finops collect "
            "sacct, then slurm-finops price"
        )

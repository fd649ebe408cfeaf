"""allocations: what teams hold, what is left of it, and when it expires."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slurm_finops.core.lots import Lot


@click.group(invoke_without_command=True)
@click.pass_context
def allocations(context: click.Context) -> None:
    """What teams hold of GPU-hours or money, and what is left of it; alone it lists all.

    \b
    Examples:
      slurm-finops allocations
      slurm-finops allocations list --team nlp
    """
    if context.invoked_subcommand is None:
        context.invoke(list_allocations)


@allocations.command("list")
@click.option("--team", metavar="TEAM", help="Only this team's.")
@click.option("--as-of", "as_of", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]),
              help="At the end of this day.  [default: today]")
@FORMAT
@pass_app
def list_allocations(
    app: App, team: str | None = None, as_of: datetime | None = None, style: str = "table"
) -> None:
    """List the allocations of teams: what each holds, what is used and left, when it expires.

    A team's are in the order in which its runs use them.  "days" are those on which one still
    pays, today counted; "lapsed" is what expired or was not carried.  Where a lot would expire
    or be used up at the rate of its last days, a line says so.

    \b
    Examples:
      slurm-finops allocations list
      slurm-finops allocations list --team nlp --format json
      slurm-finops allocations list --as-of 2026-06-30
    """
    from slurm_finops.billing.holdings import holdings
    from slurm_finops.core.period import day_date
    from slurm_finops.ledger.pricing import waiting
    from slurm_finops.reports import holdings as reports
    from slurm_finops.reports.build import is_stale
    from slurm_finops.reports.tables import not_of_today

    config = app.config
    lots, day = _of_team(app, config.charging.lots, team), _day(app, as_of)
    with app.reading() as ledger:
        found = holdings(ledger, lots, day)
        late, stale = waiting(ledger), is_stale(ledger, app.site)
    if style == "json":
        echo_json({"as_of": str(day_date(day)), "currency": config.currency,
                   "waiting_runs": late, "stale": stale,
                   "allocations": reports.holdings_json(found, config.digits)})  # fmt: skip
    elif found:
        click.echo(reports.holdings_text(found, day, config.currency, config.digits), nl=False)
    else:
        whose = f"{team} holds no allocation" if team else "nobody holds an allocation"
        click.echo(f"{whose}: [[allocations]] in {config.path} gives one")
    for line in not_of_today(late, stale):
        click.echo(line, err=style == "json")


def _of_team(app: App, lots: Sequence[Lot], team: str | None) -> Sequence[Lot]:
    """The lots of a team; one that nobody has heard of is a slip."""
    from slurm_finops.core.near import nearest

    known = sorted({lot.team for lot in lots} | {one.name for one in app.config.teams})
    if team is None:
        return lots
    if team not in known:
        near = nearest(team, known)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise click.BadParameter(
            f"{team!r} holds no allocation and is no team of the configuration; {hint}",
            param_hint="'--team'",
        )
    return [lot for lot in lots if lot.team == team]


def _day(app: App, as_of: datetime | None) -> int:
    """The billing day that was asked for, or today."""
    from slurm_finops.core.period import day_date, day_number

    today = app.config.calendar.day_of(now())
    if as_of is None:
        return today
    day = day_number(as_of.date())
    if day > today:
        raise click.BadParameter(
            f"{as_of:%Y-%m-%d} has not come; the last day is {day_date(today)}",
            param_hint="'--as-of'",
        )
    return day

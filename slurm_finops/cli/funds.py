"""funds: what finance books to, and who pays from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, actor, echo_json, now, pass_app

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.group(invoke_without_command=True)
@click.pass_context
def funds(context: click.Context) -> None:
    """What finance books to, and who pays from it; alone it lists all.

    \b
    Examples:
      slurm-finops funds
      slurm-finops funds list --format json
      slurm-finops funds move 2026-05 --team nlp --from suspense --to DEPT \\
        --justification "the grant was booked late" --approver pi@example.org
    """
    if context.invoked_subcommand is None:
        context.invoke(list_funds)


@funds.command("list")
@FORMAT
@pass_app
def list_funds(app: App, style: str = "table") -> None:
    """List the funds with their days, caps and fallbacks, and which of them pay for whom.

    "until" is the first day on which a fund pays no more.  A team's projects are paid for as
    the team is where they have no line of their own.  "posted" is what all closed months put on
    a fund.  slurm-finops check warns of what has no payer and of funds that end soon.

    \b
    Examples:
      slurm-finops funds list
      slurm-finops funds list --format json
    """
    from slurm_finops.reports import funds as reports

    config = app.config
    funding = config.funding
    spent = _posted(app)
    if style == "json":
        echo_json({"currency": config.currency,
                   **reports.funds_json(funding, spent, config.digits)})  # fmt: skip
    elif funding.funds:
        click.echo(reports.funds_text(funding, spent, config.currency, config.digits), nl=False)
    else:
        click.echo(f"no fund is configured: [[funds]] in {config.path} names them, and "
                   "[[teams.payers]] who is paid for from which")  # fmt: skip


def _posted(app: App) -> Mapping[str, int]:
    """Ticks that closed months put on each fund; where there is no ledger, none."""
    from slurm_finops.billing.closing import spent

    if not app.config.database.exists():
        return {}
    with app.reading() as ledger:
        return spent(ledger)


@funds.command()
@click.argument("label", metavar="PERIOD")
@click.option("--team", metavar="TEAM", required=True,
              help="Whose it is; '(untagged)' is what names no team.")
@click.option("--project", metavar="PROJECT", help="Only of this project of the team.")
@click.option("--from", "source", metavar="FUND", required=True, help="Who paid it.")
@click.option("--to", "target", metavar="FUND", required=True, help="Who is to pay it.")
@click.option("--justification", metavar="TEXT", required=True, help="Why; kept.")
@click.option("--approver", metavar="LOGIN", required=True,
              help="Who allowed it: another than who types this.")
@FORMAT
@pass_app
def move(
    app: App, label: str, team: str, project: str | None, source: str, target: str,
    justification: str, approver: str, style: str,
) -> None:  # fmt: skip
    """Move what a fund paid of a closed month to another, in the next month that closes.

    The closed month stays as it was stated; the next one takes it from the one fund and
    puts it on the other, as corrections.  Later than 90 days after the month it is told
    and audited as such.  A move cannot be revoked: move it back.

    \b
    Examples:
      slurm-finops funds move 2026-05 --team nlp --from suspense --to DEPT \\
        --justification "the grant was booked late" --approver pi@example.org
    """
    from slurm_finops.cli import moving
    from slurm_finops.cli.crediting import words
    from slurm_finops.cli.disputing import opened
    from slurm_finops.cli.owners import whose
    from slurm_finops.ledger.disputes import Move, put

    why, who = words(justification, "--justification"), words(approver, "--approver")
    moving.check_approver(who)
    with opened(app, "funds move") as ledger:
        month = moving.closed_month(app, ledger, label)
        owner = whose(app, ledger, team, project)
        moving.check_funds(app, ledger, source, target)
        wanted = Move(0, month.label, *owner, source, target, why, who, now(), actor())
        planned = moving.planned(app, ledger, month, wanted)
        number = put(ledger, wanted, moving.said(app, planned))
        planned = planned._replace(move=wanted._replace(id=number))
        told = moving.told(app, ledger, planned)
        notes = list(moving.notes(app, ledger, month, planned))
    if style == "json":
        echo_json({"move": moving.as_json(app, planned)})
    else:
        click.echo(told)
    for note in notes:
        click.echo(note, err=True)

"""funds: what finance books to, and who pays from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, pass_app

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
    """
    if context.invoked_subcommand is None:
        context.invoke(list_funds)


@funds.command("list")
@FORMAT
@pass_app
def list_funds(app: App, style: str = "table") -> None:
    """List the funds with their days, caps and fallbacks, and which of them pay for whom.

    "until" is the first day on which a fund pays no more.  A team's projects are paid for as
    the team is where they have no line of their own.  slurm-finops check warns of what has no
    payer and of funds that end soon.

    \b
    Examples:
      slurm-finops funds list
      slurm-finops funds list --format json
    """
    from slurm_finops.reports import funds as reports

    config = app.config
    funding = config.funding
    spent: Mapping[str, int] = {}
    if style == "json":
        echo_json({"currency": config.currency,
                   **reports.funds_json(funding, spent, config.digits)})  # fmt: skip
    elif funding.funds:
        click.echo(reports.funds_text(funding, spent, config.currency, config.digits), nl=False)
    else:
        click.echo(f"no fund is configured: [[funds]] in {config.path} names them, and "
                   "[[teams.payers]] who is paid for from which")  # fmt: skip

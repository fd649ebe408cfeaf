"""rates: dated prices from files, and a list of all that the site has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app

if TYPE_CHECKING:
    from collections.abc import Callable


@click.group()
def rates() -> None:
    """Import dated prices from files, list all rates, take an import back.

    \b
    Examples:
      slurm-finops rates import aws-spot spot.json --instance 'p5.48xlarge=gres/gpu:h100*8' \\
        --zone us-east-1a --match partition=spot
      slurm-finops rates list
      slurm-finops rates remove aws-spot:spot.json --yes
    """


def _picks(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that choose among the rows of a price list."""
    for name, told in reversed([
        ("zone", "Availability zone."), ("region", "Region, by code or name."),
        ("product", "Product description, such as Linux/UNIX."), ("os", "Operating system."),
        ("tenancy", "Tenancy."), ("software", "Software that comes with it (Pre Installed S/W)."),
        ("capacity", "CapacityStatus."), ("market", "MarketOption."), ("operation", "Operation."),
    ]):  # fmt: skip
        command = click.option(f"--{name}", metavar="VALUE", help=f"Only this.  {told}")(command)
    return command


@rates.command("import")
@click.argument("kind", metavar="FORMAT")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--instance", "instances", multiple=True, metavar="NAME=SKU*COUNT",
              help="An instance type, what its devices are here, and how many it has: "
              "p5.48xlarge=gres/gpu:h100*8.  SKU and COUNT may be left out where the file says "
              "them.  May be given several times.")
@_picks
@click.option("--where", "columns", multiple=True, metavar="COLUMN=VALUE",
              help="Only rows with this value in any other column.  May be given several times.")
@click.option("--match", "matches", multiple=True, metavar="KEY=VALUE",
              help="Put on every rate: cluster, partition, qos, account or class.  May be given "
              "several times.")
@click.option("--rank", type=click.IntRange(1 - (1 << 20), (1 << 20) - 1), default=0,
              show_default=True, help="Put on every rate.")
@click.option("--spot", is_flag=True, help="Of skypilot: the spot price instead of the other.")
@click.option("--from", "start", metavar="DATE", help="Since when prices hold that have no date: "
              "a day, or a time such as 2026-06-01T12:00:00Z.")
@click.option("--name", metavar="NAME", help="Of the import.  [default: format and file name]")
@click.option("--approved-by", metavar="TEXT", help="Put on every rate: who approved it.")
@click.option("--document", metavar="TEXT", help="Of that approval: a reference or URL.")
@click.option("--review", metavar="DATE", help="Of that approval: the day by which the rate is to "
              "be reviewed.")
@click.option("--replace", is_flag=True, help="Over the time that the files cover, take the place "
              "of what was imported before.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@FORMAT
@pass_app
def import_rates(
    app: App, /, kind: str, files: tuple[str, ...], instances: tuple[str, ...],
    columns: tuple[str, ...], matches: tuple[str, ...], rank: int, spot: bool, start: str | None,
    name: str | None, approved_by: str | None, document: str | None, review: str | None,
    replace: bool, dry_run: bool, style: str, **picks: str | None,
) -> None:  # fmt: skip
    """Import dated prices from FILEs: JSON or CSV, .gz too; - is standard input.

    \b
    FORMAT is one of
      aws-spot       aws ec2 describe-spot-price-history, as JSON; several pages
      aws-pricelist  the CSV offer file of AmazonEC2: its on-demand rates by the hour
      skypilot       a CSV of SkyPilot's catalogue (vms.csv); needs --from
      csv            our own: sku, price, from, per, pricing, approved_by, document, review,
                     and keys of match

    Where more than one price is left for a SKU at one moment, nothing is imported
    and the choices are named.  The same file again changes nothing; a longer one
    adds what is new; a price that differs from one imported before is refused, and one that
    is approved otherwise is stored with its new approval.
    Then "slurm-finops price" prices again what the new rates touch.

    \b
    Examples:
      slurm-finops rates import aws-spot spot.json --instance 'p5.48xlarge=gres/gpu:h100*8' \\
        --zone us-east-1a --product Linux/UNIX --match partition=spot
      slurm-finops rates import aws-pricelist index.csv.gz --instance p5.48xlarge=gres/gpu:h100 \\
        --region us-east-1 --os Linux --tenancy Shared --software NA --capacity Used \\
        --market OnDemand
      slurm-finops rates import skypilot vms.csv --from 2026-06-01 --instance p5.48xlarge \\
        --region us-east-1
      slurm-finops rates import csv prices.csv --dry-run
    """
    from slurm_finops.cli import importing
    from slurm_finops.cli.from_files import as_json

    asked = importing.Asked(
        kind, tuple(dict.fromkeys(files)), instances,
        {key: value for key, value in picks.items() if value is not None},
        columns, matches, rank, spot, start, name, replace, approved_by, document, review,
    )  # fmt: skip
    found = importing.read(app, asked)
    made = importing.look(app, found) if dry_run else importing.store(app, found)
    if style == "json":
        echo_json(as_json(found.source, made, dry_run) | {"approved": len(made.approved)})
    else:
        click.echo("\n".join(importing.told(app, found, made, dry_run)))


@rates.command("list")
@click.option("--sku", metavar="SKU", help="Only rates of this SKU.")
@click.option("--at", "day", metavar="DATE", help="Only rates in force when this day begins.")
@click.option("--steps", is_flag=True, help="Every step of a long series, instead of one line.")
@click.option("--past-review", is_flag=True, help="Only rates whose day of review has ended, as of "
              "now, and that no later rate has replaced.  Exits 1 if there are any.")
@FORMAT
@pass_app
def list_rates(
    app: App, sku: str | None, day: str | None, steps: bool, past_review: bool, style: str
) -> None:
    """List every rate, of finops.toml and imported, with where it comes from.

    A long series of one source is one line: from when to when, how many steps,
    the lowest price and the highest.  Where any rate is approved, you see by whom, by which
    document, and when it is to be reviewed.

    \b
    Examples:
      slurm-finops rates list
      slurm-finops rates list --sku gres/gpu:h100 --at 2026-06-01
      slurm-finops rates list --steps --format json
      slurm-finops rates list --past-review
    """
    from slurm_finops.cli import rates_list
    from slurm_finops.cli.from_files import imports_json
    from slurm_finops.core import approval
    from slurm_finops.ledger.imports import LOG

    found = list(app.rates)
    overdue = set(approval.past_review(found, now(), app.config.calendar.day_of(now())))
    if sku is not None:
        found = rates_list.of_sku(found, sku)
    if day is not None:
        found = approval.in_force(found, app.period(day, "--at").start)
    if past_review:
        found = [rate for rate in found if rate in overdue]
    groups = rates_list.grouped(found, steps)
    if style == "json":
        echo_json({"currency": app.config.currency,
                   "rates": [rates_list.as_json(app.config, one, overdue) for one in groups],
                   "imports": imports_json(app.config, LOG)})  # fmt: skip
    elif groups:
        click.echo("\n".join(rates_list.table(app.config, groups, overdue)))
    elif past_review:
        click.echo("no rate is past its review")
    else:
        click.echo(f"no rate is in force on {day}" if day else
                   "no rate: [[rates]] in finops.toml takes them, and slurm-finops rates import")
    if past_review and found:
        raise click.exceptions.Exit(1)


@rates.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it: without, it is only said what would go.")
@pass_app
def remove(app: App, name: str, yes: bool) -> None:
    """Take back what the imports of this NAME brought; the audit keeps that it was there.

    What an import replaced does not come back, and what a later import has found
    to be as before goes, too: import that file again.

    \b
    Examples:
      slurm-finops rates remove aws-spot:spot.json
      slurm-finops rates remove aws-spot:spot.json --yes
    """
    from slurm_finops.cli import from_files
    from slurm_finops.ledger.imports import LOG

    from_files.remove(app, LOG, name, yes)

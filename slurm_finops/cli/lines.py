"""lines: what else is on the bill, from a file: storage, egress, support, licences."""

from __future__ import annotations

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, pass_app


@click.group()
def lines() -> None:
    """Import lines of a bill from a file, list all lines, take an import back.

    \b
    Examples:
      slurm-finops lines import bill-2026-06.csv --dry-run
      slurm-finops lines list --period 2026-06
      slurm-finops lines remove bill-2026-06.csv --yes
    """


@lines.command("import")
@click.argument("file", metavar="FILE")
@click.option("--name", metavar="NAME", help="Of the import.  [default: the file's name]")
@click.option("--replace", is_flag=True, help="Lines of the same names, over the days that the "
              "file has, give way to it.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and change nothing.")
@FORMAT
@pass_app
def import_lines(
    app: App, file: str, name: str | None, replace: bool, dry_run: bool, style: str
) -> None:
    """Import amounts beside compute from FILE: CSV, .gz too; - is standard input.

    \b
    Columns, in any order:
      name, amount, from    needed; the amount as 1900.00, the day as 2026-06-01
      until                 the first day after it; empty: the billing month of from
      every                 once (where it is empty), month or year
      category              storage, egress, support, licence or other
      team, project, experiment, environment, model, cost_center
                            whose it is; or else
      spread, by, to, over  the rule that shares it, as in [[lines]]
      ratios                of spread ratios: nlp=0.6;platform=0.4
      currency              must be the ledger's

    The same file again changes nothing; a line that differs from one imported
    for the same days is refused.  Then "slurm-finops price" puts them on whom
    they concern.

    \b
    Examples:
      slurm-finops lines import bill-2026-06.csv
      slurm-finops lines import bill-2026-06.csv --replace --dry-run
    """
    from slurm_finops.cli import lines_importing
    from slurm_finops.cli.from_files import as_json

    found = lines_importing.read(app, file, name, replace)
    made = (lines_importing.look if dry_run else lines_importing.store)(app, found)
    if style == "json":
        echo_json(as_json(found.source, made, dry_run))
    else:
        click.echo("\n".join(lines_importing.told(app, found, made, dry_run)))


@lines.command("list")
@click.option("--period", metavar="PERIOD", help="What of each fell into it: 2026-06, 2026-06-01, "
              "2026-W23 or A..B (half-open).  [default: this billing month]")
@FORMAT
@pass_app
def list_lines(app: App, period: str | None, style: str) -> None:
    """List every line, of finops.toml and imported, with what of it fell into a period.

    Costs are known through the last day that has ended and was priced; each is
    rounded by itself.

    \b
    Examples:
      slurm-finops lines list
      slurm-finops lines list --period 2026-06 --format json
    """
    from slurm_finops.cli import lines_list
    from slurm_finops.cli.from_files import imports_json
    from slurm_finops.ledger.lines import LOG

    asked, config = app.period(period), app.config
    found, notes = lines_list.listed(config, asked)
    if style == "json":
        echo_json({"period": asked.label, "currency": config.currency,
                   "lines": [lines_list.as_json(config, one) for one in found],
                   "imports": imports_json(config, LOG)})  # fmt: skip
    elif found:
        click.echo("\n".join(lines_list.table(config, found, asked.label)))
    else:
        click.echo("no line: [[lines]] in finops.toml takes them, and slurm-finops lines import")
    for note in notes:
        click.echo(note, err=True)


@lines.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do it: without, it is only said what would go.")
@pass_app
def remove(app: App, name: str, yes: bool) -> None:
    """Take back what the imports of this NAME brought; the audit keeps that it was there.

    What an import replaced does not come back, and what a later import has found
    to be as before goes, too: import that file again.

    \b
    Examples:
      slurm-finops lines remove bill-2026-06.csv
      slurm-finops lines remove bill-2026-06.csv --yes
    """
    from slurm_finops.cli import from_files
    from slurm_finops.ledger.lines import LOG

    from_files.remove(app, LOG, name, yes)

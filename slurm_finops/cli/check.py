"""check: what is missing, and how to mend it."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app
from slurm_finops.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.cli.checks import Finding
    from slurm_finops.config import Config

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red", "skip": "dim"}
_SUMMARY = {"ok": "ok", "fail": "to mend", "warn": "to look at", "skip": "skipped"}
_WIDTH = 100


@click.command()
@click.option("--period", metavar="PERIOD", help="The period whose runs must have rates.  "
              "[default: this month]")
@FORMAT
@pass_app
def check(app: App, period: str | None, style: str) -> None:
    """Look at the cluster, the ledger and the mail settings, and say how to mend them.

    Changes nothing and sends nothing.  Exits 1 if anything has to be mended.

    \b
    Examples:
      slurm-finops check
      slurm-finops check --period 2026-06 --format json
    """
    found = list(_findings(app, period))
    if style == "json":
        echo_json({"findings": [finding._asdict() for finding in found]})
    else:
        _print(found)
    if any(finding.verdict == "fail" for finding in found):
        raise click.exceptions.Exit(1)


def _findings(app: App, period: str | None) -> Iterator[Finding]:
    from slurm_finops.cli import checks, checks_ledger, checks_outbox, checks_slurm

    config, first = _configuration(app)
    yield first
    if config is None:
        yield from checks_slurm.slurm(None, live=False)
        return
    asked = app.period(period)
    yield from checks_slurm.slurm(config, live=checks_ledger.was_live(config))
    yield from checks.place(config)
    yield from checks_ledger.ledger(config, asked, now())
    yield from checks.mail(config)
    yield from checks_outbox.slack(config)


def _configuration(app: App) -> tuple[Config | None, Finding]:
    from slurm_finops.cli.checks import FAIL, OK, Finding

    try:
        config = app.config
    except ConfigError as error:
        what, absent, _ = str(error).partition(".  Write one with: ")
        mend = "slurm-finops init" if absent or "cannot read" in what else "mend that line"
        return None, Finding("configuration", FAIL, what, mend)
    what = f"{config.path}: cluster {config.cluster}, {config.currency}, days in {config.timezone}"
    return config, Finding("configuration", OK, what)


def _print(found: list[Finding]) -> None:
    """A row a finding: verdict, name, what was seen, and under it how to mend it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # where nobody looks, the terminal's own width is not known
    fixed = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found:
        # Text, not markup: [mail] is a section here, not a colour
        what = Text(finding.what)
        if finding.mend:
            what.append(f"\n→ {finding.mend}", style="bold")
        verdict = Text(finding.verdict, style=_COLOURS[finding.verdict])
        table.add_row(verdict, Text(finding.name), what)
    console = Console(width=fixed, highlight=False)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip())
    numbers = {verdict: sum(f.verdict == verdict for f in found) for verdict in _SUMMARY}
    click.echo(", ".join(f"{n} {_SUMMARY[verdict]}" for verdict, n in numbers.items() if n))

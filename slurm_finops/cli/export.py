"""export: a month for finance and the lake: journal and FOCUS files."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, pass_app
from slurm_finops.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.billing.stated import Month
    from slurm_finops.ledger.store import Ledger


@click.group()
def export() -> None:
    """Write a month for finance: a journal to book, a FOCUS file for other tools.

    \b
    Examples:
      slurm-finops export journal 2026-06 --out june.csv
      slurm-finops export focus 2026-06 --out june.parquet
    """


@export.command()
@click.argument("label", metavar="PERIOD")
@click.option("--format", "style", type=click.Choice(["csv", "beancount", "hledger"]),
              help="csv has the columns that [journal] says.  "
                   "[default: as --out ends (.beancount, .hledger, .journal), else csv]")
@click.option("--out", metavar="FILE", default="-", help="Write here.  [default: the terminal]")
@pass_app
def journal(app: App, label: str, style: str | None, out: str) -> None:
    """Write the double entry of a closed month: who pays against what was earned.

    Every entry balances.  Lines have ids that stay, so a file that is exported again is
    the same to the byte, and finance can refuse what it has; slurm-finops import
    journal-status takes back what it answered.

    \b
    Examples:
      slurm-finops export journal 2026-06 --out june.csv
      slurm-finops export journal 2026-06 --out june.beancount
      slurm-finops export journal 2026-06 --format hledger | hledger -f - check
    """
    from slurm_finops.cli.exporting_journal import ENDINGS, write

    style = style or next((ENDINGS[end] for end in ENDINGS if out.endswith(end)), "csv")
    with _month(app, label) as (_, found):
        if found.closed is None:
            raise RefusedError(
                f"{found.period.label} is not closed: finance books what stands on a numbered "
                f"statement.  Close it first: slurm-finops period close {found.period.label}"
            )
        write(app, found.lines(), found.period.label, style, out)


@export.command()
@click.argument("label", metavar="PERIOD")
@click.option("--version", type=click.Choice(["1.2", "1.4"]), default="1.2", show_default=True,
              help="Of the FOCUS specification.")
@click.option("--per", type=click.Choice(["day", "run"]), default="day", show_default=True,
              help="A row for each line and day, or for each run behind it.")
@click.option("--format", "style", type=click.Choice(["csv", "parquet"]),
              help="[default: as --out ends, else csv]")
@click.option("--out", metavar="FILE", default="-", help="Write here.  [default: the terminal]")
@pass_app
def focus(
    app: App, label: str, version: str, per: str, style: str | None, out: str
) -> None:  # fmt: skip
    """Write a month as FOCUS rows (FinOps Open Cost and Usage Specification).

    A row is a day's part of a line of a statement: BilledCost sums to the statements and to
    the journal, to the cent, and the exact ticks stand beside it in columns of our own
    (x_slurm_*).  Corrections of closed months are rows with ChargeClass Correction.

    --per run parts a day's line into the runs behind it.  What has changed since it was
    stated stays one row without a run, and so do shares of pools, overhead and lines.

    \b
    Examples:
      slurm-finops export focus 2026-06 --out june.parquet
      slurm-finops export focus 2026-06 --version 1.4 --per run --out june.csv
    """
    from slurm_finops.cli.exporting_focus import runs, write

    style = style or ("parquet" if out.endswith(".parquet") else "csv")
    with _month(app, label, each_line=False) as (ledger, found):
        lines = runs(app, ledger, found) if per == "run" else found.lines()
        write(app, found, lines, version, style, out)  # type: ignore[arg-type]


@contextmanager
def _month(
    app: App, label: str, each_line: bool = True
) -> Iterator[tuple[Ledger, Month]]:  # fmt: skip
    """A month as it was stated, or would be now."""
    from slurm_finops.billing.stated import month
    from slurm_finops.billing.verifying import altered
    from slurm_finops.cli import closing
    from slurm_finops.cli.books import books_of

    period = closing.month(app, label)
    with app.reading() as ledger:
        if fault := altered(ledger.db, period.label, each_line):
            raise RefusedError(f"{fault}: finance gets nothing of that.  Restore the ledger from a "
                               "backup; slurm-finops period verify looks again")  # fmt: skip
        yield ledger, month(ledger, books_of(app), app.config.calendar, period)

"""problems: records that could not be read, and settling them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, actor, echo_json, now, pass_app
from slurm_finops.core.words import count
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from slurm_finops.ledger.problems import Listed


@click.command()
@click.option("--limit", type=click.IntRange(1, 1_000_000), default=20, show_default=True,
              help="How many are listed.")
@click.option("--settle", "numbers", type=click.IntRange(1, 1 << 62), multiple=True, metavar="ID",
              help="Settle this one: it is kept, and warned of no more.  May be given several "
              "times.")
@click.option("--settle-all", is_flag=True, help="Settle all.")
@click.option("--why", metavar="TEXT", help="What was found out; goes into the audit.")
@FORMAT
@pass_app
def problems(
    app: App, limit: int, numbers: tuple[int, ...], settle_all: bool, why: str | None, style: str
) -> None:  # fmt: skip
    """List the records that could not be read, with the reason, and settle them.

    What they tell of is in no cost: mend it where it comes from, collect it again,
    and settle the old record.

    \b
    Examples:
      slurm-finops problems
      slurm-finops problems --settle 3 --settle 4 --why "saved again with another delimiter"
    """
    if numbers or settle_all:
        if not why:
            raise click.UsageError("--why says what was found out; it is kept in the audit")
        _settle(app, None if settle_all else numbers, why)
        return
    from slurm_finops.ledger.problems import count_open, listed

    with app.reading() as ledger:
        total, found = count_open(ledger.db), listed(ledger.db, limit)
    if style == "json":
        echo_json({"total": total, "problems": [problem._asdict() for problem in found]})
        return
    for problem in found:
        click.echo(_told(problem))
    more = f"; {total - len(found):,} more: --limit" if total > len(found) else ""
    click.echo(f"{count(total, 'record')} could not be read{more}" if total else
               "every record could be read, or is settled")  # fmt: skip


def _settle(app: App, numbers: tuple[int, ...] | None, why: str) -> None:
    from slurm_finops.ledger.problems import settle

    with app.writing("problems") as ledger:
        settled = settle(ledger, numbers, why, actor(), now())
    if numbers is not None and settled < len(set(numbers)):
        raise InputError(
            f"{settled} settled; the others of {', '.join(map(str, numbers))} are not open: "
            "slurm-finops problems lists what is"
        )
    click.echo(f"{count(settled, 'record')} settled")


def _told(problem: Listed) -> str:
    from slurm_finops.reports.format import shortened, visible

    text = shortened(visible(problem.text.replace("\n", "⏎")), 160)
    return f"{problem.id}  {problem.source}: {visible(problem.reason)}\n   {text}"

"""compare: what the same usage would have cost under other price lists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, echo_json, pass_app, progress
from slurm_finops.cli.report import dimensions

if TYPE_CHECKING:
    from slurm_finops.core.compare import PriceList


@click.command()
@click.option("--period", metavar="PERIOD", help="2026-06, 2026-06-01, 2026-W23 or A..B "
              "(half-open).  [default: this billing month]")
@click.option("--with", "files", metavar="FILE", multiple=True, required=True,
              help="A file of price lists; several may be named.")
@click.option("--by", "names", metavar="NAMES", default="team", show_default=True,
              help="Dimensions, comma-separated, as in report.")
@click.option("--format", "style", type=click.Choice(["table", "json", "csv"]), default="table",
              show_default=True, help="How the answer is printed.")
@click.option("--picture", metavar="FILE.png", help="Draw it here, too.")
@pass_app
def compare(
    app: App, period: str | None, files: tuple[str, ...], names: str, style: str,
    picture: str | None,
) -> None:  # fmt: skip
    """Price a period's usage under other price lists, beside what was charged.

    The ledger is only read.  Each list's times are rounded up as the list says;
    docs/compare.md has the rules and the keys of a list.

    \b
    Examples:
      slurm-finops compare --period 2026-06 --with provider-a.toml
      slurm-finops compare --with a.toml --with b.toml --by team,project
      slurm-finops compare --period 2026-06 --with all.toml --picture june.png
    """
    from slurm_finops.reports import comparison_tables as tables
    from slurm_finops.reports.comparison import comparison

    by, asked = dimensions(names), app.period(period)
    if "class" in by:
        raise click.BadParameter("a price list has no classes of customers; compare by team",
                                 param_hint="'--by'")  # fmt: skip
    lists = _lists(app, files)
    if picture is not None:
        _check_picture(Path(picture), len(lists))
    with app.reading() as ledger, progress("comparing") as advance:
        found = comparison(
            ledger, app.site, asked, lists, by, suspended=app.config.charge_suspended,
            progress=advance,
        )  # fmt: skip
    if picture is not None:
        from slurm_finops.cli.files import save
        from slurm_finops.reports.charts_beside import comparison_png

        save(Path(picture), comparison_png(found))
    if style == "table":
        click.echo(tables.comparison_text(found), nl=False)
        return
    for line in tables.notes(found):
        click.echo(line, err=True)
    if style == "json":
        echo_json(tables.comparison_json(found))
    else:
        click.echo(tables.comparison_csv(found), nl=False)


def _check_picture(path: Path, lists: int) -> None:
    from slurm_finops.cli.files import why_no_png
    from slurm_finops.reports.canvas import PALETTE

    why = why_no_png(path)
    if not why and lists >= len(PALETTE):
        why = f"it can tell {len(PALETTE) - 1} lists apart, and these are {lists}; name fewer"
    if why:
        raise click.BadParameter(why, param_hint="'--picture'")


def _lists(app: App, files: tuple[str, ...]) -> list[PriceList]:
    from slurm_finops.config.price_lists import load_price_lists
    from slurm_finops.reports.comparison import AS_CHARGED

    paths = [Path(name) for name in files]
    return load_price_lists(paths, app.config.calendar, app.config.digits, [AS_CHARGED])

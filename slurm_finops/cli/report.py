"""report: what was spent, by whom, as a table, JSON, CSV or a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, pass_app
from slurm_finops.errors import OutsideError

if TYPE_CHECKING:
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger


@click.command()
@click.option("--period", metavar="PERIOD", help="2026-06, 2026-06-01, 2026-W23 or A..B "
              "(half-open).  [default: this billing month]")
@click.option("--by", "names", default="team", show_default=True, metavar="NAMES",
              help="Dimensions, comma-separated: team, project, experiment, environment, model, "
              "cost_center, user, account, partition, qos, cluster, sku, state, pricing, "
              "tag_source, day.")
@click.option("--format", "style", type=click.Choice(["table", "json", "csv", "html"]),
              default="table", show_default=True, help="How the report is written.")
@click.option("--team", metavar="TEAM", help="Only this team.")
@click.option("--out", metavar="FILE", help="Write here instead of to the terminal.")
@pass_app
def report(
    app: App, period: str | None, names: str, style: str, team: str | None, out: str | None
) -> None:
    """Report the cost of a period.

    \b
    Examples:
      slurm-finops report
      slurm-finops report --period 2026-06 --by team,project
      slurm-finops report --period 2026-W23 --by day --team nlp --format csv
      slurm-finops report --period 2026-06 --format html --out june.html
    """
    by = dimensions(names)
    asked = app.period(period)
    with app.reading() as ledger:
        text = write(app, ledger, asked, by, style, team or "")
    if out is None or out == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    save(Path(out), text.encode())
    click.echo(out)


def dimensions(names: str) -> tuple[str, ...]:
    """`--by` as typed; raises a usage error that names the nearest dimension."""
    from difflib import get_close_matches

    from slurm_finops.ledger.spend import DIMENSIONS

    by = tuple(name.strip() for name in names.split(",") if name.strip())
    for name in by:
        if name not in DIMENSIONS:
            near = get_close_matches(name, DIMENSIONS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(DIMENSIONS)}"
            raise click.BadParameter(f"{name!r} is no dimension; {hint}", param_hint="'--by'")
        if by.count(name) > 1:
            raise click.BadParameter(f"{name!r} is given twice", param_hint="'--by'")
    if not by:
        raise click.BadParameter("name at least one dimension", param_hint="'--by'")
    return by


def write(
    app: App, ledger: Ledger, period: Period, by: tuple[str, ...], style: str, team: str = ""
) -> str:
    """A report in one of its styles."""
    import json

    from slurm_finops.reports import build, tables

    if style == "html":
        from slurm_finops.reports import render

        page = build.page(ledger, app.site, period, team=team, by=by)
        return render.page_html(page, app.said_now())
    view = build.report(ledger, app.site, period, by, team)
    if style == "json":
        return json.dumps(tables.report_json(view), indent=2, ensure_ascii=False) + "\n"
    if style == "csv":
        return tables.report_csv(view)
    return tables.table_text(view)


def save(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    import os

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f".{path.name}.{os.getpid()}")
        new.write_bytes(data)
        new.replace(path)
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {error.strerror}") from None



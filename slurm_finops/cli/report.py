"""report: what was spent, by whom, as a table, JSON, CSV or a page."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, pass_app
from slurm_finops.cli.explaining import explain
from slurm_finops.cli.files import save
from slurm_finops.cli.owners import check_team
from slurm_finops.errors import RefusedError

if TYPE_CHECKING:
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger


STYLES = ["table", "json", "csv", "html"]


@click.command()
@click.option("--period", metavar="PERIOD", help="2026-06, 2026-06-01, 2026-W23 or A..B "
              "(half-open).  [default: this billing month]")
@click.option("--by", "names", metavar="NAMES",
              help="Dimensions, comma-separated: team, project, experiment, environment, model, "
              "cost_center, user, account, partition, qos, cluster, sku, state, pricing, "
              "tag_source, class, day, origin, category.  [default: team; a team's page: project]")
@click.option("--format", "style", type=click.Choice(STYLES),
              help="How the report is written.  [default: as --out ends (.html, .json, .csv; .txt "
              "is a table), else table]")
@click.option("--team", metavar="TEAM", help="Only this team; '(untagged)' is what names none.")
@click.option("--out", metavar="FILE", help="Write here instead of to the terminal.")
@click.option("--site", "folder", metavar="DIR", help="Write an index over months and teams into "
              "this folder, and a page of each, for any web server.")
@click.option("--periods", metavar="N", type=click.IntRange(1, 120),
              help="How many months the site has, this one included.  [default: 13]")
@click.option("--explain", "job", metavar="RUN", help="How the bill of one run comes about, "
              "line by line: 4711, 4711_3 of an array, 4711+1 of a het job.  A table or JSON.")
@click.option("--cluster", metavar="CLUSTER", help="Where RUN ran.  [default: the configured one]")
@pass_app
def report(
    app: App, period: str | None, names: str | None, style: str | None, team: str | None,
    out: str | None, folder: str | None, periods: int | None, job: str | None,
    cluster: str | None,
) -> None:  # fmt: skip
    """Report the cost of a period, explain that of one run, or write a site of all pages.

    \b
    Examples:
      slurm-finops report
      slurm-finops report --period 2026-06 --by team,project
      slurm-finops report --period 2026-W23 --by day --team nlp --format csv
      slurm-finops report --period 2026-06 --out june.html
      slurm-finops report --site /srv/finops/site
      slurm-finops report --explain 4711_3
    """
    if folder is not None:
        _site(app, folder, periods, period, names, style, team, out, job, cluster)
        return
    if periods is not None:
        raise click.UsageError("--periods belongs to --site; of a report, see --period")
    if job is not None:
        if out is not None:
            raise click.UsageError("--explain writes to the terminal: redirect it to a file")
        explain(app, job, cluster, style, period or names or team)
        return
    if cluster is not None:
        raise click.UsageError("--cluster belongs to --explain; of a report, see --by cluster")
    by = dimensions(names) if names is not None else ()
    asked = app.period(period)
    style = style or _style_of(out)
    with app.reading() as ledger:
        if team is not None:
            check_team(app, ledger, team)
        text, warnings = write(app, ledger, asked, by, style, team or "")
    if style in ("json", "csv"):
        for line in warnings:
            click.echo(line, err=True)
    if out is None or out == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    save(Path(out), text.encode())
    click.echo(out)


def _style_of(out: str | None) -> str:
    """How a file is written that ends so; a usage error where its ending says nothing of it."""
    ending = Path(out or "").suffix.lower().removeprefix(".")
    if ending in ("", "txt"):
        return "table"
    if ending in STYLES and ending != "table":
        return ending
    raise click.UsageError(
        f"--out {out}: a report ends in .html, .json, .csv or .txt (a table); of a file that ends "
        "otherwise, say with --format what it is"
    )


def _site(app: App, folder: str, periods: int | None, *others: str | None) -> None:
    """Keep the site of all pages; it knows of no other option."""
    from slurm_finops.cli.app import progress
    from slurm_finops.cli.site_pages import write_site
    from slurm_finops.reports.archive import MONTHS

    if not folder:
        raise click.BadParameter("is empty; name a folder", param_hint="'--site'")
    if any(other is not None for other in others):
        raise click.UsageError("--site writes the pages of all months and teams: of the other "
                               "options it takes --periods alone")  # fmt: skip
    with app.reading() as ledger, ExitStack() as stack:
        found = write_site(app, ledger, Path(folder), periods or MONTHS,
                           lambda pages: stack.enter_context(progress("pages", pages)))  # fmt: skip
    click.echo(f"{found.path}: {found.told()}")


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


def _check_people(app: App, channel: str, by: tuple[str, ...]) -> None:
    """Where nothing stands for people there is no report by them.  Raises `RefusedError`."""
    if "user" in by and app.site_for(channel).people == "none":
        raise RefusedError(
            f"{app.config.path}: [privacy] {channel} is none: leave user out of --by, or look at "
            "the table on a terminal"
        )


def write(
    app: App, ledger: Ledger, period: Period, by: tuple[str, ...], style: str, team: str = ""
) -> tuple[str, list[str]]:
    """A report in one of its styles, and why its figures may not be today's truth."""
    import json
    from dataclasses import replace

    from slurm_finops.cli.nothing import nothing_held
    from slurm_finops.reports import build, tables
    from slurm_finops.reports.site import Owner

    owner = Owner(team)
    if style != "table":
        _check_people(app, "page" if style == "html" else "export", by)
    if style == "html":
        from slurm_finops.cli.paging import pages_of
        from slurm_finops.reports import render

        page = pages_of(app, ledger, period).page(owner, by)
        return render.page_html(page, app.said_now()), tables.warnings(page.report)
    view = build.report(ledger, app.site, period, by or ("team",), owner)
    if style != "table":
        people = app.site_for("export").people
        view = replace(view, spend=build.without_names(view.spend, people))
    if style == "json":
        text = json.dumps(tables.report_json(view), indent=2, ensure_ascii=False) + "\n"
    else:
        text = tables.report_csv(view) if style == "csv" else tables.table_text(view)
    if style == "table" and not view.spend.rows:
        text += nothing_held(ledger, period, team or "anybody") + "\n"
    return text, tables.warnings(view)

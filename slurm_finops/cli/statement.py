"""statement: what an owner is billed for a month, as text, page, JSON or CSV."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, echo_json, pass_app
from slurm_finops.cli.files import save
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from slurm_finops.cli.stating_all import Asked
    from slurm_finops.reports.statement import Statement

STYLES = ["table", "json", "csv", "html"]
_ENDINGS = {"json": "json", "csv": "csv", "html": "html", "table": "txt"}


@click.command()
@click.argument("what", metavar="PERIOD|NUMBER")
@click.option("--team", metavar="TEAM", help="Only this team's; '(untagged)' is what names none.")
@click.option("--project", metavar="PROJECT", help="Only this project's, as 'team / project'.")
@click.option("--cost-center", metavar="NAME", help="Only this cost centre's.")
@click.option("--fund", metavar="FUND", help="Only what this fund pays.")
@click.option("--per", type=click.Choice(["team", "project", "cost_center", "fund"]),
              help="One for each of these.  [default: as [statements] per says]")
@click.option("--format", "style", type=click.Choice(STYLES),
              help="How it is written.  [default: as --out ends, else table]")
@click.option("--out", metavar="FILE|DIR", help="Write here: one file for all, or into a folder "
              "(a name that ends in /) a file each.")  # fmt: skip
@click.option("--mail", is_flag=True, help="Mail each to its owner, once; of a draft one a day.")
@click.option("--dry-run", is_flag=True, help="With --mail: write the mails into the folder --out, "
              "and send none.")  # fmt: skip
@pass_app
def statement(
    app: App, what: str, team: str | None, project: str | None, cost_center: str | None,
    fund: str | None, per: str | None, style: str | None, out: str | None, mail: bool,
    dry_run: bool,
) -> None:  # fmt: skip
    """Show the statements of a month, or the one of a number.

    Of a month that is closed this is what was stated then; of another it is a draft of
    what would be stated if it closed now.  Each sums its lines to the cent, and is printed
    (from a browser, to paper or PDF) as it is shown.

    \b
    Examples:
      slurm-finops statement 2026-06
      slurm-finops statement 2026-06 --team nlp --format json
      slurm-finops statement 2026-06 --per fund --out june/ --format html
      slurm-finops statement FIN-000012 --out nlp.html
      slurm-finops statement 2026-06 --mail --dry-run --out mails
    """
    from slurm_finops.cli.stating_all import Asked, statements

    kinds = {"team": team, "project": project, "cost_center": cost_center, "fund": fund}
    given = {kind: name for kind, name in kinds.items() if name is not None}
    if len(given) > 1:
        raise click.UsageError(f"--{' and --'.join(given)} each say whose: give one of them")
    if given and per not in (None, *given):
        raise click.UsageError(f"--per {per} and --{next(iter(given))} do not go together")
    asked = Asked(what, per or next(iter(given), None), next(iter(given.values()), None))
    if mail:
        _mail(app, asked, style, out, dry_run)
        return
    if dry_run:
        raise click.UsageError("--dry-run is of --mail: without it nothing is sent")
    style = style or _style_of(out)
    with app.reading() as ledger:
        found = statements(app, ledger, asked)
        if out is None:
            _show(app, found, style)
        else:
            _save(app, found, style, out)


def _mail(app: App, asked: Asked, style: str | None, out: str | None, dry_run: bool) -> None:
    from slurm_finops.cli.stating_mail import mail

    if style is not None:
        raise click.UsageError("--format is of what is shown; a mail has its own")
    if dry_run != (out is not None):
        raise click.UsageError("--dry-run writes the mails into --out DIR: give both, or neither "
                               "to send them")  # fmt: skip
    for line in mail(app, asked, Path(out) if out else None):
        click.echo(line)


def _style_of(out: str | None) -> str:
    ending = Path(out or "").suffix.lower().removeprefix(".")
    if ending in ("", "txt"):
        return "table"
    if ending in STYLES and ending != "table":
        return ending
    raise click.UsageError(f"--out {out}: a statement ends in .html, .json, .csv or .txt; of a "
                           "file that ends otherwise, say with --format what it is")  # fmt: skip


def _show(app: App, found: list[Statement], style: str) -> None:
    from slurm_finops.cli.stating_all import as_json, together

    if style == "json":
        echo_json(as_json(app, found))
        return
    click.echo(together(app, found, style), nl=False)


def _save(app: App, found: list[Statement], style: str, out: str) -> None:
    import json

    from slurm_finops.cli.stating_all import as_json, file_name, together

    if not out.endswith("/"):
        text = (
            json.dumps(as_json(app, found), indent=2, ensure_ascii=False) + "\n"
            if style == "json" else together(app, found, style)
        )  # fmt: skip
        save(Path(out), text.encode())
        click.echo(out)
        return
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {out}: {error.strerror}") from None
    for one in found:
        path = folder / f"{file_name(one)}.{_ENDINGS[style]}"
        save(path, together(app, [one], style).encode())
        click.echo(str(path))

"""import: what finance answers."""

from __future__ import annotations

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, pass_app


@click.group("import")
def import_() -> None:
    """Take back what finance says of a journal that was exported.

    \b
    Examples:
      slurm-finops import journal-status answer.csv --dry-run
      slurm-finops import journal-status answer.csv
    """


@import_.command("journal-status")
@click.argument("file", metavar="FILE")
@click.option("--dry-run", is_flag=True, help="Say what would be stored, and store nothing.")
@FORMAT
@pass_app
def journal_status(app: App, file: str, dry_run: bool, style: str) -> None:
    """Import from FILE which lines finance accepted and which it rejected.

    CSV, .gz too; - is standard input.

    \b
    Columns, in any order:
      external_id   needed; of the line, as it was exported
      status        needed; accepted or rejected
      reason        why it was rejected
      reference     finance's own for it

    The same file again changes nothing.  A row that names a line which was never
    exported, or contradicts another, refuses the whole file.  Of several answers
    to a line, in several files, the last holds.

    \b
    Examples:
      slurm-finops import journal-status answer.csv --dry-run
      slurm-finops import journal-status answer.csv --format json
    """
    from slurm_finops.cli import answering

    found = (answering.look if dry_run else answering.store)(app, file)
    if style == "json":
        echo_json(answering.as_json(app.config, found, dry_run))
    else:
        click.echo("\n".join(answering.told(app.config, found, dry_run)))

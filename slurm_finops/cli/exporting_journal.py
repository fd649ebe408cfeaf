"""Writing the journal of a closed period: make it, keep what is sent, write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import actor, now
from slurm_finops.core.words import count
from slurm_finops.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from slurm_finops.cli.app import App
    from slurm_finops.core.journal import Entry
    from slurm_finops.core.posted import Posted

#: How the name of a journal ends -> what it is then written as.
ENDINGS = {".beancount": "beancount", ".hledger": "hledger", ".journal": "hledger"}
#: For --out: standard output.
STDOUT = "-"


def write(app: App, posted: Iterable[Posted], period: str, style: str, out: str) -> None:
    """Write the journal of what was posted for ``period`` into ``out``, a file or `STDOUT`.

    Each line's id is kept in the ledger, so that `import journal-status` knows it: call this
    where nothing writes the ledger.  The same period gives the same bytes again.  Raises
    `RefusedError` for lines of a draft, and for lines that are not what was exported before;
    then nothing is written.
    """
    from slurm_finops.cli.files import save
    from slurm_finops.core.journal import entries
    from slurm_finops.core.money import grouped
    from slurm_finops.ledger.journal import keep

    config = app.config
    made = entries(_closed(posted, period), config.journal.accounts)
    data = _written(app, made, style)
    with app.writing("export journal") as ledger, ledger.transaction():
        kept = keep(ledger, made, now(), actor())
    if out == STDOUT:
        click.echo(data, nl=False)
    else:
        save(Path(out), data)
    lines, debit = sum(len(entry.lines) for entry in made), sum(entry.debit for entry in made)
    click.echo(
        f"{period}: {count(len(made), 'entry', 'entries')}, {count(lines, 'line')}, "
        f"{grouped(debit, config.digits)} {config.currency} on each side"
        + (f"; {count(lines - kept.new, 'line')} exported before" if lines > kept.new else ""),
        err=True,
    )
    if kept.elsewhere:
        old = ", ".join(sorted({line.account for line in kept.elsewhere}))
        click.echo(
            f"warning: {count(len(kept.elsewhere), 'line')} went out on other accounts before "
            f"({old}): [journal] was changed since, and finance may have them as they were",
            err=True,
        )


def _closed(posted: Iterable[Posted], period: str) -> Iterable[Posted]:
    for one in posted:
        if not one.statement:
            raise RefusedError(
                f"{period} is not closed: finance books what stands on a numbered statement.  "
                "Close it first: slurm-finops period close"
            )
        yield one


def _written(app: App, made: Sequence[Entry], style: str) -> bytes:
    from slurm_finops.exports.beancount import beancount
    from slurm_finops.exports.hledger import hledger
    from slurm_finops.exports.journal_csv import journal_csv

    config = app.config
    if style == "csv":
        return journal_csv(made, config.journal.layout, config.currency, config.digits)
    writer = beancount if style == "beancount" else hledger
    return writer(made, config.currency, config.digits)

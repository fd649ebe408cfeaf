"""Writing a month's FOCUS file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.files import save_as
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from slurm_finops.billing.stated import Month
    from slurm_finops.cli.app import App
    from slurm_finops.core.posted import Posted
    from slurm_finops.exports.focus import About, PerRun, Row
    from slurm_finops.exports.focus_columns import Version
    from slurm_finops.ledger.store import Ledger

STDOUT = "-"


def write(
    app: App, found: Month, lines: Iterable[Posted | PerRun], version: Version, style: str,
    out: str,
) -> None:  # fmt: skip
    """Write rows into a file, or CSV to standard output."""
    import sys

    from slurm_finops.exports.focus import rows
    from slurm_finops.exports.focus_files import write_csv

    made = rows(lines, about_of(app), version)
    if out == STDOUT:
        if style == "parquet":
            raise click.UsageError("Parquet is no text: name a file with --out")
        number = write_csv(made, sys.stdout, version)
    else:
        number = save_as(Path(out), partial(_FILES[style], made, version))
    state = "" if found.closed else ", as it would be if it closed now: a DRAFT"
    click.echo(f"{found.period.label}: {count(number, 'row')} of FOCUS {version}{state}", err=True)


def runs(app: App, ledger: Ledger, found: Month) -> Iterator[Posted | PerRun]:
    """A month's lines in parts of runs; people as ``[privacy] export`` says."""
    from slurm_finops.billing.per_run import by_run
    from slurm_finops.exports.focus import PerRun

    named = app.config.privacy.export == "names"
    for part in by_run(ledger, found, app.config.digits):
        run = part.run
        if run is None:
            yield part.posted
            continue
        who = (run.name, run.user) if named else ("", "")
        yield PerRun(part.posted, run.job_id, run.job_id_raw, run.submit, *who)


def _csv(made: Iterable[Row], version: Version, path: Path) -> int:
    from slurm_finops.exports.focus_files import write_csv

    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        return write_csv(made, file, version)


def _parquet(made: Iterable[Row], version: Version, path: Path) -> int:
    from slurm_finops.exports.focus_files import write_parquet

    return write_parquet(made, path, version)


_FILES = {"csv": _csv, "parquet": _parquet}


def about_of(app: App) -> About:
    """What is the same for all rows."""
    from slurm_finops.exports.focus import About, Commitment

    config = app.config
    commitments = {
        pool.name: Commitment("Reserved capacity", pool.use[0][0])
        for pool in app.allocation.pools if pool.kind == "reserved"
    }
    entity = config.statements.entity or config.cluster
    return About(
        config.calendar, config.currency, config.digits, entity, entity, config.cluster,
        commitments,
    )  # fmt: skip


"""Joining a file of lines to the ledger: read, compare, store."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import actor, now
from slurm_finops.cli.from_files import head, opened
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from slurm_finops.cli.app import App
    from slurm_finops.config import Config
    from slurm_finops.ledger.import_log import Changes, Source
    from slurm_finops.ledger.lines import Dated


class Found(NamedTuple):
    """What the file says, and where it comes from."""

    source: Source
    lines: list[Dated]
    replace: bool


def read(app: App, file: str, name: str | None, replace: bool) -> Found:
    """The lines of a file.  Raises `InputError`; nothing is opened for writing."""
    from slurm_finops.config.lines import NEEDED, lines_of
    from slurm_finops.core.rows import csv_rows
    from slurm_finops.core.words import storable
    from slurm_finops.ledger.import_log import Source
    from slurm_finops.ledger.lines import dated

    config, digests = app.config, list[tuple[str, str]]()
    rows = csv_rows(opened([file], digests, "a list of lines"), "name", NEEDED)
    base = storable(Path(file).name)
    lines = [
        # what is kept names no folder
        dated(dataclasses.replace(line, where=base + line.where.removeprefix(file)),
              config.calendar)
        for line in lines_of(rows, config)
    ]  # fmt: skip
    if not lines:
        raise InputError(f"{file} has no line: there is no row under the header")
    options = {"replace": True} if replace else {}
    source = Source(storable(name) if name else base, "csv", options, digests)
    return Found(source, lines, replace)


def look(app: App, found: Found) -> Changes[Dated]:
    """What an import would change."""
    from slurm_finops.ledger.lines import imported_lines

    if not app.config.database.exists():
        return _changes(app.config, [], found)
    with app.reading() as ledger:
        return _changes(app.config, imported_lines(ledger.db, app.config.calendar), found)


def store(app: App, found: Found) -> Changes[Dated]:
    """Import: all of it or nothing."""
    from slurm_finops.ledger import lines

    if not app.config.database.exists():
        look(app, found)  # what is refused makes no ledger
    with app.writing("lines import") as ledger, ledger.transaction():
        made = _changes(app.config, lines.imported_lines(ledger.db, app.config.calendar), found)
        if made:
            lines.store(ledger, found.source, made, now(), actor())
    return made


def _changes(config: Config, stored: Sequence[Dated], found: Found) -> Changes[Dated]:
    """Raises `ConfigError` where a line has the name of something in finops.toml."""
    from slurm_finops.cli.all_lines import with_lines
    from slurm_finops.ledger.lines import changes

    made = changes(stored, found.lines, found.replace)
    moved = {(one.name, one.first) for one in (*made.replaced, *made.gone)}
    stay = [one for one in stored if (one.name, one.first) not in moved]
    with_lines(config, [*stay, *made.added, *made.replaced], "Nothing was imported")
    return made


def told(app: App, found: Found, made: Changes[Dated], dry_run: bool) -> Iterator[str]:
    """An import in words: what changed, and under it the lines that are new."""
    from slurm_finops.cli import lines_list
    from slurm_finops.ledger.lines import LOG

    yield head(found.source, LOG, made, dry_run)
    if not made:
        return
    new = [lines_list.Listed(one, one.line.where, None) for one in (*made.added, *made.replaced)]
    yield from lines_list.table(app.config, new)
    if not dry_run:
        yield "then: slurm-finops price"

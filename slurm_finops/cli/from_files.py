"""What `rates import` and `lines import` have in common, and their `remove`."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slurm_finops.cli.app import actor, now
from slurm_finops.core.words import count
from slurm_finops.errors import FinopsError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from slurm_finops.cli.app import App
    from slurm_finops.config import Config
    from slurm_finops.ledger.import_log import Changes, ImportLog, Source


def opened(
    paths: Sequence[str], digests: list[tuple[str, str]], what: str
) -> Iterator[tuple[str, Iterable[str]]]:
    """Each file's name and lines; ``digests`` says what was in it when it has been read.

    ``what`` it should be.
    """
    from slurm_finops.core.words import storable
    from slurm_finops.sources.files import open_text

    for path in paths:
        with ExitStack() as stack:
            stream, _ = stack.enter_context(open_text(path, what))
            digest = hashlib.sha256()
            yield path, _lines(path, stream, digest)
            digests.append((storable(Path(path).name), digest.hexdigest()))


def _lines(path: str, stream: Iterable[str], digest: Any) -> Iterator[str]:
    """The lines of a file.  One that breaks off is refused: what is missing may be money."""
    from slurm_finops.sources.files import TORN, why

    try:
        for line in stream:
            digest.update(line.encode())
            yield line
    except TORN as error:
        raise InputError(
            f"{path} cannot be read to its end ({why(error)}); nothing was imported: copy it again"
        ) from None


def head(source: Source, log: ImportLog, made: Changes[Any], dry_run: bool) -> str:
    """The first line of what is said of an import."""
    said = f"{source.name}: {log.told(made)}"
    if not made:
        return f"{said}; nothing to import"
    return f"{said}; nothing was changed (--dry-run)" if dry_run else said


def as_json(source: Source, made: Changes[Any], dry_run: bool) -> dict[str, Any]:
    """The same for programs."""
    return {
        "name": source.name,
        "format": source.format,
        "files": [{"name": name, "sha256": digest} for name, digest in source.files],
        "added": len(made.added),
        "replaced": len(made.replaced),
        "removed": len(made.gone),
        "unchanged": made.same,
        "dry_run": dry_run,
    }


def imports_json(config: Config, log: ImportLog) -> list[dict[str, Any]]:
    """Every import, with where it came from."""
    from slurm_finops.ledger.store import Ledger

    if not config.database.exists():
        return []
    try:
        with Ledger.read(config.database, config.currency, config.timezone) as ledger:
            found = log.all(ledger.db)
    except FinopsError:
        return []  # that imports are not seen was said
    return [
        {
            "name": one.name, "format": one.format, "options": one.options,
            "at": config.calendar.isoformat(one.at), "by": one.actor,
            f"{log.one}s": one.brought, "standing": one.standing,
            "files": [{"name": name, "sha256": digest} for name, digest in one.files],
        }
        for one in found
    ]  # fmt: skip


def remove(app: App, log: ImportLog, name: str, yes: bool) -> None:
    """Take back the imports of a name, or say what would go."""
    with app.reading() as ledger:
        known = log.all(ledger.db)
    standing = sum(one.standing for one in known if one.name == name)
    if name not in {one.name for one in known}:
        from slurm_finops.core.rows import near

        raise InputError(f"no import is called {name!r}; {near(name, [o.name for o in known])}")
    if not yes:
        click.echo(f"{count(standing, log.one)} of {name} would go; --yes does it")
        return
    with app.writing(f"{log.one}s remove") as ledger, ledger.transaction():
        gone = log.remove(ledger, name, now(), actor())
    click.echo(f"{count(gone, log.one)} of {name} taken back; {AGAIN[log.one]}")


#: What the next pricing does when an import was taken back.
AGAIN = {
    "rate": "slurm-finops price prices again what they touched",
    "line": "slurm-finops price then leaves nothing of it in any cost",
}

"""Files beside slurm.conf: each replaced whole, the one before kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from slurm_finops.errors import InputError, OutsideError
from slurm_finops.hook.build import MODULE, POLICY, SUBMIT, is_intact
from slurm_finops.hook.engine import VERSIONS, syntax_error

PREVIOUS = ".previous"
#: slurmctld reads them as SlurmUser, and there is nothing in them to hide.
MODE = 0o644
#: The module before what loads it, and the policy before the module that reads it.
ORDER = (POLICY, MODULE, SUBMIT)


class Placed(NamedTuple):
    """What became of a file: ``new``, ``replaced``, ``same``, or ``left`` as the site's own."""

    name: str
    outcome: str


def check(files: Mapping[str, str]) -> None:
    """Compile each with every Lua that slurmctld may have.  Raises `InputError`."""
    for name, text in files.items():
        for version in VERSIONS:
            why = syntax_error(text, name, version)
            if why:
                raise InputError(f"{name} is no Lua {version}: {why}; nothing was installed")


def digests(folder: Path) -> dict[str, str]:
    """The files that are there, each with a digest of its content."""
    found = {name: folder / name for name in ORDER if (folder / name).exists()}
    return {
        name: f"sha256 {sha256(_read(path).encode('utf-8', 'surrogateescape')).hexdigest()}"
        for name, path in found.items()
    }


def install(folder: Path, files: Mapping[str, str]) -> list[Placed]:
    """Put the files into a folder, one at a time and each whole.

    A ``job_submit.lua`` that is a site's own, or was edited, is left as it is.
    Raises `InputError` where one is no Lua, `OutsideError` where one cannot be written.
    """
    check(files)
    placed = [Placed(name, _outcome(folder / name, files[name])) for name in ORDER]
    if any(outcome == "replaced" for _, outcome in placed):
        _keep(folder)
    for name, outcome in placed:
        if outcome in ("new", "replaced"):
            _put(folder / name, files[name])
        elif outcome == "same":
            _readable(folder / name)
    _reload(folder)
    return placed


def rollback(folder: Path) -> list[Placed]:
    """Exchange each file with the one before it; doing it twice is as if nothing was done.

    Raises `InputError` where nothing was kept.
    """
    kept = [name for name in ORDER if (folder / f"{name}{PREVIOUS}").exists()]
    if not kept:
        raise InputError(f"{folder} holds no {POLICY}{PREVIOUS}: nothing to go back to")
    before = {name: _read(folder / f"{name}{PREVIOUS}") for name in kept}
    placed = [Placed(name, _outcome(folder / name, text)) for name, text in before.items()]
    _keep(folder)
    for name, outcome in placed:
        if outcome in ("new", "replaced"):
            _put(folder / name, before[name])
    _reload(folder)
    return placed


def _outcome(path: Path, text: str) -> str:
    if not path.exists():
        # a link that leads nowhere is somebody's, too
        return "left" if path.name == SUBMIT and path.is_symlink() else "new"
    there = _read(path)
    if there == text:
        return "same"
    return "left" if path.name == SUBMIT and not is_intact(there) else "replaced"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "surrogateescape")
    except OSError as error:
        raise OutsideError(f"cannot read {path}: {error.strerror}") from None


def _put(path: Path, text: str) -> None:
    """Write beside it, then take its name: slurmctld sees one or the other."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(new, text)
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink(missing_ok=True)
        raise OutsideError(f"cannot write {path}: {error.strerror}") from None


def _keep(folder: Path) -> None:
    """Copy all that is there, so that what is kept belongs together."""
    there = {name: _read(folder / name) for name in ORDER if (folder / name).exists()}
    for name, text in there.items():
        _put(folder / f"{name}{PREVIOUS}", text)


def _readable(path: Path) -> None:
    try:
        if path.stat().st_mode & 0o777 != MODE:
            path.chmod(MODE)
    except OSError as error:
        raise OutsideError(f"{path}: {error.strerror}; SlurmUser must be able to read it") from None


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(MODE)


def _reload(folder: Path) -> None:
    """slurmctld looks at this file's time alone: the module it loads is read with it.

    Also after an install that was cut short between the two.
    """
    submit, module = folder / SUBMIT, folder / MODULE
    try:
        if submit.exists() and submit.stat().st_mtime <= module.stat().st_mtime:
            os.utime(submit)
    except OSError as error:
        raise OutsideError(
            f"{submit} cannot be touched ({error.strerror}), and slurmctld reads the new {MODULE} "
            f"only with it: touch it, or restart slurmctld"
        ) from None


"""Files beside slurm.conf: each replaced whole, the one before kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
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


def install(folder: Path, files: Mapping[str, str]) -> list[Placed]:
    """Put the files into a folder, one at a time and each whole.

    A ``job_submit.lua`` that is a site's own, or was edited, is left as it is.
    Raises `InputError` where one is no Lua, `OutsideError` where one cannot be written.
    """
    check(files)
    placed = [Placed(name, _outcome(folder / name, files[name])) for name in ORDER]
    for name, outcome in placed:
        if outcome in ("new", "replaced"):
            _put(folder / name, files[name])
    if any(name == MODULE and outcome == "replaced" for name, outcome in placed):
        _reload(folder / SUBMIT)
    return placed


def rollback(folder: Path) -> list[Placed]:
    """Exchange each file with the one before it; doing it twice is as if nothing was done.

    Raises `InputError` where nothing was kept.
    """
    kept = [name for name in ORDER if (folder / f"{name}{PREVIOUS}").exists()]
    if not kept:
        raise InputError(f"{folder} holds no {POLICY}{PREVIOUS}: nothing to go back to")
    for name in kept:
        before = _read(folder / f"{name}{PREVIOUS}")
        _put(folder / name, before)
    _reload(folder / SUBMIT)
    return [Placed(name, "replaced") for name in kept]


def _outcome(path: Path, text: str) -> str:
    if not path.exists():
        return "new"
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
    """Write beside it, keep what was there, then take its name: slurmctld sees one or the other."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        _write(new, text)
        if path.exists():
            keep = path.with_name(f".{path.name}.{os.getpid()}.keep")
            _write(keep, _read(path))
            keep.replace(path.with_name(path.name + PREVIOUS))
        new.replace(path)
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {error.strerror}") from None
    finally:
        new.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    path.chmod(MODE)


def _reload(submit: Path) -> None:
    """slurmctld looks at this file's time alone: the module it loads is read with it."""
    if submit.exists():
        os.utime(submit)


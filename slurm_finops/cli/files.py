"""Files are written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from slurm_finops.errors import OutsideError

#: Who ran what, and what it cost, is not everybody's business.
PRIVATE = 0o640


def save(path: Path, data: bytes, mode: int = PRIVATE) -> None:
    """Write a file; one that is there keeps its permissions.  Raises `OutsideError`."""
    save_as(path, lambda new: new.write_bytes(data), mode)


def save_as(path: Path, write: Callable[[Path], int], mode: int = PRIVATE) -> int:
    """The same where ``write`` makes the file that it is given; what it gave back."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        if path.is_dir():
            raise IsADirectoryError(None, "it is a folder; name a file")
        if path.exists():
            mode = path.stat().st_mode & 0o777
        found = write(new)
        new.chmod(mode)
        new.replace(path)
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)
    return found


def why_no_png(path: Path) -> str:
    """What is wrong with a file for a picture; "" for nothing."""
    png = path.suffix.lower() == ".png"
    return "" if png else "it is a PNG: name a file that ends in .png"


def plain_name(*parts: str) -> str:
    """Parts as one name of a file in ASCII: names of teams are in any script."""
    return re.sub(r"[^A-Za-z0-9.@_-]+", "-", "-".join(filter(None, parts)))[:120].strip("-")


def make_folder(path: Path) -> None:
    """A folder for what `save` writes."""
    try:
        path.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise OutsideError(f"cannot make the folder {path}: {error.strerror}") from None

"""A folder of pages that we write: only what has changed, and what is gone is taken away."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from slurm_finops.cli.files import make_folder, save
from slurm_finops.errors import OutsideError

MANIFEST = ".slurm-finops.json"
#: What we may have written: a manifest that says otherwise is not ours.
_OURS = re.compile(r"index\.html|\d{4}-\d{2}/[a-z0-9][a-z0-9_-]*\.html")


def _seal(key: str, data: bytes) -> str:
    return f"{key} {hashlib.sha256(data).hexdigest()}"


class SiteFolder:
    """The files of a site, each with a key that says what it was drawn from, and its digest.

    The manifest names them.  It is written before the first file and after the last, so
    that whatever ends a run in between, the next one knows all that is ours.
    """

    def __init__(self, folder: Path, planned: Iterable[str]) -> None:
        """``planned`` are all files of the site.  Raises `OutsideError` where one is another's."""
        make_folder(folder)
        self._folder, self._planned = folder, list(planned)
        self._before = self._read()
        self._seals: dict[str, str] = {}
        self.written = self.removed = 0
        for name in self._planned:
            if name not in self._before and (folder / name).exists():
                raise OutsideError(
                    f"{folder / name} is there and no page of ours; "
                    "name a folder for the site alone"
                )
        self._save({**dict.fromkeys(self._planned, ""), **self._before})

    def is_current(self, name: str, key: str) -> bool:
        """Whether a file is there as it was drawn from the same."""
        path = self._folder / name
        if not key or not path.is_file():
            return False
        seal = _seal(key, path.read_bytes())
        if self._before.get(name) != seal:
            return False
        self._seals[name] = seal
        return True

    def put(self, name: str, text: str, key: str) -> None:
        """Write a file, unless it holds the same already."""
        path, data = self._folder / name, text.encode()
        self._seals[name] = _seal(key, data)
        if path.is_file() and path.read_bytes() == data:
            return
        make_folder(path.parent)
        save(path, data)
        self.written += 1

    def finish(self) -> None:
        """Take away what we wrote once and is in the site no more."""
        for name in sorted(set(self._before) - set(self._planned)):
            path = self._folder / name
            with suppress(FileNotFoundError):
                path.unlink()
                self.removed += 1
            with suppress(OSError):  # others may have put files there
                if path.parent != self._folder:
                    path.parent.rmdir()
        self._save(self._seals)

    def _read(self) -> dict[str, str]:
        """The files of the run before; of a manifest that is not ours none."""
        try:
            found = json.loads((self._folder / MANIFEST).read_text("utf-8"))
            files = found["files"]
            return {str(name): str(files[name]) for name in files if _OURS.fullmatch(name)}
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise OutsideError(
                f"cannot read {self._folder / MANIFEST}: {error.strerror}"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise OutsideError(
                f"{self._folder / MANIFEST} does not say which pages are ours: "
                "name another folder, or take this one away"
            ) from None

    def _save(self, files: dict[str, str]) -> None:
        made = {"made_by": "slurm-finops", "files": dict(sorted(files.items()))}
        text = json.dumps(made, indent=1)
        path = self._folder / MANIFEST
        if not path.is_file() or path.read_text("utf-8") != text:
            save(path, text.encode())

"""A file that somebody saved, plain or compressed, or standard input, as text."""

import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from slurm_finops.errors import InputError

_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20
#: What reading a file may raise, compressed or not.
TORN = (EOFError, OSError, zlib.error)


@contextmanager
def open_text(
    path: str, what: str = "saved sacct output"
) -> Iterator[tuple[io.TextIOWrapper, Callable[[], int]]]:
    """A file, a ``.gz`` or ``-`` (standard input) as text split at newlines only.

    With it comes how many bytes of the file have been read, 0 where it cannot be told.

    Bytes that are not UTF-8 become ``\\xNN``: kept, printable, and no valid JSON.
    Raises `InputError` for what cannot be opened or is no text; ``what`` it should be.
    """
    with ExitStack() as opened:
        try:
            raw: Any = _standard_input() if path == "-" else opened.enter_context(
                Path(path).open("rb")
            )
            stream, tell = _unzipped(raw, opened)
            if b"\0" in stream.peek(4096)[:4096]:
                raise InputError(f"{path} is a binary file, not {what}")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise InputError(f"cannot read {path}: {why(error)}") from None
        yield io.TextIOWrapper(stream, "utf-8", "backslashreplace", newline="\n"), tell


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return sys.stdin.buffer


def why(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _unzipped(raw: Any, opened: ExitStack) -> tuple[io.BufferedReader, Callable[[], int]]:
    """What a file holds, unpacked; and how far it has been read."""
    peeking = io.BufferedReader(raw, 1 << 18)
    if peeking.peek(2)[:2] != _GZIP:
        return peeking, raw.tell if raw.seekable() else int
    if not raw.seekable():
        raw = tempfile.TemporaryFile()  # noqa: SIM115 - the stack closes it
        opened.enter_context(raw)
        shutil.copyfileobj(peeking, raw, _PIECE)
        raw.seek(0)
        peeking = io.BufferedReader(raw, 1 << 18)
    _check_whole(peeking)
    peeking.seek(0)
    unzipped: Any = gzip.GzipFile(fileobj=peeking)
    return io.BufferedReader(unzipped, 1 << 18), raw.tell


def _check_whole(packed: io.BufferedReader) -> None:
    """A flipped bit shows only in the checksum at the end, after what it changed was read.

    One that merely ends early keeps what was whole.
    """
    try:
        with gzip.GzipFile(fileobj=packed) as file:
            while file.read(_PIECE):
                pass
    except EOFError:
        return
    except (OSError, zlib.error) as error:
        raise InputError(
            f"the compressed file is damaged ({why(error)}); nothing was written: copy it again"
        ) from None

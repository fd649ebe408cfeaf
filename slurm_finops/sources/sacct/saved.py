"""A saved sacct file, plain or compressed, or standard input."""

import gzip
import io
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import IO, Any

from slurm_finops.core.runs import Problem, Run
from slurm_finops.errors import InputError, OutsideError
from slurm_finops.sources.sacct.lines import Layout, LineReader, looks_like_header, unfinished
from slurm_finops.sources.sacct.stream import BLOCK, Batch, batches

_HEADER_LIMIT = 1 << 16
_GZIP = b"\x1f\x8b"
_PIECE = 1 << 20
#: As many characters of a delimiter as nobody guesses.
_UNFORGEABLE = 8


@contextmanager
def open_text(path: str) -> Iterator[tuple[io.TextIOWrapper, Callable[[], int]]]:
    """A file, a ``.gz`` or ``-`` (standard input) as text split at newlines only.

    With it comes how many bytes of the file have been read, 0 where it cannot be told.

    Bytes that are not UTF-8 become ``\\xNN``: kept, printable, and no valid JSON.
    Raises `InputError` for what cannot be opened or is no text.
    """
    with ExitStack() as opened:
        try:
            raw: Any = _standard_input() if path == "-" else opened.enter_context(
                Path(path).open("rb")
            )
            stream, tell = _unzipped(raw, opened)
            if b"\0" in stream.peek(4096)[:4096]:
                raise InputError(f"{path} is a binary file, not saved sacct output")
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise InputError(f"cannot read {path}: {_why(error)}") from None
        yield io.TextIOWrapper(stream, "utf-8", "backslashreplace", newline="\n"), tell


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return sys.stdin.buffer


def _why(error: Exception) -> str:
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
            f"the compressed file is damaged ({_why(error)}); nothing was written: copy it again"
        ) from None


class SavedFile:
    """The runs of a saved file, some at a time; what cannot be read gathers in ``problems``.

    ``delimiter`` None is read off the header.  Raises `InputError` from the
    constructor where the header does not serve, and `OutsideError` from `blocks`
    where the file cannot be read to its end.
    """

    def __init__(
        self, stream: io.TextIOWrapper, delimiter: str | None, cluster: str, zone: tzinfo
    ) -> None:
        self._stream = stream
        self._given = cluster, zone
        try:
            header = stream.readline(_HEADER_LIMIT).lstrip("\ufeff").rstrip("\n")
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"the file cannot be read: {_why(error)}") from None
        self._layout = Layout(header, delimiter, *self._given)
        self._lines = LineReader(self._layout)

    @property
    def delimiter(self) -> str:
        return self._layout.delimiter

    @property
    def forgeable(self) -> bool:
        """Whether a job's name or comment can hold the delimiter, and pass for records."""
        return len(self.delimiter) < _UNFORGEABLE

    @property
    def records(self) -> int:
        """Records that could be read, those passed over among them."""
        return self._lines.records

    @property
    def steps(self) -> int:
        """Steps passed over."""
        return self._lines.steps

    @property
    def waiting(self) -> int:
        """Jobs passed over because they wait."""
        return self._lines.waiting

    @property
    def problems(self) -> list[Problem]:
        """What could not be read so far; may be taken away."""
        return self._lines.problems

    @problems.setter
    def problems(self, problems: list[Problem]) -> None:
        self._lines.problems = problems

    def blocks(self) -> Iterator[list[Run]]:
        """Every run in the file, in its order."""
        try:
            while lines := list(islice(self._stream, BLOCK)):
                # one unusual line sends its neighbours the slow way too
                runs = None if self._lines.is_waiting else self._usual(lines)
                if runs is None:
                    runs = [run for line in lines for run in self._unusual(line)]
                else:
                    self._lines.records += len(runs)
                yield runs
        except (EOFError, OSError, zlib.error) as error:
            raise OutsideError(
                f"the file cannot be read to its end ({_why(error)}); what was whole is kept: "
                "copy it again and run the same command"
            ) from None
        yield self._lines.end()

    def _usual(self, lines: list[str]) -> list[Run] | None:
        """The runs of lines that are a whole record each; None if one may not be."""
        layout = self._layout
        ending, cut = layout.ending, -len(layout.ending)
        # each line but the file's last ends in a newline
        if not lines[-1].endswith(ending) or (
            cut < -1 and not all(line.endswith(ending) for line in lines)
        ):
            return None
        rows = [line[:cut].split(layout.delimiter) for line in lines]
        if set(map(len, rows)) != {layout.width}:
            return None
        if layout.comment_last and any(
            row[-1][-1:] != "}" and unfinished(row[-1]) for row in rows
        ):
            return None
        return layout.parser.parse_usual(rows)

    def _unusual(self, line: str) -> list[Run]:
        text = line.removesuffix("\n")
        if self._layout.carriage:
            text = text.removesuffix("\r")
        return self._header(text) if looks_like_header(text) else self._lines.line(text)

    def _header(self, text: str) -> list[Run]:
        """Files put together keep their headers, and may have other columns from there on."""
        try:
            # with the same delimiter: whoever does not know it must not choose another
            header = text + "\r" * self._layout.carriage
            layout = Layout(header, self._layout.delimiter, *self._given)
        except InputError:
            return self._lines.line(text)
        runs = self._lines.end()
        self._layout = self._lines.layout = layout
        return runs


def read_saved(
    path: str, delimiter: str | None, cluster: str, zone: tzinfo,
    opened: Callable[[SavedFile], None] = lambda file: None,
) -> Iterator[Batch]:  # fmt: skip
    """A saved file in batches; ``opened`` is told of it once its header is read.

    Raises what `SavedFile` raises, and `open_text`.
    """
    with open_text(path) as (stream, position):
        file = SavedFile(stream, delimiter, cluster, zone)
        opened(file)
        yield from batches(file, position)

"""A saved sacct file: lines -> records, where user text may hold newlines and delimiters.

A plain delimiter can be forged by a job name or a comment, so lines are joined
only while neither parses alone, and surplus fields go only into a Comment that
is the last column.  Whatever fits nowhere becomes a problem.
"""

import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from slurm_finops.core.runs import Problem, Run
from slurm_finops.errors import InputError, OutsideError
from slurm_finops.sources.sacct.fields import Unreadable
from slurm_finops.sources.sacct.record import FIELDS, RecordParser
from slurm_finops.sources.sacct.stream import BLOCK, Batch, batches

#: A record holds a job name and two comments of 1024 bytes and short fields
#: beside them: longer than this, lines do not belong together.
MAX_JOINED = 16_384
_HEADER_LIMIT = 1 << 16
#: As many characters of a delimiter as nobody guesses.
_UNFORGEABLE = 8
_LONGEST_DELIMITER = 64
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_GZIP = b"\x1f\x8b"


@contextmanager
def open_text(path: str) -> Iterator[tuple[io.TextIOWrapper, Callable[[], int]]]:
    """A file, a ``.gz`` or ``-`` (standard input) as text split at newlines only.

    With it comes how many bytes of the file have been read.

    Bytes that are not UTF-8 become ``\\xNN``: kept, printable, and no valid JSON.
    Raises `InputError` for what cannot be opened or is no text.
    """
    try:
        raw: Any = sys.stdin.buffer if path == "-" else Path(path).open("rb")  # noqa: SIM115
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    try:
        peeking = io.BufferedReader(raw, 1 << 18)
        stream = peeking
        if peeking.peek(2)[:2] == _GZIP:
            unzipped: Any = gzip.GzipFile(fileobj=peeking)
            stream = io.BufferedReader(unzipped, 1 << 18)
        try:
            if b"\0" in stream.peek(4096)[:4096]:
                raise InputError(f"{path} is a binary file, not saved sacct output")
        except (OSError, EOFError) as error:
            raise InputError(f"cannot read {path}: {error}") from None
        text = io.TextIOWrapper(stream, "utf-8", "backslashreplace", newline="\n")
        yield text, raw.tell if path != "-" else int
    finally:
        if path != "-":
            raw.close()


class _Held(NamedTuple):
    """Lines that are no record yet; ``run`` is what the first is worth alone, if anything."""

    lines: list[str]
    delimiters: int
    size: int
    run: Run | None

    def join(self, line: str, delimiter: str) -> "_Held":
        """These lines and one more."""
        return _Held(
            [*self.lines, line],
            self.delimiters + line.count(delimiter),
            self.size + len(line) + 1,
            self.run,
        )


class SavedFile:
    """The runs of a saved file, some at a time; what cannot be read gathers in ``problems``.

    Raises `InputError` from the constructor where the header does not serve, and
    `OutsideError` from `blocks` where a compressed file ends early.
    """

    def __init__(
        self, stream: io.TextIOWrapper, delimiter: str | None, cluster: str, zone: tzinfo
    ) -> None:
        self._lines = stream
        header = stream.readline(_HEADER_LIMIT).lstrip("\ufeff").rstrip("\n")
        self._carriage = header.endswith("\r")
        header = header.removesuffix("\r")
        self._header = header
        self.delimiter = delimiter = delimiter or delimiter_of(header)
        # sacct -p ends each record with the delimiter, -P does not
        self._trailing = header.endswith(delimiter)
        names = (header.removesuffix(delimiter) if self._trailing else header).split(delimiter)
        self._parser = _parser(names, delimiter, cluster, zone)
        self._width = self._parser.width
        self._ending = f"{delimiter * self._trailing}{chr(13) * self._carriage}\n"
        self._needed = self._width - 1 + self._trailing
        self.problems: list[Problem] = []
        self.records = 0

    @property
    def forgeable(self) -> bool:
        """Whether a job's name or comment can hold the delimiter, and pass for records."""
        return len(self.delimiter) < _UNFORGEABLE

    @property
    def steps(self) -> int:
        """Steps passed over."""
        return self._parser.steps

    @property
    def waiting(self) -> int:
        """Jobs passed over because they wait."""
        return self._parser.waiting

    def blocks(self) -> Iterator[list[Run]]:
        """Every run in the file, in its order."""
        held: _Held | None = None
        try:
            while lines := list(islice(self._lines, BLOCK)):
                # one unusual line sends its neighbours the slow way too
                runs = self._usual(lines) if held is None else None
                if runs is None:
                    runs, held = self._one_by_one(lines, held)
                else:
                    self.records += len(runs)
                yield runs
        except (EOFError, OSError, zlib.error) as error:
            raise OutsideError(
                f"the file cannot be read to its end ({error}); what was whole is kept: copy it "
                "again and run the same command"
            ) from None
        if held is not None:
            yield self._give_up(held)

    def _one_by_one(
        self, lines: list[str], held: _Held | None
    ) -> tuple[list[Run], _Held | None]:
        runs: list[Run] = []
        for line in lines:
            text = line.removesuffix("\n")
            if self._carriage:
                text = text.removesuffix("\r")
            found, held = self._difficult(text, held)
            runs += found
        return runs, held

    def _usual(self, lines: list[str]) -> list[Run] | None:
        """The runs of lines that are a whole record each; None if one may not be."""
        ending, cut = self._ending, -len(self._ending)
        # each line but the file's last ends in a newline
        if not lines[-1].endswith(ending) or (
            cut < -1 and not all(line.endswith(ending) for line in lines)
        ):
            return None
        rows = [line[:cut].split(self.delimiter) for line in lines]
        if set(map(len, rows)) != {self._width}:
            return None
        if self._parser.comment_last and any(
            row[-1][-1:] != "}" and _unfinished(row[-1]) for row in rows
        ):
            return None
        return self._parser.parse_usual(rows)

    def _difficult(self, line: str, held: _Held | None) -> tuple[list[Run], _Held | None]:
        """A line on its own: a record, part of one, or neither; with what is held after it."""
        run, reason = self._whole(line)
        if not reason:
            return self._give_up(held) + self._found(run), None
        if held is None and line == self._header:
            return [], None  # files put together keep their headers
        before: list[Run] = []
        if held is not None:
            joined = held.join(line, self.delimiter)
            if joined.size <= MAX_JOINED:
                if joined.delimiters >= self._needed:
                    whole, why_not = self._whole("\n".join(joined.lines))
                    if not why_not:
                        return self._found(whole), None
                if held.run is not None or joined.delimiters <= self._needed:
                    return [], joined
            before = self._give_up(held)
        return before, _Held([line], line.count(self.delimiter), len(line), run)

    def _found(self, run: Run | None) -> list[Run]:
        self.records += 1
        return [] if run is None else [run]

    def _whole(self, text: str) -> tuple[Run | None, str]:
        """``(run, "")`` for a whole record; else why not, with the run it may still be.

        A last Comment that opens a JSON object and does not close it goes on in
        the next line; should it not, the record stands as it is.
        """
        delimiter, width = self.delimiter, self._width
        if self._trailing:
            if not text.endswith(delimiter):
                return None, "the record is cut short"
            text = text[: -len(delimiter)]
        fields = text.split(delimiter)
        if len(fields) < width:
            return None, f"{len(fields)} fields where the header has {width}"
        surplus = len(fields) > width
        if surplus:
            if not self._parser.comment_last:
                return None, f"{len(fields)} fields where the header has {width}"
            fields[width - 1 :] = [delimiter.join(fields[width - 1 :])]
        comment = fields[-1]
        try:
            run = self._parser.parse(fields)
        except Unreadable as error:
            also = f" (does a text before Comment hold {delimiter!r}?)" if surplus else ""
            return None, f"{error}{also}"
        if self._parser.comment_last and _unfinished(comment):
            return run, "its comment goes on"
        return run, ""

    def _give_up(self, held: _Held | None) -> list[Run]:
        """What is held was no record: its first line's run if it has one, problems for the rest."""
        if held is None:
            return []
        runs = [] if held.run is None else self._found(held.run)
        for text in self._apart(held.lines[len(runs) :]):
            self.problems.append(Problem(text, self._whole(text)[1]))
        return runs

    def _apart(self, lines: list[str]) -> Iterator[str]:
        """Lines that begin like a record start a problem of their own; blank ones are none."""
        text = ""
        for line in lines:
            if text and self._begins_record(line):
                yield text
                text = line
            else:
                text = f"{text}\n{line}" if text else line
        if text.strip():
            yield text

    def _begins_record(self, line: str) -> bool:
        head, found, _ = line.partition(self.delimiter)
        return bool(found) and head[:1].isdecimal()


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


def delimiter_of(header: str) -> str:
    """The shortest text that splits a header into different names; ``|`` if none does."""
    first = _NAME.match(header)
    start = first.end() if first else len(header)
    # the name itself may be cut short: a delimiter such as |q7Zk| holds letters
    for length in range(1, _LONGEST_DELIMITER):
        delimiter = header[start : start + length]
        names = header.removesuffix(delimiter).split(delimiter) if delimiter else []
        if len(names) > 2 and len(set(names)) == len(names) and all(map(_NAME.fullmatch, names)):
            return delimiter
    return "|"


def _unfinished(comment: str) -> bool:
    """Whether a comment opens a JSON object that it does not close."""
    if not comment.startswith("{"):
        return False
    if comment.endswith("}") and "\n" not in comment:
        return False
    try:
        json.loads(comment, strict=False)
    except ValueError:
        return True
    except RecursionError:
        return False
    return False


def _parser(names: list[str], delimiter: str, cluster: str, zone: tzinfo) -> RecordParser:
    try:
        return RecordParser(names, cluster, zone)
    except InputError as error:
        if len(names) > 1:
            raise
        raise InputError(
            f"the header is not split by {delimiter!r}: {names[0][:120]!r}.  Name the delimiter "
            "with --delimiter, and save sacct with a header: sacct -P -o " + ",".join(FIELDS)
        ) from error

"""Lines of a saved file -> records, where a text may hold newlines and delimiters.

A line that is a record on its own is never joined to what stands before it: a
comment must not swallow another run.  Other lines are joined while they may
still become one, and surplus fields go only into a Comment that is the last
column.  Whatever fits nowhere becomes a problem, each line of it.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from slurm_finops.core.runs import Problem, Run
from slurm_finops.errors import InputError
from slurm_finops.sources.sacct.fields import Unreadable
from slurm_finops.sources.sacct.record import FIELDS, Passed, RecordParser

#: A record holds a job name and two comments of 1024 bytes and short fields
#: beside them: longer than this, lines do not belong together.
MAX_JOINED, _MAX_LINES = 16_384, 2_100
#: So often a text that grows is looked at: each look reads all of it.
_MAX_TRIES = 64
_LONGEST_DELIMITER = 64
_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_GOES_ON = "its comment goes on"
Found = Run | Passed


class Layout:
    """What a header says of the lines below it.  Raises `InputError` if it does not serve."""

    def __init__(self, header: str, delimiter: str | None, cluster: str, zone: tzinfo) -> None:
        self.carriage = header.endswith("\r")
        header = header.removesuffix("\r")
        self.delimiter = delimiter or delimiter_of(header)
        # sacct -p ends each record with the delimiter, -P does not
        self.trailing = header.endswith(self.delimiter)
        names = self.split(header) or [header]
        self.parser = _parser(names, self.delimiter, cluster, zone)
        self.width = self.parser.width
        self.comment_last = self.parser.comment_last
        self.ending = f"{self.delimiter * self.trailing}{chr(13) * self.carriage}\n"
        #: as many delimiters as a whole record has
        self.needed = self.width - 1 + self.trailing

    def split(self, text: str) -> list[str] | None:
        """The fields of a line; None if it does not end as a record does."""
        if self.trailing:
            if not text.endswith(self.delimiter):
                return None
            text = text[: -len(self.delimiter)]
        return text.split(self.delimiter)

    def read(self, text: str) -> tuple[Found | None, str]:
        """``(record, "")`` for a whole record, ``(None, why not)`` for none.

        A last Comment that opens a JSON object and does not close it may go on
        in the next line: ``(record, _GOES_ON)``.
        """
        fields = self.split(text)
        if fields is None:
            return None, "the record is cut short"
        surplus = len(fields) - self.width
        if surplus < 0 or (surplus and not self.comment_last):
            return None, f"{len(fields)} fields where the header has {self.width}"
        if surplus:
            fields[self.width - 1 :] = [self.delimiter.join(fields[self.width - 1 :])]
        comment = fields[-1]
        try:
            found = self.parser.parse(fields)
        except Unreadable as error:
            also = f" (does a text before Comment hold {self.delimiter!r}?)" if surplus else ""
            return None, f"{error}{also}"
        return found, _GOES_ON if self.comment_last and unfinished(comment) else ""


@dataclass
class _Held:
    """Lines that are no record yet; ``found`` is what the first one is alone, if anything."""

    lines: list[str]
    delimiters: int
    size: int
    found: Found | None = None
    tries: int = 0


class LineReader:
    """Reads lines one at a time; what cannot be read gathers in ``problems``."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.problems: list[Problem] = []
        self.records = self.steps = self.waiting = 0
        self._held: _Held | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether lines are held that the next one may complete."""
        return self._held is not None

    def line(self, text: str) -> list[Run]:
        """The runs that are known once this line (without its end) is read."""
        found, reason = self.layout.read(text)
        if found is not None:
            runs = self.end()
            if not reason:
                return runs + self._taken(found)
            self._held = self._hold(text, found)
            return runs
        if self._held is None:
            self._held = self._hold(text) if text.strip() else None
            return []
        return self._join(self._held, text)

    def end(self) -> list[Run]:
        """What is held was no record: the run of its first line if it has one, else problems."""
        held, self._held = self._held, None
        if held is None:
            return []
        runs: list[Run] = []
        lines = held.lines
        if held.found is not None:
            runs, lines = self._taken(held.found), lines[1:]
        for text in self._apart(lines):
            found, reason = self.layout.read(text)
            if found is not None:
                runs += self._taken(found)
            else:
                self.problems.append(Problem(text, reason))
        return runs

    def _hold(self, text: str, found: Found | None = None) -> _Held:
        return _Held([text], text.count(self.layout.delimiter), len(text), found)

    def _join(self, held: _Held, text: str) -> list[Run]:
        delimiters = held.delimiters + text.count(self.layout.delimiter)
        size = held.size + len(text) + 1
        if size <= MAX_JOINED and len(held.lines) < _MAX_LINES and held.tries < _MAX_TRIES:
            if self._may_be_whole(held, delimiters, text):
                held.tries += 1
                found, reason = self.layout.read("\n".join([*held.lines, text]))
                if found is not None and not reason:
                    self._held = None
                    return self._taken(found)
            if held.found is not None or delimiters <= self.layout.needed:
                held.lines.append(text)
                held.delimiters, held.size = delimiters, size
                return []
        runs = self.end()
        self._held = self._hold(text) if text.strip() else None
        return runs

    def _may_be_whole(self, held: _Held, delimiters: int, text: str) -> bool:
        if held.found is not None:  # a comment that goes on until its object is closed
            return text.removesuffix(self.layout.delimiter).rstrip().endswith("}")
        return delimiters >= self.layout.needed

    def _taken(self, found: Found) -> list[Run]:
        self.records += 1
        if isinstance(found, Run):
            return [found]
        self.steps += found is Passed.STEP
        self.waiting += found is Passed.WAITING
        return []

    def _apart(self, lines: list[str]) -> Iterator[str]:
        """Lines that begin like a record start a text of their own; blank ones are none."""
        part: list[str] = []
        for line in lines:
            if part and self._begins_record(line):
                yield "\n".join(part)
                part = []
            part.append(line)
        if any(map(str.strip, part)):
            yield "\n".join(part)

    def _begins_record(self, line: str) -> bool:
        head, found, _ = line.partition(self.layout.delimiter)
        return bool(found) and head[:1].isdecimal()


def delimiter_of(header: str) -> str:
    """The shortest text that splits a header into different names; ``|`` if none does."""
    first = _NAME.match(header)
    start = first.end() if first else len(header)
    for length in range(1, _LONGEST_DELIMITER):
        delimiter = header[start : start + length]
        names = header.removesuffix(delimiter).split(delimiter) if delimiter else []
        if len(names) > 2 and len(set(names)) == len(names) and all(map(_NAME.fullmatch, names)):
            return delimiter
    return "|"


def looks_like_header(line: str) -> bool:
    """Whether a line names columns: files put together keep their headers."""
    names = line.lower()
    return "jobid" in names and "submit" in names and not any(c.isdecimal() for c in line[:5])


def unfinished(comment: str) -> bool:
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
        said = f"{names[0][:120]!r}"
        if "jobid" in said.lower():
            why = (f"the header is not split by {delimiter!r}: {said}.  Name the delimiter with "
                   "--delimiter, and save")  # fmt: skip
        else:
            why = f"this is no sacct output: its first line names no columns: {said}.  Save"
        raise InputError(f"{why} sacct with a header: sacct -P -o {','.join(FIELDS)}") from error

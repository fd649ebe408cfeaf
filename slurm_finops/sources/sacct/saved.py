"""A saved sacct file, plain or compressed, or standard input."""

import io
from collections.abc import Callable, Iterator
from datetime import tzinfo
from itertools import islice

from slurm_finops.core.runs import Problem, Run
from slurm_finops.errors import InputError, OutsideError
from slurm_finops.sources.files import TORN, open_text, why
from slurm_finops.sources.sacct.lines import Layout, LineReader, looks_like_header, unfinished
from slurm_finops.sources.sacct.stream import BLOCK, Batch, batches

_HEADER_LIMIT = 1 << 16
#: As many characters of a delimiter as nobody guesses.
_UNFORGEABLE = 8


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
        except TORN as error:
            raise InputError(f"the file cannot be read: {why(error)}") from None
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
        except TORN as error:
            raise OutsideError(
                f"the file cannot be read to its end ({why(error)}); what was whole is kept: "
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

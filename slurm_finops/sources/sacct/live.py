"""sacct, run and read as a stream."""

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime

from slurm_finops.core.runs import Problem, Run
from slurm_finops.errors import OutsideError
from slurm_finops.sources.sacct.record import FIELDS, RecordParser
from slurm_finops.sources.sacct.rows import RowReader
from slurm_finops.sources.sacct.stream import BLOCK, Batch, batches
from slurm_finops.sources.slurm import environment

_BYTES = 1 << 16


def sacct_command(since: int, until: int, delimiter: str) -> list[str]:
    """The command for all runs that overlap ``[since, until)``.

    No ``-s``: with a state filter the window means something else for every
    state.  ``-D`` keeps the earlier runs of requeued jobs, ``-X`` leaves steps out.
    """
    window = [
        f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}" for at in (since, until)
    ]
    return [
        "sacct", "-a", "-X", "-D", "-p", f"--delimiter={delimiter}",
        "-S", window[0], "-E", window[1], "-o", ",".join(FIELDS),
    ]  # fmt: skip


class LiveWindow(RowReader):
    """The runs of one window, while sacct prints them.

    The delimiter is random for each call and fields are counted, so no user text
    can forge or break a record.  `blocks` raises `OutsideError` with
    sacct's own words if it fails; what it gave before is whole.
    """

    def __init__(self, since: int, until: int, cluster: str) -> None:
        super().__init__()
        self._delimiter = f"\x1f{secrets.token_hex(6)}\x1f"
        self._command = sacct_command(since, until, self._delimiter)
        self._cluster = cluster
        #: what follows the last whole record; if sacct failed, it is asked for again
        self._torn = b""

    def blocks(self) -> Iterator[list[Run]]:
        """Every run sacct prints, as it prints it."""
        with tempfile.TemporaryFile() as errors:
            try:
                process = subprocess.Popen(
                    self._command, stdout=subprocess.PIPE, stderr=errors,
                    stdin=subprocess.DEVNULL, env=environment(),
                )  # fmt: skip
            except OSError as error:
                raise OutsideError(f"cannot run sacct: {error.strerror}") from None
            header = False
            try:
                for runs in self._parse(process):
                    header = True
                    yield runs
                code = process.wait()
            finally:
                process.kill()
                process.wait()
                if process.stdout:
                    process.stdout.close()
            if code or not header:
                errors.seek(0)
                said = errors.read().decode("utf-8", "replace").strip()
                how = f"failed (exit {code})" if code else "printed not even its header"
                raise OutsideError(f"sacct {how}: {said or 'it said nothing'}")
            if self._torn:
                text = self._torn.decode("utf-8", "backslashreplace")
                text = text.replace(self._delimiter, "|")
                self.problems.append(Problem(text, "sacct stopped in the middle of this record"))
                yield []

    def _parse(self, process: subprocess.Popen[bytes]) -> Iterator[list[Run]]:
        parser: RecordParser | None = None
        for rows in self._split(process):
            if parser is None:
                parser = RecordParser(rows.pop(0), self._cluster, UTC)
                yield []
            for i in range(0, len(rows), BLOCK):
                yield self.read(parser, rows[i : i + BLOCK])

    def _split(self, process: subprocess.Popen[bytes]) -> Iterator[list[list[str]]]:
        """Rows of fields as they arrive: so many fields are a record, whatever is in them.

        Not what ends in the delimiter and a newline: a name or a comment may begin
        with one.
        """
        assert process.stdout is not None
        mark, width = self._delimiter.encode(), len(FIELDS)
        fields: list[bytes] = []
        rest = b""
        while block := process.stdout.read1(_BYTES):  # type: ignore[attr-defined]
            *whole, rest = (rest + block).split(mark)
            fields += whole
            count = len(fields) // width * width
            if count:
                yield self._rows(mark.join(fields[:count]), width)
                del fields[:count]
        self._torn = mark.join([*fields, rest]).strip()

    def _rows(self, data: bytes, width: int) -> list[list[str]]:
        texts = data.decode("utf-8", "backslashreplace").split(self._delimiter)
        rows = [texts[i : i + width] for i in range(0, len(texts), width)]
        for row in rows:
            row[0] = row[0].removeprefix("\n")  # of the record before
        return rows


def read_live(since: int, until: int, cluster: str) -> Iterator[Batch]:
    """One window of sacct in batches.  Raises what `LiveWindow` raises."""
    yield from batches(LiveWindow(since, until, cluster))

"""Runs gathered into batches, with what was passed over on the way."""

from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

from slurm_finops.core.runs import Problem, Run
from slurm_finops.errors import FinopsError

#: Records looked at together.  Few enough that their texts stay in a processor's
#: cache from reading to storing: 5000 at a time took a third longer.
BLOCK = 200


class Batch(NamedTuple):
    """Some runs and problems of a source, and what was passed over since the last batch.

    ``position`` is how many bytes of the source have been read, 0 if unknown.
    """

    runs: list[Run]
    problems: list[Problem]
    records: int
    steps: int
    waiting: int
    position: int


class Reader(Protocol):
    """What a source of blocks of runs counts and gathers beside them."""

    problems: list[Problem]

    @property
    def records(self) -> int:
        """Records that could be read, those passed over among them."""
        ...

    @property
    def steps(self) -> int:
        """Steps passed over."""
        ...

    @property
    def waiting(self) -> int:
        """Jobs passed over because they wait."""
        ...

    def blocks(self) -> Iterator[list[Run]]:
        """Runs, some at a time."""
        ...


def batches(reader: Reader, position: Callable[[], int] = int) -> Iterator[Batch]:
    """What ``reader`` finds.  Should it fail, what was whole is handed on before its error."""
    blocks = reader.blocks()
    failure: FinopsError | None = None
    before = 0, 0, 0
    found: list[Run] | None = []
    while found is not None:
        try:
            found = next(blocks, None)
        except FinopsError as error:
            found, failure = None, error
        problems, reader.problems = reader.problems, []
        counts = reader.records, reader.steps, reader.waiting
        records, steps, waiting = (
            now - then for now, then in zip(counts, before, strict=True)
        )
        yield Batch(found or [], problems, records, steps, waiting, position())
        before = counts
    if failure:
        raise failure

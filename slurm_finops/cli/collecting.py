"""Joining a source to the ledger: batches in, a tally out."""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import now
from slurm_finops.core.words import count
from slurm_finops.errors import FinopsError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from slurm_finops.ledger.ingest import Tally
    from slurm_finops.ledger.runs import RunWriter
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.sources.sacct.stream import Batch

#: Batches in one transaction of a saved file: 50,000 runs.
_GROUP = 250
#: Batches of a live source that are gathered, with no transaction open, and then stored.
_GATHER = 25
#: A file whose first lines are all unreadable is given up after so many.
_HOPELESS = 5000


def checked(batches: Iterator[Batch], name: str) -> Iterator[Batch]:
    """The same batches, once the first readable record has been seen.

    Raises `InputError`, before anything is written, for a file whose records
    are all unreadable.  A file with a header and nothing else is an empty answer.
    """
    seen: list[Batch] = []
    problems = 0
    for batch in batches:
        seen.append(batch)
        problems += len(batch.problems)
        if batch.records or problems > _HOPELESS:
            break
    if problems and not any(batch.records for batch in seen):
        first = next(problem for batch in seen for problem in batch.problems)
        raise InputError(
            f"{name}: no readable record, {problems:,} unreadable; the first: {first.reason}: "
            f"{first.text[:200]!r}.  Nothing was written"
        )
    return chain(seen, batches)


class _Until:
    """An iterator that ends at a `FinopsError`, and keeps it."""

    def __init__(self, batches: Iterable[Batch]) -> None:
        self._batches = iter(batches)
        self.error: FinopsError | None = None

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        try:
            return next(self._batches)
        except FinopsError as error:
            self.error = error
            raise StopIteration from None


def store(
    ledger: Ledger, batches: Iterable[Batch], source: str, tally: Tally,
    *, live: bool = False, progress: Callable[[Batch], None] = lambda batch: None,
) -> None:  # fmt: skip
    """Write batches and count them in ``tally``.

    What came before a failure of the source is stored before it is raised.
    """
    from slurm_finops.ledger.live import recall
    from slurm_finops.ledger.runs import RunWriter

    until = _Until(batches)
    writer = RunWriter(ledger)
    with ledger.bulk():
        # no transaction is open while a live source is waited for
        while group := list(islice(until, _GATHER)) if live else _some(islice(until, _GROUP)):
            with ledger.transaction():
                for batch in group:
                    _store_batch(ledger, writer, batch, source, tally)
                    progress(batch)
    recall(ledger)
    if until.error:
        raise until.error


def _some(batches: Iterator[Batch]) -> Iterator[Batch] | None:
    """The same batches, or None if there are none."""
    first = next(batches, None)
    return None if first is None else chain([first], batches)


def _store_batch(
    ledger: Ledger, writer: RunWriter, batch: Batch, source: str, tally: Tally
) -> None:
    from slurm_finops.ledger.problems import write_problems

    written = writer.write(batch.runs)
    tally.new += written.new
    tally.changed += written.changed
    tally.problems += write_problems(ledger, source, batch.problems, now())
    tally.records += batch.records
    tally.steps += batch.steps
    tally.waiting += batch.waiting


def collect_file(
    ledger: Ledger, batches: Iterator[Batch], name: str, cluster: str,
    progress: Callable[[Batch], None] = lambda batch: None,
) -> Tally:  # fmt: skip
    """Store a saved file, and log it."""
    from slurm_finops.core.words import storable
    from slurm_finops.ledger.ingest import Tally, begin, finish

    tally = Tally()
    run = begin(ledger, storable(f"file:{name}"), cluster, now())
    try:
        # who writes into a pipe may take his time
        store(ledger, batches, "sacct", tally, live=name == "-", progress=progress)
    except FinopsError as error:
        finish(ledger, run, now(), tally, str(error))
        raise
    finish(ledger, run, now(), tally)
    return tally


def _read_sacct(since: int, until: int, cluster: str) -> Iterator[Batch]:
    from slurm_finops.sources.sacct.live import read_live

    return read_live(since, until, cluster)


class Source(NamedTuple):
    """A way to Slurm's accounting: its name, and what reads ``[since, until)`` of a cluster."""

    name: str
    read: Callable[[int, int, str], Iterator[Batch]]


SACCT = Source("sacct", _read_sacct)


def collect_live(
    ledger: Ledger, cluster: str, since: int, until: int, automatic: bool = False,
    progress: Callable[[int], None] = lambda slices: None, source: Source = SACCT,
) -> Tally:  # fmt: skip
    """Collect ``[since, until)`` from a source, in slices of days; each is logged when whole.

    A failure ends the run; the next goes on from the last whole slice.
    """
    from slurm_finops.ledger.ingest import Tally, begin, finish

    total = Tally()
    for start, end in slices(since, until):
        tally = Tally()
        run = begin(ledger, source.name, cluster, now(), start, end, automatic)
        try:
            _collect_slice(ledger, source, cluster, start, end, tally)
        except FinopsError as error:
            finish(ledger, run, now(), tally, str(error))
            raise
        finish(ledger, run, now(), tally)
        total.add(tally)
        progress(1)
    return total


def _collect_slice(
    ledger: Ledger, source: Source, cluster: str, start: int, end: int, tally: Tally
) -> None:
    store(ledger, source.read(start, end, cluster), source.name, tally, live=True)
    if tally.problems and not tally.records:
        raise InputError(
            f"{source.name} gave {count(tally.problems, 'record')}, and none could be read; see: "
            "slurm-finops problems"
        )


def slices(since: int, until: int) -> list[tuple[int, int]]:
    """``[since, until)`` in days: sacct holds a whole answer in memory."""
    day = 86_400
    return [(start, min(start + day, until)) for start in range(since, until, day)]


def window(ledger: Ledger, cluster: str, month_start: int, as_of: int) -> tuple[int, int]:
    """What to collect by default: from two days before the end of what is whole, up to now.

    The first time from the start of this billing month.  A run that has been
    running for longer is in the window too: sacct lists what overlaps it.  One
    whose end came to light later is asked for by its id (`running`).
    """
    from slurm_finops.ledger.ingest import collected_through

    through = collected_through(ledger, "sacct", cluster)
    return (month_start if through is None else through - 2 * 86_400), as_of

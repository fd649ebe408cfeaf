"""What a past period would have cost by other terms, in a ledger that is thrown away."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.period import Period
from slurm_finops.ledger.store import Ledger, translated

#: What runs are stored by.
_NAMED = ("clusters", "contexts", "tres", "tag_sets")
#: What capacity of pools, and of reservations, is known from.
_NODES = ("nodes_seen", "node_capacity", "node_events", "reservations")


@contextmanager
def rehearsed(
    ledger: Ledger, terms: Terms, period: Period, as_of: int, folder: Path | None = None
) -> Iterator[Ledger]:
    """A ledger of the runs of the billing months of ``period``, priced by ``terms``.

    It lies in ``folder`` (by default the system's for such files) and is removed
    at the end; ``ledger`` is read and stays as it is.  Raises `AllocationError`.
    """
    calendar = terms.calendar
    first = calendar.month_of(period.first).start
    last = calendar.month_of(period.last - 1).end
    with TemporaryDirectory(prefix="slurm-finops-", dir=folder) as place:
        copy = Ledger.open(
            Path(place) / "what-if.db", ledger.setting("currency") or "",
            ledger.setting("timezone") or "",
        )  # fmt: skip
        try:
            with translated(copy.path):
                _copy(ledger.db, copy.db, first, last)
            price(copy, terms, as_of)
            yield copy
        finally:
            copy.close()


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, first: int, last: int) -> None:
    """Runs that held something in ``[first, last)``, with what they name."""
    target.execute("BEGIN")
    for table in (*_NAMED, *_NODES):
        _rows(source, target, table, "1", ())
    _rows(
        source, target, "jobs", "start < ? AND start + elapsed + suspended > ?", (last, first)
    )
    target.execute("COMMIT")


def _rows(
    source: sqlite3.Connection, target: sqlite3.Connection, table: str, where: str,
    values: tuple[int, ...],
) -> None:  # fmt: skip
    rows = source.execute(f"SELECT * FROM {table} WHERE {where}", values)
    places = ", ".join("?" * len(rows.description))
    target.executemany(f"INSERT INTO {table} VALUES ({places})", rows)

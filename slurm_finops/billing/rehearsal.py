"""What a past period would have cost by other terms, in a ledger that is thrown away."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.billing.tiers import Earlier, carry
from slurm_finops.core.period import Period
from slurm_finops.ledger import draws
from slurm_finops.ledger.store import Ledger, translated

#: What runs are stored by.
_NAMED = ("clusters", "contexts", "tres", "tag_sets")
#: What capacity of pools, and of reservations, is known from.
_NODES = ("nodes_seen", "node_capacity", "node_events", "reservations")
#: What was given by hand.
_GIVEN = ("credits", "retags")


@contextmanager
def rehearsed(
    ledger: Ledger, terms: Terms, period: Period, as_of: int, folder: Path | None = None
) -> Iterator[Ledger]:
    """A ledger of the runs of the billing months of ``period``, priced by ``terms``.

    It lies in ``folder`` (by default the system's for such files) and is removed
    at the end; ``ledger`` is read and stays as it is.  Raises `AllocationError`.

    Teams begin on the levels of tiers that they had reached, and lots hold what
    ``ledger`` has left in them; one that it does not know, or that counted something else,
    is whole.
    """
    calendar = terms.calendar
    month = calendar.month_of(period.first)
    last = calendar.month_of(period.last - 1).end
    earlier = Earlier(ledger, month.first)
    with TemporaryDirectory(prefix="slurm-finops-", dir=folder) as place:
        copy = Ledger.open(
            Path(place) / "what-if.db", ledger.setting("currency") or "",
            ledger.setting("timezone") or "",
        )  # fmt: skip
        try:
            with translated(copy.path):
                _copy(ledger.db, copy.db, month.start, last)
                _carry(earlier, copy, terms)
            price(copy, terms, as_of, earlier=earlier)
            yield copy
        finally:
            copy.close()


def _carry(earlier: Earlier, copy: Ledger, terms: Terms) -> None:
    """What comes from before the copied months."""
    with copy.transaction() as db:
        carry(earlier, copy, terms)
        stored = draws.lots(earlier.ledger.db)
        for lot in terms.charging.lots:
            if lot.name in stored and stored[lot.name].hours == lot.hours:
                draws.carry(earlier.ledger.db, db, lot.name, earlier.first)


def _copy(source: sqlite3.Connection, target: sqlite3.Connection, first: int, last: int) -> None:
    """Runs that held something in ``[first, last)``, with what they name."""
    target.execute("BEGIN")
    for table in (*_NAMED, *_NODES, *_GIVEN):
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

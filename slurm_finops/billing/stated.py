"""A month's lines, whatever its state: as they were stated, or as they would be now."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from slurm_finops.billing.closing import Drawn, staged
from slurm_finops.billing.owed import Books
from slurm_finops.billing.staging import Staging
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.posted import Posted
from slurm_finops.ledger import posted as table
from slurm_finops.ledger.posted import Closed, Statement
from slurm_finops.ledger.store import Ledger


@dataclass(frozen=True)
class Month:
    """A month as it is read; ``closed`` None: a draft, whose lines have no numbers.

    ``head``: that of the chain, with this month in it if it is closed.
    """

    period: Period
    closed: Closed | None
    statements: tuple[Statement, ...]
    head: str
    _lines: Callable[[], Iterator[Posted]]
    _by_day: Callable[[], Iterator[Posted]]
    staging: Staging | None = None

    def lines(self) -> Iterator[Posted]:
        """All lines, statement by statement."""
        return self._lines()

    def by_day(self) -> Iterator[Posted]:
        """The same day by day."""
        return self._by_day()

    @property
    def kept(self) -> dict[str, list[list[Any]]]:
        """What is held, moved and refused, as `Staging.kept` has it."""
        if self.closed is not None:
            basis = json.loads(self.closed.basis)
            return {name: basis[name] for name in ("held", "moved", "refused")}
        return self.staging.kept() if self.staging else {}

    @property
    def waived(self) -> tuple[tuple[str, str], ...]:
        """The checks that the close waived, and why."""
        if self.closed is None:
            return ()
        found: dict[str, str] = json.loads(self.closed.basis)["waived"]
        return tuple(sorted(found.items()))


def month(ledger: Ledger, books: Books, calendar: Calendar, period: Period) -> Month:
    """A month that is closed as it was stated; another as it would be if it closed now."""
    known = table.closed(ledger.db)
    head = known[-1].sha256 if known else ""
    of = next((one for one in known if one.label == period.label), None)
    if of is None:
        staging = staged(ledger, books, calendar, period)
        drawn = Drawn(staging, books.digits)
        return Month(
            period, None, (), head, lambda: drawn.posted(period.label),
            lambda: iter(sorted(drawn.posted(period.label), key=lambda line: line.day)), staging,
        )  # fmt: skip
    statements = tuple(table.statements_of(ledger.db, of.id))
    return Month(
        period, of, statements, head, lambda: _stated(ledger, of, statements),
        lambda: table.lines_by_day(ledger.db, of.id, of.label, table.Named(ledger.db)),
    )  # fmt: skip


def _stated(
    ledger: Ledger, of: Closed, statements: tuple[Statement, ...]
) -> Iterator[Posted]:
    named = table.Named(ledger.db)
    for one in statements:
        for _, line in table.lines(ledger.db, one, of.label, named):
            yield line

"""Months to close: runs, books and what was stated, for the tests of billing periods."""

from fractions import Fraction

from slurm_finops.billing.closing import Closing, close
from slurm_finops.billing.owed import Books
from slurm_finops.core.money import TICKS
from slurm_finops.core.posted import Posted
from slurm_finops.ledger import posted as table
from slurm_finops.ledger.posted import Closed
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR
from tests.support import JUNE

MAY, JULY, AUGUST = JUNE - 31 * 86_400, JUNE + 30 * 86_400, JUNE + 61 * 86_400


def close_month(
    ledger: Ledger, label: str, books: Books | None = None, actor: str = "clerk"
) -> Closed:
    closing = Closing(CALENDAR.period(label), AUGUST, actor, "", "0", {"rates": []})
    return close(ledger, books or Books(), CALENDAR, closing)[0]


def stated(ledger: Ledger, label: str | None = None) -> list[Posted]:
    """All lines of all months, or of one."""
    named = table.Named(ledger.db)
    return [
        line
        for period in table.closed(ledger.db) if label in (None, period.label)
        for statement in table.statements_of(ledger.db, period.id)
        for _, line in table.lines(ledger.db, statement, period.label, named)
    ]  # fmt: skip


def totals(ledger: Ledger) -> dict[str, int]:
    """Month -> minor units."""
    return {one.label: one.amount_minor for one in table.closed(ledger.db)}


def units(ticks: int) -> Fraction:
    return Fraction(ticks, TICKS)

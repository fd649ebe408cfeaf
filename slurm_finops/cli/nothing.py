"""Why there is nothing to be told of a period."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger


def nothing_held(ledger: Ledger, period: Period, who: str) -> str:
    """That nothing was held by them in a period, and of which days there is something."""
    return f"nothing was held by {who} in {period.label}; {known_days(ledger)}"


def known_days(ledger: Ledger) -> str:
    """The first and the last day that the ledger has costs of, in words."""
    from slurm_finops.core.period import day_date
    from slurm_finops.ledger.served import days

    found = days(ledger.db)
    if found is None:
        return "the ledger has no costs yet"
    return f"the ledger has costs from {day_date(found[0])} to {day_date(found[1])}"

"""Who approved the rates, brought up to date in the ledger: nothing is priced again for it."""

from collections.abc import Iterable, Sequence

from slurm_finops.core.approval import changes
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.rates import replace_rates
from slurm_finops.ledger.store import Ledger


def sync_approvals(
    ledger: Ledger, stored: Iterable[Rate], rates: Sequence[Rate], as_of: int, actor: str
) -> None:
    """Store rates that differ from those stored in their approvals alone, and audit that."""
    said = changes(stored, rates)
    if said:
        with ledger.transaction() as db:
            replace_rates(db, rates)
            _audit(ledger, said, as_of, actor)


def audit_approvals(
    ledger: Ledger, stored: Iterable[Rate], rates: Iterable[Rate], as_of: int, actor: str
) -> None:
    """Of rates that are stored for their prices: audit what is approved otherwise, too."""
    _audit(ledger, changes(stored, rates), as_of, actor)


def _audit(ledger: Ledger, said: Iterable[str], as_of: int, actor: str) -> None:
    for one in said:
        ledger.audit(as_of, actor, "approval", one)

"""What teams still hold of their allocations, as the ledger's draws have it."""

from collections.abc import Iterable

from slurm_finops.core.holdings import Holding, holding
from slurm_finops.core.lots import Lot
from slurm_finops.ledger import draws as table
from slurm_finops.ledger.store import Ledger


def holdings(ledger: Ledger, lots: Iterable[Lot], day: int) -> list[Holding]:
    """The lots at the end of a day, a team's in the order in which they are used."""
    ids = {name: stored.id for name, stored in table.lots(ledger.db).items()}
    drawn = table.drawn(ledger.db)
    ordered = sorted(lots, key=lambda lot: (lot.team, lot.order, lot.name))
    # a lot that no pricing has seen yet has paid nothing
    return [holding(lot, day, drawn.get(ids.get(lot.name, 0), {})) for lot in ordered]

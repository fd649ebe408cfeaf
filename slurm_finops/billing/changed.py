"""Whether a ledger's charges are not what the site now says that they are to be."""

from slurm_finops.billing import charging as charging_policy
from slurm_finops.billing import drawing
from slurm_finops.billing.terms import owners_digest
from slurm_finops.core.charging import Charging
from slurm_finops.core.policy import Policy
from slurm_finops.ledger.store import Ledger


def charged_otherwise(
    ledger: Ledger, policy: Policy, suspended: bool, charging: Charging
) -> bool:
    """Whether `price` would charge, credit or attribute known runs otherwise than they are.

    That is beside rates (`core.rates.touched`) and what is shared (`allocation.outdated`).
    """
    made_by = {"owners": owners_digest(policy), "suspended": "charge" if suspended else "free"}
    stored = {name: ledger.setting(name) for name in made_by}
    return (
        any(stored[name] not in (None, now) for name, now in made_by.items())
        or charging_policy.has_changed(ledger, charging)
        or drawing.outdated(ledger, charging.lots)
    )

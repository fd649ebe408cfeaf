"""All that is apportioned at a site: what finops.toml says, and lines that were imported."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from slurm_finops.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slurm_finops.cli.app import App
    from slurm_finops.config import Config
    from slurm_finops.core.pools import Allocation
    from slurm_finops.ledger.lines import Dated
    from slurm_finops.ledger.store import Ledger


def all_allocation(config: Config, ledger: Ledger) -> Allocation:
    """What is to be apportioned now.  Raises `ConfigError` where a name is that of two."""
    from slurm_finops.ledger.lines import imported_lines

    hint = "All lines are in: slurm-finops lines list"
    return with_lines(config, imported_lines(ledger.db, config.calendar), hint)


def with_lines(config: Config, lines: Sequence[Dated], hint: str) -> Allocation:
    """What finops.toml says with these lines beside it; an error ends with ``hint``."""
    from slurm_finops.core.pools import check_names
    from slurm_finops.core.rates import RateError
    from slurm_finops.ledger.lines import origins

    what, file = config.allocation, config.path.name
    found = origins(lines)
    named = [(name, f"{file} {where}") for name, where in what.named]
    named += [(line.name, line.where) for line in found]
    # lines that share a name go by others; what they share is taken all the same
    taken = {line.name for line in found}
    named += {one.name: one.line.where for one in lines if one.name not in taken}.items()
    try:
        check_names(named)
    except RateError as error:
        raise ConfigError(f"{error}.  {hint}") from None
    return replace(what, lines=(*what.lines, *found))


def is_outdated(app: App, ledger: Ledger) -> bool:
    """Whether what is charged and shared in the ledger is not as it is to be now, rates apart."""
    from slurm_finops.billing.allocation import outdated
    from slurm_finops.billing.changed import charged_otherwise

    terms = app.terms
    return charged_otherwise(
        ledger, terms.policy, terms.charge_suspended, terms.charging
    ) or outdated(ledger, terms.allocation, terms.policy, terms.calendar)

"""advise --what-if: a past period under other rates, pools and rules; nothing is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from slurm_finops.cli.app import App
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger


def what_if(
    app: App, ledger: Ledger, period: Period, path: Path, by: tuple[str, ...], style: str
) -> Any:
    """The answer as JSON's value, or as a text."""
    from slurm_finops.billing.covering import AllocationError
    from slurm_finops.billing.pricing import Terms
    from slurm_finops.billing.rehearsal import rehearsed
    from slurm_finops.cli.app import now
    from slurm_finops.config import load_instead
    from slurm_finops.errors import ConfigError
    from slurm_finops.reports import rehearsal

    config = load_instead(path, app.config)
    terms = Terms(config.rates, config.policy, config.calendar, config.charge_suspended,
                  config.allocation)  # fmt: skip
    try:
        with rehearsed(ledger, terms, period, now()) as then:
            found = rehearsal.rehearsal(ledger, then, period, by, config.digits)
    except AllocationError as error:
        raise ConfigError(f"{path}: {error}") from None
    if style == "json":
        return rehearsal.rehearsal_json(found, config.currency, config.digits)
    return rehearsal.rehearsal_text(found, config.currency, config.digits)

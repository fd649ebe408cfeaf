"""advise --what-if: a past period under other rates, pools and rules; nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, echo_json, now
from slurm_finops.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from slurm_finops.core.period import Period


def show(app: App, period: Period, path: Path, names: str | None, style: str) -> None:
    """Print what owners paid, and what they would have paid."""
    from slurm_finops.billing.capacity import AllocationError
    from slurm_finops.billing.rehearsal import rehearsed
    from slurm_finops.billing.terms import Terms
    from slurm_finops.cli.report import dimensions
    from slurm_finops.config import load_instead
    from slurm_finops.ledger.pricing import waiting
    from slurm_finops.reports import rehearsal
    from slurm_finops.reports.build import is_stale
    from slurm_finops.reports.tables import not_of_today

    by = dimensions(names) if names is not None else ("team",)
    with app.reading() as ledger:
        # what was imported is beside what finops.toml says, and stays or goes with it
        everything = replace(app.config, rates=app.rates, allocation=app.allocation)
        config = load_instead(path, everything)
        terms = Terms(config.rates, config.policy, config.calendar, config.charge_suspended,
                      config.allocation, config.charging)  # fmt: skip
        try:
            with rehearsed(ledger, terms, period, now()) as then:
                found = rehearsal.rehearsal(ledger, then, period, by, config.digits)
        except AllocationError as error:
            raise ConfigError(f"{path}: {error}") from None
        notes = not_of_today(waiting(ledger), is_stale(ledger, app.site))
    if style == "json":
        echo_json(rehearsal.rehearsal_json(found, config.currency, config.digits))
    else:
        click.echo(rehearsal.rehearsal_text(found, config.currency, config.digits), nl=False)
    for note in notes:
        click.echo(note, err=True)

"""What closing needs of a site: its books, and by what a month was made, as it is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slurm_finops.cli.app import App

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slurm_finops.billing.owed import Books
    from slurm_finops.core.period import Period
    from slurm_finops.core.rates import Rate
    from slurm_finops.ledger.store import Ledger


def books_of(app: App) -> Books:
    """By what finops.toml says that statements are made."""
    from slurm_finops.billing.owed import Books

    config = app.config
    said = config.statements
    return Books(
        said.per, config.digits, {one.name: one.series for one in said.entities}, config.funding,
        said.surcharges, config.charging, {team.name: team.cost_center for team in config.teams},
    )  # fmt: skip


def basis_of(app: App, ledger: Ledger, period: Period) -> dict[str, Any]:
    """Rates, what is shared, and the whole configuration, as they are when a month closes."""
    from slurm_finops.billing.allocation import definitions
    from slurm_finops.billing.reserved import dated
    from slurm_finops.core.stated import stated

    config = app.config
    what = dated(ledger.db, app.allocation)
    origins = definitions(what, config.policy, config.calendar)
    return {
        "currency": config.currency, "timezone": config.timezone,
        "rates": [_rate(rate) for rate in in_force(app.terms.all_rates, period)],
        "origins": {name: origin.definition for name, origin in origins.items()},
        "policy": app.terms.policy_digest(),
        "configuration": stated(config.document),
    }  # fmt: skip


def in_force(rates: Iterable[Rate], period: Period) -> list[Rate]:
    """The rates that some moment of a period may have."""
    series: dict[Any, list[Rate]] = {}
    for rate in sorted(rates, key=lambda rate: (rate.series, rate.start)):
        if rate.start < period.end:
            series.setdefault(rate.series, []).append(rate)
    return [
        rate for of in series.values() for rate, after in zip(of, [*of[1:], None], strict=True)
        if after is None or after.start > period.start
    ]  # fmt: skip


def _rate(rate: Rate) -> dict[str, Any]:
    kept = rate._asdict()
    del kept["where"]
    return kept | {"approval": rate.approval and list(rate.approval)}

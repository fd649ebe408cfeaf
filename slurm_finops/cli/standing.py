"""How budgets stand, for the commands that say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slurm_finops.cli.app import App, now

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slurm_finops.billing.standings import Moment, Standing
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger


def moment_of(app: App, ledger: Ledger, month: Period | None = None) -> Moment:
    """Now, as far as the ledger knows it; or the end of a month that is past.

    A day that was not collected yet is none on which nothing was held.
    """
    from slurm_finops.billing.standings import Moment

    calendar, known = app.config.calendar, _known(app, ledger)
    today = calendar.day_of(known)
    if month is None:
        return Moment(today, known, today)
    shown = min(max(today, month.first), month.last - 1)
    return Moment(min(today, month.last), min(known, month.end), shown)


def _known(app: App, ledger: Ledger) -> int:
    through = collected(app, ledger)
    return now() if through is None else min(now(), through)


def collected(app: App, ledger: Ledger) -> int | None:
    """Up to where runs are collected live; None where they only come from saved files."""
    from slurm_finops.ledger.ingest import collected_through

    return collected_through(ledger, "sacct", app.config.cluster)


def stand(app: App, ledger: Ledger, month: Period | None = None) -> list[Standing]:
    """Every budget that is configured for the days meant."""
    (found,) = stand_in(app, ledger, [month])
    return found


def stand_in(
    app: App, ledger: Ledger, months: Iterable[Period | None]
) -> list[list[Standing]]:
    """The same of each of several months; the ledger is read once."""
    from slurm_finops.billing.standings import standings_at
    from slurm_finops.config.budgets import all_budgets

    config = app.config
    moments = [moment_of(app, ledger, month) for month in months]
    return standings_at(
        ledger, app.terms, all_budgets(config.teams), config.digits, moments, config.fiscal_year
    )

"""Pages and mails of a period, with the budgets that are configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slurm_finops.cli.app import App

if TYPE_CHECKING:
    from slurm_finops.core.budgets import Budget
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.pages import Pages


def pages_of(
    app: App, ledger: Ledger, period: Period, *, channel: str = "page", many: bool = False
) -> Pages:
    """The pages of a period for a channel of ``[privacy]``; ``many``: of more than some owners."""
    from slurm_finops.cli.readiness import asked_of
    from slurm_finops.cli.standing import moment_of
    from slurm_finops.reports.pages import Pages

    return Pages(
        ledger, app.site_for(channel), app.terms, period, moment_of(app, ledger, period),
        _budgets(app, period), many=many, asked=asked_of(app) if channel == "mail" else None,
    )  # fmt: skip


def _budgets(app: App, period: Period) -> list[tuple[Budget, Period]]:
    """Each budget for the time in which a period ends."""
    from slurm_finops.config.budgets import all_budgets

    config = app.config
    spans = (
        (one, one.period(config.calendar, period.last - 1, config.fiscal_year))
        for one in all_budgets(config.teams)
    )
    return [(one, span) for one, span in spans if span.first < period.last <= span.last]

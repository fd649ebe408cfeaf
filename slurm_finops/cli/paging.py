"""Pages and mails of a period, with the budgets that are configured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slurm_finops.cli.app import App

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.insight import Limit
    from slurm_finops.reports.pages import Pages
    from slurm_finops.reports.site import Owner


def pages_of(app: App, ledger: Ledger, period: Period, *, many: bool = False) -> Pages:
    """The pages of a period; ``many``: of more than a few owners."""
    from slurm_finops.reports.pages import Pages

    return Pages(ledger, app.site, period, limits(app.config, period), many=many)


def limits(config: Config, period: Period) -> dict[Owner, list[Limit]]:
    """Each owner's budgets for the time in which a period ends."""
    from slurm_finops.reports.insight import Limit
    from slurm_finops.reports.site import Owner

    month = config.calendar.month_of(period.last - 1)
    found: dict[Owner, list[Limit]] = {}

    def add(owner: Owner, minor: int | None) -> None:
        if minor is not None:
            found.setdefault(owner, []).append(Limit("", month.first, month.last, minor))

    for team in config.teams:
        add(Owner(team.name), team.budget_minor)
        for project in team.projects:
            add(Owner(team.name, project.name), project.budget_minor)
    return found

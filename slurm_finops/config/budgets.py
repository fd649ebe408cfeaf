"""The budgets of teams and projects, of a finops.toml."""

from collections.abc import Iterator

from slurm_finops.config.fields import day_of, decimal, unique
from slurm_finops.config.model import Project, Team
from slurm_finops.config.table import Table
from slurm_finops.core.budgets import MONTH, SPAN, YEAR, Budget


def budgets_of(table: Table, digits: int, team: str, project: str | None = None) -> tuple[
    Budget, ...
]:  # fmt: skip
    """``budget_year`` and ``[[budgets]]`` of a team's or project's table; ``budget`` is read there.

    Raises `ConfigError`.
    """
    year = decimal(table, "budget_year", digits, 'a text such as "120000"', None)
    found = [] if year is None else [Budget(team, project, YEAR, year)]
    spans = [_span(one, digits, team, project) for one in table.tables("budgets")]
    unique(table, "budgets", [one.name for one in spans])
    return (*found, *spans)


def _span(table: Table, digits: int, team: str, project: str | None) -> Budget:
    name = table.text("name", "a name of its own, such as the grant's")
    amount = decimal(table, "amount", digits, 'a text such as "50000" or "50000.00"')
    first, last = day_of(table, "from"), day_of(table, "until")
    if last <= first:
        raise table.fail(
            "until", "is not after from; it is the first day on which the budget is no more"
        )
    table.done()
    assert amount is not None
    return Budget(team, project, SPAN, amount, name, first, last)


def all_budgets(teams: tuple[Team, ...]) -> Iterator[Budget]:
    """Every budget: a team's before its projects', the month's before the year's."""
    for team in teams:
        yield from _of(team, team.name, None)
        for project in team.projects:
            yield from _of(project, team.name, project.name)


def _of(owner: Team | Project, team: str, project: str | None) -> Iterator[Budget]:
    if owner.budget_minor is not None:
        yield Budget(team, project, MONTH, owner.budget_minor)
    yield from owner.budgets

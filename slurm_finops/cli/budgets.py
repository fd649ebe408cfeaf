"""budgets: what is left of each this month, and the limits that Slurm itself can hold."""

from __future__ import annotations

import shlex
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app
from slurm_finops.core.words import count
from slurm_finops.errors import InputError, OutsideError

if TYPE_CHECKING:
    from slurm_finops.billing.budgets import Beside, Limit, Spent
    from slurm_finops.config import Team
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger


@click.group()
def budgets() -> None:
    """What was spent of each budget, and limits that stop work when one is used up."""


@budgets.command("list")
@click.option("--period", metavar="MONTH", help="A billing month.  [default: this one]")
@FORMAT
@pass_app
def list_budgets(app: App, period: str | None, style: str) -> None:
    """List the budgets of teams and projects: what was spent, and whether they will last.

    A month's, a fiscal year's and those with days of their own, as they stand now or
    stood at the end of MONTH.  What an allocation or a credit pays is not spent of a
    budget.

    \b
    Examples:
      slurm-finops budgets list
      slurm-finops budgets list --period 2026-06 --format json
    """
    from slurm_finops.cli.standing import moment_of, stand
    from slurm_finops.reports.budgets import as_json, table

    month = _month(app, period)
    config = app.config
    with app.reading() as ledger:
        found = stand(app, ledger, month)
        as_of = moment_of(app, ledger, month).instant
    if style == "json":
        echo_json({"period": month.label, "currency": config.currency,
                   "as_of": config.calendar.isoformat(as_of),
                   "budgets": [as_json(one, config.digits) for one in found]})  # fmt: skip
    elif found:
        click.echo("\n".join(table(found, config.currency, config.digits, month.label)))
    else:
        click.echo("no budget is configured for these days: [[teams]] and [[teams.projects]] take "
                   "budget, budget_year and [[budgets]]")  # fmt: skip


def _month(app: App, text: str | None) -> Period:
    period = app.period(text)
    month = app.config.calendar.month_of(period.first)
    if (month.first, month.last) != (period.first, period.last):
        raise InputError(f"budgets are of a billing month; {period.label} is none")
    return month


def _spent(app: App, ledger: Ledger, month: Period) -> list[Spent]:
    from slurm_finops.billing.budgets import spent
    from slurm_finops.config.budgets import all_budgets
    from slurm_finops.core.budgets import MONTH

    budgets = [one for one in all_budgets(app.config.teams) if one.kind == MONTH]
    limits = [(one.team, one.project, one.limit_minor) for one in budgets]
    return spent(ledger, month, app.config.digits, limits)


def write_file(app: App, ledger: Ledger, path: Path) -> str:
    """The file from which the gate says what is left; what was done, in words."""
    from slurm_finops.cli.files import save
    from slurm_finops.hook.money import budget_file
    from slurm_finops.hook.place import MODE

    month = _month(app, None)
    more = _beside(app, ledger)
    left = {one.team: one.left_minor for one in _spent(app, ledger, month) if not one.project}
    tenths = [(team, more[team].minutes // 6) for team in left if team in more]
    left |= {team: minor + more[team].minor for team, minor in left.items() if team in more}
    text = budget_file(left.items(), month.start, month.end, [one for one in tenths if one[1]])
    save(path, text.encode(), MODE)
    return f"{count(len(left), 'team')} in {path}"


def _beside(app: App, ledger: Ledger, month: Period | None = None) -> dict[str, Beside]:
    """What allocations have left by team; with a month, and what they have paid in it."""
    from slurm_finops.billing.budgets import beside
    from slurm_finops.billing.holdings import holdings

    config = app.config
    found = holdings(ledger, config.charging.lots, config.calendar.day_of(now()))
    return beside(found, config.digits, month.first if month else None)


@budgets.command()
@pass_app
def apply(app: App) -> None:
    """Print the sacctmgr commands that let Slurm hold the teams' budgets; it runs none.

    A budget becomes GPU-minutes at the price of the dearest GPU that the team's
    accounts may use, so it is never passed; the sums stand beside the commands.
    What the team's allocations hold, and have paid this month, counts beside it.

    \b
    Example:
      slurm-finops budgets apply > limits.sh     then read it, and run what you want
    """
    click.echo("\n".join(_commands(app)))


def _commands(app: App) -> Iterator[str]:
    yield "# Limits from the budgets of a billing month: to be read, nothing has been run."
    yield from _conditions()
    more: dict[str, Beside] = {}
    if app.config.charging.lots:
        more, notes = _allotted(app)
        yield from notes
    for team in app.config.teams:
        if team.budget_minor is not None:
            yield ""
            yield from _of_team(app, team, team.budget_minor, more.get(team.name))


def _allotted(app: App) -> tuple[dict[str, Beside], list[str]]:
    """What allocations give beside budgets this month, and what must be known of it."""
    from slurm_finops.ledger.pricing import waiting
    from slurm_finops.reports.build import is_stale
    from slurm_finops.reports.tables import not_of_today

    notes = ["# Allocations count with what they have left and what they paid this month: print",
             "# these anew each month, and when one is given or expires."]  # fmt: skip
    with app.reading() as ledger:
        found = _beside(app, ledger, _month(app, None))
        late = not_of_today(waiting(ledger), is_stale(ledger, app.site))
    return found, [*notes, *(f"# {note}" for note in late)]


def _conditions() -> Iterator[str]:
    """What slurm.conf must say for these limits to be held, and to be a month's."""
    from slurm_finops.sources import slurm

    yield "# Slurm holds them where AccountingStorageEnforce has limits or safe; they are a month's"
    yield "# where PriorityUsageResetPeriod=MONTHLY and PriorityDecayHalfLife=0."
    try:
        config = slurm.show_config()
    except OutsideError:
        yield "# What this cluster has was not asked: slurmctld does not answer here."
        return
    names = ("AccountingStorageEnforce", "PriorityUsageResetPeriod", "PriorityDecayHalfLife")
    yield "# Here: " + ", ".join(f"{name}={config.get(name) or '(none)'}" for name in names)


def _of_team(app: App, team: Team, budget: int, more: Beside | None) -> Iterator[str]:
    from slurm_finops.billing.budgets import gpu_limit
    from slurm_finops.core.estimate import price_text
    from slurm_finops.core.money import grouped

    config = app.config
    names = _accounts(team)
    if not names:
        yield f"# {team.name}: no account is its own, so there is none to limit"
        return
    at = now()
    of_class = config.charging.class_at(team.name, at)
    limit = gpu_limit(
        app.terms.list_book, config.cluster, names, of_class, at, budget, config.digits
    )
    if limit is None:
        yield f"# {team.name}: no GPU has a price, so its budget is no number of minutes"
        return
    yield (f"# {team.name}: {grouped(budget, config.digits)} {config.currency} at "
           f"{price_text(limit.price, config.digits)} = {limit.minutes:,} GPU-minutes")  # fmt: skip
    minutes = limit.minutes
    if more:
        minutes += yield from _more(app, limit, more)
    several = len(names) > 1
    if several:
        yield (f"# {len(names)} accounts may charge it, and each of these would let the whole be "
               "spent:")  # fmt: skip
        yield "# give them one parent account, and the parent the limit"
    for name in names:
        where = ("where", f"name={name}", f"cluster={config.cluster}")
        words = ("set", f"GrpTRESMins=gres/gpu={minutes}")
        line = shlex.join(["sacctmgr", "modify", "account", *where, *words])
        yield f"# {line}" if several else line


def _more(app: App, limit: Limit, more: Beside) -> Generator[str, None, int]:
    """How many minutes a team's allocations add, said line by line."""
    from slurm_finops.core.estimate import price_text
    from slurm_finops.core.money import grouped
    from slurm_finops.reports.format import gpu_hours

    digits = app.config.digits
    bought = limit.minutes_of(more.minor, digits)
    if more.minor:
        yield (f"#   and of its allocations {grouped(more.minor, digits)} {app.config.currency} at "
               f"{price_text(limit.price, digits)} = {bought:,} GPU-minutes")  # fmt: skip
    if more.minutes:
        yield (f"#   and of its allocations {gpu_hours(more.minutes * 60)} GPU-hours = "
               f"{more.minutes:,} GPU-minutes")  # fmt: skip
    added = bought + more.minutes
    yield f"#   together {limit.minutes + added:,} GPU-minutes"
    return added


def _accounts(team: Team) -> list[str]:
    """The accounts that a team's list names; of globs those that the cluster has."""
    from slurm_finops.core.globs import Globs, is_glob
    from slurm_finops.sources import slurm

    listed = team.accounts or ()
    if not any(map(is_glob, listed)):
        return list(listed)
    globs = Globs(listed)
    return [name for name in slurm.accounts() if globs.match(name)]

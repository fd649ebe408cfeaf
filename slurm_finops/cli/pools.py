"""pools: what was bought, how far it is used, and what a used hour of it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app

if TYPE_CHECKING:
    from slurm_finops.billing.utilisation import Utilisation
    from slurm_finops.core.period import Period


@click.group(invoke_without_command=True)
@click.option("--period", metavar="PERIOD", help="2026-06, 2026-06-01, 2026-W23 or A..B "
              "(half-open).  [default: this billing month]")
@FORMAT
@click.pass_context
def pools(context: click.Context, period: str | None, style: str) -> None:
    """List the pools of a period: cost, use, what nobody used and what went beyond.

    Costs are known through the last day that has ended and was priced.  Of a pool with
    units = "slurm" you see how much of the unused time its nodes were down or drained.

    \b
    Examples:
      slurm-finops pools
      slurm-finops pools --period 2026-06 --format json
      slurm-finops pools recovery --year 2026
    """
    if context.invoked_subcommand is None:
        _list(context.find_object(App), period, style)
    elif period is not None or style != "table":
        raise click.UsageError(f"the options of {context.invoked_subcommand} stand behind its name")


def _list(app: App | None, period: str | None, style: str) -> None:
    assert app is not None
    from slurm_finops.billing.utilisation import utilisation

    asked, config = app.period(period), app.config
    with app.reading() as ledger:
        found = utilisation(ledger, config.allocation.pools, config.calendar, asked)
    if style == "json":
        echo_json({"period": asked.label, "currency": config.currency,
                   "pools": [_as_json(one, config.digits) for one in found]})  # fmt: skip
    elif found:
        click.echo("\n".join(_table(app, asked, found)))
    else:
        covering = " that covers use" if config.allocation.recharge else ""
        click.echo(f"no pool{covering} is there in {asked.label}: [[pools]] in {config.path} names "
                   "them")  # fmt: skip
    if style == "table" and config.allocation.recharge:
        click.echo("what rates recover is in: slurm-finops pools recovery")


@pools.command()
@click.option("--year", type=click.IntRange(2000, 2241), metavar="YEAR",
              help="The last fiscal year to show, by the calendar year that it begins in.  "
              "[default: the running one]")
@click.option("--format", "style", type=click.Choice(["table", "json", "csv"]), default="table",
              show_default=True, help="How the answer is printed.")
@pass_app
def recovery(app: App, year: int | None, style: str) -> None:
    """Say what was recovered of the cost of each pool, by fiscal year, and what is carried over.

    Of a pool of kind recharge: what it opened with, cost, what its charges billed and what a
    subsidy paid of them, and what it closes with, which opens the next year.  Of one that covers
    use: how much of its cost use bears, and how much nobody used.

    Every pool is shown from its first fiscal year on.  The running year is counted through the
    last day that has ended and was priced.

    \b
    Examples:
      slurm-finops pools recovery
      slurm-finops pools recovery --year 2026 --format csv
    """
    from slurm_finops.reports import recovery as reports

    config = app.config
    last = _fiscal_year(app, year)
    with app.reading() as ledger:
        found = reports.recoveries(ledger, app.site, config.fiscal_year, last)
    if style == "table":
        click.echo(reports.recovery_text(found) if found.lines else
                   f"no pool was there in {last.label} or before: [[pools]] in {config.path} names "
                   "them\n", nl=False)  # fmt: skip
        return
    for line in reports.notes(found):
        click.echo(line, err=True)
    if style == "json":
        echo_json(reports.recovery_json(found))
    else:
        click.echo(reports.recovery_csv(found), nl=False)


def _fiscal_year(app: App, year: int | None) -> Period:
    """The running fiscal year, or the one that begins in a calendar year."""
    from datetime import date

    from slurm_finops.core.period import day_number

    calendar, begins = app.config.calendar, app.config.fiscal_year
    running = calendar.fiscal_year(calendar.day_of(now()), begins)
    if year is None:
        return running
    asked = calendar.fiscal_year(day_number(date(year, *begins)), begins)
    if asked.first > running.first:
        raise click.BadParameter(
            f"the fiscal year {asked.label} has not begun; the last is {running.label}",
            param_hint="'--year'",
        )
    return asked


def _money(one: Utilisation, digits: int) -> dict[str, int]:
    """The pool's cost in minor units, and its parts, which sum to it."""
    used, unused, beyond = one.minor(digits)
    return {"cost": used + unused, "used_cost": used, "unused_cost": unused,
            "beyond_cost": beyond}  # fmt: skip


def _as_json(one: Utilisation, digits: int) -> dict[str, Any]:
    from slurm_finops.core.money import minor_text

    pool, each = one.pool, one.unit_hour_minor(digits)
    return {
        "name": pool.name, "kind": pool.kind, "units": pool.units, "step": pool.step,
        "skus": dict(pool.use), "buyer": pool.buyer,
        **{name: minor_text(minor, digits) for name, minor in _money(one, digits).items()},
        "used_unit_seconds": one.used_seconds, "beyond_unit_seconds": one.beyond_seconds,
        "capacity_unit_seconds": one.capacity_seconds, "down_unit_seconds": one.down_seconds,
        "used_unit_hour_cost": None if each is None else minor_text(each, digits),
    }  # fmt: skip


def _table(app: App, period: Period, found: list[Utilisation]) -> Iterator[str]:
    from slurm_finops.core.money import grouped
    from slurm_finops.core.pools import SLURM
    from slurm_finops.reports.format import gpu_hours, share, visible
    from slurm_finops.reports.tables import aligned

    digits = app.config.digits
    yield f"{period.label}, {app.config.currency}"
    head = "pool", "units", "cost", "of it unused", "used", "used unit-hour", "beyond"
    by_slurm = any(one.pool.units == SLURM for one in found)
    rows: list[tuple[str, ...]] = [(*head, "unused and down") if by_slurm else head]
    for one in found:
        money, each = _money(one, digits), one.unit_hour_minor(digits)
        used = gpu_hours(one.used_seconds) + " h"
        if one.capacity_seconds:
            used = share(one.used_seconds, one.capacity_seconds)
        down = "-" if one.down_seconds is None else gpu_hours(one.down_seconds) + " h"
        units = one.pool.units
        rows.append((
            visible(one.pool.name),
            f"{units:,}" if isinstance(units, int) else units or "-",
            grouped(money["cost"], digits), grouped(money["unused_cost"], digits), used,
            "-" if each is None else grouped(each, digits),
            grouped(money["beyond_cost"], digits) if one.beyond_seconds else "-",
            *([down] if by_slurm else []),
        ))  # fmt: skip
    yield from aligned(rows, 1)

"""check: pools that cover no use, reservations, and shared costs that nobody carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import OK, WARN, Finding

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger


def shared(opened: Ledger, config: Config, period: Period) -> Iterator[Finding]:
    """Of a site that shares anything: whether pools are used, and all of it is carried."""
    from slurm_finops.ledger.allocation import origins

    # lines that were imported are of the ledger and in no finops.toml
    if not config.allocation and not origins(opened.db):
        return
    if config.allocation.pools:
        yield _pools(opened, config, period)
    if config.allocation.reservations:
        yield _reservations(opened)
    yield _carried(opened, config, period)


def _pools(opened: Ledger, config: Config, period: Period) -> Finding:
    from slurm_finops.billing.utilisation import utilisation
    from slurm_finops.reports.format import visible

    found = utilisation(opened, config.allocation.pools, config.calendar, period)
    idle = [one.pool for one in found if one.cost_ticks and not one.used_seconds]
    if idle:
        names = ", ".join(f"{pool.where} ({visible(pool.name)})" for pool in idle)
        return Finding(
            "pools", WARN, f"in {period.label} no use was covered by {names}",
            "if its SKU was in use: a rate with more match keys, or another pool, comes first; "
            "give it their match, or a rank",
        )  # fmt: skip
    return Finding("pools", OK, f"{len(found)} in {period.label}, each of them used")


def _reservations(opened: Ledger) -> Finding:
    from slurm_finops.ledger.reservations import anything_known

    if anything_known(opened.db):
        return Finding("reservations", OK, "some were collected")
    return Finding(
        "reservations", WARN, "none was collected, so [[reservations]] cost nobody anything",
        "slurm-finops collect reservations, or nightly, reads them",
    )  # fmt: skip


def _carried(opened: Ledger, config: Config, period: Period) -> Finding:
    from slurm_finops.core.money import grouped, to_minor
    from slurm_finops.ledger.allocation import nobodys
    from slurm_finops.reports.format import visible

    found = [
        f"{visible(name)} ({category}) {grouped(to_minor(ticks, config.digits), config.digits)} "
        f"{config.currency}"
        for name, category, ticks in nobodys(opened.db, period.first, period.last)
        if to_minor(ticks, config.digits)
    ]
    if found:
        return Finding(
            "shared costs", WARN, f"in {period.label} nobody carries {', '.join(found)}",
            "name a buyer, a spread or to, or give the team that holds a reservation its "
            "accounts or users: docs/pools.md",
        )  # fmt: skip
    return Finding("shared costs", OK, f"all that was shared in {period.label} has an owner")

"""How far pools are used in a period, and what a unit-hour of each came to."""

from collections.abc import Iterable
from typing import NamedTuple

from slurm_finops.core.money import SECONDS_PER_HOUR, apportion_ticks, to_minor
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.pools import SLURM, Pool
from slurm_finops.ledger import allocation as table
from slurm_finops.ledger.store import Ledger


class Utilisation(NamedTuple):
    """A pool over the days of a period that are allocated; money in ticks, use in unit-seconds.

    ``capacity_seconds`` is None for a pool that has no capacity, ``beyond_*`` what
    went to rates because it was full.  ``down_seconds``: how much of what nobody used was
    down or drained, None where that is not known.
    """

    pool: Pool
    cost_ticks: int
    used_ticks: int
    unused_ticks: int
    beyond_ticks: int
    used_seconds: int
    beyond_seconds: int
    capacity_seconds: int | None
    down_seconds: int | None

    def minor(self, digits: int) -> tuple[int, int, int]:
        """What use bore, what was unused (the two sum to the cost), what went beyond."""
        used, unused = apportion_ticks([self.used_ticks, self.unused_ticks], digits, ["a", "b"])
        return used, unused, to_minor(self.beyond_ticks, digits)

    def unit_hour_minor(self, digits: int) -> int | None:
        """What an hour of a unit that was used cost, unused ones included; None if none was."""
        if not self.used_seconds:
            return None
        return to_minor(self.cost_ticks * SECONDS_PER_HOUR // self.used_seconds, digits)


def utilisation(
    ledger: Ledger, pools: Iterable[Pool], calendar: Calendar, period: Period
) -> list[Utilisation]:
    """Of each pool that is there in the period, in the order in which they cover use."""
    last = min(period.last, table.through(ledger) or period.first)
    sums = table.by_origin(ledger.db, period.first, last)
    days = table.pool_days(ledger.db, period.first, last)
    none = (0, 0, 0)
    found = []
    for pool in sorted(pools, key=lambda pool: pool.order):
        first, end = max(pool.first, period.first), min(pool.last or last, last)
        if first >= end and (pool.first >= period.last or (pool.last or end + 1) <= period.first):
            continue
        share, unused, beyond = (
            sums.get((pool.name, category), none) for category in ("share", "unused", "beyond")
        )
        seconds = calendar.midnight(max(first, end)) - calendar.midnight(first)
        capacity, down = days.get(pool.name, (0, None))
        if pool.units != SLURM:
            capacity = (pool.units or 0) * seconds
        found.append(Utilisation(
            pool, share[0] + unused[0], share[0], unused[0], beyond[0], share[2], beyond[2],
            None if pool.units is None else capacity, down,
        ))  # fmt: skip
    return found

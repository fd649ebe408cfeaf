"""The allocation run: what is not priced by use is shared, month by month.

Pools come first, then what others carry: unused capacity and reservations, overhead,
lines, credits.
Like pricing it does only what is to do: months in which charges have changed, whose
origins have changed, or in which a day has ended since.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from slurm_finops.billing.month import Month
from slurm_finops.billing.reserved import dated, teams_of
from slurm_finops.core.accrual import Cost
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.core.pools import Allocation
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import EVER
from slurm_finops.ledger import allocation as table
from slurm_finops.ledger.allocation import Origin
from slurm_finops.ledger.store import Ledger


class Shared(NamedTuple):
    """How many days were shared anew, and what they effectively cost before and after, in ticks."""

    days: int
    before: int
    after: int


def allocate(
    ledger: Ledger, what: Allocation, book: PriceBook, policy: Policy, calendar: Calendar,
    as_of: int, suspended: bool = False, actor: str = "",
    progress: Callable[[int], None] = lambda days: None,
) -> Shared:  # fmt: skip
    """Bring the ledger's allocations up to date.

    Costs are known through the last billing day that has ended.  Raises
    `capacity.AllocationError`; months before it are done, its own is as it was.
    """
    through = calendar.day_of(as_of)
    what = dated(ledger.db, what)
    wanted = definitions(what, policy, calendar)
    changed, ids = _sync(ledger, wanted, through, as_of, actor)
    days = changed | {day for day in table.unallocated(ledger.db) if day < through}
    days |= _since(ledger, wanted.values(), through)
    months = {calendar.month_of(day).first: calendar.month_of(day) for day in sorted(days)}
    done = before = after = 0
    if wanted:
        for month in months.values():
            span = range(month.first, min(month.last, through))
            with ledger.transaction() as db:
                before += table.effective(db, month.first, month.last)
                table.drop_days(db, month.first, month.last)
                Month(ledger, what, policy, calendar, ids, span, book, suspended).write()
                after += table.effective(db, month.first, month.last)
            done += len(span)
            progress(len(span))
    with ledger.transaction() as db:
        table.allocated(db, through)
        ledger.set(table.THROUGH, str(through))
        for name, (number, _) in table.origins(db).items():
            if name not in wanted:
                table.drop_origin(db, number)
    return Shared(done, before, after)


def outdated(ledger: Ledger, what: Allocation, policy: Policy, calendar: Calendar) -> bool:
    """Whether what is shared in the ledger is not what these would share.

    So it is after a change of them, and after an allocation that did not end: what
    a pool covers costs nothing then, and nobody bears the pool.
    """
    wanted = definitions(dated(ledger.db, what), policy, calendar)
    if {name: stored for name, (_, stored) in table.origins(ledger.db).items()} != wanted:
        return True
    through = table.through(ledger)
    return bool(wanted) and (
        through is None or any(day < through for day in table.unallocated(ledger.db))
    )


def definitions(what: Allocation, policy: Policy, calendar: Calendar) -> dict[str, Origin]:
    """Every origin, as the ledger keeps it, with the days on which it can cost anything."""
    # a team's cost centre stands in what is placed on it as such
    centres = [(team.name, team.cost_center) for team in policy.teams]
    found: list[tuple[str, str, str, Any, int, int | None]] = []
    whose = teams_of(policy) if what.reservations else None
    for pool in what.pools:
        sku = pool.use[0][0] if len(pool.use) == 1 else pool.name
        found.append((pool.name, pool.kind, sku, pool, pool.first, pool.last))
    for rule in what.overhead:
        found.append((rule.name, "overhead", rule.name, rule, 0, None))
    for line in what.lines:
        found.append((line.name, line.category, line.name, line, *_days(line.cost, calendar)))
    for credit in what.credits:
        found.append((credit.name, "credit", credit.name, credit, *_days(credit.cost, calendar)))
    wanted = {
        name: Origin(name, kind, sku, repr((replace(one, where=""), centres)), first, last)
        for name, kind, sku, one, first, last in found
    }
    for place, idle in enumerate(what.reservations):
        # the first rule that fits takes a reservation, so its place counts
        text = repr((replace(idle, where=""), place, centres, whose))
        wanted[idle.name] = Origin(
            idle.name, "reservation", idle.name, text, idle.first or 0, None
        )
    return wanted


def _days(cost: Cost, calendar: Calendar) -> tuple[int, int | None]:
    last = None if cost.end == EVER else calendar.day_of(cost.end - 1) + 1
    return calendar.day_of(cost.start), last


def _sync(
    ledger: Ledger, wanted: Mapping[str, Origin], through: int, as_of: int, actor: str
) -> tuple[set[int], dict[str, int]]:
    """Store the origins; the days of those that have changed, and every origin's id."""
    stored = table.origins(ledger.db)
    changed = [
        one
        for name in stored.keys() | wanted.keys()
        for one in (stored[name][1] if name in stored else None, wanted.get(name))
        if one and not (name in stored and stored[name][1] == wanted.get(name))
    ]
    ids = {name: number for name, (number, _) in stored.items()}
    if not changed:
        return set(), ids
    days: set[int] = set()
    with ledger.transaction() as db:
        first = db.execute("SELECT min(day) FROM charges").fetchone()[0]
        for one in changed:
            begin = one.first or (through if first is None else first)
            days |= set(range(begin, min(one.last or through, through)))
        ids |= {name: table.put_origin(db, one) for name, one in wanted.items()}
        # kept until the days are done: a run that is cut off goes on
        table.mark(db, days)
        names = ", ".join(sorted({one.name for one in changed}))
        ledger.audit(as_of, actor, "allocation", f"{names}: {len(days)} days to allocate again")
    return days, ids


def _since(ledger: Ledger, wanted: Iterable[Origin], through: int) -> set[int]:
    """Days that have ended since the last time and on which some origin may cost."""
    before = table.through(ledger)
    before = through if before is None else before
    return {
        day
        for day in range(before, through)
        if any(one.first <= day and (one.last is None or day < one.last) for one in wanted)
    }

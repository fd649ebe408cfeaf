"""check: allocations that run out or pay for nothing, and SKUs that a run pays twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import OK, WARN, Finding
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.holdings import Holding
    from slurm_finops.core.lots import Lot
    from slurm_finops.core.rates import Rate
    from slurm_finops.ledger.store import Ledger

_NAMED = 5
#: Slurm's own sum of what a job holds, and what it is made of.
_BILLING, _PARTS = "billing", ("cpu", "mem")


def allotted(opened: Ledger, config: Config, as_of: int) -> Iterator[Finding]:
    """Of a site whose teams hold allocations: those that somebody should look at."""
    from slurm_finops.billing.holdings import holdings

    lots = config.charging.lots
    if not lots:
        return
    found = holdings(opened, lots, config.calendar.day_of(as_of))
    warned = [*_expiring(config, found), *_used_up(opened, config, found),
              *_useless(opened, config, found)]  # fmt: skip
    yield from warned
    if not warned:
        live = sum(one.is_live for one in found)
        yield Finding("allocations", OK, f"{live:,} of {count(len(found), 'allocation')} in use; "
                      "none is about to lapse, or used up with runs going on")  # fmt: skip


def _expiring(config: Config, found: Sequence[Holding]) -> Iterator[Finding]:
    from slurm_finops.core.period import day_date
    from slurm_finops.reports.format import visible

    said = [
        f"{visible(one.lot.name)} of {visible(one.lot.team)} on {day_date(one.expires)} with "
        f"{_left(config, one)} left"
        for one in found if one.expires_soon
    ]  # fmt: skip
    if said:
        yield Finding("allocations expiring", WARN, _some(said), "tell who holds them, or extend "
                      f"until, or let it go on with carry, in [[allocations]] of {config.path}"
                      )  # fmt: skip


def _left(config: Config, one: Holding) -> str:
    from slurm_finops.core.money import grouped
    from slurm_finops.reports.holdings import HOUR_DIGITS

    digits = HOUR_DIGITS if one.lot.hours else config.digits
    unit = "GPU-hours" if one.lot.hours else config.currency
    return f"{grouped(one.amounts(digits).left, digits)} {unit}"


def _used_up(opened: Ledger, config: Config, found: Sequence[Holding]) -> Iterator[Finding]:
    """Those used up while their teams go on: nobody else pays their runs now."""
    from slurm_finops.core.holdings import USED_UP
    from slurm_finops.core.money import grouped, to_minor
    from slurm_finops.core.period import day_date
    from slurm_finops.reports.format import visible

    said = []
    for one in found:
        if one.state == USED_UP and one.drawn:
            last = max(one.drawn)
            billed = to_minor(_billed_since(opened, one.lot, last + 1, one.day + 1), config.digits)
            if billed > 0:
                said.append(
                    f"{visible(one.lot.name)} of {visible(_whose(one.lot))} since "
                    f"{day_date(last)}: {grouped(billed, config.digits)} {config.currency} were "
                    "billed after that day"
                )
    if said:
        yield Finding("allocations used up", WARN, _some(said), "tell who holds them: their runs "
                      f"are billed; or give another one in [[allocations]] of {config.path}"
                      )  # fmt: skip


def _billed_since(opened: Ledger, lot: Lot, first: int, last: int) -> int:
    """Ticks that runs of who holds a lot were billed on days ``[first, last)``."""
    from slurm_finops.ledger.shares import spend
    from slurm_finops.ledger.spend import Scope

    scope = Scope(first, last).narrowed("tag_sets.team = ?", lot.team, tables=("tag_sets",))
    if lot.project is not None:
        scope = scope.narrowed("tag_sets.project = ?", lot.project)
    return sum(row.billed_ticks for row in spend(opened.db, scope, ()))


def _whose(lot: Lot) -> str:
    return lot.team if lot.project is None else f"{lot.team} / {lot.project}"


def _useless(opened: Ledger, config: Config, found: Sequence[Holding]) -> Iterator[Finding]:
    """Those that nothing that ever ran could be paid from: most are slips."""
    from slurm_finops.core.holdings import COMING
    from slurm_finops.ledger import health
    from slurm_finops.ledger.tag_sets import owners
    from slurm_finops.reports.format import visible

    skus = health.skus_seen(opened.db)
    if not skus:
        return
    seen = owners(opened.db)
    lots = [one.lot for one in found if one.state != COMING]
    values = health.values_seen(opened.db, {key for lot in lots for key, _ in lot.match})
    said = [
        f"{lot.where} ({visible(lot.name)}): {slip}"
        for lot in lots if (slip := _slip(lot, seen, values, skus))
    ]  # fmt: skip
    if said:
        yield Finding("allocations unused", WARN, _some(said),
                      f"see [[allocations]] in {config.path}")  # fmt: skip


def _slip(
    lot: Lot, owners: dict[str, set[str]], values: dict[str, set[str]], skus: set[str]
) -> str:
    """What of a lot nothing has ever run with, "" if it could have paid for something."""
    from slurm_finops.core.charging import covers

    if lot.team not in owners:
        return _never("team", lot.team, owners)
    if lot.project is not None and lot.project not in owners[lot.team]:
        return _never("project", lot.project, owners[lot.team])
    for key, value in lot.match:
        if value not in values[key]:
            return _never(key, value, values[key])
    wanted = [sku for sku, _ in lot.use]
    if wanted and not any(covers(wanted, sku) for sku in skus):
        return _never("SKU", wanted[0], skus)
    return ""


def _never(what: str, value: str, known: dict[str, set[str]] | set[str]) -> str:
    from slurm_finops.core.near import nearest

    near = nearest(value, sorted(known))
    hint = f"; did you mean {near!r}?" if near else ""
    return f"nothing has run with {what} {value!r} yet{hint}"


def _some(said: Sequence[str]) -> str:
    more = f"; and {len(said) - _NAMED:,} more" if len(said) > _NAMED else ""
    return "; ".join(said[:_NAMED]) + more


def paid_twice(config: Config, rates: Sequence[Rate], as_of: int) -> Iterator[Finding]:
    """``billing`` and what it is the sum of, both priced for one run and in no group."""
    from slurm_finops.core.approval import in_force
    from slurm_finops.core.charging import at, covers
    from slurm_finops.core.usage import is_gpu

    now = [rate for rate in in_force(rates, as_of) if rate.price]
    groups = at(config.charging.groups, as_of)
    said = {
        two.sku: f"{one.where} and {two.where}"
        for one in now if one.sku == _BILLING
        for two in now if (two.sku in _PARTS or is_gpu(two.sku)) and _meet(one.match, two.match)
        and not any(
            covers(group.skus, _BILLING) and covers(group.skus, two.sku)
            and _meet(group.match, one.match) and _meet(group.match, two.match)
            for group in groups
        )
    }  # fmt: skip
    if said:
        yield Finding(
            "paid twice", WARN, f"a run pays billing, and what it is the sum of: "
            f"{_some([*said.values()])}",
            'put them into one of [[groups]]: combine = "max", or "sum" if that is meant',
        )  # fmt: skip


def _meet(one: Sequence[tuple[str, str]], two: Sequence[tuple[str, str]]) -> bool:
    """Whether some run could match both."""
    match = dict(one)
    return all(match.get(key, value) == value for key, value in two)

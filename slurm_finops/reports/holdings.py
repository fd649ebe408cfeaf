"""What teams hold of their allocations: as a table and JSON, and on their pages."""

from collections.abc import Iterator, Sequence
from typing import Any

from slurm_finops.core.holdings import CARRIED, COMING, EXPIRED, USED_UP, Holding, Outlook
from slurm_finops.core.money import grouped, minor_text
from slurm_finops.core.period import day_date
from slurm_finops.core.words import count
from slurm_finops.reports.format import visible
from slurm_finops.reports.tables import aligned
from slurm_finops.reports.view import Allotment

#: Decimals of an hour, as people and as programs read it.
HOUR_DIGITS, EXACT_DIGITS = 1, 2
_HEAD = ("team", "project", "allocation", "state", "carry", "from", "until", "days", "holds",
         "used", "left", "lapsed")  # fmt: skip


def holdings_text(found: Sequence[Holding], day: int, currency: str, digits: int) -> str:
    """A table for a terminal, and under it what each leads to at the rate of its last days."""
    rows = [_HEAD, *(_row(one, currency, digits) for one in found)]
    if not any(one.lapsed for one in found):
        rows = [row[:-1] for row in rows]
    lines = [f"at the end of {day_date(day)}", *aligned(rows, 5)]
    lines += [line for one in found for line in _outlook(one, currency)]
    return "\n".join(lines) + "\n"


def _row(one: Holding, currency: str, digits: int) -> tuple[str, ...]:
    lot = one.lot
    places = HOUR_DIGITS if lot.hours else digits
    held = one.amounts(places)
    carry = f"{lot.carry} until {day_date(lot.carried)}" if lot.carried is not None else "-"
    return (
        visible(lot.team), "-" if lot.project is None else visible(lot.project),
        visible(lot.name), _state(one), carry, str(day_date(lot.first)), str(day_date(lot.last)),
        f"{one.days_left:,}" if one.state not in (EXPIRED, USED_UP) else "-",
        f"{grouped(held.amount, places)} {'h' if lot.hours else currency}",
        *(grouped(part, places) for part in held[1:]),
    )  # fmt: skip


def _state(one: Holding) -> str:
    if one.state == CARRIED:
        return f"carried until {day_date(one.lot.ends)}"
    return one.state


def _outlook(one: Holding, currency: str) -> Iterator[str]:
    found = one.outlook
    if found is None:
        return
    name = visible(one.lot.name)
    rate = f"at the rate of the last {count(found.days, 'day')}"
    if found.lasts_until is not None:
        yield f"{name}: {rate} it lasts until about {day_date(found.lasts_until)}"
    if whole := unused(one, found):
        unit = "GPU-hours" if one.lot.hours else currency
        yield f"{name}: {rate} about {whole:,} {unit} will expire unused"


def unused(one: Holding, found: Outlook) -> int:
    """Whole hours, or whole units of currency, that will expire at this rate."""
    return one._replace(used=one.lot.amount - found.unused, left=found.unused).amounts(0).left


def holdings_json(found: Sequence[Holding], digits: int) -> list[dict[str, Any]]:
    """The same for programs; hours and money are decimal texts, days are half-open."""
    return [_as_json(one, digits) for one in found]


def _as_json(one: Holding, digits: int) -> dict[str, Any]:
    lot, ahead = one.lot, one.outlook
    places = EXACT_DIGITS if lot.hours else digits
    held = one.amounts(places)._asdict()
    until = ahead.lasts_until if ahead else None
    return {
        "name": lot.name, "team": lot.team, "project": lot.project,
        "unit": "gpu_hours" if lot.hours else "money",
        **{name: minor_text(part, places) for name, part in held.items()},
        "from": str(day_date(lot.first)), "until": str(day_date(lot.last)),
        "days_left": one.days_left, "carry": str(lot.carry) if lot.carry else None,
        "carry_until": None if lot.carried is None else str(day_date(lot.carried)),
        "use": dict(lot.use) or None, "match": dict(lot.match), "state": one.state,
        "lasts_until": None if until is None else str(day_date(until)),
        "will_lapse": None if ahead is None else str(unused(one, ahead)),
    }  # fmt: skip


def allotments(found: Sequence[Holding], since: int, digits: int) -> tuple[Allotment, ...]:
    """For a page: those that have begun and paid on a day from ``since`` on."""
    return tuple(
        _allotment(one, digits) for one in found
        if one.state != COMING and one.lot.ends > since
    )  # fmt: skip


def _allotment(one: Holding, digits: int) -> Allotment:
    held = one.amounts(HOUR_DIGITS if one.lot.hours else digits)
    return Allotment(
        one.lot.name, one.lot.hours, held.amount, held.left, day_date(one.expires - 1),
        one.state == USED_UP, one.is_low, one.expires_soon,
    )  # fmt: skip

"""Advice as figures: levels, idle units and workloads in minor units, and as JSON.

Each alternative is rounded once, alone; what workloads pay now is apportioned
from its total, as everywhere.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from slurm_finops.billing.advice import Paid, Use, Worked
from slurm_finops.core.advice import (
    Hour,
    Level,
    Prices,
    cheapest_units,
    floor_units,
    idle_seconds,
    level,
    minor_of,
    seconds_of,
    use_of,
)
from slurm_finops.core.estimate import Price
from slurm_finops.core.money import apportion_ticks, minor_text
from slurm_finops.core.rates import ON_DEMAND
from slurm_finops.core.workloads import COMMITTED, Verdict, judge
from slurm_finops.reports.reasons import reasons
from slurm_finops.reports.view import Header


@dataclass(frozen=True, slots=True)
class Bought:
    """A commitment of so many units: what all use costs with it, and how much of it is used."""

    units: int
    minor: int
    used_seconds: int
    bought_seconds: int


@dataclass(frozen=True, slots=True)
class Idle:
    """What nobody held of so many units, in unit-seconds and in money on demand."""

    capacity: int
    idle_seconds: int
    capacity_seconds: int
    minor: int


@dataclass(frozen=True, slots=True)
class Now:
    """What a workload pays under one kind of pricing; None where it has no price."""

    pricing: str
    unit_seconds: int
    minor: int | None


@dataclass(frozen=True, slots=True)
class Would:
    """What a workload would cost under a model, and of a commitment its units.

    ``minor`` is None where no rate of that kind is known.
    """

    model: str
    minor: int | None
    units: int | None = None


@dataclass(frozen=True, slots=True)
class Advised:
    """A workload: how it should be paid, what it pays, what it would."""

    verdict: Verdict
    now: tuple[Now, ...]
    would: tuple[Would, ...]

    @property
    def now_minor(self) -> int | None:
        priced = [one.minor for one in self.now if one.minor is not None]
        return sum(priced) if priced else None


@dataclass(frozen=True, slots=True)
class Advice:
    """What should have been bought of one SKU in a period."""

    header: Header
    sku: str
    partition: str
    #: by kind of pricing; spot is there only if it is configured
    prices: dict[str, Price]
    hours: tuple[Hour, ...]
    floor: Bought
    cheapest: Bought
    on_demand_minor: int
    workloads: tuple[Advised, ...]
    idle: Idle | None = None
    notes: tuple[str, ...] = ()


def advice(
    header: Header, sku: str, partition: str, use: Use, prices: dict[str, Price],
    capacity: int | None = None, notes: Iterable[str] = (),
) -> Advice:  # fmt: skip
    """What use says.  ``prices`` hold ``on_demand`` and ``committed``, and ``spot`` if known.

    Raises `core.advice.Overfull` where more was in use than ``capacity``.
    """
    both = Prices.of(prices[COMMITTED], prices[ON_DEMAND])
    hours, digits = use.hours, header.digits

    def bought(units: int) -> Bought:
        return _bought(level(hours, both, units), both, digits)

    return Advice(
        header, sku, partition, prices, hours,
        floor=bought(floor_units(hours)),
        cheapest=bought(cheapest_units(hours, both)),
        on_demand_minor=bought(0).minor,
        workloads=_workloads(use.workloads, prices, both, digits),
        idle=None if capacity is None else _idle(hours, capacity, prices[ON_DEMAND], digits),
        notes=tuple(notes),
    )  # fmt: skip


def _bought(found: Level, prices: Prices, digits: int) -> Bought:
    minor = minor_of(found.cost, prices.per, digits)
    return Bought(found.units, minor, found.used_seconds, found.bought_seconds)


def _idle(hours: Sequence[Hour], capacity: int, price: Price, digits: int) -> Idle:
    idle = idle_seconds(hours, capacity)
    minor = minor_of(idle * price.micros, price.per, digits)
    return Idle(capacity, idle, capacity * seconds_of(hours), minor)


def _workloads(
    worked: Sequence[Worked], prices: dict[str, Price], both: Prices, digits: int
) -> tuple[Advised, ...]:
    nows = _nows(worked, digits)
    return tuple(
        Advised(verdict, now, tuple(_would(one, model, prices, both, digits)
                                    for model in verdict.models))
        for one, now in zip(worked, nows, strict=True)
        for verdict in [judge(one.workload)]
    )  # fmt: skip


def _nows(worked: Sequence[Worked], digits: int) -> list[tuple[Now, ...]]:
    """What each pays, its parts apportioned from the total of all."""
    parts = [
        ((*(value or "" for value in one.workload[:3]), pricing), paid)
        for one in worked
        for pricing, paid in sorted(one.paid.items())
    ]
    minors = iter(apportion_ticks([paid.ticks for _, paid in parts], digits,
                                  [key for key, _ in parts]))  # fmt: skip
    return [
        tuple(_now(pricing, paid, next(minors)) for pricing, paid in sorted(one.paid.items()))
        for one in worked
    ]


def _now(pricing: str, paid: Paid, minor: int) -> Now:
    return Now(pricing, paid.unit_seconds, None if pricing == UNPRICED else minor)


UNPRICED = "unpriced"


def _would(one: Worked, model: str, prices: dict[str, Price], both: Prices, digits: int) -> Would:
    """At the price of a model; under a commitment, at the level that is cheapest for it alone."""
    if model == COMMITTED:
        found = level(one.hours, both, cheapest_units(one.hours, both))
        return Would(model, minor_of(found.cost, both.per, digits), found.units)
    price = prices.get(model)
    if price is None:
        return Would(model, None)
    cost = one.workload.unit_seconds * price.micros
    return Would(model, minor_of(cost, price.per, digits))


def advice_json(found: Advice) -> dict[str, Any]:
    """For other programs; money is a decimal text, and None where it is not known."""
    header = found.header

    def money(minor: int | None) -> str | None:
        return None if minor is None else minor_text(minor, header.digits)

    idle = found.idle
    return {
        "currency": header.currency,
        "period": {"start": header.start, "end": header.end, "hours": len(found.hours),
                   "seconds": seconds_of(found.hours)},
        "sku": found.sku,
        "partition": found.partition or None,
        "prices": {
            kind: {"price": minor_text(price.micros, 6), "per": price.per}
            for kind, price in found.prices.items()
        },
        "use": {"unit_seconds": use_of(found.hours)},
        "commitment": {
            "all_on_demand": money(found.on_demand_minor),
            "cheapest": _bought_json(found.cheapest, found),
            "floor": _bought_json(found.floor, found),
            "between": money(found.floor.minor - found.cheapest.minor),
        },
        "idle": idle and {
            "capacity": idle.capacity, "unit_seconds": idle.idle_seconds,
            "capacity_unit_seconds": idle.capacity_seconds, "cost": money(idle.minor),
        },
        "workloads": [_workload_json(one, header.digits) for one in found.workloads],
        "notes": list(found.notes),
    }  # fmt: skip


def _bought_json(bought: Bought, found: Advice) -> dict[str, Any]:
    digits = found.header.digits
    return {
        "units": bought.units,
        "cost": minor_text(bought.minor, digits),
        "saved": minor_text(found.on_demand_minor - bought.minor, digits),
        "used_unit_seconds": bought.used_seconds,
        "committed_unit_seconds": bought.bought_seconds,
    }


def _workload_json(one: Advised, digits: int) -> dict[str, Any]:
    def money(minor: int | None) -> str | None:
        return None if minor is None else minor_text(minor, digits)

    work, verdict = one.verdict.workload, one.verdict
    return {
        "team": work.team, "project": work.project, "environment": work.environment,
        "runs": work.runs, "unit_seconds": work.unit_seconds,
        "effective_cost": money(one.now_minor),
        "now": [{"pricing": now.pricing, "unit_seconds": now.unit_seconds,
                 "effective_cost": money(now.minor)} for now in one.now],
        "advised": list(verdict.models), "checkpoints": verdict.checkpoints,
        "would": [{"pricing": would.model, "units": would.units, "cost": money(would.minor)}
                  for would in one.would],
        "rules": [rule.work for rule in verdict.rules],
        "minutes": work.lengths._asdict(),
        "held_seconds": work.held_seconds, "array_runs": work.array_runs,
        "interrupted": dict(work.interrupted), "restarted": work.restarted,
        "reasons": reasons(verdict),
    }  # fmt: skip

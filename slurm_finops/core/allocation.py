"""How the cost of pools is shared by use: exact ratios, and whole ticks at the end.

Time is cut into slots.  In each slot every unit-second of use that a pool covers
bears the same price: the slot's cost over the larger of its capacity and its use.
Owners that stand in the same relation to every pool form a *class*, so the ratios
are worked out once a class and not once an owner.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from operator import mul
from typing import Any, Generic, NamedTuple, TypeVar

from slurm_finops.core.money import apportion, round_half_away

K = TypeVar("K", bound=Hashable)


class Class(NamedTuple):
    """Use that the pools of ``chain`` (their numbers) may cover; ``buys`` are its owner's own."""

    chain: tuple[int, ...]
    buys: frozenset[int] = frozenset()


class Slots(NamedTuple):
    """A pool over some slots: its cost in ticks and its capacity in unit-seconds for each.

    ``capacity`` None: no capacity that could be left over.
    """

    costs: Sequence[int]
    capacity: Sequence[int] | None
    buyer_first: bool = False


@dataclass
class Coverage:
    """What `cover` finds.  All lists have an item a slot."""

    #: ticks for a unit-second of use, by pool and class
    price: dict[tuple[int, Class], list[Fraction]] = field(default_factory=dict)
    #: the part of a unit-second that a pool covers, by pool and class
    part: dict[tuple[int, Class], list[Fraction]] = field(default_factory=dict)
    #: the part of a unit-second that no pool covers, by class
    beyond: dict[Class, list[Fraction]] = field(default_factory=dict)
    #: ticks of each pool that no use bears
    unused: dict[int, list[Fraction]] = field(default_factory=dict)


def cover(pools: Mapping[int, Slots], use: Mapping[Class, Sequence[int]]) -> Coverage:
    """Share each pool's cost by use, the pools in their order.

    What one pool cannot cover is use for the next of its chain.  Within a slot the
    owners' own pool covers them first where it says so; otherwise all use is equal.
    """
    found = Coverage()
    for one, units in use.items():
        found.beyond[one] = [Fraction(1)] * len(units)
    for number, pool in pools.items():
        classes = [one for one in use if number in one.chain]
        tiers = [classes]
        if pool.buyer_first:
            own = [one for one in classes if number in one.buys]
            tiers = [own, [one for one in classes if number not in one.buys]]
        for one in classes:
            found.price[number, one], found.part[number, one] = [], []
        found.unused[number] = []
        for slot in range(len(pool.costs)):
            _cover_slot(found, number, pool, tiers, use, slot)
    return found


def _cover_slot(
    found: Coverage, number: int, pool: Slots, tiers: Sequence[Sequence[Class]],
    use: Mapping[Class, Sequence[int]], slot: int,
) -> None:  # fmt: skip
    cost = pool.costs[slot]
    held = [sum(use[one][slot] * found.beyond[one][slot] for one in tier) for tier in tiers]
    free = Fraction(pool.capacity[slot]) if pool.capacity is not None else Fraction(sum(held))
    each = cost / free if free else Fraction(0)
    left = free
    for tier, wanted in zip(tiers, held, strict=True):
        part = min(left / wanted, Fraction(1)) if wanted else Fraction(0)
        left -= part * wanted
        for one in tier:
            still = found.beyond[one][slot]
            found.price[number, one].append(still * part * each)
            found.part[number, one].append(still * part)
            found.beyond[one][slot] = still * (1 - part)
    found.unused[number].append(left * each if free else Fraction(cost))


class Shares(NamedTuple, Generic[K]):
    """Whole ticks by owner, and those that no use bears; together the pool's cost."""

    ticks: dict[K, int]
    unused: int


def _itself(key: Any) -> Any:
    return key


def share(
    total: int, use: Mapping[K, Sequence[int]], price: Mapping[K, Sequence[Fraction]],
    unused: Fraction, place: Callable[[K], Any] = _itself,
) -> Shares[K]:  # fmt: skip
    """``total`` ticks by what each owner's use is worth, by largest remainder; ties by place.

    ``price`` are ticks for a unit-second of an owner, by slot.  Its worth and
    ``unused`` sum to within one of ``total`` an owner, as they do where ``total``
    is what the slots cost.
    """
    # owners of a class have one list between them: brought to whole numbers once
    lists = {id(prices): prices for prices in price.values()}
    common = lcm(unused.denominator, *{p.denominator for ps in lists.values() for p in ps})
    whole = {
        name: [p.numerator * (common // p.denominator) for p in prices]
        for name, prices in lists.items()
    }
    worth = [sum(map(mul, units, whole[id(price[key])])) for key, units in use.items()]
    rest = unused.numerator * (common // unused.denominator)
    keys: list[Any] = [(0, place(key)) for key in use]
    parts = apportion(total, [*worth, rest], common, [*keys, (1,)])
    return Shares(dict(zip(use, parts, strict=False)), parts[-1])


def covered(
    use: Mapping[K, Sequence[int]], part: Mapping[K, Sequence[Fraction]],
    place: Callable[[K], Any] = _itself,
) -> dict[K, int]:  # fmt: skip
    """Whole unit-seconds of each owner's use that these parts of it are; they sum to the whole."""
    if all(p == 1 for parts in {id(ps): ps for ps in part.values()}.values() for p in parts):
        return {key: sum(units) for key, units in use.items()}
    total = sum(
        (u * p for key, units in use.items() for u, p in zip(units, part[key], strict=True)),
        Fraction(0),
    )
    whole = round_half_away(total.numerator, total.denominator)
    return share(whole, use, part, Fraction(0), place).ticks

"""What should have been bought: the level of a commitment, and what idle units cost.

A commitment of L units is paid for every second of the period, and use above it
on demand.  Use is taken hour by hour, as commitments are billed: what is held
for half an hour counts half.  Amounts are whole ticks times ``Prices.per``.
"""

from collections.abc import Callable, Iterable, Sequence
from math import lcm
from typing import NamedTuple

from slurm_finops.core.estimate import Price
from slurm_finops.core.money import TICKS, round_half_away
from slurm_finops.core.rates import RateBook, Series
from slurm_finops.core.usage import GPU, is_gpu

#: The floor is what was in use for so many hundredths of the time.
FLOOR_PERCENT = 95


class Hour(NamedTuple):
    """An hour of the period, 3600 seconds or the rest of an odd day, and what was held in it."""

    seconds: int
    unit_seconds: int


class Prices(NamedTuple):
    """Micro-units of currency an hour for ``per`` units, committed and on demand."""

    committed: int
    on_demand: int
    per: int = 1

    @classmethod
    def of(cls, committed: Price, on_demand: Price) -> "Prices":
        """Two prices brought to one ``per``."""
        per = lcm(committed.per, on_demand.per)
        one, other = (price.micros * (per // price.per) for price in (committed, on_demand))
        return cls(one, other, per)

    @property
    def pays(self) -> bool:
        """Whether a commitment that is used throughout costs less than none."""
        return self.committed < self.on_demand


class Level(NamedTuple):
    """A commitment of so many units: what all use costs with it, and how much of it is used."""

    units: int
    cost: int
    used_seconds: int
    bought_seconds: int


def seconds_of(hours: Iterable[Hour]) -> int:
    """The length of a period."""
    return sum(hour.seconds for hour in hours)


def use_of(hours: Iterable[Hour]) -> int:
    """The unit-seconds held in a period."""
    return sum(hour.unit_seconds for hour in hours)


def level(hours: Sequence[Hour], prices: Prices, units: int) -> Level:
    """What use costs with ``units`` committed for all hours and the rest on demand."""
    bought = units * seconds_of(hours)
    used = sum(min(hour.unit_seconds, units * hour.seconds) for hour in hours)
    above = use_of(hours) - used
    return Level(units, bought * prices.committed + above * prices.on_demand, used, bought)


def floor_units(hours: Sequence[Hour]) -> int:
    """The most whole units that were in use for `FLOOR_PERCENT` of the time (P5 of use)."""
    enough = FLOOR_PERCENT * seconds_of(hours)
    return _reached(hours, True, lambda held: 100 * held >= enough)[0]


def cheapest_units(hours: Sequence[Hour], prices: Prices) -> int:
    """The whole units whose commitment makes all use cost least; of equals the fewest.

    One unit more pays for itself while use is above it for more of the time than
    ``committed / on_demand``: so it is the quantile ``1 - committed / on_demand``
    of use over time.  Cost is convex, so of whole units it is that quantile
    rounded down or up.
    """
    if not prices.pays:
        return 0
    enough = (prices.on_demand - prices.committed) * seconds_of(hours)
    near = _reached(hours, False, lambda held: prices.on_demand * held >= enough)
    return min(near, key=lambda units: (level(hours, prices, units).cost, units))


def _reached(hours: Sequence[Hour], most: bool, enough: Callable[[int], bool]) -> tuple[int, int]:
    """The use, from the most or the least on, by which enough of the time is counted.

    As whole units: rounded down, and up.
    """
    scale = lcm(*(hour.seconds for hour in hours))
    ordered = sorted(
        hours, key=lambda hour: hour.unit_seconds * (scale // hour.seconds), reverse=most
    )
    held = 0
    for hour in ordered:
        held += hour.seconds
        if enough(held):
            break
    return hour.unit_seconds // hour.seconds, -(-hour.unit_seconds // hour.seconds)


def minor_of(amount: int, per: int, digits: int) -> int:
    """Ticks times ``per`` as minor units; rounds once, halves away from zero."""
    return round_half_away(amount * 10**digits, TICKS * per)


class Overfull(ValueError):
    """More was in use than there is; ``hour`` is the place of the first such hour."""

    def __init__(self, hour: int) -> None:
        super().__init__(f"more is in use in hour {hour} than there is")
        self.hour = hour


def idle_seconds(hours: Sequence[Hour], capacity: int) -> int:
    """The unit-seconds of ``capacity`` units that nobody held.  Raises `Overfull`."""
    idle = 0
    for place, (seconds, held) in enumerate(hours):
        left = capacity * seconds - held
        if left < 0:
            raise Overfull(place)
        idle += left
    return idle


class SeveralPrices(ValueError):
    """A SKU has prices of one kind that differ by what is not known; ``rates`` name them."""

    def __init__(self, series: Sequence[Series]) -> None:
        super().__init__("several rates apply")
        self.rates = [one.rates[0] for one in series]


def price_of_kind(
    book: RateBook, sku: str, pricing: str, dimensions: dict[str, str], at: int
) -> Price | None:
    """The configured price of a SKU on demand, spot or committed at one moment.

    A rate whose match the dimensions satisfy comes before one that asks for what
    they do not say, and the SKU's own before ``gres/gpu``.  None where no rate
    is of that kind; raises `SeveralPrices` where those left do not agree.
    """
    names = [sku, GPU] if is_gpu(sku) and sku != GPU else [sku]
    for name in names:
        fitting = [
            one for one in book.of(name)
            if one.pricing_at(at) == pricing and _may_apply(one, dimensions)
        ]  # fmt: skip
        sure = [one for one in fitting if set(one.rates[0].match) <= set(dimensions.items())]
        for one in sure[:1] or fitting[:1]:
            price = _price(one, at)
            unlike = [other for other in fitting if _price(other, at).ratio != price.ratio]
            if unlike and not sure:
                raise SeveralPrices([one, *unlike])
            return price
    return None


def _may_apply(series: Series, dimensions: dict[str, str]) -> bool:
    return all(dimensions.get(key, value) == value for key, value in series.rates[0].match)


def _price(series: Series, at: int) -> Price:
    return Price(series.curve.price_at(at), series.curve.per)

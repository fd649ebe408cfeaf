"""The most that a job can cost before it runs, in minor units, rounded up.

Its twin in the hook is ``cost.lua``: both come to the same figure and the same words.
"""

from collections.abc import Iterable
from fractions import Fraction
from math import gcd
from typing import NamedTuple

from slurm_finops.core.money import MICROS, minor_text
from slurm_finops.core.rates import RateBook
from slurm_finops.core.request import Request
from slurm_finops.core.usage import GPU, billable, is_device, is_gpu

MINUTES_PER_HOUR = 60


class Price(NamedTuple):
    """Micro-units of currency an hour for ``per`` units."""

    micros: int
    per: int

    @property
    def ratio(self) -> Fraction:
        """Micro-units an hour of one unit, to compare prices by."""
        return Fraction(self.micros, self.per)

    def minor_per_minute(self, digits: int) -> tuple[int, int]:
        """Minor units of one unit for a minute, as a fraction in lowest terms."""
        above = self.micros * 10**digits
        below = self.per * MICROS * MINUTES_PER_HOUR
        common = gcd(above, below)
        return above // common, below // common


class Part(NamedTuple):
    """So many of a SKU at a price; ``minor`` is for all tasks and minutes, None without a limit."""

    sku: str
    quantity: int
    price: Price
    minor: int | None


class Estimate(NamedTuple):
    """The parts of a job, or of a component; ``unpriced`` are devices that have no rate."""

    request: Request
    parts: tuple[Part, ...]
    unpriced: tuple[str, ...]

    @property
    def minor(self) -> int | None:
        """Minor units, or None where there is no limit of time on what costs something."""
        if not self.parts:
            return 0
        if self.request.minutes is None:
            return None
        return sum(part.minor or 0 for part in self.parts)

    def hourly(self, digits: int) -> int:
        """Minor units for an hour of all its tasks."""
        minutes = MINUTES_PER_HOUR * self.request.tasks
        return sum(cost(part.price, part.quantity, minutes, digits) for part in self.parts)


def estimate(
    book: RateBook, asked: Request, cluster: str, at: int, digits: int
) -> Estimate:
    """The most a job costs at the prices in force at ``at`` (epoch seconds).

    Where a job may land in several partitions, or an untyped GPU be of several
    types, the dearest counts.
    """
    parts, unpriced = [], []
    for sku, quantity in billable(asked.tres, book.skus):
        price = dearest(book, sku, asked, cluster, at)
        if price:
            minutes = asked.minutes
            minor = None if minutes is None else (
                cost(price, quantity, minutes * asked.tasks, digits)
            )  # fmt: skip
            parts.append(Part(sku, quantity, price, minor))
        elif is_device(sku):
            unpriced.append(sku)
    return Estimate(asked, tuple(parts), tuple(unpriced))


def cost(price: Price, quantity: int, minutes: int, digits: int) -> int:
    """Minor units, a begun one whole."""
    above, below = price.minor_per_minute(digits)
    return -(-quantity * minutes * above // below)


def dearest(
    book: RateBook, sku: str, asked: Request, cluster: str, at: int
) -> Price | None:
    """The highest price of a SKU that may apply to a job; None where no rate does."""
    skus = [sku]
    if sku == GPU:  # it may be given GPUs of any type
        skus += sorted(name for name in book.skus if is_gpu(name) and name != GPU)
    found = [
        price
        for name in skus
        for partition in asked.partitions or ("",)
        if (price := price_at(book, name, {
            "cluster": cluster, "partition": partition, "account": asked.account, "qos": asked.qos,
        }, at))
    ]  # fmt: skip
    return max(found, key=lambda price: price.ratio, default=None)


def price_at(book: RateBook, sku: str, dimensions: dict[str, str], at: int) -> Price | None:
    """The price of a SKU at one moment for a run of these dimensions."""
    curve = None
    for segment in book.segments(sku, dimensions):
        if segment.start > at:
            break
        curve = segment.curve
    return Price(curve.price_at(at), curve.per) if curve else None


def price_text(price: Price, digits: int) -> str:
    """``3.92/h``, ``1.000003/h``, ``31.36/h for 8``: all its digits, and those of the currency."""
    places = 6
    micros = price.micros
    while places > digits and micros % 10 == 0:
        micros, places = micros // 10, places - 1
    text = minor_text(micros, places)
    return f"{text}/h" + (f" for {price.per}" if price.per != 1 else "")


def clock(minutes: int) -> str:
    """``24:00:00``, and from two days on ``2-00:00:00``, as Slurm writes a limit."""
    days, rest = divmod(minutes, 24 * MINUTES_PER_HOUR)
    hours, left = divmod(rest, MINUTES_PER_HOUR)
    if days == 1:
        days, hours = 0, hours + 24
    return (f"{days}-" if days else "") + f"{hours:02}:{left:02}:00"


def sum_text(asked: Request, parts: Iterable[Part], digits: int) -> str:
    """``8 × h100 × 24:00:00 at 3.92/h``: what a figure is made of."""
    parts = list(parts)
    times = [f"{asked.tasks:,} tasks"] if asked.tasks > 1 else []
    limit = [clock(asked.minutes)] if asked.minutes is not None else []
    if len(parts) == 1:
        words = [*times, str(parts[0].quantity), _short(parts[0].sku), *limit]
        return f"{' × '.join(words)} at {price_text(parts[0].price, digits)}"
    each = ", ".join(
        f"{part.quantity} × {_short(part.sku)} at {price_text(part.price, digits)}"
        for part in parts
    )
    return " × ".join([*times, *limit]) + (": " if times or limit else "") + each


def _short(sku: str) -> str:
    """A GPU by its type alone, as a person says it."""
    return sku.removeprefix("gres/").removeprefix("gpu:")

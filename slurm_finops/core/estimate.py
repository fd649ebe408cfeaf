"""The most that a job can cost before it runs, in minor units, rounded up.

Its twin in the hook is ``cost.lua``: both come to the same figure and the same words.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from math import prod
from typing import NamedTuple

from slurm_finops.core.charging import MAX, covers, first, matching
from slurm_finops.core.charging import at as in_force
from slurm_finops.core.money import MICROS, minor_text
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import CLASS
from slurm_finops.core.request import Request
from slurm_finops.core.usage import GPU, billable, is_device, is_gpu

MINUTES_PER_HOUR = 60


class Price(NamedTuple):
    """Micro-units of currency an hour for ``per`` units, and what they are multiplied by.

    ``subsidised``: what somebody else pays is taken off.
    """

    micros: int
    per: int
    factors: tuple[Fraction, ...] = ()
    subsidised: bool = False

    @property
    def ratio(self) -> Fraction:
        """Micro-units an hour of one unit, to compare prices by."""
        return Fraction(self.micros, self.per) * prod(self.factors, start=Fraction(1))

    def minor_per_minute(self, digits: int) -> tuple[int, int]:
        """Minor units of one unit for a minute, as a fraction in lowest terms."""
        minor = self.ratio * 10**digits / (MICROS * MINUTES_PER_HOUR)
        return minor.numerator, minor.denominator


class Part(NamedTuple):
    """So many of a SKU at a price; ``minor`` is for all tasks and minutes, None without a limit."""

    sku: str
    quantity: int
    price: Price
    minor: int | None


class Estimate(NamedTuple):
    """The parts of a job, or of a component; ``unpriced`` are devices that have no rate.

    ``request`` has the minutes that are booked, ``limit`` those that were asked for.
    ``outdone``: SKUs with the group in which another costs more.  ``classes``: what its
    team may be.
    """

    request: Request
    parts: tuple[Part, ...]
    unpriced: tuple[str, ...]
    limit: int | None = None
    outdone: tuple[tuple[str, str], ...] = ()
    classes: tuple[str, ...] = ("",)

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
    book: PriceBook, asked: Request, cluster: str, at: int, digits: int,
    classes: Sequence[str] = ("",), *, net: bool = False,
) -> Estimate:  # fmt: skip
    """The most a job costs at the prices in force at ``at`` (epoch seconds).

    Where a job may land in several partitions, or an untyped GPU be of several
    types, or its team be of several ``classes``, the dearest counts.  ``net``: the
    most that its team is billed, subsidies taken off.
    """
    where = places(asked, cluster, classes)
    minutes = None if asked.minutes is None else booked(book, where, asked.minutes, at)
    parts, unpriced = [], []
    for sku, quantity in billable(asked.tres, book.skus):
        price = dearest(book, sku, where, at, net=net)
        if price:
            minor = None if minutes is None else (
                cost(price, quantity, minutes * asked.tasks, digits)
            )  # fmt: skip
            parts.append(Part(sku, quantity, price, minor))
        elif is_device(sku):
            unpriced.append(sku)
    parts, outdone = _combined(book, where, parts, at)
    return Estimate(
        asked._replace(minutes=minutes), tuple(parts), tuple(unpriced), asked.minutes, outdone,
        tuple(classes),
    )  # fmt: skip


#: What rates and rules go by, of a job as it may run.
Place = Mapping[str, str]


def places(asked: Request, cluster: str, classes: Sequence[str]) -> list[Place]:
    """Where and as whose a job may run."""
    return [
        {"cluster": cluster, "partition": partition, "account": asked.account, "qos": asked.qos,
         "reservation": reservation, CLASS: of_class}
        for partition in asked.partitions or ("",)
        for reservation in asked.reservations or ("",)
        for of_class in classes
    ]  # fmt: skip


def booked(book: PriceBook, where: Iterable[Place], minutes: int, at: int) -> int:
    """The most minutes that are paid for, a begun one whole, of a run of so many."""
    found = [minutes * 60]
    for place in where:
        rule = first(in_force(matching(book.charging.rounding, place), at))
        found += [rule.booked(minutes * 60)] if rule else ()
    return -(-max(found) // 60)


def _combined(
    book: PriceBook, where: Sequence[Place], parts: list[Part], at: int
) -> tuple[list[Part], tuple[tuple[str, str], ...]]:
    """What is left of the parts where a group surely makes the dearest the only one."""
    outdone = []
    for group in in_force(book.charging.groups, at):
        mine = [part for part in parts if covers(group.skus, part.sku)]
        if group.combine == MAX and mine and all(matching([group], place) for place in where):
            best = max(mine, key=lambda part: part.quantity * part.price.ratio)
            outdone += [(part.sku, group.name) for part in mine if part is not best]
            parts = [part for part in parts if part is best or part not in mine]
    return parts, tuple(outdone)


def cost(price: Price, quantity: int, minutes: int, digits: int) -> int:
    """Minor units, a begun one whole."""
    above, below = price.minor_per_minute(digits)
    return -(-quantity * minutes * above // below)


def dearest(
    book: PriceBook, sku: str, where: Sequence[Place], at: int, *, net: bool = False
) -> Price | None:
    """The highest price of a SKU that may apply to a job; None where no rate does."""
    skus = [sku]
    if sku == GPU:  # it may be given GPUs of any type
        skus += sorted(name for name in book.skus if is_gpu(name) and name != GPU)
    found = [
        price for name in skus for place in where
        if (price := price_at(book, name, place, at, net=net))
    ]  # fmt: skip
    return max(found, key=lambda price: price.ratio, default=None)


def price_at(
    book: PriceBook, sku: str, place: Place, at: int, *, net: bool = False
) -> Price | None:
    """The price of a SKU at one moment for such a run, what pools cover as if they did not."""
    series = next((one for one in book.ranked(sku, place) if one.pricing_at(at)), None)
    if series is None:
        return None
    curve = series.net_curve if net else series.curve
    micros, factors = curve.price_at(at), book.factors_at(sku, place, at)
    return Price(micros, curve.per, factors, micros != series.curve.price_at(at))


def price_text(price: Price, digits: int) -> str:
    """``3.92/h``, ``1.000003/h``, ``31.36/h for 8 × 3/2``: its digits, and the currency's."""
    places = 6
    micros = price.micros
    while places > digits and micros % 10 == 0:
        micros, places = micros // 10, places - 1
    text = minor_text(micros, places)
    words = [f"{text}/h" + (f" for {price.per}" if price.per != 1 else "")]
    if price.subsidised:
        words[0] += " after subsidy"
    return " × ".join([*words, *map(str, price.factors)])


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

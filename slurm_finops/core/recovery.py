"""What a pool's rates recovered of what it cost, year by year, and what is carried over.

A year's cost and what was recovered are each rounded once, as they would be booked.
Balances are made of what is booked, so that each row adds up to the minor unit and each
year opens with what the one before closed with.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slurm_finops.core.money import apportion_ticks, to_minor
from slurm_finops.core.period import Period


class Recovered(NamedTuple):
    """What charges came to, in ticks: billed, paid by a subsidy, and forgiven (nobody paid it)."""

    billed: int = 0
    subsidised: int = 0
    forgiven: int = 0

    @property
    def total(self) -> int:
        """What was recovered."""
        return self.billed + self.subsidised

    def plus(self, more: "Recovered") -> "Recovered":
        return Recovered(*map(sum, zip(self, more, strict=True)))


class Flow(NamedTuple):
    """A fiscal year of a pool, counted on billing days before ``until``; money in ticks.

    ``by_class``: what was recovered of each class of customers, None where it is not known.
    """

    year: Period
    until: int
    cost: int
    by_class: dict[str | None, Recovered]

    @property
    def recovered(self) -> Recovered:
        return summed(self.by_class.values())


class Balance(NamedTuple):
    """A year in minor units: ``opening + recovered - cost = closing``.

    ``recovered`` is ``billed + subsidised``.  ``closing`` is above 0 where more was
    recovered than it cost.
    """

    opening: int
    cost: int
    billed: int
    subsidised: int
    recovered: int
    closing: int
    forgiven: int


def summed(parts: Iterable[Recovered]) -> Recovered:
    """Several as one."""
    total = Recovered()
    for part in parts:
        total = total.plus(part)
    return total


def balances(flows: Sequence[Flow], digits: int) -> list[Balance]:
    """Years one after the other, from the pool's first on; the first opens with nothing."""
    found: list[Balance] = []
    opening = 0
    for flow in flows:
        all_of_it = flow.recovered
        billed, subsidised = apportion_ticks(all_of_it[:2], digits, ("billed", "subsidised"))
        cost, recovered = to_minor(flow.cost, digits), billed + subsidised
        closing = opening + recovered - cost
        found.append(Balance(
            opening, cost, billed, subsidised, recovered, closing,
            to_minor(all_of_it.forgiven, digits),
        ))  # fmt: skip
        opening = closing
    return found

"""Slurm's reservations: what they held back, for whom, and what of it nobody used."""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.core.globs import Globs
from slurm_finops.core.usage import is_gpu

#: Maintenance keeps nodes from everybody: nobody has them for himself.
MAINT = "MAINT"
#: Who of several holders bears an amount: each the same.
HOLDERS = ("even",)


def by_id(number: int) -> str:
    """What a run has for its reservation's name where accounting knows the id alone."""
    return f"#{number}"


class Holder(NamedTuple):
    """Who may use a reservation; without a user, everybody of the account."""

    account: str
    user: str


class Reservation(NamedTuple):
    """A reservation as it was over ``[start, end)``, epoch seconds; ``end`` as it is planned.

    Each change while it lasts makes another of the same ``number``.  ``tres`` and
    ``nodes`` are texts of Slurm's; ``associations`` the ids that ``holders`` stand for.
    """

    cluster: str
    number: int
    start: int
    end: int
    name: str
    tres: str
    flags: str
    nodes: str
    associations: str
    holders: tuple[Holder, ...]


@dataclass(frozen=True)
class IdleRule:
    """Which reservations pay for what nobody used in them, and which part of it.

    ``named`` and ``account`` are globs on the reservation's name and on any holder's
    account, None for all.  ``first`` is the first billing day of it, None: that of the
    first run that is known.  ``partition`` says by whose rates, where its nodes do not.
    """

    name: str
    named: str | None = None
    account: str | None = None
    share: Fraction = Fraction(1)
    holders: str = HOLDERS[0]
    first: int | None = None
    partition: str | None = None
    where: str = ""

    def matches(self, name: str, holders: tuple[Holder, ...]) -> bool:
        """Whether a reservation with this name and these holders falls under it."""
        return (self.named is None or Globs([self.named]).match(name)) and (
            self.account is None
            or any(Globs([self.account]).match(holder.account) for holder in holders)
        )


def unused(held_back: Mapping[str, int], used: Mapping[str, int]) -> dict[str, int]:
    """Unit-seconds by SKU that were held back and not used, none below zero.

    Use of GPUs under a name that is not held back (``gres/gpu`` where accounting does
    not keep types, or a type where none was asked for) is use of whichever are left.
    """
    left = {sku: max(0, units - used.get(sku, 0)) for sku, units in held_back.items()}
    others = sum(units for sku, units in used.items() if is_gpu(sku) and sku not in left)
    for sku in sorted(left):
        if is_gpu(sku):
            taken = min(left[sku], others)
            left[sku] -= taken
            others -= taken
    return left

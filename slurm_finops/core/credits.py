"""Credits that somebody gives by hand: which of several forgives what of a run's second."""

from collections.abc import Collection, Iterator
from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple


class Claim(NamedTuple):
    """What a credit forgives of one run: ``num/den`` of every second of ``[since, until)``."""

    since: int
    until: int
    num: int
    den: int
    credit: int


class Draw(NamedTuple):
    """A credit's turn: it forgives ``part`` of what the ones before it have ``left``."""

    credit: int
    left: Fraction
    part: Fraction

    @property
    def forgiven(self) -> Fraction:
        """Of the whole."""
        return self.left * self.part


class Stretch(NamedTuple):
    """Half-open seconds of a run of which the same credits forgive the same."""

    since: int
    until: int
    draws: tuple[Draw, ...]

    @property
    def forgiven(self) -> Fraction:
        """Of the whole, by all of them."""
        return sum((draw.forgiven for draw in self.draws), Fraction(0))


def stretches(claims: Collection[Claim]) -> list[Stretch]:
    """The claims on one run as disjoint stretches, in order of time.

    Credits take their turns by id, each its part of what the ones before it left; one
    for which nothing is left is not named.  Seconds that nobody claims are in no
    stretch, and neighbours that are alike are one.
    """
    found: list[Stretch] = []
    cuts = sorted({cut for claim in claims for cut in (claim.since, claim.until)})
    turns = sorted((claim for claim in claims if claim.since < claim.until),
                   key=lambda claim: claim.credit)  # fmt: skip
    for since, until in pairwise(cuts):
        held = [claim for claim in turns if claim.since <= since and until <= claim.until]
        draws = tuple(_draws(held))
        if found and found[-1].until == since and found[-1].draws == draws:
            found[-1] = found[-1]._replace(until=until)
        elif draws:
            found.append(Stretch(since, until, draws))
    return found


def _draws(turns: Collection[Claim]) -> Iterator[Draw]:
    left = Fraction(1)
    for claim in turns:
        part = Fraction(claim.num, claim.den)
        if left:
            yield Draw(claim.credit, left, part)
        left *= 1 - part

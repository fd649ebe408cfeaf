"""What comes on top of what is billed: surcharges, and the tax on all of it."""

from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.core.funds import WHOLE
from slurm_finops.core.money import round_half_away

SURCHARGE, TAX = "surcharge", "tax"
KINDS = (SURCHARGE, TAX)


class Surcharge(NamedTuple):
    """``parts`` (ten-thousandths of a per cent) on billing days ``[first, last)``; None: no border.

    ``kind`` is one of `KINDS`; ``classes`` are the customers it is for, () for all.
    """

    name: str
    kind: str
    parts: int
    classes: tuple[str, ...] = ()
    first: int | None = None
    last: int | None = None

    def applies(self, of_class: str, day: int) -> bool:
        """Whether it comes on top of what a customer of a class is billed for a day."""
        begun = self.first is None or day >= self.first
        ended = self.last is not None and day >= self.last
        return begun and not ended and (not self.classes or of_class in self.classes)


def levied(
    billed: int, of_class: str, day: int, rules: Sequence[Surcharge]
) -> list[tuple[Surcharge, int]]:
    """What comes on top of ``billed``, in ticks: surcharges in their order, then taxes.

    Each surcharge is on the bare amount, each tax on it and all surcharges.  Each is
    rounded half away from zero to the tick.  Nothing comes on top of 0.
    """
    if not billed:
        return []
    ours = [rule for rule in rules if rule.applies(of_class, day)]
    found = [(rule, _of(billed, rule)) for rule in ours if rule.kind == SURCHARGE]
    taxed = billed + sum(ticks for _, ticks in found)
    return found + [(rule, _of(taxed, rule)) for rule in ours if rule.kind == TAX]


def _of(ticks: int, rule: Surcharge) -> int:
    return round_half_away(ticks * rule.parts, WHOLE)

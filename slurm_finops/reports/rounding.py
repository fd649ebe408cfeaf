"""Rounding once what stands side by side: an effective cost, and what of it is billed."""

from collections.abc import Sequence
from typing import Any

from slurm_finops.core.money import TICKS, apportion, apportion_ticks, split_amount, to_minor
from slurm_finops.ledger.spend import Sums

#: Forgiven, subsidised, credited.
Taken = tuple[int, int, int]


def apportion_billed(
    rows: Sequence[Sums], effective: Sequence[int], digits: int, keys: Sequence[Any]
) -> tuple[list[int], list[Taken]]:
    """Billed minor units of each row; and what is forgiven, subsidised and credited of it.

    ``effective`` are the rows' minor units.  What is billed sums to its own rounded total,
    and differs from the effective cost only in rows in which it does in ticks.  There the
    parts make up the difference to the minor unit, unless pools have a part in it.
    """
    off = [row.effective_ticks - row.billed_ticks for row in rows]
    total = sum(effective) - to_minor(sum(row.billed_ticks for row in rows), digits)
    minor = apportion(total, [ticks * 10**digits for ticks in off], TICKS, keys)
    billed = [cost - less for cost, less in zip(effective, minor, strict=True)]
    parts = [(row.forgiven_ticks, row.subsidised_ticks, row.credited_ticks) for row in rows]
    if any(sum(part) != ticks for part, ticks in zip(parts, off, strict=True)):
        columns = [apportion_ticks(column, digits, keys) for column in zip(*parts, strict=True)]
        return billed, [(a, b, c) for a, b, c in zip(*columns, strict=True)]
    return billed, [_split(less, part) for less, part in zip(minor, parts, strict=True)]


def _split(minor: int, part: Taken) -> Taken:
    if not minor:
        return 0, 0, 0
    forgiven, subsidised, credited = split_amount(minor, part, range(len(part)))
    return forgiven, subsidised, credited

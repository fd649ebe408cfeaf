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

    ``effective`` are the rows' minor units.  What is billed sums to its own rounded total.
    The parts make up the difference to the minor unit, unless pools have a part in it.
    """
    billed = _billed(rows, effective, digits, keys)
    minor = [cost - paid for cost, paid in zip(effective, billed, strict=True)]
    off = [row.effective_ticks - row.billed_ticks for row in rows]
    parts = [(row.forgiven_ticks, row.subsidised_ticks, row.credited_ticks) for row in rows]
    if any(sum(part) != ticks for part, ticks in zip(parts, off, strict=True)):
        columns = [apportion_ticks(column, digits, keys) for column in zip(*parts, strict=True)]
        return billed, [(a, b, c) for a, b, c in zip(*columns, strict=True)]
    return billed, [_split(less, part) for less, part in zip(minor, parts, strict=True)]


def _billed(
    rows: Sequence[Sums], effective: Sequence[int], digits: int, keys: Sequence[Any]
) -> list[int]:
    """A row that is billed whole has its effective cost, and one that is all paid has nothing.

    So the others bear what rounding leaves over.  Where they cannot, all rows do.
    """
    total = to_minor(sum(row.billed_ticks for row in rows), digits)
    whole = [row.billed_ticks == row.effective_ticks for row in rows]
    partly = [i for i, row in enumerate(rows) if row.billed_ticks and not whole[i]]
    rest = total - sum(cost for cost, is_whole in zip(effective, whole, strict=True) if is_whole)
    quotas = [rows[i].billed_ticks * 10**digits for i in partly]
    try:
        parts = apportion(rest, quotas, TICKS, [keys[i] for i in partly])
    except ValueError:
        return apportion_ticks([row.billed_ticks for row in rows], digits, keys)
    borne = dict(zip(partly, parts, strict=True))
    return [cost if whole[i] else borne.get(i, 0) for i, cost in enumerate(effective)]


def _split(minor: int, part: Taken) -> Taken:
    if not minor or not any(part):
        return 0, 0, 0
    forgiven, subsidised, credited = split_amount(minor, part, range(len(part)))
    return forgiven, subsidised, credited

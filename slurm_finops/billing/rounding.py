"""Rounding a month's lines once: the total first, then statements, then lines, then their days.

What is corrected of a closed month is rounded so that all statements of that month's costs
together are what its total rounds to today, and a line that is taken back whole leaves not
a minor unit behind.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from slurm_finops.billing.staging import LineKey, Staging
from slurm_finops.core.money import TICKS, apportion, round_half_away, to_minor
from slurm_finops.ledger.stated import Stated, stated_lines

#: Entity and owner of a statement.
Document = tuple[str, str | None]
Quotas = Sequence[int]


class Rounded(NamedTuple):
    """Minor units of statements and of lines, by their numbers; both sum to the total."""

    total: int
    documents: dict[Document, int]
    lines: dict[int, int]


def rounded(staging: Staging, keys: Mapping[int, LineKey], digits: int) -> Rounded:
    """``keys``: the lines that are staged, by number, in an order that every ledger has."""
    months: dict[str, list[int]] = {}
    for number, key in keys.items():
        months.setdefault(key.month, []).append(number)
    found = Rounded(0, {(key.entity, key.owner): 0 for key in keys.values()}, {})
    for month, numbers in months.items():
        ticks = {number: staging.sums[number] for number in numbers}
        if month:
            exact, total = _corrected(staging, keys, month, ticks, digits)
        else:
            exact = {number: amount * 10**digits for number, amount in ticks.items()}
            total = to_minor(sum(ticks.values()), digits)
        plain = {number: amount * 10**digits for number, amount in ticks.items()}
        _share(found, keys, total, exact, plain)
        found = found._replace(total=found.total + total)
    return found


def _corrected(
    staging: Staging, keys: Mapping[int, LineKey], month: str, ticks: Mapping[int, int],
    digits: int,
) -> tuple[dict[int, int], int]:  # fmt: skip
    """What each line of a month lacks to what it comes to by now, and the whole in minor units.

    A line lacks what is staged, and what rounding it before left over.
    """
    period = staging.calendar.period(month)
    stated = stated_lines(staging.db, period.first, period.last)
    whole = sum(one.ticks for one in stated.values()) + sum(ticks.values())
    total = to_minor(whole, digits) - sum(one.minor for one in stated.values())
    exact = {}
    for number, amount in ticks.items():
        before = stated.get(_same(keys[number]), Stated(0, 0))
        scaled = (amount + before.ticks) * 10**digits - before.minor * TICKS
        exact[number] = scaled if amount else 0
    return exact, total


def _same(key: LineKey) -> tuple[object, ...]:
    return key.team, key.project, key.cost_center, key.item, key.payer, key.cluster


def _share(
    found: Rounded, keys: Mapping[int, LineKey], total: int, exact: Mapping[int, int],
    plain: Mapping[int, int],
) -> None:  # fmt: skip
    """Apportion a total to statements, and each of these to its lines."""
    of: dict[Document, list[int]] = {}
    for number in plain:
        key = keys[number]
        of.setdefault((key.entity, key.owner), []).append(number)
    sums = [[sum(by[n] for n in numbers) for numbers in of.values()] for by in (exact, plain)]
    for (document, numbers), minor in zip(of.items(), fitted(total, *sums), strict=True):
        found.documents[document] += minor
        quotas = [[by[n] for n in numbers] for by in (exact, plain)]
        found.lines.update(zip(numbers, fitted(minor, *quotas), strict=True))


def fitted(total: int, *candidates: Quotas) -> list[int]:
    """Whole shares of ``total`` near the first quotas (in `TICKS` parts) that can sum to it.

    Where none can, the last are rounded by themselves, and the largest bears the difference.
    """
    for quotas in candidates:
        try:
            # places are in an order that every ledger has: so they settle ties
            return apportion(total, quotas, TICKS, range(len(quotas)))
        except ValueError:
            continue
    last = candidates[-1]
    whole = round_half_away(sum(last), TICKS)
    shares = apportion(whole, last, TICKS, range(len(last)))
    largest = max(range(len(last)), key=lambda i: abs(last[i]))
    shares[largest] += total - whole
    return shares

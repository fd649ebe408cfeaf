"""Rounding a month's lines once: the total first, then statements, then lines, then their days.

What is corrected of a closed month is rounded so that all statements of that month's costs
together are what its total rounds to today.  Lines go by what they lack to what they come
to, so one that is taken back whole leaves nothing behind where the total lets it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from slurm_finops.billing.staging import LineKey, Staging
from slurm_finops.core.money import TICKS, apportion, round_half_away, to_minor
from slurm_finops.ledger.stated import Stated, stated_lines

#: Entity and owner of a statement.
Document = tuple[str, str | None]


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
            quotas, total = _corrected(staging, keys, month, ticks, digits)
        else:
            quotas = {number: amount * 10**digits for number, amount in ticks.items()}
            total = to_minor(sum(ticks.values()), digits)
        _share(found, keys, total, quotas)
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
    found: Rounded, keys: Mapping[int, LineKey], total: int, quotas: Mapping[int, int]
) -> None:
    """Apportion a total to statements, each to its lines, and each of these to who pays it."""
    of: dict[Document, dict[LineKey, list[int]]] = {}
    for number in quotas:
        key = keys[number]
        lines = of.setdefault((key.entity, key.owner), {})
        lines.setdefault(key._replace(payer=0), []).append(number)
    documents = [[_sum(quotas, numbers) for numbers in lines.values()] for lines in of.values()]
    totals = fitted(total, [sum(lines) for lines in documents])
    for (document, lines), of_lines, minor in zip(of.items(), documents, totals, strict=True):
        found.documents[document] += minor
        for numbers, part in zip(lines.values(), fitted(minor, of_lines), strict=True):
            shares = fitted(part, [quotas[n] for n in numbers])
            found.lines.update(zip(numbers, shares, strict=True))


def _sum(quotas: Mapping[int, int], numbers: Sequence[int]) -> int:
    return sum(quotas[number] for number in numbers)


def fitted(total: int, quotas: Sequence[int]) -> list[int]:
    """Whole shares of ``total`` near their quotas, in parts of `TICKS`.

    Less than one from it each, where that can sum to the total; else each is rounded by
    itself, and the largest bear a unit of the difference, one by one.
    """
    places = range(len(quotas))
    try:
        # places are in an order that every ledger has: so they settle ties
        return apportion(total, quotas, TICKS, places)
    except ValueError:
        whole = round_half_away(sum(quotas), TICKS)
        shares = apportion(whole, quotas, TICKS, places)
    step = 1 if total > whole else -1
    largest = sorted(places, key=lambda i: (-abs(quotas[i]), i))
    for i in range(abs(total - whole)):
        shares[largest[i % len(largest)]] += step
    return shares

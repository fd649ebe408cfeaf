"""Rates as lines of a list: single ones, and long series as one."""

from __future__ import annotations

from itertools import groupby
from math import lcm
from typing import TYPE_CHECKING, Any

from slurm_finops.core.words import count
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from slurm_finops.config import Config
    from slurm_finops.core.approval import Approval
    from slurm_finops.core.rates import Rate

#: Longer series are one line.
_STEPS = 6
_APPROVAL = ("approved by", "document", "review")
_HEAD: tuple[str, ...] = (
    "sku", "price", "per", "unit-hour", "from", "pricing", "match", "rank", "source",
)  # fmt: skip


def of_sku(rates: Sequence[Rate], sku: str) -> list[Rate]:
    """The rates of a SKU; raises `InputError` naming the nearest where there is none."""
    from slurm_finops.core.rows import near

    found = [rate for rate in rates if rate.sku == sku]
    if not found:
        raise InputError(f"no rate is of {sku!r}; {near(sku, [rate.sku for rate in rates])}")
    return found


def grouped(rates: Iterable[Rate], steps: bool) -> list[list[Rate]]:
    """Rates by SKU, match, rank and time; many of one source, pricing and approval together."""
    ordered = sorted(rates, key=lambda rate: (rate.series, rate.start))
    found: list[list[Rate]] = []

    def alike(rate: Rate) -> tuple[Any, ...]:
        return rate.series, _source(rate), rate.pricing, rate.approval

    for _, group in groupby(ordered, key=alike):
        some = list(group)
        found += [[rate] for rate in some] if steps or len(some) <= _STEPS else [some]
    return found


def _source(rate: Rate) -> str:
    """``finops.toml rates[2]``, ``import june``: the SKU stands beside it."""
    return rate.where.removesuffix(f" ({rate.sku})")


def _extremes(rates: Sequence[Rate]) -> list[Rate]:
    """The lowest and the highest by unit, or the only one."""
    if len(rates) == 1:
        return [rates[0]]
    common = lcm(*{rate.per for rate in rates})

    def by_unit(rate: Rate) -> int:
        return rate.price * (common // rate.per)

    return [min(rates, key=by_unit), max(rates, key=by_unit)]


def _price(rate: Rate, config: Config, per: int = 1) -> str:
    from slurm_finops.core.money import MICROS, exact_text

    return exact_text(rate.price, per * MICROS, config.digits)


def table(
    config: Config, groups: Sequence[Sequence[Rate]], overdue: Collection[Rate] = ()
) -> Iterator[str]:
    """A line a rate or series, aligned, under a line of names.

    Who approved them is shown where any is approved; ``overdue`` are past their review.
    """
    from slurm_finops.reports.format import visible
    from slurm_finops.reports.tables import aligned

    head, rows = _HEAD, [_row(config, some) for some in groups]
    if any(some[0].approval for some in groups):
        head += _APPROVAL
        rows = [(*row, *_approval(some, overdue)) for row, some in zip(rows, groups, strict=True)]
    yield from aligned([head, *(tuple(map(visible, row)) for row in rows)], len(head))


def _approval(some: Sequence[Rate], overdue: Collection[Rate]) -> tuple[str, str, str]:
    approval = some[0].approval
    if approval is None:
        return "–", "–", "–"
    past = ", past" if any(rate in overdue for rate in some) else ""
    return approval.approved_by, approval.document or "–", (_review(approval) or "–") + past


def _review(approval: Approval) -> str | None:
    from slurm_finops.core.period import day_date

    return None if approval.review is None else str(day_date(approval.review))


def _row(config: Config, some: Sequence[Rate]) -> tuple[str, ...]:
    first, ends, when = some[0], _extremes(some), config.calendar.shortest
    since = when(first.start)
    if len(some) > 1:
        since += f" … {when(some[-1].start)}, {count(len(some), 'step')}"
    return (
        first.sku,
        " – ".join(dict.fromkeys(_price(rate, config) for rate in ends)),
        " – ".join(dict.fromkeys(str(rate.per) for rate in ends)),
        " – ".join(dict.fromkeys(_price(rate, config, rate.per) for rate in ends)),
        since,
        first.pricing,
        ", ".join(f"{key}={value}" for key, value in first.match) or "–",
        str(first.rank),
        _source(first),
    )


def as_json(
    config: Config, some: Sequence[Rate], overdue: Collection[Rate] = ()
) -> dict[str, Any]:
    """A rate, or a series of them: then ``lowest`` and ``highest`` instead of a price."""
    first, isoformat = some[0], config.calendar.isoformat
    common = {
        "sku": first.sku, "pricing": first.pricing, "match": dict(first.match),
        "rank": first.rank, "source": _source(first), "steps": len(some),
        "from": isoformat(first.start), "approval": None,
    }  # fmt: skip
    if first.approval:
        common["approval"] = {
            "approved_by": first.approval.approved_by, "document": first.approval.document or None,
            "review": _review(first.approval),
            "past_review": any(rate in overdue for rate in some),
        }  # fmt: skip
    if len(some) == 1:
        return common | _money(config, first)
    lowest, highest = _extremes(some)
    return common | {
        "to": isoformat(some[-1].start),
        "lowest": _money(config, lowest), "highest": _money(config, highest),
    }  # fmt: skip


def _money(config: Config, rate: Rate) -> dict[str, Any]:
    return {
        "price": _price(rate, config), "per": rate.per, "unit_price": _price(rate, config, rate.per)
    }  # fmt: skip

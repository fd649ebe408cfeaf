"""Steps -> series: one way in time, one price at a moment, or an error that says what to choose."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slurm_finops.core.rates import Rate
from slurm_finops.core.words import storable, utc
from slurm_finops.errors import InputError
from slurm_finops.prices.wanted import Step

Origin = tuple[tuple[str, str], ...]
_NAMED = 6


class Imported(NamedTuple):
    """A rate to import, and what it is the price of: rates of two origins do not mix."""

    rate: Rate
    origin: str


def series(name: str, steps: Iterable[Step], ascending: bool = False) -> list[Imported]:
    """The rates of these steps in order of SKU, match, rank and time.

    ``name`` of the format; ``ascending`` where it runs from old to new.  A price
    that is said twice is kept once; one that stays the same is kept as often as
    the file has it.  Raises `InputError` where a file turns back in time, where one
    moment has two prices, and where several origins are left for one SKU and match.
    """
    groups: dict[tuple[object, ...], dict[Origin, list[Step]]] = {}
    for step in steps:
        groups.setdefault(step.rate.series, {}).setdefault(step.origin, []).append(step)
    found = []
    for _, origins in sorted(groups.items(), key=lambda item: repr(item[0])):
        whole = {origin: _one(some, ascending) for origin, some in origins.items()}
        origin = min(whole)
        _check_alone(whole)
        said = storable(" ".join([name, *(value for _, value in origin)]))
        found += [Imported(rate, said) for rate in whole[origin]]
    return found


def _one(steps: Sequence[Step], ascending: bool) -> list[Rate]:
    """The rates of one origin by time."""
    _check_order(steps, ascending)
    found: dict[int, Rate] = {}
    for rate in (step.rate for step in steps):
        before = found.setdefault(rate.start, rate)
        if _price(before) != _price(rate):
            raise InputError(
                f"{before.where} and {rate.where} give {rate.sku} two prices from "
                f"{utc(rate.start)}; take one out, or choose a row by another column: --where "
                "COLUMN=VALUE"
            )
        if before.approval != rate.approval:
            raise InputError(
                f"{before.where} and {rate.where} give {rate.sku} one price from {utc(rate.start)} "
                "with two approvals; take one out"
            )
    return [found[start] for start in sorted(found)]


def _price(rate: Rate) -> tuple[int, int, str, int]:
    return rate.price, rate.per, rate.pricing, rate.subsidy


def _check_order(steps: Iterable[Step], ascending: bool) -> None:
    """A file's points run one way; one that does not was put together from others, or is torn."""
    ways: dict[str, tuple[int, int]] = {}
    for rate, _, file in steps:
        last, way = ways.get(file, (rate.start, 1 if ascending else 0))
        moved = (rate.start > last) - (rate.start < last)
        if moved and way and moved != way:
            runs = "from the oldest to the newest" if way > 0 else "from the newest to the oldest"
            raise InputError(
                f"{rate.where}: {utc(rate.start)} goes back in time: the prices of {rate.sku} "
                f"before it run {runs}"
            )
        ways[file] = rate.start, way or moved


def _check_alone(whole: dict[Origin, list[Rate]]) -> None:
    """Several origins may only say the same."""
    lists = [[(rate.start, *_price(rate)) for rate in rates] for rates in whole.values()]
    if all(one == lists[0] for one in lists):
        return
    values: dict[str, set[str]] = {}
    for origin in whole:
        for option, value in origin:
            values.setdefault(option, set()).add(value)
    choices = "; ".join(f"{option} {_some(found)}" for option, found in values.items()
                        if len(found) > 1)  # fmt: skip
    rate = next(iter(whole.values()))[0]
    raise InputError(
        f"{len(whole)} prices are left for {rate.sku} at one moment; choose one of each: {choices}"
    )


def _some(values: set[str]) -> str:
    names = sorted(values)
    more = f" or {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return " | ".join(map(repr, names[:_NAMED])) + more

"""What the gate may say of money: prices from now on, and what is left of budgets.

Prices are what a team is billed: subsidies are taken off.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

from slurm_finops.core.charging import MAX, Charging, Factor, Group, Rounding, Tier, Timeline
from slurm_finops.core.estimate import Price, price_text
from slurm_finops.core.price_book import PriceBook, dearest_step
from slurm_finops.core.rates import EVER, Series
from slurm_finops.core.usage import GPU, is_device, is_gpu
from slurm_finops.hook.build import FORMAT, data_file


def money_data(
    book: PriceBook, cluster: str, currency: str, digits: int, at: int, budget_file: Path | None
) -> dict[str, Any]:
    """Prices of devices in force at ``at`` or later, for the policy's data.

    ``others``: the site also prices what no device is, which the gate cannot count.
    """
    skus = sorted(sku for sku in book.skus if is_device(sku))
    return {
        "currency": currency,
        "digits": digits,
        "cluster": cluster,
        "others": any(not is_device(sku) for sku in book.skus),
        "budget_file": str(budget_file) if budget_file else None,
        "gpus": [GPU, *(sku for sku in skus if is_gpu(sku) and sku != GPU)],
        "rates": {
            sku: [found for one in book.of(sku) if (found := _series(one, at, digits))["steps"]]
            for sku in skus
        },
        **_policy(book.charging, at),
    }


def _series(series: Series, at: int, digits: int) -> dict[str, Any]:
    net, whole = series.net_curve, series.curve
    starts = [start for start in net.times if start <= at][-1:]
    starts += [start for start in net.times if start > at]
    prices = [
        Price(micros, net.per, (), micros != whole.price_at(start))
        for start in starts for micros in [net.price_at(start)]
    ]  # fmt: skip
    return {"match": dict(series.rates[0].match),
            "steps": [_step(price, start, digits)
                      for price, start in zip(prices, starts, strict=True)]}  # fmt: skip


def _step(price: Price, start: int, digits: int) -> dict[str, Any]:
    above, below = price.minor_per_minute(digits)
    return {"from": start, "above": above, "below": below, "text": price_text(price, digits)}


def _policy(charging: Charging, at: int) -> dict[str, Any]:
    """What of the charging policy a job's cost hangs on, and can be known when it is submitted."""
    rounding = sorted(charging.rounding, key=lambda rule: (-len(rule.match), -rule.rank))
    factors: list[tuple[Factor | Tier, Fraction, list[str] | None]] = [
        *((one, dearest_step(one), list(one.skus)) for one in charging.tiers),
        *((one, one.ratio, list(one.skus) or None) for one in charging.factors),
    ]
    return {
        "classes": {team: _classes(timeline, at) for team, timeline in charging.classes},
        "class": _classes(charging.otherwise, at),
        "factors": [
            {**_rule(one, at), "skus": skus, **_ratio(ratio)}
            for one, ratio, skus in factors if one.end > at and ratio != 1
        ],
        "rounding": [
            {**_rule(one, at), "step": one.step, "minimum": one.minimum}
            for one in rounding if one.end > at
        ],
        "groups": [
            {**_rule(one, at), "skus": list(one.skus)}
            for one in charging.groups if one.end > at and one.combine == MAX
        ],
    }  # fmt: skip


def _rule(rule: Factor | Tier | Rounding | Group, at: int) -> dict[str, Any]:
    """For whom, and from when until when; one that was there before is from 0 on."""
    return {
        "match": dict(rule.match),
        "from": rule.start if rule.start > at else 0,
        "until_": None if rule.end == EVER else rule.end,
    }


def _ratio(ratio: Fraction) -> dict[str, Any]:
    return {"above": ratio.numerator, "below": ratio.denominator, "text": str(ratio)}


def _classes(timeline: Timeline, at: int) -> list[dict[str, Any]]:
    now = [piece for piece in timeline if piece.start <= at][-1]
    later = [piece for piece in timeline if piece.start > at]
    return [{"from": 0, "name": now.of_class},
            *({"from": piece.start, "name": piece.of_class} for piece in later)]  # fmt: skip


def budget_file(
    teams: Iterable[tuple[str, int]], start: int, end: int,
    tenths: Iterable[tuple[str, int]] = (),
) -> str:  # fmt: skip
    """Minor units left to each team in ``[start, end)``, below zero what is over.

    ``tenths`` are those of GPU-hours that allocations hold beside that.
    """
    left: Mapping[str, int] = dict(teams)
    hours: Mapping[str, int] = dict(tenths)
    told = {"format": FORMAT, "from": start, "until_": end, "teams": left}
    return data_file(told | ({"tenths": hours} if hours else {}), "budgets")

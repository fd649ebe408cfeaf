"""What the gate may say of money: prices from now on, and what is left of budgets."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from slurm_finops.core.estimate import Price, price_text
from slurm_finops.core.rates import RateBook, Series
from slurm_finops.core.usage import GPU, is_device, is_gpu
from slurm_finops.hook.build import FORMAT, data_file


def money_data(
    book: RateBook, cluster: str, currency: str, digits: int, at: int, budget_file: Path | None
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
    }


def _series(series: Series, at: int, digits: int) -> dict[str, Any]:
    curve = series.curve
    starts = [start for start in curve.times if start <= at][-1:]
    starts += [start for start in curve.times if start > at]
    return {"match": dict(series.rates[0].match),
            "steps": [_step(Price(curve.price_at(start), curve.per), start, digits)
                      for start in starts]}  # fmt: skip


def _step(price: Price, start: int, digits: int) -> dict[str, Any]:
    above, below = price.minor_per_minute(digits)
    return {"from": start, "above": above, "below": below, "text": price_text(price, digits)}


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

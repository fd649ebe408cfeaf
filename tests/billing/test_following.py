"""A change is followed wherever it leads: each case against a ledger that never knew another."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Factor
from slurm_finops.core.pools import Allocation, Pool
from slurm_finops.core.rates import Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, HOUR, POLICY, run
from tests.billing.test_drawing import NOW, RATE
from tests.support import a_ledger, write

TABLES = {
    "charges": "day, usage_id, sku_id, quantity, seconds, effective_ticks, billed_ticks",
    "draws": "day, lot_id, credit_id, usage_id, sku_id, units, ticks",
    "tier_days": "day, tier, team, used",
    "tier_levels": "tier, team, start, level",
    "allocations": "day, category, partition, unit_seconds, effective_units, effective_ticks",
}


def terms(
    rates: tuple[Rate, ...] = (RATE,), pools: tuple[Pool, ...] = (), suspended: bool = False,
    **policy: Any,
) -> Terms:  # fmt: skip
    what = Allocation(pools)
    return Terms(rates, POLICY, CALENDAR, suspended, what, Charging(**policy))


def priced(site: Terms, runs: Iterable[Run], ledger: Ledger | None = None) -> Ledger:
    ledger = ledger or a_ledger()
    write(ledger, *runs)
    price(ledger, site, NOW)
    return ledger


def told(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: ledger.db.execute(f"SELECT {columns} FROM {name} ORDER BY {columns}").fetchall()
        for name, columns in TABLES.items()
    }


@pytest.mark.parametrize("dear", [
    {"factors": (Factor("a slip", Fraction(10**12)),)},
    {"rates": (RATE._replace(price=7 * 10**15),), "suspended": True},
])  # fmt: skip
def test_a_run_that_cost_too_much_is_priced_when_it_no_longer_does(dear: dict[str, Any]) -> None:
    runs = [run(1, "nlp", 0, 1 if "suspended" in dear else HOUR, suspended=HOUR)]
    ledger = priced(terms(**dear), runs)
    assert told(ledger)["charges"] == []
    usual = terms(**{name: dear[name] for name in dear if name == "rates"})
    price(ledger, usual, NOW)
    assert told(ledger) == told(priced(usual, runs))
    assert len(told(ledger)["charges"]) == 1

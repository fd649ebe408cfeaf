"""Any TRES can be priced, by whatever number of units its price is for."""

from fractions import Fraction

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.core.money import TICKS
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope, unpriced
from tests.billing.pools import FIRST, HOUR, run, terms
from tests.support import JUNE, a_ledger, write

SCOPE = Scope(FIRST, FIRST + 1)
HELD = (
    "billing=96,cpu=48,gres/gpu:a100_1g.5gb=3,gres/gpu:h100=2,gres/gpu=5,gres/shard=4,"
    "license/matlab=2,mem=500G,node=1"
)


@pytest.mark.parametrize(("sku", "per", "units"), [
    ("gres/gpu:h100", 1, 2),
    ("gres/gpu:h100", 8, 2),
    ("gres/gpu:a100_1g.5gb", 7, 3),
    ("gres/shard", 1, 4),
    ("cpu", 1, 48),
    ("mem", 1024, 500 * 1024),
    ("node", 1, 1),
    ("license/matlab", 1, 2),
    ("billing", 1, 96),
])  # fmt: skip
def test_an_hour_of_anything_costs_its_price(sku: str, per: int, units: int) -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, alloc_tres=HELD))
    price(ledger, terms(rates=(Rate(sku, 1_234_567, 0, per),)), JUNE)
    found = {row.key[0]: row for row in spend(ledger.db, SCOPE, ("sku",))}
    exact = Fraction(1_234_567 * units * HOUR, per)
    assert found[sku].effective_ticks == exact // 1
    assert sum(row.effective_ticks for row in found.values()) == exact // 1


def test_devices_without_a_rate_are_listed_and_other_tres_are_nothing_to_bill() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, alloc_tres=HELD))
    price(ledger, terms(rates=(Rate("cpu", TICKS // HOUR, 0),)), JUNE)
    assert [sku for sku, _, _ in unpriced(ledger.db, SCOPE)] == [
        "gres/gpu:a100_1g.5gb", "gres/gpu:h100", "gres/shard",
    ]  # fmt: skip

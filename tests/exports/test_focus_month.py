"""A month of a real ledger as FOCUS: sacct file -> ledger -> stated lines -> rows."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from slurm_finops.billing.stated import month
from slurm_finops.cli.app import App
from slurm_finops.cli.books import books_of
from slurm_finops.core.money import TICKS
from slurm_finops.core.posted import Posted
from slurm_finops.exports.focus import Commitment, rows
from tests.exports.stated import ABOUT
from tests.test_golden_month import priced
from tests.test_golden_pools import MIXED, TOTAL

POOL = "h100-reserved"


@pytest.fixture(scope="module")
def stated(tmp_path_factory: pytest.TempPathFactory) -> tuple[App, Sequence[Posted]]:
    """On demand, spot, and a reservation that is half used."""
    folder: Path = tmp_path_factory.mktemp("focus")
    app = App(str(priced(folder, MIXED)))
    with app.reading() as ledger:
        calendar = app.config.calendar
        found = month(ledger, books_of(app), calendar, calendar.period("2026-06"))
        return app, tuple(found.lines())


def test_costs_of_rows_are_those_of_the_report_and_of_the_bill(stated):
    app, lines = stated
    about = ABOUT._replace(
        calendar=app.config.calendar, currency="USD",
        commitments={POOL: Commitment("Reserved capacity", "gres/gpu:h100")},
    )  # fmt: skip
    found = list(rows(lines, about, "1.2"))
    assert round(sum(row["EffectiveCost"] for row in found), 2) == Decimal(TOTAL)
    assert sum(row["x_slurm_effective_ticks"] for row in found) == 23_752_128 * TICKS // 1000
    assert round(sum(row["ListCost"] for row in found), 2) == Decimal("22579.20")
    # what is not covered, and the reservation: upfront, and 23.52 for each of 720 hours
    bills = Decimal("1806.34") + Decimal("2011.39") + Decimal("36500.00") + Decimal("16934.40")
    assert sum(row["BilledCost"] for row in found) == bills
    of_pool = [row for row in found if row["CommitmentDiscountId"] == f"pool/{POOL}"]
    assert {row["x_slurm_category"] for row in of_pool} == {"share", "unused", "purchase"}
    assert round(sum(row["EffectiveCost"] for row in of_pool), 2) == Decimal("19934.40")

"""Budgets of teams that hold allocations: what these pay is not spent, and counts beside."""

from pathlib import Path

import pytest

from slurm_finops.billing.budgets import Beside, beside
from slurm_finops.core.holdings import holding
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import TICKS
from slurm_finops.hook.money import budget_file
from tests.cli.test_budgets import DAY, finops
from tests.fake_slurm import FakeSlurm, slurm
from tests.hook.test_cost import NOW, YEAR, engine, said
from tests.support import CONFIG, JUNE, a_config, record, saved

__all__ = ["slurm"]
SITE = """
[hook]
budget_file = "budgets.lua"
[[teams]]
name = "nlp"
accounts = ["nlp"]
budget = "100.00"
[[teams]]
name = "cv"
accounts = ["cv"]
budget = "1.00"
[[allocations]]
name = "grant"
team = "nlp"
gpu_hours = "6"
from = 2026-06-01
until = 2026-09-01
[[allocations]]
name = "fund"
team = "nlp"
amount = "50.00"
from = 2026-06-01
until = 2026-09-01
rank = -1
[[allocations]]
name = "next"
team = "cv"
gpu_hours = "1000"
from = 2026-07-01
until = 2026-09-01
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten GPU-hours of nlp in June at 3.92, of which its grant has six and its fund the rest."""
    for module in ("standing", "app", "budgets", "price"):
        monkeypatch.setattr(f"slurm_finops.cli.{module}.now", lambda: JUNE + 20 * DAY)
    path = a_config(tmp_path, CONFIG + SITE)
    text = saved(record(ElapsedRaw=5 * 3600, End=JUNE + 60 + 5 * 3600))
    (tmp_path / "june.txt").write_text(text)
    for words in (["collect", "sacct", "--file", str(tmp_path / "june.txt")], ["price"]):
        assert finops(path, *words).exit_code == 0
    return path


def test_what_an_allocation_pays_is_not_spent(config: Path) -> None:
    assert finops(config, "budgets", "list").stdout == (
        "2026-06, USD\n"
        "team / project  for      budget  spent    left  used   pace  forecast  8 times of 10"
        "  used up\n"
        "nlp             2026-06  100.00   0.00  100.00  0.0%  66.7%         –              –"
        "        –\n"
        "cv              2026-06    1.00   0.00    1.00  0.0%  66.7%         –              –"
        "        –\n"
        "no forecast before 28 days of use: nlp has 20, cv has 0\n"
    )
    page = config.parent / "page.html"
    finops(config, "report", "--period", "2026-06", "--team", "nlp", "--out", str(page))
    assert "0.00 of 100.00 USD for June 2026 is spent (0.0%); 100.00 is left" in page.read_text()


def test_what_it_holds_and_paid_this_month_counts_beside_the_budget(
    config: Path, slurm: FakeSlurm
) -> None:
    slurm.config()
    told = finops(config, "budgets", "apply").stdout
    # the grant's six hours are used, of the fund 50.00 - 4 * 3.92 are left: this month both count
    assert (
        "# Allocations count with what they have left and what they paid this month: print\n"
        "# these anew each month, and when one is given or expires.\n"
        "\n"
        "# nlp: 100.00 USD at 3.92/h = 1,530 GPU-minutes\n"
        "#   and of its allocations 50.00 USD at 3.92/h = 765 GPU-minutes\n"
        "#   and of its allocations 6.0 GPU-hours = 360 GPU-minutes\n"
        "#   together 2,655 GPU-minutes\n"
        "sacctmgr modify account where name=nlp cluster=alpha set GrpTRESMins=gres/gpu=2655\n"
        "\n"
        "# cv: 1.00 USD at 3.92/h = 15 GPU-minutes\n"
        "sacctmgr modify account where name=cv cluster=alpha set GrpTRESMins=gres/gpu=15\n"
    ) in told


def test_figures_that_are_not_todays_are_said_to_be(config: Path, slurm: FakeSlurm) -> None:
    slurm.config()
    config.write_text(config.read_text().replace('gpu_hours = "6"', 'gpu_hours = "7"'))
    assert "# warning: " in finops(config, "budgets", "apply").stdout


def test_nightly_writes_what_is_left_with_both(config: Path, slurm: FakeSlurm) -> None:
    slurm.config(ClusterName="alpha")
    config.write_text(config.read_text().replace('gpu_hours = "6"', 'gpu_hours = "9"'))
    assert finops(config, "nightly", "--no-send").exit_code == 0
    text = (config.parent / "budgets.lua").read_text()
    # of nine hours none is left, and of 50.00 the price of nine more
    assert '["teams"] = { ["nlp"] = 14608, ["cv"] = 100 }' in text
    config.write_text(config.read_text().replace('gpu_hours = "9"', 'gpu_hours = "12.5"'))
    assert finops(config, "nightly", "--no-send").exit_code == 0
    text = (config.parent / "budgets.lua").read_text()
    assert '["teams"] = { ["nlp"] = 15000, ["cv"] = 100 }' in text
    assert '["tenths"] = { ["nlp"] = 25 }' in text


def test_the_gate_says_what_is_left_of_both(tmp_path: Path) -> None:
    lua = engine(tmp_path)
    ask = {"tres_per_node": "gres:gpu:h100:8"}
    left, tenths = {"nlp": 231_000, "cv": -4510}, {"nlp": 67_320, "cv": 25}
    (tmp_path / "budgets.lua").write_text(
        budget_file(left.items(), NOW - YEAR, NOW + YEAR, tenths.items())
    )
    assert said(lua, comment='{"team":"nlp"}', **ask).endswith(
        "; team nlp has 2,310.00 and 6,732.0 GPU-hours left this month"
    )
    assert said(lua, comment='{"team":"cv"}', **ask).endswith(
        "; team cv is 45.10 over its budget this month; it has 2.5 GPU-hours left"
    )


def test_of_a_lot_in_slices_a_limit_counts_the_gpu_that_takes_most() -> None:
    slices = Lot("slices", "nlp", None, True, 70 * 3600 * MICRO, 0, 90,
                 (("cpu", 20), ("gres/gpu:a100", 7), ("gres/gpu:a100_1g.5gb", 1)))  # fmt: skip
    cores = Lot("cores", "nlp", None, True, 70 * 3600 * MICRO, 0, 90, (("cpu", 1),))
    fund = Lot("fund", "nlp", None, False, 5 * TICKS, 0, 90)
    gone = Lot("gone", "nlp", None, False, 9 * TICKS, 0, 40)
    held = [holding(lot, 50, {30: 2, 45: TICKS}) for lot in (slices, cores, fund)]
    # an hour of 70 is used, and a little: seven of the rest are an A100's hour
    assert beside(held[:2], 2)["nlp"] == Beside(0, 591)
    assert beside(held[2:], 2) == {"nlp": Beside(4_00, 0)}
    assert beside(held[2:], 2, 31) == {"nlp": Beside(5_00, 0)}
    # what paid this month and has expired since counts for what it paid
    assert beside([holding(gone, 50, {35: 4 * TICKS})], 2) == {}
    assert beside([holding(gone, 50, {35: 4 * TICKS})], 2, 31) == {"nlp": Beside(4_00, 0)}

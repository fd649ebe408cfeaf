"""Bills beside rates through the real path: saved sacct file -> ledger -> report, to the cent."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_finops.cli import main
from tests.support import a_config, record, saved
from tests.test_golden_month import priced, report

#: product on demand, research on spot, everybody else on a reservation that is half used.
MIXED = """\
cluster  = "alpha"
currency = "USD"

[[rates]]
sku   = "gres/gpu:h100"
price = "3.92"
from  = 2026-01-01
[[rates]]
sku   = "gres/gpu:h100"
price = "3.92"
from  = 2026-01-01
match = { account = "product" }
[[rates]]
sku     = "gres/gpu:h100"
price   = "2.91"
from    = 2026-01-01
pricing = "spot"
match   = { account = "research" }

[[pools]]
name    = "h100-reserved"
sku     = "gres/gpu:h100"
units   = 12
from    = 2026-06-01
until   = 2027-06-01
upfront = "36500.00"
hourly  = "23.52"
beyond  = "rates"
"""
#: 460.8 h at 3.92, 691.2 h at 2.91, and 30 days of 100.00 and 23.52 an hour.
BILLS = {
    "on_demand": Decimal("1806.34"), "spot": Decimal("2011.39"), "reservation": Decimal("19934.40"),
}  # fmt: skip
TOTAL = "23752.13"


def answer(config: Path, *words: str) -> dict:  # type: ignore[type-arg]
    found: dict = json.loads(report(config, "--period", "2026-06", "--format", "json", *words))  # type: ignore[type-arg]
    return found


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return priced(tmp_path_factory.mktemp("mixed"), MIXED)


def test_a_month_of_on_demand_spot_and_a_half_used_reservation_is_its_bills(mixed: Path) -> None:
    found = answer(mixed, "--by", "pricing")["rows"]
    rows = {row["pricing"]: Decimal(row["effective_cost"]) for row in found}
    assert (rows["on_demand"], rows["spot"]) == (BILLS["on_demand"], BILLS["spot"])
    assert rows["committed"] + rows["unused"] == BILLS["reservation"]
    assert answer(mixed)["total"]["effective_cost"] == TOTAL


@pytest.mark.parametrize("by", ["team", "user", "day", "origin", "team,project", "qos,partition"])
def test_whatever_it_is_shown_by(mixed: Path, by: str) -> None:
    found = answer(mixed, "--by", by)
    assert sum(Decimal(row["effective_cost"]) for row in found["rows"]) == Decimal(TOTAL)


def test_the_pools_say_how_far_it_is_used(mixed: Path) -> None:
    done = CliRunner().invoke(
        main, ["-c", str(mixed), "pools", "--period", "2026-06", "--format", "json"]
    )
    (pool,) = json.loads(done.stdout)["pools"]
    # 4,608 of 8,640 GPU-hours
    assert (pool["used_unit_seconds"], pool["capacity_unit_seconds"]) == (
        4608 * 3600, 8640 * 3600,
    )  # fmt: skip
    assert (pool["cost"], pool["used_cost"], pool["unused_cost"]) == (
        "19934.40", "10631.68", "9302.72",
    )  # fmt: skip
    # 19,934.40 over what was used
    assert pool["used_unit_hour_cost"] == "4.33"


def test_a_share_of_the_bill_is_the_team_seconds_over_all_seconds(tmp_path: Path) -> None:
    # five teams of 40, 25, 15, 12 and 8 % of a month's bill of 22,579.20
    bill = MIXED[: MIXED.index("[[rates]]")] + """
[[pools]]
name  = "the whole bill"
sku   = "gres/gpu:h100"
from  = 2026-06-01
until = 2026-07-01
upfront = "22579.20"
step  = "month"
"""
    rows = {r["team"]: r["effective_cost"] for r in answer(priced(tmp_path, bill))["rows"]}
    assert rows == {
        "nlp": "9031.68", "cv": "5644.80", "platform": "3386.88", "research": "2709.50",
        "product": "1806.34", None: "0.00",
    }  # fmt: skip


def test_an_hour_of_a_node_at_31_36_loses_no_cent(tmp_path: Path) -> None:
    # 40/25/15/12/8 %: 12.544, 7.84, 4.704, 3.7632 and 2.5088, each rounded alone, are 31.35
    config = a_config(tmp_path, """
cluster  = "alpha"
currency = "USD"
[[pools]]
name   = "node"
kind   = "owned"
sku    = "gres/gpu:h100"
from   = 2026-06-01
until  = 2026-06-02
hourly = "31.36"
[pools.unused]
spread = "carried"
to     = "nobody"
""")
    start = 1_780_272_000
    shares = {"nlp": 40, "cv": 25, "platform": 15, "research": 12, "product": 8}
    (tmp_path / "sacct.txt").write_text(saved(*(
        record(JobIDRaw=n, JobID=n, Submit=start, Start=start, End=start + 36 * percent,
               ElapsedRaw=36 * percent, Account=team, AllocTRES="gres/gpu=1,gres/gpu:h100=1",
               Comment=f'{{"team":"{team}","project":"p","experiment":"e"}}')
        for n, (team, percent) in enumerate(shares.items(), 1)
    )))  # fmt: skip
    for words in (("collect", "sacct", "--file", str(tmp_path / "sacct.txt")), ("price",)):
        assert CliRunner().invoke(main, ["-c", str(config), *words]).exit_code == 0
    rows = {row["team"]: row["effective_cost"] for row in answer(config)["rows"]}
    assert rows.pop("nobody") == "721.28"
    assert rows == {
        "nlp": "12.55", "cv": "7.84", "platform": "4.70", "research": "3.76", "product": "2.51",
    }  # fmt: skip

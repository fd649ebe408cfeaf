"""pools: what is said of capacity, and of use that it does not fit."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import CONFIG, a_config
from tests.test_golden_month import SACCT, priced

POOL = """
[[pools]]
name   = "node"
sku    = "gres/gpu:h100"
units  = 16
from   = 2026-06-01
hourly = "32.00"
"""


def ask(path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(path), *words])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return priced(tmp_path_factory.mktemp("site"), CONFIG + POOL)


def test_a_table_of_use_and_cost(site: Path) -> None:
    done = ask(site, "pools", "--period", "2026-06")
    assert done.stdout.splitlines() == [
        "2026-06, USD",
        "pool  units       cost  of it unused   used  used unit-hour  beyond",
        "node     16  23,040.00     11,520.00  50.0%            4.00       -",
    ]


def test_a_period_before_any_pool_and_one_that_is_no_period(site: Path) -> None:
    done = ask(site, "pools", "--period", "2026-05")
    assert (done.exit_code, done.stdout) == (
        0, f"no pool is there in 2026-05: [[pools]] in {site} names them\n",
    )  # fmt: skip
    assert json.loads(ask(site, "pools", "--period", "2026-05", "--format", "json").stdout) == {
        "period": "2026-05", "currency": "USD", "pools": [],
    }  # fmt: skip
    assert "is not a period" in ask(site, "pools", "--period", "june").stderr


def test_a_pool_smaller_than_its_use_stops_price_with_the_key_and_the_hour(tmp_path: Path) -> None:
    path = a_config(tmp_path, CONFIG + POOL.replace("16", "6"))
    ask(path, "collect", "sacct", "--file", str(SACCT / "alpha-2026-06.txt.gz"))
    done = ask(path, "price")
    assert done.exit_code == 2
    assert f"error: {path}: pools[1] (node): units is 6, and 8.00 were in use" in done.stderr
    # the runs are priced all the same, and it goes on once the file is right
    path.write_text(CONFIG + POOL)
    assert ask(path, "price").stdout.startswith("0 runs priced, 0 priced again; ")
    assert "11,520.00" in ask(path, "pools", "--period", "2026-06").stdout


def test_after_a_price_that_did_not_end_no_figure_passes_for_the_truth(tmp_path: Path) -> None:
    mail = '[mail]\nfrom = "finops@example.org"\nsmtp = "smtp://mail.example.org:587"\n'
    path = a_config(tmp_path, CONFIG + POOL.replace("16", "6") + mail)
    ask(path, "collect", "sacct", "--file", str(SACCT / "alpha-2026-06.txt.gz"))
    assert ask(path, "price").exit_code == 2
    assert "pools or lines have changed" in ask(path, "report", "--period", "2026-06").stdout
    sent = ask(path, "send", "--period", "2026-06")
    assert (sent.exit_code, "not applied as they are now" in sent.stderr) == (1, True)
    findings = json.loads(ask(path, "check", "--format", "json").stdout)["findings"]
    (pricing,) = [one for one in findings if one["name"] == "pricing"]
    assert (pricing["verdict"], pricing["mend"]) == ("warn", "slurm-finops price")


def test_compare_names_idle_time_as_what_no_run_is_behind(site: Path) -> None:
    prices = Path(__file__).parents[2] / "docs" / "examples" / "prices.toml"
    done = ask(site, "compare", "--period", "2026-06", "--with", str(prices))
    assert [line.split()[:3] for line in done.stdout.splitlines() if line.startswith("(")] == [
        ["(beside", "runs)", "11,520.00"],
    ]  # fmt: skip

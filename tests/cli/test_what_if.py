"""advise --what-if: the past by other prices, and nothing kept of it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import CONFIG
from tests.test_golden_month import priced

OTHER = """
[[rates]]
sku   = "gres/gpu:h100"
price = "6.88"
from  = 2026-01-01
"""
POOL = """
[[pools]]
name   = "node"
kind   = "owned"
sku    = "gres/gpu:h100"
units  = 8
from   = 2026-06-01
until  = 2026-07-01
hourly = "20.00"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return priced(tmp_path_factory.mktemp("site"), CONFIG)


def ask(site: Path, text: str | None, *words: str) -> Result:
    other = site.parent / "other.toml"
    if text is not None:
        other.write_text(text)
    words = ("advise", "--period", "2026-06", "--what-if", str(other), *words)
    return CliRunner().invoke(main, ["-c", str(site), *words])


def test_another_rate_card(site: Path) -> None:
    before = (site.parent / "ledger.db").read_bytes()
    done = ask(site, OTHER, "--format", "json")
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert answer["total"] == {
        "effective_cost": "22579.20", "what_if_cost": "39628.80", "difference": "17049.60",
    }  # fmt: skip
    assert {row["team"]: row["what_if_cost"] for row in answer["rows"]}["nlp"] == "15851.52"
    assert (site.parent / "ledger.db").read_bytes() == before


def test_a_pool_instead_of_the_rates_that_stay(site: Path) -> None:
    done = ask(site, POOL, "--by", "team")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].split() == ["total", "22,579.20", "14,400.00", "−8,179.20"]


@pytest.mark.parametrize(("text", "said"), [
    (POOL.replace("8", "7", 1), "units is 7, and 8.00 were in use in the hour from"),
    ("cluster = 'x'", "gives none of [[rates]], [[pools]], [[overhead]], [[lines]] and"),
    (OTHER + "[mail]\n", "mail: is no key here"),
    (OTHER.replace("6.88", "-1"), "price: '-1' is not a plain decimal number"),
    ("[[", "not TOML"),
])  # fmt: skip
def test_what_is_wrong_with_the_file_is_said_by_its_name(site: Path, text: str, said: str) -> None:
    done = ask(site, text)
    assert done.exit_code == 2
    assert "other.toml" in done.stderr
    assert said in done.stderr


def test_options_of_the_other_question_do_not_go_with_it(site: Path) -> None:
    done = ask(site, OTHER, "--sku", "gres/gpu:h100")
    assert done.exit_code == 2
    assert "--sku does not go with --what-if" in done.stderr
    done = CliRunner().invoke(main, ["-c", str(site), "advise", "--by", "team"])
    assert "--by goes with --what-if" in done.stderr


def test_what_no_run_is_behind_is_not_called_untagged(site: Path) -> None:
    done = ask(site, POOL.replace("units  = 8", "units  = 16"))
    assert "(beside runs)" in done.stdout
    assert "(untagged)" not in done.stdout

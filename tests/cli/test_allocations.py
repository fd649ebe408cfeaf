"""allocations list: what teams hold, as a terminal and a program see it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import CONFIG
from tests.test_golden_month import priced

PAGE = Path(__file__).parents[2] / "docs" / "allocations.md"
#: The morning of 21 June: all of the 20th is known.
NOW = 1_782_000_000
LOTS = """
[[teams]]
name = "nlp"
[[teams]]
name = "cv"
[[teams]]
name = "platform"
[[teams]]
name = "product"
[[allocations]]
name      = "nlp spring"
team      = "nlp"
gpu_hours = "500"
from      = 2026-01-01
until     = 2026-06-11
[[allocations]]
name      = "nlp 2026"
team      = "nlp"
gpu_hours = "1500.5"
from      = 2026-01-01
until     = 2026-07-01
carry     = "1/2"
carry_until = 2026-10-01
[[allocations]]
name      = "cv grant"
team      = "cv"
amount    = "7000.00"
from      = 2026-06-05
until     = 2026-07-15
[[allocations]]
name      = "fine-tuning"
team      = "nlp"
project   = "llama-finetune"
gpu_hours = "100"
from      = 2026-06-01
until     = 2026-06-03
[[allocations]]
name      = "next year"
team      = "platform"
gpu_hours = "5000"
from      = 2027-01-01
until     = 2028-01-01
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return priced(tmp_path_factory.mktemp("site"), CONFIG + LOTS)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("app", "allocations"):
        monkeypatch.setattr(f"slurm_finops.cli.{module}.now", lambda: NOW)


def ask(path: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(path), "allocations", *words])


def test_the_table_is_that_of_the_page(site: Path, golden: Callable[[str, str], None]) -> None:
    text = ask(site, "list").stdout
    golden("allocations.txt", text)
    assert text in PAGE.read_text(), "docs/allocations.md: what list says"


def test_alone_it_lists(site: Path) -> None:
    assert ask(site).stdout == ask(site, "list").stdout


def test_an_earlier_day_and_one_team(site: Path) -> None:
    told = ask(site, "list", "--as-of", "2026-06-01", "--team", "cv").stdout.splitlines()
    assert told[0] == "at the end of 2026-06-01"
    assert told[2].split()[:5] == ["cv", "-", "cv", "grant", "coming"]
    assert len(told) == 3


def test_what_programs_are_told(site: Path) -> None:
    answer = json.loads(ask(site, "list", "--team", "nlp", "--format", "json").stdout)
    assert (answer["as_of"], answer["waiting_runs"], answer["stale"]) == ("2026-06-21", 0, False)
    first, _, third = answer["allocations"]
    assert (first["name"], first["state"], first["lapsed"]) == ("fine-tuning", "expired", "24.01")
    assert third == {
        "name": "nlp 2026", "team": "nlp", "project": None, "unit": "gpu_hours",
        "amount": "1500.50", "used": "827.32", "left": "673.18", "lapsed": "0.00",
        "from": "2026-01-01", "until": "2026-07-01", "days_left": 10,
        "carry": "1/2", "carry_until": "2026-10-01", "use": {"gres/gpu": 1}, "match": {},
        "state": "in use", "lasts_until": "2026-07-09", "will_lapse": "224",
    }  # fmt: skip
    (cv,) = json.loads(ask(site, "list", "--team", "cv", "--format", "json").stdout)["allocations"]
    assert (cv["unit"], cv["amount"], cv["use"]) == ("money", "7000.00", None)


def test_teams_that_hold_none_and_teams_that_are_none(site: Path) -> None:
    assert ask(site, "list", "--team", "product").stdout == (
        f"product holds no allocation: [[allocations]] in {site} gives one\n"
    )
    slip = ask(site, "list", "--team", "nlpp")
    assert (slip.exit_code, "did you mean 'nlp'?" in slip.stderr) == (2, True)


def test_a_day_that_has_not_come(site: Path) -> None:
    done = ask(site, "list", "--as-of", "2026-06-22")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "2026-06-22 has not come; the last day is 2026-06-21" in done.stderr


def test_allocations_that_were_changed_since_are_said_to_be_of_before(
    site: Path, tmp_path: Path
) -> None:
    other = tmp_path / "finops.toml"
    text = (CONFIG + LOTS).replace("1500.5", "900")
    other.write_text(f'database = "{site.parent / "ledger.db"}"\n' + text)
    done = ask(other, "list")
    assert "have changed since these figures were made; run: slurm-finops price" in done.stdout
    quiet = ask(other, "list", "--format", "json")
    assert json.loads(quiet.stdout)["stale"] is True
    assert "run: slurm-finops price" in quiet.stderr

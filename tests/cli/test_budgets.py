"""budgets list and apply, and the file from which the gate reads what is left."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.billing.budgets import gpu_limit
from slurm_finops.cli import app as cli_app
from slurm_finops.cli import main
from slurm_finops.cli import standing as cli_standing
from slurm_finops.core.charging import Charging, Factor
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import Rate
from tests.fake_slurm import FakeSlurm, slurm
from tests.support import CONFIG, JUNE, a_config, record, saved

__all__ = ["slurm"]
DAY = 86400
TEAMS = """
[hook]
budget_file = "budgets.lua"
[[teams]]
name = "nlp"
accounts = ["nlp"]
budget = "10000.00"
[[teams.projects]]
name = "llama"
budget = "4.00"
[[teams]]
name = "cv"
accounts = ["cv-*"]
budget = "1.00"
[[teams]]
name = "open"
budget = "5"
[[teams]]
name = "none"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five hours of two H100 in June: 39.20 USD of nlp, all of them llama's."""
    monkeypatch.setattr(cli_app, "now", lambda: JUNE + 20 * DAY)
    monkeypatch.setattr(cli_standing, "now", lambda: JUNE + 20 * DAY)
    path = a_config(tmp_path, CONFIG + TEAMS)
    text = saved(record(ElapsedRaw=5 * 3600, End=JUNE + 60 + 5 * 3600))
    (tmp_path / "june.txt").write_text(text)
    for words in (["collect", "sacct", "--file", str(tmp_path / "june.txt")], ["price"]):
        assert finops(path, *words).exit_code == 0
    return path


def finops(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(config), *words])


def test_what_was_spent_of_each(config: Path) -> None:
    assert finops(config, "budgets", "list").stdout == (
        "2026-06, USD\n"
        "team / project  for         budget  spent      left    used   pace  forecast  "
        "8 times of 10     used up\n"
        "nlp             2026-06  10,000.00  39.20  9,960.80    0.4%  66.7%         –"
        "              –           –\n"
        "nlp / llama     2026-06       4.00  39.20    −35.20  980.0%  66.7%         –"
        "              –  2026-06-01\n"
        "cv              2026-06       1.00   0.00      1.00    0.0%  66.7%         –"
        "              –           –\n"
        "open            2026-06       5.00   0.00      5.00    0.0%  66.7%         –"
        "              –           –\n"
        "no forecast before 28 days of use: nlp has 20, nlp / llama has 20, cv has 0, open has 0\n"
    )


def test_json_has_decimal_texts(config: Path) -> None:
    answer = json.loads(
        finops(config, "budgets", "list", "--period", "2026-06", "--format", "json").stdout
    )
    assert (answer["period"], answer["currency"]) == ("2026-06", "USD")
    assert answer["as_of"] == "2026-06-21T00:00:00+00:00"
    assert answer["budgets"][1] == {
        "team": "nlp", "project": "llama", "budget": "4.00", "spent": "39.20", "left": "-35.20",
        "kind": "month", "name": None, "from": "2026-06-01", "until": "2026-07-01",
        "pace": "2.67", "forecast": None, "used_up": "2026-06-01",
        "used_up_at_worst": "2026-06-01", "history_days": 20, "running": "0.00",
        "running_without_limit": 0,
    }  # fmt: skip


def test_a_month_that_is_past_is_as_it_ended(config: Path) -> None:
    said = finops(config, "budgets", "list", "--period", "2026-05").stdout
    assert "nlp             2026-05  10,000.00   0.00  10,000.00  0.0%  100.0%" in said


def test_another_period_is_no_month(config: Path) -> None:
    result = finops(config, "budgets", "list", "--period", "2026-06-01")
    assert result.exit_code == 2
    assert "budgets are of a billing month; 2026-06-01 is none" in result.stderr


def test_without_budgets(tmp_path: Path, config: Path) -> None:
    config.write_text(CONFIG)
    assert "no budget is configured" in finops(config, "budgets", "list").stdout


def test_commands_with_their_sums(config: Path, slurm: FakeSlurm) -> None:
    slurm.config(PriorityUsageResetPeriod="NONE", AccountingStorageEnforce="limits")
    slurm.say("sacctmgr", "account", out="root\nnlp\ncv-a\ncv-b\n")
    said = finops(config, "budgets", "apply")
    assert said.exit_code == 0, said.output
    assert said.stdout == (
        "# Limits from the budgets of a billing month: to be read, nothing has been run.\n"
        "# Slurm holds them where AccountingStorageEnforce has limits or safe; they are a month's\n"
        "# where PriorityUsageResetPeriod=MONTHLY and PriorityDecayHalfLife=0.\n"
        "# Here: AccountingStorageEnforce=limits, PriorityUsageResetPeriod=NONE, "
        "PriorityDecayHalfLife=(none)\n"
        "\n"
        "# nlp: 10,000.00 USD at 3.92/h = 153,061 GPU-minutes\n"
        "sacctmgr modify account where name=nlp cluster=alpha set GrpTRESMins=gres/gpu=153061\n"
        "\n"
        "# cv: 1.00 USD at 3.92/h = 15 GPU-minutes\n"
        "# 2 accounts may charge it, and each of these would let the whole be spent:\n"
        "# give them one parent account, and the parent the limit\n"
        "# sacctmgr modify account where name=cv-a cluster=alpha set GrpTRESMins=gres/gpu=15\n"
        "# sacctmgr modify account where name=cv-b cluster=alpha set GrpTRESMins=gres/gpu=15\n"
        "\n"
        "# open: no account is its own, so there is none to limit\n"
    )
    assert not [words for words in slurm.asked("sacctmgr") if "modify" in words]


def test_the_dearest_gpu_counts() -> None:
    book = PriceBook([
        Rate("gres/gpu:h100", 3_920_000, 0),
        Rate("gres/gpu", 16_000_000, 0, per=8),
        Rate("gres/gpu:h100", 5_000_000, 0, match=(("partition", "p"), ("qos", "q"))),
        Rate("gres/gpu:h100", 9_000_000, 0, match=(("account", "other"),)),
    ])  # fmt: skip
    limit = gpu_limit(book, "alpha", ["nlp"], "", 0, 100_00, 2)
    assert limit is not None
    assert (limit.price.micros, limit.minutes) == (5_000_000, 1200)
    assert gpu_limit(PriceBook([]), "alpha", ["nlp"], "", 0, 1, 2) is None


def test_a_limit_is_at_what_the_teams_class_pays_with_the_dearest_factors() -> None:
    rates = [
        Rate("gres/gpu:h100", 4_000_000, 0),
        Rate("gres/gpu:h100", 2_000_000, 0, match=(("class", "academic"),)),
    ]
    high = Factor("priority", Fraction(3, 2), (("qos", "high"),))
    book = PriceBook(rates, Charging(factors=(high,)))
    for of_class, minutes in (("academic", 2000), ("", 1000)):
        limit = gpu_limit(book, "alpha", ["nlp"], of_class, 0, 100_00, 2)
        assert limit is not None
        assert limit.minutes == minutes


def test_nightly_writes_what_is_left(config: Path, slurm: FakeSlurm, tmp_path: Path) -> None:
    slurm.config(ClusterName="alpha")
    said = finops(config, "nightly", "--no-send")
    assert f"budgets  3 teams in {tmp_path / 'budgets.lua'}" in said.output
    text = (tmp_path / "budgets.lua").read_text()
    assert '["teams"] = { ["nlp"] = 996080, ["cv"] = 100, ["open"] = 500 }' in text
    assert f'["from"] = {JUNE}' in text

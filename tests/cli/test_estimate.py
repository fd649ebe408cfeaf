"""estimate, as a researcher meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.support import CONFIG, a_config

RATES = """
[[rates]]
sku = "gres/gpu:h100"
price = "4.01"
from = 2999-01-01
[[rates]]
sku = "gres/gpu:h100"
price = "0.98"
from = 2026-01-01
match = { partition = "spot" }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return a_config(tmp_path, CONFIG + RATES)


def estimate(config: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(config), "estimate", *words])


def test_options_as_sbatch_takes_them(config: Path) -> None:
    result = estimate(config, "--gres=gpu:h100:8", "-t", "1-0")
    assert result.stdout == (
        "this job: up to 752.64 USD\n  8 × h100 × 24:00:00 at 3.92/h\n"
    )
    assert "up to 188.16 USD" in estimate(config, "--gpus=h100:8", "-t1-0", "-p", "spot").stdout
    assert "up to 769.92 USD" in estimate(
        config, "--gpus=h100:8", "-t1-0", "--at", "2999-06-01"
    ).stdout  # fmt: skip


def test_scripts_their_components_and_what_overrides_them(config: Path, tmp_path: Path) -> None:
    script = tmp_path / "train.sbatch"
    lines = ("--gpus=h100:8 -t 24:00:00", "hetjob", "--gpus=h100:1 -t 60 --array=0-9", "hetjob",
             "-n4")  # fmt: skip
    script.write_text("#!/bin/sh\n" + "".join(f"#SBATCH {line}\n" for line in lines))
    assert estimate(config, str(script)).stdout == (
        f"{script}: up to 791.84 USD\n"
        "  component 0: 8 × h100 × 24:00:00 at 3.92/h  752.64\n"
        "  component 1: 10 tasks × 1 × h100 × 01:00:00 at 3.92/h  39.20\n"
        "  component 2: nothing that has a price\n"
    )
    assert estimate(config, str(script), "--time=60").stdout.startswith(
        f"{script}: up to 70.56 USD\n"
    )


def test_what_is_not_known_is_said(config: Path) -> None:
    assert estimate(config, "--gpus=h100:1").stdout == (
        "this job: 3.92 USD an hour, without a limit of time\n"
        "  1 × h100 at 3.92/h\n"
        "  note: no limit of time: the figure is for an hour; the partition may have one\n"
    )
    said = estimate(config, "--gpus=h100:1", "-t60", "--exclusive", "--gres=shard:1").stdout
    assert said.startswith("this job: at least 3.92 USD\n")
    assert "note: gres/shard has no rate: it is in no figure\n" in said
    assert "note: --exclusive takes all of its nodes" in said
    assert estimate(config, "-n4").stdout == "this job: nothing that has a price\n"


def test_json_has_decimal_texts(config: Path) -> None:
    (job,) = json.loads(estimate(config, "--gpus=h100:2", "-t90", "--format", "json").stdout)
    assert (job["most"], job["an_hour"], job["currency"]) == ("11.76", "7.84", "USD")
    (component,) = job["components"]
    assert component["minutes"] == 90
    assert component["parts"] == [
        {"sku": "gres/gpu:h100", "quantity": 2, "price": "3.920000", "per": 1, "factors": [],
         "most": "11.76"}
    ]
    (job,) = json.loads(estimate(config, "--gpus=h100:2", "--format", "json").stdout)
    assert (job["most"], job["an_hour"]) == (None, "7.84")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--gpus=a:b:c"], "error: --gpus=a:b:c is no list such as"),
        (["nosuch.sbatch"], "error: cannot read nosuch.sbatch: No such file"),
        (["--gpus=1", "--at", "then"], "'--at'"),
        ([], "Missing argument"),
    ],
)
def test_wrong_words(config: Path, words: list[str], said: str) -> None:
    result = estimate(config, *words)
    assert result.exit_code == 2
    assert said in result.stderr

"""estimate under a charging policy, as a researcher meets it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_finops.cli import main
from tests.support import CONFIG, a_config

POLICY = """
[billing]
class = "external"
[[rates]]
sku = "gres/gpu:h100"
price = "2.80"
subsidy = "1.40"
from = 2026-01-01
match = { class = "academic" }
[[rates]]
sku = "cpu"
price = "0.04"
from = 2026-01-01
[[factors]]
name = "priority"
factor = "3/2"
match = { qos = "high" }
[[groups]]
name = "node share"
skus = ["cpu", "mem", "gres/gpu"]
combine = "max"
match = { partition = "h100" }
[[rounding]]
name = "hours"
granularity = "hour"
match = { class = "industry" }
[[teams]]
name = "nlp"
class = "academic"
[[teams]]
name = "acme"
class = "industry"
[tags.defaults."nlp-*"]
team = "nlp"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return a_config(tmp_path, CONFIG + POLICY)


def estimate(config: Path, *words: str) -> str:
    ask = ("estimate", "--gres=gpu:h100:8", "-t", "90", *words)
    result = CliRunner().invoke(main, ["-c", str(config), *ask])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_without_a_team_the_dearest_class_counts(config: Path) -> None:
    assert estimate(config) == (
        "this job: up to 62.80 USD\n"
        "  02:00:00: 1 × cpu at 0.04/h, 8 × h100 at 3.92/h\n"
        "  note: no team is named: of the classes academic, external, industry the dearest counts\n"
        "  note: 01:30:00 is booked as 02:00:00\n"
    )


@pytest.mark.parametrize("named", ['--comment={"team":"nlp"}', "--account=nlp-a"])
def test_a_team_is_told_what_it_pays(config: Path, named: str) -> None:
    assert estimate(config, named) == (
        "this job: up to 33.66 USD\n"
        "  01:30:00: 1 × cpu at 0.04/h, 8 × h100 at 2.80/h\n"
        "  after subsidies its team pays up to 16.86 USD\n"
    )


def test_factors_groups_and_booked_time(config: Path) -> None:
    assert estimate(config, '--comment={"team":"acme"}', "-q", "high", "-p", "h100") == (
        "this job: up to 94.08 USD\n"
        "  8 × h100 × 02:00:00 at 3.92/h × 3/2\n"
        "  note: cpu is not paid: of group node share the dearest alone is\n"
        "  note: 01:30:00 is booked as 02:00:00\n"
    )


def test_json(config: Path) -> None:
    words = ('--comment={"team":"nlp"}', "-p", "h100", "-q", "high", "--format", "json")
    (job,) = json.loads(estimate(config, *words))
    assert (job["most"], job["billed_most"]) == ("50.40", "25.20")
    (component,) = job["components"]
    assert (component["minutes"], component["booked_minutes"]) == (90, 90)
    assert (component["outdone"], component["parts"][0]["factors"]) == (["cpu"], ["3/2"])

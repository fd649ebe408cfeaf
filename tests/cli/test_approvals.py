"""Approvals of rates, as an auditor meets them: rates import, rates list, check."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import app, main
from tests.prices.samples import spot
from tests.support import CONFIG, JUNE, a_config

APPROVED = """approved_by = "board"
document = "https://example.org/b-1"
review = 2026-06-30
"""
CPU = '\n[[rates]]\nsku = "cpu"\nprice = "0.04"\nfrom = 2026-01-01\n'
DAY = 86_400


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    at(monkeypatch, JUNE + 60 * DAY)
    a_config(tmp_path, CONFIG + APPROVED + CPU)
    return tmp_path


def at(monkeypatch: pytest.MonkeyPatch, instant: int) -> None:
    monkeypatch.setattr(app.time, "time", lambda: instant)


def finops(*words: str) -> Result:
    return CliRunner().invoke(main, ["-c", "finops.toml", *words])


def found(*words: str) -> dict[str, dict[str, object]]:
    answer = json.loads(finops("rates", "list", "--format", "json", *words).stdout)
    return {one["sku"]: one["approval"] for one in answer["rates"]}


def checked(name: str) -> list[tuple[str, str]]:
    answer = json.loads(finops("check", "--format", "json").stdout)
    return [(one["verdict"], one["what"]) for one in answer["findings"] if one["name"] == name]


def test_the_list_says_who_approved_and_what_is_past_its_review(site: Path) -> None:
    assert finops("rates", "list").stdout == (
        "sku            price  per  unit-hour  from        pricing    match  rank  source          "
        "      approved by  document                 review\n"
        "cpu            0.04   1    0.04       2026-01-01  on_demand  –      0     finops.toml "
        "rates[2]  –            –                        –\n"
        "gres/gpu:h100  3.92   1    3.92       2026-01-01  on_demand  –      0     finops.toml "
        "rates[1]  board        https://example.org/b-1  2026-06-30, past\n"
    )
    assert found() == {
        "cpu": None,
        "gres/gpu:h100": {
            "approved_by": "board", "document": "https://example.org/b-1", "review": "2026-06-30",
            "past_review": True,
        },
    }  # fmt: skip


def test_what_is_past_its_review_is_listed_alone_and_is_an_exit_code(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finops("rates", "list", "--past-review").exit_code == 1
    assert list(found("--past-review")) == ["gres/gpu:h100"]
    at(monkeypatch, JUNE + 30 * DAY - 1)
    done = finops("rates", "list", "--past-review")
    assert (done.exit_code, done.stdout) == (0, "no rate is past its review\n")
    at(monkeypatch, JUNE + 30 * DAY)
    assert finops("rates", "list", "--past-review").exit_code == 1


def test_check_warns_of_what_is_past_and_once_any_is_approved_of_what_is_not(site: Path) -> None:
    assert checked("approvals") == [
        ("warn", "in force and approved by nobody: rates[2] (cpu)"),
    ]
    assert checked("reviews") == [
        ("warn", "in force and past review: rates[1] (gres/gpu:h100), review 2026-06-30"),
    ]
    finops("price")
    assert checked("approvals")[0][1].endswith("nobody: finops.toml rates[2] (cpu)")
    later = APPROVED.replace("2026-06-30", "2027-06-30")
    a_config(site, CONFIG + later + CPU + 'approved_by = "board"\n')
    assert checked("approvals") == [
        ("ok", "2 rates in force, each approved and none past its review"),
    ]
    a_config(site, CONFIG + CPU)
    assert checked("approvals") + checked("reviews") == []


def test_a_list_of_a_provider_is_approved_by_options_too(site: Path) -> None:
    (site / "spot.json").write_text(spot((0, "23.28")))
    words = ("--instance", "p5.48xlarge=gres/gpu:b200*8", "--match", "partition=spot")
    finops("rates", "import", "aws-spot", "spot.json", *words, "--approved-by", "dean",
           "--document", "D-7")  # fmt: skip
    assert found("--sku", "gres/gpu:b200")["gres/gpu:b200"] == {
        "approved_by": "dean", "document": "D-7", "review": None, "past_review": False,
    }  # fmt: skip


def test_an_import_is_approved_by_its_options_and_again_by_others(site: Path) -> None:
    (site / "p.csv").write_text("sku,price,from\ngres/gpu:a100,1,2026-01-01\n")
    words = ("rates", "import", "csv", "p.csv", "--approved-by", "dean", "--review", "2027-01-01")
    assert "1 rate new, 0 as before" in finops(*words).stdout
    assert "0 rates new, 1 as before; nothing to import" in finops(*words).stdout
    assert "nothing to import" in finops(*words[:4]).stdout
    again = json.loads(finops(*words[:5], "board", "--format", "json").stdout)
    assert (again["added"], again["approved"], again["unchanged"]) == (0, 1, 0)
    assert found("--sku", "gres/gpu:a100")["gres/gpu:a100"]["approved_by"] == "board"
    said = finops(*words[:4], "--document", "B-1")
    assert (said.exit_code, "belong to an approval" in said.stderr) == (2, True)

"""readiness by the real path: months of real sacct, what the page shows, and wrong input."""

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import app, main
from tests.support import CONFIG, a_config, record, saved
from tests.test_golden_month import SACCT

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "readiness.md").read_text()
DEMO = (DOCS / "examples" / "demo.toml").read_text()


def at(monkeypatch: pytest.MonkeyPatch, day: str) -> None:
    instant = int(datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp())
    monkeypatch.setattr(app.time, "time", lambda: instant)


def finops(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


def collected(folder: Path, config: str, *files: str) -> Path:
    a_config(folder, config)
    for file in files:
        assert finops(folder, "collect", "sacct", "--file", file).exit_code == 0
    assert finops(folder, "price").exit_code == 0
    return folder


@pytest.fixture(scope="module")
def beta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collected(tmp_path_factory.mktemp("beta"), DEMO, str(SACCT / "beta-2026-11.txt.gz"))


def test_a_month_that_is_tagged_throughout_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2026-07-01")
    # the month's own names are a config's: whole weeks 23 to 26 of 2026
    collected(tmp_path, DEMO, str(SACCT / "alpha-2026-06.txt.gz"))
    done = finops(tmp_path, "readiness", "--weeks", "4")
    assert done.stdout.startswith("ready: chargeback may begin\n4 whole weeks, 1 June 2026 to ")
    assert (done.exit_code, done.stderr) == (0, "")
    assert json.loads(
        finops(tmp_path, "readiness", "--weeks", "4", "--format", "json").stdout
    )["ready"] is True  # fmt: skip
    # two weeks more than there are
    more = finops(tmp_path, "readiness")
    assert more.exit_code == 1
    assert "coverage: only 4 of 6 whole weeks are known" in more.stdout
    (tmp_path / "finops.toml").write_text(DEMO + "[readiness]\nweeks = 4\n")
    assert finops(tmp_path, "readiness").exit_code == 0


def test_a_month_of_real_life_is_not_and_the_page_shows_it(
    beta: Path, monkeypatch: pytest.MonkeyPatch, golden: Callable[[str, str], None]
) -> None:
    at(monkeypatch, "2026-11-24")
    done = finops(beta, "readiness", "--weeks", "4")
    assert (done.exit_code, done.stderr) == (1, "")
    golden("readiness-beta.txt", done.stdout)
    assert f"$ slurm-finops readiness --weeks 4\n{done.stdout}```" in PAGE


def test_other_programs_get_no_people_where_export_names_none(
    beta: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2026-11-24")

    def people() -> set[str]:
        done = finops(beta, "readiness", "--format", "json")
        assert done.exit_code == 1
        return {name for signal in json.loads(done.stdout)["signals"]
                for one in signal["behind"] for name in one["people"]}  # fmt: skip

    # what stands on a terminal under the table is no part of what programs read
    said = finops(beta, "readiness", "--format", "json")
    assert said.stderr.startswith("warning: no rate for gres/gpu: ")
    assert json.loads(said.stdout)["unpriced"][0]["sku"] == "gres/gpu"
    assert "guest1" in people()
    (beta / "finops.toml").write_text(DEMO + '[privacy]\nexport = "pseudonyms"\n')
    assert people() == set()
    (beta / "finops.toml").write_text(DEMO)


def test_a_budget_of_a_grant_counts_while_it_lasts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2026-06-29")
    grant = (
        '[[teams]]\nname = "nlp"\ncost_center = "cc"\n[[teams.budgets]]\nname = "grant"\n'
        'amount = "9"\nfrom = 2026-06-01\nuntil = 2026-06-30\n'
    )
    (tmp_path / "june.txt").write_text(saved(record()))
    collected(tmp_path, CONFIG + grant, str(tmp_path / "june.txt"))

    def teams() -> str:
        return finops(tmp_path, "readiness").stdout

    assert "no budget" not in teams()
    at(monkeypatch, "2026-06-30")
    assert "nlp, 1 run, 7.84 USD: no budget\n" in teams()


def test_a_ledger_without_costs_is_refused(tmp_path: Path) -> None:
    a_config(tmp_path)
    none = finops(tmp_path, "readiness")
    assert (none.exit_code, "is not there yet: slurm-finops collect makes it" in none.stderr) == (
        2, True,
    )  # fmt: skip
    assert finops(tmp_path, "price").exit_code == 0
    empty = finops(tmp_path, "readiness")
    assert empty.exit_code == 2
    assert empty.stderr == (
        "error: the ledger has no costs yet, so there is nothing to judge; first: slurm-finops "
        "collect sacct, then slurm-finops price\n"
    )


@pytest.mark.parametrize("weeks", ["3", "27", "six", "-1"])
def test_weeks_that_cannot_be(tmp_path: Path, weeks: str) -> None:
    a_config(tmp_path)
    done = finops(tmp_path, "readiness", "--weeks", weeks)
    assert (done.exit_code, "'--weeks'" in done.stderr) == (2, True)


def test_it_is_drawn_where_one_asks_for_it(
    beta: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, "2026-11-24")
    wrong = finops(beta, "readiness", "--picture", "ready.jpg")
    assert (wrong.exit_code, "name a file that ends in .png" in wrong.stderr) == (2, True)
    assert finops(beta, "readiness", "--picture", str(tmp_path / "ready.png")).exit_code == 1
    assert (tmp_path / "ready.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_is_written(beta: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, "2026-11-24")
    before = (beta / "ledger.db").read_bytes()
    finops(beta, "readiness")
    assert (beta / "ledger.db").read_bytes() == before

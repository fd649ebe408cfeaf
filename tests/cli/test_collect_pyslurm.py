"""collect pyslurm from the command line: the model is collect sacct."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.fake_pyslurm import fake, install
from tests.fake_slurm import FakeSlurm, slurm
from tests.support import JUNE, a_config, record

__all__ = ["slurm"]
DAYS = ("--since", "2026-06-01", "--until", "2026-06-03")
LAST = record(Submit=JUNE + 3660, Start=JUNE + 3700, End=JUNE + 3800, ElapsedRaw=100, Restarts=1)


@pytest.fixture
def site(tmp_path: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("slurm_finops.cli.collect.now", lambda: JUNE + 5 * 86_400)
    slurm.config(SLURM_VERSION="25.11.1")
    a_config(tmp_path)
    return tmp_path


def collect(site: Path, source: str, *words: str) -> Result:
    arguments = ["-c", str(site / "finops.toml"), "collect", source, *words]
    return CliRunner().invoke(main, arguments, catch_exceptions=False)


def rows(site: Path, query: str) -> list[Any]:
    return sqlite3.connect(site / "ledger.db").execute(query).fetchall()


def test_runs_are_collected_by_days_and_told(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = install(monkeypatch, fake([record(State="REQUEUED"), LAST]))
    done = collect(site, "pyslurm", *DAYS)
    assert done.exit_code == 0, done.output
    assert "2 records: 2 new runs, 0 changed, 0 as before" in done.output
    assert rows(site, "SELECT source, since, until, status FROM ingest_runs") == [
        ("pyslurm", JUNE, JUNE + 86_400, "complete"),
        ("pyslurm", JUNE + 86_400, JUNE + 172_800, "complete"),
    ]
    assert [asked.get("start_time") for asked in module.asked] == [JUNE, None, JUNE + 86_400]
    again = collect(site, "pyslurm", *DAYS, "--format", "json")
    assert json.loads(again.stdout) == {
        "records": 2, "new": 0, "changed": 0, "problems": 0, "steps": 0, "waiting": 0,
    }  # fmt: skip


def test_sacct_finds_nothing_changed_and_goes_on_where_pyslurm_ended(
    site: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = [record(State="REQUEUED"), LAST]
    install(monkeypatch, fake(records))
    collect(site, "pyslurm")
    slurm.sacct(*records)
    done = collect(site, "sacct")
    assert "0 new runs, 0 changed" in done.output
    (asked,) = rows(site, "SELECT min(since) FROM ingest_runs WHERE source = 'sacct'")
    assert asked == (JUNE + 3 * 86_400,)


def test_a_day_that_is_not_whole_is_refused_and_goes_on_from_there(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, fake([record(State="REQUEUED", Visible="no"), LAST]))
    done = collect(site, "pyslurm", *DAYS)
    assert done.exit_code == 3
    assert "from 2026-06-01T00:00Z to 2026-06-02T00:00Z cannot be collected whole" in done.output
    assert "JOBCOND_FLAG_DUP" in done.output
    assert rows(site, "SELECT status FROM ingest_runs") == [("failed",)]
    assert rows(site, "SELECT count(*) FROM jobs") == [(1,)]


def test_a_pyslurm_that_does_not_serve_leaves_no_ledger(
    site: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, None)
    done = collect(site, "pyslurm")
    assert done.exit_code == 3
    assert "pip install 'slurm-finops[pyslurm]'" in done.output
    slurm.config(SLURM_VERSION="24.11.5")
    install(monkeypatch, fake([]))
    done = collect(site, "pyslurm")
    assert done.exit_code == 3
    assert "made for Slurm 25.11, and this cluster runs 24.11.5" in done.output
    assert not (site / "ledger.db").exists()


def test_records_of_which_none_can_be_read_are_no_collection(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, fake([record(State="?")]))
    done = collect(site, "pyslurm", *DAYS)
    assert done.exit_code == 2
    assert "pyslurm gave 1 record, and none could be read" in done.output
    assert rows(site, "SELECT source, reason FROM problems") == [
        ("pyslurm", "'?' is not a job state")
    ]


def test_without_slurm_the_next_step_is_named(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, fake([]))
    monkeypatch.setenv("PATH", str(site))
    done = collect(site, "pyslurm")
    assert done.exit_code == 3
    assert "scontrol is not on this machine" in done.output

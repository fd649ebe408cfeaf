"""Budgets as they are served: those of budgets list, of each month."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from slurm_finops.cli.app import App
from slurm_finops.cli.serve import snapshot_at
from tests.cli.test_send import at
from tests.serving.served import run_command
from tests.support import CONFIG, JUNE, a_config, record, saved

DAY = 86_400
BUDGETS = """
[[teams]]
name = "nlp"
budget = "1234.00"
budget_year = "2900.00"
[[teams.budgets]]
name = "Horizon 101"
amount = "5000.00"
from = 2026-04-10
until = 2026-06-11
[[teams.projects]]
name = "llama"
budget = "50.00"
[[teams]]
name = "newcomers"
budget = "100.00"
"""
MONTHS = ("2026-04", "2026-05", "2026-06")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The 21st of June: since April two H100s for five hours a day, 39.20."""
    at(monkeypatch, JUNE + 20 * DAY + 3600)
    monkeypatch.setattr("slurm_finops.cli.serve.now", lambda: JUNE + 20 * DAY + 3600)
    config = a_config(tmp_path, CONFIG + BUDGETS)
    starts = [JUNE + day * DAY for day in range(-55, 20)]
    (tmp_path / "runs.txt").write_text(saved(*(
        record(JobIDRaw=1000 + i, JobID=1000 + i, Submit=start, Start=start, ElapsedRaw=5 * 3600,
               End=start + 5 * 3600)
        for i, start in enumerate(starts)
    )))  # fmt: skip
    run_command(config, "collect", "sacct", "--file", str(tmp_path / "runs.txt"))
    run_command(config, "price")
    return config


def served_of(config: Path) -> sqlite3.Connection:
    path = config.parent / "snapshot.db"
    snapshot_at(App(str(config)), path, 13, False, "/")
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    return db


def listed(config: Path, month: str) -> list[dict[str, Any]]:
    said = run_command(config, "budgets", "list", "--period", month, "--format", "json")
    found: list[dict[str, Any]] = json.loads(said)["budgets"]
    return found


def test_budgets_of_every_kind_are_those_of_the_command(site: Path) -> None:
    db = served_of(site)
    kinds = set()
    for month in MONTHS:
        rows = db.execute("SELECT * FROM budgets WHERE month = ? ORDER BY rowid", [month])
        found, said = rows.fetchall(), listed(site, month)
        kinds |= {(one["kind"], bool(one["forecast"]), bool(one["used_up"])) for one in said}
        assert len(found) == len(said) == 5
        for row, one in zip(found, said, strict=True):
            ahead = one.pop("forecast") or {}
            assert (row["forecast_low"], row["forecast"], row["forecast_high"]) == tuple(
                ahead.get(name) for name in ("low", "middle", "high")
            )
            del one["history_days"], one["running_without_limit"]
            assert {name: row[name] for name in one} == one
    # else nothing was compared
    assert {kind for kind, _, _ in kinds} == {"month", "year", "span"}
    assert {("month", True, True), ("year", True, True)} <= kinds


def test_a_budget_of_a_past_month_stands_as_it_stood(site: Path) -> None:
    """What June spent of the year is not in what April says of it."""
    spent = served_of(site).execute(
        "SELECT month, spent FROM budgets WHERE kind = 'year' ORDER BY month"
    )
    assert [tuple(row) for row in spent] == [
        ("2026-04", "940.80"), ("2026-05", "2156.00"), ("2026-06", "2940.00"),
    ]  # fmt: skip

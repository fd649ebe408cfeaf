"""reconcile: what is compared, what is said of it, and when the answer is no."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.cli.reconciling import _whole_hours
from slurm_finops.ledger.held import hold
from slurm_finops.ledger.store import Ledger
from slurm_finops.sources import slurm as clients
from tests.fake_slurm import FakeSlurm, running_record, slurm
from tests.support import JUNE, a_config, record, saved

__all__ = ["slurm"]
DAY = 86_400
NOW = JUNE + 3 * DAY + 1800
PERIOD = ("--period", "2026-06")


@pytest.fixture
def site(tmp_path: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A ledger that has what sacct has: a run of two GPUs for an hour, and one that runs."""
    for module in ("collect", "collecting", "reconcile", "reconciling", "running"):
        monkeypatch.setattr(f"slurm_finops.cli.{module}.now", lambda: NOW)
    a_config(tmp_path)
    slurm.sacct(record(), running_record(200, Start=JUNE + 100, ElapsedRaw=60, Submit=JUNE))
    rolled_up(slurm, nlp=7200 + 120)
    done = finops(tmp_path, "collect", "sacct", "--since", "2026-06-01")
    assert done.exit_code == 0, done.output
    free(tmp_path)
    return tmp_path


def rolled_up(slurm: FakeSlurm, **used: int) -> None:
    lines = [
        f"{account}|u|{tres}|{n}\n" for account, n in used.items()
        for tres in ("gres/gpu", "gres/gpu:h100")
    ]  # fmt: skip
    slurm.say("sreport", "reservation")
    slurm.say("sreport", "Utilization", "cluster", out="cpu|460800\n")
    slurm.say("sreport", "AccountUtilizationByUser", out="".join(lines))


def free(folder: Path, why: str | None = None) -> None:
    """No controller runs job 200 here: hold it, or let it be."""
    ledger = Ledger._connect(str(folder / "ledger.db"))
    with ledger.transaction() as db:
        ids = [row[0] for row in db.execute("SELECT id FROM jobs WHERE job_id = '200'")]
        hold(db, dict.fromkeys(ids, why))
    ledger.close()


def finops(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


def answer(folder: Path, *words: str, code: int = 0) -> Any:
    done = finops(folder, "reconcile", *PERIOD, "--format", "json", *words)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def test_what_agrees_to_the_second_is_reconciled(site: Path) -> None:
    found = answer(site)
    assert found["reconciled"]
    assert found["runs"] == {"ledger": 2, "source": 2, "same": 2, "differ": 0, "unexplained": 0}
    assert found["period"]["end"] == "2026-06-04T00:30:00+00:00"
    days = {day["tres"]: day for day in found["days"]}
    assert days["gres/gpu:h100"]["ledger"] == days["gres/gpu:h100"]["source"] == 7320
    assert (found["control"]["start"], found["control"]["end"]) == (
        "2026-06-01T00:00:00+00:00", "2026-06-04T00:00:00+00:00",
    )  # fmt: skip
    (row,) = [row for row in found["control"]["rows"] if row["tres"] == "gres/gpu:h100"]
    assert (row["ledger"], row["control"], row["unexplained"]) == (7320, 7320, 0)


def test_nothing_is_written(site: Path) -> None:
    before = (site / "ledger.db").stat().st_mtime_ns
    answer(site)
    assert (site / "ledger.db").stat().st_mtime_ns == before


def test_a_person_reads_days_accounts_and_a_verdict(site: Path, slurm: FakeSlurm) -> None:
    slurm.sacct(record(State="FAILED"), running_record(200, Start=JUNE + 100, ElapsedRaw=90,
                                                       Submit=JUNE))  # fmt: skip
    rolled_up(slurm, nlp=7200 + 180)
    done = finops(site, "reconcile", *PERIOD)
    assert done.exit_code == 1
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert "2 runs in the ledger, 2 in sacct, 0 the same" in lines
    assert "2026-06-01 gres/gpu:h100 7,320 7,320 0" in lines
    assert "100 2026-06-01 00:00:00 differs state COMPLETED → FAILED" in lines
    assert "200 2026-06-01 00:00:00 still running elapsed 60 → 90" in lines
    assert ("differs (1 run): collect it again, and reconcile: slurm-finops collect sacct --since "
            "2026-06-01 --until 2026-06-02") in lines  # fmt: skip
    assert "nlp gres/gpu:h100 7,320 0 +60 0 0 7,380 0" in lines
    assert lines[-1] == "not reconciled: 1 run unexplained"


def test_runs_on_one_side_only(site: Path, slurm: FakeSlurm) -> None:
    slurm.sacct(record(JobIDRaw=300), running_record(200, Start=JUNE + 100, ElapsedRaw=60,
                                                     Submit=JUNE))  # fmt: skip
    found = answer(site, code=1)
    causes = {item["job_id_raw"]: item["cause"] for item in found["differences"]}
    assert causes == {100: "not in the source", 300: "missing in the ledger"}
    assert "PurgeJobAfter" in next(i["next"] for i in found["differences"] if i["ledger"])
    # whoever is missing in the period was asked for by its id, too
    assert ["-j", "100"] in [asked[-2:] for asked in slurm.asked("sacct")]


def test_a_run_that_moved_out_of_the_period_differs(site: Path, slurm: FakeSlurm) -> None:
    moved = record(Start=JUNE - 2 * DAY, End=JUNE - 2 * DAY + 3600, Submit=JUNE)
    slurm.sacct(running_record(200, Start=JUNE + 100, ElapsedRaw=60, Submit=JUNE))
    slurm.say("sacct", "-j", out=[list(moved), list(moved.values())])
    (item,) = answer(site, code=1)["differences"]
    assert (item["cause"], item["source"]["start"]) == ("differs", JUNE - 2 * DAY)


def test_a_held_run_is_explained(site: Path) -> None:
    free(site, "runaway")
    (item,) = answer(site)["differences"]
    assert (item["cause"], item["ledger"]["held"]) == ("held unbilled", "runaway")
    assert "runaway" in finops(site, "reconcile", *PERIOD).output


def test_a_total_of_sreport_that_nothing_explains(site: Path, slurm: FakeSlurm) -> None:
    rolled_up(slurm, nlp=7320, cv=5)
    found = answer(site, code=1)
    assert {row["account"]: row["unexplained"] for row in found["control"]["rows"]
            if row["tres"] == "gres/gpu:h100"} == {"cv": 5, "nlp": 0}  # fmt: skip
    told = finops(site, "reconcile", *PERIOD).output
    assert "TZ=UTC sacctmgr -i roll 2026-06-01T00:00:00 2026-06-04T00:00:00" in told
    assert told.endswith("not reconciled: 2 totals unexplained\n")


def test_what_is_not_rolled_up_yet_is_said(site: Path, slurm: FakeSlurm) -> None:
    slurm.say("sreport", out="")
    found = answer(site)
    assert found["control"]["rows"] == []
    assert found["control"]["not_rolled_up_until"] == "2026-06-04T00:00:00+00:00"
    assert "sacctmgr -i roll" in finops(site, "reconcile", *PERIOD).output


def test_a_record_that_cannot_be_read_is_known_or_is_not(site: Path, slurm: FakeSlurm) -> None:
    rest = (record(), running_record(200, Start=JUNE + 100, ElapsedRaw=60, Submit=JUNE))
    slurm.sacct(*rest, record(JobIDRaw=5, Submit="Unknown"))
    assert answer(site, code=1)["unreadable"] == {"records": 1, "unexplained": 1}
    finops(site, "collect", "sacct")
    free(site)
    assert answer(site)["unreadable"] == {"records": 1, "unexplained": 0}


def test_a_saved_file_is_a_source_too(site: Path, tmp_path: Path) -> None:
    path = tmp_path / "june.txt"
    path.write_text(saved(record(), running_record(200, Start=JUNE + 100, ElapsedRaw=60,
                                                   Submit=JUNE)))  # fmt: skip
    found = answer(site, "--file", str(path), "--delimiter", "|")
    assert (found["reconciled"], found["control"], found["source"]) == (True, None, str(path))
    path.write_text(saved(record(ElapsedRaw=3599)))
    found = answer(site, "--file", str(path), "--delimiter", "|", code=1)
    assert [item["cause"] for item in found["differences"]] == ["differs", "not in the source"]
    assert f"--file {path}" in found["differences"][0]["next"]


@pytest.mark.parametrize(
    ("program", "code"), [("sacct", 3), ("sreport", 3), ("scontrol", 3)]
)
def test_nothing_is_concluded_where_slurm_does_not_answer(
    site: Path, slurm: FakeSlurm, program: str, code: int
) -> None:
    slurm.say(program, err="Connection refused", code=1)
    done = finops(site, "reconcile", *PERIOD)
    assert (done.exit_code, done.stdout) == (code, "")
    assert "Connection refused" in done.stderr


def test_another_cluster_answers(site: Path, slurm: FakeSlurm) -> None:
    slurm.config(ClusterName="beta")
    done = finops(site, "reconcile", *PERIOD)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "cluster = 'beta'" in done.stderr


def test_whoever_is_not_shown_everything_concludes_nothing(
    site: Path, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_me", lambda: ("someone", 4242))
    assert answer(site)["reconciled"]
    slurm.say("sacctmgr", "config", out="\nSlurmDBD configuration:\nPrivateData = usage\n")
    done = finops(site, "reconcile", *PERIOD)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "hides other people's usage" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--since", "2026-06-01", "--until", "2026-06-05"), "is not over yet"),
        (("--until", "2026-06-02"), "--until needs --since"),
        (("--period", "2026-06", "--since", "2026-06-01"), "--period stands alone"),
        (("--period", "2026-13"), "does not exist"),
        (("--since", "2026-06-04", "--until", "2026-06-04"), "nothing to compare"),
        (("--period", "2026-07"), "nothing to compare"),
        (("--period", "2026-06", "--timezone", "UTC"), "--timezone is for --file"),
    ],
)
def test_what_cannot_be_compared(site: Path, words: tuple[str, ...], said: str) -> None:
    done = finops(site, "reconcile", *words)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr


def test_only_a_whole_day_may_be_named_and_the_month_is_the_default(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slurm_finops.cli.app.now", lambda: NOW)
    found = json.loads(finops(site, "reconcile", "--format", "json").stdout)
    assert found["period"]["start"] == "2026-06-01T00:00:00+00:00"
    found = json.loads(
        finops(site, "reconcile", "--since", "2026-06-02", "--until", "2026-06-04",
               "--format", "json").stdout
    )  # fmt: skip
    assert (found["runs"]["ledger"], found["days"]) == (0, [])
    assert found["period"]["end"] == "2026-06-04T00:00:00+00:00"


def test_only_whole_hours_are_held_against_a_roll_up() -> None:
    """A billing day of Kolkata begins at half past."""
    assert _whole_hours((JUNE - 1800, JUNE + 5400)) == (JUNE, JUNE + 3600)
    assert _whole_hours((JUNE, JUNE + 7200)) == (JUNE, JUNE + 7200)
    assert _whole_hours((JUNE + 1, JUNE + 3599)) == (JUNE + 3600, JUNE + 3600)

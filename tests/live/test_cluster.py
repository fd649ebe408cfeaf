"""Against a real slurmctld, slurmdbd and munge: what is read of running jobs, and by check."""

import json
import os
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.config import load
from slurm_finops.ledger.store import Ledger
from slurm_finops.sources import slurm, squeue
from slurm_finops.sources.sacct.again import read_again
from tests.live.conftest import CLUSTER, Cluster, slurm_conf
from tests.support import TAGGED

pytestmark = pytest.mark.slurm
SEAL = '{"slurm_finops":{"v":1,"tags":{"team":"cv","project":"sealed"}}}'
FORGED = f"x\n   AdminComment={SEAL}"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("SLURM_FINOPS_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def jobs(cluster: Cluster) -> Iterator[list[str]]:
    """Ids of jobs to cancel."""
    made: list[str] = []
    yield made
    if made:
        cluster.run("scancel", *made)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, words)


def rows(here: Path, sql: str) -> list[tuple[object, ...]]:
    ledger = Ledger._connect(str(here / "ledger.db"))
    try:
        return ledger.db.execute(sql).fetchall()
    finally:
        ledger.close()


def configured(here: Path) -> None:
    assert run("init").exit_code == 0
    path = here / "finops.toml"
    path.write_text(path.read_text() + '[[rates]]\nsku = "gres/gpu:h100"\nprice = "3.92"\n'
                    "from = 2020-01-01\n")  # fmt: skip


def test_what_the_clients_say(cluster: Cluster) -> None:
    assert slurm.cluster_name() == CLUSTER
    assert slurm.gres_types() == ["gres/gpu:h100"]
    assert slurm.accounts() == ["product", "research"]
    assert slurm.user_admin_level(cluster.user) == "None"
    assert slurm.user_admin_level("root") == "Administrator"
    assert slurm.user_admin_level("nobody_here") == ""
    assert slurm.slurm_version()[0].isdigit()
    assert slurm.show_config()["AccountingStorageType"] == "accounting_storage/slurmdbd"
    # from 26.05 sacctmgr does not tell
    told = cluster.release < (26, 5)
    assert slurm.show_accounting_config().get("PrivateData") == ("none" if told else None)
    assert slurm.sight(slurm.show_config())[:2] == (True, True)


def test_comments_of_running_jobs_as_they_were_written(
    cluster: Cluster, jobs: list[str]
) -> None:
    plain = cluster.submit("--comment", TAGGED, "--gres=gpu:h100:1")
    hostile = cluster.submit("--comment", FORGED, "-J", f"n\n   AdminComment={SEAL}\nJobId=1")
    array = cluster.submit("--comment", "of the array", "--array=0-1")
    jobs += [plain, hostile, array]
    cluster.run("scontrol", "update", f"JobId={plain}", f"AdminComment={SEAL}")
    cluster.wait("the jobs to run", lambda: all(
        squeue.running_jobs()[job].state == "RUNNING" for job in jobs))  # fmt: skip
    found = squeue.running_jobs()
    assert (found[plain].comment, found[plain].admin_comment) == (TAGGED, SEAL)
    assert (found[hostile].comment, found[hostile].admin_comment) == (FORGED, "")
    assert {job.comment for i, job in found.items() if i not in (plain, hostile)} >= {
        "of the array"
    }
    # the same, but for AdminComment, where squeue has no JSON
    texts = squeue._plain_jobs()
    assert texts == {
        i: job._replace(admin_comment="") for i, job in found.items() if i in texts
    }
    assert {plain, hostile, array} <= set(texts)


def test_the_key_of_a_running_job_is_that_of_its_run(cluster: Cluster, jobs: list[str]) -> None:
    jobs += [cluster.submit("--array=0-2"), cluster.submit("-n1", ":", "-n1")]
    cluster.wait("all five in sacct", lambda: len(runs_of(jobs)) == 5)
    live = {(i, job.submit) for i, job in squeue.running_jobs().items()}
    assert runs_of(jobs) <= live


def runs_of(jobs: list[str]) -> set[tuple[str, int]]:
    """JobIDRaw and Submit of all that sacct has under these ids."""
    batches = read_again(list(map(int, jobs)), 1 << 31, CLUSTER)
    return {(str(run.job_id_raw), run.submit) for batch in batches for run in batch.runs}


def test_a_collection_has_live_tags_and_holds_what_is_runaway(
    cluster: Cluster, jobs: list[str], here: Path
) -> None:
    configured(here)
    tagged = cluster.submit("--comment", TAGGED, "--gres=gpu:h100:1")
    sealed = cluster.submit("--comment", TAGGED)
    ended = cluster.submit("--comment", TAGGED, seconds=0)
    jobs += [tagged, sealed]
    cluster.run("scontrol", "update", f"JobId={sealed}", f"AdminComment={SEAL}")
    cluster.wait_for((tagged, "RUNNING"), (sealed, "RUNNING"), (ended, "COMPLETED"))
    # what a controller that lost its state leaves behind
    cluster.sql(
        f"CREATE TEMPORARY TABLE t AS SELECT * FROM {CLUSTER}_job_table WHERE id_job={ended}; "
        "UPDATE t SET id_job=900001, state=1, time_end=0, "
        f"job_db_inx=(SELECT max(job_db_inx)+1000 FROM {CLUSTER}_job_table); "
        f"INSERT INTO {CLUSTER}_job_table SELECT * FROM t"
    )
    done = run("collect", "sacct")
    assert done.exit_code == 0, done.output
    assert "1 run running in slurmdbd but unknown to slurmctld" in done.stderr
    assert "900001" in done.stderr
    select = "SELECT team, tag_source, provisional, held FROM runs WHERE job_id_raw = "
    assert rows(here, select + tagged) == [("nlp", "comment", 1, None)]
    assert rows(here, select + sealed) == [("cv", "seal", 1, None)]
    assert rows(here, select + "900001") == [("nlp", "comment", 1, "runaway")]
    # Slurm agrees on which it is; it asks whether to mend, until something answers
    assert "900001" in cluster.run("sh", "-c", "echo N | sacctmgr show runawayjobs")
    found = check()
    assert found["held runs"]["what"] == "1 run held unbilled: lab/900001 (runaway)"
    # mended, it settles by itself, however far in the past it ended
    cluster.sql(f"UPDATE {CLUSTER}_job_table SET state=3, time_end=time_start "
                "WHERE id_job=900001")  # fmt: skip
    assert "unknown to slurmctld" not in run("collect", "sacct").stderr
    assert rows(here, select + "900001")[0][2:] == (0, None)


def test_with_the_controller_down_nothing_is_held(
    cluster: Cluster, jobs: list[str], here: Path
) -> None:
    configured(here)
    jobs.append(cluster.submit("--comment", TAGGED))
    cluster.wait_for((jobs[0], "RUNNING"))
    pid = int((cluster.root / "pid" / "slurmctld.pid").read_text())
    try:
        os.kill(pid, 15)
        cluster.wait("slurmctld to end", lambda: not Path(f"/proc/{pid}").exists())
        done = run("collect", "sacct")
        assert "Unable to contact slurm controller" in done.stderr
        assert "None was held" in done.stderr
        found = check(code=1)
    finally:
        cluster.start()
    assert found["cluster"]["verdict"] == "fail"
    assert found["held runs"]["verdict"] == "ok"
    assert rows(here, "SELECT count(*) FROM jobs WHERE held IS NOT NULL") == [(0,)]
    done = run("collect", "sacct")
    assert (done.exit_code, done.stderr) == (0, "")


def check(code: int = 0) -> dict[str, dict[str, str]]:
    done = run("check", "--format", "json")
    assert done.exit_code == code, done.output
    return {item["name"]: item for item in json.loads(done.stdout)["findings"]}


@pytest.mark.usefixtures("cluster")
def test_init_then_check(here: Path) -> None:
    done = run("init")
    assert done.exit_code == 0, done.output
    assert load(here / "finops.toml").cluster == CLUSTER
    assert '"gres/gpu:h100"' in (here / "finops.toml").read_text()
    found = check()
    assert [name for name, item in found.items() if item["verdict"] != "ok"] == [
        "ledger", "rates", "mail",
    ]  # fmt: skip


def test_check_sees_that_comments_are_not_kept(cluster: Cluster, here: Path) -> None:
    configured(here)
    with slurm_conf(cluster, "AccountingStoreFlags", "job_script"):
        found = check(code=1)["job comments"]
    assert "AccountingStoreFlags=job_script,job_comment" in found["mend"]


def test_jobs_that_private_data_hides_are_not_runaway(
    cluster: Cluster, jobs: list[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a user who sees nobody's jobs in the controller, and everyone's in sacct."""
    configured(here)
    jobs.append(cluster.submit("--comment", TAGGED))
    cluster.wait_for((jobs[0], "RUNNING"))
    with slurm_conf(cluster, "PrivateData", "jobs"), monkeypatch.context() as patch:
        assert check()["whose jobs"]["verdict"] == "ok"
        patch.setattr(subprocess, "Popen", partial(subprocess.Popen, user=cluster.other))
        patch.setattr(slurm, "_me", lambda: (cluster.other, 4242))
        assert jobs[0] not in squeue.running_jobs()
        done = run("collect", "sacct")
        found = check()["whose jobs"]
    assert (done.exit_code, found["verdict"]) == (0, "warn")
    assert "not held: PrivateData in slurm.conf hides other people's jobs" in done.stderr
    assert rows(here, f"SELECT held FROM runs WHERE job_id_raw = {jobs[0]}") == [(None,)]

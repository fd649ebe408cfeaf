"""All that happens to a job in a real Slurm: collected, priced, and reconciled to no difference.

What the ledger must hold is read from sacct here by other means than our own reader.
"""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.live.conftest import Cluster, a_cluster
from tests.live.life import (
    CPU,
    GPU,
    HOUR,
    NAME,
    RUNAWAY,
    Life,
    Moved,
    a_site,
    accounted,
    compared,
    difference,
    finops,
    move,
    reconciled,
    roll_up,
    rows,
    run,
    yesterday,
)  # fmt: skip

pytestmark = pytest.mark.slurm
@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three nodes with four H100 each; jobs of the QOS `high` preempt those of `low`."""
    users = " ".join(f"sl{os.getpid()}{letter}" for letter in "ab")
    with a_cluster(nodes="3", gpus="4", cluster=NAME, users=users) as made:
        made.run("sacctmgr", "-i", "add", "qos", "low,high")
        made.run("sacctmgr", "-i", "modify", "qos", "high", "set", "Preempt=low")
        made.run(
            "sacctmgr", "-i", "modify", "user", made.user, "where", "account=research", "set",
            "qos+=low,high",
        )  # fmt: skip
        yield made


@pytest.fixture(scope="module")
def life(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """Every fate a job can have, at once; collected once while most of them still run."""
    one = ("--gres=gpu:h100:1",)
    cluster.run("scontrol", "create", "reservation", "ReservationName=idle", "StartTime=now",
                "Duration=30", "Nodes=n1", "CoreCnt=8", f"Users={cluster.other}")  # fmt: skip
    jobs = {
        "timeout": cluster.submit(*one, "-w", "n1", "--time=1"),
        "across": cluster.submit(*one, "-w", "n1"),
        "suspended": cluster.submit(*one, "-w", "n1"),
        "requeued": cluster.submit(*one, "-w", "n1", "--requeue", seconds=20),
        "cancelled": cluster.submit("--gres=gpu:h100:2", "-w", "n2"),
        "preempted": cluster.submit("--gres=gpu:h100:2", "-w", "n2", "--qos=low", "--requeue",
                                    seconds=15),
        "failed": cluster.submit("--gres=gpu:h100:4", "-w", "n3", "--no-requeue"),
        "array": cluster.submit("--gres=gpu:h100:1", "-w", "n3", "--array=1-2", "--hold"),
    }  # fmt: skip
    cluster.wait_for(*((jobs[name], "RUNNING") for name in jobs if name != "array"))
    time.sleep(2)
    folder = a_site(tmp_path_factory.mktemp("life"))
    finops(folder, "collect", "sacct", "--since", yesterday())
    cluster.run("scontrol", "suspend", jobs["suspended"])
    cluster.run("scontrol", "requeue", jobs["requeued"])
    jobs["high"] = cluster.submit("--gres=gpu:h100:2", "-w", "n2", "--qos=high", seconds=12)
    # it runs for seconds only, and sacct may be as late
    cluster.wait("a preemption", lambda: cluster.state(jobs["high"]) in ("RUNNING", "COMPLETED"))
    cluster.run("scancel", jobs["cancelled"])
    cluster.run("scontrol", "update", "nodename=n3", "state=down", "reason=test")
    cluster.wait_for((jobs["failed"], "NODE_FAIL"), (jobs["cancelled"], "CANCELLED by 0"))
    bring_back(cluster, "n3")
    cluster.run("scontrol", "release", jobs["array"])
    time.sleep(2)
    cluster.run("scontrol", "resume", jobs["suspended"])
    for name in ("requeued", "preempted"):
        # a job that was put back waits for two minutes
        cluster.run("scontrol", "update", f"JobId={jobs[name]}", "StartTime=now")
    time.sleep(3)
    cluster.run("scancel", jobs["suspended"], jobs["array"])
    return Life(cluster, jobs, folder)


def bring_back(cluster: Cluster, node: str) -> None:
    """A node that was set down; it may have come back by itself, by registering."""
    subprocess.run(["scontrol", "update", f"nodename={node}", "state=resume"], capture_output=True)
    cluster.wait(f"{node} to be back", lambda: cluster.run(
        "sinfo", "-h", "-N", "-n", node, "-p", "main", "-o", "%T").startswith("idle"))  # fmt: skip


def test_two_collections_a_run_apart(life: Life) -> None:
    """Collected while it runs, compared while it runs on: explained; then it ends, and settles."""
    across = life.jobs["across"]
    found = compared(life.folder)
    assert {item["cause"] for item in found["differences"]} <= {
        "still running", "ended since it was collected", "began after the last collection",
    }  # fmt: skip
    (mine,) = [item for item in found["differences"] if item["job_id"] == across]
    assert mine["cause"] == "still running"
    assert mine["source"]["elapsed"] > mine["ledger"]["elapsed"]
    assert found["runs"]["unexplained"] == 0
    finops(life.folder, "price")
    before = seconds_charged(life.folder)[int(across), GPU]
    life.cluster.run("scancel", across)
    life.cluster.wait_for((across, "CANCELLED by 0"))
    finops(life.folder, "collect", "sacct")
    finops(life.folder, "price")
    (said,) = [said for (job, _), said in accounted().items() if job == int(across)]
    assert seconds_charged(life.folder)[int(across), GPU] == said.elapsed > before
    assert difference(life.folder, across) is None


def test_a_runaway_job_is_held_and_says_so(life: Life) -> None:
    """slurmdbd believes that it runs, slurmctld does not know it."""
    cluster, folder, table = life.cluster, life.folder, f"{NAME}_job_table"
    cluster.wait_for((life.jobs["high"], "COMPLETED"))
    cluster.sql(
        f"CREATE TEMPORARY TABLE t AS SELECT * FROM {table} WHERE id_job={life.jobs['high']}; "
        f"UPDATE t SET id_job={RUNAWAY}, state=1, time_end=0, "
        f"job_db_inx=(SELECT max(job_db_inx)+1000 FROM {table}); "
        f"INSERT INTO {table} SELECT * FROM t"
    )
    try:
        assert RUNAWAY in finops(folder, "collect", "sacct").stderr
        item = difference(folder, RUNAWAY)
        assert (item["cause"], item["explained"]) == ("held unbilled", True)
        finops(folder, "price")
        assert (int(RUNAWAY), GPU) not in seconds_charged(folder)
        # mended as sacctmgr does it, it ends when it began
        cluster.sql(f"UPDATE {table} SET state=3, time_end=time_start WHERE id_job={RUNAWAY}")
        finops(folder, "collect", "sacct")
        assert difference(folder, RUNAWAY) is None
    finally:
        cluster.sql(f"DELETE FROM {table} WHERE id_job={RUNAWAY}")
    # and a run that Slurm has no more is no agreement
    item = difference(folder, RUNAWAY)
    assert (item["cause"], item["explained"]) == ("not in the source", False)
    finops(folder, "price")
    rows(folder, f"DELETE FROM jobs WHERE job_id = {RUNAWAY}")


def seconds_charged(folder: Path) -> Counter[tuple[int, str]]:
    """TRES-seconds that were charged, by JobIDRaw and SKU."""
    return Counter({(job, sku): seconds for job, sku, seconds in rows(
        folder, "SELECT job_id_raw, skus.name, sum(quantity * seconds) FROM charges "
        "JOIN jobs ON jobs.id = usage_id JOIN skus ON skus.id = sku_id GROUP BY 1, 2"
    )})  # fmt: skip


def charged_by_day(folder: Path) -> dict[tuple[str, str], int]:
    return {(day, sku): seconds for day, sku, seconds in rows(
        folder, "SELECT date(day * 86400, 'unixepoch'), skus.name, sum(quantity * seconds) "
        "FROM charges JOIN skus ON skus.id = sku_id GROUP BY 1, 2"
    )}  # fmt: skip


@pytest.fixture(scope="module")
def ended(life: Life) -> Life:
    """All of them at their end."""
    cluster = life.cluster
    cluster.run("scancel", life.jobs["across"])
    cluster.run("scontrol", "delete", "ReservationName=idle")
    cluster.wait("the queue to be empty", lambda: not cluster.run("squeue", "-h"), 120)
    cluster.wait("sacct to know", lambda: all(said.end for said in accounted().values()))
    return life


def test_each_fate_is_collected_priced_and_reconciled(ended: Life) -> None:
    finops(ended.folder, "collect", "sacct")
    finops(ended.folder, "price")
    said, jobs = accounted(), ended.jobs
    states: dict[str, list[str]] = {
        name: sorted(run.state for (i, _), run in said.items() if i == int(job))
        for name, job in jobs.items()
    }
    assert states["timeout"] == ["TIMEOUT"]
    assert states["cancelled"] == states["across"] == ["CANCELLED"]
    assert states["failed"] == ["NODE_FAIL"]
    assert states["requeued"] == ["COMPLETED", "REQUEUED"]
    assert states["preempted"] == ["COMPLETED", "PREEMPTED"]
    assert states["high"] == ["COMPLETED"]
    (suspended,) = [run for (i, _), run in said.items() if i == int(jobs["suspended"])]
    assert suspended.end is not None
    assert suspended.elapsed < suspended.end - suspended.start
    stored = {(job, submit): (state, elapsed) for job, submit, state, elapsed in rows(
        ended.folder, "SELECT job_id_raw, submit, state, elapsed FROM jobs")}  # fmt: skip
    assert stored == {key: (run.state, run.elapsed) for key, run in said.items()}
    expected: Counter[tuple[int, str]] = Counter()
    for (job, _), seen in said.items():
        for sku in (GPU, CPU):
            expected[job, sku] += seen.tres[sku] * seen.elapsed
    assert +seconds_charged(ended.folder) == +expected
    found = compared(ended.folder)
    assert found["differences"] == []
    assert found["runs"]["same"] == len(said) == found["runs"]["source"]
    assert all(day["difference"] == 0 for day in found["days"])
    total = sum(day["ledger"] for day in found["days"] if day["tres"] == GPU)
    assert total == sum(seen.tres[GPU] * seen.elapsed for seen in said.values())


@pytest.fixture(scope="module")
def moved(ended: Life, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    """Two hours back, where it is midnight in some zone."""
    midnight = int(time.time()) // HOUR * HOUR - 2 * HOUR
    hour = midnight // HOUR % 24
    zone = f"Etc/GMT+{hour}" if hour <= 12 else f"Etc/GMT-{24 - hour}"
    return move(ended, tmp_path_factory.mktemp("moved"), midnight, zone)


def test_a_midnight_in_the_midst_of_runs(moved: Moved) -> None:
    expected: Counter[tuple[str, str]] = Counter()
    for seen in accounted().values():
        stop = seen.start + seen.elapsed
        before = max(0, min(stop, moved.midnight) - seen.start)
        for sku in (GPU, CPU):
            expected[moved.days[0], sku] += seen.tres[sku] * before
            expected[moved.days[1], sku] += seen.tres[sku] * (seen.elapsed - before)
    assert min(expected.values()) > 0
    assert charged_by_day(moved.life.folder) == expected
    found = reconciled(moved.life.folder, "--since", moved.days[0])
    assert found["differences"] == []
    days = {(day["day"], day["tres"]): day for day in found["days"]}
    for key, seconds in expected.items():
        assert (days[key]["ledger"], days[key]["source"]) == (seconds, seconds)


def control(found: Any, account: str = "research") -> dict[str, dict[str, int]]:
    return {row["tres"]: row for row in found["control"]["rows"] if row["account"] == account}


def test_sreport_once_it_has_rolled_up(moved: Moved) -> None:
    folder, since = moved.life.folder, ("--since", moved.days[0])
    told = finops(folder, "reconcile", *since).output
    assert "sreport has nothing of" in told
    assert "sacctmgr -i roll" in told
    roll_up(moved)
    found = reconciled(folder, *since)
    said = accounted().values()
    research = control(found)
    paused = sum(seen.tres[GPU] * ((seen.end or 0) - seen.start - seen.elapsed) for seen in said)
    held = sum(seen.tres[GPU] * seen.elapsed for seen in said)
    assert paused > 0
    # suspended time is in sreport's total of GPUs, and not in that of CPUs
    assert research[GPU]["control"] == held + paused
    assert (research[GPU]["ledger"], research[GPU]["suspended"]) == (held, paused)
    # a reservation that nobody used is usage of those who may use it: of CPUs, and in equal parts
    idle = control(found, "product")[CPU]["control"]
    assert idle == research[CPU]["reserved"] > 0
    assert GPU not in control(found, "product")
    assert research[CPU]["control"] == idle + sum(seen.tres[CPU] * seen.elapsed for seen in said)
    assert all(row["unexplained"] == 0 for row in found["control"]["rows"])
    # the day after midnight alone: a suspended run may cross that edge
    only = reconciled(folder, "--since", moved.days[1])
    assert control(only)[GPU]["unexplained"] == control(only)[CPU]["unexplained"] == 0


def test_a_run_changed_after_it_was_rolled_up(moved: Moved) -> None:
    cluster, folder = moved.life.cluster, moved.life.folder
    since = ("--since", moved.days[0])
    job = f"{NAME}_job_table SET time_end = time_end + %d WHERE id_job = {moved.life.jobs['high']}"
    roll_up(moved)
    cluster.sql("UPDATE " + job % 7)
    try:
        found = reconciled(folder, *since, code=1)
        (item,) = found["differences"]
        assert item["cause"] == "differs"
        assert item["source"]["elapsed"] == item["ledger"]["elapsed"] + 7
        assert "collect sacct --since" in item["next"]
        assert control(found)[GPU]["runs"] == 14
        assert control(found)[GPU]["unexplained"] == -14
        finops(folder, "collect", "sacct", *since)
        assert control(reconciled(folder, *since, code=1))[GPU]["unexplained"] == -14
        roll_up(moved)
        assert reconciled(folder, *since)["reconciled"]
    finally:
        cluster.sql("UPDATE " + job % -7)
        finops(folder, "collect", "sacct", *since)
        roll_up(moved)


def test_a_run_that_the_ledger_lost_is_missed(moved: Moved) -> None:
    folder, since = moved.life.folder, ("--since", moved.days[0])
    job = moved.life.jobs["timeout"]
    rows(folder, f"DELETE FROM charges WHERE usage_id IN (SELECT id FROM jobs WHERE job_id={job})")
    rows(folder, f"DELETE FROM jobs WHERE job_id = {job}")
    (item,) = reconciled(folder, *since, code=1)["differences"]
    assert (item["job_id"], item["cause"], item["ledger"]) == (job, "missing in the ledger", None)
    finops(folder, "collect", "sacct", *since)
    assert reconciled(folder, *since)["differences"] == []


def test_a_file_that_the_printed_command_saves_is_the_same(moved: Moved, tmp_path: Path) -> None:
    since = ("--since", moved.days[0])
    command = finops(moved.life.folder, "collect", "sacct", "--print-command", *since).stdout
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    found = reconciled(moved.life.folder, *since, "--file", str(tmp_path / "sacct.txt"))
    assert found["differences"] == []
    assert found["runs"]["same"] == len(accounted())
    assert found["control"] is None


def test_whole_days_of_slurmdbd_s_own(moved: Moved, tmp_path: Path) -> None:
    """Then sreport reads the days it has summed up, not the hours."""
    midnight = int(time.time()) // (24 * HOUR) * 24 * HOUR - 24 * HOUR
    back = move(moved.life, tmp_path, midnight, "UTC")
    roll_up(back)
    until = datetime.fromtimestamp(midnight + 24 * HOUR, UTC).date().isoformat()
    found = reconciled(tmp_path, "--since", back.days[0], "--until", until)
    assert found["differences"] == []
    said = accounted().values()
    assert control(found)[GPU]["control"] == sum(
        seen.tres[GPU] * ((seen.end or 0) - seen.start) for seen in said
    )
    assert control(found)[GPU]["outside"] == 0
    assert all(row["unexplained"] == 0 for row in found["control"]["rows"])
    assert min(day["ledger"] for day in found["days"] if day["tres"] == GPU) > 0


def test_nothing_is_concluded_while_slurmdbd_is_down(moved: Moved) -> None:
    cluster = moved.life.cluster
    pid = int((cluster.root / "pid" / "slurmdbd.pid").read_text())
    try:
        os.kill(pid, 15)
        cluster.wait("slurmdbd to end", lambda: not Path(f"/proc/{pid}").exists())
        done = run(moved.life.folder, "reconcile", "--since", moved.days[0])
    finally:
        cluster.start()
    assert (done.exit_code, done.stdout) == (3, "")

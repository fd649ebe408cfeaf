"""Real jobs by real sbatch, collected by real sacct, priced: run by run what sacct says."""

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.live.conftest import a_cluster
from tests.support import a_config

pytestmark = pytest.mark.slurm

TAGS = '{"team":"nlp","project":"llama","experiment":"run-%d"}'
PRETTY = '{\n "team": "cv",\n "project": "a|b",\n "experiment": "%s"\n}'
CONFIG = """\
cluster = "lab"
currency = "USD"
[[rates]]
sku = "gres/gpu:h100"
price = "3.92"
from = 2020-01-01
[[rates]]
sku = "gres/gpu:h100"
price = "1.000003"
from = 2020-01-01
pricing = "spot"
match = { partition = "debug" }
"""


def slurm(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def sbatch(*words: str, sleep: float = 1, comment: str = TAGS % 1) -> str:
    options = ("--uid=lab_alice", "--account=research", "-o", "/dev/null", "--chdir=/tmp")
    script = f"sleep {sleep}"
    return slurm(
        "sbatch", "--parsable", *options, f"--comment={comment}", *words, f"--wrap={script}"
    ).strip()


def finops(folder: Path, *words: str) -> Result:
    result = CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])
    assert result.exit_code == 0, (words, result.output)
    return result


def until(what: str, done, seconds: float = 60) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"not in {seconds} s: {what}"
        time.sleep(0.5)


def accounted() -> dict[tuple[int, int], tuple[str, int, int]]:
    """What sacct says of each run: state, seconds and GPUs, read without our own parser."""
    fields = "JobIDRaw,Submit,State,ElapsedRaw,AllocTRES"
    text = subprocess.run(
        ["sacct", "-a", "-X", "-D", "-n", "-P", "-S", "now-1day", "-o", fields],
        capture_output=True, text=True, check=True, env=_environment(),
    ).stdout  # fmt: skip
    found = {}
    for line in text.splitlines():
        job, submit, state, elapsed, tres = line.split("|")
        gpus = re.search(r"gres/gpu=(\d+)", tres)
        if state != "PENDING":
            found[int(job), int(submit)] = (
                state.split()[0],
                int(elapsed),
                int(gpus[1] if gpus else 0),
            )
    return found


def _environment() -> dict[str, str]:
    return dict(os.environ) | {"TZ": "UTC", "SLURM_TIME_FORMAT": "%s"}


def ledger(folder: Path, query: str) -> list[tuple]:  # type: ignore[type-arg]
    import sqlite3

    return sqlite3.connect(folder / "ledger.db").execute(query).fetchall()


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """A sandbox of this module's own."""
    with a_cluster(nodes="3", users="lab_alice lab_bob"):
        yield


@pytest.fixture(scope="module")
def submitted(cluster) -> list[str]:  # type: ignore[no-untyped-def]
    """Jobs of every kind, ended but for one that runs on."""
    jobs = [
        sbatch("--gres=gpu:h100:2", sleep=3),
        sbatch("--gpus=3", comment=PRETTY % "lines"),
        sbatch("--gres=gpu:h100:1", "--array=1-3", comment=TAGS % 2),
        sbatch("--gres=gpu:h100:1", "-J", "na|me\nof two lines", comment="free text"),
        sbatch("--exclusive", "-p", "debug", comment=""),
        sbatch("--gres=gpu:h100:1", "-p", "debug", comment="{broken"),
        sbatch("--gres=gpu:h100:8", "-J", "ends-badly", sleep=1),
        sbatch("--ntasks=1", comment=TAGS % 3),
        sbatch("--gres=gpu:h100:1", ":", "--gres=gpu:h100:2", comment=TAGS % 4),
    ]
    requeued = sbatch("--requeue", "--gres=gpu:h100:1", sleep=4)
    cancelled = sbatch("--gres=gpu:h100:1", sleep=300)
    running = sbatch("--gres=gpu:h100:4", sleep=300, comment=TAGS % 9)
    until("all three run", lambda: slurm("squeue", "-h", "-t", "R", "-j",
          f"{requeued},{cancelled},{running}", "-o", "%A").count("\n") == 3)  # fmt: skip
    slurm("scontrol", "requeue", requeued)
    slurm("scancel", cancelled)
    time.sleep(2)
    slurm("scontrol", "update", f"JobId={requeued}", "StartTime=now")
    until("all but one ended", lambda: slurm("squeue", "-h", "-o", "%A").split() == [running], 120)
    time.sleep(4)  # sacct trails the controller by a second or three
    return [*jobs, requeued, cancelled, running]


def test_gpu_seconds_are_what_sacct_says_run_by_run(submitted: list[str], tmp_path: Path) -> None:
    a_config(tmp_path, CONFIG)
    finops(tmp_path, "collect", "sacct")
    finops(tmp_path, "price")
    said = accounted()
    stored = {
        (job, submit): (state, elapsed, seconds)
        for job, submit, state, elapsed, seconds in ledger(
            tmp_path,
            "SELECT job_id_raw, submit, state, elapsed, "
            "(SELECT ifnull(sum(quantity * seconds), 0) FROM charges WHERE usage_id = jobs.id) "
            "FROM jobs",
        )
    }
    assert len(said) >= len(submitted) + 4
    assert stored.keys() == said.keys()
    for key, (state, elapsed, gpus) in said.items():
        if state == "RUNNING":
            assert stored[key][2] == stored[key][1] * gpus
            continue
        assert stored[key] == (state, elapsed, elapsed * gpus), key
    report = json.loads(finops(tmp_path, "report", "--format", "json").stdout)
    seconds = sum(row[0] for row in ledger(tmp_path, "SELECT quantity * seconds FROM charges"))
    assert report["total"]["gpu_seconds"] == seconds
    assert report["provisional"]["runs"] == 1


def test_the_tags_of_a_running_job_are_known_and_its_run_settles(
    submitted: list[str], tmp_path: Path
) -> None:
    a_config(tmp_path, CONFIG)
    running = submitted[-1]
    tags = (
        "SELECT team, experiment, provisional, elapsed FROM jobs JOIN tag_sets "
        f"ON tag_sets.id = tag_set_id WHERE job_id_raw = {running}"
    )
    finops(tmp_path, "collect", "sacct")
    ((team, experiment, provisional, before),) = ledger(tmp_path, tags)
    assert (team, experiment, provisional) == ("nlp", "run-9", 1)
    time.sleep(2)
    slurm("scancel", running)
    until("it ended", lambda: not slurm("squeue", "-h"))
    time.sleep(4)
    finops(tmp_path, "collect", "sacct")
    ((team, experiment, provisional, after),) = ledger(tmp_path, tags)
    assert (team, experiment, provisional) == ("nlp", "run-9", 0)
    assert after > before
    finops(tmp_path, "price")
    ((seconds,),) = ledger(
        tmp_path,
        "SELECT sum(quantity * seconds) FROM charges JOIN jobs ON jobs.id = usage_id "
        f"WHERE job_id_raw = {running}",
    )
    assert seconds == 4 * after


def test_check_finds_this_cluster_in_order(cluster: None, tmp_path: Path) -> None:
    a_config(tmp_path, CONFIG)
    result = CliRunner().invoke(
        main, ["-c", str(tmp_path / "finops.toml"), "check", "--format", "json"]
    )
    found = {item["name"]: item for item in json.loads(result.stdout)["findings"]}
    for name in ("sacct", "cluster", "accounting storage", "job comments", "GPU accounting"):
        assert found[name]["verdict"] == "ok", found[name]
    assert found["whose jobs"]["verdict"] == "ok", found["whose jobs"]


def test_init_asks_the_cluster(
    cluster: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["init"])
    assert result.exit_code == 0, result.output
    text = (tmp_path / "finops.toml").read_text()
    assert 'cluster  = "lab"' in text
    assert "gres/gpu:h100" in text


def test_a_run_that_no_controller_knows_is_held_and_named(
    submitted: list[str], tmp_path: Path
) -> None:
    """A row that slurmdbd still calls running, as after a controller lost its state."""
    a_config(tmp_path, CONFIG)
    finops(tmp_path, "collect", "sacct")
    import sqlite3

    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute(
            "INSERT INTO jobs SELECT NULL, cluster_id, 4000000, submit, '4000000', job_name, "
            "context_id, 'RUNNING', '', start, NULL, elapsed, 0, timelimit, tres_id, node_list, "
            "exit_code, 1, comment, admin_comment, tag_set_id, claim, NULL FROM jobs "
            f"WHERE job_id_raw = {submitted[0]}"
        )
    result = finops(tmp_path, "collect", "sacct")
    held = ledger(tmp_path, "SELECT job_id, held FROM jobs WHERE held IS NOT NULL")
    assert [job for job, _ in held] == ["4000000"]
    assert "4000000" in result.output
    answer = finops(tmp_path, "price")
    assert "held unbilled" in answer.output

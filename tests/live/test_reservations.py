"""A real reservation, used in part: what nobody used of it is its holder's team's."""

import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from slurm_finops.ledger.store import Ledger
from tests.live.conftest import CLUSTER, Cluster
from tests.live.life import finops
from tests.support import a_config

pytestmark = pytest.mark.slurm
HOUR, DAY = 3600, 86_400
PRICE = 3_920_000
CONFIG = f"""\
cluster = "{CLUSTER}"
currency = "USD"
[[rates]]
sku = "gres/gpu:h100"
price = "3.92"
from = 2020-01-01
[[reservations]]
name = "idle"
match = {{ name = "course-*" }}
[[teams]]
name = "nlp"
accounts = ["research"]
"""
NAME = "course-live"
#: Of two days ago, because costs are known through the last day that has ended.
BACK = 2 * DAY


def backwards(cluster: Cluster, job: str) -> None:
    """The reservation and its job, as if it had been two days ago."""
    cluster.sql(f"UPDATE {CLUSTER}_resv_table SET time_start = time_start - {BACK}, "
                f"time_end = time_end - {BACK} WHERE resv_name = '{NAME}'")  # fmt: skip
    columns = ("submit", "eligible", "start", "end")
    changed = ", ".join(f"time_{name} = time_{name} - {BACK}" for name in columns)
    cluster.sql(f"UPDATE {CLUSTER}_job_table SET {changed} WHERE id_job = {job}")


def shown() -> tuple[int, int]:
    """From when to when accounting has the reservation, read without our own parser."""
    text = subprocess.run(
        ["sacctmgr", "-nP", "show", "reservation", f"names={NAME}", "format=TimeStart,TimeEnd"],
        capture_output=True, text=True, check=True,
        env=dict(os.environ) | {"TZ": "UTC", "SLURM_TIME_FORMAT": "%s"},
    ).stdout  # fmt: skip
    ((start, end),) = (line.split("|") for line in text.splitlines())
    return int(start), int(end)


def in_accounting() -> None:
    """Wait until accounting knows that the reservation has ended, and says the same twice."""
    before, known = (0, 0), shown()
    for _ in range(60):
        if known == before and known[1] <= time.time():
            return
        time.sleep(1)
        before, known = known, shown()
    raise AssertionError(f"the reservation goes on until {known[1]}")


def held(job: str) -> tuple[int, int]:
    """When the job ran."""
    text = subprocess.run(
        ["sacct", "-X", "-n", "-P", "-j", job, "-S", "now-4days", "-o", "Start,End"],
        capture_output=True, text=True, check=True,
        env=dict(os.environ) | {"TZ": "UTC", "SLURM_TIME_FORMAT": "%s"},
    ).stdout  # fmt: skip
    start, end = text.strip().split("|")
    return int(start), int(end)


def unused(folder: Path) -> list[tuple[str, int]]:
    """Ticks by team of what nobody used of reservations."""
    with Ledger.read(folder / "ledger.db", "USD", "UTC") as ledger:
        return ledger.db.execute(
            "SELECT team, sum(effective_units * 3600000000 + effective_ticks) FROM allocations "
            "JOIN tag_sets ON tag_sets.id = tag_set_id JOIN origins ON origins.id = origin_id "
            "WHERE origins.name = 'idle' GROUP BY 1"
        ).fetchall()


def test_what_nobody_used_of_a_reservation_is_in_the_report(
    cluster: Cluster, tmp_path: Path
) -> None:
    cluster.run("scontrol", "create", "reservation", f"ReservationName={NAME}", "starttime=now",
                "duration=10:00", "accounts=research", "nodes=n2")  # fmt: skip
    job = cluster.submit(f"--reservation={NAME}", "--gres=gpu:h100:3", seconds=4)
    cluster.wait_for((job, "COMPLETED"))
    time.sleep(1)
    cluster.run("scontrol", "delete", f"ReservationName={NAME}")
    in_accounting()
    backwards(cluster, job)
    a_config(tmp_path, CONFIG)
    day = time.strftime("%Y-%m-%d", time.gmtime(shown()[0]))
    finops(tmp_path, "collect", "nodes")
    said = json.loads(finops(tmp_path, "collect", "reservations", "--format", "json").stdout)
    assert (said["problems"], said["unknown_holders"], said["new"]) == (0, 0, said["reservations"])
    # accounting may say another end a moment later: what counts is that the ledger follows
    for _ in range(15):
        finops(tmp_path, "collect", "reservations")
        finops(tmp_path, "collect", "sacct", "--since", day)
        finops(tmp_path, "price")
        (start, end), (began, ended) = shown(), held(job)
        assert began >= start
        assert ended <= end
        # four GPUs are on the node, of which the job held three
        wanted = [("nlp", (4 * (end - start) - 3 * (ended - began)) * PRICE)]
        if unused(tmp_path) == wanted:
            break
        time.sleep(2)
    assert unused(tmp_path) == wanted
    told = finops(tmp_path, "report", "--period", day, "--by", "team,category").stdout
    assert "unused" in told
    assert "nlp" in told

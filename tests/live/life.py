"""What the tests of a job's whole life ask of its cluster, and of the ledger."""

import json
import os
import re
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.ledger.store import Ledger
from tests.live.conftest import Cluster

NAME = "life"
GPU, CPU = "gres/gpu:h100", "cpu"
HOUR = 3600
RUNAWAY = "900001"
CONFIG = f"""\
cluster = "{NAME}"
currency = "USD"
timezone = "%s"
[[rates]]
sku = "{GPU}"
price = "3.92"
from = 2020-01-01
[[rates]]
sku = "{CPU}"
price = "0.01"
from = 2020-01-01
"""


class Life(NamedTuple):
    """The cluster after all that happened, the jobs by what befell them, and a ledger's folder."""

    cluster: Cluster
    jobs: dict[str, str]
    folder: Path


class Said(NamedTuple):
    """A run as sacct prints it; times are epoch seconds, None for one that has not ended."""

    state: str
    start: int
    end: int | None
    elapsed: int
    account: str
    tres: dict[str, int]


def accounted() -> dict[tuple[int, int], Said]:
    """What sacct says of each run that started, read without our own parser."""
    fields = "JobIDRaw,Submit,State,Start,End,ElapsedRaw,Account,AllocTRES"
    text = subprocess.run(
        ["sacct", "-a", "-X", "-D", "-n", "-P", "-S", "now-4days", "-o", fields],
        capture_output=True, text=True, check=True,
        env=dict(os.environ) | {"TZ": "UTC", "SLURM_TIME_FORMAT": "%s"},
    ).stdout  # fmt: skip
    found = {}
    for line in text.splitlines():
        job, submit, state, start, end, elapsed, account, tres = line.split("|")
        if start.isdecimal():
            counts = {name: int(n) for name, n in re.findall(r"([\w/:]+)=(\d+)(?:,|$)", tres)}
            stop = int(end) if end.isdecimal() else None
            found[int(job), int(submit)] = Said(
                state.split()[0], int(start), stop, int(elapsed), account, counts
            )
    return found


def run(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


def finops(folder: Path, *words: str) -> Result:
    done = run(folder, *words)
    assert done.exit_code == 0, (words, done.output)
    return done


def reconciled(folder: Path, *words: str, code: int = 0) -> Any:
    done = run(folder, "reconcile", "--format", "json", *words)
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


def compared(folder: Path) -> Any:
    """Run by run, whatever sreport says: an hour may strike, and be rolled up, on the way."""
    done = run(folder, "reconcile", "--format", "json", "--since", yesterday())
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout)


def yesterday() -> str:
    return str(datetime.now(UTC).date() - timedelta(1))


def difference(folder: Path, job: str) -> Any:
    """What is said of one job, None for nothing."""
    found = [item for item in compared(folder)["differences"] if item["job_id"] == job]
    return found[0] if found else None


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    ledger = Ledger._connect(str(folder / "ledger.db"))
    try:
        return ledger.db.execute(sql).fetchall()
    finally:
        ledger.close()


def a_site(folder: Path, zone: str = "UTC") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "finops.toml").write_text(CONFIG % zone)
    return folder


class Moved(NamedTuple):
    """The same history, some hours ago: ``midnight`` of ``zone`` lies in the midst of it."""

    life: Life
    midnight: int
    zone: str

    @property
    def days(self) -> tuple[str, str]:
        """The billing days before and after that midnight."""
        at = datetime.fromtimestamp(self.midnight, ZoneInfo(self.zone)).date()
        return str(at.fromordinal(at.toordinal() - 1)), str(at)


def move(ended: Life, folder: Path, midnight: int, zone: str) -> Moved:
    """Rows of slurmdbd's own, moved in time: nobody can wait here for a midnight, or an hour."""
    cluster, said = ended.cluster, accounted()
    (longest,) = [run for (i, _), run in said.items() if i == int(ended.jobs["timeout"])]
    back = longest.start + 9 - midnight
    for table, columns in (
        ("job", "time_submit time_eligible time_start time_end"),
        ("suspend", "time_start time_end"),
        ("resv", "time_start time_end"),
    ):
        changed = ", ".join(f"{name} = {name} - {back}" for name in columns.split())
        cluster.sql(f"UPDATE {NAME}_{table}_table SET {changed}")
    # what was rolled up stays, though nothing is there any more
    for part in ("hour", "day", "month"):
        cluster.sql(f"DELETE FROM {NAME}_assoc_usage_{part}_table")
    # sreport prints nothing of hours in which there was no cluster
    cluster.sql(
        f"UPDATE {NAME}_event_table SET time_start = {midnight - 48 * HOUR} "
        "WHERE node_name = '' AND time_end = 0"
    )
    moved = Moved(Life(cluster, ended.jobs, a_site(folder, zone)), midnight, zone)
    finops(folder, "collect", "sacct", "--since", moved.days[0])
    finops(folder, "price")
    return moved


def roll_up(moved: Moved) -> None:
    """What slurmdbd does after every hour."""
    start, end = (
        f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}"
        for at in (moved.midnight - 24 * HOUR, int(time.time()) // HOUR * HOUR)
    )
    done = subprocess.run(
        ["sacctmgr", "-i", "roll", start, end], env=dict(os.environ) | {"TZ": "UTC"},
        capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert "SUCCESS" in done.stderr, done

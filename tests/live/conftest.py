"""A real Slurm for the tests marked ``slurm``: the sandbox, on ports and in a folder of its own.

It is this machine's own Slurm, or that of the Debian which SLURM_FINOPS_SUITE names.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from slurm_finops.sources import slurm

SCRIPTS = Path(__file__).parents[2] / "scripts"
CLUSTER = "lab"
SUITE = os.environ.get("SLURM_FINOPS_SUITE", "")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Left out only where somebody says so: a sandbox that does not start is a failure."""
    if os.environ.get("SLURM_FINOPS_NO_SLURM") == "1":
        skip = pytest.mark.skip(reason="SLURM_FINOPS_NO_SLURM=1")
        for item in items:
            if item.get_closest_marker("slurm"):
                item.add_marker(skip)


class Cluster:
    """A sandbox, with what tests ask of it."""

    def __init__(self, sandbox: Any, user: str, other: str) -> None:
        self.root: Path = sandbox.root
        #: who submits, and who only looks
        self.user, self.other = user, other
        self.sql = sandbox.sql
        self._env = sandbox.env

    def start(self) -> None:
        """Whatever of it is down."""
        subprocess.run([SCRIPTS / "slurm-sandbox", "start"], env=self._env, check=True)

    @cached_property
    def release(self) -> tuple[int, int]:
        """Slurm's, such as (22, 5); a minor one is not told apart."""
        year, month, *_ = self.run("sacct", "-V").rpartition(" ")[2].split(".")
        return int(year), int(month)

    def run(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def submit(self, *options: str, seconds: int = 600) -> str:
        """A job's raw id."""
        return self.run(
            "sbatch", "--parsable", f"--uid={self.user}", "--account=research", "-o", "/dev/null",
            "--chdir=/tmp", *options, f"--wrap=sleep {seconds}",
        )  # fmt: skip

    def wait(self, what: str, until: Callable[[], bool], seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, f"not in {seconds} s: {what}"
            time.sleep(0.2)

    def state(self, job: str) -> str:
        """What sacct says of a job."""
        return self.run("sacct", "-X", "-n", "-P", "-j", job, "-o", "State").partition("\n")[0]

    def wait_for(self, *jobs: tuple[str, str]) -> None:
        """Until sacct has each ``(job, state)``."""
        for job, state in jobs:
            self.wait(f"job {job} is {state}", lambda job=job, state=state: (  # type: ignore[misc]
                self.state(job) == state
            ))  # fmt: skip


@contextmanager
def slurm_conf(cluster: Cluster, key: str, value: str) -> Iterator[None]:
    """A setting of slurm.conf, for as long as the block lasts."""
    conf = cluster.root / "etc" / "slurm.conf"
    before = conf.read_text()
    kept = [line for line in before.splitlines() if not line.startswith(f"{key}=")]
    try:
        conf.write_text("\n".join([f"{key}={value}", *kept]) + "\n")
        cluster.run("scontrol", "reconfigure")
        cluster.wait(key, lambda: slurm.show_config().get(key) == value)
        yield
    finally:
        conf.write_text(before)
        cluster.run("scontrol", "reconfigure")


@contextmanager
def a_cluster(**settings: str) -> Iterator[Cluster]:
    """A sandbox, with its clients on PATH and pointed at it."""
    sys.path.append(str(SCRIPTS))
    from sandbox import Sandbox

    with Sandbox(suite=SUITE, **settings) as made, pytest.MonkeyPatch.context() as patch:
        for name in ("SLURM_CONF", "PATH"):
            patch.setenv(name, made.env[name])
        yield Cluster(made, *settings["users"].split())


def users() -> str:
    """Unix users of this session's own: another sandbox may be removing its users."""
    return " ".join(f"sf{os.getpid()}{letter}" for letter in "ab")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A cluster of two nodes with four H100 each."""
    with a_cluster(nodes="2", gpus="4", cluster=CLUSTER, users=users()) as made:
        yield made

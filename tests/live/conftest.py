"""A real Slurm for the tests marked ``slurm``: the sandbox, on ports and in a folder of its own."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "slurm-sandbox"
CLUSTER = "lab"
_OFFSETS = (1, 17, 19, 101)  # of the ports that the sandbox listens on


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SLURM_FINOPS_NO_SLURM") == "1":
        skip = pytest.mark.skip(reason="SLURM_FINOPS_NO_SLURM=1")
        for item in items:
            if item.get_closest_marker("slurm"):
                item.add_marker(skip)


@dataclass(frozen=True)
class Cluster:
    """The sandbox, with what tests ask of it."""

    root: Path
    settings: dict[str, str]
    user: str

    def verb(self, verb: str) -> None:
        done = subprocess.run([SCRIPT, verb], env=self.settings, capture_output=True, text=True)
        assert done.returncode == 0, f"slurm-sandbox {verb}: {done.stderr}"

    def run(self, *command: str) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def submit(self, *options: str, seconds: int = 600) -> str:
        """A job's raw id."""
        return self.run(
            "sbatch", "--parsable", f"--uid={self.user}", "-A", "research", "-o", "/dev/null",
            *options, f"--wrap=sleep {seconds}",
        )  # fmt: skip

    def sql(self, text: str) -> None:
        self.run(
            "mariadb", "--no-defaults", f"--socket={self.root}/mysql/mysqld.sock", "-uroot",
            "slurm_acct_db", "-e", text,
        )  # fmt: skip

    def wait(self, what: str, until: Callable[[], bool], seconds: float = 30) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.2)

    def wait_for_state(self, job: str, state: str) -> None:
        """Until sacct says so of the job."""
        self.wait(f"job {job} to be {state}", lambda: self.run(
            "sacct", "-X", "-n", "-P", "-j", job, "-o", "State"
        ).startswith(state))  # fmt: skip


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster of two nodes with four H100 each; that it cannot be started is a failure."""
    root = tmp_path_factory.mktemp("sandbox") / "sb"
    # a unix user of this session's own: another sandbox may be removing its users
    user = f"sf_{os.getpid()}"
    ours = ("SANDBOX_", "SLURM_", "SBATCH_", "SACCT_", "SQUEUE_")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    settings = inherited | {
        "SANDBOX_ROOT": str(root), "SANDBOX_PORT": str(_free_ports()), "SANDBOX_NODES": "2",
        "SANDBOX_GPUS": "4", "SANDBOX_CLUSTER": CLUSTER, "SANDBOX_USERS": user,
    }  # fmt: skip
    made = Cluster(root, settings, user)
    for folder in root.parents:
        # slurmd's users must reach the sockets below pytest's private folder
        if folder.stat().st_uid == os.geteuid() and folder.is_relative_to("/tmp/pytest-of-root"):
            folder.chmod(0o755)
    before = os.environ.get("SLURM_CONF")
    os.environ["SLURM_CONF"] = str(root / "etc" / "slurm.conf")
    try:
        made.verb("start")
        yield made
    finally:
        made.verb("purge")
        if before is None:
            del os.environ["SLURM_CONF"]
        else:
            os.environ["SLURM_CONF"] = before


def _free_ports() -> int:
    """The first of a block that nothing listens on, below the ports the kernel gives out."""
    for first in range(24_000, 32_000, 200):
        if all(_is_free(first + offset) for offset in _OFFSETS):
            return first
    raise AssertionError("no free ports between 24000 and 32000")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0

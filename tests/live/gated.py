"""A sandbox with the gate in it."""

import os
import re
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.core.tags import Tags, parse_seal
from slurm_finops.hook.build import SUBMIT
from tests.live.conftest import Cluster, a_cluster

CONFIG = """\
cluster = "gated"
currency = "USD"
[tags]
mode = "enforce"
registry = true
help = "How to tag: https://wiki.example.org/tags"
[tags.exempt]
partitions = ["debug"]
[[rates]]
sku = "gres/gpu:h100"
price = "3.92"
from = 2020-01-01
[[teams]]
name = "nlp"
accounts = ["research"]
[[teams.projects]]
name = "moe"
[[teams]]
name = "cv"
accounts = ["product"]
[[teams.projects]]
name = "segment"
"""
GOOD = '{"team":"nlp","project":"moe","experiment":"run-1"}'
OTHER = '{"team":"nlp","project":"moe","experiment":"run-2"}'
NO_TAGS = '{"team":"nlp"}'


#: As jobstats does, which keeps its summary there; while the flag is up.
EPILOG = """#!/bin/sh
[ -e {flag} ] || exit 0
export SLURM_CONF=$(cat {flag})
sleep 1
exec sacctmgr -i modify job where jobid=$SLURM_JOB_ID set AdminComment=JS1:x
"""


class Gated:
    """A sandbox with the hook in it, and a user who submits."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.etc, self.user = cluster.root / "etc", cluster.user
        self.made: list[str] = []

    def finops(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["-c", str(self.folder / "finops.toml"), *words])

    def mode(self, mode: str, extra: str = "", **more: str) -> None:
        """The configuration in this mode, installed."""
        text = CONFIG.replace('"enforce"', f'"{mode}"') + extra
        for key, value in more.items():
            text = text.replace("registry", f'{key} = "{value}"\nregistry')
        (self.folder / "finops.toml").write_text(text)
        result = self.finops("hook", "install")
        assert result.exit_code == 0, result.output
        assert "uses it from the next job on" in result.stdout

    def ask(self, *words: str | bytes, user: str | None = None) -> tuple[int, str]:
        """A command as the user: its exit code and what it says."""
        done = subprocess.run(
            words, capture_output=True, timeout=60, cwd="/tmp", user=user or self.user,
            group=user or self.user, extra_groups=[], check=False,
        )  # fmt: skip
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def sbatch(self, *options: str | bytes, wrap: str = "true") -> tuple[int, str]:
        code, said = self.ask("sbatch", "-o", "/dev/null", *options, f"--wrap={wrap}")
        self.made += re.findall(r"Submitted batch job (\d+)", said)
        return code, said

    def held(self, *options: str) -> str:
        """The id of a job that waits."""
        code, said = self.sbatch("-H", *options)
        assert code == 0, said
        return self.made[-1]

    def job(self, job: str) -> dict[str, str]:
        text = self.cluster.run("scontrol", "show", "job", job)
        shown = r"(?:^   | )(Comment|AdminComment|Account)=(.*?) ?(?: QOS=.*)?$"
        return dict(re.findall(shown, text, re.M))

    def sealed(self, job: str) -> Tags | None:
        claim = parse_seal(self.job(job).get("AdminComment", ""))
        return claim and claim.tags

    def ended(self) -> set[str]:
        """The jobs that slurmdbd knows to have ended."""
        text = self.cluster.run("sacct", "-a", "-X", "-n", "-P", "-o", "JobIDRaw,State")
        ends = ("COMPLETED", "FAILED")
        return {line.partition("|")[0] for line in text.splitlines() if line.endswith(ends)}

    def controller(self) -> str:
        """slurmctld's pid: it is the same as long as nothing has killed it."""
        pid = (self.cluster.root / "pid" / "slurmctld.pid").read_text().strip()
        os.kill(int(pid), 0)
        return pid

    def reload(self) -> None:
        """slurmctld compares the script's time, which counts whole seconds."""
        time.sleep(1.1)
        os.utime(self.etc / SUBMIT)

    def log(self) -> str:
        return (self.cluster.root / "log" / "slurmctld.log").read_text(errors="replace")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    folder = tmp_path_factory.mktemp("gate")
    (folder / "finops.toml").write_text(CONFIG)
    hook = folder / "hook"
    assert CliRunner().invoke(
        main, ["-c", str(folder / "finops.toml"), "hook", "build", "--out", str(hook)]
    ).exit_code == 0  # fmt: skip
    users = f"sg{os.getpid()}a sg{os.getpid()}b"
    epilog = folder / "epilog.sh"
    epilog.write_text(EPILOG.format(flag=folder / "epilog"))
    epilog.chmod(0o755)
    with a_cluster(nodes="2", cluster="gated", job_submit=str(hook), users=users,
                   conf=f"EpilogSlurmctld={epilog}") as cluster:  # fmt: skip
        yield Gated(cluster, folder)


@pytest.fixture
def gate(made: Gated) -> Iterator[Gated]:
    pid = made.controller()
    made.mode("enforce")
    yield made
    if made.made:
        subprocess.run(["scancel", "--quiet", *made.made], check=False)
        made.made.clear()
    assert made.controller() == pid


def rows(gate: Gated, sql: str) -> list[tuple[object, ...]]:
    ledger = sqlite3.connect(gate.folder / "ledger.db")
    try:
        return ledger.execute(sql).fetchall()
    finally:
        ledger.close()

"""The sandbox's own promises: which Slurm it is, and that it leaves nothing mounted."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from slurm_finops.sources import slurm
from tests.live.conftest import SCRIPTS, SUITE, Cluster

pytestmark = pytest.mark.slurm
SUITES = Path("/var/cache/slurm-sandbox")


def test_clients_and_daemons_are_of_one_release(cluster: Cluster) -> None:
    found = shutil.which("sbatch")
    assert found == (f"{SUITES}/{SUITE}/bin/sbatch" if SUITE else "/usr/bin/sbatch")
    assert slurm.show_config()["SLURM_VERSION"] == slurm.slurm_version()


@pytest.mark.usefixtures("cluster")
def test_nothing_is_mounted_where_others_see_it() -> None:
    assert str(SUITES) not in Path("/proc/self/mounts").read_text()


def test_a_client_keeps_its_words_its_input_and_its_answer(
    cluster: Cluster, tmp_path: Path
) -> None:
    words = b"--comment=a \"b\" 'c' $d\n\\ \xc3\xa4\x1f*"
    script = b"#!/bin/sh\nexit 0\n"
    done = subprocess.run(
        [b"sbatch", b"--parsable", b"-H", b"-o/dev/null", f"--uid={cluster.user}".encode(), words],
        input=script, capture_output=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    job = done.stdout.decode().strip()
    try:
        shown = subprocess.run(["squeue", "-h", "-j", job, "-o", "%k"], capture_output=True)
        assert shown.stdout == words.partition(b"=")[2] + b"\n"
        assert f"WorkDir={tmp_path}" in cluster.run("scontrol", "show", "job", job)
    finally:
        cluster.run("scancel", job)
    wrong = subprocess.run(["scontrol", "show", "job", "99999999"], stdout=subprocess.PIPE)
    assert (wrong.returncode, wrong.stdout) == (1, b"")


def test_a_sandbox_is_of_one_suite(cluster: Cluster) -> None:
    other = "forky" if SUITE != "forky" else "trixie"
    done = subprocess.run(
        [SCRIPTS / "slurm-sandbox", "--suite", other, "start"], env=cluster._env,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"{cluster.root} holds a cluster of" in done.stderr


def test_a_suite_in_use_is_kept(cluster: Cluster) -> None:
    done = subprocess.run(
        [SCRIPTS / "slurm-sandbox", "remove-suite"], env=cluster._env, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert re.search("needs --suite NAME|is in use by process", done.stderr)
    assert shutil.which("sbatch")

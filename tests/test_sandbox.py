"""The sandbox's own promises that need no Slurm."""

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


def test_two_that_start_at_one_time_have_ports_of_their_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from sandbox import PORTS_PER_SANDBOX, free_ports

    with free_ports() as one, free_ports() as other:
        apart = abs(one.getsockname()[1] - other.getsockname()[1])
    assert apart >= PORTS_PER_SANDBOX


@pytest.mark.parametrize("words", [[], ["nothing"], ["--suite"], ["start", "now"]])
def test_what_cannot_be_meant_is_told_the_usage(words: list[str]) -> None:
    done = subprocess.run(
        [SCRIPTS / "slurm-sandbox", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("usage: ")


def test_the_line_for_a_shell_has_the_clients_of_a_suite(tmp_path: Path) -> None:
    def env(*words: str) -> str:
        return subprocess.check_output(
            [SCRIPTS / "slurm-sandbox", *words, "env"], text=True,
            env={"PATH": "/usr/bin:/bin", "SANDBOX_ROOT": str(tmp_path)},
        )  # fmt: skip

    line = f"export SLURM_CONF={tmp_path}/etc/slurm.conf"
    assert env() == f"{line}\n"
    named = f"{line} PATH=/var/cache/slurm-sandbox/forky/bin:$PATH\n"
    assert env("--suite", "forky") == named
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "suite").write_text("forky\n")
    assert env() == named

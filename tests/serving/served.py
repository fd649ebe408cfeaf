"""A server of one's own for a test: on a free port, and ended by its own process id."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from slurm_finops.cli import main
from tests.support import a_config

SACCT = Path(__file__).parents[1] / "sacct"
PROGRAM = Path(sys.executable).with_name("slurm-finops")
_ANSWER_SECONDS = 30


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Served(NamedTuple):
    """A running server: its process, where it answers, and the folder of its snapshots."""

    process: subprocess.Popen[str]
    url: str
    folder: Path

    def get(self, path: str, method: str = "GET") -> Answer:
        request = urllib.request.Request(self.url + path, method=method)
        try:
            with urllib.request.urlopen(request, timeout=_ANSWER_SECONDS) as got:
                return Answer(got.status, dict(got.headers), got.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, dict(error.headers), error.read().decode())

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What a named query, with its parameters, answers."""
        name, _, params = query.partition("?")
        answer = self.get(f"finops/{name}.json?_shape=array&{params}")
        assert answer.status == 200, answer.text
        found: list[dict[str, Any]] = json.loads(answer.text)
        return found

    @property
    def snapshots(self) -> list[Path]:
        return sorted(self.folder.rglob("*.db"))


@contextmanager
def served(config: Path, folder: Path, *words: str) -> Iterator[Served]:
    """``slurm-finops serve`` with a port of its own; ended as systemd ends it."""
    command = [str(PROGRAM), "-c", str(config), "serve", "--port", "0", *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(folder)}
    )
    try:
        assert process.stdout
        said = []
        for line in process.stdout:
            said.append(line)
            if line.startswith(("http://", "serving on ")):
                break
        assert said and "Ctrl-C" in said[-1], said
        yield Served(process, said[-1].split()[0], folder)
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(_ANSWER_SECONDS)
        if process.stdout:
            process.stdout.close()
    assert code == 0
    assert [*folder.iterdir()] == []


def a_priced_ledger(folder: Path, text: str, *files: str) -> Path:
    """The configuration of a ledger with these saved files, priced."""
    config = a_config(folder, text)
    for name in files:
        run_command(config, "collect", "sacct", "--delimiter", "|", "--file", str(SACCT / name))
    run_command(config, "price")
    return config


def run_command(config: Path, *words: str) -> str:
    result = CliRunner().invoke(main, ["-c", str(config), *words])
    assert result.exit_code == 0, result.output
    return result.stdout

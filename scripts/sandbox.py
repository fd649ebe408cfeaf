"""A private Slurm for as long as a `with` block lasts, for the scripts beside this file."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

HERE = Path(__file__).resolve().parent
FOREIGN = ("SANDBOX_", "SLURM_", "SACCT_", "SBATCH_")  # meant for some other cluster
PORTS_PER_SANDBOX = 200
# The columns of the documented command; Comment last, because -P escapes nothing.
FIELDS = (
    "JobIDRaw,JobID,JobName,User,Account,Partition,QOS,WCKey,Cluster,State,Submit,Start,End,"
    "ElapsedRaw,Suspended,TimelimitRaw,AllocTRES,NodeList,Reservation,ReservationId,ExitCode,"
    "AdminComment,Comment"
)


class Failure(Exception):
    """Something outside failed, or a proof did; the message is for the user."""


class Refusal(Failure):
    """slurm-sandbox does not work on this machine, and has said why."""


class Sandbox:
    """A cluster of `scripts/slurm-sandbox`, in a temporary folder and on ports of its own."""

    def __init__(self, **settings: str) -> None:
        self.root = Path(tempfile.mkdtemp(prefix="slurm-sandbox-"))
        self._claim = free_ports()
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        self.env = inherited | {
            "SANDBOX_ROOT": str(self.root),
            "SANDBOX_PORT": str(self._claim.getsockname()[1]),
            "SLURM_CONF": str(self.root / "etc/slurm.conf"),
            "TZ": "UTC",
        }
        self.env |= {f"SANDBOX_{name.upper()}": value for name, value in settings.items()}
        self.env["PATH"] = self._path()

    def __enter__(self) -> Self:
        # Somebody's patience may end, but the sandbox must not outlive the script.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
        try:
            self._verb("start")
        except BaseException as error:
            self.__exit__(error)
            raise
        return self

    def __exit__(self, *raised: object) -> None:
        if not isinstance(raised[0], Refusal):  # then nothing was started, nor can be stopped
            self._verb("purge")
        self._claim.close()
        shutil.rmtree(self.root, ignore_errors=True)

    def _path(self) -> str:
        """PATH with the clients of the suite, if there is one, before this machine's own."""
        point = 'eval "$("$0" env)" && printf %s "$PATH"'
        asked = ["bash", "-c", point, str(HERE / "slurm-sandbox")]
        return subprocess.check_output(asked, env=self.env, text=True)

    def _verb(self, verb: str) -> None:
        done = subprocess.run([HERE / "slurm-sandbox", verb], env=self.env)
        if done.returncode:
            kind = Refusal if done.returncode == 2 else Failure
            raise kind(f"scripts/slurm-sandbox {verb} failed")

    def run(
        self, *command: str | bytes, user: str | None = None, text: str = "", **env: str
    ) -> bytes:
        """What a command prints; as bytes, since text mode turns CR into a newline."""
        done = subprocess.run(
            command, env=self.env | env, user=user, group=user, extra_groups=[] if user else None,
            input=text.encode(), capture_output=True, cwd="/",
        )  # fmt: skip
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise Failure(f"{command[0]!r} failed: {said}")
        return done.stdout

    def sacct(self, *options: str, fields: str = FIELDS, **env: str) -> bytes:
        """The documented command, but for its window."""
        env = {"SLURM_TIME_FORMAT": "%s"} | env
        return self.run("sacct", "-a", "-X", "-D", *options, "-o", fields, **env)

    def sql(self, text: str) -> list[list[str]]:
        out = self.run(
            "mariadb", "--no-defaults", f"--socket={self.root}/mysql/mysqld.sock", "-uroot",
            "--batch", "--skip-column-names", "--default-character-set=utf8mb4", "slurm_acct_db",
            text=text,
        )  # fmt: skip
        return [line.split("\t") for line in out.decode().split("\n") if line]


def free_ports() -> socket.socket:
    """A block of ports below the ephemeral ones in which nothing listens.

    It is claimed by holding its first port, which a sandbox has no use for: two that start
    at one time would else find the same block free.
    """
    for first in reversed(range(20000, 32000, PORTS_PER_SANDBOX)):
        claim = socket.socket()
        try:
            claim.bind(("127.0.0.1", first))
        except OSError:
            claim.close()
            continue
        if all(is_free(first + offset) for offset in (1, 17, 19, 101)):
            return claim
        claim.close()
    raise Failure("no free ports between 20000 and 32000")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0

"""Slurm's clients as scripts on PATH that print what a test tells them to."""

import json
import os
import sys
from pathlib import Path

import pytest

from slurm_finops.sources.sacct.record import FIELDS
from tests.support import record

_SCRIPT = f"""#!{sys.executable} -S
import json, pathlib, sys
here = pathlib.Path(__file__)
asked = [here.name, *sys.argv[1:]]
with open(here.parent / "asked", "a") as log:
    log.write(json.dumps(asked) + "\\n")
for words, out, err, code in json.loads((here.parent / "answers.json").read_text()):
    if all(word in asked for word in words):
        break
else:
    sys.exit(f"nobody told this fake what to answer to {{asked}}")
if isinstance(out, list):
    mark = next(w.partition("=")[2] for w in asked if w.startswith("--delimiter="))
    out = "".join("".join(field + mark for field in row) + "\\n" for row in out)
sys.stdout.buffer.write(out.encode("utf-8", "surrogateescape"))
sys.stderr.write(err)
sys.exit(code)
"""
PROGRAMS = ("sacct", "sacctmgr", "scontrol", "squeue", "sreport")
CONFIG = {
    "AccountingStorageTRES": "cpu,mem,node,billing,gres/gpu,gres/gpu:h100",
    "AccountingStorageType": "accounting_storage/slurmdbd",
    "AccountingStoreFlags": "job_comment",
    "ClusterName": "alpha",
    "PrivateData": "none",
    "SlurmUser": "slurm(64030)",
}
NODE = "NodeName=n1 Gres=gpu:h100:8 State=IDLE CfgTRES=cpu=64,gres/gpu=8,gres/gpu:h100=8 Reason=x"
EVENT = "alpha||1767225600|Unknown||cpu=64,gres/gpu:h100=8,gres/gpu=8,mem=500G,node=1"


class FakeSlurm:
    """What is said last is tried first; ``words`` must all stand in the command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._answers: list[tuple[tuple[str, ...], object, str, int]] = []
        for program in PROGRAMS:
            (folder / program).write_text(_SCRIPT)
            (folder / program).chmod(0o755)
        self.config()
        self.say("scontrol", "node", out=NODE + "\n")
        self.say("sacct", "-V", out="slurm-wlm 22.05.8\n")
        self.say("sacct", "--helpformat", out=" ".join(FIELDS) + "\n")
        self.say("sacctmgr", "account", out="root\nnlp\ncv\n")
        self.say("sacctmgr", "user", out="None\n")
        self.say("sacctmgr", "event", out=EVENT + "\n")
        self.say("sacctmgr", "config", out="\nSlurmDBD configuration:\nPrivateData = none\n")
        self.squeue()
        self.sacct()

    def say(self, *words: str, out: object = "", err: str = "", code: int = 0) -> None:
        self._answers.insert(0, (words, out, err, code))
        (self.folder / "answers.json").write_text(json.dumps(self._answers))

    def config(self, **changed: str) -> None:
        lines = [f"{key:23} = {value}" for key, value in (CONFIG | changed).items()]
        self.say("scontrol", "config", out="Configuration data as of now\n" + "\n".join(lines))

    def squeue(self, *jobs: dict[str, object]) -> None:
        self.say("squeue", "--json", out=json.dumps({"errors": [], "jobs": jobs}))

    def sacct(self, *records: dict[str, str]) -> None:
        rows = [list(FIELDS), *([item.get(name, "") for name in FIELDS] for item in records)]
        self.say("sacct", "-p", out=rows)

    def down(self) -> None:
        """The controller does not answer; 22.05's squeue --json exits 0 all the same."""
        trouble = "Unable to contact slurm controller (connect failure)\n"
        self.say("scontrol", err=f"slurm_load_ctl_conf error: {trouble}", code=1)
        self.say("squeue", err=f"slurm_load_jobs error: {trouble}", code=1)
        fault = {"source": "slurm_load_jobs", "description": "Failed while looking for jobs"}
        self.say("squeue", "--json", out=json.dumps({"errors": [fault], "jobs": []}))

    def asked(self, program: str) -> list[list[str]]:
        log = self.folder / "asked"
        said = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [words for words in said if words[0] == program]


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A whole cluster called alpha, of one node with eight H100."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return FakeSlurm(folder)


@pytest.fixture
def no_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without Slurm's clients."""
    monkeypatch.setenv("PATH", str(tmp_path))


def a_job(job_id: int, submit: int, **fields: object) -> dict[str, object]:
    """A job as 22.05's squeue --json prints it, as far as it is read."""
    job = {"job_id": job_id, "job_state": "RUNNING", "comment": "", "admin_comment": ""}
    return job | {"submit_time": submit} | fields


def running_record(job_id: int, **fields: object) -> dict[str, str]:
    """A run in sacct that has not ended."""
    return record(JobIDRaw=job_id, JobID=job_id, State="RUNNING", End="Unknown", Comment="") | {
        key: str(value) for key, value in fields.items()
    }

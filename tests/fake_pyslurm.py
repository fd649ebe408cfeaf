"""pyslurm as its source documents it, before a slurmdbd that is a list of records.

A record is what sacct prints (`tests.support.record`), with three columns of its own:
Restarts and Eligible, and Visible, which is "no" for one that slurmdbd has purged.
"""

import pwd
import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from slurm_finops.core.usage import parse_tres

ALONE = ("billing", "cpu", "energy", "mem", "node", "pages", "vmem")
NO_OFFSET = 4_294_967_294


def tres(text: str) -> Any:
    """db.TrackableResources of an AllocTRES, memory in MiB; None for nothing."""
    if not text:
        return None
    found: dict[str, Any] = dict.fromkeys(ALONE)
    kinds: dict[str, dict[str, Any]] = {
        kind: {} for kind in ("fs", "gres", "interconnect", "license", "other")
    }
    for name, count in parse_tres(text).items():
        kind, _, rest = name.partition("/")
        item = SimpleNamespace(type_and_name=name, count=count)
        if rest:
            kinds[kind][rest] = item
        else:
            found[name] = item
    return SimpleNamespace(**found, **kinds)


def name_of(uid: str) -> str:
    try:
        return pwd.getpwuid(int(uid)).pw_name
    except KeyError:
        return uid


def seconds(text: str) -> int:
    hours, minutes, rest = text.split(":")
    return (int(hours) * 60 + int(minutes)) * 60 + int(rest)


class Job:
    """db.Job: None wherever the number in slurmdbd is 0."""

    def __init__(self, record: dict[str, str]) -> None:
        self._record = record

    def _number(self, column: str) -> int | None:
        text = self._record[column]
        return int(text) or None if text.isdecimal() else None

    def _text(self, column: str) -> str | None:
        return self._record[column] or None

    def _part(self, sign: str, place: int) -> int | None:
        parts = self._record["JobID"].split(sign)
        return int(parts[place]) or None if len(parts) == 2 and parts[1].isdecimal() else None

    id = property(lambda self: int(self._record["JobIDRaw"]))
    cluster = property(lambda self: self._text("Cluster"))
    name = property(lambda self: self._text("JobName"))
    user_name = property(lambda self: self._text("User"))
    account = property(lambda self: self._text("Account"))
    partition = property(lambda self: self._text("Partition"))
    qos = property(lambda self: self._text("QOS"))
    wckey = property(lambda self: self._text("WCKey"))
    reservation = property(lambda self: self._text("Reservation"))
    nodelist = property(lambda self: self._text("NodeList"))
    comment = property(lambda self: self._text("Comment"))
    admin_comment = property(lambda self: self._text("AdminComment"))
    submit_time = property(lambda self: self._number("Submit"))
    start_time = property(lambda self: self._number("Start"))
    end_time = property(lambda self: self._number("End"))
    elapsed_time = property(lambda self: self._number("ElapsedRaw"))
    suspended_time = property(lambda self: seconds(self._record["Suspended"]) or None)
    time_limit = property(lambda self: self._number("TimelimitRaw") or "PartitionLimit")
    requeue_count = property(lambda self: int(self._record.get("Restarts", "0")))
    state = property(lambda self: self._record["State"].partition(" by ")[0])
    heterogeneous_id = property(lambda self: self._part("+", 0))
    array_id = property(
        lambda self: self._part("_", 0) or (int(self._record["JobID"].split("_[")[0])
                                            if "_[" in self._record["JobID"] else None)
    )  # fmt: skip
    array_task_id = property(lambda self: self._part("_", 1))
    allocated_tres = property(lambda self: tres(self._record["AllocTRES"]))
    exit_code = property(lambda self: int(self._record["ExitCode"].split(":")[0]))
    exit_code_signal = property(lambda self: int(self._record["ExitCode"].split(":")[1]))

    @property
    def array_tasks_waiting(self) -> str | None:
        _, waits, tasks = self._record["JobID"].partition("_[")
        return tasks.removesuffix("]") if waits else None

    @property
    def heterogeneous_offset(self) -> int | None:
        return self._part("+", 1) if "+" in self._record["JobID"] else NO_OFFSET

    @property
    def cancelled_by(self) -> str | None:
        _, by, uid = self._record["State"].partition(" by ")
        return name_of(uid) if by else None

    @property
    def cpus(self) -> int:
        return self.allocated_tres.cpu.count if self.allocated_tres else 0


class Jobs(dict[tuple[str, int], Job]):
    """db.Jobs: one job for each id, and sums over all that slurmdbd gave."""

    cpus = 0


def overlaps(record: dict[str, str], start: int, end: int) -> bool:
    """slurmdbd's condition for a window without states."""
    eligible = int(record.get("Eligible", record["Submit"]))
    ended = int(record["End"]) if record["End"].isdecimal() else 0
    return eligible < end and (not ended or ended >= start)


def given(records: Iterable[dict[str, str]], asked: dict[str, Any]) -> list[dict[str, str]]:
    """What slurmdbd sends without JOBCOND_FLAG_DUP, the last run of an id at the end."""
    found = [
        record for record in records
        if overlaps(record, asked.get("start_time", 0), asked["end_time"])
        and record.get("Visible") != "no"
        and int(record["JobIDRaw"]) in asked.get("ids", [int(record["JobIDRaw"])])
    ]  # fmt: skip
    sent: list[dict[str, str]] = []
    last = None
    for record in sorted(found, key=lambda r: (r["Cluster"], r["JobIDRaw"], -int(r["Submit"]))):
        key = record["Cluster"], record["JobIDRaw"]
        if key != last or record["State"] == "RESIZING":
            sent.insert(0, record)
        last = key
    return sent


def fake(records: Iterable[dict[str, str]], release: str = "25.11.2") -> Any:
    """The module, as far as it is used; ``module.asked`` notes each filter."""
    module: Any = ModuleType("pyslurm")
    module.__spec__ = ModuleSpec("pyslurm", None)
    module.__version__ = release
    module.asked = []

    def load(asked: dict[str, Any]) -> Jobs:
        module.asked.append(asked)
        found = Jobs()
        for record in given(records, asked):
            job = Job(record)
            found[job.cluster, job.id] = job
            found.cpus += job.cpus
        return found

    module.db = SimpleNamespace(
        Job=Job, JobFilter=dict, Jobs=type("Jobs", (Jobs,), {"load": staticmethod(load)})
    )
    return module


def install(monkeypatch: pytest.MonkeyPatch, module: Any) -> Any:
    """Let ``import pyslurm`` find ``module``; None: it is not installed."""
    monkeypatch.setitem(sys.modules, "pyslurm", module)
    return module

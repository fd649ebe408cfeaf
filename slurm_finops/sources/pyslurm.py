"""Slurm's accounting through pyslurm, as the records that sacct would print.

pyslurm binds Slurm's own library, so its release must be that of the cluster, and
it is imported only here and only when asked for.  What is used of it are documented
attributes of ``db.Job``.  Read in the source of 25.11.2, and seen on Slurm 26.05
with that source's ``db`` part built for it:

- An attribute is None where the number behind it is 0: the task 0 of an array, the
  first component of a het job, an elapsed time of no second.
- ``JobFilter`` cannot ask for duplicates (Slurm's ``JOBCOND_FLAG_DUP``, which is
  sacct's ``-D``), so of a requeued job it is given the last run in the window, and
  ``Jobs`` holds one run for each job id: of a resized job, too, only the last.

Money would be lost with the others.  They are asked for one by one: what ran before a
run ends where that one was submitted.  Slurm counts a job's requeues in each run, so
a chain that lacks one shows; and ``Jobs.cpus`` also sums the runs that ``Jobs`` does
not hold, so a resized job shows in it.  Where the proof fails, so does the collection.
"""

import io
import pwd
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from slurm_finops.core.runs import Problem, Run
from slurm_finops.core.words import count
from slurm_finops.errors import OutsideError
from slurm_finops.sources import slurm
from slurm_finops.sources.sacct.record import FIELDS, RecordParser
from slurm_finops.sources.sacct.rows import RowReader
from slurm_finops.sources.sacct.stream import BLOCK, Batch, batches

_INSTEAD = "collect with: slurm-finops collect sacct"
_HELD = "allocated_tres"
#: What is read of a job; without one of them its record would not be whole.
_NEEDED = (
    "id cluster array_id array_task_id array_tasks_waiting heterogeneous_id heterogeneous_offset "
    "name user_name account partition qos wckey reservation state cancelled_by submit_time "
    "start_time end_time elapsed_time suspended_time time_limit requeue_count cpus nodelist "
    "exit_code exit_code_signal admin_comment comment " + _HELD
).split()
#: TRES that stand alone, and those that are a dict of their kind (pyslurm's db.TrackableResources).
_TRES = ("billing", "cpu", "energy", "mem", "node", "pages", "vmem")
_TRES_OF_A_KIND = ("fs", "gres", "interconnect", "license", "other")
_UNITS = "MGTPE"


def load() -> Any:
    """pyslurm's module, where it fits the cluster here.

    Raises `OutsideError`, in one line each, where it is missing, made for another
    Slurm, or blind to what a job held; and `NoSlurm` where there is no cluster to ask.
    """
    if find_spec("pyslurm") is None:
        raise OutsideError(
            "pyslurm is not installed: pip install 'slurm-finops[pyslurm]' 'pyslurm==25.11.*', "
            "where the first two numbers must be those of your Slurm (sacct -V); or "
            f"{_INSTEAD}"
        )
    # before the import: a library of another Slurm may end this process
    cluster = slurm.show_config().get("SLURM_VERSION", "")
    installed = _installed()
    _check_release(installed, cluster)
    try:
        module: Any = import_module("pyslurm")
        release = str(module.__version__)
    except Exception as error:  # whatever a C extension raises when it is loaded
        raise OutsideError(
            f"pyslurm {installed} cannot be loaded ({error}): build it anew on a machine with "
            f"Slurm {cluster}, or {_INSTEAD}"
        ) from None
    _check_release(release, cluster)
    _check_tells_all(module, release)
    return module


def _installed() -> str:
    try:
        return metadata.version("pyslurm")
    except metadata.PackageNotFoundError:
        return ""


def _check_release(release: str, cluster: str) -> None:
    """The first two numbers of both are Slurm's (``26.5.0`` for 26.05); "" is not known."""
    ours, theirs = _series(release), _series(cluster)
    if release and ours != theirs:
        raise OutsideError(
            f"pyslurm {release} is made for Slurm {ours}, and this cluster runs "
            f"{cluster or 'a release that scontrol show config does not tell'}: pip install "
            f"'pyslurm=={theirs.replace('.0', '.') or 'YY.MM'}.*', or {_INSTEAD}"
        )


def _series(release: str) -> str:
    numbers = [part for part in release.split(".") if part.isdecimal()]
    return ".".join(f"{int(number):02}" for number in numbers[:2])


def _check_tells_all(pyslurm: Any, release: str) -> None:
    """By what is missing, never by its number."""
    db = getattr(pyslurm, "db", None)
    job, jobs = getattr(db, "Job", None), getattr(db, "Jobs", None)
    missing = [f"db.Job.{name}" for name in _NEEDED if not hasattr(job, name)]
    if not hasattr(jobs, "cpus"):
        missing.append("db.Jobs.cpus")
    if f"db.Job.{_HELD}" in missing:
        raise OutsideError(
            f"pyslurm {release} is blind to GPUs (it has no db.Job.{_HELD}): its jobs would cost "
            f"nothing.  Install a newer one, or {_INSTEAD}"
        )
    if missing:
        raise OutsideError(
            f"pyslurm {release} has no {', '.join(missing)}: what it tells of a job is less than "
            f"its record.  Install another, or {_INSTEAD}"
        )


def read_jobs(pyslurm: Any, since: int, until: int, cluster: str) -> Iterator[Batch]:
    """All runs that overlap ``[since, until)``, in batches.

    Raises `OutsideError` where slurmdbd does not answer, and where it cannot be proved
    that every run was seen; what came before that is whole.
    """
    yield from batches(JobsReader(pyslurm, since, until, cluster))


class JobsReader(RowReader):
    """The runs of one window; `blocks` raises `OutsideError`."""

    def __init__(self, pyslurm: Any, since: int, until: int, cluster: str) -> None:
        super().__init__()
        self._db = pyslurm.db
        self._window = since, until
        self._parser = RecordParser(FIELDS, cluster, UTC)

    def blocks(self) -> Iterator[list[Run]]:
        """Every run, those of requeued and of resized jobs after the others."""
        since, until = self._window
        jobs = self._load(start_time=since, end_time=until)
        last = list(jobs.values())
        for i in range(0, len(last), BLOCK):
            yield self._runs(last[i : i + BLOCK])
        unseen = jobs.cpus - sum(job.cpus for job in last)
        for job in last:
            before = list(self._before(job, bool(unseen)))
            unseen -= sum(run.cpus for run in before if run.state == "RESIZING")
            if before:
                yield self._runs(before)
        if unseen:
            raise self._not_whole("a part of a job that was resized")

    def _load(self, **asked: object) -> Any:
        # it prints the TRES it does not know
        with redirect_stdout(io.StringIO()):
            try:
                return self._db.Jobs.load(self._db.JobFilter(**asked))
            except Exception as error:  # RPCError, and whatever else a C extension raises
                raise OutsideError(
                    f"pyslurm failed: {error}; see whether slurmdbd is up: sacctmgr show cluster"
                ) from None

    def _before(self, job: Any, resized: bool) -> Iterator[Any]:
        """The earlier runs of this one's job in the window, from the last to the first."""
        since, _ = self._window
        while (job.submit_time or 0) >= since and (
            job.requeue_count or (resized and job.start_time == job.submit_time)
        ):
            before = self._one_before(job)
            if job.requeue_count and (before is None or not _follows(job, before)):
                raise self._not_whole(
                    f"a run of job {job.id}, which was requeued {count(job.requeue_count, 'time')}"
                )
            if before is None:
                return
            yield before
            job = before

    def _one_before(self, job: Any) -> Any:
        # slurmdbd gives what was eligible before the window's end, so never this run itself
        found = self._load(ids=[job.id], end_time=job.submit_time)
        return next(
            (run for run in found.values() if (run.id, run.cluster) == (job.id, job.cluster)
             and run.submit_time < job.submit_time), None,
        )  # fmt: skip

    def _not_whole(self, what: str) -> OutsideError:
        start, end = (f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M}Z" for at in self._window)
        return OutsideError(
            f"what ran from {start} to {end} cannot be collected whole: pyslurm does not show "
            f"{what}, because its JobFilter cannot ask for duplicates (JOBCOND_FLAG_DUP, as sacct "
            f"-D does).  {_INSTEAD[0].upper()}{_INSTEAD[1:]}"
        )

    def _runs(self, jobs: Sequence[Any]) -> list[Run]:
        with redirect_stdout(io.StringIO()):
            rows = [row for row in map(self._row, jobs) if row]
        return self.read(self._parser, rows)

    def _row(self, job: Any) -> list[str] | None:
        try:
            return fields(job)
        except Exception as error:  # bytes that are not UTF-8, a TRES it cannot read
            text = f"pyslurm.db.Job id={job.id} submit={job.submit_time} cluster={job.cluster}"
            self.problems.append(Problem(text, f"pyslurm cannot read it: {error}"))
            return None


def _follows(job: Any, before: Any) -> bool:
    """Whether nothing ran between two runs of a job: a resize is no requeue."""
    return bool(before.requeue_count == job.requeue_count - (before.state != "RESIZING"))


def fields(job: Any) -> list[str]:
    """A ``db.Job`` as sacct prints it: the texts of `FIELDS`, times in epoch seconds."""
    exit_code = f"{job.exit_code or 0}:{job.exit_code_signal or 0}"
    texts = (
        job.id, _job_id(job), job.name, job.user_name, job.account, job.partition, job.qos,
        job.wckey, job.cluster, _state(job), job.submit_time, job.start_time, job.end_time,
        job.elapsed_time or 0, job.suspended_time or 0, job.time_limit,
        alloc_tres(job.allocated_tres), job.nodelist, job.reservation, None, exit_code,
        job.admin_comment, job.comment,
    )  # fmt: skip
    return ["" if text is None else str(text) for text in texts]


def _job_id(job: Any) -> str:
    """JobID: ``16_3`` is a task of an array, ``17+1`` a component of a het job."""
    if job.array_tasks_waiting:
        return f"{job.array_id}_[{job.array_tasks_waiting}]"
    if job.array_id:
        return f"{job.array_id}_{job.array_task_id or 0}"
    if job.heterogeneous_id:
        return f"{job.heterogeneous_id}+{job.heterogeneous_offset or 0}"
    return str(job.id)


def _state(job: Any) -> str:
    """State: sacct names who cancelled a job by the number, pyslurm by the name."""
    by = job.cancelled_by
    if job.state != "CANCELLED" or not by:
        return str(job.state)
    try:
        return f"CANCELLED by {by if by.isdecimal() else pwd.getpwnam(by).pw_uid}"
    except KeyError:
        return f"CANCELLED by {by}"


def alloc_tres(tres: Any) -> str:
    """AllocTRES of a ``db.TrackableResources``: ``cpu=8,gres/gpu=2,mem=62.50G``, by name."""
    if tres is None:
        return ""
    held = [getattr(tres, name) for name in _TRES]
    for name in _TRES_OF_A_KIND:
        held += getattr(tres, name).values()
    return ",".join(sorted(map(_item, filter(None, held))))


def _item(tres: Any) -> str:
    name = tres.type_and_name
    return f"{name}={_memory(tres.count) if name in ('mem', 'vmem') else tres.count}"


def _memory(mebibytes: int) -> str:
    """``1500M``, ``64G``, ``62.50G``: a larger unit as long as nothing but a half is lost.

    sacct goes on with 1024.50G to 1.00T; this does not.
    """
    unit, half = 0, 0
    while mebibytes >= 1024 and not half and mebibytes % 512 == 0:
        mebibytes, rest = divmod(mebibytes, 1024)
        half, unit = rest // 512, unit + 1
    return f"{mebibytes}{'.50' if half else ''}{_UNITS[unit]}"

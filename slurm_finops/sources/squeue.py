"""The jobs the controller knows now, with both comments while they still run.

Never from `scontrol show job`: measured on 22.05, its JobName, Comment, AdminComment
and WorkDir are printed raw, newlines and all, and a field that is absent has no line.
A job without a seal whose *folder* is called ``x\\n   AdminComment={...}`` prints the
same bytes as a job that has that seal: no reader can tell them apart, and a seal is
the right to spend.  The same holds for ``-o``.

Instead, the safest that the release offers:

- ``squeue --json`` (21.08 and later; measured on 22.05.8, 24.11.5 and 26.05.5): every text
  is a JSON string with its newlines, quotes and control characters escaped, so
  nothing in it can end a field; bytes that are not UTF-8 come raw.  22.05 ignores
  every filter and also lists jobs that ended within MinJobAge.  225 jobs were
  0.8 MB in 0.2 s.  **With the controller down 22.05 exits 0** with an empty list
  and its trouble in ``errors``: that is a failure here, never an empty cluster.
- else ``squeue -o`` with a delimiter made up for each call, which no text can
  hold.  It has no AdminComment (``-O AdminComment`` is refused), so seals are
  then read when the job has ended.
"""

import json
import secrets
from collections.abc import Iterable
from typing import Any, NamedTuple

from slurm_finops.errors import OutsideError
from slurm_finops.sources.slurm import run, run_raw

_WHOM = ["squeue", "--local", "--all", "--states=all"]
# %A is the raw job id, %V the submit time, %k the comment at its full length
_COLUMNS = ("%A", "%V", "%T", "%k")


class LiveJob(NamedTuple):
    """A job as the controller knows it: its key (with ``submit``, a run's), state, comments."""

    job_id: str
    state: str
    comment: str
    admin_comment: str
    submit: int | None


def running_jobs() -> dict[str, LiveJob]:
    """Every job the controller lists, by JobId as in sacct's JobIDRaw.

    Tasks of arrays and components of het jobs stand under their own ids.  A job
    that is listed twice has neither comment: which one is right is not known.
    Raises `OutsideError` if the controller does not answer.
    """
    try:
        text = run_raw([*_WHOM, "--json"])
    except OutsideError:
        # an old squeue, or one built without JSON; a controller that is down
        # fails this one, too, and then its words are the ones to show
        return _plain_jobs()
    return jobs_of_json(text)


def jobs_of_json(text: bytes) -> dict[str, LiveJob]:
    """The jobs in what ``squeue --json`` printed.  Raises `OutsideError`."""
    try:
        answer = json.loads(text.decode("utf-8", "surrogateescape"))
        faults, jobs = answer.get("errors", []), answer["jobs"]
        found = [] if faults else [_live_job(job) for job in jobs]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutsideError(
            f"squeue --json printed what cannot be read ({type(error).__name__}: {error}); try: "
            "squeue --json | python3 -m json.tool"
        ) from None
    if faults:
        raise OutsideError(f"squeue failed: {_faults(faults)}; is slurmctld up?  scontrol ping")
    return _by_id(found)


def _live_job(job: dict[str, Any]) -> LiveJob:
    """A job of 22.05 (plain numbers, one state) or of 23.11 and later (objects, lists)."""
    state = job["job_state"]
    return LiveJob(
        str(job["job_id"]),
        str(state[0] if isinstance(state, list) else state),
        _text(job["comment"]),
        _text(job["admin_comment"]),
        _number(job["submit_time"]),
    )


def _number(value: Any) -> int | None:
    if isinstance(value, dict):
        return int(value["number"]) if value.get("set") else None
    return int(value) or None


def _text(value: str | None) -> str:
    """A text as the collection from sacct reads it: stray bytes written out as ``\\xff``."""
    if not value or value.isascii():
        return value or ""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _faults(faults: list[Any]) -> str:
    texts = [f"{fault.get('source', '')}: {fault.get('description') or fault.get('error', '')}"
             if isinstance(fault, dict) else str(fault) for fault in faults]
    return "; ".join(texts)


def _plain_jobs() -> dict[str, LiveJob]:
    delimiter = f"\x1f{secrets.token_hex(6)}\x1f"
    layout = "".join(column + delimiter for column in _COLUMNS)
    return jobs_of_text(run([*_WHOM, "--noheader", "-o", layout]), delimiter)


def jobs_of_text(text: str, delimiter: str) -> dict[str, LiveJob]:
    """The jobs in what ``squeue -o`` printed with ``delimiter`` after every field."""
    *fields, rest = text.split(delimiter)
    width = len(_COLUMNS)
    found = []
    for i in range(0, len(fields), width):
        record = fields[i : i + width]
        record[0] = record[0].removeprefix("\n")  # of the record before
        if len(record) != width or not (record[0] + record[1]).isdecimal():
            text = delimiter.join(record)
            raise OutsideError(f"squeue printed a record that cannot be read: {text[:200]!r}")
        job_id, submit, state, comment = record
        # a job without a comment prints the same as one whose comment is (null)
        comment = "" if comment == "(null)" else comment
        found.append(LiveJob(job_id, state, comment, "", int(submit)))
    if rest.strip():
        raise OutsideError(f"squeue stopped in the middle of a record: {rest[:200]!r}")
    return _by_id(found)


def _by_id(jobs: Iterable[LiveJob]) -> dict[str, LiveJob]:
    found: dict[str, LiveJob] = {}
    for job in jobs:
        if job.job_id in found:
            job = job._replace(comment="", admin_comment="")
        found[job.job_id] = job
    return found

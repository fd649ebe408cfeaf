"""Jobs as people name them: 4711, a task of an array 4711_3, a component of a het job 4711+1."""

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from slurm_finops.core.period import Calendar
from slurm_finops.core.rows import near
from slurm_finops.core.runs import whole as whole
from slurm_finops.core.words import shown
from slurm_finops.errors import InputError

_JOB_ID = re.compile(r"\d{1,10}(?:[_+]\d{1,10})?", re.ASCII)
_NAMED = 5


class Job(NamedTuple):
    """What a name stands for on a cluster: all runs of it that ``user`` had.

    ``job_id_raw`` is None where that is a whole array or het job (or where one name has
    had several).  The user tells a job from another that was given its number later.
    """

    job_id: str
    job_id_raw: int | str | None
    user: str
    submit: int | None


class _Run(NamedTuple):
    job_id: str
    job_id_raw: int | str
    user: str
    submit: int


def like(names: Iterable[str]) -> str:
    """SQL that finds the runs whose names begin with the numbers of these, and no other.

    A fifth of what it takes SQLite to cut the whole out of each name.
    """
    return f"CAST(job_id AS INTEGER) IN ({', '.join({str(int(whole(name))) for name in names})})"


def job(
    db: sqlite3.Connection, calendar: Calendar, cluster: str, name: str, submit: int | None = None
) -> Job:
    """The job of that name, or of its runs the one that was submitted then.

    A name that is no run's own is that of all tasks or components of such a job.  Raises
    `InputError`, with the next step, where the ledger has none or where several users
    had jobs of that name.
    """
    if not _JOB_ID.fullmatch(name):
        raise InputError(f"{shown(name)} is no job: expected 4711, 4711_3 (of an array) or 4711+1")
    runs = _named(db, cluster, name)
    if not runs:
        raise InputError(_unknown(db, cluster, name))
    if submit is not None:
        of_then = [run for run in runs if run.submit == submit]
        if not of_then:
            raise InputError(
                f"no run of {name} on {cluster} was submitted at {calendar.isoformat(submit)}; "
                f"--submit may be {_submits(calendar, runs)}"
            )
        runs = of_then
    if len({run.user for run in runs}) > 1:
        raise InputError(
            f"{name} on {cluster} has been the job of several users: "
            f"{_submits(calendar, runs, whose=True)}.  --submit says which run is meant"
        )
    raws = {run.job_id_raw for run in runs}
    one = raws.pop() if len(raws) == 1 and runs[0].job_id == name else None
    return Job(name, one, runs[0].user, submit)


def _named(db: sqlite3.Connection, cluster: str, name: str) -> list[_Run]:
    """The runs of that very name, else those that are parts of such a job."""
    if name.isdecimal():
        own = _runs(db, cluster, "job_id_raw = ? AND job_id = ?", name, name)
        if own:
            return own
    # what is not found by its number is by one look through all runs
    alike = _runs(db, cluster, like([name]))
    return [run for run in alike if run.job_id == name] or [
        run for run in alike if whole(run.job_id) == name
    ]


def _runs(db: sqlite3.Connection, cluster: str, where: str, *values: str) -> list[_Run]:
    rows = db.execute(
        "SELECT job_id, job_id_raw, user, submit FROM jobs "
        "JOIN contexts ON contexts.id = context_id "
        f"WHERE cluster_id = (SELECT id FROM clusters WHERE name = ?) AND {where} "
        "ORDER BY submit, job_id_raw",
        (cluster, *values),
    )
    return [_Run(*row) for row in rows]


def _submits(calendar: Calendar, runs: Sequence[_Run], whose: bool = False) -> str:
    said = dict.fromkeys(
        calendar.isoformat(run.submit) + (f" ({run.user})" if whose else "") for run in runs
    )
    more = len(said) - _NAMED
    return ", ".join([*said][:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def check_cluster(db: sqlite3.Connection, cluster: str) -> None:
    """Raise `InputError` where no run is of that cluster."""
    known = _clusters(db)
    if cluster not in known:
        raise InputError(f"the ledger has no run of a cluster {shown(cluster)}; "
                         f"{near(cluster, known)}")  # fmt: skip


def _clusters(db: sqlite3.Connection) -> list[str]:
    rows = db.execute(
        "SELECT name FROM clusters WHERE id IN (SELECT cluster_id FROM jobs) ORDER BY name"
    )
    return [row[0] for row in rows]


def _unknown(db: sqlite3.Connection, cluster: str, name: str) -> str:
    """Why there is no such run, as far as the ledger tells, and what to do."""
    check_cluster(db, cluster)
    said = f"the ledger has no run {name} of {cluster}"
    by_key = _runs(db, cluster, "job_id_raw = ?", name)
    if by_key:
        return f"{said}; Slurm keeps {by_key[0].job_id} under that number: --run {by_key[0].job_id}"
    elsewhere = [other for other in _clusters(db) if other != cluster and _named(db, other, name)]
    if elsewhere:
        return f"{said}; there is one of {', '.join(elsewhere)}: --cluster {elsewhere[0]}"
    alike = sorted({run.job_id for run in _runs(db, cluster, like([name]))},
                   key=lambda job_id: (len(job_id), job_id))  # fmt: skip
    if alike:
        there = alike[0] if len(alike) == 1 else f"{alike[0]} to {alike[-1]}, {len(alike):,} in all"
        return f"{said}; of that job it has {there}.  {_COLLECT}"
    return f"{said}; the nearest there: {', '.join(_around(db, cluster, name))}.  {_COLLECT}"


def _around(db: sqlite3.Connection, cluster: str, name: str) -> Iterator[str]:
    """The runs whose numbers are next to a name's, below and above."""
    for than, order in (("<", "DESC"), (">", "ASC")):
        row = db.execute(
            "SELECT job_id FROM jobs WHERE cluster_id = (SELECT id FROM clusters WHERE name = ?) "
            f"AND job_id_raw {than} ? ORDER BY job_id_raw {order} LIMIT 1",
            (cluster, int(whole(name))),
        ).fetchone()
        if row:
            yield row[0]


_COLLECT = "What ran lately is collected by: slurm-finops collect sacct"

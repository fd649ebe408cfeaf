"""The runs behind an owner's day, the costliest first."""

import sqlite3
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.ledger.spend import sum_ticks


class DayRun(NamedTuple):
    """What a run cost and held on one day; of a pool's use the cost is the pool's."""

    job_id: str
    user: str
    project: str | None
    experiment: str | None
    state: str
    effective_ticks: int
    gpu_seconds: int


def day_runs(
    db: sqlite3.Connection, day: int, team: str | None, project: str | None, most: int
) -> tuple[list[DayRun], int]:
    """The costliest ``most`` runs of a team's or project's day, and how many there are in all."""
    which, values = "team IS ?", [team]
    if project is not None:
        which, values = f"{which} AND project = ?", [*values, project]
    rows = db.execute(
        f"""SELECT job_id, user, project, experiment, state, {sum_ticks("effective_ticks")},
          SUM(CASE WHEN is_gpu THEN quantity * seconds ELSE 0 END)
        FROM charges JOIN jobs ON jobs.id = usage_id JOIN contexts ON contexts.id = context_id
          JOIN tag_sets ON tag_sets.id = charges.tag_set_id JOIN skus ON skus.id = sku_id
        WHERE day = ? AND {which} GROUP BY usage_id""",
        (day, *values),
    )
    found = [
        DayRun(job_id, user, in_project, experiment, state, join_ticks(units, ticks), gpus or 0)
        for job_id, user, in_project, experiment, state, units, ticks, gpus in rows
    ]
    found.sort(key=lambda run: (-run.effective_ticks, -run.gpu_seconds, run.job_id))
    return found[:most], len(found)

"""After a live collection: what the controller knows of the runs that have not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import now
from slurm_finops.core.words import count
from slurm_finops.errors import FinopsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from slurm_finops.ledger.live import Provisional
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.sources.sacct.stream import Batch
    from slurm_finops.sources.squeue import LiveJob

#: Why a run is held: slurmdbd says it runs and slurmctld does not know it, or
#: sacct does not list it any more.  Nobody will ever say when it ended.
RUNAWAY = "runaway"
LOST = "not in sacct"
_NAMED = 10
_CLOCKS_APART = 86_400


def look_at_running(
    ledger: Ledger, cluster: str, say: Callable[..., None] = click.echo
) -> None:
    """Take the tags of runs still running, and hold those that nobody runs any more.

    Never raises: a controller that does not answer costs one line, and holds
    nothing.  No clock decides what is runaway.  A run that the controller does
    not list is asked for in sacct *after* that look: had it ended in between,
    sacct now says so, and it is stored as ended.  Only what sacct still calls
    running is held, and the next look frees it should it turn up again.
    """
    from slurm_finops.ledger.live import provisional

    runs = provisional(ledger, cluster)
    if not runs:
        return
    try:
        live, blind = _look(cluster)
        _remember(ledger, cluster, live)
        known = [run for run in runs if _job_of(run, live)]
        _free(ledger, known)
        gone = [run for run in runs if not _job_of(run, live)]
        if gone and blind:
            say(f"warning: {count(len(gone), 'run')} not seen in the controller, and not held: "
                f"{blind}", err=True)  # fmt: skip
        elif gone:
            _hold(ledger, cluster, gone, say)
    except FinopsError as error:
        say(
            f"warning: the runs that have not ended could not be looked at: {error}.  "
            "None was held; their tags are read at the next collection",
            err=True,
        )


def _look(cluster: str) -> tuple[dict[str, LiveJob], str]:
    """The controller's jobs, and why others may be hidden from this user, "" if none are."""
    from slurm_finops.sources import slurm
    from slurm_finops.sources.squeue import running_jobs

    config = slurm.config_of(cluster)  # every run of another would look like a runaway
    jobs = running_jobs()
    seen = slurm.sight(config)
    return jobs, "" if seen.controller and seen.accounting else seen.why


def _job_of(run: Provisional, live: dict[str, LiveJob]) -> LiveJob | None:
    """The controller's job that is this run; a requeued or recycled id is another run."""
    job = live.get(str(run.job_id_raw))
    return job if job and job.submit in (None, run.submit) else None


def look_live(ledger: Ledger, cluster: str) -> tuple[int, int]:
    """Keep the comments of all jobs that wait or run; ``(jobs, those with a seal)``.

    Raises `OutsideError` where the controller does not answer.
    """
    from slurm_finops.core.tags import parse_seal

    live, _ = _look(cluster)
    _remember(ledger, cluster, live)
    return len(live), sum(parse_seal(job.admin_comment) is not None for job in live.values())


def _remember(ledger: Ledger, cluster: str, live: dict[str, LiveJob]) -> None:
    from slurm_finops.ledger.live import recall, remember

    said = {
        (int(job.job_id), job.submit): (job.comment, job.admin_comment)
        for job in live.values() if job.submit is not None
    }  # fmt: skip
    remember(ledger, cluster, said, now())
    recall(ledger)


def _free(ledger: Ledger, runs: Sequence[Provisional]) -> None:
    from slurm_finops.ledger.held import hold

    held = {run.run: None for run in runs if run.held in (RUNAWAY, LOST)}
    if held:
        with ledger.transaction() as db:
            hold(db, held)


def _hold(
    ledger: Ledger, cluster: str, gone: Sequence[Provisional], say: Callable[..., None]
) -> None:
    """Ask sacct once more for runs the controller does not list; hold what has not ended."""
    from slurm_finops.cli.collecting import store
    from slurm_finops.ledger.held import hold
    from slurm_finops.ledger.ingest import Tally
    from slurm_finops.ledger.live import provisional
    from slurm_finops.sources.sacct.again import read_again

    ids = sorted({run.job_id_raw for run in gone})
    listed: set[tuple[int | str, int]] = set()
    batches = _noting(read_again(ids, now() + _CLOCKS_APART, cluster), listed)
    store(ledger, batches, "sacct", Tally(), live=True)
    missing = {run.run for run in gone}
    still = [run for run in provisional(ledger, cluster) if run.run in missing]
    why = {
        run.run: RUNAWAY if (run.job_id_raw, run.submit) in listed else LOST for run in still
    }
    with ledger.transaction() as db:
        hold(db, why)
    for reason, words in _WORDS.items():
        _name([run.job_id for run in still if why[run.run] == reason], *words, say)


_WORDS = {
    RUNAWAY: (
        "running in slurmdbd but unknown to slurmctld (Slurm calls them runaway)",
        "List and mend them with: sacctmgr show runawayjobs",
    ),
    LOST: (
        "running when collected last, and not in sacct any more",
        "Collect a file that has their end: slurm-finops collect sacct --file",
    ),
}


def _name(job_ids: list[str], what: str, mend: str, say: Callable[..., None]) -> None:
    if not job_ids:
        return
    from slurm_finops.reports.format import visible

    more = len(job_ids) - _NAMED
    names = ", ".join(map(visible, job_ids[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")
    say(f"warning: {count(len(job_ids), 'run')} {what}: {names}; held unbilled.  {mend}", err=True)


def _noting(batches: Iterator[Batch], listed: set[tuple[int | str, int]]) -> Iterator[Batch]:
    """The same batches; which runs are in them is noted in ``listed``."""
    for batch in batches:
        listed.update((run.job_id_raw, run.submit) for run in batch.runs)
        yield batch

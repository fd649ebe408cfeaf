"""Joining ledger, sacct and sreport for a comparison; nothing here writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from slurm_finops.cli.app import now
from slurm_finops.core.reconcile import Comparison, Key, Seen, control_rows, touches
from slurm_finops.errors import OutsideError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from slurm_finops.cli.app import App
    from slurm_finops.core.reconcile import Span
    from slurm_finops.core.runs import Problem, Run
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.reconciliation import Reconciled
    from slurm_finops.sources.sacct.stream import Batch

_HOUR = 3600
_CLOCKS_APART = 86_400
Runs = dict[Key, Seen]


def against_slurm(
    app: App, ledger: Ledger, period: Span, progress: Callable[[int], None]
) -> Reconciled:
    """The ledger against sacct and sreport.  Raises `OutsideError` where one does not answer."""
    from slurm_finops.cli.collecting import slices
    from slurm_finops.ledger.ingest import whole_windows
    from slurm_finops.reports.reconciliation import Reconciled
    from slurm_finops.sources import sreport
    from slurm_finops.sources.sacct.live import read_live

    config = app.config
    cluster = config.cluster
    _check_sight(cluster)
    asked = _whole_hours(period)
    rolled = asked[0]
    if asked[0] < asked[1]:
        rolled = sreport.rolled_up_through(cluster, *asked)
    hours = (asked[0], rolled) if asked[0] < rolled else None

    def batches() -> Iterator[Batch]:
        for start, end in slices(*period):
            yield from read_live(start, end, cluster)
            progress(1)

    runs, problems = _read(batches())
    whole = whole_windows(ledger, "sacct", cluster)
    found = Comparison(config.calendar, *period, whole, hours)
    _join(found, ledger, runs, {cluster}, lambda ids: _again(ids, cluster))
    only = _billed(app, found)
    rows = []
    if hours:
        used, idle = sreport.used(cluster, *hours), sreport.idle_reserved(cluster, *hours)
        rows = control_rows(found, used, idle, only | {t for _, t in used if _is_device(t)})
    return Reconciled(
        cluster, "sacct", config.calendar, only, found, len(problems), _unkept(ledger, problems),
        asked, rolled, rows,
    )  # fmt: skip


def against_file(
    app: App, ledger: Ledger, period: Span, name: str, batches: Iterator[Batch]
) -> Reconciled:
    """The ledger against a saved file, run by run."""
    from slurm_finops.reports.reconciliation import Reconciled

    config = app.config
    runs, problems = _read(batches)
    clusters = {key[0] for key in runs} or {config.cluster}
    found = Comparison(config.calendar, *period, ())
    _join(found, ledger, runs, clusters, lambda ids: {})
    return Reconciled(
        ", ".join(sorted(clusters)), name, config.calendar, _billed(app, found), found,
        len(problems), _unkept(ledger, problems),
    )  # fmt: skip


def _check_sight(cluster: str) -> None:
    """Raises `OutsideError` if another cluster answers, or does not show this user all of it."""
    from slurm_finops.sources import slurm

    config = slurm.config_of(cluster)
    for what in ("jobs", "usage"):
        seen = slurm.sight(config, what)
        if not seen.accounting:
            raise OutsideError(
                f"{seen.why}; nothing was compared: run this as root or as an operator"
            )


def _whole_hours(period: Span) -> Span:
    start, end = period
    first = -(-start // _HOUR) * _HOUR
    return first, max(first, end // _HOUR * _HOUR)


def _read(batches: Iterable[Batch]) -> tuple[Runs, list[Problem]]:
    runs: Runs = {}
    problems: dict[str, Problem] = {}
    for batch in batches:
        runs.update(map(_seen, batch.runs))
        problems |= {problem.text: problem for problem in batch.problems}
    return runs, list(problems.values())


def _seen(run: Run) -> tuple[Key, Seen]:
    return (run.cluster, run.job_id_raw, run.submit), Seen(
        run.job_id, run.account, run.state, run.start, run.elapsed, run.suspended, run.alloc_tres,
        run.provisional,
    )  # fmt: skip


def _again(job_ids: Collection[int], cluster: str) -> Runs:
    """Every run of these jobs, whenever it was: it may have been moved out of the period."""
    from slurm_finops.sources.sacct.again import read_again

    return _read(read_again(sorted(job_ids), now() + _CLOCKS_APART, cluster))[0]


def _join(
    found: Comparison, ledger: Ledger, runs: Runs, clusters: Collection[str],
    again: Callable[[Collection[int]], Runs],
) -> None:  # fmt: skip
    """Pair the ledger's runs with the source's; one without a partner is looked for by its key."""
    from slurm_finops.ledger.seen import seen_between, seen_by_key

    alone = []
    for key, mine in seen_between(ledger.db, clusters, found.start, found.end):
        theirs = runs.pop(key, None)
        if theirs:
            found.add(key, mine, theirs)
        else:
            alone.append((key, mine))
    elsewhere = again({key[1] for key, _ in alone if isinstance(key[1], int)})
    for key, mine in alone:
        found.add(key, mine, elsewhere.get(key))
    rest = [key for key, seen in runs.items() if touches(seen, found.start, found.end)]
    known = dict(seen_by_key(ledger.db, rest))
    for key in rest:
        found.add(key, known.get(key), runs[key])


def _billed(app: App, found: Comparison) -> set[str]:
    """The TRES that cost money: devices, and whatever a rate names."""
    priced = {rate.sku for rate in app.terms.all_rates}
    return {day.tres for day in found.days() if day.tres in priced or _is_device(day.tres)}


def _is_device(tres: str) -> bool:
    from slurm_finops.core.usage import is_device

    return is_device(tres)


def _unkept(ledger: Ledger, problems: list[Problem]) -> int:
    from slurm_finops.ledger.problems import kept_nowhere

    return kept_nowhere(ledger.db, [problem.text for problem in problems])

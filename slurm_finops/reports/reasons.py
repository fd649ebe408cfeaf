"""Why a workload should be paid as advised: the numbers, in words."""

from collections.abc import Iterable, Iterator

from slurm_finops.core.words import count
from slurm_finops.core.workloads import (
    INFERENCE,
    MANY,
    Lengths,
    Rule,
    Verdict,
)
from slurm_finops.reports.format import share

_HOUR = 60
_ENDED = {"PREEMPTED": "preempted", "NODE_FAIL": "stopped by a lost node", "REQUEUED": "requeued"}


def models_text(models: Iterable[str], checkpoints: bool = False) -> str:
    """``on demand or spot``, ``spot with checkpoints``; ``undecided`` if there is none."""
    words = " or ".join(model.replace("_", " ") for model in models)
    return (words or "undecided") + (" with checkpoints" if checkpoints else "")


def length_text(minutes: int) -> str:
    """``under 1 min``, ``12 min``, ``17 h 21 min``."""
    hours, rest = divmod(minutes, _HOUR)
    if not minutes:
        return "under 1 min"
    return " ".join([f"{hours:,} h"] * bool(hours) + [f"{rest} min"] * bool(rest))


def reasons(verdict: Verdict) -> list[str]:
    """Sentences: what kind of work it is, what its runs looked like, what follows."""
    return [
        f"{sentence[0].upper()}{sentence[1:]}."
        for part in (_kind, _runs, _interrupted, _follows)
        for sentence in part(verdict)
    ]


def _kind(verdict: Verdict) -> Iterator[str]:
    work = verdict.workload
    kinds = {rule.kind for rule in verdict.rules}
    if work.kind:
        told = share(work.said.get(work.kind, 0), work.unit_seconds)
        yield f"{work.kind}, by the names of {told} of its use"
    elif work.batch:
        yield ("no name says what it is; many short array tasks are taken for batch, and as "
               "training under 4 hours they would be on demand")  # fmt: skip
    else:
        yield "no job name, partition, project or environment tells training from inference"
    if INFERENCE in kinds and not work.batch:
        yield (f"its environment is {work.setting}" if work.setting
               else "nothing says whether it is production or a trial")  # fmt: skip


def _runs(verdict: Verdict) -> Iterator[str]:
    work, lengths = verdict.workload, verdict.workload.lengths
    if work.runs == 1:
        yield f"one run of {length_text(lengths.longest)}"
    else:
        yield f"{count(work.runs, 'run')}: {_lengths(lengths)}"
    if work.array_runs:
        few = "" if work.array_runs >= MANY else f", fewer than {MANY}"
        held = share(work.array_unit_seconds, work.unit_seconds)
        tasks = count(work.array_runs, "is an array task", "are array tasks")
        yield f"{tasks}{few}, with {held} of its use"
    yield f"it held something in {share(work.held_seconds, work.period_seconds)} of the hours"


def _lengths(lengths: Lengths) -> str:
    return (
        f"the middle one {length_text(lengths.median)}, the longest "
        f"{length_text(lengths.longest)}, half of the use in runs of "
        f"{length_text(lengths.typical)} or more"
    )


def _interrupted(verdict: Verdict) -> Iterator[str]:
    work = verdict.workload
    ended = ", ".join(
        f"{number:,} {_ENDED[state]}" for state, number in sorted(work.interrupted.items())
    )
    again = count(work.restarted, "job") + " ran more than once" if work.restarted else ""
    if ended or again:
        yield "; ".join(filter(None, [ended, again]))
    elif verdict.checkpoints:
        yield "no run was interrupted, so nothing shows that it resumes from checkpoints"


def _follows(verdict: Verdict) -> Iterator[str]:
    if len(verdict.rules) == 1:
        yield _rule(verdict.rules[0])
    else:
        yield "; ".join(f"as {_rule(rule)}" for rule in verdict.rules)
        if not verdict.models:
            yield "nothing suits all of these: say which it is by a tag or a job name"


def _rule(rule: Rule) -> str:
    return f"{rule.work}: {models_text(rule.models, rule.checkpoints)}"

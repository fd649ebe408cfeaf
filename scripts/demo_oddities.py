"""What goes wrong, or merely looks odd, in real accounting: comments, outcomes, arrays, requeues.

Each function takes well-behaved runs and spoils some of them. None lets two
runs hold one GPU at the same time.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from demo_alpha import ALIASES
from demo_rows import Run, compact

Tags = dict[str, object]
Comment = Callable[[random.Random, Tags], str]
Outcome = Callable[[random.Random, Run], list[Run]]
TYPOS = {
    "nlp": "npl",
    "cv": "vc",
    "platform": "plattform",
    "research": "reserach",
    "product": "prodcut",
}
RARE = ("größe-β", "实验-7", "ablação-🚀", "Ωmega|sweep", "naïve-ﬁt")


# --- comments -------------------------------------------------------------------


def free_text(rng: random.Random, tags: Tags) -> str:
    return rng.choice(
        (
            "baseline rerun",
            "lr=3e-4 bs=256",
            "please ignore, testing",
            str(tags["team"]),
            "see wiki",
        )
    )


def missing_key(rng: random.Random, tags: Tags) -> str:
    gone = rng.choice(("project", "experiment", "team"))
    return compact({key: value for key, value in tags.items() if key != gone})


def broken_json(rng: random.Random, tags: Tags) -> str:
    text = compact(tags)
    return rng.choice((
        text[:-1], text[: len(text) // 2], text.replace('"', "'"), text[:-1] + ",}", text + "}",
        text.replace(":", "=", 1), text.replace("-", "\x1f", 1),
    ))  # fmt: skip


def not_strings(rng: random.Random, tags: Tags) -> str:
    odd: tuple[object, ...] = (42, None, True, 3.5, ["a", "b"], {"id": 7}, "")
    return rng.choice((
        compact(tags | {"experiment": rng.choice(odd)}), compact(list(tags.values())), '"nlp"',
        compact(tags)[:-1] + ',"lr":NaN}',
    ))  # fmt: skip


def alias_conflict(rng: random.Random, tags: Tags) -> str:
    pair = rng.choice((("env", "environment"), ("cc", "cost_center"), ("model-name", "model")))
    return compact(tags | {pair[0]: "one", pair[1]: "another"})


def indented(rng: random.Random, tags: Tags) -> str:
    text = json.dumps(tags, indent=rng.choice((1, 2, "\t")))
    return text.replace("\n", "\r\n") if rng.random() < 0.2 else text


def longest(_rng: random.Random, tags: Tags) -> str:
    """Slurm takes 1024 bytes of comment and no more."""
    text = compact(tags)[:-1] + ',"note":"'
    return text + "n" * (1024 - len(text.encode()) - 2) + '"}'


COMMENTS: tuple[tuple[float, Comment], ...] = (
    (0.030, lambda rng, tags: ""),
    (0.012, free_text),
    (0.010, missing_key),
    (0.008, lambda rng, tags: compact(tags | {"team": TYPOS[str(tags["team"])]})),
    (0.010, lambda rng, tags: compact(tags | {"project": str(tags["project"])[:-1]})),
    (0.007, broken_json),
    (0.003, lambda rng, tags: compact(tags)[:-1] + ',"team":"' + rng.choice(list(TYPOS)) + '"}'),
    (0.006, not_strings),
    (0.003, alias_conflict),
    (0.004, lambda rng, tags: compact(tags | {"experiment": rng.choice(RARE)})),
    (0.001, lambda rng, tags: json.dumps(tags | {"experiment": rng.choice(RARE)})),  # as \u escapes
    (0.003, lambda rng, tags: compact(tags | {"note": "a|b|c"})),
    (0.005, indented),
    (0.001, longest),
)  # fmt: skip


# --- outcomes -------------------------------------------------------------------


def ended(state: str, code: tuple[int, int] = (0, 0)) -> Outcome:
    return lambda rng, run: [replace(run, state=state, exit_code=code, cancelled_by=None)]


def boot_failure(rng: random.Random, run: Run) -> list[Run]:
    return [replace(run, state="BOOT_FAIL", end=run.start + rng.randrange(0, 5), cancelled_by=None)]


def no_time(_rng: random.Random, run: Run) -> list[Run]:
    return [replace(run, end=run.start, state="FAILED", exit_code=(127, 0), cancelled_by=None)]


def backwards(_rng: random.Random, run: Run) -> list[Run]:
    """What a clock set back leaves in the database."""
    return [replace(run, end=run.start - 100)]


def suspended(rng: random.Random, run: Run) -> list[Run]:
    """Time in suspension is not in Elapsed, though the job keeps its GPUs."""
    return [replace(run, suspended=int((run.end - run.start) * rng.uniform(0.05, 0.6)))]


def requeued(state: str, times: int = 1) -> Outcome:
    """Runs of one job: each ends, is submitted again that second, waits and starts over."""

    def split(rng: random.Random, run: Run) -> list[Run]:
        pieces = []
        for left in range(times, 0, -1):
            end = run.start + (run.end - run.start) // (left + 1) + rng.randrange(60)
            pieces.append(replace(run, end=end, state=state, exit_code=(0, 0), cancelled_by=None))
            run = replace(run, submit=end, start=end + rng.randrange(121, 240))
        return [*pieces, run]

    return split


def untyped(_rng: random.Random, run: Run) -> list[Run]:
    """A node whose GPUs have no type."""
    return [
        replace(
            run, tres={name: n for name, n in run.tres.items() if not name.startswith("gres/gpu:")}
        )
    ]


def odd_memory(rng: random.Random, run: Run) -> list[Run]:
    return [replace(run, tres=run.tres | {"mem": rng.choice((500, 31000, 64000, 328192, 1572864))})]


def named(name: str) -> Outcome:
    return lambda rng, run: [replace(run, name=name)]


def seal_of(run: Run, tags: Tags) -> str:
    """What the submit hook writes: the tags under their full names, out of the owner's reach."""
    full = {short: key for key, names in ALIASES.items() for short in names}
    tags = {full.get(key, key): value for key, value in tags.items()}
    return compact({"slurm_finops": {"v": 1, "policy": "2f6c1e", "user": run.user, "tags": tags}})


def sealed(_rng: random.Random, run: Run) -> list[Run]:
    return [replace(run, admin_comment=seal_of(run, json.loads(run.comment)))]


def forged(_rng: random.Random, run: Run) -> list[Run]:
    """Sealed at submission; afterwards its owner rewrote the comment."""
    tags = json.loads(run.comment)
    other = next(team for team in TYPOS if team != tags["team"])
    return [replace(run, admin_comment=seal_of(run, tags), comment=compact(tags | {"team": other}))]


def job_statistics(rng: random.Random, run: Run) -> list[Run]:
    """A site's statistics tool writes its own summary over AdminComment when a job ends."""
    summary = compact({"gpu_utilization": {node: rng.randrange(101) for node in run.nodes}})
    packed = base64.b64encode(gzip.compress(summary.encode(), mtime=0)).decode()
    return [replace(run, admin_comment=f"JS1:{packed}")]


OUTCOMES: tuple[tuple[float, Outcome], ...] = (
    (0.010, ended("OUT_OF_MEMORY", (0, 125))),
    (0.004, ended("NODE_FAIL")),
    (0.006, ended("PREEMPTED")),
    (0.002, ended("DEADLINE")),
    (0.003, lambda rng, run: [replace(run, state="CANCELLED", cancelled_by=0)]),  # by root
    (0.002, boot_failure),
    (0.004, no_time),
    (0.001, backwards),
    (0.006, suspended),
    (0.006, requeued("REQUEUED")),
    (0.001, requeued("REQUEUED", times=2)),
    (0.008, requeued("PREEMPTED")),
    (0.004, requeued("NODE_FAIL")),
    (0.025, untyped),
    (0.005, odd_memory),
    (0.001, named("train|eval")),
    (0.001, named("two\nlines")),
    (0.008, lambda rng, run: [replace(run, wckey=rng.choice(("grant-17", "grant-23")))]),
    (0.006, lambda rng, run: [replace(run, reservation="nlp-deadline")]),
    (0.003, sealed),
    (0.001, forged),
    (0.001, job_statistics),
)  # fmt: skip


# --- who is spoiled -------------------------------------------------------------


def is_ordinary(run: Run) -> bool:
    """Over, on GPUs, not too short to be cut up, and tagged."""
    return run.end - run.start > 1800 and run.gpus > 0 and run.comment.startswith("{")


def spoil(rng: random.Random, runs: list[Run]) -> list[Run]:
    """Give every oddity its share of the runs, and never two to one run."""
    victims = [n for n, run in enumerate(runs) if is_ordinary(run)]
    rng.shuffle(victims)
    made = [[run] for run in runs]
    for share, comment in COMMENTS:
        for n in _some(victims, share * len(runs)):
            made[n] = [replace(runs[n], comment=comment(rng, json.loads(runs[n].comment)))]
    for share, outcome in OUTCOMES:
        for n in _some(victims, share * len(runs)):
            made[n] = outcome(rng, runs[n])
    spoiled = [run for pieces in made for run in pieces]
    untouched = sorted(
        (runs[n] for n in victims if runs[n].state == "COMPLETED"), key=lambda run: run.start
    )
    return _replace_jobs(spoiled, [*het_jobs(untouched[1::4]), *arrays(untouched[::4])])


def _some(victims: list[int], count: float) -> Iterator[int]:
    for _ in range(max(1, round(count))):
        yield victims.pop()


def _replace_jobs(runs: list[Run], instead: list[Run]) -> list[Run]:
    jobs = {run.job for run in instead}
    return [run for run in runs if run.job not in jobs] + instead


def arrays(candidates: list[Run], count: int = 12) -> Iterator[Run]:
    """Neighbours in time become tasks of one array; the last task keeps the array's own job id."""
    single = [
        run
        for run in candidates
        if run.gpus == 1 and "gres/gpu:h100" in run.tres and run.qos == "normal"
    ]
    for at in range(0, count * 5, 5):
        tasks = single[at : at + 3 + at // 5 % 3]
        if not tasks:
            return
        tickets = sorted(run.job for run in tasks)
        first, *later = tickets
        limit = max(run.timelimit for run in tasks)
        for task, (run, ticket) in enumerate(zip(tasks, [*later, first], strict=True), start=1):
            yield _like(tasks[0], run, job=ticket, array=(first, task), timelimit=limit)


def het_jobs(candidates: list[Run], count: int = 6) -> Iterator[Run]:
    """Two neighbours start, and end, as the components of one heterogeneous job."""
    h100 = [run for run in candidates if run.partition == "h100"]
    for one, two in zip(h100[::2], h100[1::2], strict=False):
        start, end = max(one.start, two.start), min(one.end, two.end)
        if end - start < 1800:
            continue
        leader, follower = sorted((one.job, two.job))
        for offset, (run, ticket) in enumerate(((one, leader), (two, follower))):
            made = _like(one, run, job=ticket, het=(leader, offset))
            yield replace(made, start=start, end=end, tres=run.tres)
        count -= 1
        if not count:
            return


def _like(leader: Run, run: Run, **changes: Any) -> Run:
    """Another run's place and time under the leader's name, owner and tags."""
    place: dict[str, Any] = {"start": run.start, "end": run.end, "partition": run.partition}
    return replace(leader, **(place | {"nodes": run.nodes, "nodelist": run.nodelist} | changes))

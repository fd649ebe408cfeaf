"""The golden month: cluster alpha, June 2026, one node of eight H100.

Eight lanes of 2,592,000 seconds are cut into runs without a gap, and each team
gets exactly its share of the 20,736,000 GPU-seconds, so that every report of
the month can be checked against figures worked out by hand.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo_rows import Run, compact, hold, number

CLUSTER = "alpha"
BEGIN = 1780272000  # 2026-06-01T00:00:00Z
END = BEGIN + 720 * 3600
LANES = 8
SHARES = {
    "nlp": 8_294_400, "cv": 5_184_000, "platform": 3_110_400,
    "research": 2_488_320, "product": 1_658_880,
}  # fmt: skip
USERS = {
    "nlp": ("nlp1", "nlp2", "nlp3", "nlp4"), "cv": ("cv1", "cv2", "cv3"),
    "platform": ("plat1", "plat2"),
    "research": ("res1", "res2", "res3"), "product": ("prod1", "prod2"),
}  # fmt: skip
UIDS = {
    name: 20001 + i for i, name in enumerate(user for users in USERS.values() for user in users)
}
COST_CENTERS = {
    "nlp": "product-ai", "cv": "product-vision", "platform": "platform-infra",
    "research": "research-lab", "product": "product-apps",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Project:
    name: str
    models: tuple[str, ...]
    environments: tuple[str, ...]
    stems: tuple[str, ...]  # of experiment names
    experiments: int


DEV, LIVE = ("dev", "staging"), ("staging", "prod")
PROJECTS = {
    "nlp": (
        Project("llama-finetune", ("llama-3-70b", "llama-3-8b"), DEV, ("lr-sweep", "lora"), 18),
        Project("rag-eval", ("mistral-7b", "llama-3-8b"), DEV, ("recall", "rerank"), 10),
        Project("summarizer", ("t5-3b",), ("dev", "staging", "prod"), ("distill", "len-norm"), 8),
    ),
    "cv": (
        Project("defect-detect", ("resnet-152", "vit-large"), LIVE, ("aug", "resize"), 12),
        Project("segmenter", ("sam-vit-h",), ("dev",), ("mask-loss", "prompt"), 9),
        Project("video-index", ("vit-giant",), DEV, ("stride", "clip-len"), 7),
    ),
    "platform": (
        Project("ci-gpu", ("smoke",), DEV, ("nightly",), 6),
        Project("serving-bench", ("llama-3-70b", "mixtral-8x7b"), LIVE, ("batch",), 10),
    ),
    "research": (
        Project("sparse-moe", ("moe-16x1b",), ("dev",), ("router", "capacity"), 14),
        Project("diffusion-text", ("dit-xl",), ("dev",), ("schedule", "cfg"), 9),
        Project("rlhf-study", ("llama-3-8b",), ("dev",), ("kl", "reward"), 6),
    ),
    "product": (
        Project("prod-inference", ("llama-3-8b",), LIVE, ("canary", "shadow"), 8),
        Project("search-rank", ("bert-large",), ("dev", "prod"), ("ndcg",), 5),
    ),
}  # fmt: skip
# How eagerly a team takes a run of so many GPUs.
TASTE: dict[str, dict[int, float]] = {
    "nlp": {8: 5, 4: 3, 2: 2, 1: 1}, "cv": {8: 2, 4: 4, 2: 3, 1: 2},
    "platform": {8: 1, 4: 2, 2: 2, 1: 4}, "research": {8: 1, 4: 2, 2: 3, 1: 4},
    "product": {8: 0.3, 4: 1, 2: 3, 1: 3},
}  # fmt: skip
HALVE = {8: 0.85, 4: 0.66, 2: 0.5}  # how often a block is shared by narrower runs
LIMITS = (30, 60, 120, 240, 480, 720, 1440, 2880, 4320, 7200, 10080)  # minutes
ALIASES = {
    "environment": ("env",), "model": ("model-name", "model_name"),
    "cost_center": ("cost-center", "cc"),
}  # fmt: skip

Leaf = tuple[int, int, int]  # lanes, start, end


def cut(rng: random.Random, lanes: int, start: int, end: int) -> Iterator[Leaf]:
    """Cut the month into blocks, a block into narrower ones, and those in time into runs."""
    block = rng.uniform(1.5, 6) * 86400
    if lanes > 1 and end - start > block:
        at = start + int((end - start) * rng.uniform(0.3, 0.7))
        yield from cut(rng, lanes, start, at)
        yield from cut(rng, lanes, at, end)
    elif lanes > 1 and rng.random() < HALVE[lanes]:
        yield from cut(rng, lanes // 2, start, end)
        yield from cut(rng, lanes // 2, start, end)
    else:
        yield from slices(rng, lanes, start, end)


def slices(rng: random.Random, lanes: int, start: int, end: int) -> Iterator[Leaf]:
    """Runs one after the other: most take hours, some days, none less than some minutes."""
    while start < end:
        seconds = (
            rng.uniform(2, 5) * 86400
            if rng.random() < 0.012
            else 240 + rng.lognormvariate(8.2, 1.35)
        )
        until = start + int(seconds)
        until = end if end - until < 420 else until
        yield lanes, start, until
        start = until


def assign(rng: random.Random, leaves: list[Leaf]) -> Iterator[tuple[str, Leaf]]:
    """Give leaves to teams until each team's share is met to the second.

    The widest leaves go first: whatever is cut off one of 8 lanes is a multiple
    of 8 GPU-seconds, so what remains of every share can still be met by the
    narrower ones, and the single lanes at the end fit any remainder.
    """
    left = dict(SHARES)
    rng.shuffle(leaves)
    for lanes, start, end in sorted(leaves, key=lambda leaf: -leaf[0]):
        while start < end:
            team = _pick(rng, left, lanes)
            until = min(end, start + left[team] // lanes)
            left[team] -= lanes * (until - start)
            yield team, (lanes, start, until)
            start = until
    hold(not any(left.values()), left)


def _pick(rng: random.Random, left: dict[str, int], lanes: int) -> str:
    teams = [team for team in left if left[team] >= lanes]
    return rng.choices(teams, [left[team] * TASTE[team][lanes] for team in teams])[0]


def tags_of(rng: random.Random, team: str) -> dict[str, str]:
    """All six tags of a plausible run."""
    project = rng.choice(PROJECTS[team])
    n = int(
        project.experiments * rng.random() ** 1.5
    )  # some experiments run far more often than others
    return {
        "team": team,
        "project": project.name,
        "experiment": f"{project.stems[n % len(project.stems)]}-{n + 1:02d}",
        "environment": rng.choice(project.environments),
        "model": project.models[n % len(project.models)],
        "cost_center": COST_CENTERS[team],
    }


def comment_of(rng: random.Random, tags: dict[str, str]) -> str:
    """The tags as people type them: short names, any order, now and then spaces."""
    keys = list(tags)
    if rng.random() < 0.3:
        rng.shuffle(keys)
    short = rng.random() < 0.2
    named = {rng.choice(ALIASES[k]) if short and k in ALIASES else k: tags[k] for k in keys}
    text = compact(named)
    return text.replace('":"', '": "').replace('","', '", "') if rng.random() < 0.15 else text


def outcome(rng: random.Random, seconds: int, uid: int) -> dict[str, Any]:
    """State, exit code and time limit; failures cost as much as successes."""
    roll = rng.random()
    minutes = next(limit for limit in LIMITS if limit * 60 > seconds * 1.05)
    if roll < 0.04:  # a time-out ends within a minute after its limit
        return {"state": "TIMEOUT", "timelimit": seconds // 60}
    if roll < 0.12:
        code = rng.choice([(1, 0), (1, 0), (2, 0), (0, 11), (0, 9)])
        return {"state": "FAILED", "exit_code": code, "timelimit": minutes}
    if roll < 0.16:
        return {"state": "CANCELLED", "cancelled_by": uid, "timelimit": minutes}
    return {"timelimit": minutes}


def tres_of(rng: random.Random, gpus: int, kind: str) -> dict[str, int]:
    cpus = gpus * rng.choice((8, 16, 16))
    memory = gpus * rng.choice((64, 96, 120)) * 1024
    tres = {"billing": cpus, "cpu": cpus, "mem": memory, "node": 1}
    return tres | {f"gres/gpu:{kind}": gpus, "gres/gpu": gpus}


def runs(seed: int = 6) -> list[Run]:
    rng = random.Random(seed)
    made = []
    leaves = list(cut(rng, LANES, BEGIN, END))
    for ticket, (team, (lanes, start, end)) in enumerate(assign(rng, leaves)):
        tags = tags_of(rng, team)
        user = rng.choice(USERS[team])
        made.append(Run(
            job=ticket, name=f"{tags['project']}-{tags['experiment']}", account=team,
            user=user, uid=UIDS[user], partition="h100", nodes=("n1",), nodelist="n1",
            submit=start - int(rng.lognormvariate(6, 1)) - 1, start=start, end=end,
            tres=tres_of(rng, lanes, "h100"), comment=comment_of(rng, tags),
            **outcome(rng, end - start, UIDS[user]),
        ))  # fmt: skip
    return number(made, 480_001)


def prove(rows: list[dict[str, str]]) -> str:
    """Hold the month to its figures, by the text that sacct printed and nothing else."""
    sums = dict.fromkeys(SHARES, 0)
    edges = []
    for row in rows:
        start, end = int(row["Start"]), int(row["End"])
        hold(BEGIN <= start < end <= END and int(row["ElapsedRaw"]) == end - start, row)
        gpus = int(dict(item.split("=") for item in row["AllocTRES"].split(","))["gres/gpu"])
        sums[json.loads(row["Comment"])["team"]] += gpus * (end - start)
        edges += [(start, gpus), (end, -gpus)]
    hold(sums == SHARES, sums)
    busy, last = 0, BEGIN
    for at, change in sorted(edges):  # at one second the ends come before the starts
        hold(at == last or busy == LANES, f"{busy} GPUs in use before {at}")
        busy, last = busy + change, at
        hold(busy <= LANES, f"{busy} GPUs in use at {at}")
    hold((busy, last) == (0, END), (busy, last))
    shares = ", ".join(f"{team} {seconds:,}" for team, seconds in sums.items())
    return f"{len(rows):,} runs; 8 GPUs in use at every second; GPU-seconds: {shares}"

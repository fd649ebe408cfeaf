"""A month as sites really have it: cluster beta, from the 1st of this month until now.

Eight GPU nodes, most of their time in use, most runs well tagged, and among
them every oddity that sacct has been seen to print.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

import demo_alpha
import demo_oddities as odd
from demo_rows import Run, hold, number

CLUSTER = "beta"
NODE_GPUS = 8
GPU_NODES = 8
USERS = demo_alpha.USERS | {
    "interns": ("intern1", "intern2"), "course-ml": ("student1", "student2", "student3"),
    "guests": ("student1", "guest1"),
}  # fmt: skip
# By account, because student1 of the course and student1 of the guests are two people.
UIDS = {
    key: 20001 + i
    for i, key in enumerate((account, user) for account in USERS for user in USERS[account])
}
ACCOUNT_WEIGHTS = {
    "nlp": 33, "cv": 22, "platform": 14, "research": 13, "product": 10,
    "course-ml": 4, "interns": 2, "guests": 2,
}  # fmt: skip
QOS = ("normal", "high", "scavenger")
RESERVATION = "nlp-deadline"
TRES = ("gres/gpu", "gres/gpu:h100", "gres/gpu:a100", "gres/shard")
DAY = 86400


@dataclass(frozen=True, slots=True)
class Partition:
    name: str
    kind: str
    nodes: tuple[str, ...]
    sizes: dict[int, float]  # GPUs of a run: weight


PARTITIONS = (
    Partition("h100", "h100", ("n1", "n2", "n3", "n4"), {1: 40, 2: 22, 4: 20, 8: 16, 16: 2}),
    Partition("spot", "h100", ("n5",), {1: 50, 2: 30, 4: 20}),
    Partition("a100", "a100", ("n6", "n7", "n8"), {1: 55, 2: 25, 4: 15, 8: 5}),
)


Slot = tuple[tuple[str, ...], int, int, int]  # nodes, GPUs, start, end


def fill(rng: random.Random, partition: Partition, begin: int, now: int) -> Iterator[Slot]:
    """Place runs on free GPUs until now, so that no node ever gives out more than it has."""
    free = {
        node: [begin + rng.randrange(7200) for _ in range(NODE_GPUS)] for node in partition.nodes
    }
    while True:
        gpus = rng.choices(list(partition.sizes), list(partition.sizes.values()))[0]
        on_each, how_many = min(gpus, NODE_GPUS), max(1, gpus // NODE_GPUS)
        nodes = sorted(free, key=lambda node: sorted(free[node])[on_each - 1])[:how_many]
        start = max(sorted(free[node])[on_each - 1] for node in nodes) + int(
            rng.expovariate(1 / 2600)
        )
        if start >= now:
            return
        end = start + 60 + int(rng.lognormvariate(9.3, 1.15))
        for node in nodes:
            free[node] = sorted(free[node])[on_each:] + [end] * on_each
        yield tuple(sorted(nodes)), gpus, start, end


def person(rng: random.Random) -> tuple[str, str, int]:
    account = rng.choices(list(ACCOUNT_WEIGHTS), list(ACCOUNT_WEIGHTS.values()))[0]
    user = rng.choice(USERS[account])
    return account, user, UIDS[account, user]


def comment_of(rng: random.Random, account: str) -> tuple[dict[str, str], str]:
    """Teams tag nearly everything; accounts that are no team work for one, or tag nothing."""
    team = account if account in demo_alpha.SHARES else rng.choice(("research", "cv"))
    tags = demo_alpha.tags_of(rng, team)
    tagged = account in demo_alpha.SHARES or rng.random() < 0.4
    return tags, demo_alpha.comment_of(rng, tags) if tagged else ""


def gpu_runs(rng: random.Random, begin: int, now: int) -> Iterator[Run]:
    for partition in PARTITIONS:
        for nodes, gpus, start, end in fill(rng, partition, begin, now):
            account, user, uid = person(rng)
            tags, comment = comment_of(rng, account)
            tres = demo_alpha.tres_of(rng, gpus, partition.kind) | {"node": len(nodes)}
            high = account == "product" and tags["environment"] == "prod"
            run = Run(
                job=0, name=f"{tags['project']}-{tags['experiment']}", account=account,
                user=user, uid=uid, partition=partition.name,
                submit=start - 1 - int(rng.lognormvariate(6, 1.5)), start=start, end=end,
                tres=tres, nodes=nodes, nodelist=node_list(nodes), comment=comment,
                qos="scavenger" if partition.name == "spot" else "high" if high else "normal",
                **demo_alpha.outcome(rng, end - start, uid),
            )  # fmt: skip
            yield still_running(run) if end > now else run


def node_list(nodes: tuple[str, ...]) -> str:
    """Slurm writes two nodes as n[1-2] or n[1,3]."""
    if len(nodes) == 1:
        return nodes[0]
    first, second = (int(node[1:]) for node in nodes)
    return f"n[{first}{'-' if second == first + 1 else ','}{second}]"


def still_running(run: Run) -> Run:
    """Slurm writes the comments when a job ends: until then they are empty."""
    limit = max(run.timelimit, 2 * DAY // 60)
    return replace(
        run,
        end=0,
        state="RUNNING",
        exit_code=(0, 0),
        cancelled_by=None,
        comment="",
        timelimit=limit,
    )


def other_runs(rng: random.Random, begin: int, now: int, count: int) -> Iterator[Run]:
    """Runs that hold no whole GPU: CPU jobs, and shards of one GPU."""
    for n in range(count):
        account, user, uid = person(rng)
        tags, comment = comment_of(rng, account)
        start = begin + rng.randrange(now - begin - 8 * 3600)
        cpus = rng.choice((1, 4, 16, 32))
        tres = {"billing": cpus, "cpu": cpus, "mem": cpus * 4096, "node": 1}
        shard = n % 12 == 0
        if shard:
            tres["gres/shard"] = rng.choice((1, 2, 4))
        node = "n6" if shard else rng.choice(("c1", "c2"))
        yield Run(
            job=0, name=f"prep-{tags['project']}", user=user, uid=uid, account=account,
            partition="a100" if shard else "cpu", submit=start - rng.randrange(1, 900),
            start=start, end=start + rng.randrange(30, 7 * 3600), tres=tres,
            nodes=(node,), nodelist=node, comment=comment, timelimit=480,
        )  # fmt: skip


def unstarted_runs(rng: random.Random, now: int) -> Iterator[Run]:
    """Pending jobs, and jobs that their owner took back before they began."""
    for n in range(14):
        account, user, uid = person(rng)
        tags, comment = comment_of(rng, account)
        submit = now - rng.randrange(600, 2 * DAY)
        run = Run(
            job=0, name=f"{tags['project']}-{tags['experiment']}", account=account,
            user=user, uid=uid, partition="h100", submit=submit, start=0, end=0, tres={},
            state="PENDING", timelimit=1440,
        )  # fmt: skip
        if n % 2:
            end = submit + rng.randrange(5, 600)
            run = replace(run, end=end, state="CANCELLED", cancelled_by=uid, comment=comment)
        yield run


def runaway(now: int) -> Run:
    """A job whose end slurmctld never saw: RUNNING in the database for weeks."""
    start = now - 19 * DAY - 4321
    tres = {"billing": 16, "cpu": 16, "gres/gpu:a100": 2, "gres/gpu": 2, "mem": 196608, "node": 1}
    return Run(
        job=0, name="serving-bench-batch-01", account="platform",
        user="plat1", uid=UIDS["platform", "plat1"], partition="a100",
        submit=start - 40, start=start, end=0, tres=tres, nodes=("n8",), nodelist="n8",
        state="RUNNING", timelimit=2880,
    )  # fmt: skip


def prove(rows: list[dict[str, str]], begin: int, now: int) -> str:
    """No node gives out more GPUs than it has, by the text that sacct printed."""
    edges: dict[str, list[tuple[int, int]]] = {}
    for row in rows:
        gpus = int(
            dict(item.split("=") for item in row["AllocTRES"].split(",") if item).get("gres/gpu", 0)
        )
        if not gpus or not row["Start"].isdigit():
            continue
        start, end = int(row["Start"]), int(row["End"]) if row["End"].isdigit() else now
        if row["State"] == "RUNNING" and end - start > int(row["TimelimitRaw"]) * 60:
            continue  # the runaway holds nothing any more
        nodes = nodes_of(row["NodeList"])
        for node in nodes if end > start else ():
            edges.setdefault(node, []).extend(
                [(start, gpus // len(nodes)), (end, -gpus // len(nodes))]
            )
    used = 0
    for node, changes in edges.items():
        busy, last = 0, begin
        for at, change in sorted(changes):
            used, busy, last = used + busy * (at - last), busy + change, at
            hold(0 <= busy <= NODE_GPUS, f"{busy} GPUs of {node} in use at {at}")
    share = used / (GPU_NODES * NODE_GPUS * (now - begin))
    total = GPU_NODES * NODE_GPUS
    return f"{len(rows):,} runs; {share:.1%} of {total} GPUs in use, never more than a node has"


def nodes_of(text: str) -> list[str]:
    if "[" not in text:
        return [text]
    return [
        f"n{number}"
        for number in text.removeprefix("n[").removesuffix("]").replace("-", ",").split(",")
    ]


def runs(begin: int, now: int, seed: int = 11) -> list[Run]:
    rng = random.Random(seed)
    made = list(gpu_runs(rng, begin, now))
    made += other_runs(rng, begin, now, len(made) // 12)
    made = odd.spoil(rng, [replace(run, job=ticket) for ticket, run in enumerate(made, start=1)])
    last = max(run.job for run in made)
    made += [
        replace(run, job=last + n)
        for n, run in enumerate([runaway(now), *unstarted_runs(rng, now)], start=1)
    ]
    return number(made, 1_204_001)

"""One Slurm run twice over: as slurmdbd stores it, and as sacct must print it.

The two sides are written apart on purpose. `columns` is what gets inserted,
`expected` what sacct has to answer, and scripts/capture-demo saves nothing
while the two differ in a single field.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from sandbox import Failure

# Slurm's enum job_states, and the flag that marks a run put back into the queue.
STATES = {
    "PENDING": 0, "RUNNING": 1, "COMPLETED": 3, "CANCELLED": 4, "FAILED": 5, "TIMEOUT": 6,
    "NODE_FAIL": 7, "PREEMPTED": 8, "BOOT_FAIL": 9, "DEADLINE": 10, "OUT_OF_MEMORY": 11,
    "REQUEUED": 0x400,
}  # fmt: skip
NO_VAL = 4294967294  # Slurm's "not set" in 32 bits


def hold(claim: bool, otherwise: object) -> None:
    """An assert that no option of the interpreter switches off."""
    if not claim:
        raise Failure(str(otherwise))


@dataclass(frozen=True, slots=True)
class Run:
    """One row of <cluster>_job_table. Times are epoch seconds, 0 for "not yet"."""

    job: int  # before `number` a mere ticket; runs of one job (a requeue) share it
    name: str
    user: str
    uid: int
    account: str
    partition: str
    submit: int
    start: int
    end: int
    tres: dict[str, int]
    nodes: tuple[str, ...] = ()
    nodelist: str = "None assigned"
    state: str = "COMPLETED"
    exit_code: tuple[int, int] = (0, 0)  # code, signal
    qos: str = "normal"
    timelimit: int = 60  # minutes
    comment: str = ""
    admin_comment: str = ""
    wckey: str = ""
    reservation: str = ""
    cancelled_by: int | None = None
    suspended: int = 0
    array: tuple[int, int] | None = None  # the array's job, task
    het: tuple[int, int] | None = None  # the first component's job, offset

    @property
    def gpus(self) -> int:
        return self.tres.get("gres/gpu", 0)

    @property
    def elapsed(self) -> int:
        return max(0, self.end - self.start - self.suspended) if self.start and self.end else 0


def number(runs: list[Run], first_id: int) -> list[Run]:
    """Turn tickets into job ids, in the order of submission, as slurmctld does."""
    runs = sorted(runs, key=lambda run: (run.submit, run.job, run.start))
    ids: dict[int, int] = {}
    for run in runs:
        ids.setdefault(run.job, first_id + len(ids))

    def renamed(leader: tuple[int, int] | None) -> tuple[int, int] | None:
        return leader and (ids[leader[0]], leader[1])

    return [
        replace(run, job=ids[run.job], array=renamed(run.array), het=renamed(run.het))
        for run in runs
    ]


def compact(tags: object) -> str:
    return json.dumps(tags, separators=(",", ":"), ensure_ascii=False)


# --- the database's side --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lookups:
    """The numbers that slurmdbd gave to names on this cluster."""

    tres: dict[str, int]
    qos: dict[str, int]
    associations: dict[tuple[str, str], int]  # (account, user)
    reservations: dict[str, int]


def columns(run: Run, lookups: Lookups) -> dict[str, object]:
    tres = ",".join(
        f"{i}={n}" for i, n in sorted((lookups.tres[name], n) for name, n in run.tres.items())
    )
    code, signal = run.exit_code
    return {
        "mod_time": run.end or run.start or run.submit,
        "account": run.account,
        "admin_comment": run.admin_comment or None,
        "cpus_req": run.tres.get("cpu", 1),
        "derived_es": run.comment or None,  # slurmdbd's column for Comment
        "exit_code": code * 256 + signal,
        "flags": 24,
        "job_name": run.name,
        "id_assoc": lookups.associations[run.account, run.user],
        "id_array_job": run.array[0] if run.array else 0,
        "id_array_task": run.array[1] if run.array else NO_VAL,
        "id_job": run.job,
        "id_qos": lookups.qos[run.qos],
        "id_resv": lookups.reservations[run.reservation] if run.reservation else 0,
        "id_wckey": 0,
        "id_user": run.uid,
        "id_group": run.uid,
        "het_job_id": run.het[0] if run.het else 0,
        "het_job_offset": run.het[1] if run.het else NO_VAL,
        "kill_requid": run.cancelled_by,
        "state_reason_prev": 0,
        "nodelist": run.nodelist,
        "nodes_alloc": len(run.nodes),
        "node_inx": None,
        "partition": run.partition,
        "priority": 4294901000,
        "state": STATES[run.state],
        "timelimit": run.timelimit,
        "time_submit": run.submit,
        "time_eligible": run.submit,
        "time_start": run.start,
        "time_end": run.end,
        "time_suspended": run.suspended,
        "wckey": run.wckey,
        "work_dir": "/scratch",
        "tres_alloc": tres,
        "tres_req": tres,
    }


def quoted(value: object) -> str:
    """SQL for a value; text travels as hexadecimal, so that no content breaks out of it."""
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    return f"CONVERT(X'{str(value).encode().hex()}' USING utf8mb4)" if value else "''"


def insert(cluster: str, runs: list[Run], lookups: Lookups, batch: int = 200) -> str:
    rows = [columns(run, lookups) for run in runs]
    names = ",".join(f"`{name}`" for name in rows[0])
    statements = []
    for at in range(0, len(rows), batch):
        values = ",\n".join(
            "(" + ",".join(map(quoted, row.values())) + ")" for row in rows[at : at + batch]
        )
        statements.append(f"INSERT INTO {cluster}_job_table ({names}) VALUES\n{values};\n")
    return "".join(statements)


# --- sacct's side ---------------------------------------------------------------


def expected(run: Run, cluster: str) -> list[str]:
    """What sacct must print in FIELDS; ElapsedRaw of a running job, which grows, is left empty."""
    start, end = run.start, run.end
    if end and start > end:  # of a damaged row sacct prints End twice
        start = end
    return [
        str(run.job), _job_id(run), run.name, run.user, run.account, run.partition, run.qos,
        run.wckey, cluster,
        run.state if run.cancelled_by is None else f"{run.state} by {run.cancelled_by}",
        str(run.submit), str(start or ("None" if end else "Unknown")), str(end or "Unknown"),
        "" if run.state == "RUNNING" else str(run.elapsed), _clock(run.suspended),
        str(run.timelimit),
        _tres(run.tres), run.nodelist, run.reservation, "{}:{}".format(*run.exit_code),
        run.admin_comment, run.comment,
    ]  # fmt: skip


def _job_id(run: Run) -> str:
    if run.array:
        return f"{run.array[0]}_{run.array[1]}"
    return f"{run.het[0]}+{run.het[1]}" if run.het else str(run.job)


def _clock(seconds: int) -> str:
    days, rest = divmod(seconds, 86400)
    text = f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
    return f"{days}-{text}" if days else text


def _tres(tres: dict[str, int]) -> str:
    """Sorted with their "=", which puts gres/gpu:h100 before gres/gpu."""
    return ",".join(
        sorted(f"{name}={_memory(n) if name == 'mem' else n}" for name, n in tres.items())
    )


def _memory(mebibytes: int) -> str:
    """sacct goes up a unit while two decimals lose nothing: 31000M, 62.50G, 960G, 1.50T."""
    amount, units = float(mebibytes), "MGT"
    while len(units) > 1 and amount >= 1024 and amount * 100 % 1024 == 0:
        amount, units = amount / 1024, units[1:]
    return f"{amount:.0f}{units[0]}" if amount.is_integer() else f"{amount:.2f}{units[0]}"

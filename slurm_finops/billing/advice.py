"""What a period's use of one SKU looked like: its hours, and the workloads in them.

Both are read a day at a time, in the order in which charges lie, and of a run
only sums are kept: a million runs take the memory of a few days.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from slurm_finops.core.advice import FLOOR_PERCENT, Hour
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.workloads import INTERRUPTED, Lengths, Workload, kind_of
from slurm_finops.ledger.shares import borne
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.use import HOUR, HourlyUse

#: Team, project, environment.
Name = tuple[str | None, str | None, str | None]
_NAME = ("team", "project", "environment")
_CACHE = 50_000
_DIGITS = "0123456789"


class Question(NamedTuple):
    """Whose use is looked at: a SKU's in a period, of one partition or ("") of all."""

    period: Period
    sku: str
    partition: str = ""
    #: other GPUs that were held then, with their unit-seconds, where nobody named one
    beside: tuple[tuple[str, int], ...] = ()


class Paid(NamedTuple):
    """What was held under one kind of pricing, and its effective cost in ticks."""

    unit_seconds: int
    ticks: int


class Worked(NamedTuple):
    """A workload, what it pays by kind of pricing, and its hours where it is always on."""

    workload: Workload
    paid: dict[str, Paid]
    hours: tuple[Hour, ...]


class Use(NamedTuple):
    """A period's hours in order of time, its workloads by what they held, the most first."""

    hours: tuple[Hour, ...]
    workloads: tuple[Worked, ...]
    #: runs that had not ended when they were collected, before the period's end
    unfinished: int


def use_of(ledger: Ledger, calendar: Calendar, question: Question) -> Use:
    """Read a period's use.  Without any, all hours are there and no workload."""
    db = ledger.db
    suspended = ledger.setting("suspended") == "charge"
    hours, constant = _hours(db, calendar, question, suspended)
    seen = _Runs(db, calendar, question, suspended)
    seen.read()
    pricing = dict(db.execute("SELECT id, pricing FROM rate_cards")) | {0: "unpriced"}
    length = question.period.end - question.period.start
    pools: dict[Name, dict[str, int]] = {}
    scope = Scope(question.period.first, question.period.last)
    for name, kind, ticks in borne(db, scope, _NAME, question.sku, question.partition):
        pools.setdefault(name, {})[kind] = ticks  # type: ignore[arg-type]
    worked = [
        Worked(
            one.workload(name, constant[name].held, length),
            _with_pools(one.by_pricing(pricing), pools.get(name, {})),
            tuple(map(Hour, (hour.seconds for hour in hours), constant[name].hours)),
        )
        for name, one in seen.found.items()
    ]  # fmt: skip
    worked.sort(key=lambda one: (-one.workload.unit_seconds, [v or "" for v in one.workload[:3]]))
    return Use(hours, tuple(worked), seen.unfinished)


def _with_pools(paid: dict[str, Paid], pools: dict[str, int]) -> dict[str, Paid]:
    """What was paid, with what was borne of pools, and of use beyond them, in ticks."""
    for kind, ticks in pools.items():
        before = paid.get(kind, Paid(0, 0))
        paid[kind] = Paid(before.unit_seconds, before.ticks + ticks)
    return paid


def gpus_held(ledger: Ledger, period: Period, partition: str = "") -> list[tuple[str, int]]:
    """``(sku, unit-seconds)`` of the GPUs that were held in a period, the most first."""
    where = f" AND {_IN_PARTITION}" if partition else ""
    join = "JOIN jobs ON jobs.id = usage_id" if partition else ""
    return ledger.db.execute(
        f"""SELECT name, SUM(quantity * seconds) FROM charges {join} JOIN skus ON skus.id = sku_id
        WHERE day >= :first AND day < :last AND is_gpu {where} GROUP BY 1 ORDER BY 2 DESC, 1""",
        {"first": period.first, "last": period.last, "partition": partition},
    ).fetchall()


def days_held(ledger: Ledger) -> tuple[int, int] | None:
    """The first and the last billing day that has a charge."""
    first, last = ledger.db.execute(
        "SELECT (SELECT min(day) FROM charges), (SELECT max(day) FROM charges)"
    ).fetchone()
    return None if first is None else (first, last)


def skus_known(ledger: Ledger) -> list[str]:
    """Every SKU that has ever been charged."""
    return [row[0] for row in ledger.db.execute("SELECT name FROM skus ORDER BY 1")]


_IN_PARTITION = "context_id IN (SELECT id FROM contexts WHERE partition = :partition)"


def _where(question: Question) -> str:
    within = "sku_id = (SELECT id FROM skus WHERE name = :sku)"
    if question.partition:
        within += f" AND {_IN_PARTITION}"
    return within


def _values(question: Question) -> dict[str, object]:
    return {"sku": question.sku, "partition": question.partition}


def _hours(
    db: sqlite3.Connection, calendar: Calendar, question: Question, suspended: bool
) -> tuple[tuple[Hour, ...], "dict[Name, _Constancy]"]:
    """The use of each hour, and of each workload how constant it is."""
    period = question.period
    use = HourlyUse(db, calendar, _NAME, _where(question), ("tag_sets",), suspended=suspended)
    hours: list[Hour] = []
    constant: dict[Name, _Constancy] = {}
    allowed = (period.end - period.start) * (100 - FLOOR_PERCENT) // 100
    for day in range(period.first, period.last):
        seconds = _seconds(calendar.midnight(day + 1) - calendar.midnight(day))
        total = [0] * len(seconds)
        for name, held in use.of_day(day, **_values(question)).items():
            one = constant.get(name)
            if one is None:
                one = constant[name] = _Constancy(allowed)
            one.add(hours, list(map(Hour, seconds, held)))
            total = [before + more for before, more in zip(total, held, strict=True)]
        hours.extend(map(Hour, seconds, total))
    for one in constant.values():
        one.add(hours, [])
    return tuple(hours), constant


def _seconds(day: int) -> list[int]:
    """The lengths of a day's hours: the last of an odd day is what is left."""
    return [min(HOUR, day - start) for start in range(0, day, HOUR)]


class _Constancy:
    """A workload's use hour by hour, kept only for as long as it may prove to be always on."""

    def __init__(self, allowed: int) -> None:
        self.held = 0
        self.hours: list[int] = []
        self._missed = 0
        self._allowed = allowed
        self._seen = 0

    def add(self, before: list[Hour], day: list[Hour]) -> None:
        """The hours of one more day; those of ``before`` that it never saw held nothing."""
        idle = [Hour(hour.seconds, 0) for hour in before[self._seen :]]
        self._seen = len(before) + len(day)
        for seconds, held in (*idle, *day):
            if held:
                self.held += seconds
            else:
                self._missed += seconds
        if self._missed <= self._allowed:
            self.hours.extend(hour.unit_seconds for hour in (*idle, *day))
        else:
            self.hours = []


class _Sums:
    """What is summed up of one workload's runs."""

    __slots__ = ("array_held", "array_runs", "interrupted", "jobs", "kind", "length_held",
                 "length_runs", "paid", "said")  # fmt: skip

    def __init__(self, kind: str) -> None:
        #: what project and environment say of runs whose own names say nothing
        self.kind = kind
        self.array_runs = self.array_held = 0
        self.length_runs: dict[int, int] = {}
        self.length_held: dict[int, int] = {}
        self.said: dict[str, int] = {}
        self.interrupted: dict[str, int] = {}
        self.jobs: Counter[tuple[int, int]] = Counter()
        #: unit-seconds and ticks by rate card
        self.paid: dict[int, list[int]] = {}

    def workload(self, name: Name, held_seconds: int, period_seconds: int) -> Workload:
        lengths = Lengths.of(self.length_runs, self.length_held)
        restarted = sum(1 for times in self.jobs.values() if times > 1)
        return Workload(
            *name, sum(self.length_runs.values()), sum(held for held, _ in self.paid.values()),
            lengths, self.said, held_seconds, period_seconds, self.array_runs, self.array_held,
            self.interrupted, restarted,
        )  # fmt: skip

    def by_pricing(self, pricing: dict[int, str]) -> dict[str, Paid]:
        """What was paid, by kinds of pricing instead of rate cards."""
        found: dict[str, Paid] = {}
        for card, (held, ticks) in self.paid.items():
            before = found.get(pricing[card], Paid(0, 0))
            found[pricing[card]] = Paid(before.unit_seconds + held, before.ticks + ticks)
        return found


class _Runs:
    """The runs of a period, each looked at once, and every charge of theirs."""

    def __init__(
        self, db: sqlite3.Connection, calendar: Calendar, question: Question, suspended: bool
    ) -> None:
        self.found: dict[Name, _Sums] = {}
        self.unfinished = 0
        self._db = db
        self._calendar = calendar
        self._question = question
        self._owners = _Owners(db, self.found)
        self._names = _Names()
        end = "start + elapsed + suspended" if suspended else "start + elapsed"
        # a run is looked at on its first day in the period
        self._sql = f"""SELECT usage_id, rate_card_id, quantity * seconds, effective_ticks,
            charges.tag_set_id, start >= :since OR :first,
            quantity * (min({end}, :end) - max(start, :start)), elapsed / 60, state, job_name,
            context_id, instr(job_id, '_'), cluster_id, job_id_raw, provisional AND {end} < :end
          FROM charges JOIN jobs ON jobs.id = usage_id WHERE day = :day AND {_where(question)}"""
        self._partitions = {
            context: kind_of(partition)
            for context, partition in db.execute("SELECT id, partition FROM contexts")
        }
        # few jobs run more than once, and only of those is it counted how often
        self._several = set(db.execute(
            "SELECT cluster_id, job_id_raw FROM jobs GROUP BY 1, 2 HAVING count(*) > 1"
        ))  # fmt: skip

    def read(self) -> None:
        """Look through the period, a day at a time."""
        period = self._question.period
        for day in range(period.first, period.last):
            values = {"day": day, "since": self._calendar.midnight(day), "start": period.start,
                      "end": period.end, "first": day == period.first}  # fmt: skip
            self._read_day(self._db.execute(self._sql, values | _values(self._question)))

    def _read_day(self, rows: Iterable[tuple[Any, ...]]) -> None:
        owners, names, partitions, several = (
            self._owners, self._names, self._partitions, self._several
        )  # fmt: skip
        last = None
        for (
            usage, card, held, ticks, tag_set, new,
            of_run, minutes, state, name, context, array, cluster, raw, unfinished,
        ) in rows:  # fmt: skip
            sums = owners[tag_set]
            paid = sums.paid.get(card)
            if paid is None:
                paid = sums.paid[card] = [0, 0]
            paid[0] += held
            paid[1] += ticks or 0
            # a run with several rates has several charges a day, which lie together
            if not new or usage == last:
                continue
            last = usage
            sums.length_runs[minutes] = sums.length_runs.get(minutes, 0) + 1
            sums.length_held[minutes] = sums.length_held.get(minutes, 0) + of_run
            said = names[name.rstrip(_DIGITS)] or partitions[context] or sums.kind
            sums.said[said] = sums.said.get(said, 0) + of_run
            if array:
                sums.array_runs += 1
                sums.array_held += of_run
            if state in INTERRUPTED:
                sums.interrupted[state] = sums.interrupted.get(state, 0) + 1
            if several and (cluster, raw) in several and state != "RESIZING":
                sums.jobs[cluster, raw] += 1
            self.unfinished += unfinished


class _Owners(dict[int, _Sums]):
    """A tag set's id -> the sums of its workload; a bounded cache."""

    def __init__(self, db: sqlite3.Connection, found: dict[Name, _Sums]) -> None:
        super().__init__()
        self._db = db
        self._found = found

    def __missing__(self, tag_set: int) -> _Sums:
        if len(self) >= _CACHE:
            self.clear()
        name = self._db.execute(
            f"SELECT {', '.join(_NAME)} FROM tag_sets WHERE id = ?", (tag_set,)
        ).fetchone()
        sums = self._found.get(name)
        if sums is None:
            sums = self._found[name] = _Sums(kind_of(*name[1:]))
        self[tag_set] = sums
        return sums


class _Names(dict[str, str]):
    """What job names say; a bounded cache, for they differ by the number at their end."""

    def __missing__(self, name: str) -> str:
        if len(self) >= _CACHE:
            self.clear()
        found = self[name] = kind_of(name)
        return found

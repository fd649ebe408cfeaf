"""One record of sacct: fields -> `Run`, by the names in the header."""

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import tzinfo
from enum import Enum
from functools import partial
from operator import itemgetter, le, sub
from typing import Any

from slurm_finops.core.reservations import by_id
from slurm_finops.core.runs import Run
from slurm_finops.core.usage import is_device, parse_gres, parse_tres
from slurm_finops.errors import InputError
from slurm_finops.sources.sacct.fields import (
    MOST_SECONDS,
    NEVER,
    K,
    Times,
    Unreadable,
    V,
    integer,
    integers,
    remember,
)

#: What a live collection asks for, in this order; Comment is last, because a
#: saved file may hold delimiters in it.
FIELDS = (
    "JobIDRaw JobID JobName User Account Partition QOS WCKey Cluster State Submit Start End "
    "ElapsedRaw Suspended TimelimitRaw AllocTRES NodeList Reservation ReservationId ExitCode "
    "AdminComment Comment"
).split()
#: Columns of old releases and of hand-made files that stand in for those.
_OLD = ["Elapsed", "AllocGRES"]
_NEEDED = ("State", "Submit", "Start", "End")

# Slurm's job states that have not ended (squeue's man page, "JOB STATE CODES").
_LIVE = frozenset(
    ("RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "STOPPED", "SIGNALING", "STAGE_OUT")
)
_WAITING = frozenset(
    ("PENDING", "REQUEUE_FED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT")
)
_STATE = re.compile(r"([A-Z][A-Z_]+)(?: by (\S+))?")
_JOB_ID = re.compile(r"\d+(?:[_+](?:\d+|\[[\d,%:-]*\]))?", re.ASCII)
_JOB_IDS = re.compile(r"[\d_+\[\],%:-]*", re.ASCII)
_DURATION = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)(?:\.\d+)?")
#: Beyond these a number is damage: job ids (32 bits, slurm.conf's MaxJobId) and
#: devices of one run.
_MOST_ID = 1 << 32
_MOST_DEVICES = 1 << 31
#: How far clocks are set back, at most: a local time then stands for two moments.
_FOLD = 7200
# what Run._make does, without a Python call in between
_as_run: Callable[[Iterable[Any]], Run] = partial(tuple.__new__, Run)


class Passed(Enum):
    """A record that is read and passed over: it holds nothing of its own."""

    STEP = "step"
    WAITING = "waiting"


class RecordParser:
    """Reads records whose columns stand in ``header``, by name in any case.

    ``cluster`` names the cluster where a record does not; ``zone`` is that of
    times printed without an offset.  Raises `InputError` if a column is missing.
    """

    def __init__(self, header: Iterable[str], cluster: str, zone: tzinfo) -> None:
        names = [name.strip().lower() for name in header]
        missing = _missing(names)
        if missing:
            raise InputError(
                f"the header lacks {', '.join(missing)}; it has: {', '.join(names)[:200]}"
            )
        self.width = len(names)
        self.comment_last = names[-1] == "comment"
        # an absent column points one past the end, where parse() puts an empty text
        places = {n: names.index(n.lower()) if n.lower() in names else self.width
                  for n in [*FIELDS, *_OLD]}  # fmt: skip
        if places["JobID"] == self.width:
            places["JobID"] = places["JobIDRaw"]
        self._pick = itemgetter(*places.values())
        self._has_elapsed = "elapsedraw" in names or "elapsed" in names
        self._has_clock = "elapsed" in names and "elapsedraw" not in names
        self._cluster = cluster
        self._times = Times(zone)
        self._states: dict[str, tuple[str, str, bool, bool]] = {}
        self._durations: dict[str, int] = {}
        self._limits: dict[str, int | None] = {}
        self._tres: dict[tuple[str, str], str] = {}

    def parse(self, fields: list[str]) -> Run | Passed:
        """The run in ``fields`` (of the header's width), or why it is passed over.

        Raises `Unreadable`.  ``fields`` is used up.
        """
        fields.append("")
        (raw, job_id, name, user, account, partition, qos, wckey, cluster, state, submit, start,
         end, elapsed, suspended, timelimit, tres, nodes, reservation, reservation_id,
         exit_code, admin_comment, comment, elapsed_text, gres) = self._pick(fields)
        word, by, live, waiting = self._states.get(state) or self._state(state)
        key = self._job_id(raw or job_id)
        if key == "":
            return Passed.STEP
        if waiting:
            return Passed.WAITING
        at = self._times.parse(submit, "Submit")
        began = self._times.parse(start, "Start")
        ended = self._times.parse(end, "End")
        seconds = self._elapsed(elapsed, elapsed_text, began, ended)
        if at is None:
            raise Unreadable("no Submit time")
        if job_id and not _JOB_ID.fullmatch(job_id):
            raise Unreadable(f"{job_id[:40]!r} is not a job id")
        if began and ended and self._times.local and ended < began + seconds <= ended + _FOLD:
            ended = began + seconds  # it was the second of two equal clock times
        _check_interval(began, ended, seconds, live)
        paused = self._durations.get(suspended)
        if paused is None:
            paused = self._duration(suspended, "Suspended")
        tres_key = (tres, gres)
        held = self._tres.get(tres_key)
        if held is None:
            held = self._alloc_tres(tres_key)
        return _as_run((
            cluster or self._cluster, key, at, job_id or raw, name, user, account, partition, qos,
            wckey, reservation or _unnamed(reservation_id), word, by, began, ended, seconds,
            paused,
            self._limits.get(timelimit) or self._limit(timelimit),
            held, nodes, exit_code, live, comment, admin_comment,
        ))  # fmt: skip

    def parse_usual(self, rows: Sequence[list[str]]) -> list[Run] | None:
        """The runs of rows of the header's width, column by column: a third of the time.

        None where one of them needs `parse`'s closer look (a step, a waiting job,
        anything unreadable); nothing is counted then.
        """
        columns = [*zip(*rows, strict=True), ("",) * len(rows)]
        (raw, job_id, name, user, account, partition, qos, wckey, cluster, state, submit, start,
         end, elapsed, suspended, timelimit, tres, nodes, reservation, reservation_id,
         exit_code, admin_comment, comment, elapsed_text, gres) = self._pick(columns)
        try:
            states = _known(self._states, state, self._state)
            keys = integers(raw, _MOST_ID)
            seconds = (
                _known(self._durations, elapsed_text, self._clock) if self._has_clock
                else integers(elapsed, MOST_SECONDS)
            )
            submits = self._times.column(submit)
            starts, ends = self._times.column(start), self._times.column(end)
            paused = _known(self._durations, suspended, self._clock)
            limits = _known(self._limits, timelimit, self._limit)
            held = _known(self._tres, list(zip(tres, gres, strict=True)), self._alloc_tres)
        except ValueError:
            return None
        words, by, live, waiting = zip(*states, strict=True)
        if any(waiting) or None in submits or not _all_whole(starts, ends, seconds):
            return None
        if self._has_clock and "" in elapsed_text:
            return None
        if not all(job_id) or not _JOB_IDS.fullmatch("".join(job_id)):
            return None
        if any(reservation_id):
            reservation = [*map(_reservation, reservation, reservation_id)]
        clusters = cluster if all(cluster) else [name or self._cluster for name in cluster]
        made = zip(
            clusters, keys, submits, job_id, name, user, account, partition, qos, wckey,
            reservation, words, by, starts, ends, seconds, paused, limits, held, nodes, exit_code,
            live, comment, admin_comment, strict=True,
        )  # fmt: skip
        return list(map(_as_run, made))

    def _job_id(self, text: str) -> int | str:
        """A job's id; "" for a step (``27.batch``)."""
        if text.isdecimal():
            return integer(text, _MOST_ID, "JobIDRaw")
        job, dot, _ = text.partition(".")
        if not _JOB_ID.fullmatch(job):
            raise Unreadable(f"{text[:40]!r} is not a job id")
        return "" if dot else text

    def _state(self, text: str) -> tuple[str, str, bool, bool]:
        found = _STATE.fullmatch(text)
        if not found:
            raise Unreadable(f"{text[:40]!r} is not a job state")
        word, by = found[1], found[2] or ""
        answer = word, by, word in _LIVE, word in _WAITING
        return remember(self._states, text, answer)

    def _elapsed(self, raw: str, text: str, start: int | None, end: int | None) -> int:
        if raw or text:
            return self._duration(raw or text, "Elapsed")
        if self._has_elapsed and start is not None:
            raise Unreadable("no elapsed time")
        if start is None or end is None:
            return 0
        return end - start

    def _clock(self, text: str) -> int:
        return self._duration(text, "")

    def _duration(self, text: str, column: str) -> int:
        """``[DD-]HH:MM:SS`` (or plain seconds) as seconds."""
        known = self._durations.get(text)
        if known is not None:
            return known
        found = _DURATION.fullmatch(text)
        if found:
            days, hours, minutes, seconds = (
                integer(part or "0", MOST_SECONDS, column) for part in found.groups()
            )
            known = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
            if known >= MOST_SECONDS:
                raise Unreadable(f"{column} {text[:40]!r} is too large")
        elif text in NEVER:
            known = 0
        elif text.isdecimal():
            known = integer(text, MOST_SECONDS, column)
        elif text.startswith("-"):
            raise Unreadable(f"{column} {text[:40]!r} is negative")
        else:
            raise Unreadable(f"{column} {text[:40]!r} is not a duration")
        return remember(self._durations, text, known)

    def _limit(self, text: str) -> int | None:
        """TimelimitRaw in minutes; None for UNLIMITED and Partition_Limit."""
        minutes = int(text) if text.isdecimal() and len(text) < 11 else None
        return remember(self._limits, text, minutes)

    def _alloc_tres(self, key: tuple[str, str]) -> str:
        """AllocTRES, with the GPUs of an old AllocGRES where it has none; checked once a text."""
        tres, gres = key
        try:
            held = parse_tres(tres)
            devices = parse_gres(gres) if gres else {}
        except ValueError as error:
            raise Unreadable(str(error)) from None
        if any(n > _MOST_DEVICES for name, n in (held | devices).items() if is_device(name)):
            raise Unreadable(f"no run holds so many devices: {tres or gres!r}")
        if devices and not any(name.startswith("gres/") for name in held):
            added = ",".join(f"{name}={count}" for name, count in devices.items())
            tres = f"{tres},{added}" if tres else added
        return remember(self._tres, key, tres)


def _reservation(name: str, number: str) -> str:
    return name or _unnamed(number)


def _unnamed(number: str) -> str:
    """A reservation by its id: sacct names none to a run that began in the same second as it.

    slurmdbd joins the two where the reservation's start is before the run's
    (accounting_storage_mysql of 22.05 to 26.05).
    """
    return by_id(int(number)) if number.isdecimal() and len(number) < 11 and int(number) else ""


def _known(cache: dict[K, V], keys: Sequence[K], learn: Callable[[K], V]) -> list[V]:
    """Each key's value from the cache; those not met before are learnt (and may raise)."""
    try:
        return list(map(cache.__getitem__, keys))
    except KeyError:
        return [cache[key] if key in cache else learn(key) for key in keys]


def _missing(names: list[str]) -> list[str]:
    missing = [name for name in _NEEDED if name.lower() not in names]
    if "jobidraw" not in names and "jobid" not in names:
        missing.insert(0, "JobIDRaw (or JobID)")
    if "alloctres" not in names and "allocgres" not in names:
        missing.append("AllocTRES")
    return missing


def _check_interval(start: int | None, end: int | None, seconds: int, live: bool) -> None:
    """Slurm's Elapsed is what lies between Start and End, less what was suspended."""
    if start is None:
        if seconds:
            raise Unreadable("it has an elapsed time but no start")
    elif end is not None:
        if end < start:
            raise Unreadable("it ends before it starts")
        if seconds > end - start and not live:
            raise Unreadable(
                f"it lasted {seconds} s, and its start and end are {end - start} s apart"
            )


def _all_whole(
    starts: Sequence[int | None], ends: Sequence[int | None], seconds: Sequence[int]
) -> bool:
    """Whether none of these can fail `_check_interval`; without a Python call a run."""
    if None in starts or None in ends:
        return None not in starts and all(
            end is None or start + lasted <= end  # type: ignore[operator]
            for start, end, lasted in zip(starts, ends, seconds, strict=True)
        )
    return all(map(le, seconds, map(sub, ends, starts)))

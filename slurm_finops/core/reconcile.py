"""The ledger against its source, run by run, and both against a control total.

Pure arithmetic: whole seconds times whole counts, the same clipping on both sides.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from enum import Enum
from typing import NamedTuple, TypeVar

from slurm_finops.core.period import Calendar
from slurm_finops.core.usage import parse_tres

#: A run: cluster, JobIDRaw, Submit.
Key = tuple[str, int | str, int]
#: Half-open, in epoch seconds.
Span = tuple[int, int]
#: slurmdbd hears of a start or an end some seconds after it; a minute is ample.
_LAG = 60
_CPU = "cpu"
#: What does not change while a run goes on.
_FIXED = frozenset(("account", "start", "alloc_tres"))
K = TypeVar("K", bound=Hashable)


class Seen(NamedTuple):
    """A run as one side knows it, as far as money hangs on it.

    ``start`` is an epoch second, durations are seconds; ``held`` is the ledger's
    reason not to bill it, "" for none.
    """

    job_id: str
    account: str
    state: str
    start: int | None
    elapsed: int
    suspended: int
    alloc_tres: str
    provisional: bool
    held: str = ""

    @property
    def stop(self) -> int:
        """Where it no longer held anything, as far as is known."""
        return (self.start or 0) + self.elapsed + self.suspended


class Cause(Enum):
    """Why the two sides differ in a run.  Those not `explained` are somebody's to look at."""

    RUNNING = "still running"
    ENDED = "ended since it was collected"
    LATE = "began after the last collection"
    HELD = "held unbilled"
    GAP = "never collected"
    MISSING = "missing in the ledger"
    CHANGED = "differs"
    GONE = "not in the source"

    @property
    def explained(self) -> bool:
        """Whether it is as it should be, and settles without anybody's doing."""
        return self in _EXPLAINED


_EXPLAINED = frozenset((Cause.RUNNING, Cause.ENDED, Cause.LATE, Cause.HELD))


class Difference(NamedTuple):
    """One run that the two sides do not know alike; a side that lacks it is None."""

    key: Key
    cause: Cause
    ledger: Seen | None
    source: Seen | None

    def fields(self) -> list[tuple[str, object, object]]:
        """``(field, ledger's, source's)`` of what differs, where both have the run."""
        return _differing(self.ledger, self.source) if self.ledger and self.source else []


def touches(seen: Seen, start: int, end: int) -> bool:
    """Whether a run held anything in ``[start, end)``, or began in it."""
    if seen.start is None or seen.start >= end:
        return False
    return seen.start >= start or seen.stop > start


def cause_of(ledger: Seen | None, source: Seen | None, whole: Sequence[Span]) -> Cause | None:
    """Why a run differs, None if it does not.  ``whole``: the windows collected, in order."""
    if ledger is None:
        return _why_missing(source, whole) if source else None
    if source is None:
        return Cause.HELD if ledger.held else Cause.GONE
    if ledger.provisional:
        return _while_running(ledger, source, whole)
    return Cause.CHANGED if _differing(ledger, source) else None


def _why_missing(source: Seen, whole: Sequence[Span]) -> Cause:
    start = source.start or 0
    if whole and start >= whole[-1][1] - _LAG:
        return Cause.LATE
    if any(touches(source, since, until) for since, until in whole):
        return Cause.MISSING
    return Cause.GAP


def _while_running(ledger: Seen, source: Seen, whole: Sequence[Span]) -> Cause | None:
    """The ledger saw it running: since then it may have grown, or ended, and nothing else."""
    if {name for name, _, _ in _differing(ledger, source)} & _FIXED:
        return Cause.CHANGED
    if not source.provisional:
        # the end that is told of a lost node or a mended runaway lies before what was seen
        told_late = source.elapsed < ledger.elapsed
        seen_by_now = whole and source.stop <= whole[-1][1] - _LAG
        return Cause.CHANGED if seen_by_now and not told_late else Cause.ENDED
    if source.elapsed < ledger.elapsed or source.suspended < ledger.suspended:
        return Cause.CHANGED
    if ledger.held:
        return Cause.HELD
    return Cause.RUNNING if _differing(ledger, source) else None


def _differing(ledger: Seen, source: Seen) -> list[tuple[str, object, object]]:
    found: list[tuple[str, object, object]] = []
    for name in ("state", "account", "start", "elapsed", "suspended"):
        mine, theirs = getattr(ledger, name), getattr(source, name)
        if mine != theirs:
            found.append((name, mine, theirs))
    # the order and the units of a TRES text are the printer's
    mine, theirs = ledger.alloc_tres, source.alloc_tres
    if mine != theirs and parse_tres(mine) != parse_tres(theirs):
        found.append(("alloc_tres", mine, theirs))
    return found


class Day(NamedTuple):
    """TRES-seconds of one billing day on both sides."""

    day: int
    tres: str
    ledger: int
    source: int


class Comparison:
    """Pairs of what ledger and source know of a run, compared over ``[start, end)``.

    ``hours`` is the part of it that a control total covers, None without one.
    The ledger's provisional runs are compared by day up to what was seen of them.
    """

    def __init__(
        self, calendar: Calendar, start: int, end: int, whole: Sequence[Span],
        hours: Span | None = None,
    ) -> None:  # fmt: skip
        self.start, self.end, self.hours = start, end, hours
        self._calendar = calendar
        self._whole = whole
        self.runs = Counter[str]()
        self.differences: list[Difference] = []
        # seconds by (day, AllocTRES) and by (account, AllocTRES): few combinations, many runs
        self._days = {side: Counter[tuple[int, str]]() for side in ("ledger", "source")}
        self.accounts = {name: Counter[tuple[str, str]]() for name in _SUMS}

    def add(self, key: Key, ledger: Seen | None, source: Seen | None) -> None:
        """Compare one run; what touches the period on neither side is passed over."""
        sides = [side for side in (ledger, source) if side]
        if not any(touches(side, self.start, self.end) for side in sides):
            return
        self.runs["ledger"] += ledger is not None
        self.runs["source"] += source is not None
        cause = cause_of(ledger, source, self._whole)
        if cause:
            self.differences.append(Difference(key, cause, ledger, source))
        else:
            self.runs["same"] += 1
        if ledger:
            self._add_days("ledger", ledger, ledger.elapsed)
            self._add_ledger(ledger)
        if source:
            most = ledger.elapsed if ledger and ledger.provisional else source.elapsed
            self._add_days("source", source, min(source.elapsed, most))
            self._add_source(source)

    @property
    def unexplained(self) -> int:
        """How many runs differ for no good reason."""
        return sum(not difference.cause.explained for difference in self.differences)

    def days(self) -> list[Day]:
        """Both sides by billing day and TRES, in order."""
        ledger, source = (by_tres(self._days[side]) for side in ("ledger", "source"))
        keys = sorted(ledger.keys() | source.keys())
        return [Day(*key, ledger[key], source[key]) for key in keys]

    def _add_days(self, side: str, seen: Seen, elapsed: int) -> None:
        if seen.start is None:
            return
        begin, stop = max(seen.start, self.start), min(seen.start + elapsed, self.end)
        if begin < stop:
            for day, since, until in self._calendar.split(begin, stop):
                self._days[side][day, seen.alloc_tres] += until - since

    def _add_ledger(self, seen: Seen) -> None:
        self._add_account("ledger", seen, seen.elapsed, (self.start, self.end))
        if self.hours:
            self._add_account("ledger_hours", seen, seen.elapsed, self.hours)

    def _add_source(self, seen: Seen) -> None:
        if not self.hours:
            return
        held = seen.elapsed + seen.suspended
        self._add_account("source_hours", seen, seen.elapsed, self.hours)
        self._add_account("source_held", seen, held, self.hours)
        if seen.suspended and _crosses_edge(seen, self.hours):
            self._add_account("movable", seen, held, self.hours)

    def _add_account(self, name: str, seen: Seen, seconds: int, within: Span) -> None:
        if seen.start is not None:
            inside = min(seen.start + seconds, within[1]) - max(seen.start, within[0])
            if inside > 0:
                self.accounts[name][seen.account, seen.alloc_tres] += inside


#: What is summed by account: the ledger over the period and over the control's hours, the
#: source over these hours by Elapsed and with suspended time, and the runs of which sacct
#: does not say on which side of an hour they were suspended.
_SUMS = ("ledger", "ledger_hours", "source_hours", "source_held", "movable")


def _crosses_edge(seen: Seen, hours: Span) -> bool:
    return seen.start is not None and any(seen.start < edge < seen.stop for edge in hours)


def by_tres(seconds: Mapping[tuple[K, str], int]) -> Counter[tuple[K, str]]:
    """Seconds by (key, AllocTRES) as TRES-seconds by (key, TRES)."""
    found = Counter[tuple[K, str]]()
    for (key, text), held in seconds.items():
        for tres, quantity in parse_tres(text).items():
            found[key, tres] += quantity * held
    return found


class Control(NamedTuple):
    """One account's TRES-seconds on the way from the ledger to the control total.

    ``ledger + outside + runs + suspended + reserved + unexplained == control``, where
    ``outside`` (not above 0) lies in none of its hours, ``runs`` is what the source
    has more than the ledger, ``suspended`` is time that only the control counts, and
    ``reserved`` is idle time of reservations.
    """

    account: str
    tres: str
    ledger: int
    outside: int
    runs: int
    suspended: int
    reserved: int
    control: int
    unexplained: int


def control_rows(
    found: Comparison, used: Mapping[tuple[str, str], int], idle: Mapping[str, int],
    only: Collection[str],
) -> list[Control]:  # fmt: skip
    """``used`` (by account and TRES) held against what was compared, for the TRES in ``only``.

    ``idle`` is each TRES's idle time in reservations: an upper bound of what of it was
    counted as used, for the roll-up shares it out among those who may use it.
    """
    sums = {name: by_tres(found.accounts[name]) for name in _SUMS}
    left = dict(idle)
    keys = {key for total in sums.values() for key in total} | used.keys()
    rows = []
    for account, tres in sorted(key for key in keys if key[1] in only):
        ledger, ledger_hours, source, held, movable = (
            sums[name][account, tres] for name in _SUMS
        )
        control = used.get((account, tres), 0)
        rest = control - source
        suspended = _suspended(tres, rest, held - source, movable, left.get(tres, 0))
        reserved = max(0, min(rest - suspended, left.get(tres, 0)))
        left[tres] = left.get(tres, 0) - reserved
        row = Control(
            account, tres, ledger, ledger_hours - ledger, source - ledger_hours, suspended,
            reserved, control, rest - suspended - reserved,
        )  # fmt: skip
        if any(row[2:]):
            rows.append(row)
    return rows


def _suspended(tres: str, rest: int, more: int, movable: int, idle: int) -> int:
    """How much of ``rest`` is suspended time, which sacct leaves out of Elapsed.

    Slurm 22.05 counts all of it for every TRES but cpu, and none for cpu (measured);
    should a release count none, that is believed where it leaves nothing unexplained.
    For cpu it only moves between hours, where a run crosses the edge of those compared.
    """
    if tres == _CPU:
        return max(-movable, min(rest, movable))
    return 0 if 0 <= rest <= idle and rest - more not in range(idle + 1) else more

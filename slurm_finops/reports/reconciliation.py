"""What a reconciliation found, for a terminal and for other programs."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from slurm_finops.core.period import Calendar, day_date
from slurm_finops.core.reconcile import Cause, Comparison, Control, Difference, Seen, Span
from slurm_finops.core.words import count
from slurm_finops.reports.format import visible
from slurm_finops.reports.tables import aligned


@dataclass(frozen=True)
class Reconciled:
    """A comparison and what was told beside it.

    ``source`` is ``sacct`` or a file's name; ``only`` the TRES that cost money.  Of
    ``unreadable`` records of the source, ``unkept`` are no problem in the ledger.
    ``hours`` were asked of sreport, and are rolled up to ``rolled``; None and no rows
    where it was not asked.
    """

    cluster: str
    source: str
    calendar: Calendar
    only: Collection[str]
    comparison: Comparison
    unreadable: int = 0
    unkept: int = 0
    hours: Span | None = None
    rolled: int = 0
    control: Sequence[Control] = ()

    @property
    def from_file(self) -> bool:
        return self.source != "sacct"

    @property
    def unexplained(self) -> tuple[int, int, int]:
        """Runs, records and accounts' totals that nothing explains."""
        totals = sum(row.unexplained != 0 for row in self.control)
        return self.comparison.unexplained, self.unkept, totals


def reconciled_json(found: Reconciled) -> dict[str, Any]:
    """The whole of it; every quantity is an integer, of seconds or TRES-seconds."""
    comparison, iso = found.comparison, found.calendar.isoformat
    runs = comparison.runs
    return {
        "cluster": found.cluster,
        "source": found.source,
        "period": {"start": iso(comparison.start), "end": iso(comparison.end)},
        "runs": {
            "ledger": runs["ledger"], "source": runs["source"], "same": runs["same"],
            "differ": len(comparison.differences),
            "unexplained": comparison.unexplained,
        },
        "unreadable": {"records": found.unreadable, "unexplained": found.unkept},
        "days": [
            {
                "day": str(day_date(day.day)), "tres": day.tres, "ledger": day.ledger,
                "source": day.source, "difference": day.source - day.ledger,
            }
            for day in comparison.days()
        ],
        "differences": [_difference_json(found, item) for item in comparison.differences],
        "control": _control_json(found),
        "reconciled": not any(found.unexplained),
    }  # fmt: skip


def _difference_json(found: Reconciled, item: Difference) -> dict[str, Any]:
    seen = item.ledger or item.source
    cluster, raw, submit = item.key
    return {
        "cluster": cluster, "job_id": seen.job_id if seen else str(raw), "job_id_raw": raw,
        "submit": submit, "cause": item.cause.value, "explained": item.cause.explained,
        "ledger": _seen_json(item.ledger), "source": _seen_json(item.source),
        "next": next_step(found, item.cause, [item]),
    }  # fmt: skip


def _seen_json(seen: Seen | None) -> dict[str, Any] | None:
    return seen._asdict() if seen else None


def _control_json(found: Reconciled) -> dict[str, Any] | None:
    if found.hours is None:
        return None
    iso = found.calendar.isoformat
    return {
        "start": iso(found.hours[0]), "end": iso(found.rolled),
        "not_rolled_up_until": iso(found.hours[1]) if found.rolled < found.hours[1] else None,
        "rows": [row._asdict() for row in found.control],
        "next": _control_steps(found),
    }  # fmt: skip


def reconciled_text(found: Reconciled, limit: int) -> str:
    """The same for a person; at most ``limit`` runs are listed."""
    parts = [list(_head(found)), list(_days(found)), list(_differences(found, limit)),
             list(_control(found)), [_verdict(found)]]  # fmt: skip
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _head(found: Reconciled) -> Iterator[str]:
    comparison, iso = found.comparison, found.calendar.isoformat
    runs, source = comparison.runs, visible(found.source)
    yield (f"{visible(found.cluster)}: the ledger against {source}, from "
           f"{iso(comparison.start)} to {iso(comparison.end)}")  # fmt: skip
    yield (f"{count(runs['ledger'], 'run')} in the ledger, {runs['source']:,} in {source}, "
           f"{runs['same']:,} the same")  # fmt: skip
    if found.unreadable:
        kept = found.unreadable - found.unkept
        yield (f"{count(found.unreadable, 'record')} of {source} cannot be read: {kept:,} kept as "
               "problems (slurm-finops problems), "
               f"{found.unkept:,} not yet: {_collect(found)}")  # fmt: skip


def _days(found: Reconciled) -> Iterator[str]:
    days = [day for day in found.comparison.days() if day.tres in found.only]
    if not days:
        return
    rows = [["day", "TRES-seconds of", "ledger", _short(found), "difference"]]
    rows += [
        [str(day_date(day.day)), day.tres, f"{day.ledger:,}", f"{day.source:,}",
         _signed(day.source - day.ledger)]
        for day in days
    ]  # fmt: skip
    for tres in sorted({day.tres for day in days}):
        mine, theirs = (sum(getattr(day, side) for day in days if day.tres == tres)
                        for side in ("ledger", "source"))  # fmt: skip
        rows.append(["total", tres, f"{mine:,}", f"{theirs:,}", _signed(theirs - mine)])
    yield from aligned(rows, 2)


def _short(found: Reconciled) -> str:
    return "file" if found.from_file else "sacct"


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "0"


def _differences(found: Reconciled, limit: int) -> Iterator[str]:
    """What is to be looked at first; then what settles by itself."""
    items = sorted(found.comparison.differences, key=lambda item: item.cause.explained)
    if not items:
        return
    rows = [["job", "submitted", "cause", f"ledger → {_short(found)}"]]
    rows += [
        [visible((item.ledger or item.source or _NOBODY).job_id), _clock(item.key[2], found),
         item.cause.value, visible(_what(item, found))]
        for item in items[:limit]
    ]  # fmt: skip
    yield from aligned(rows, 4)
    if len(items) > limit:
        yield f"and {len(items) - limit:,} more: --limit"
    for cause in Cause:
        of_cause = [item for item in items if item.cause is cause]
        if of_cause:
            step = next_step(found, cause, of_cause)
            yield f"{cause.value} ({count(len(of_cause), 'run')}): {step}"


_NOBODY = Seen("", "", "", None, 0, 0, "", False)


def _what(item: Difference, found: Reconciled) -> str:
    changed = [
        f"{name} {_value(name, mine, found)} → {_value(name, theirs, found)}"
        for name, mine, theirs in item.fields()
    ]
    if changed:
        return ", ".join(changed)
    here, there = item.ledger, item.source
    if here and there:
        return here.held
    one = here or there or _NOBODY
    text = f"{one.state}, {one.elapsed:,} s, {one.alloc_tres}"
    return f"{text} → none" if here else f"none → {text}"


def _value(name: str, value: object, found: Reconciled) -> str:
    if name == "start" and isinstance(value, int):
        return _clock(value, found)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _clock(at: int, found: Reconciled) -> str:
    return f"{datetime.fromtimestamp(at, found.calendar.zone):%Y-%m-%d %H:%M:%S}"


def next_step(found: Reconciled, cause: Cause, items: Sequence[Difference]) -> str:
    """What to do about runs of one cause."""
    if cause in (Cause.RUNNING, Cause.ENDED, Cause.LATE):
        return f"settles with the next collection: {_collect(found, ())}"
    if cause is Cause.HELD:
        return "see which: slurm-finops check; mend it in Slurm (sacctmgr show runawayjobs)"
    if cause is Cause.GONE:
        return _gone(found, items)
    return f"collect it again, and reconcile: {_collect(found, items)}"


def _gone(found: Reconciled, items: Sequence[Difference]) -> str:
    if found.from_file:
        return "save a file that covers the whole period and all users, and reconcile with it"
    if any(isinstance(item.key[1], str) for item in items):
        return ("collected from a file without JobIDRaw, where no job can be found again; save it "
                "anew with: slurm-finops collect sacct --print-command")  # fmt: skip
    return ("slurmdbd may have purged it (sacctmgr show config, PurgeJobAfter) or lost it; the "
            "ledger keeps it, and a file saved before can prove it: --file")  # fmt: skip


def _collect(found: Reconciled, items: Sequence[Difference] | None = None) -> str:
    """The command that collects runs; with none given, the whole period, with () what is new."""
    if found.from_file:
        return f"slurm-finops collect sacct --file {visible(found.source)}"
    if items is not None and not items:
        return "slurm-finops collect sacct"
    comparison, calendar = found.comparison, found.calendar
    seen = [side for item in items or () for side in (item.ledger, item.source) if side]
    starts = [max(one.start or 0, comparison.start) for one in seen]
    ends = [min(max(one.stop, one.start or 0), comparison.end - 1) for one in seen]
    first = calendar.day_of(min(starts, default=comparison.start))
    last = calendar.day_of(max(ends, default=comparison.end - 1)) + 1
    return f"slurm-finops collect sacct --since {day_date(first)} --until {day_date(last)}"


_COLUMNS = ("account TRES-seconds_of ledger other_hours runs suspended reserved sreport "
            "unexplained").split()  # fmt: skip


def _control(found: Reconciled) -> Iterator[str]:
    if found.hours is None:
        return
    if found.rolled > found.hours[0]:
        first, last = map(found.calendar.isoformat, (found.hours[0], found.rolled))
        yield f"against sreport, in its whole hours from {first} to {last}"
        rows = [[name.replace("_", " ") for name in _COLUMNS]]
        for row in found.control:
            figures = [f"{row.ledger:,}", *map(_signed, row[3:7]), f"{row.control:,}",
                       _signed(row.unexplained)]  # fmt: skip
            rows.append([visible(row.account), visible(row.tres), *figures])
        if len(rows) > 1:
            yield from aligned(rows, 2)
    yield from _control_steps(found)


def _control_steps(found: Reconciled) -> list[str]:
    if found.hours is None:
        return []
    lines = []
    start, end = found.hours
    if start >= end:
        lines.append("sreport was not asked: no whole hour has passed in this period")
    elif found.rolled < end:
        lines.append(
            f"sreport has nothing of {_utc(found.rolled)} to {_utc(end)} (UTC): slurmdbd rolls up "
            f"after each hour; an administrator can do it now: {_roll(found.rolled, end)}"
        )
    if any(row.unexplained for row in found.control):
        lines.append(
            "unexplained: roll up again, as an administrator, in case a run changed after it was "
            f"rolled up: {_roll(start, found.rolled)}; runs without an association (sacct -o "
            "AssocID) are in no total of sreport"
        )
    return lines


def _roll(start: int, end: int) -> str:
    return f"TZ=UTC sacctmgr -i roll {_utc(start)} {_utc(end)}"


def _utc(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}"


def _verdict(found: Reconciled) -> str:
    names = ("run", "unreadable record", "total")
    bad = [count(n, name) for n, name in zip(found.unexplained, names, strict=True) if n]
    if bad:
        return f"not reconciled: {', '.join(bad)} unexplained"
    differ = len(found.comparison.differences)
    if differ:
        return f"reconciled: {count(differ, 'run differs', 'runs differ')}, all explained"
    return "reconciled: no run differs"

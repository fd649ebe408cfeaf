"""Whether chargeback may begin, as a table for a terminal and as JSON."""

from collections.abc import Iterator
from typing import Any

from slurm_finops.core.money import grouped, minor_text
from slurm_finops.core.period import day_date
from slurm_finops.core.words import count
from slurm_finops.reports.format import full_date, visible
from slurm_finops.reports.readiness import (
    COUNT,
    COVERAGE,
    PERCENT,
    TAGS,
    TEAMS,
    UNOWNED,
    Behind,
    Readiness,
    Signal,
)
from slurm_finops.reports.tables import aligned, not_of_today, without_rate

#: What a signal is called.
HEADS = {
    COVERAGE: "coverage", TEAMS: "teams to mend", UNOWNED: "on nobody", TAGS: "tags that differ",
}  # fmt: skip
_PEOPLE = 5


def readiness_text(found: Readiness) -> str:
    """The verdict, the signals week by week, and of each that is not good what is behind it."""
    lines = [_verdict(found), _span(found), "", *aligned([*_rows(found)], 1)]
    for signal in found.signals:
        if not signal.ok:
            lines += ["", *_section(found, signal)]
    warnings = notes(found)
    return "\n".join([*lines, *([""] if warnings else []), *warnings]) + "\n"


def _verdict(found: Readiness) -> str:
    if found.ready:
        return "ready: chargeback may begin"
    bad = ", ".join(HEADS[signal.name] for signal in found.signals if not signal.ok)
    return f"not yet: chargeback is premature because of {bad}"


def _span(found: Readiness) -> str:
    first, last = day_date(found.weeks[0].first), day_date(found.weeks[-1].last - 1)
    return f"{count(len(found.weeks), 'whole week')}, {full_date(first)} to {full_date(last)}, " + (
        found.currency
    )


def _rows(found: Readiness) -> Iterator[tuple[str, ...]]:
    signals = found.signals
    yield ("week", *(HEADS[signal.name] for signal in signals))
    for i, week in enumerate(found.weeks):
        yield week.label, *(figure_text(found, signal, signal.trend[i]) for signal in signals)
    # of coverage the lowest week decides; the others are of all weeks together
    yield "decides", *(figure_text(found, signal, signal.figure) for signal in signals)
    yield "wanted", *(figure_text(found, signal, _wanted(found, signal)) for signal in signals)
    yield "verdict", *("ok" if signal.ok else "not yet" for signal in signals)


def _wanted(found: Readiness, signal: Signal) -> int:
    return found.asked.coverage if signal.unit == PERCENT else 0


def figure_text(found: Readiness, signal: Signal, figure: int | None) -> str:
    """A figure of a signal; a dash where nothing is known."""
    if figure is None:
        return "–"
    if signal.unit == PERCENT:
        return f"{minor_text(figure, 2)}%"
    return f"{figure:,}" if signal.unit == COUNT else grouped(figure, found.digits)


def _section(found: Readiness, signal: Signal) -> Iterator[str]:
    yield f"{HEADS[signal.name]}: {signal.says}"
    for one in signal.behind:
        runs = [count(one.runs, "run")] if one.runs else []
        cost = f"{grouped(one.minor, found.digits)} {found.currency}"
        of = [f"of {_people(one)}"] if one.people else []
        about = ", ".join([visible(one.name), *runs, cost, *of])
        yield f"  {about}: {visible(one.detail)}"
        yield f"    → {visible(one.mend)}"
    if signal.more:
        yield f"  and {signal.more:,} more, which cost less"
    if signal.mend:
        yield f"  → {signal.mend}"


def _people(one: Behind) -> str:
    named = ", ".join(map(visible, one.people[:_PEOPLE]))
    more = len(one.people) - _PEOPLE
    return f"{named} and {more:,} more" if more > 0 else named


def notes(found: Readiness) -> list[str]:
    """What a reader must know of these figures, a line each."""
    return [*not_of_today(found.waiting, found.stale), *without_rate(found.unpriced)]


def readiness_json(found: Readiness) -> dict[str, Any]:
    """The same for programs: days are half-open, money and per cents are decimal texts."""
    return {
        "ready": found.ready, "currency": found.currency,
        "from": str(day_date(found.weeks[0].first)), "until": str(day_date(found.weeks[-1].last)),
        "weeks": [week.label for week in found.weeks], "weeks_known": found.known,
        "wanted": {
            "coverage": minor_text(found.asked.coverage, 2), "weeks": found.asked.weeks,
            "edits": found.asked.edits,
        },
        "signals": [_signal_json(found, signal) for signal in found.signals],
        "waiting_runs": found.waiting, "stale": found.stale,
        "unpriced": [
            {"sku": item.sku, "runs": item.runs, "unit_seconds": item.unit_seconds}
            for item in found.unpriced
        ],
    }  # fmt: skip


def _signal_json(found: Readiness, signal: Signal) -> dict[str, Any]:
    def figure(value: int | None) -> Any:
        if value is None or signal.unit == COUNT:
            return value
        return minor_text(value, 2 if signal.unit == PERCENT else found.digits)

    return {
        "name": signal.name, "ok": signal.ok, "unit": signal.unit,
        "figure": figure(signal.figure), "trend": [figure(value) for value in signal.trend],
        "says": signal.says, "mend": signal.mend or None,
        "behind": [
            {"name": one.name, "detail": one.detail, "cost": minor_text(one.minor, found.digits),
             "runs": one.runs, "people": list(one.people), "mend": one.mend}
            for one in signal.behind
        ],
        "more": signal.more,
    }  # fmt: skip

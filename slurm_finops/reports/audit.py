"""The audit as a table for a terminal, as JSON and CSV for other programs."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from slurm_finops.core.period import Calendar
from slurm_finops.ledger.audited import Entry
from slurm_finops.reports.format import visible
from slurm_finops.reports.tables import aligned, harmless

_HEAD = ("at", "by", "action", "detail")


def table(found: Sequence[Entry], calendar: Calendar, earlier: int) -> Iterator[str]:
    """A line an entry, aligned, the newest last; first how many ``earlier`` ones there are."""
    if earlier:
        yield f"and {earlier:,} earlier: --last"
    if found:
        texts = (map(visible, (one.actor, one.action, one.detail)) for one in found)
        times = (calendar.isoformat(one.at) for one in found)
        lines = [(at, *said) for at, said in zip(times, texts, strict=True)]
        yield from aligned([_HEAD, *lines], len(_HEAD))


def rows(
    found: Iterable[Entry], calendar: Calendar, people: str
) -> Iterator[dict[str, str | None]]:
    """Entries for other programs; times in ISO 8601.

    Where people are not named there, neither is who did it, nor is said what was
    done: it may name whose run was credited, or who approved a price.
    """
    for one in found:
        by, detail = (one.actor, one.detail) if people == "names" else (None, None)
        yield {"at": calendar.isoformat(one.at), "by": by, "action": one.action, "detail": detail}


def csv_lines(made: Iterable[dict[str, str | None]]) -> Iterator[str]:
    """A header line and a line an entry; texts that look like formulas get an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEAD)
    for row in made:
        writer.writerow([harmless(row[name] or "") for name in _HEAD])
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    yield text.getvalue()  # the header alone, where there is nothing

"""A journal as CSV, in the columns that a site's finance system takes."""

import csv
import io
from collections.abc import Iterable, Iterator

from slurm_finops.core.characters import harmless
from slurm_finops.core.journal import Entry, Line, counters, memo
from slurm_finops.core.journal_layout import Column, Layout
from slurm_finops.core.money import minor_text
from slurm_finops.core.period import day_date
from slurm_finops.core.words import shown
from slurm_finops.errors import InputError


def journal_csv(entries: Iterable[Entry], layout: Layout, currency: str, digits: int) -> bytes:
    """The file as it is sent.  Raises `InputError` for a text that its encoding has no sign for.

    Cells that hold what anybody typed get an apostrophe where a spreadsheet would take
    them for a formula; lines end in CRLF (RFC 4180).
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=layout.delimiter)
    if layout.header:
        writer.writerow([column.name for column in layout.columns])
    for values in _rows(entries, layout, currency, digits):
        writer.writerow([_cell(column, values) for column in layout.columns])
    try:
        return out.getvalue().encode(layout.encoding)
    except UnicodeEncodeError as error:
        line = out.getvalue().count("\n", 0, error.start) + 1
        sign = shown(error.object[error.start : error.end])
        raise InputError(
            f"line {line} of the file has {sign}, which {layout.encoding} cannot write; give "
            '[journal] encoding = "utf-8" in finops.toml, or no column that holds it'
        ) from None


def _cell(column: Column, values: dict[str, str]) -> str:
    text = column.cell(values)
    return harmless(text) if column.is_free else text


def _rows(
    entries: Iterable[Entry], layout: Layout, currency: str, digits: int
) -> Iterator[dict[str, str]]:
    for entry in entries:
        for line in entry.lines:
            yield _texts(entry, line) | _figures(entry, line, layout, digits) | {
                "currency": currency
            }


def _texts(entry: Entry, line: Line) -> dict[str, str]:
    return {
        "external_id": line.external_id,
        "entry_id": entry.entry_id,
        "statement": entry.statement,
        "period": entry.period,
        "account": line.account,
        "counter": ", ".join(counters(entry, line)),
        "category": line.category,
        "correction": "correction" if line.correction else "",
        "memo": memo(entry, line),
        "fund": line.fund,
        "entity": entry.entity,
        "team": line.team,
        "project": line.project,
        "cost_center": line.cost_center,
    }


def _figures(entry: Entry, line: Line, layout: Layout, digits: int) -> dict[str, str]:
    """Amounts and the date.  Of debit and credit the one that is not meant is empty."""
    is_debit = line.amount > 0
    unsigned = minor_text(abs(line.amount), digits).replace(".", layout.decimal)
    return {
        "date": layout.day(day_date(entry.day)),
        "debit": unsigned if is_debit else "",
        "credit": "" if is_debit else unsigned,
        "unsigned": unsigned,
        "amount": unsigned if is_debit else f"-{unsigned}",
        "side": layout.sides[0 if is_debit else 1],
    }

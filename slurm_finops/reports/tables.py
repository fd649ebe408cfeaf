"""A report as a table for a terminal, as JSON and CSV for other programs."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from slurm_finops.core.characters import harmless as harmless  # tables of others want it
from slurm_finops.core.money import grouped, minor_text
from slurm_finops.core.words import count
from slurm_finops.reports.format import (
    columns,
    cost,
    counted,
    gpu_hours,
    money,
    shown,
    visible,
)
from slurm_finops.reports.locale import PLAIN
from slurm_finops.reports.view import Header, Report, Row, Unpriced

_HELD = 10
_MONEY = ("list", "effective", "billed", "forgiven", "subsidised", "credited", "rounded")


def _figures(row: Row, digits: int) -> dict[str, Any]:
    return {
        "runs": row.runs,
        "gpu_seconds": row.gpu_seconds,
        **{
            f"{name}_cost": minor_text(getattr(row, f"{name}_minor"), digits) for name in _MONEY
        },
    }


def report_json(report: Report) -> dict[str, Any]:
    """The contract's answer; money is a decimal text."""
    header, spend = report.header, report.spend
    digits = header.digits
    return {
        "currency": header.currency,
        "period": {"start": header.start, "end": header.end},
        "by": list(spend.by),
        "rows": [
            dict(zip(spend.by, row.key, strict=True)) | _figures(row, digits) for row in spend.rows
        ],
        "total": _figures(spend.total, digits),
        "provisional": {
            "runs": report.provisional_runs,
            "effective_cost": minor_text(report.provisional_minor, digits),
        },
        "unpriced": {"runs": report.unpriced_runs, "gpu_seconds": report.unpriced_gpu_seconds},
    }


def report_csv(report: Report) -> str:
    """A header line and a line a row; texts that look like formulas get an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    digits = report.header.digits
    figures = list(_figures(report.spend.total, digits))
    writer.writerow([*report.spend.by, *figures, "currency"])
    for row in report.spend.rows:
        names = ["" if value is None else harmless(value) for value in row.key]
        writer.writerow([*names, *_figures(row, digits).values(), report.header.currency])
    return out.getvalue()


def table_text(report: Report) -> str:
    """The report for a terminal, in plain English, with what must be known under it."""
    report = replace(report, header=replace(report.header, locale=PLAIN))
    header, spend = report.header, report.spend
    rows = [[*spend.by, "runs", "GPU-hours", *_money_names(report)]]
    for row in spend.rows:
        names = [
            shown(name, value, row.runs) for name, value in zip(spend.by, row.key, strict=True)
        ]
        money = [cost(m, row, header) for m in _shown_money(report, row)]
        rows.append([*names, f"{row.runs:,}", gpu_hours(row.gpu_seconds), *money])
    total = spend.total
    rows.append([
        "total", *[""] * (len(spend.by) - 1), f"{total.runs:,}", gpu_hours(total.gpu_seconds),
        *(grouped(m, header.digits) for m in _shown_money(report, total)),
    ])  # fmt: skip
    title = f"{header.label} by {', '.join(spend.by)}"
    return "\n".join([title, *aligned(rows, len(spend.by)), *notes(report)]) + "\n"


def aligned(rows: Sequence[Sequence[str]], names: int) -> Iterator[str]:
    """Columns of a fixed-width font: ``names`` to the left, the figures to the right."""
    widths = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = []
        for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
            space = " " * (width - columns(cell))
            cells.append(cell + space if i < names else space + cell)
        yield "  ".join(cells).rstrip()


#: Columns of money in their order: what they are called.
_SHOWN = {
    "list": "list_minor", "rounding": "rounded_minor", "effective": "effective_minor",
    "forgiven": "forgiven_minor", "subsidised": "subsidised_minor",
    "credited": "credited_minor", "billed": "billed_minor",
}  # fmt: skip


def _columns(report: Report) -> list[str]:
    """Effective cost, and of the others those that say something that it does not."""
    rows = (*report.spend.rows, report.spend.total)
    return [
        name for name in _SHOWN
        if name == "effective" or any(
            _minor(row, name) != (row.effective_minor if name in ("list", "billed") else 0)
            for row in rows
        )
    ]  # fmt: skip


def _minor(row: Row, name: str) -> int:
    return int(getattr(row, _SHOWN[name]))


def _money_names(report: Report) -> list[str]:
    names, currency = _columns(report), report.header.currency
    return [f"{name} {currency}" for name in names] if len(names) > 1 else [currency]


def _shown_money(report: Report, row: Row) -> list[int]:
    return [_minor(row, name) for name in _columns(report)]


def notes(report: Report) -> list[str]:
    """What a reader must know of these figures, a line each."""
    header, lines = report.header, warnings(report)
    if report.provisional_runs:
        lines.append(
            f"{counted(report.provisional_runs, 'run', header)} had not ended when collected: "
            f"{money(report.provisional_minor, header)} of the total may still grow"
        )
    lines += without_rate(report.unpriced, header)
    if report.held:
        lines.append(f"held unbilled: {_first(report.held)}")
    if report.problems:
        records = counted(report.problems, "record", header)
        lines.append(f"{records}, of any period, could not be read (slurm-finops problems)")
    return lines


def without_rate(unpriced: Sequence[Unpriced], header: Header | None = None) -> list[str]:
    """What was held and is in no figure of money, a line a SKU."""
    return [
        f"warning: no rate for {visible(item.sku)}: {counted(item.runs, 'run', header)}, "
        f"{gpu_hours(item.unit_seconds, header)} unit-hours are in no cost"
        for item in unpriced
    ]


def warnings(report: Report) -> list[str]:
    """Why the figures are not today's truth, and what makes them so."""
    return not_of_today(report.waiting, report.stale)


def not_of_today(waiting: int, stale: bool) -> list[str]:
    """The same of any figures: how many runs are not priced yet, whether prices have changed."""
    lines = []
    if waiting:
        lines.append(
            f"warning: {count(waiting, 'run is', 'runs are')} not priced yet and in no "
            "figure here; run: slurm-finops price"
        )
    if stale:
        lines.append(
            "warning: prices, policies, credits, pools or lines have changed since these figures "
            "were made; run: slurm-finops price"
        )
    return lines


def _first(names: tuple[str, ...]) -> str:
    """Some names, and how many there are beside them."""
    more = [f"and {len(names) - _HELD:,} more"] if len(names) > _HELD else []
    return ", ".join([*map(visible, names[:_HELD]), *more])

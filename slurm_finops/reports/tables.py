"""A report as a table for a terminal, as JSON and CSV for other programs."""

import csv
import io
from typing import Any

from slurm_finops.core.money import minor_text
from slurm_finops.core.words import count
from slurm_finops.reports.format import cost, gpu_hours, grouped, shown, visible
from slurm_finops.reports.view import Report, Row

_HELD = 10
_MONEY = ("list_cost", "effective_cost", "billed_cost")
#: What a spreadsheet would take for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _figures(row: Row, digits: int) -> dict[str, Any]:
    money = (row.list_minor, row.effective_minor, row.billed_minor)
    return {
        "runs": row.runs,
        "gpu_seconds": row.gpu_seconds,
        **{name: minor_text(m, digits) for name, m in zip(_MONEY, money, strict=True)},
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
    writer.writerow([*report.spend.by, *figures])
    for row in report.spend.rows:
        names = ["" if value is None else _harmless(value) for value in row.key]
        writer.writerow([*names, *_figures(row, digits).values()])
    return out.getvalue()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def table_text(report: Report) -> str:
    """The report for a terminal, with what must be known under it."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    header, spend = report.header, report.spend
    out = Table(title=Text(f"{header.label} by {', '.join(spend.by)}"), title_justify="left",
                box=None, pad_edge=False, show_footer=True)  # fmt: skip
    total = [
        f"{spend.total.runs:,}", gpu_hours(spend.total.gpu_seconds),
        *(grouped(m, header.digits) for m in _shown_money(report, spend.total)),
    ]  # fmt: skip
    for i, name in enumerate(spend.by):
        out.add_column(name, footer="total" if i == 0 else "", overflow="fold")
    names = ["runs", "GPU-hours", *_money_names(report)]
    for name, footer in zip(names, total, strict=True):
        out.add_column(name, footer=footer, justify="right")
    for row in spend.rows:
        labels = [
            Text(shown(name, value)) for name, value in zip(spend.by, row.key, strict=True)
        ]
        money = [cost(m, row, header.digits) for m in _shown_money(report, row)]
        out.add_row(*labels, f"{row.runs:,}", gpu_hours(row.gpu_seconds), *money)
    text = io.StringIO()
    console = Console(file=text, width=400, color_system=None, highlight=False)
    console.print(out)
    lines = [line.rstrip() for line in text.getvalue().splitlines()]
    return "\n".join([*lines, *notes(report)]) + "\n"


def _differs(report: Report) -> bool:
    """Whether list cost says something that billed cost does not."""
    rows = (*report.spend.rows, report.spend.total)
    return any(row.list_minor != row.billed_minor for row in rows)


def _money_names(report: Report) -> list[str]:
    currency = report.header.currency
    return [f"list {currency}", f"billed {currency}"] if _differs(report) else [currency]


def _shown_money(report: Report, row: Row) -> list[int]:
    return [row.list_minor, row.billed_minor] if _differs(report) else [row.billed_minor]


def notes(report: Report) -> list[str]:
    """What a reader must know of these figures, a line each."""
    header, lines = report.header, warnings(report)
    if report.provisional_runs:
        money = grouped(report.provisional_minor, header.digits)
        lines.append(
            f"{count(report.provisional_runs, 'run')} had not ended when collected: "
            f"{money} {header.currency} of the total may still grow"
        )
    for item in report.unpriced:
        lines.append(
            f"warning: no rate for {visible(item.sku)}: {count(item.runs, 'run')}, "
            f"{gpu_hours(item.unit_seconds)} unit-hours are in no cost"
        )
    if report.held:
        lines.append(f"held unbilled: {_first(report.held)}")
    if report.problems:
        records = count(report.problems, "record")
        lines.append(f"{records}, of any period, could not be read (slurm-finops problems)")
    return lines


def warnings(report: Report) -> list[str]:
    """Why the figures are not today's truth, and what makes them so."""
    lines = []
    if report.waiting:
        lines.append(
            f"warning: {count(report.waiting, 'run is', 'runs are')} not priced yet and in no "
            "figure here; run: slurm-finops price"
        )
    if report.stale:
        lines.append(
            "warning: prices have changed since these figures were made; run: slurm-finops price"
        )
    return lines


def _first(names: tuple[str, ...]) -> str:
    """Some names, and how many there are beside them."""
    more = [f"and {len(names) - _HELD:,} more"] if len(names) > _HELD else []
    return ", ".join([*map(visible, names[:_HELD]), *more])

"""A statement for other programs: JSON with its sections and lines, CSV with its lines."""

import csv
import io
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from slurm_finops.core.money import MICROS, exact_text, minor_text
from slurm_finops.core.period import day_date
from slurm_finops.core.posted import Posted
from slurm_finops.reports.statement import CORRECTIONS, SECTIONS, USAGE, Row, Statement
from slurm_finops.reports.tables import harmless

#: What is said of a line before its money, as CSV and JSON call it.
COLUMNS = (
    "line", "period", "statement", "original", "correction", "day", "cluster", "team", "project",
    "experiment", "environment", "model", "cost_center", "category", "sku", "pricing", "origin",
    "method", "class", "fund", "account", "entity", "unit_seconds",
)  # fmt: skip


def statement_json(view: Statement) -> dict[str, Any]:
    """Names as they are; money is a decimal text; what there is none of is null."""
    issue, header = view.issue, view.header

    def money(minor: int) -> str:
        return minor_text(minor, header.digits)

    return {
        "number": issue.number or None, "state": issue.state, "entity": issue.entity or None,
        "kind": issue.kind, "owner": issue.owner, "currency": header.currency,
        "period": {"label": header.label, "start": header.start, "end": header.end},
        "closed_at": None if issue.closed_at is None else closed_at(view).isoformat(),
        "closed_by": issue.closed_by or None,
        "sha256": issue.sha256 or None, "head": issue.head or None,
        "net": money(view.net_minor), "tax": money(view.tax_minor),
        "total": money(view.total_minor),
        "opening": money(issue.opening_minor), "opening_periods": issue.opening_label or None,
        "closing": money(view.closing_minor),
        "sections": [
            {"section": one.name, "billed_cost": money(one.minor),
             "rows": [_row(one.name, row) | {"billed_cost": money(row.minor)} for row in one.rows]}
            for one in view.sections
        ],
        "held": [{"why": why, "billed_cost": money(minor)} for why, minor in issue.held],
        "booked_by": [
            payer._asdict() | {"billed_cost": money(minor)} for payer, minor in view.books
        ],
        "waived": [{"check": check, "why": why} for check, why in issue.waived],
        "notes": list(issue.notes),
        "lines": [
            dict(zip(COLUMNS, _values(one), strict=True)) | {"billed_cost": money(one.billed_minor)}
            for one in view.lines
        ],
    }  # fmt: skip


def closed_at(view: Statement) -> datetime:
    """When the period was closed, in the billing zone; not of a draft."""
    assert view.issue.closed_at is not None
    return datetime.fromtimestamp(view.issue.closed_at, ZoneInfo(view.header.timezone))


def statement_csv(view: Statement) -> str:
    """A header line and a line a line; texts that look like formulas get an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*COLUMNS, "billed_cost", "currency"])
    header = view.header
    for one in view.lines:
        money = minor_text(one.billed_minor, header.digits)
        writer.writerow([*map(_cell, _values(one)), money, header.currency])
    return out.getvalue()


def _values(one: Posted) -> tuple[str | int | bool | None, ...]:
    """A line's `COLUMNS`; None: no such tag."""
    return (
        one.line, one.period, one.statement, one.original, one.correction, str(day_date(one.day)),
        one.cluster, *one.tags, *one.item, *one.payer, one.unit_seconds,
    )  # fmt: skip


def _cell(value: str | int | bool | None) -> str | int:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, int) else harmless(value or "")


def _row(section: str, row: Row) -> dict[str, Any]:
    names = {name: "class" if name == "of_class" else name for name in SECTIONS[section]}
    values = {shown: getattr(row, name) for name, shown in names.items()}
    if section not in (USAGE, CORRECTIONS):
        return values
    price = {} if section == CORRECTIONS else {"unit_price": _price(row)}
    return values | {"unit_seconds": row.unit_seconds} | price


def _price(row: Row) -> str | None:
    """Of a unit-hour; None where it varied."""
    micros = row.micros_an_hour
    return None if micros is None else exact_text(micros, MICROS, 2)

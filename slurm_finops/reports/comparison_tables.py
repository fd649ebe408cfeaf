"""A comparison as a table for a terminal, as JSON and CSV for other programs."""

import csv
import io
from typing import Any

from slurm_finops.core.money import grouped, minor_text
from slurm_finops.core.words import count
from slurm_finops.reports.comparison import Column, Comparison, Cost
from slurm_finops.reports.format import gpu_hours, in_period, shortened, shown, visible
from slurm_finops.reports.tables import aligned, harmless
from slurm_finops.reports.view import Key

_NAME_WIDTH = 28
_NOTHING = "–"


def comparison_json(found: Comparison) -> dict[str, Any]:
    """All of it; money is a decimal text, and null where nothing has a price."""
    return {
        "currency": found.header.currency,
        "period": {"start": found.header.start, "end": found.header.end},
        "by": list(found.by),
        "lists": [_list_json(found, column) for column in found.columns],
    }


def _list_json(found: Comparison, column: Column) -> dict[str, Any]:
    digits = found.header.digits
    total = {
        "usage": column.usage_minor, "lines": column.lines_minor, "all": column.all_minor,
    }  # fmt: skip
    return {
        "name": column.name,
        "granularity": column.granularity,
        "minimum": column.minimum,
        "rows": [
            dict(zip(found.by, key, strict=True)) | _figures(column.costs[key], digits)
            for key in found.keys if key in column.costs
        ],
        "lines": [
            {"name": line.name, "amount": minor_text(line.amount_minor, digits)}
            for line in column.lines
        ],
        "total": {name: minor_text(minor, digits) for name, minor in total.items()},
        "unpriced": {
            "runs": column.unpriced_runs,
            "skus": [bare._asdict() for bare in column.unpriced],
        },
    }  # fmt: skip


def _figures(cost: Cost, digits: int) -> dict[str, Any]:
    return {
        "cost": None if cost.minor is None else minor_text(cost.minor, digits),
        "gpu_seconds": cost.gpu_seconds,
        "booked_gpu_seconds": cost.booked_gpu_seconds,
    }


def comparison_csv(found: Comparison) -> str:
    """A line for each list and owner, and for each of a list's lines, which name no owner.

    So the costs of a list sum to its whole total.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header = found.header
    writer.writerow(
        ["list", *found.by, "line", "gpu_seconds", "booked_gpu_seconds", "cost", "currency"]
    )
    for column in found.columns:
        name = harmless(column.name)
        for key in (key for key in found.keys if key in column.costs):
            owner = ["" if value is None else harmless(value) for value in key]
            figures = _figures(column.costs[key], header.digits)
            cost = figures.pop("cost") or ""
            writer.writerow([name, *owner, "", *figures.values(), cost, header.currency])
        for line in column.lines:
            cost = minor_text(line.amount_minor, header.digits)
            writer.writerow([name, *[""] * len(found.by), harmless(line.name), "", "", cost,
                             header.currency])  # fmt: skip
    return out.getvalue()


def comparison_text(found: Comparison) -> str:
    """Owners as rows, lists as columns; then lines, totals, and the difference to the first."""
    header, by, columns = found.header, found.by, found.columns
    names = [shortened(visible(column.name), _NAME_WIDTH) for column in columns]
    rows = [[*by, *names]]
    for key in found.keys:
        behind = found.behind(key)
        owner = [shown(name, value, behind) for name, value in zip(by, key, strict=True)]
        rows.append([*owner, *(_cost(found, column, key) for column in columns)])
    rows += ([name, *[""] * (len(by) - 1), *cells] for name, cells in _foot(found))
    title = f"{header.label} by {', '.join(by)}, {header.currency}"
    return "\n".join([title, *aligned(rows, len(by)), *notes(found)]) + "\n"


def _cost(found: Comparison, column: Column, key: Key) -> str:
    cost = column.costs.get(key)
    if cost is None or cost.minor is None:
        return _NOTHING
    return grouped(cost.minor, found.header.digits)


def _foot(found: Comparison) -> list[tuple[str, list[str]]]:
    """The rows below the owners'."""
    digits, columns = found.header.digits, found.columns
    whole = [column.all_minor for column in columns]
    foot = []
    if any(column.lines for column in columns):
        foot.append(("usage", [grouped(column.usage_minor, digits) for column in columns]))
    for name in dict.fromkeys(line.name for column in columns for line in column.lines):
        amounts = [dict(column.lines).get(name) for column in columns]
        foot.append((
            shortened(visible(name), _NAME_WIDTH),
            [_NOTHING if amount is None else grouped(amount, digits) for amount in amounts],
        ))  # fmt: skip
    foot.append(("total", [grouped(minor, digits) for minor in whole]))
    foot.append(("difference", ["", *(_signed(minor - whole[0], digits) for minor in whole[1:])]))
    foot.append(("GPU-hours booked", [gpu_hours(column.booked_gpu_seconds) for column in columns]))
    return foot


def _signed(minor: int, digits: int) -> str:
    return f"+{grouped(minor, digits)}" if minor > 0 else grouped(minor, digits)


def notes(found: Comparison) -> list[str]:
    """What a reader must know of these figures, a line each."""
    lines = []
    if not found.keys:
        lines.append(f"nothing was held {in_period(found.header)}")
    if found.waiting:
        lines.append(
            f"warning: {count(found.waiting, 'run is', 'runs are')} new or changed since pricing: "
            "the lists have them as they are now, the ledger's own charges do not; "
            "run: slurm-finops price"
        )
    if found.stale:
        lines.append(
            "warning: prices have changed since the ledger's own charges were made; "
            "run: slurm-finops price"
        )
    lines += (
        f"warning: {visible(column.name)}: no rate for {visible(bare.sku)}: "
        f"{count(bare.runs, 'run')}, {gpu_hours(bare.unit_seconds)} unit-hours are in no cost of it"
        for column in found.columns for bare in column.unpriced
    )  # fmt: skip
    skus = [{bare.sku for bare in column.unpriced} for column in found.columns]
    if any(names != skus[0] for names in skus):
        lines.append(
            "the lists do not price the same usage: a difference is also of what one leaves out"
        )
    return lines

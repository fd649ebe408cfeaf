"""A past period as it was charged, and as other terms would have it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from slurm_finops.core.money import apportion_ticks, grouped, minor_text
from slurm_finops.core.period import Period
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope, unpriced
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.format import gpu_hours, shown, visible
from slurm_finops.reports.tables import aligned

Key = tuple[str | None, ...]


@dataclass(frozen=True)
class Row:
    """An owner's effective cost in minor units, as it is and as it would be."""

    key: Key
    now_minor: int
    then_minor: int
    #: how many runs are behind it
    runs: int = 0


@dataclass(frozen=True)
class Rehearsal:
    """All owners, the costliest first; each column sums to its own rounded total."""

    label: str
    by: tuple[str, ...]
    rows: tuple[Row, ...]
    #: ``(sku, runs, unit-seconds)`` that the other terms have no rate for
    unpriced: tuple[tuple[str, int, int], ...] = ()

    @property
    def total(self) -> Row:
        return Row((), sum(r.now_minor for r in self.rows), sum(r.then_minor for r in self.rows))


def rehearsal(
    now: Ledger, then: Ledger, period: Period, by: Sequence[str], digits: int
) -> Rehearsal:
    """Compare two ledgers of the same runs."""
    scope = Scope(period.first, period.last)
    found = [{row.key: row for row in spend(one.db, scope, by)} for one in (now, then)]
    costs = [{key: row.effective_ticks for key, row in rows.items()} for rows in found]
    runs = {key: row.runs for rows in found for key, row in rows.items()}
    keys = sorted(costs[0].keys() | costs[1].keys(), key=lambda key: tuple(v or "" for v in key))
    minor = [apportion_ticks([cost.get(key, 0) for key in keys], digits, range(len(keys)))
             for cost in costs]  # fmt: skip
    rows = [Row(key, a, b, runs[key]) for key, a, b in zip(keys, *minor, strict=True)]
    rows.sort(key=lambda row: -row.now_minor)
    return Rehearsal(period.label, tuple(by), tuple(rows), tuple(unpriced(then.db, scope)))


def rehearsal_json(found: Rehearsal, currency: str, digits: int) -> dict[str, Any]:
    """Money is a decimal text."""
    return {
        "period": found.label, "currency": currency, "by": list(found.by),
        "rows": [dict(zip(found.by, row.key, strict=True)) | _money(row, digits)
                 for row in found.rows],
        "total": _money(found.total, digits),
        "unpriced": [{"sku": sku, "runs": runs, "unit_seconds": seconds}
                     for sku, runs, seconds in found.unpriced],
    }  # fmt: skip


def _money(row: Row, digits: int) -> dict[str, str]:
    money = {"effective_cost": row.now_minor, "what_if_cost": row.then_minor,
             "difference": row.then_minor - row.now_minor}  # fmt: skip
    return {name: minor_text(minor, digits) for name, minor in money.items()}


def rehearsal_text(found: Rehearsal, currency: str, digits: int) -> str:
    """A table for a terminal."""
    rows: list[tuple[str, ...]] = [(*found.by, f"now {currency}", "what if", "difference")]
    for row in (*found.rows, found.total):
        names = [shown(name, v, row.runs) for name, v in zip(found.by, row.key, strict=False)]
        names = names or ["total", *[""] * (len(found.by) - 1)]
        money = row.now_minor, row.then_minor, row.then_minor - row.now_minor
        rows.append((*names, *(grouped(minor, digits) for minor in money)))
    lines = [f"{found.label} by {', '.join(found.by)}, effective cost"]
    lines += aligned(rows, len(found.by))
    lines += [
        f"warning: no rate for {visible(sku)}: {runs:,} runs, {gpu_hours(seconds)} unit-hours "
        "would be in no cost"
        for sku, runs, seconds in found.unpriced
    ]
    return "\n".join(lines) + "\n"

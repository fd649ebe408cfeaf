"""What a service centre recovered, year by year: ledger -> figures -> table, JSON, CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from slurm_finops.billing.recovery import Recovery, counted_until, fiscal_years, recovery
from slurm_finops.billing.utilisation import Utilisation, utilisation
from slurm_finops.core.money import grouped, minor_text
from slurm_finops.core.period import Period, day_date
from slurm_finops.core.recovery import balances
from slurm_finops.core.words import count
from slurm_finops.ledger.allocation import unallocated
from slurm_finops.ledger.pricing import waiting
from slurm_finops.ledger.store import Ledger
from slurm_finops.reports.build import is_stale
from slurm_finops.reports.format import gpu_hours, visible
from slurm_finops.reports.site import Site
from slurm_finops.reports.tables import aligned, harmless, not_of_today

#: Figures of a pool that rates recover, in the order in which they add up, and of one that
#: covers use: its cost is borne by use and unused.
BALANCE = ("opening", "cost", "billed", "subsidised", "recovered", "closing", "forgiven")
SHARES = ("cost", "borne_by_use", "unused", "beyond")
RECHARGE = "recharge"


class Line(NamedTuple):
    """A year of a pool; ``figures`` are minor units by the names of `BALANCE` or `SHARES`."""

    pool: str
    kind: str
    year: Period
    until: int
    figures: dict[str, int]


@dataclass(frozen=True)
class Recoveries:
    """All that is shown, counted on billing days before ``until``."""

    currency: str
    digits: int
    begins: tuple[int, int]
    until: int
    lines: list[Line]
    unpriced: list[tuple[str, str, int]]
    waiting: int
    stale: bool
    unallocated: int
    behind: bool


def recoveries(ledger: Ledger, site: Site, begins: tuple[int, int], last: Period) -> Recoveries:
    """Of all pools the fiscal years up to ``last``; ``site.as_of`` is now."""
    assert site.as_of is not None
    until = counted_until(ledger, site.calendar, site.as_of)
    what = site.allocation
    found = recovery(ledger, what.recharge, site.calendar, begins, last, until)
    lines = [*_recharged(found, site.digits), *_covering(ledger, site, begins, last, until)]
    years = range(min((line.year.first for line in lines), default=until), until)
    return Recoveries(
        site.currency, site.digits, begins, until, lines,
        [(one.pool.name, *bare) for one in found for bare in sorted(one.unpriced.items())],
        waiting(ledger), is_stale(ledger, site),
        sum(day in years for day in unallocated(ledger.db)),
        until < site.calendar.day_of(site.as_of),
    )  # fmt: skip


def _recharged(found: Sequence[Recovery], digits: int) -> Iterator[Line]:
    for one in found:
        booked = balances(one.flows, digits)
        for flow, balance in zip(one.flows, booked, strict=True):
            yield Line(one.pool.name, RECHARGE, flow.year, flow.until, balance._asdict())


def _covering(
    ledger: Ledger, site: Site, begins: tuple[int, int], last: Period, until: int
) -> Iterator[Line]:
    """Pools whose cost use bears, pool by pool; a year in which one was not there has no line."""
    pools = site.allocation.pools
    if not pools:
        return
    first = min(pool.first for pool in pools)
    used: dict[str, list[tuple[Period, Utilisation]]] = {}
    for year in fiscal_years(site.calendar, begins, first, last):
        for one in utilisation(ledger, pools, site.calendar, year):
            used.setdefault(one.pool.name, []).append((year, one))
    for name, years in used.items():
        for year, one in years:
            yield Line(name, one.pool.kind, year, min(year.last, until), _shares(one, site.digits))


def _shares(one: Utilisation, digits: int) -> dict[str, int]:
    used, unused, beyond = one.minor(digits)
    return {"cost": used + unused, "borne_by_use": used, "unused": unused, "beyond": beyond}


def recovery_text(found: Recoveries) -> str:
    """Tables for a terminal, with what must be known under them."""
    month, day = found.begins
    head = [f"fiscal years from {month:02d}-{day:02d}, {found.currency}"]
    tables = []
    if rates := [line for line in found.lines if line.kind == RECHARGE]:
        tables.append([*_table(found, rates, BALANCE), _LEGEND])
    if shared := [line for line in found.lines if line.kind != RECHARGE]:
        tables.append([*_table(found, shared, SHARES)])
    text = "\n\n".join("\n".join(lines) for lines in [head, *tables])
    return "\n".join([text, *notes(found)]) + "\n"


_LEGEND = "opening + recovered − cost = closing: above 0 too much was recovered, below 0 too little"


def _table(found: Recoveries, lines: Sequence[Line], names: Sequence[str]) -> Iterator[str]:
    rows = [("pool", "year", *(name.replace("_", " ") for name in names))]
    for line in lines:
        so_far = ", so far" if line.until < line.year.last else ""
        figures = (grouped(line.figures[name], found.digits) for name in names)
        rows.append((visible(line.pool), line.year.label + so_far, *figures))
    yield from aligned(rows, 2)


def notes(found: Recoveries) -> list[str]:
    """What a reader must know of these figures, a line each."""
    lines = not_of_today(found.waiting, found.stale and not found.unallocated)
    if found.unallocated:
        lines.append(
            f"warning: {count(found.unallocated, 'day')} of these years changed and not shared "
            "again since: what is borne by use is of before; run: slurm-finops price"
        )
    if found.behind:
        lines.append(
            f"warning: counted up to the end of {day_date(found.until - 1)}: nothing was priced "
            "since; run: slurm-finops price"
        )
    lines += (
        f"warning: {visible(pool)}: {gpu_hours(seconds)} unit-hours of {visible(sku)} have no rate "
        "and recover nothing; add it to [[rates]]"
        for pool, sku, seconds in found.unpriced
    )  # fmt: skip
    return lines


def recovery_json(found: Recoveries) -> dict[str, Any]:
    """The same for programs: days are half-open, money is a decimal text."""
    month, day = found.begins
    pools: dict[str, dict[str, Any]] = {}
    for line in found.lines:
        pool = pools.setdefault(line.pool, {"name": line.pool, "kind": line.kind, "years": []})
        pool["years"].append({
            "year": line.year.label, **_days(line),
            **{name: minor_text(minor, found.digits) for name, minor in line.figures.items()},
        })  # fmt: skip
    return {
        "currency": found.currency, "fiscal_year": f"{month:02d}-{day:02d}",
        "counted_until": str(day_date(found.until)), "pools": list(pools.values()),
        "waiting_runs": found.waiting, "unallocated_days": found.unallocated, "stale": found.stale,
        "unpriced": [
            {"pool": pool, "sku": sku, "unit_seconds": seconds}
            for pool, sku, seconds in found.unpriced
        ],
    }  # fmt: skip


def _days(line: Line) -> dict[str, str]:
    return {
        "from": str(day_date(line.year.first)), "until": str(day_date(line.year.last)),
        "counted_until": str(day_date(line.until)),
    }  # fmt: skip


def recovery_csv(found: Recoveries) -> str:
    """A line a pool and year; what a kind of pool has not is empty."""
    figures = tuple(dict.fromkeys((*BALANCE, *SHARES)))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["pool", "kind", "year", "from", "until", "counted_until", *figures, "currency"]
    )
    for line in found.lines:
        cells = (
            minor_text(line.figures[name], found.digits) if name in line.figures else ""
            for name in figures
        )
        writer.writerow([harmless(line.pool), line.kind, line.year.label, *_days(line).values(),
                         *cells, found.currency])  # fmt: skip
    return out.getvalue()

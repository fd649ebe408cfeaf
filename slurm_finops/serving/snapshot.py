"""Making a snapshot: a database of its own with what `layout` says, read at one moment.

Figures are those of `reports.build`, rounded there and nowhere else, so a named query and
``slurm-finops report`` agree to the cent.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add
from pathlib import Path
from typing import Any

from slurm_finops.billing.standings import Standing
from slurm_finops.core.forecast import Range
from slurm_finops.core.money import minor_text, round_half_away, to_minor
from slurm_finops.core.period import Period, day_date
from slurm_finops.core.tags import KEYS
from slurm_finops.core.words import count
from slurm_finops.ledger import audited, served
from slurm_finops.ledger.credited import gpu_count
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope, Sums
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import as_claim
from slurm_finops.reports import build
from slurm_finops.reports.budgets import as_json
from slurm_finops.reports.faults import TO_MEND, mended, tag_faults, to_mend, typed
from slurm_finops.reports.format import share, shown, visible
from slurm_finops.reports.people import pseudonyms
from slurm_finops.reports.site import Site
from slurm_finops.reports.tables import warnings
from slurm_finops.reports.view import Report, Row, TagFault
from slurm_finops.serving.layout import SPEND, Table, tables

#: How budgets stand in each of some months.
Stand = Callable[[Sequence[Period]], Sequence[Sequence[Standing]]]
#: This month and the twelve before it.
MONTHS = 13
Values = Sequence[Any]
#: Where the figures of `Sums` begin, and what is in their midst and no figure.
_PRICED, _UNPRICED = Sums._fields.index("runs"), Sums._fields.index("unpriced")
#: What every run has one of: a month is read once by these, and added up for each table.
_BY_RUN = ("team", "project", "experiment", "user", "state")


@dataclass(frozen=True)
class Made:
    """What a snapshot holds, in numbers."""

    runs: int
    months: int


def make(
    ledger: Ledger, site: Site, stand: Stand, path: Path, months: int = MONTHS
) -> Made:
    """Write a snapshot of the last ``months`` months to ``path``, which only its user may read.

    ``site.as_of`` is now.  The ledger is only read.
    """
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    db = sqlite3.connect(path, isolation_level=None)
    try:
        # nobody sees it before it is whole, and nobody needs it after a crash
        db.execute("PRAGMA journal_mode = OFF")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        found = _Snapshot(ledger, site, stand, db).fill(months)
        db.execute("COMMIT")
        db.execute("ANALYZE")
        return found
    finally:
        db.close()


class _Snapshot:
    def __init__(
        self, ledger: Ledger, site: Site, stand: Stand, db: sqlite3.Connection
    ) -> None:
        self.ledger, self.site, self.stand, self.db = ledger, site, stand, db
        self.tables = {table.name: table for table in tables(site.people)}

    def fill(self, months: int) -> Made:
        for table in self.tables.values():
            self.db.execute(_create(table, self.site.people))
        periods = self._periods(months)
        notes: list[str] = []
        written = []
        for period in periods:
            report = build.report(self.ledger, self.site, period, ("team",))
            notes = warnings(report)
            if report.spend.rows:
                self._month(period, report)
                written.append(period)
        for period, standings in zip(written, self.stand(written), strict=True):
            self._write("budgets", (self._budget(period, one) for one in standings))
        self._write("about", [self._about(notes)])
        runs = 0
        if periods:
            runs = self._write("runs", self._runs(periods[0]))
            self._write("log", self._log(periods[0].start))
        for table in self.tables.values():
            for i, columns in enumerate(table.indexes):
                if set(columns.split(", ")) <= {c.name for c in table.shown(self.site.people)}:
                    self.db.execute(f"CREATE INDEX {table.name}_{i} ON {table.name} ({columns})")
        return Made(runs, len(written))

    def _write(self, name: str, rows: Iterable[Values]) -> int:
        """Rows of all of a table's columns, of which those are kept that the site shows."""
        table = self.tables[name]
        kept = {column.name for column in table.shown(self.site.people)}
        places = [i for i, column in enumerate(table.columns) if column.name in kept]
        marks = ", ".join("?" * len(places))
        if len(places) < len(table.columns):
            rows = ([row[i] for i in places] for row in rows)
        return self.db.executemany(f"INSERT INTO {name} VALUES ({marks})", rows).rowcount

    def _periods(self, months: int) -> list[Period]:
        """The months to show, the oldest first."""
        calendar = self.site.calendar
        days = served.days(self.ledger.db)
        if days is None:
            return []
        today = days[1] if self.site.as_of is None else calendar.day_of(self.site.as_of)
        period = calendar.month_of(min(days[1], today))
        found = [period]
        while len(found) < months and period.first > days[0]:
            period = calendar.month_of(period.first - 1)
            found.append(period)
        return found[::-1]

    # ---- one month

    def _month(self, period: Period, report: Report) -> None:
        """Write a month's tables."""
        site, total = self.site, report.spend.total
        scope = Scope(period.first, period.last)
        right = total.gpu_seconds - self._ill_tagged(scope)
        faults = tag_faults(self.ledger, site, scope)
        self._write("months", [(
            period.label, int(report.header.so_far), *self._figures(total),
            share(right, total.gpu_seconds),
            # as pages and mails say it: the sum of the kinds that are shown
            self._money(sum(fault.effective_minor for fault in faults)),
            self._money(report.provisional_minor), _hours(report.unpriced_gpu_seconds),
        )])  # fmt: skip
        # a run has one owner, user and state, but several days
        whole = spend(self.ledger.db, scope, _BY_RUN)
        for name, by in SPEND.items():
            if name in self.tables:
                sums = spend(self.ledger.db, scope, by) if "day" in by else coarser(whole, by)
                self._write(name, self._spend(period, by, sums))
        self._write("to_mend", (self._kind(period, fault) for fault in faults))

    def _ill_tagged(self, scope: Scope) -> int:
        """The GPU-seconds of runs whose tags are missing or wrong."""
        return sum(row.gpu_seconds for row in spend(self.ledger.db, to_mend(scope), ()))

    def _spend(
        self, period: Period, by: tuple[str, ...], sums: Sequence[Sums]
    ) -> Iterator[Values]:
        rows = build.table(sums, by, self.site.digits).rows
        nameless = by == ("user",) and self.site.people != "names"
        called = pseudonyms(rows) if nameless else {}
        for row in rows:
            names = [
                called.get(value) or shown(name, value, row.runs)
                for name, value in zip(by, row.key, strict=True)
            ]
            yield period.label, *names, *self._figures(row)

    def _figures(self, row: Row) -> Values:
        if row.unpriced:
            return row.runs, _hours(row.gpu_seconds), *[None] * 7
        money = (
            row.effective_minor, row.list_minor, row.forgiven_minor, row.subsidised_minor,
            row.credited_minor, row.billed_minor,
        )  # fmt: skip
        texts = [self._money(minor) for minor in money]
        return row.runs, _hours(row.gpu_seconds), *texts, row.effective_minor

    def _money(self, minor: int) -> str:
        return minor_text(minor, self.site.digits)

    def _budget(self, period: Period, one: Standing) -> Values:
        """A budget as ``budgets list`` says it."""
        said = as_json(one, self.site.digits)
        end = said["forecast"] or dict.fromkeys(Range._fields)
        names = ((value and visible(value)) for value in (
            one.budget.team, one.budget.project, said["kind"], said["name"]))  # fmt: skip
        return (
            period.label, *names, said["from"], said["until"], said["budget"], said["spent"],
            said["left"], share(one.spent_minor, one.budget.limit_minor), said["pace"],
            end["middle"], end["low"], end["high"], said["used_up"], said["used_up_at_worst"],
            said["running"], one.spent_minor,
        )  # fmt: skip

    def _kind(self, period: Period, fault: TagFault) -> Values:
        return (
            period.label, shown("team", fault.team), visible(fault.status),
            typed(fault.example), fault.runs, self._money(fault.effective_minor),
            fault.effective_minor, ", ".join(map(visible, fault.people)),
        )  # fmt: skip

    # ---- what is not of a month

    def _about(self, notes: Sequence[str]) -> Values:
        site = self.site
        at = site.as_of or 0
        today = day_date(site.calendar.day_of(at)).isoformat()
        return (
            f"{datetime.fromtimestamp(at, site.calendar.zone):%Y-%m-%d %H:%M %Z}", today,
            site.currency, site.timezone, site.people, "; ".join(notes),
        )  # fmt: skip

    def _time(self, instant: int | None) -> str | None:
        if instant is None:
            return None
        return datetime.fromtimestamp(instant, self.site.calendar.zone).isoformat(" ")[:19]

    def _runs(self, first: Period) -> Iterator[Values]:
        calendar, digits = self.site.calendar, self.site.digits
        tags = self._tags()
        gpus: dict[str, int] = {}
        names: dict[int, str] = {}
        for run in served.runs(self.ledger.db, first.first, first.start):
            if run.alloc_tres not in gpus:
                gpus[run.alloc_tres] = gpu_count(run.alloc_tres)
            month = None
            if run.start is not None:
                day = calendar.day_of(run.start)
                month = names.get(day) or names.setdefault(day, f"{day_date(day):%Y-%m}")
            effective, billed = (
                None if ticks is None else to_minor(ticks, digits)
                for ticks in (run.effective_ticks, run.billed_ticks)
            )
            yield (
                run.id, *map(visible, run[1:9]), month, self._time(run.submit),
                self._time(run.start), self._time(run.end), gpus[run.alloc_tres],
                _hours(run.gpu_seconds), None if effective is None else self._money(effective),
                None if billed is None else self._money(billed), effective,
                *tags[run.tag_set], visible(run.comment),
            )  # fmt: skip

    def _tags(self) -> dict[int, Values]:
        """Tag set -> its tags, source and status, what is wrong and what to type."""
        found: dict[int, Values] = {}
        for number, row, status in served.tag_sets(self.ledger.db):
            claim = as_claim(row)
            mend: Values = (None, None)
            if status in TO_MEND:
                wrong, comment = mended(self.site.policy, claim)
                mend = visible(wrong), typed(comment)
            values = (None if value is None else visible(value) for value in row[: len(KEYS)])
            found[number] = (*values, claim.source, status, *mend)
        return found

    def _log(self, since: int) -> Iterator[Values]:
        db = self.ledger.db
        for at, actor, action, detail in audited.entries(db, audited.Wanted(since)):
            # what somebody did names who asked for it, and whose runs it was about
            said = visible(detail) if self.site.people == "names" else None
            yield self._time(at), action, said, visible(actor)
        for at, status, cluster, new, changed, problems in served.collected(db, since):
            said = f"{visible(cluster)}: {count(new, 'new run')}, {changed:,} changed"
            if problems:
                said += f", {count(problems, 'record')} that could not be read"
            said += "" if status == "complete" else f" ({status})"
            yield self._time(at), "collect", said, None


def coarser(sums: Iterable[Sums], by: tuple[str, ...]) -> list[Sums]:
    """Costs by `_BY_RUN` added up by some of those dimensions."""
    places = [_BY_RUN.index(name) for name in by]
    found: dict[tuple[str | None, ...], list[int]] = {}
    bare: dict[tuple[str | None, ...], bool] = {}
    for row in sums:
        key = tuple(row.key[place] for place in places)
        bare[key] = bare.get(key, True) and row.unpriced
        figures: Values = row[_PRICED:_UNPRICED] + row[_UNPRICED + 1 :]
        found[key] = [*map(add, found[key], figures)] if key in found else [*figures]
    before = _UNPRICED - _PRICED
    return [
        Sums._make((key, *figures[:before], bare[key], *figures[before:]))
        for key, figures in found.items()
    ]


def _create(table: Table, people: str) -> str:
    columns = [
        f'"{column.name}" {column.kind}' + (" PRIMARY KEY" if column.name == table.key else "")
        for column in table.shown(people)
    ]
    return f"CREATE TABLE {table.name} ({', '.join(columns)})"


def _hours(seconds: int) -> float:
    """GPU-hours to a tenth, as `reports.format` says them."""
    return round_half_away(seconds * 10, 3600) / 10


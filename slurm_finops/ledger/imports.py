"""Rates that were imported from files: an input beside those of finops.toml.

A series keeps one price a moment, whichever import brought it.  A price names
the import that it came with, and what it is the price of (its *origin*).
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from slurm_finops.core import approval
from slurm_finops.core.estimate import Price, price_text
from slurm_finops.core.rates import Rate
from slurm_finops.core.stated import MOST_LINES
from slurm_finops.core.words import utc
from slurm_finops.errors import InputError
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.import_log import Changes, ImportLog, Source
from slurm_finops.ledger.rates import COLUMNS, RateRows, match_text, values
from slurm_finops.ledger.store import Ledger

_INSERT = BulkInsert("imported_rates", (*COLUMNS, "import_id", "origin"))
_SELECT = f"""SELECT {", ".join(COLUMNS)}, origin, name
FROM imported_rates JOIN rate_imports ON rate_imports.id = import_id"""
Series = tuple[str, tuple[tuple[str, str], ...], int]


class Origin(NamedTuple):
    """A rate, and what it is the price of, such as ``aws-spot p5.48xlarge us-east-1a``."""

    rate: Rate
    origin: str


def _audited(row: Sequence[Any]) -> tuple[str, str]:
    """A row of `COLUMNS` and origin: which rate it is, and what it says; approvals apart."""
    sku, match, rank, start, price, per, pricing, subsidy = row[:8]
    words = [sku, *(f"{key}={value}" for key, value in json.loads(match).items())]
    words += [f"rank {rank}"] if rank else []
    said = f"{price_text(Price(price, per), 2)} {pricing}"
    said += f", {price_text(Price(subsidy, per), 2)} subsidised" if subsidy else ""
    return f"{' '.join(words)} from {utc(start)}", f"{said} ({row[-1]})"


#: What was imported, and from where.
LOG = ImportLog("rate", (*COLUMNS, "origin"), _audited)


def imported_rates(db: sqlite3.Connection) -> list[Rate]:
    """Every rate that was imported; its ``where`` names the import."""
    return [one.rate for one in _read(db.execute(f"{_SELECT} ORDER BY sku, match, rank, start"))]


def _read(rows: Iterable[Sequence[Any]]) -> list[Origin]:
    reader = RateRows()
    return [
        Origin(reader.rate(row[:-2], f"import {row[-1]} ({row[0]})"), row[-2]) for row in rows
    ]


def changes(
    db: sqlite3.Connection | None, offered: Sequence[Origin], replace: bool
) -> Changes[Origin]:
    """What storing these rates would change; of no database, all are new.

    Raises `InputError` where a price stored for the same moment is another, or
    where prices of another origin lie among these, unless they are to be replaced.
    """
    by_series: dict[Series, dict[int, Origin]] = {}
    for one in offered:
        by_series.setdefault(one.rate.series, {})[one.rate.start] = one
    found: Changes[Origin] = Changes([], [], [], 0)
    for series, new in by_series.items():
        old = {one.rate.start: one for one in _stored(db, series)} if db else {}
        found += _replacing(new, old) if replace else _adding(new, old)
    return found


def _stored(db: sqlite3.Connection, series: Series) -> list[Origin]:
    sku, match, rank = series
    where = "WHERE (sku, match, rank) = (?, ?, ?) ORDER BY start"
    return _read(db.execute(f"{_SELECT} {where}", (sku, match_text(match), rank)))


def _adding(new: Mapping[int, Origin], old: Mapping[int, Origin]) -> Changes[Origin]:
    for start, one in new.items():
        before = old.get(start)
        if before and _price(before) != _price(one):
            raise InputError(
                f"{one.rate.sku} from {utc(start)}: {_said(one)} in {one.rate.where}, and "
                f"{_said(before)} in {before.rate.where}.  Nothing was imported; --replace takes "
                "the new price"
            )
    _check_apart(new, old)
    added = [one for start, one in new.items() if start not in old]
    approved = tuple(
        one for start, one in new.items()
        # an import that says nothing of approvals leaves them as they are
        if start in old and one.rate.approval not in (None, old[start].rate.approval)
    )  # fmt: skip
    return Changes(added, [], [], len(new) - len(added) - len(approved), approved)


def _check_apart(new: Mapping[int, Origin], old: Mapping[int, Origin]) -> None:
    """Steps of two zones or lists in turns would be the prices of neither."""
    spans: dict[str, list[Origin]] = {}
    for one in old.values():
        spans.setdefault(one.origin, []).append(one)
    first, last = new[min(new)], new[max(new)]
    for origin, steps in spans.items():
        if origin == first.origin:
            continue
        if steps[0].rate.start <= last.rate.start and steps[-1].rate.start >= first.rate.start:
            raise InputError(
                f"{first.rate.sku}: {first.rate.where} has prices of {first.origin!r}, and "
                f"among them in time lie those of {origin!r} in {steps[0].rate.where}, which have "
                "the same SKU, match and rank.  Nothing was imported; tell them apart with --match "
                "or --rank, or --replace takes the new ones"
            )


def _replacing(new: Mapping[int, Origin], old: Mapping[int, Origin]) -> Changes[Origin]:
    """The new prices stand alone over the time from their first to their last."""
    first, last = min(new), max(new)
    added = [one for start, one in new.items() if start not in old]
    pairs = [(old[start], one) for start, one in new.items() if start in old]
    changed = [one for before, one in pairs if not _is_same(before, one)]
    approved = tuple(
        one for before, one in pairs
        if _is_same(before, one) and before.rate.approval != one.rate.approval
    )  # fmt: skip
    gone = [one for start, one in old.items() if first <= start <= last and start not in new]
    same = len(new) - len(added) - len(changed) - len(approved)
    return Changes(added, changed, gone, same, approved)


def _is_same(before: Origin, one: Origin) -> bool:
    return (_price(before), before.origin) == (_price(one), one.origin)


def _price(one: Origin) -> tuple[int, int, str]:
    return one.rate.price, one.rate.per, one.rate.pricing


def _said(one: Origin) -> str:
    rate = one.rate
    return f"{price_text(Price(rate.price, rate.per), 2)} {rate.pricing}"


def store(ledger: Ledger, source: Source, made: Changes[Origin], at: int, actor: str) -> None:
    """Make these changes, and audit them; call inside a transaction."""
    db = ledger.db
    number = LOG.add(ledger, source, made, at, actor)
    every = (*made.added, *made.replaced, *made.gone, *made.approved)
    touched = sorted({one.rate.series for one in every})
    before = [one for series in touched for one in _stored(db, series)]
    db.executemany(
        "DELETE FROM imported_rates WHERE (sku, match, rank, start) = (?, ?, ?, ?)",
        [values(one.rate)[:4] for one in (*made.replaced, *made.gone, *made.approved)],
    )
    _INSERT.write(db, ((*values(one.rate), number, one.origin)
                   for one in (*made.added, *made.replaced, *made.approved)))
    after = [one for series in touched for one in _stored(db, series)]
    _audit(ledger, source.name, before, made, at, actor)
    for said in approval.changes(*([one.rate for one in rates] for rates in (before, after))):
        ledger.audit(at, actor, "rates import", f"{source.name}: {said}")


def _audit(
    ledger: Ledger, name: str, before: Iterable[Origin], made: Changes[Origin], at: int, actor: str
) -> None:
    """What prices were and are: first those that nothing but the audit will know."""
    every = [*made.replaced, *made.gone, *made.added]
    some = {(one.rate.series, one.rate.start) for one in every[:MOST_LINES]}
    old, new = (
        [(*values(one.rate), one.origin) for one in rates
         if (one.rate.series, one.rate.start) in some]
        for rates in (before, (*made.replaced, *made.added))
    )  # fmt: skip
    LOG.audit(ledger, "import", name, old, new, at, actor, len(every) - len(some))

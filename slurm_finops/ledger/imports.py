"""Rates that were imported from files: an input beside those of finops.toml.

A series keeps one price a moment, whichever import brought it.  A price names
the import that it came with, and what it is the price of (its *origin*).
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from slurm_finops.core.estimate import Price, price_text
from slurm_finops.core.rates import Rate
from slurm_finops.core.words import count
from slurm_finops.errors import InputError
from slurm_finops.ledger.bulk import BulkInsert
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


class Changes(NamedTuple):
    """What an import does: rates that are new, that take another's place, that go; and the rest."""

    added: list[Origin]
    replaced: list[Origin]
    gone: list[Origin]
    same: int

    def __bool__(self) -> bool:
        return bool(self.added or self.replaced or self.gone)


class Source(NamedTuple):
    """Where an import comes from; ``files`` are ``(base name, SHA-256 of the content)``."""

    name: str
    format: str
    options: Mapping[str, Any]
    files: Sequence[tuple[str, str]]


def imported_rates(db: sqlite3.Connection) -> list[Rate]:
    """Every rate that was imported; its ``where`` names the import."""
    return [one.rate for one in _read(db.execute(f"{_SELECT} ORDER BY sku, match, rank, start"))]


def _read(rows: Iterable[Sequence[Any]]) -> list[Origin]:
    reader = RateRows()
    return [
        Origin(reader.rate(row[:-2], f"import {row[-1]} ({row[0]})"), row[-2]) for row in rows
    ]


def changes(db: sqlite3.Connection | None, offered: Sequence[Origin], replace: bool) -> Changes:
    """What storing these rates would change; of no database, all are new.

    Raises `InputError` where a price stored for the same moment is another, or
    where prices of another origin lie among these, unless they are to be replaced.
    """
    by_series: dict[Series, dict[int, Origin]] = {}
    for one in offered:
        by_series.setdefault(one.rate.series, {})[one.rate.start] = one
    found = Changes([], [], [], 0)
    for series, new in by_series.items():
        old = {one.rate.start: one for one in _stored(db, series)} if db else {}
        more = _replacing(new, old) if replace else _adding(new, old)
        found = Changes(found.added + more.added, found.replaced + more.replaced,
                        found.gone + more.gone, found.same + more.same)  # fmt: skip
    return found


def _stored(db: sqlite3.Connection, series: Series) -> list[Origin]:
    sku, match, rank = series
    where = "WHERE (sku, match, rank) = (?, ?, ?) ORDER BY start"
    return _read(db.execute(f"{_SELECT} {where}", (sku, match_text(match), rank)))


def _adding(new: Mapping[int, Origin], old: Mapping[int, Origin]) -> Changes:
    for start, one in new.items():
        before = old.get(start)
        if before and _price(before) != _price(one):
            raise InputError(
                f"{one.rate.sku} from {_utc(start)}: {_said(one)} in {one.rate.where}, and "
                f"{_said(before)} in {before.rate.where}.  Nothing was imported; --replace takes "
                "the new price"
            )
    _check_apart(new, old)
    added = [one for start, one in new.items() if start not in old]
    return Changes(added, [], [], len(new) - len(added))


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


def _replacing(new: Mapping[int, Origin], old: Mapping[int, Origin]) -> Changes:
    """The new prices stand alone over the time from their first to their last."""
    first, last = min(new), max(new)
    added = [one for start, one in new.items() if start not in old]
    changed = [
        one for start, one in new.items()
        if start in old and (_price(old[start]), old[start].origin) != (_price(one), one.origin)
    ]  # fmt: skip
    gone = [one for start, one in old.items() if first <= start <= last and start not in new]
    return Changes(added, changed, gone, len(new) - len(added) - len(changed))


def _price(one: Origin) -> tuple[int, int, str]:
    return one.rate.price, one.rate.per, one.rate.pricing


def _said(one: Origin) -> str:
    rate = one.rate
    return f"{price_text(Price(rate.price, rate.per), 2)} {rate.pricing}"


def _utc(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%SZ}"


def store(ledger: Ledger, source: Source, made: Changes, at: int, actor: str) -> None:
    """Make these changes, and audit them; call inside a transaction."""
    db = ledger.db
    brought = [*made.added, *made.replaced]
    number = db.execute(
        "INSERT INTO rate_imports (name, format, options, at, actor, rates) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (source.name, source.format, json.dumps(source.options, sort_keys=True), at, actor,
         len(brought)),
    ).lastrowid  # fmt: skip
    db.executemany(
        "INSERT INTO rate_import_files VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
        [(number, *file) for file in source.files],
    )
    db.executemany(
        "DELETE FROM imported_rates WHERE (sku, match, rank, start) = (?, ?, ?, ?)",
        [values(one.rate)[:4] for one in (*made.replaced, *made.gone)],
    )
    _INSERT.write(db, ((*values(one.rate), number, one.origin) for one in brought))
    files = ", ".join(name for name, _ in source.files)
    ledger.audit(at, actor, "rates import", f"{source.name} ({source.format}, {files}): "
                 f"{told(made)}")  # fmt: skip


def told(made: Changes) -> str:
    """Changes in words: ``3 rates new, 1 replaced, 2 taken away, 5 as before``."""
    words = [f"{count(len(made.added), 'rate')} new"]
    words += [f"{len(made.replaced):,} replaced"] if made.replaced else []
    words += [f"{len(made.gone):,} taken away"] if made.gone else []
    return ", ".join([*words, f"{made.same:,} as before"])


class Import(NamedTuple):
    """One import that changed something, and how many of its rates still stand."""

    name: str
    format: str
    options: dict[str, Any]
    at: int
    actor: str
    rates: int
    standing: int
    files: tuple[tuple[str, str], ...]


def imports(db: sqlite3.Connection) -> list[Import]:
    """Every import, the oldest first."""
    standing = dict(db.execute("SELECT import_id, count(*) FROM imported_rates GROUP BY 1"))
    files: dict[int, list[tuple[str, str]]] = {}
    for number, file, digest in db.execute("SELECT * FROM rate_import_files"):
        files.setdefault(number, []).append((file, digest))
    rows = db.execute(
        "SELECT id, name, format, options, at, actor, rates FROM rate_imports ORDER BY id"
    )
    return [
        Import(name, form, json.loads(options), at, actor, rates, standing.get(number, 0),
               tuple(files.get(number, ())))
        for number, name, form, options, at, actor, rates in rows
    ]  # fmt: skip


def remove(ledger: Ledger, name: str, at: int, actor: str) -> int:
    """Take back the imports of a name, and audit it; how many rates went.

    Call inside a transaction.
    """
    db = ledger.db
    of_name = "IN (SELECT id FROM rate_imports WHERE name = ?)"
    gone = db.execute(f"DELETE FROM imported_rates WHERE import_id {of_name}", (name,)).rowcount
    db.execute(f"DELETE FROM rate_import_files WHERE import_id {of_name}", (name,))
    db.execute("DELETE FROM rate_imports WHERE name = ?", (name,))
    ledger.audit(at, actor, "rates remove", f"{name}: {count(gone, 'rate')} taken back")
    return gone

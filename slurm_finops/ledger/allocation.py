"""What allocation reads and writes: origins, owners' use and cost by day, and their parts."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from slurm_finops.core.money import TICKS, join_ticks
from slurm_finops.core.rates import POOL_RANK
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.posted import unstate
from slurm_finops.ledger.spend import joins, sum_ticks
from slurm_finops.ledger.store import Ledger

_COLUMNS = (
    "day", "origin_id", "category", "tag_set_id", "cluster_id", "partition", "method", "window",
    "unit_seconds", "of_units", "of_ticks", "effective_units", "effective_ticks", "billed_units",
    "billed_ticks",
)  # fmt: skip
_INSERT = BulkInsert("allocations", _COLUMNS)

#: The setting that says up to which billing day all is allocated.
THROUGH = "allocated_through"

#: Whose a cost is, as far as costs are apportioned: tag set, cluster (0: none), partition.
Owner = tuple[int, int, str]


class Origin(NamedTuple):
    """Where a cost comes from; ``definition`` changes when anything about it does."""

    name: str
    kind: str
    sku: str
    definition: str
    first: int
    last: int | None


class Row(NamedTuple):
    """An owner's part; ``of_ticks`` is the whole it is a part of.  Ticks of any size."""

    day: int
    origin_id: int
    category: str
    tag_set_id: int
    cluster_id: int
    partition: str
    method: str
    window: int
    unit_seconds: int
    of_ticks: int
    effective_ticks: int
    billed_ticks: int


class Held(NamedTuple):
    """What a tag set held on a day from one context, and what it cost in ticks."""

    tag_set_id: int
    cluster_id: int
    context_id: int
    gpu_seconds: int
    effective_ticks: int
    billed_ticks: int


def mark(db: sqlite3.Connection, days: Iterable[int]) -> None:
    """The charges of these days have changed."""
    changed = list(days)
    db.executemany("INSERT OR IGNORE INTO unallocated_days VALUES (?)", [(d,) for d in changed])
    unstate(db, changed)


def unallocated(db: sqlite3.Connection) -> set[int]:
    """The days whose charges have changed since they were allocated."""
    return {row[0] for row in db.execute("SELECT day FROM unallocated_days")}


def allocated(db: sqlite3.Connection, before: int) -> None:
    """All days before this one are allocated."""
    db.execute("DELETE FROM unallocated_days WHERE day < ?", (before,))


def origins(db: sqlite3.Connection) -> dict[str, tuple[int, Origin]]:
    """Name -> id and origin, as the ledger's allocations were made."""
    rows = db.execute("SELECT id, name, kind, sku, definition, first, last FROM origins")
    return {row[1]: (row[0], Origin(*row[1:])) for row in rows}


def put_origin(db: sqlite3.Connection, origin: Origin) -> int:
    """Store an origin by its name; returns its id."""
    db.execute(
        "INSERT INTO origins (name, kind, sku, definition, first, last) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, sku = excluded.sku, "
        "definition = excluded.definition, first = excluded.first, last = excluded.last",
        origin,
    )
    found = db.execute("SELECT id FROM origins WHERE name = ?", (origin.name,)).fetchone()
    return int(found[0])


def drop_origin(db: sqlite3.Connection, origin_id: int) -> None:
    """Forget an origin and every part of it."""
    days = db.execute("SELECT DISTINCT day FROM allocations WHERE origin_id = ?", (origin_id,))
    unstate(db, [row[0] for row in days])
    for parts in ("allocations", "pool_days"):
        db.execute(f"DELETE FROM {parts} WHERE origin_id = ?", (origin_id,))
    db.execute("DELETE FROM origins WHERE id = ?", (origin_id,))


def drop_days(db: sqlite3.Connection, first: int, last: int) -> None:
    """Take back what was allocated on the days ``[first, last)``."""
    unstate(db, range(first, last))
    for parts in ("allocations", "pool_days"):
        db.execute(f"DELETE FROM {parts} WHERE day >= ? AND day < ?", (first, last))


def write_pool_day(
    db: sqlite3.Connection, day: int, origin_id: int, capacity: int, down: int | None
) -> None:
    """What capacity a pool had on a day, and how much of what was unused was down, unit-seconds."""
    db.execute("INSERT INTO pool_days VALUES (?, ?, ?, ?)", (day, origin_id, capacity, down))


def pool_days(
    db: sqlite3.Connection, first: int, last: int
) -> dict[str, tuple[int, int | None]]:
    """Pool -> the same over the days ``[first, last)``; None down where a day's is not known."""
    rows = db.execute(
        "SELECT name, SUM(capacity_seconds), "
        "CASE WHEN COUNT(*) = COUNT(down_seconds) THEN SUM(down_seconds) END "
        "FROM pool_days JOIN origins ON origins.id = origin_id "
        "WHERE day >= ? AND day < ? GROUP BY 1",
        (first, last),
    )
    return {name: (capacity, down) for name, capacity, down in rows}


def write(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """Store parts."""
    _INSERT.write(db, (
        (*row[:9], *divmod(row[9], TICKS), *divmod(row[10], TICKS), *divmod(row[11], TICKS))
        for row in rows
    ))  # fmt: skip


def _sum(money: str) -> str:
    """Two sums that `join_ticks` makes one."""
    return f"SUM({money}_units), SUM({money}_ticks)"


def pool_cards(db: sqlite3.Connection) -> str:
    """SQL that selects the charges which a pool may cover.

    What another SKU of its group pays for is none of them: it would pay twice.
    """
    found = db.execute("SELECT id FROM rate_cards WHERE rank >= ? AND NOT outdone", (POOL_RANK,))
    return f"rate_card_id IN ({', '.join(str(row[0]) for row in found)})"


def held(db: sqlite3.Connection, day: int) -> Iterator[Held]:
    """What every tag set held on a day, by context.

    Summed here: SQLite would sort the day's charges first, which took twice as long.
    """
    found: dict[tuple[int, int, int], list[int]] = {}
    rows = db.execute(
        "SELECT charges.tag_set_id, cluster_id, context_id, is_gpu * quantity * seconds, "
        f"effective_ticks, billed_ticks FROM charges {joins('jobs', 'skus')} WHERE day = ?",
        (day,),
    )
    for tag_set, cluster, context, seconds, effective, billed in rows:
        key = tag_set, cluster, context
        total = found.get(key)
        if total is None:
            found[key] = [seconds, effective or 0, billed or 0]
        else:
            total[0] += seconds
            total[1] += effective or 0
            total[2] += billed or 0
    for key, total in found.items():
        yield Held(*key, *total)


def contracted(
    db: sqlite3.Connection, day: int, where: str
) -> Iterator[tuple[int, int, int, int, int]]:
    """``(tag set, cluster, context, SKU id, ticks without pools)`` of a day's charges."""
    rows = db.execute(
        "SELECT charges.tag_set_id, cluster_id, context_id, sku_id, "
        f"{sum_ticks('contracted_ticks')} "
        f"FROM charges {joins('jobs')} WHERE day = ? AND {where} GROUP BY 1, 2, 3, 4",
        (day,),
    )
    for tag_set, cluster, context, sku, units, ticks in rows:
        yield tag_set, cluster, context, sku, join_ticks(units, ticks)


def placed(db: sqlite3.Connection, day: int, categories: Sequence[str]) -> dict[Owner, int]:
    """Effective ticks that owners were given on a day, of these categories."""
    found: dict[Owner, int] = {}
    rows = db.execute(
        "SELECT tag_set_id, cluster_id, partition, effective_units, effective_ticks "
        "FROM allocations "
        f"WHERE day = ? AND category IN ({', '.join('?' * len(categories))})",
        (day, *categories),
    )
    for tag_set, cluster, partition, *ticks in rows:
        owner = tag_set, cluster, partition
        found[owner] = found.get(owner, 0) + join_ticks(*ticks)
    return found


def by_origin(
    db: sqlite3.Connection, first: int, last: int
) -> dict[tuple[str, str], tuple[int, int, int]]:
    """``(origin, category)`` -> effective and billed ticks, unit-seconds of ``[first, last)``."""
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    rows = db.execute(
        f"SELECT name, category, {_sum('effective')}, {_sum('billed')}, "
        "SUM(unit_seconds) FROM allocations JOIN origins ON origins.id = origin_id "
        "WHERE day >= ? AND day < ? GROUP BY 1, 2",
        (first, last),
    )
    for name, category, *ticks, held in rows:
        found[name, category] = join_ticks(*ticks[:2]), join_ticks(*ticks[2:]), held
    return found


def nobodys(db: sqlite3.Connection, first: int, last: int) -> list[tuple[str, str, int]]:
    """``(origin, category, effective ticks)`` that no rule put on anybody, the most first.

    What is borne by untagged use is not of these: that is the use's own fault.
    """
    rows = db.execute(
        f"SELECT origins.name, category, {_sum('effective')} FROM allocations "
        "JOIN origins ON origins.id = origin_id JOIN tag_sets ON tag_sets.id = tag_set_id "
        "WHERE day >= ? AND day < ? AND team IS NULL AND allocations.cluster_id = 0 GROUP BY 1, 2",
        (first, last),
    )
    found = [(name, category, join_ticks(units, rest)) for name, category, units, rest in rows]
    return sorted((one for one in found if one[2]), key=lambda one: (-one[2], one))


def effective(db: sqlite3.Connection, first: int, last: int) -> int:
    """Effective ticks of all that is shared on the days ``[first, last)``."""
    rows = db.execute(
        f"SELECT {_sum('effective')} FROM allocations WHERE day >= ? AND day < ?",
        (first, last),
    )
    return join_ticks(*rows.fetchone())


def through(ledger: Ledger) -> int | None:
    """The first billing day that is not allocated yet; None before any was."""
    stored = ledger.setting(THROUGH)
    return None if stored is None else int(stored)

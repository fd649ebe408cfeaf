"""What is taken off charges: by lots that teams hold, and by credits that were given by hand."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.core.rates import POOL_RANK
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.posted import unstate
from slurm_finops.ledger.pricing import SELECT_HELD, Held
from slurm_finops.ledger.spend import Scope, days_of, dimension, joins, sum_ticks

_INSERT = BulkInsert(
    "draws", ("day", "lot_id", "credit_id", "usage_id", "sku_id", "tag_set_id", "units", "ticks")
)


#: A part of a use of a day that a lot pays, or a credit forgives: its day, lot, credit (one of
#: them 0), run, SKU, tag set, and what is taken of the lot for so many ticks.
Row = tuple[int, int, int, int, int, int, int, int]

#: A charge of a day before anything is taken off it: its run, SKU, rate card, quantity, seconds,
#: billed ticks and tag set, and the run's cluster and context.
Charged = tuple[int, int, int, int, int, int, int, int, int]


class Stored(NamedTuple):
    """A lot as the ledger keeps it."""

    id: int
    definition: str
    first: int
    last: int
    hours: bool


def charged(db: sqlite3.Connection, day: int, with_runs: bool = True) -> Iterator[Charged]:
    """What was priced of a day, in the order of runs and SKUs.

    Without ``with_runs`` their cluster and context are 0, and are not looked up.
    """
    columns, beside = "0, 0", ""
    if with_runs:
        columns, beside = "cluster_id, context_id", "JOIN jobs ON jobs.id = usage_id"
    return db.execute(
        "SELECT usage_id, sku_id, rate_card_id, quantity, seconds, billed_ticks, "
        f"charges.tag_set_id, {columns} FROM charges {beside} "
        "WHERE day = ? AND rate_card_id > 0 ORDER BY usage_id, sku_id",
        (day,),
    )


def held(db: sqlite3.Connection, usage: int) -> Held:
    """A run as pricing needs it."""
    return Held._make(db.execute(f"{SELECT_HELD} WHERE id = ?", (usage,)).fetchone())


def called(db: sqlite3.Connection, usage: int) -> tuple[str, int, int]:
    """What a run is called wherever it was collected: cluster, JobIDRaw and Submit."""
    cluster, job, submit = db.execute(
        "SELECT clusters.name, job_id_raw, submit FROM jobs "
        "JOIN clusters ON clusters.id = cluster_id WHERE jobs.id = ?",
        (usage,),
    ).fetchone()
    return cluster, job, submit


def policies(db: sqlite3.Connection) -> Iterator[tuple[int, str, bool]]:
    """Each rate card: what the charging policy says on it, and whether a rate is what is paid.

    It is not where a pool covers the use, or another SKU of a group is paid in its place.
    """
    for card, policy, paid in db.execute(
        "SELECT id, policy, rank < ? AND NOT outdone FROM rate_cards", (POOL_RANK,)
    ):
        yield card, policy, bool(paid)


def days(db: sqlite3.Connection) -> tuple[int, int] | None:
    """The first and the last day of all charges."""
    # two questions, each answered by one end of the table: as one it would be looked through
    first, last = db.execute(
        "SELECT (SELECT min(day) FROM charges), (SELECT max(day) FROM charges)"
    ).fetchone()
    return None if first is None else (first, last)


def lots(db: sqlite3.Connection) -> dict[str, Stored]:
    """The lots by name."""
    rows = db.execute("SELECT name, id, definition, first, last, hours FROM lots")
    return {name: Stored(*row) for name, *row in rows}


def put_lot(
    db: sqlite3.Connection, name: str, team: str, hours: bool, definition: str, first: int,
    last: int,
) -> int:  # fmt: skip
    """Store a lot, or what it says now; its id."""
    db.execute(
        "INSERT INTO lots (name, team, hours, definition, first, last) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET team = excluded.team, hours = excluded.hours, "
        "definition = excluded.definition, first = excluded.first, last = excluded.last",
        (name, team, hours, definition, first, last),
    )
    return int(db.execute("SELECT id FROM lots WHERE name = ?", (name,)).fetchone()[0])


def drop_lot(db: sqlite3.Connection, lot: int) -> None:
    """Remove a lot and all that it paid."""
    days = db.execute("SELECT DISTINCT day FROM draws WHERE lot_id = ?", (lot,))
    unstate(db, [row[0] for row in days])
    for table in ("draws", "lot_days"):
        db.execute(f"DELETE FROM {table} WHERE lot_id = ?", (lot,))
    db.execute("DELETE FROM lots WHERE id = ?", (lot,))


def drawn(db: sqlite3.Connection) -> dict[int, dict[int, int]]:
    """Lot id -> what was drawn of it on each day."""
    found: dict[int, dict[int, int]] = {}
    for lot, day, units in db.execute("SELECT lot_id, day, drawn FROM lot_days"):
        found.setdefault(lot, {})[day] = units
    return found


def replace_day(
    db: sqlite3.Connection, day: int, lots: Mapping[int, int], credits_too: bool,
    rows: Sequence[Row],
) -> None:  # fmt: skip
    """Make these rows a day's draws from these lots (and by credits).

    ``lots``: id -> what is drawn of it on this day, the units of its rows.
    """
    unstate(db, [day])
    for lot in lots:
        db.execute("DELETE FROM draws WHERE day = ? AND lot_id = ?", (day, lot))
        db.execute("DELETE FROM lot_days WHERE lot_id = ? AND day = ?", (lot, day))
    if credits_too:
        db.execute("DELETE FROM draws WHERE day = ? AND lot_id = 0", (day,))
    _INSERT.write(db, rows)
    db.executemany(
        "INSERT INTO lot_days VALUES (?, ?, ?)",
        [(lot, day, units) for lot, units in lots.items() if units],
    )


def carry(source: sqlite3.Connection, copy: sqlite3.Connection, name: str, before: int) -> None:
    """Give a copy a lot, with what was drawn of it on the days before one."""
    of_lot = "lot_id = (SELECT id FROM lots WHERE name = ?)"
    for table, where, values in (
        ("lots", "name = ?", (name,)), ("lot_days", f"{of_lot} AND day < ?", (name, before)),
    ):  # fmt: skip
        rows = source.execute(f"SELECT * FROM {table} WHERE {where}", values)
        places = ", ".join("?" * len(rows.description))
        copy.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def any_drawn(db: sqlite3.Connection) -> bool:
    """Whether anything is taken off any charge."""
    return db.execute("SELECT 1 FROM draws LIMIT 1").fetchone() is not None


#: What a draw is by, where a charge has its rate and what it was for.
_SQL = {
    "pricing": "CASE WHEN lot_id = 0 THEN 'credit' ELSE 'allocation' END",
    "category": "CASE WHEN lot_id = 0 THEN 'credit' ELSE 'allocation' END",
    "class": "(SELECT nullif(of_class, '') FROM charges AS c JOIN rate_cards AS r "
             "ON r.id = c.rate_card_id WHERE (c.day, c.usage_id, c.sku_id) = "
             "(charges.day, charges.usage_id, charges.sku_id) LIMIT 1)",
    "origin": "CASE WHEN lot_id = 0 THEN 'credit ' || credit_id ELSE lots.name END",
}


def credited(
    db: sqlite3.Connection, scope: Scope, by: Sequence[str]
) -> list[tuple[tuple[str | None, ...], int]]:
    """``(key, ticks)`` of what is taken off charges, by dimensions of `spend`."""
    known = [(_SQL[name], ("lots",)) if name in _SQL else dimension(name) for name in by]
    beside = joins(*(t for _, tables in known for t in tables), *scope.tables)
    group = f"GROUP BY {', '.join(str(i + 1) for i in range(len(by)))}" if by else ""
    rows = db.execute(
        # the joins and dimensions of charges, whose owners and runs these have, too
        f"SELECT {''.join(f'{column}, ' for column, _ in known)}{sum_ticks('ticks')}, COUNT(*) "
        f"FROM draws AS charges {beside} WHERE {days_of(scope)} {group}",
        (scope.first, scope.last, *scope.values),
    )
    return [(row[:-3], join_ticks(row[-3], row[-2])) for row in rows if row[-1]]

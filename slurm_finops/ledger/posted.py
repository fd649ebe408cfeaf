"""Closed periods as the ledger keeps them: their statements, and the lines of these."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import NamedTuple

from slurm_finops.core.money import TICKS
from slurm_finops.core.posted import Item, Payer, Posted
from slurm_finops.core.tags import KEYS, Tags
from slurm_finops.ledger.bulk import BulkInsert

MONEY = ("list", "contracted", "effective", "billed")
_MONEY = ", ".join(f"{money}_units, {money}_ticks" for money in MONEY)
_SUMS = ", ".join(f"SUM({m}_units), SUM({m}_ticks)" for m in MONEY)
_LINE = (
    "line, ifnull(original_id, 0), correction, day, cluster_id, tags_id, item_id, payer_id, "
    f"unit_seconds, {_MONEY}, amount_minor"
)
LINES = BulkInsert(
    "statement_lines",
    (
        "statement_id", "line", "original_id", "correction", "day", "cluster_id", "tags_id",
        "item_id", "payer_id", "unit_seconds",
        *(f"{money}_{part}" for money in MONEY for part in ("units", "ticks")),
        "amount_minor", "seal",
    ),
)  # fmt: skip
# what only a line names that somebody has changed: it does not fit its seal
_NO_ITEM, _NO_PAYER = Item(*[""] * 6), Payer("", "", "")
#: Unit-seconds; ticks: list, contracted, effective, billed.
Figures = tuple[int, int, int, int, int]


class Closed(NamedTuple):
    """A closed month, as its row has it; times in epoch seconds, days half-open."""

    id: int
    label: str
    first: int
    last: int
    closed_at: int
    closed_by: str
    drafted_by: str
    tool: str
    basis: str
    amount_minor: int
    lines: int
    previous: str
    sha256: str


class Statement(NamedTuple):
    """A statement, as its row has it; ``owner`` None: of what names nobody."""

    id: int
    period_id: int
    series: str
    place: int
    number: str
    entity: str
    kind: str
    owner: str | None
    amount_minor: int
    first_line: int
    lines: int
    sha256: str


def closed(db: sqlite3.Connection) -> list[Closed]:
    """All closed months in order."""
    rows = db.execute(f"SELECT {', '.join(Closed._fields)} FROM periods ORDER BY id")
    return [Closed(*row) for row in rows]


def last_closed(db: sqlite3.Connection) -> Closed | None:
    """The newest of them."""
    sql = f"SELECT {', '.join(Closed._fields)} FROM periods ORDER BY id DESC LIMIT 1"
    row = db.execute(sql).fetchone()
    return Closed(*row) if row else None


def statements_of(db: sqlite3.Connection, period_id: int) -> list[Statement]:
    """A month's statements in the order of their lines."""
    sql = f"SELECT {', '.join(Statement._fields)} FROM statements WHERE period_id = ? ORDER BY id"
    return [Statement(*row) for row in db.execute(sql, (period_id,))]


def statement(db: sqlite3.Connection, number: str) -> Statement | None:
    """The statement of this number."""
    sql = f"SELECT {', '.join(Statement._fields)} FROM statements WHERE number = ?"
    row = db.execute(sql, (number,)).fetchone()
    return Statement(*row) if row else None


def next_places(db: sqlite3.Connection) -> dict[str, int]:
    """Series -> the last place that was given in it."""
    return dict(db.execute("SELECT series, max(place) FROM statements GROUP BY 1").fetchall())


def last_series(db: sqlite3.Connection) -> dict[str, str]:
    """Legal entity -> the series that its last statement is of."""
    return dict(db.execute("SELECT entity, series FROM statements ORDER BY id").fetchall())


def next_line(db: sqlite3.Connection) -> int:
    """The id that the next line will have."""
    return int(db.execute("SELECT ifnull(max(id), 0) + 1 FROM statement_lines").fetchone()[0])


def put_period(db: sqlite3.Connection, period: Closed, statements: Iterable[Statement]) -> None:
    """Store a closed month and its statements."""
    for table, row, rows in (
        ("periods", Closed, [period]), ("statements", Statement, list(statements)),
    ):  # fmt: skip
        names, places = ", ".join(row._fields), ", ".join("?" * len(row._fields))
        db.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)


# ---- what lines name


def tags_id(tags: Tags) -> int:
    """62 bits of a hash of tags, by which the ledger knows what a line names."""
    text = "\x1f".join("\x00" if value is None else value for value in tags)
    data = text.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big") >> 2


def put_tags(db: sqlite3.Connection, found: Iterable[tuple[int, Tags]]) -> None:
    """Store tags by their ids."""
    places = ", ".join("?" * (1 + len(KEYS)))
    db.executemany(
        f"INSERT INTO posted_tags VALUES ({places}) ON CONFLICT (id) DO NOTHING",
        ((number, *tags) for number, tags in found),
    )


class Interned:
    """Items and payers by number; what is new gets the next, and is stored by `put`."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.items = {Item(*row[1:]): row[0] for row in db.execute("SELECT * FROM posted_items")}
        self.payers = {
            Payer(*row[1:]): row[0] for row in db.execute("SELECT * FROM posted_payers")
        }
        self._known = len(self.items), len(self.payers)

    def item(self, item: Item) -> int:
        number: int = self.items.setdefault(item, len(self.items) + 1)
        return number

    def payer(self, payer: Payer) -> int:
        number: int = self.payers.setdefault(payer, len(self.payers) + 1)
        return number

    def put(self, db: sqlite3.Connection) -> None:
        """Store what is new."""
        items, payers = self._known
        for table, new in (
            ("posted_items", list(self.items.items())[items:]),
            ("posted_payers", list(self.payers.items())[payers:]),
        ):
            for value, number in new:
                marks = ", ".join("?" * (1 + len(value)))
                db.execute(f"INSERT INTO {table} VALUES ({marks})", (number, *value))


# ---- lines


def lines(
    db: sqlite3.Connection, of: Statement, period: str, named: "Named"
) -> Iterator[tuple[int, Posted]]:
    """A statement's lines in order, each behind the seal that is stored with it."""
    for row in sealed_rows(db, of):
        yield row[0], _posted(row[1:], period, of.number, named)


def lines_by_day(
    db: sqlite3.Connection, period_id: int, period: str, named: "Named"
) -> Iterator[Posted]:
    """A month's lines, day by day; one day's in the order of its statements."""
    rows = db.execute(
        f"SELECT statement_id, {_LINE} FROM statement_lines WHERE statement_id IN "
        "(SELECT id FROM statements WHERE period_id = ?) ORDER BY day, id",
        (period_id,),
    )
    for row in rows:
        yield _posted(row[1:], period, named.number(row[0]), named)


def _posted(row: Sequence[int], period: str, number: str, named: "Named") -> Posted:
    line, original, correction, day, cluster, tags, item, payer = row[:8]
    return Posted(
        line, period, number, named.number(original), bool(correction), day,
        named.cluster(cluster), named.tags(tags), named.item(item), named.payer(payer),
        row[8], *joined(row[9:17]), row[17],
    )  # fmt: skip


def sealed_rows(db: sqlite3.Connection, of: Statement) -> Iterator[tuple[int, ...]]:
    """The same by number, as `core.chain` has lines, each behind its seal."""
    yield from db.execute(
        f"SELECT seal, {_LINE} FROM statement_lines "
        "WHERE statement_id = ? AND id >= ? AND id < ? ORDER BY id",
        (of.id, of.first_line, of.first_line + of.lines),
    )


def joined(pairs: Sequence[int]) -> tuple[int, int, int, int]:
    """Four amounts, each given as whole units and ticks."""
    a, b, c, d, e, f, g, h = pairs
    return a * TICKS + b, c * TICKS + d, e * TICKS + f, g * TICKS + h


class Named:
    """What the numbers in lines stand for, read once for many statements."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._tags: dict[int, Tags] = {}
        self._items = {row[0]: Item(*row[1:]) for row in db.execute("SELECT * FROM posted_items")}
        self._payers = {
            row[0]: Payer(*row[1:]) for row in db.execute("SELECT * FROM posted_payers")
        }
        self._clusters: Mapping[int, str] = dict(db.execute("SELECT id, name FROM clusters"))
        self._numbers: Mapping[int, str] = dict(db.execute("SELECT id, number FROM statements"))

    def number(self, statement_id: int) -> str:
        """The number of a statement; "" of none."""
        return self._numbers.get(statement_id, "")

    def cluster(self, number: int) -> str:
        """The name of a cluster; "" of none."""
        return self._clusters.get(number, "")

    def item(self, number: int) -> Item:
        return self._items.get(number, _NO_ITEM)

    def payer(self, number: int) -> Payer:
        return self._payers.get(number, _NO_PAYER)

    def tags(self, number: int) -> Tags:
        found = self._tags.get(number)
        if found is None:
            row = self._db.execute("SELECT * FROM posted_tags WHERE id = ?", (number,)).fetchone()
            if len(self._tags) >= 50_000:
                self._tags.clear()
            found = self._tags[number] = Tags(*row[1:]) if row else Tags()
        return found


#: Cluster (0: none), id of tags, id of the item.
Key = tuple[int, int, int]


def posted_of(
    db: sqlite3.Connection, day: int, statement: str | None = None
) -> dict[Key, dict[int, Figures]]:
    """What was stated of a day so far (on one statement): key -> id of the payer -> figures."""
    found: dict[Key, dict[int, Figures]] = {}
    rows = db.execute(
        f"SELECT cluster_id, tags_id, item_id, payer_id, SUM(unit_seconds), {_SUMS} "
        "FROM statement_lines WHERE day = ? AND (? IS NULL OR statement_id = "
        "(SELECT id FROM statements WHERE number = ?)) GROUP BY 1, 2, 3, 4",
        (day, statement, statement),
    )
    for cluster, tags, item, payer, seconds, *ticks in rows:
        found.setdefault((cluster, tags, item), {})[payer] = (seconds, *joined(ticks))
    return found


def days_of(db: sqlite3.Connection, statement: str) -> list[int]:
    """The days that a statement's lines are of."""
    rows = db.execute(
        "SELECT DISTINCT day FROM statement_lines JOIN statements ON statements.id = statement_id "
        "AND statement_lines.id >= first_line AND statement_lines.id < first_line + "
        "statements.lines WHERE number = ? ORDER BY 1",
        (statement,),
    )
    return [row[0] for row in rows]


def pairs(ticks: Sequence[int]) -> tuple[int, ...]:
    """Four amounts, each as whole units and ticks."""
    a, b, c, d = ticks
    return *divmod(a, TICKS), *divmod(b, TICKS), *divmod(c, TICKS), *divmod(d, TICKS)


# ---- days that have changed since they were stated


def unstate(db: sqlite3.Connection, days: Iterable[int]) -> None:
    """These days' costs have changed; what belongs to no closed month is not kept."""
    db.executemany(
        "INSERT OR IGNORE INTO unstated_days SELECT ? WHERE EXISTS "
        "(SELECT 1 FROM periods WHERE first <= ? AND ? < last)",
        [(day, day, day) for day in days],
    )


def unstated(db: sqlite3.Connection) -> list[int]:
    """Days of closed months that have changed since, in order."""
    return [row[0] for row in db.execute("SELECT day FROM unstated_days ORDER BY day")]

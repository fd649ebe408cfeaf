"""The audit, read: who changed what, when, from what to what.  `Ledger.audit` writes it."""

import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One change; ``at`` in epoch seconds, ``actor`` a login, ``detail`` in words."""

    at: int
    actor: str
    action: str
    detail: str


class Wanted(NamedTuple):
    """Which entries: of ``[since, until)``, whose action begins so, made by this login."""

    since: int | None = None
    until: int | None = None
    action: str = ""
    by: str | None = None

    def where(self) -> tuple[str, tuple[Any, ...]]:
        """The same as SQL, and its parameters."""
        rules = {"at >= ?": self.since, "at < ?": self.until, "actor = ?": self.by}
        asked = {rule: value for rule, value in rules.items() if value is not None}
        prefix = (len(self.action), self.action)
        return " AND ".join(["substr(action, 1, ?) = ?", *asked]), (*prefix, *asked.values())


EVERYTHING = Wanted()


def entries(db: sqlite3.Connection, wanted: Wanted = EVERYTHING) -> Iterator[Entry]:
    """These entries in the order in which they were made."""
    where, values = wanted.where()
    sql = f"SELECT at, actor, action, detail FROM audit WHERE {where} ORDER BY id"
    yield from map(Entry._make, db.execute(sql, values))


def last(db: sqlite3.Connection, wanted: Wanted, limit: int) -> tuple[list[Entry], int]:
    """The last ``limit`` of these in the same order, and how many there are before them."""
    where, values = wanted.where()
    (whole,) = db.execute(f"SELECT count(*) FROM audit WHERE {where}", values).fetchone()
    rows = db.execute(
        f"SELECT at, actor, action, detail FROM audit WHERE {where} ORDER BY id DESC LIMIT ?",
        (*values, limit),
    ).fetchall()
    return [Entry(*row) for row in reversed(rows)], whole - len(rows)


def actions(db: sqlite3.Connection) -> list[str]:
    """Every kind of change that there is."""
    return [row[0] for row in db.execute("SELECT DISTINCT action FROM audit ORDER BY 1")]

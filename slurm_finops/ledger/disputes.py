"""What people do about a month: hold a disputed part back, credit it, move it onto another fund."""

import sqlite3
from typing import NamedTuple


class _Of(NamedTuple):
    """Whose: a team (None: untagged), and one of its projects or None for all."""

    team: str | None
    project: str | None

    def fits(self, team: str | None, project: str | None) -> bool:
        return team == self.team and (self.project is None or project == self.project)


class Hold(NamedTuple):
    """What of a month is not stated until it is released."""

    id: int
    period: str
    team: str | None
    project: str | None
    reason: str
    at: int
    actor: str

    def is_of(self, month: str, team: str | None, project: str | None) -> bool:
        return self.period == month and _Of(self.team, self.project).fits(team, project)


class Adjustment(NamedTuple):
    """What is put on a month's statement by hand, in minor units."""

    id: int
    period: str
    team: str | None
    project: str | None
    amount_minor: int
    reason: str
    approver: str
    at: int
    actor: str


class Move(NamedTuple):
    """What one fund paid of a closed month, and another is to pay."""

    id: int
    period: str
    team: str | None
    project: str | None
    from_fund: str
    to_fund: str
    statement: str | None
    justification: str
    approver: str
    at: int
    actor: str

    def is_of(self, team: str | None, project: str | None) -> bool:
        return _Of(self.team, self.project).fits(team, project)


def _rows(db: sqlite3.Connection, table: str, row: type, where: str) -> list:  # type: ignore[type-arg]
    columns = ", ".join(row._fields)  # type: ignore[attr-defined]
    found = db.execute(f"SELECT {columns} FROM {table} WHERE {where} ORDER BY id")
    return [row(*values) for values in found]


def holds(db: sqlite3.Connection) -> list[Hold]:
    """Those in force."""
    return _rows(db, "holds", Hold, "revoked_at IS NULL")


def adjustments(db: sqlite3.Connection) -> list[Adjustment]:
    """Those in force."""
    return _rows(db, "adjustments", Adjustment, "revoked_at IS NULL")


def open_moves(db: sqlite3.Connection) -> list[Move]:
    """Those that are not stated yet."""
    return _rows(db, "moves", Move, "period_id IS NULL")


def add(db: sqlite3.Connection, one: Hold | Adjustment | Move) -> int:
    """Store one; its id is given here."""
    table = f"{type(one).__name__.lower()}s"
    columns = one._fields[1:]
    places = ", ".join("?" * len(columns))
    found = db.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", tuple(one)[1:]
    )
    return int(found.lastrowid or 0)


def revoke(db: sqlite3.Connection, table: str, number: int, why: str, at: int, actor: str) -> bool:
    """Revoke an adjustment or release a hold that is in force; whether there was one."""
    found = db.execute(
        f"UPDATE {table} SET revoked_at = ?, revoked_by = ?, revoked_why = ? "
        "WHERE id = ? AND revoked_at IS NULL",
        (at, actor, why, number),
    )
    return found.rowcount == 1


def stated(db: sqlite3.Connection, period_id: int) -> None:
    """All open moves are stated in this period."""
    db.execute("UPDATE moves SET period_id = ? WHERE period_id IS NULL", (period_id,))

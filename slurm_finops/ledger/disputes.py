"""What people do about a month: hold a disputed part back, credit it, move it onto another fund."""

import sqlite3
from typing import Any, NamedTuple, TypeVar

from slurm_finops.errors import InputError
from slurm_finops.ledger.store import Ledger


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
    justification: str
    approver: str
    at: int
    actor: str

    def is_of(self, team: str | None, project: str | None) -> bool:
        return _Of(self.team, self.project).fits(team, project)


class Ended(NamedTuple):
    """That a hold was released, or an adjustment revoked."""

    at: int
    actor: str
    why: str


_Kind = TypeVar("_Kind", Hold, Adjustment)
#: Of each: its table, what the audit calls putting and ending one, and what ending it is.
_TABLE = {Hold: "holds", Adjustment: "adjustments", Move: "moves"}
_PUT = {Hold: "period hold", Adjustment: "period credit", Move: "funds move"}
_END = {Hold: "period release", Adjustment: "period uncredit"}
_ENDED = {Hold: "released", Adjustment: "revoked"}


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
    table = _TABLE[type(one)]
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


# ---- with their place in the audit


def put(ledger: Ledger, one: Hold | Adjustment | Move, said: str) -> int:
    """Store one, and that it was ``said``, in the audit; its id."""
    with ledger.transaction() as db:
        number = add(db, one)
        ledger.audit(one.at, one.actor, _PUT[type(one)], f"{number}: {said}")
    return number


def end(
    ledger: Ledger, kind: type[Hold] | type[Adjustment], number: int, said: str, ended: Ended
) -> None:
    """Release a hold or revoke an adjustment that is in force, with its place in the audit."""
    with ledger.transaction() as db:
        if revoke(db, _TABLE[kind], number, ended.why, ended.at, ended.actor):
            detail = f"{number}: {said}; {ended.why}"
            ledger.audit(ended.at, ended.actor, _END[kind], detail)


# ---- all there ever were


def all_holds(db: sqlite3.Connection) -> list[tuple[Hold, Ended | None]]:
    """Those that were released, too."""
    return [(Hold(*row), ended) for row, ended in _with_end(db, Hold)]


def all_adjustments(db: sqlite3.Connection) -> list[tuple[Adjustment, Ended | None]]:
    """Those that were revoked, too."""
    return [(Adjustment(*row), ended) for row, ended in _with_end(db, Adjustment)]


def _with_end(
    db: sqlite3.Connection, kind: type[Hold] | type[Adjustment]
) -> list[tuple[tuple[Any, ...], Ended | None]]:
    columns = ", ".join(kind._fields)
    rows = db.execute(
        f"SELECT {columns}, revoked_at, revoked_by, revoked_why FROM {_TABLE[kind]} ORDER BY id"
    ).fetchall()
    return [(row[:-3], None if row[-3] is None else Ended(*row[-3:])) for row in rows]


def all_moves(db: sqlite3.Connection) -> list[tuple[Move, str | None]]:
    """Every move, and the month whose statements it stands on; None of one that waits."""
    columns = ", ".join(f"moves.{name}" for name in Move._fields)
    rows = db.execute(
        f"SELECT {columns}, label FROM moves LEFT JOIN periods ON periods.id = period_id "
        "ORDER BY moves.id"
    )
    return [(Move(*row[:-1]), row[-1]) for row in rows]


def hold_in_force(db: sqlite3.Connection, number: int) -> Hold:
    """The hold of this number; raises `InputError` where none of it is in force."""
    return _in_force(all_holds(db), Hold, number)


def adjustment_in_force(db: sqlite3.Connection, number: int) -> Adjustment:
    """The adjustment of this number; raises `InputError` where none of it is in force."""
    return _in_force(all_adjustments(db), Adjustment, number)


def _in_force(
    found: list[tuple[_Kind, Ended | None]], kind: type[_Kind], number: int
) -> _Kind:
    name = _TABLE[kind].removesuffix("s")
    for one, ended in found:
        if one.id == number:
            if ended is None:
                return one
            raise InputError(f"{name} {number} is {_ENDED[kind]} already, by {ended.actor}: "
                             f"{ended.why}")  # fmt: skip
    raise InputError(f"there is no {name} {number}: slurm-finops period disputes --all lists those "
                     "there are")  # fmt: skip

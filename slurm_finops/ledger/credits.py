"""Credits given by hand: (part of) what a run is billed, or all runs on some nodes for a time.

This is who is credited what and when: what that comes to in money is worked out from
charges.  A credit is never deleted, only revoked.

Who applies them asks `applying` for those in force, `claims` (or `matched`) for their
runs and `core.credits.stretches` for what is left to each; `undrawn` says for which
days that has to be done, and `mark_drawn` that it is.
"""

import sqlite3
from collections.abc import Iterable, Sequence

from slurm_finops.core.hostlist import expand
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import EVER, NEVER
from slurm_finops.errors import InputError
from slurm_finops.ledger.credit_runs import NO_NODES as NO_NODES
from slurm_finops.ledger.credit_runs import Granted as Granted
from slurm_finops.ledger.credit_runs import Matched as Matched
from slurm_finops.ledger.credit_runs import Wanted as Wanted
from slurm_finops.ledger.credit_runs import claims as claims
from slurm_finops.ledger.credit_runs import matched as matched
from slurm_finops.ledger.store import Ledger

_COLUMNS = Wanted._fields


# ---- giving and revoking


def add(
    ledger: Ledger, wanted: Wanted, calendar: Calendar, at: int, actor: str, again: bool = False
) -> Granted:
    """Store a credit, audit it, and mark the days it can touch; a transaction of its own.

    Raises `InputError` where one that is in force forgives the same already, unless
    ``again``: whoever wants that twice has to say so.
    """
    with ledger.transaction() as db:
        if not again:
            check_new(db, wanted, calendar)
        number = db.execute(
            f"INSERT INTO credits ({', '.join(_COLUMNS)}, at, actor) "
            f"VALUES ({', '.join('?' * len(_COLUMNS))}, ?, ?)",
            (*wanted, at, actor),
        ).lastrowid
        assert number is not None
        granted = Granted(number, wanted, at, actor)
        mark_undrawn(db, touched_days(db, granted, calendar))
        said = f"{number}: {told(calendar, wanted)}; {wanted.reason}"
        ticket = f"; ticket {wanted.ticket}" if wanted.ticket else ""
        ledger.audit(at, actor, "credits add", f"{said}{ticket}; approved by {wanted.approver}")
    return granted


def check_new(db: sqlite3.Connection, wanted: Wanted, calendar: Calendar) -> None:
    """Raise `InputError` where a credit in force forgives the same, whatever its reason."""
    def forgives(one: Wanted) -> tuple[object, ...]:
        nodes = None if one.nodes is None else frozenset(expand(one.nodes))
        # not job_id_raw: an array may have been collected in part when the first was given
        return (one.kind, one.cluster, one.job_id, one.user, one.submit, nodes,
                one.window, one.part)  # fmt: skip

    wants = forgives(wanted)
    first = next((one for one in listed(db) if forgives(one.wanted) == wants), None)
    if first is not None:
        raise InputError(
            f"credit {first.id} ({told(calendar, first.wanted)}) forgives the same already.  "
            "Nothing was changed; --again adds another, which forgives its part of what the "
            "first leaves"
        )


def revoke(
    ledger: Ledger, number: int, why: str, calendar: Calendar, at: int, actor: str
) -> Granted:
    """Revoke a credit, audit it, and mark the days it can have touched; as it now is.

    Raises `InputError` where there is none in force of that number.
    """
    with ledger.transaction() as db:
        found = next((one for one in listed(db, revoked=True) if one.id == number), None)
        if found is None:
            raise InputError(
                f"there is no credit {number}; slurm-finops credits list shows those there are"
            )
        if found.revoked_at is not None:
            raise InputError(
                f"credit {number} is revoked already, at {calendar.isoformat(found.revoked_at)} by "
                f"{found.revoked_by}: {found.revoked_why}"
            )
        db.execute(
            "UPDATE credits SET revoked_at = ?, revoked_by = ?, revoked_why = ? WHERE id = ?",
            (at, actor, why, number),
        )
        mark_undrawn(db, touched_days(db, found, calendar))
        said = f"{number}: {told(calendar, found.wanted)}; {why}"
        ledger.audit(at, actor, "credits revoke", said)
    return found._replace(revoked_at=at, revoked_by=actor, revoked_why=why)


def told(calendar: Calendar, wanted: Wanted) -> str:
    """``1/2 of run 4711_3 of alpha``, ``all of gpu[01-04] of alpha, 2026-06-01 to 2026-06-02``."""
    part = "all" if wanted.num == wanted.den else f"{wanted.num}/{wanted.den}"
    what = f"run {wanted.job_id}" if wanted.kind == "run" else wanted.nodes
    submit = ""
    if wanted.submit is not None:
        submit = f" submitted at {calendar.isoformat(wanted.submit)}"
    return f"{part} of {what} of {wanted.cluster}{submit}{_window(calendar, wanted)}"


def _window(calendar: Calendar, wanted: Wanted) -> str:
    if wanted.since is None and wanted.until is None:
        return ""
    since, until = (
        "" if time is None else calendar.shortest(time) for time in (wanted.since, wanted.until)
    )
    return f", {since} to {until}" if since and until else f", {since} on" if since else \
        f", up to {until}"


# ---- the credits there are


def listed(db: sqlite3.Connection, revoked: bool = False) -> list[Granted]:
    """Credits in force by id; with ``revoked`` those that no longer are, too."""
    return _select(db, "1" if revoked else "revoked_at IS NULL")


def applying(db: sqlite3.Connection, start: int, end: int) -> list[Granted]:
    """Credits in force, by id, that may forgive something in ``[start, end)``.

    Of a run it is known only from its runs when that is: `matched` looks.
    """
    return _select(
        db,
        "revoked_at IS NULL AND ifnull(since < ?, 1) AND ifnull(until > ?, 1)",
        (end, start),
    )


def _select(
    db: sqlite3.Connection, where: str, values: Sequence[object] = ()
) -> list[Granted]:
    rows = db.execute(
        f"SELECT id, at, actor, revoked_at, revoked_by, revoked_why, {', '.join(_COLUMNS)} "
        f"FROM credits WHERE {where} ORDER BY id",
        values,
    )
    return [Granted(row[0], Wanted(*row[6:]), *row[1:6]) for row in rows]


# ---- the days whose credits have to be applied again


def touched_days(db: sqlite3.Connection, granted: Granted, calendar: Calendar) -> list[int]:
    """The billing days on which a credit can change what is billed.

    Of an outage its window's.  Of a run those on which its charges can lie, with the
    day after its end: time that is rounded up may reach into it.
    """
    if granted.wanted.kind == "outage":
        since, until = granted.wanted.window
        return [*range(calendar.day_of(since), calendar.day_of(until - 1) + 1)]
    days: set[int] = set()
    for _, since, until in matched(db, granted, NEVER, EVER, suspended=True):
        days.update(range(calendar.day_of(since), calendar.day_of(until) + 2))
    return sorted(days)


def mark_undrawn(db: sqlite3.Connection, days: Iterable[int]) -> None:
    """The credits of these days have to be applied again."""
    db.executemany("INSERT OR IGNORE INTO undrawn_days VALUES (?)", [(day,) for day in days])


def undrawn(db: sqlite3.Connection) -> list[int]:
    """Those days, in order."""
    return [row[0] for row in db.execute("SELECT day FROM undrawn_days ORDER BY day")]


def mark_drawn(db: sqlite3.Connection, days: Iterable[int]) -> None:
    """The credits of these days are applied."""
    db.executemany("DELETE FROM undrawn_days WHERE day = ?", [(day,) for day in days])

"""Retags as the ledger keeps them, and the runs that one can be for.

A retag is never deleted, only undone.  What one makes of a run's tags is worked out where
its owner is: `billing.retagged`.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence

from slurm_finops.core.money import join_ticks
from slurm_finops.core.period import Calendar
from slurm_finops.core.retags import NAME, PLACES, Named, Pairs, Place, Retag, Wanted, shown
from slurm_finops.core.rows import near
from slurm_finops.core.tags import KEYS
from slurm_finops.errors import InputError
from slurm_finops.ledger.named import like
from slurm_finops.ledger.pricing import BILLABLE, SELECT_HELD, Held
from slurm_finops.ledger.spend import sum_ticks

_COLUMNS = Wanted._fields
_JSON = tuple(_COLUMNS.index(name) for name in ("match", "sets"))


# ---- the retags there are


def in_force(db: sqlite3.Connection) -> list[Retag]:
    """Those that have not been undone, by id; who approved them and why is in ``wanted``."""
    return _select(db, "undone_at IS NULL")


def listed(db: sqlite3.Connection) -> list[Retag]:
    """All that were ever made, by id."""
    return _select(db, "1")


def _select(db: sqlite3.Connection, where: str) -> list[Retag]:
    rows = db.execute(
        f"SELECT id, at, actor, undone_at, undone_by, undone_why, {', '.join(_COLUMNS)} "
        f"FROM retags WHERE {where} ORDER BY id"
    )
    return [Retag(row[0], _wanted(row[6:]), *row[1:6]) for row in rows]


def _wanted(row: Sequence[object]) -> Wanted:
    return Wanted._make(
        tuple(json.loads(str(value)).items()) if i in _JSON else value
        for i, value in enumerate(row)
    )  # fmt: skip


def _stored(pairs: Pairs) -> str:
    return json.dumps(dict(pairs), ensure_ascii=False)


def next_id(db: sqlite3.Connection) -> int:
    """The id that a retag would have if it were made now."""
    return int(db.execute("SELECT ifnull(max(id), 0) + 1 FROM retags").fetchone()[0])


def insert(db: sqlite3.Connection, wanted: Wanted, at: int, actor: str) -> Retag:
    """Store a retag; call inside a transaction."""
    row = [_stored(value) if i in _JSON else value  # type: ignore[arg-type]
           for i, value in enumerate(wanted)]  # fmt: skip
    number = db.execute(
        f"INSERT INTO retags ({', '.join(_COLUMNS)}, at, actor) "
        f"VALUES ({', '.join('?' * len(_COLUMNS))}, ?, ?)",
        (*row, at, actor),
    ).lastrowid
    assert number is not None
    return Retag(number, wanted, at, actor)


def check_new(db: sqlite3.Connection, wanted: Wanted, calendar: Calendar) -> None:
    """Raise `InputError` where one in force does the same to the same, whatever its reason."""
    def does(one: Wanted) -> tuple[object, ...]:
        # not job_id_raw: an array may have been collected in part when the first was made
        return (one.kind, one.cluster, one.job_id, one.user, one.submit, sorted(one.match, key=str),
                one.since, one.until, sorted(one.sets, key=str))  # fmt: skip

    first = next((one for one in in_force(db) if does(one.wanted) == does(wanted)), None)
    if first is not None:
        raise InputError(
            f"retag {first.id} ({told(calendar, first.wanted)}) does the same already.  Nothing "
            f"was changed; where a later one stands against it, undo that one"
        )


def find(db: sqlite3.Connection, number: int, calendar: Calendar) -> Retag:
    """A retag in force; raises `InputError` where there is none of that number."""
    found = next((one for one in listed(db) if one.id == number), None)
    if found is None:
        raise InputError(f"there is no retag {number}; slurm-finops retag list shows those there "
                         "are")  # fmt: skip
    if found.undone_at is not None:
        raise InputError(
            f"retag {number} is undone already, at {calendar.isoformat(found.undone_at)} by "
            f"{found.undone_by}: {found.undone_why}"
        )
    return found


def end(db: sqlite3.Connection, retag: Retag, why: str, at: int, actor: str) -> Retag:
    """Undo a retag that is in force; as it now is.  Call inside a transaction."""
    db.execute(
        "UPDATE retags SET undone_at = ?, undone_by = ?, undone_why = ? WHERE id = ?",
        (at, actor, why, retag.id),
    )
    return retag._replace(undone_at=at, undone_by=actor, undone_why=why)


def told(calendar: Calendar, wanted: Wanted) -> str:
    """``project=llama-2 for run 4711 of alpha``, ``… for runs with account=nlp, started …``."""
    return f"{shown(wanted.sets)} for {of(calendar, wanted)}"


def of(calendar: Calendar, wanted: Wanted) -> str:
    """The runs that a retag is for, in words."""
    cluster = f" of {wanted.cluster}" if wanted.cluster is not None else ""
    if wanted.kind == "run":
        submit = wanted.submit
        then = "" if submit is None else f" submitted at {calendar.isoformat(submit)}"
        return f"run {wanted.job_id}{cluster}{then}"
    since, until = (
        "" if time is None else calendar.shortest(time) for time in (wanted.since, wanted.until)
    )
    started = f", started {since or '…'} to {until or '…'}" if since or until else ""
    return f"runs{cluster} with {shown(wanted.match)}{started}"


# ---- the runs that they are for


class Places(dict[tuple[int, int], Place]):
    """``(cluster, context)`` by their ids -> what they are called."""

    def __init__(self, db: sqlite3.Connection) -> None:
        super().__init__()
        self._db = db

    def __missing__(self, key: tuple[int, int]) -> Place:
        row = self._db.execute(
            "SELECT clusters.name, user, account, partition, qos, wckey FROM clusters, contexts "
            "WHERE clusters.id = ? AND contexts.id = ?",
            key,
        ).fetchone()
        return Place._make(row)


def named(db: sqlite3.Connection, run: int) -> Named:
    """What a run (a ``jobs.id``) is called."""
    return Named._make(db.execute(
        "SELECT job_id, job_id_raw, submit, job_name FROM jobs WHERE id = ?", (run,)
    ).fetchone())  # fmt: skip


def candidates(db: sqlite3.Connection, wanted: Wanted) -> Iterator[Held]:
    """The runs that can cost, and that a retag can be for by where and when they ran, by id."""
    contexts = {key: value or "" for key, value in wanted.match if key in PLACES}
    if wanted.user is not None:
        contexts["user"] = wanted.user
    where, values = [BILLABLE], list[object]()
    if wanted.cluster is not None:
        where.append("cluster_id = (SELECT id FROM clusters WHERE name = ?)")
        values.append(wanted.cluster)
    if wanted.kind == "run":
        if wanted.job_id_raw is not None:
            where.append("job_id_raw = ?")
            values.append(wanted.job_id_raw)
        else:
            where.append(like([wanted.job_id or ""]))
    if contexts:
        keys = " AND ".join(f"{key} = ?" for key in contexts)
        where.append(f"context_id IN (SELECT id FROM contexts WHERE {keys})")
        values += contexts.values()
    for rule, time in (("start >= ?", wanted.since), ("start < ?", wanted.until)):
        if time is not None:
            where.append(rule)
            values.append(time)
    rows = db.execute(f"{SELECT_HELD} WHERE {' AND '.join(where)} ORDER BY id", values)
    return map(Held._make, rows)


def billed(
    db: sqlite3.Connection, runs: Collection[int], first: int, last: int
) -> Iterator[tuple[int, int]]:
    """``(run, ticks)`` that runs, whose days are ``[first, last)``, are billed, credits taken off.

    One look through the charges of these days.
    """
    for table, column, sign in (("charges", "billed_ticks", 1), ("draws", "ticks", -1)):
        rows = db.execute(
            f"SELECT usage_id, {sum_ticks(column)} FROM {table} WHERE day >= ? AND day < ? "
            "GROUP BY usage_id",
            (first, last),
        )
        for run, units, rest in rows:
            if run in runs:
                yield run, sign * join_ticks(units, rest)


def tres(db: sqlite3.Connection, tres_id: int) -> str:
    """What a run held, by its id."""
    return str(db.execute("SELECT alloc_tres FROM tres WHERE id = ?", (tres_id,)).fetchone()[0])


def never_seen(db: sqlite3.Connection, match: Iterable[tuple[str, str | None]]) -> Iterator[str]:
    """Of what a rule asks for, what no run ever had: ``account=nlpp (the nearest is …)``."""
    for key, value in match:
        if value is None or key == NAME:
            continue
        table = "tag_sets" if key in KEYS else "contexts"
        known = {row[0] for row in db.execute(f"SELECT DISTINCT {key} FROM {table}")}
        if value not in known:
            yield f"{key}={value} ({near(value, filter(None, known))})"

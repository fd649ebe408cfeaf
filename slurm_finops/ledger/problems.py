"""Records that could not be read: each is kept with its text and the reason, until settled."""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from slurm_finops.core.runs import Problem
from slurm_finops.core.stated import bounded
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.store import Ledger

_INSERT = BulkInsert(
    "problems",
    ("source", "text", "reason", "first_seen", "last_seen"),
    "ON CONFLICT (source, text, reason) DO UPDATE SET last_seen = excluded.last_seen",
)


class Listed(NamedTuple):
    """A problem as it is told; times are epoch seconds."""

    id: int
    source: str
    reason: str
    text: str
    first_seen: int
    last_seen: int


def write_problems(ledger: Ledger, source: str, problems: Iterable[Problem], at: int) -> int:
    """Keep records that could not be read, each once; returns how many.

    One that was settled and is met again stays settled.
    """
    return _INSERT.write(ledger.db, [(source, p.text, p.reason, at, at) for p in problems])


def count_open(db: sqlite3.Connection) -> int:
    """How many are not settled."""
    return int(db.execute("SELECT count(*) FROM problems WHERE settled_at IS NULL").fetchone()[0])


def commonest(db: sqlite3.Connection) -> tuple[str, int]:
    """The commonest reason among those not settled, and how many have it."""
    row = db.execute(
        "SELECT reason, count(*) FROM problems WHERE settled_at IS NULL "
        "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    ).fetchone()
    return (str(row[0]), int(row[1])) if row else ("", 0)


def listed(db: sqlite3.Connection, limit: int) -> list[Listed]:
    """Those not settled, the newest first."""
    rows = db.execute(
        f"SELECT {', '.join(Listed._fields)} FROM problems WHERE settled_at IS NULL "
        "ORDER BY last_seen DESC, id LIMIT ?",
        (limit,),
    )
    return [Listed(*row) for row in rows]


def kept_nowhere(db: sqlite3.Connection, texts: Iterable[str]) -> int:
    """How many of these records no problem tells of, be it open or settled."""
    query = "SELECT 1 FROM problems WHERE text = ? LIMIT 1"
    return sum(db.execute(query, (text,)).fetchone() is None for text in texts)


def settle(
    ledger: Ledger, numbers: Sequence[int] | None, why: str, actor: str, at: int
) -> int:
    """Settle some problems, or with None all; returns how many were open.  Nothing is deleted."""
    where = "settled_at IS NULL"
    if numbers is not None:
        where += f" AND id IN ({', '.join('?' * len(numbers))})"
    with ledger.transaction() as db:
        asked = numbers or ()
        found = db.execute(f"SELECT id FROM problems WHERE {where} ORDER BY id", asked).fetchall()
        db.execute(
            f"UPDATE problems SET settled_at = ?, settled_why = ? WHERE {where}", (at, why, *asked)
        )
        if found:
            which = ", ".join(bounded([str(number) for (number,) in found]))
            ledger.audit(at, actor, "problems", f"{which}: open -> settled: {why}")
    return len(found)

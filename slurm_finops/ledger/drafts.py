"""Who drew a month up for review."""

import sqlite3
from typing import NamedTuple

from slurm_finops.ledger.store import Ledger


class Draft(NamedTuple):
    """``at`` in epoch seconds, ``actor`` a login."""

    at: int
    actor: str


def last_draft(db: sqlite3.Connection, period: str) -> Draft | None:
    """The last draft of a month."""
    row = db.execute(
        "SELECT at, actor FROM drafts WHERE period = ? ORDER BY id DESC LIMIT 1", (period,)
    ).fetchone()
    return Draft(*row) if row else None


def drafted(ledger: Ledger, period: str, at: int, actor: str) -> None:
    """Note that somebody drew a month up."""
    with ledger.transaction() as db:
        db.execute("INSERT INTO drafts (period, at, actor) VALUES (?, ?, ?)", (period, at, actor))
        ledger.audit(at, actor, "period draft", period)

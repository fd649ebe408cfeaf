"""Who drew a month up for review."""

import sqlite3
from typing import NamedTuple

from slurm_finops.core.money import minor_text
from slurm_finops.ledger.store import Ledger


class Draft(NamedTuple):
    """``at`` in epoch seconds, ``actor`` a login; what the month then came to, in minor units.

    ``statements``: JSON of `[[entity, owner, minor units], …]`.
    """

    at: int
    actor: str
    amount_minor: int
    statements: str


def last_draft(db: sqlite3.Connection, period: str) -> Draft | None:
    """The last draft of a month."""
    row = db.execute(
        "SELECT at, actor, amount_minor, statements FROM drafts WHERE period = ? "
        "ORDER BY id DESC LIMIT 1",
        (period,),
    ).fetchone()
    return Draft(*row) if row else None


def drafted(ledger: Ledger, period: str, draft: Draft, digits: int) -> None:
    """Note that somebody drew a month up; ``digits`` of the currency."""
    with ledger.transaction() as db:
        db.execute(
            "INSERT INTO drafts (period, at, actor, amount_minor, statements) "
            "VALUES (?, ?, ?, ?, ?)",
            (period, *draft),
        )
        amount = f"{minor_text(draft.amount_minor, digits)} {ledger.setting('currency')}"
        ledger.audit(draft.at, draft.actor, "period draft", f"{period}: {amount}")

"""What reports have told of their periods, by which a later one sees what has changed since."""

import sqlite3
from collections.abc import Mapping


def told_totals(db: sqlite3.Connection, report: str) -> dict[str, dict[str, int]]:
    """Recipient -> period -> effective cost in minor units, as a mail last told it.

    A mail that was refused for good, or given up, has told nothing.
    """
    rows = db.execute(
        "SELECT recipient, told_to.period, effective_minor FROM outbox JOIN told_to "
        "ON told_to.entry = outbox.id WHERE report = ? AND status <> 'failed' ORDER BY outbox.id",
        (report,),
    )
    found: dict[str, dict[str, int]] = {}
    for recipient, period, minor in rows:
        found.setdefault(recipient, {})[period] = minor
    return found


def keep_told(db: sqlite3.Connection, entry: int, totals: Mapping[str, int]) -> None:
    """Keep what an entry of the outbox tells; inside a transaction."""
    db.executemany(
        "INSERT INTO told_to (entry, period, effective_minor) VALUES (?, ?, ?)",
        [(entry, period, minor) for period, minor in totals.items()],
    )

"""Which alerts were told: each is a mail in the outbox."""

import sqlite3


def told(db: sqlite3.Connection, report: str) -> dict[str, set[str]]:
    """By recipient the keys of what was ever queued of a report."""
    found: dict[str, set[str]] = {}
    rows = db.execute("SELECT recipient, period FROM outbox WHERE report = ?", (report,))
    for recipient, key in rows:
        found.setdefault(recipient, set()).add(key)
    return found

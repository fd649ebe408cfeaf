"""What reports have told of their periods, by which a later one sees what has changed since."""

import sqlite3
from collections.abc import Mapping


def told_totals(db: sqlite3.Connection, report: str) -> dict[str, int]:
    """Period -> effective cost in minor units, as a mail of this report last told it."""
    rows = db.execute("SELECT period, effective_minor FROM told WHERE report = ?", (report,))
    return dict(rows.fetchall())


def keep_told(db: sqlite3.Connection, report: str, totals: Mapping[str, int], at: int) -> None:
    """Keep what was told; inside a transaction."""
    db.executemany(
        "INSERT INTO told VALUES (?, ?, ?, ?) ON CONFLICT (report, period) DO UPDATE SET "
        "effective_minor = excluded.effective_minor, at = excluded.at",
        [(report, period, minor, at) for period, minor in totals.items()],
    )

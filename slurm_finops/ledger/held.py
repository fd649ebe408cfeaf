"""Runs that are held unbilled, each with the reason."""

import sqlite3
from collections.abc import Mapping


def hold(db: sqlite3.Connection, runs: Mapping[int, str | None]) -> None:
    """Hold runs for a reason, or with None free them; call inside a transaction."""
    db.executemany(
        "UPDATE jobs SET held = ? WHERE id = ? AND held IS NOT ?",
        [(why, run, why) for run, why in runs.items()],
    )


def free(db: sqlite3.Connection, why: str) -> None:
    """Free every run held for this reason; call inside a transaction."""
    db.execute("UPDATE jobs SET held = NULL WHERE held IS NOT NULL AND held = ?", (why,))


def held_runs(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """``(cluster/job id, why)`` of every run that is held."""
    rows = db.execute(
        "SELECT name || '/' || job_id, held FROM jobs JOIN clusters ON clusters.id = cluster_id "
        "WHERE held IS NOT NULL ORDER BY 1"
    )
    return rows.fetchall()

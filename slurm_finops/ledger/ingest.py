"""What has been collected: a log of every collection, and up to where it is whole."""

from dataclasses import dataclass

from slurm_finops.ledger.store import Ledger


@dataclass
class Tally:
    """What a collection found so far."""

    records: int = 0
    new: int = 0
    changed: int = 0
    problems: int = 0
    steps: int = 0
    waiting: int = 0

    def add(self, other: "Tally") -> None:
        """Count another collection with this one."""
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))


def begin(
    ledger: Ledger, source: str, cluster: str, at: int,
    since: int | None = None, until: int | None = None,
) -> int:  # fmt: skip
    """Note that a collection starts; returns its id."""
    with ledger.transaction() as db:
        return int(db.execute(
            "INSERT INTO ingest_runs (source, cluster, since, until, started_at, status) "
            "VALUES (?, ?, ?, ?, ?, 'running')",
            (source, cluster, since, until, at),
        ).lastrowid or 0)  # fmt: skip


def finish(ledger: Ledger, run: int, at: int, tally: Tally, failure: str = "") -> None:
    """Note how a collection ended."""
    with ledger.transaction() as db:
        db.execute(
            "UPDATE ingest_runs SET finished_at = ?, status = ?, records = ?, new = ?, "
            "changed = ?, problems = ?, detail = ? WHERE id = ?",
            (
                at, "failed" if failure else "complete", tally.records, tally.new, tally.changed,
                tally.problems, failure or None, run,
            ),
        )  # fmt: skip


def collected_through(ledger: Ledger, source: str, cluster: str) -> int | None:
    """Up to where collection is whole: the end of the first unbroken stretch, None for nothing.

    A later window collected by hand does not hide a gap before it.
    """
    rows = ledger.db.execute(
        "SELECT since, until FROM ingest_runs WHERE source = ? AND cluster = ? "
        "AND status = 'complete' AND since IS NOT NULL ORDER BY since",
        (source, cluster),
    )
    through: int | None = None
    for since, until in rows:
        if through is None or since <= through:
            through = max(until, through or until)
    return through


def oldest_provisional(ledger: Ledger, cluster: str) -> int | None:
    """The earliest Submit of a run that had not ended when it was seen last."""
    row = ledger.db.execute(
        "SELECT min(submit) FROM jobs JOIN clusters ON clusters.id = cluster_id "
        "WHERE provisional = 1 AND held IS NULL AND name = ?",
        (cluster,),
    ).fetchone()
    return row[0] if row else None

"""What has been collected: a log of every collection, and up to where it is whole."""

from dataclasses import dataclass

from slurm_finops.ledger.store import Ledger

#: Ways to one and the same accounting: a window that one of them has collected is
#: whole for the others, too.
ACCOUNTING = ("sacct", "pyslurm")


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
    since: int | None = None, until: int | None = None, automatic: bool = False,
) -> int:  # fmt: skip
    """Note that a collection starts; returns its id.

    ``automatic``: nobody named its window, it went on where the last one ended.
    """
    with ledger.transaction() as db:
        return int(db.execute(
            "INSERT INTO ingest_runs (source, cluster, since, until, automatic, started_at, status)"
            " VALUES (?, ?, ?, ?, ?, ?, 'running')",
            (source, cluster, since, until, int(automatic), at),
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
    """Up to where collection is whole, None for nothing.

    That is the end of the unbroken stretch of windows that holds the newest
    automatic one; before there is one, of the latest stretch.  So a window
    collected by hand neither hides a gap before it nor sets the clock back.
    """
    names = ACCOUNTING if source in ACCOUNTING else (source,)
    rows = ledger.db.execute(
        "SELECT since, until, automatic, id FROM ingest_runs "
        f"WHERE source IN ({', '.join('?' * len(names))}) AND cluster = ? "
        "AND status = 'complete' AND since IS NOT NULL ORDER BY since",
        (*names, cluster),
    )
    stretches: list[tuple[int, int]] = []  # (the newest automatic window in it, its end)
    for since, until, automatic, window in rows:
        newest, end = automatic * window, until
        if stretches and since <= stretches[-1][1]:
            before = stretches.pop()
            newest, end = max(newest, before[0]), max(end, before[1])
        stretches.append((newest, end))
    return max(stretches)[1] if stretches else None


def whole_windows(ledger: Ledger, source: str, cluster: str) -> list[tuple[int, int]]:
    """The stretches ``[since, until)`` that are collected whole, joined, in order."""
    rows = ledger.db.execute(
        "SELECT since, until FROM ingest_runs WHERE source = ? AND cluster = ? "
        "AND status = 'complete' AND since IS NOT NULL ORDER BY since",
        (source, cluster),
    )
    whole: list[tuple[int, int]] = []
    for since, until in rows:
        if whole and since <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(whole[-1][1], until)
        else:
            whole.append((since, until))
    return whole

"""The outbox's mails in the ledger."""

from typing import NamedTuple

from slurm_finops.ledger.store import Ledger

_COLUMNS = "id, report, period, recipient, status, message, tries"


class Mail(NamedTuple):
    """A stored mail, as the outbox reads it."""

    id: int
    report: str
    period: str
    recipient: str
    status: str
    message: bytes
    tries: int


class LedgerOutbox:
    """Each call is one transaction, so a crash leaves the last status that was true."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def add(
        self, report: str, period: str, recipient: str, message_id: str, subject: str,
        message: bytes, at: int,
    ) -> None:  # fmt: skip
        """Queue a mail, unless there is one for this report, period and recipient."""
        with self._ledger.transaction() as db:
            db.execute(
                "INSERT INTO outbox (report, period, recipient, status, message_id, subject, "
                "message, queued_at) VALUES (?, ?, ?, 'queued', ?, ?, ?, ?) "
                "ON CONFLICT (report, period, recipient) DO NOTHING",
                (report, period, recipient, message_id, subject, message, at),
            )

    def has(self, report: str, period: str, recipient: str) -> bool:
        """Whether this mail was ever queued."""
        key = "SELECT 1 FROM outbox WHERE report = ? AND period = ? AND recipient = ?"
        return self._ledger.db.execute(key, (report, period, recipient)).fetchone() is not None

    def with_status(self, status: str) -> list[Mail]:
        """All mails of a status, the oldest first."""
        select = f"SELECT {_COLUMNS} FROM outbox WHERE status = ? ORDER BY id"
        return [Mail(*row) for row in self._ledger.db.execute(select, (status,))]

    def get(self, entry: int) -> Mail | None:
        """One mail."""
        row = self._ledger.db.execute(
            f"SELECT {_COLUMNS} FROM outbox WHERE id = ?", (entry,)
        ).fetchone()
        return Mail(*row) if row else None

    def mark(self, entry: int, status: str, at: int, detail: str, tries: int) -> None:
        """Give a mail another status."""
        with self._ledger.transaction() as db:
            db.execute(
                "UPDATE outbox SET status = ?, tried_at = ?, detail = ?, tries = ?, "
                "sent_at = CASE WHEN ? = 'sent' THEN ? ELSE sent_at END WHERE id = ?",
                (status, at, detail or None, tries, status, at, entry),
            )

"""The outbox's mails in the ledger."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple

from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.told_totals import keep_told


class Mail(NamedTuple):
    """A stored mail, as the outbox reads it."""

    id: int
    report: str
    period: str
    recipient: str
    status: str
    message: bytes
    tries: int
    queued_at: int
    channel: str
    due_at: int | None
    detail: str | None


class Listed(NamedTuple):
    """A mail as `check` tells of it; times are epoch seconds."""

    id: int
    report: str
    period: str
    recipient: str
    status: str
    subject: str
    queued_at: int
    tried_at: int | None
    sent_at: int | None
    tries: int
    detail: str | None
    channel: str
    due_at: int | None


class LedgerOutbox:
    """Each call is one transaction, so a crash leaves the last status that was true."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @contextmanager
    def _durable(self) -> Iterator[sqlite3.Connection]:
        """A transaction that outlives the loss of power.

        With NORMAL a ``sending`` might be undone, and its mail go out twice
        (sqlite.org/pragma.html#pragma_synchronous).  Within another it is a part of that.
        """
        if self._ledger.db.in_transaction:
            yield self._ledger.db
            return
        self._ledger.db.execute("PRAGMA synchronous = FULL")
        try:
            with self._ledger.transaction() as db:
                yield db
        finally:
            self._ledger.db.execute("PRAGMA synchronous = NORMAL")

    @contextmanager
    def together(self) -> Iterator[None]:
        """All that is added meanwhile, or nothing of it."""
        with self._durable():
            yield

    def listed(self, *statuses: str) -> list[Listed]:
        """Mails of these statuses (none given: all), the oldest first, without their bytes."""
        which = f"WHERE status IN ({', '.join('?' * len(statuses))})" if statuses else ""
        select = f"SELECT {', '.join(Listed._fields)} FROM outbox {which} ORDER BY id"
        return [Listed(*row) for row in self._ledger.db.execute(select, statuses)]

    def add(
        self, report: str, period: str, recipient: str, message_id: str, subject: str,
        message: bytes, at: int, channel: str = "mail",
        told: Mapping[str, int] = MappingProxyType({}), by_hand: bool = False,
    ) -> None:  # fmt: skip
        """Queue a mail, unless there is one for this report, period and recipient.

        ``told``: period -> what it says that it cost, in minor units.  ``by_hand``:
        its period was named, and not the next that was due.
        """
        with self._durable() as db:
            added = db.execute(
                "INSERT INTO outbox (report, period, recipient, status, message_id, subject, "
                "message, queued_at, channel, by_hand) "
                "VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (report, period, recipient) DO NOTHING",
                (report, period, recipient, message_id, subject, message, at, channel, by_hand),
            )
            if added.rowcount and added.lastrowid:
                keep_told(db, added.lastrowid, told)

    def has(self, report: str, period: str, recipient: str) -> bool:
        """Whether this mail was ever queued."""
        key = "SELECT 1 FROM outbox WHERE report = ? AND period = ? AND recipient = ?"
        return self._ledger.db.execute(key, (report, period, recipient)).fetchone() is not None

    def periods(self, report: str, channel: str = "mail") -> list[str]:
        """The periods for which a report was ever queued for a channel, and not by hand."""
        select = (
            "SELECT DISTINCT period FROM outbox WHERE report = ? AND channel = ? AND by_hand = 0"
        )
        return [row[0] for row in self._ledger.db.execute(select, (report, channel))]

    def with_status(self, status: str) -> list[int]:
        """The ids of all mails of a status, the oldest first: mails are large."""
        select = "SELECT id FROM outbox WHERE status = ? ORDER BY id"
        return [row[0] for row in self._ledger.db.execute(select, (status,))]

    def get(self, entry: int) -> Mail | None:
        """One mail."""
        row = self._ledger.db.execute(
            f"SELECT {', '.join(Mail._fields)} FROM outbox WHERE id = ?", (entry,)
        ).fetchone()
        return Mail(*row) if row else None

    def mark(
        self, entry: int, status: str, at: int, detail: str, tries: int,
        due_at: int | None = None,
    ) -> None:  # fmt: skip
        """Give a mail another status; queued, it is not tried before ``due_at``."""
        with self._durable() as db:
            db.execute(
                "UPDATE outbox SET status = ?, tried_at = ?, detail = ?, tries = ?, due_at = ?, "
                "sent_at = CASE WHEN ? = 'sent' THEN ? ELSE sent_at END WHERE id = ?",
                (status, at, detail or None, tries, due_at, status, at, entry),
            )

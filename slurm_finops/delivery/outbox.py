"""The outbox: each (report, period, recipient) is rendered, stored, and sent once.

``queued`` -> ``sending`` -> ``sent``.  ``sending`` is stored before the server is
spoken to, so a crash there leaves it, and the next run calls it ``unknown``: it
is never sent again by itself.  What the server refuses for now goes back to
``queued``; what it refuses for good is ``failed``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from email.message import EmailMessage
from typing import NamedTuple, Protocol

from slurm_finops.delivery.smtp import (
    Permanent,
    SmtpServer,
    Temporary,
    Unknown,
    Unreachable,
    as_sent,
)
from slurm_finops.errors import InputError

#: A server that answers, but not with yes, is asked so often about one mail.
MAX_TRIES = 5
#: A server that does not answer at all says nothing about a mail, until its news is old.
MAX_AGE = 14 * 86_400


class Entry(Protocol):
    """A stored mail."""

    @property
    def id(self) -> int: ...

    @property
    def report(self) -> str: ...

    @property
    def period(self) -> str: ...

    @property
    def recipient(self) -> str: ...

    @property
    def message(self) -> bytes: ...

    @property
    def tries(self) -> int: ...

    @property
    def queued_at(self) -> int: ...


class Outcome(NamedTuple):
    """What became of a mail: its new status, with the server's words."""

    id: int
    report: str
    period: str
    recipient: str
    status: str
    detail: str = ""


class Store(Protocol):
    """Where mails are kept; every call is durable when it returns."""

    def add(
        self, report: str, period: str, recipient: str, message_id: str, subject: str,
        message: bytes, at: int,
    ) -> None:  # fmt: skip
        """Queue a mail, unless there is one for this report, period and recipient."""

    def has(self, report: str, period: str, recipient: str) -> bool: ...

    def with_status(self, status: str) -> Iterable[int]: ...

    def get(self, entry: int) -> Entry | None: ...

    def mark(self, entry: int, status: str, at: int, detail: str, tries: int) -> None: ...


def message_id(site: str, report: str, period: str, recipient: str, domain: str) -> str:
    """The same for the same mail, whenever it is made."""
    text = "\x1f".join((site, report, period, recipient))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}@{domain}"


class Outbox:
    """Queues and sends through one server, for one run of the program."""

    def __init__(self, store: Store, server: SmtpServer, sender: str) -> None:
        self._store = store
        self._server = server
        self._sender = sender
        #: Why the server could not be reached, once it could not.
        self._down = ""

    def queue(
        self, report: str, period: str, recipient: str, make: Callable[[], EmailMessage], at: int
    ) -> None:
        """Render and store a mail, unless it is there already."""
        if self._store.has(report, period, recipient):
            return
        message = make()
        self._store.add(
            report, period, recipient, message["Message-ID"], message["Subject"],
            as_sent(message), at,
        )  # fmt: skip

    def send_due(
        self, at: int, wanted: Callable[[str], bool] = lambda report: True
    ) -> list[Outcome]:
        """Send all that is queued of the reports wanted; one that fails does not stop the others.

        Raises `ConfigError` before any mail is touched.
        """
        self._server.check()
        outcomes = [
            self._marked(entry, "unknown", at, "the program died while sending it", entry.tries)
            for entry in self._each("sending")
        ]
        outcomes += [
            self._send(entry, at) for entry in self._each("queued") if wanted(entry.report)
        ]
        return outcomes

    def _each(self, status: str) -> Iterator[Entry]:
        for number in self._store.with_status(status):
            entry = self._store.get(number)
            if entry is not None:
                yield entry

    def resend(self, entry: int, at: int) -> Outcome:
        """Send a stored mail again, with the same Message-ID.

        Raises `InputError`, or `ConfigError` before the mail is touched.
        """
        found = self._store.get(entry)
        if found is None:
            raise InputError(f"the outbox has no mail {entry}; slurm-finops check lists them")
        self._server.check()
        return self._send(found, at)

    def _send(self, entry: Entry, at: int) -> Outcome:
        tries = entry.tries + 1
        try:
            self._hand_over(entry, at, tries)
        except Unreachable as error:
            status = "failed" if at - entry.queued_at > MAX_AGE else "queued"
            return self._marked(entry, status, at, str(error), entry.tries)
        except Temporary as error:
            status = "failed" if tries >= MAX_TRIES else "queued"
            return self._marked(entry, status, at, str(error), tries)
        except Permanent as error:
            return self._marked(entry, "failed", at, str(error), tries)
        except Unknown as error:
            return self._marked(entry, "unknown", at, str(error), tries)
        return self._marked(entry, "sent", at, "", tries)

    def _hand_over(self, entry: Entry, at: int, tries: int) -> None:
        if self._down:
            # each mail would wait for the same half minute
            raise Unreachable(self._down)
        self._store.mark(entry.id, "sending", at, "", tries)
        try:
            self._server.send(entry.message, self._sender, entry.recipient)
        except Unreachable as error:
            self._down = str(error)
            raise

    def _marked(self, entry: Entry, status: str, at: int, detail: str, tries: int) -> Outcome:
        if status in ("unknown", "failed"):
            detail += f"; to send it again: slurm-finops send --resend {entry.id}"
        self._store.mark(entry.id, status, at, detail, tries)
        return Outcome(entry.id, entry.report, entry.period, entry.recipient, status, detail)

"""The outbox: each (report, period, recipient) is rendered, stored, and sent once.

``queued`` -> ``sending`` -> ``sent``.  ``sending`` is stored before the server is
spoken to, so a crash there leaves it, and the next run calls it ``unknown``: it
is never sent again by itself.  What the server refuses for now goes back to
``queued``, and waits longer each time; what it refuses for good is ``failed``.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from email.message import EmailMessage
from typing import NamedTuple, Protocol

from slurm_finops.delivery.letter import Channel, Letter
from slurm_finops.delivery.refusals import Permanent, Temporary, Unknown, Unreachable
from slurm_finops.delivery.slack import Post
from slurm_finops.delivery.smtp import as_sent
from slurm_finops.errors import ConfigError, InputError, OutsideError

MAIL, SLACK = "mail", "slack"
#: So long something that was refused for now waits, by how often it was; then as the last.
#: Half a day at most: a night that comes a minute early must find it due.
WAITS = (15 * 60, 3600, 4 * 3600, 12 * 3600)
#: A server that answers, but not with yes, is asked so often about one mail.
MAX_TRIES = 10
#: A server that does not answer at all says nothing about a mail, until its news is old.
MAX_AGE = 14 * 86_400


class Outcome(NamedTuple):
    """What became of a mail: its new status, with the server's words.

    ``waiting``: it was refused for now, and is not due before ``due_at``.
    ``not sent again``: it was sent before, and keeps that status.
    """

    id: int
    report: str
    period: str
    recipient: str
    status: str
    detail: str = ""
    due_at: int | None = None


def tells_nothing() -> Mapping[str, int]:
    """What a mail tells of periods that no later mail need correct."""
    return {}


class Wanted(NamedTuple):
    """Something to go out: its key, its channel, and how to make it.

    ``told``, once it is made: period -> what it says that it cost, in minor units.
    ``by_hand``: somebody named the period, which was not the next that is due.
    """

    report: str
    period: str
    recipient: str
    make: Callable[[], EmailMessage | Post]
    channel: str = MAIL
    told: Callable[[], Mapping[str, int]] = tells_nothing
    by_hand: bool = False


class Kept(Letter, Protocol):
    """A letter of the outbox."""

    @property
    def status(self) -> str: ...


class Store(Protocol):
    """Where mails are kept; every call is durable when it returns."""

    def add(
        self, report: str, period: str, recipient: str, message_id: str, subject: str,
        message: bytes, at: int, channel: str = MAIL, told: Mapping[str, int] = ...,
        by_hand: bool = False,
    ) -> None:  # fmt: skip
        """Queue a mail, unless there is one for this report, period and recipient."""

    def together(self) -> AbstractContextManager[object]:
        """All that is added meanwhile, or nothing of it."""

    def has(self, report: str, period: str, recipient: str) -> bool: ...

    def with_status(self, status: str) -> Iterable[int]: ...

    def get(self, entry: int) -> Kept | None: ...

    def mark(
        self, entry: int, status: str, at: int, detail: str, tries: int,
        due_at: int | None = None,
    ) -> None: ...  # fmt: skip


def message_id(site: str, report: str, period: str, recipient: str, domain: str) -> str:
    """The same for the same mail, whenever it is made."""
    text = "\x1f".join((site, report, period, recipient))
    return f"{hashlib.sha256(text.encode()).hexdigest()[:32]}@{domain}"


class Outbox:
    """Queues, and sends by each entry's own channel, for one run of the program."""

    def __init__(self, store: Store, channels: Mapping[str, Channel]) -> None:
        self._store = store
        self._channels = channels
        #: Why a channel could not be reached, once it could not.
        self._down: dict[str, str] = {}

    def queue_together(self, wanted: Sequence[Wanted], at: int) -> list[Outcome]:
        """Render and store what is not there yet, all that can be made or none; those that cannot.

        What is due of a report is known by what was queued of it, so a crash between two of
        its recipients would leave one out for good.
        """
        failed, made = [], []
        for one in wanted:
            if self._store.has(one.report, one.period, one.recipient):
                continue
            try:
                made.append((one, as_stored(one.make()), one.told()))
            except InputError as error:  # one mail that cannot be made costs no other
                failed.append(
                    Outcome(0, one.report, one.period, one.recipient, "failed", str(error))
                )
        if not made:
            return failed
        with self._store.together():
            for one, stored, told in made:
                self._store.add(
                    one.report, one.period, one.recipient, *stored, at, one.channel, told,
                    one.by_hand,
                )  # fmt: skip
        return failed

    def send_due(
        self, at: int, wanted: Callable[[str], bool] = lambda report: True, early: bool = False
    ) -> list[Outcome]:
        """Send all that is queued of the reports wanted; one that fails does not stop the others.

        ``early``: what was refused for now does not wait until it is due.
        Raises `ConfigError` before any mail is touched.
        """
        self._check()
        outcomes = [
            self._marked(entry, "unknown", at, "the program died while sending it", entry.tries)
            for entry in self._each("sending")
        ]
        for entry in self._each("queued"):
            if not wanted(entry.report):
                continue
            if not early and entry.due_at is not None and entry.due_at > at:
                outcomes.append(_outcome(entry, "waiting", entry.detail or "", entry.due_at))
            else:
                outcomes.append(self._send(entry, at))
        return outcomes

    def _check(self) -> None:
        for channel in self._channels.values():
            channel.check()

    def _each(self, status: str) -> Iterator[Letter]:
        for number in self._store.with_status(status):
            entry = self._store.get(number)
            if entry is not None:
                yield entry

    def resend(self, entry: int, at: int) -> Outcome:
        """Send a stored mail again, with the same Message-ID.

        One that was sent stays so, whatever becomes of it now.  Raises `InputError`, or
        `ConfigError` before the mail is touched.
        """
        found = self._store.get(entry)
        if found is None:
            raise InputError(f"the outbox has no mail {entry}; slurm-finops check lists them")
        self._check()
        return self._send_again(found, at) if found.status == "sent" else self._send(found, at)

    def _send_again(self, entry: Letter, at: int) -> Outcome:
        try:
            self._hand_over(entry)
        except (ConfigError, OutsideError) as error:
            return _outcome(entry, "not sent again", f"{error}; it was sent before", None)
        return self._marked(entry, "sent", at, "", entry.tries + 1)

    def _send(self, entry: Letter, at: int) -> Outcome:
        tries = entry.tries + 1
        try:
            self._hand_over(
                entry, lambda: self._store.mark(entry.id, "sending", at, "", tries)
            )
        except (Unreachable, ConfigError) as error:
            status = "failed" if at - entry.queued_at > MAX_AGE else "queued"
            return self._marked(entry, status, at, str(error), entry.tries)
        except Temporary as error:
            if tries >= MAX_TRIES:
                return self._marked(entry, "failed", at, str(error), tries)
            wait = max(WAITS[min(tries, len(WAITS)) - 1], error.after)
            return self._marked(entry, "queued", at, str(error), tries, at + wait)
        except Permanent as error:
            return self._marked(entry, "failed", at, str(error), tries)
        except Unknown as error:
            return self._marked(entry, "unknown", at, str(error), tries)
        return self._marked(entry, "sent", at, "", tries)

    def _hand_over(self, entry: Letter, before: Callable[[], None] = lambda: None) -> None:
        """``before`` is called when nothing else is to be waited for."""
        channel = self._channels.get(entry.channel)
        if channel is None:
            raise ConfigError(f"nothing in the configuration says how to send {entry.channel}")
        if entry.channel in self._down:
            # each mail would wait for the same half minute
            raise Unreachable(self._down[entry.channel])
        channel.wait()
        before()
        try:
            channel.send(entry)
        except Unreachable as error:
            self._down[entry.channel] = str(error)
            raise

    def _marked(
        self, entry: Letter, status: str, at: int, detail: str, tries: int,
        due_at: int | None = None,
    ) -> Outcome:  # fmt: skip
        if status in ("unknown", "failed"):
            detail += f"; to send it again: slurm-finops send --resend {entry.id}"
        self._store.mark(entry.id, status, at, detail, tries, due_at)
        return _outcome(entry, status, detail, due_at)


def _outcome(entry: Letter, status: str, detail: str, due_at: int | None) -> Outcome:
    return Outcome(
        entry.id, entry.report, entry.period, entry.recipient, status, detail, due_at
    )


def as_stored(made: EmailMessage | Post) -> tuple[str, str, bytes]:
    """Its id, its subject and its bytes."""
    if isinstance(made, Post):
        return made.message_id, made.subject, made.data
    return made["Message-ID"], made["Subject"], as_sent(made)

"""Mails in the ledger: each once, durable before a server is spoken to."""

from pathlib import Path

from slurm_finops.ledger.outbox import LedgerOutbox
from slurm_finops.ledger.store import Ledger
from tests.support import a_ledger

KEY = ("team:nlp", "2026-06", "pi@example.org")


def an_outbox(ledger: Ledger) -> LedgerOutbox:
    outbox = LedgerOutbox(ledger)
    outbox.add(*KEY, "<1@example.org>", "hello", b"the mail", 100)
    return outbox


def test_a_mail_is_kept_once_and_as_it_was_first() -> None:
    outbox = an_outbox(a_ledger())
    outbox.add(*KEY, "<2@example.org>", "another", b"another", 200)
    (number,) = outbox.with_status("queued")
    mail = outbox.get(number)
    assert mail is not None
    assert (mail.message, mail.tries) == (b"the mail", 0)
    assert outbox.has(*KEY)
    assert not outbox.has("team:nlp", "2026-07", "pi@example.org")
    assert outbox.get(2) is None


def test_a_status_is_there_for_another_connection_as_soon_as_it_is_marked(tmp_path: Path) -> None:
    outbox = an_outbox(a_ledger(tmp_path / "l.db"))
    outbox.mark(1, "sending", 101, "", 1)
    other = LedgerOutbox(a_ledger(tmp_path / "l.db"))
    assert [mail.tries for mail in other.listed("sending")] == [1]


def test_a_status_outlives_the_loss_of_power(tmp_path: Path) -> None:
    """In WAL only synchronous = FULL syncs each commit; elsewhere NORMAL is faster."""
    ledger = a_ledger(tmp_path / "l.db")
    seen: list[tuple[str, int]] = []

    def note(statement: str) -> None:
        if statement.startswith(("UPDATE outbox", "INSERT INTO outbox")):
            ledger.db.set_trace_callback(None)
            seen.append((statement[:6], ledger.db.execute("PRAGMA synchronous").fetchone()[0]))
            ledger.db.set_trace_callback(note)

    ledger.db.set_trace_callback(note)
    outbox = an_outbox(ledger)
    outbox.mark(1, "sending", 101, "", 1)
    ledger.db.set_trace_callback(None)
    assert seen == [("INSERT", 2), ("UPDATE", 2)]
    assert ledger.db.execute("PRAGMA synchronous").fetchone() == (1,)


def test_what_became_of_each_mail_can_be_listed() -> None:
    outbox = an_outbox(a_ledger())
    outbox.mark(1, "unknown", 101, "no answer", 1)
    (listed,) = outbox.listed("unknown", "failed")
    assert (listed.subject, listed.tried_at, listed.sent_at, listed.detail) == (
        "hello", 101, None, "no answer",
    )  # fmt: skip
    assert outbox.listed("sent") == []
    outbox.mark(1, "sent", 102, "", 2)
    assert [(entry.status, entry.sent_at, entry.detail) for entry in outbox.listed()] == [
        ("sent", 102, None)
    ]


def test_nothing_is_tried_before_it_is_due_and_the_next_try_forgets_it() -> None:
    outbox = an_outbox(a_ledger())
    outbox.mark(1, "queued", 101, "450 later", 1, 1001)
    mail = outbox.get(1)
    assert mail is not None
    assert (mail.due_at, mail.detail, mail.channel) == (1001, "450 later", "mail")
    outbox.mark(1, "sending", 1001, "", 2)
    assert outbox.listed()[0].due_at is None


def test_what_is_added_together_is_there_whole_or_not_at_all() -> None:
    outbox = an_outbox(a_ledger())
    try:
        with outbox.together():
            outbox.add("team:nlp", "2026-07", "a@example.org", "<2@b>", "s", b"x", 1)
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert outbox.periods("team:nlp") == ["2026-06"]


def test_each_channel_has_periods_of_its_own() -> None:
    outbox = an_outbox(a_ledger())
    outbox.add("team:nlp", "2026-07", "slack", "<2@slack>", "s", b"{}", 1, "slack")
    assert outbox.periods("team:nlp") == ["2026-06"]
    assert outbox.periods("team:nlp", "slack") == ["2026-07"]


def test_a_ledger_of_before_knows_its_letters_as_mails(tmp_path: Path) -> None:
    import sqlite3

    from sqlite_utils import Database

    from slurm_finops.ledger.schema_moved import steps

    db = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
    steps.apply(Database(db, execute_plugins=False), stop_before="0014_channels")
    db.execute("PRAGMA user_version = 13")
    db.execute(
        "INSERT INTO outbox (report, period, recipient, status, message_id, subject, message, "
        "queued_at) VALUES ('team:nlp', '2026-06', 'a@example.org', 'queued', '<1>', 's', x'00', 1)"
    )
    db.close()
    (entry,) = LedgerOutbox(a_ledger(tmp_path / "l.db")).listed()
    assert (entry.channel, entry.due_at) == ("mail", None)

"""What each recipient was told, and by which mails."""

import sqlite3
from pathlib import Path

from sqlite_utils import Database

from slurm_finops.ledger.outbox import LedgerOutbox
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.told_totals import told_totals
from tests.support import a_ledger

PI, DELEGATE = "pi@example.org", "d@example.org"


def add(ledger: Ledger, period: str, to: str, told: dict[str, int]) -> None:
    number = f"<{period}{to}>"
    LedgerOutbox(ledger).add("team:nlp", period, to, number, "s", b"x", 1, told=told)


def test_each_was_told_what_the_latest_mail_to_it_says() -> None:
    ledger = a_ledger()
    add(ledger, "2026-05", PI, {"2026-05": 100})
    add(ledger, "2026-06", PI, {"2026-05": 110, "2026-06": 50})
    add(ledger, "2026-06", DELEGATE, {"2026-06": 50})
    assert told_totals(ledger.db, "team:nlp") == {
        PI: {"2026-05": 110, "2026-06": 50}, DELEGATE: {"2026-06": 50},
    }  # fmt: skip
    assert told_totals(ledger.db, "team:cv") == {}


def test_a_mail_that_failed_told_nothing_and_what_was_told_before_stands() -> None:
    ledger = a_ledger()
    add(ledger, "2026-05", PI, {"2026-05": 100})
    add(ledger, "2026-06", PI, {"2026-05": 110, "2026-06": 50})
    outbox = LedgerOutbox(ledger)
    outbox.mark(2, "failed", 2, "550 no", 1)
    assert told_totals(ledger.db, "team:nlp") == {PI: {"2026-05": 100}}
    outbox.mark(2, "sent", 3, "", 2)
    assert told_totals(ledger.db, "team:nlp") == {PI: {"2026-05": 110, "2026-06": 50}}


def test_a_mail_that_is_there_already_tells_nothing_more() -> None:
    ledger = a_ledger()
    add(ledger, "2026-05", PI, {"2026-05": 100})
    add(ledger, "2026-05", PI, {"2026-05": 200})
    assert told_totals(ledger.db, "team:nlp") == {PI: {"2026-05": 100}}


def test_what_a_report_told_before_was_told_to_all_its_recipients(tmp_path: Path) -> None:
    from slurm_finops.ledger.schema_told import steps

    db = sqlite3.connect(tmp_path / "l.db", isolation_level=None)
    steps.apply(Database(db, execute_plugins=False), stop_before="0016_told_to")
    db.execute("PRAGMA user_version = 15")
    for number, period, to, channel in (
        (1, "2026-05", PI, "mail"), (2, "2026-06", PI, "mail"), (3, "2026-06", DELEGATE, "mail"),
        (4, "2026-06", "slack", "slack"),
    ):  # fmt: skip
        db.execute(
            "INSERT INTO outbox (report, period, recipient, status, message_id, subject, message, "
            "queued_at, channel) VALUES ('team:nlp', ?, ?, 'sent', ?, 's', x'00', 1, ?)",
            (period, to, str(number), channel),
        )
    db.execute("INSERT INTO told VALUES ('team:nlp', '2026-05', 10, 1)")
    db.execute("INSERT INTO told VALUES ('team:nlp', '2026-06', 20, 1)")
    db.close()
    ledger = a_ledger(tmp_path / "l.db")
    assert told_totals(ledger.db, "team:nlp") == {
        PI: {"2026-05": 10, "2026-06": 20}, DELEGATE: {"2026-06": 20},
    }  # fmt: skip
    assert LedgerOutbox(ledger).periods("team:nlp") == ["2026-05", "2026-06"]

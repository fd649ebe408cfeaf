"""The outbox when things go wrong: no mail is lost, none goes out twice by itself."""

from email.message import EmailMessage
from pathlib import Path

import pytest

from slurm_finops.delivery.outbox import Outbox
from slurm_finops.delivery.smtp import MailChannel, SmtpServer
from slurm_finops.errors import ConfigError
from slurm_finops.ledger.outbox import LedgerOutbox
from tests.delivery.queueing import queue
from tests.delivery.scripted import HANG_UP, scripted
from tests.support import a_ledger


def an_outbox(
    port: int, *recipients: str, secret: Path | None = None
) -> tuple[Outbox, LedgerOutbox]:
    store = LedgerOutbox(a_ledger())
    server = SmtpServer("127.0.0.1", port, False, "finops" if secret else None, secret)
    outbox = Outbox(store, {"mail": MailChannel(server, "finops@example.org")})
    for i, recipient in enumerate(recipients):
        message = EmailMessage()
        message["Message-ID"], message["Subject"] = f"<{i}@example.org>", f"hello {recipient}"
        queue(outbox, "team:nlp", "2026-06", recipient, lambda made=message: made, 1)
    return outbox, store


def again(store: LedgerOutbox, port: int) -> Outbox:
    """The next run of the program on the same ledger."""
    server = SmtpServer("127.0.0.1", port, False)
    return Outbox(store, {"mail": MailChannel(server, "finops@example.org")})


def test_one_bad_address_does_not_stop_the_others() -> None:
    with scripted() as server:
        outbox, _ = an_outbox(server.port, "a@example.org", "ä@example.org", "b@example.org")
        assert [o.status for o in outbox.send_due(2)] == ["sent", "failed", "sent"]


def test_a_server_that_is_down_is_asked_once_a_run_and_every_mail_waits() -> None:
    with scripted(connect=b"421 closed for repairs") as server:
        outbox, store = an_outbox(server.port, *(f"{i}@example.org" for i in range(20)))
        outcomes = outbox.send_due(2)
    assert server.connections == 1
    assert {outcome.status for outcome in outcomes} == {"queued"}
    assert all("closed for repairs" in outcome.detail for outcome in outcomes)
    # the server said nothing of any mail
    assert {entry.tries for entry in store.listed()} == {0}
    with scripted() as server:
        assert {o.status for o in again(store, server.port).send_due(3)} == {"sent"}


def test_a_refused_recipient_is_not_a_server_that_is_down() -> None:
    with scripted(RCPT=b"450 greylisted") as server:
        outbox, _ = an_outbox(server.port, "a@example.org", "b@example.org")
        outbox.send_due(2)
    assert server.connections == 2


def test_a_password_file_gone_wrong_touches_no_mail(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o644)
    outbox, store = an_outbox(1, "a@example.org", secret=secret)
    for attempt in (lambda: outbox.send_due(2), lambda: outbox.resend(1, 2)):
        with pytest.raises(ConfigError, match="chmod 600"):
            attempt()
    assert [(e.status, e.tries) for e in store.listed()] == [("queued", 0)]


def test_what_nobody_can_know_says_how_to_send_it_again_and_keeps_its_id() -> None:
    with scripted(dot=HANG_UP) as server:
        outbox, store = an_outbox(server.port, "a@example.org")
        (outcome,) = outbox.send_due(2)
    assert outcome.status == "unknown"
    assert "slurm-finops send --resend 1" in outcome.detail
    with scripted() as server:
        assert again(store, server.port).send_due(3) == []
        assert server.connections == 0
        assert again(store, server.port).resend(1, 4).status == "sent"
        assert b"Message-ID: <0@example.org>" in server.mail


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_program_that_dies_while_sending_leaves_a_mail_that_is_not_sent_again(
    error: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise error

    with scripted() as server:
        outbox, store = an_outbox(server.port, "a@example.org", "b@example.org")
        with monkeypatch.context() as patch, pytest.raises(error):
            patch.setattr(SmtpServer, "send", die)
            outbox.send_due(2)
        assert [e.status for e in store.listed()] == ["sending", "queued"]
        assert [o.status for o in again(store, server.port).send_due(3)] == ["unknown", "sent"]
        assert server.connections == 1


def test_a_mail_outlives_any_outage_until_its_news_is_old() -> None:
    _, store = an_outbox(1, "a@example.org")
    nights = [again(store, 1).send_due(1 + night * 86_400) for night in range(16)]
    assert [outcome.status for (outcome,) in nights] == ["queued"] * 15 + ["failed"]
    with scripted() as server:
        assert again(store, server.port).resend(1, 4).status == "sent"

"""Each mail once: whatever the server says, and wherever the program dies."""

from email.message import EmailMessage

import pytest

from slurm_finops.delivery.outbox import MAX_AGE, Outbox, Wanted
from slurm_finops.delivery.smtp import MailChannel, SmtpServer
from slurm_finops.errors import InputError
from slurm_finops.ledger.outbox import LedgerOutbox
from tests.delivery.queueing import queue
from tests.delivery.server import Handler, smtp_server
from tests.support import a_ledger

KEY = ("team:nlp", "2026-06", "pi@example.org")


def a_mail() -> EmailMessage:
    message = EmailMessage()
    message["Message-ID"], message["Subject"] = "<1@example.org>", "hello"
    message.set_content("hello")
    return message


def an_outbox(port: int = 1) -> tuple[Outbox, LedgerOutbox]:
    store = LedgerOutbox(a_ledger())
    server = SmtpServer("127.0.0.1", port, False)
    return Outbox(store, {"mail": MailChannel(server, "finops@example.org")}), store


def test_a_mail_is_sent_once_however_often_it_is_due() -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        outbox, _ = an_outbox(port)
        for at in range(3):
            queue(outbox, *KEY, a_mail, at)
            outbox.send_due(at)
    assert len(handler.mails) == 1


def test_what_is_refused_for_good_is_never_tried_again() -> None:
    handler = Handler(("550 no",))
    with smtp_server(handler) as port:
        outbox, _ = an_outbox(port)
        queue(outbox, *KEY, a_mail, 1)
        assert [o.status for o in outbox.send_due(1)] == ["failed"]
        assert outbox.send_due(2) == []


def test_a_connection_lost_after_the_hand_over_is_unknown_and_never_resent_by_itself() -> None:
    handler = Handler(("drop",))
    with smtp_server(handler) as port:
        outbox, _ = an_outbox(port)
        queue(outbox, *KEY, a_mail, 1)
        assert [o.status for o in outbox.send_due(1)] == ["unknown"]
        assert outbox.send_due(2) == []
        assert outbox.resend(1, 3).status == "sent"
    assert b"<1@example.org>" in handler.mails[-1]


def test_a_crash_while_sending_becomes_unknown() -> None:
    outbox, store = an_outbox()
    queue(outbox, *KEY, a_mail, 1)
    store.mark(1, "sending", 1, "", 1)
    (outcome,) = outbox.send_due(2)
    assert outcome.status == "unknown"
    assert "the program died while sending it" in outcome.detail
    assert "--resend 1" in outcome.detail


def test_one_bad_recipient_does_not_stop_the_others() -> None:
    handler = Handler(("550 no",))
    with smtp_server(handler) as port:
        outbox, _ = an_outbox(port)
        for name in ("a@example.org", "b@example.org"):
            message = a_mail()
            message.replace_header("Message-ID", f"<{name}>")
            queue(outbox, "r", "p", name, lambda message=message: message, 1)
        assert [o.status for o in outbox.send_due(1)] == ["failed", "sent"]


def test_resending_what_is_not_there_is_an_error() -> None:
    with pytest.raises(InputError, match="no mail 9"):
        an_outbox()[0].resend(9, 1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [("550 never", "550 never"), ("450 later", "450 later"), ("drop", "broke the connection")],
)
def test_a_mail_that_was_sent_stays_so_whatever_becomes_of_it_again(
    answer: str, said: str
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        outbox, store = an_outbox(port)
        queue(outbox, *KEY, a_mail, 1)
        outbox.send_due(2)
        before = store.listed()
        assert [(entry.status, entry.sent_at) for entry in before] == [("sent", 2)]
        handler.answers.append(answer)
        outcome = outbox.resend(1, 3)
        assert outcome.status == "not sent again"
        assert said in outcome.detail
        assert "it was sent before" in outcome.detail
        assert store.listed() == before
        assert outbox.send_due(999_999) == []
        assert outbox.resend(1, 4).status == "sent"
    assert [(entry.status, entry.sent_at) for entry in store.listed()] == [("sent", 4)]


def test_an_unknown_mail_that_is_sent_again_and_refused_for_now_is_tried_again() -> None:
    with smtp_server(Handler(("drop", "450 later"))) as port:
        outbox, _ = an_outbox(port)
        queue(outbox, *KEY, a_mail, 1)
        outbox.send_due(1)
        assert outbox.resend(1, 2).status == "queued"
        assert [outcome.status for outcome in outbox.send_due(999_999)] == ["sent"]


def test_all_recipients_of_a_report_are_queued_or_none() -> None:
    """What is due is known by what was queued: a crash between two would leave one out."""
    outbox, store = an_outbox()

    def die() -> EmailMessage:
        raise KeyboardInterrupt

    both = [Wanted("r", "p", "a@example.org", a_mail), Wanted("r", "p", "b@example.org", die)]
    with pytest.raises(KeyboardInterrupt):
        outbox.queue_together(both, 1)
    assert store.listed() == []


def test_a_crash_between_two_recipients_stores_neither(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox, store = an_outbox()
    add, times = store.add, []

    def die_at_the_second(*entry: object) -> None:
        times.append(entry)
        if len(times) == 2:
            raise KeyboardInterrupt
        add(*entry)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "add", die_at_the_second)
    both = [Wanted("r", "p", f"{name}@example.org", a_mail) for name in "ab"]
    with pytest.raises(KeyboardInterrupt):
        outbox.queue_together(both, 1)
    assert store.listed() == []


def test_a_mail_that_cannot_be_made_costs_no_other() -> None:
    outbox, store = an_outbox()

    def wrong() -> EmailMessage:
        raise InputError("the mail's To holds a control character")

    both = [Wanted("r", "p", "a@example.org", wrong), Wanted("r", "p", "b@example.org", a_mail)]
    (failed,) = outbox.queue_together(both, 1)
    assert (failed.status, failed.recipient) == ("failed", "a@example.org")
    assert [entry.recipient for entry in store.listed()] == ["b@example.org"]
    assert "control character" in failed.detail


def test_what_no_channel_is_configured_for_waits_until_its_news_is_old() -> None:
    outbox, store = an_outbox()
    queue(outbox, *KEY, a_mail, 1)
    without = Outbox(store, {})
    (outcome,) = without.send_due(2)
    assert (outcome.status, outcome.due_at) == ("queued", None)
    assert "nothing in the configuration says how to send mail" in outcome.detail
    assert without.send_due(1 + MAX_AGE + 1)[0].status == "failed"

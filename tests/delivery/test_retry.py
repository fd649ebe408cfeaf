"""What is refused for now: when it is tried again, and when it is given up."""

from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.delivery.letter import Letter
from slurm_finops.delivery.outbox import MAX_TRIES, WAITS, Outbox
from slurm_finops.delivery.refusals import Temporary, Unreachable
from slurm_finops.errors import ConfigError
from slurm_finops.ledger.outbox import LedgerOutbox
from tests.delivery.queueing import queue
from tests.delivery.server import Handler, smtp_server
from tests.delivery.test_outbox import KEY, a_mail, an_outbox
from tests.support import a_ledger

HOUR = 3600


class Refusing:
    """A channel that answers each in turn, and then takes all."""

    def __init__(self, *answers: Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def check(self) -> None: ...

    def wait(self) -> None: ...

    def send(self, entry: Letter) -> None:
        self.asked += 1
        if self.answers:
            raise self.answers.pop(0)


def refusing(*answers: Exception) -> tuple[Outbox, LedgerOutbox, Refusing]:
    store, channel = LedgerOutbox(a_ledger()), Refusing(*answers)
    outbox = Outbox(store, {"mail": channel})
    queue(outbox, *KEY, a_mail, 0)
    return outbox, store, channel


def statuses(outbox: Outbox, *at: int) -> list[str]:
    return [outbox.send_due(moment)[0].status for moment in at]


def test_a_real_450_is_tried_again_after_a_quarter_of_an_hour_and_then_taken() -> None:
    handler = Handler(("450 greylisted",))
    with smtp_server(handler) as port:
        outbox, _ = an_outbox(port)
        queue(outbox, *KEY, a_mail, 0)
        (refused,) = outbox.send_due(100)
        assert (refused.status, refused.due_at) == ("queued", 100 + 900)
        (waiting,) = outbox.send_due(999)
        assert (waiting.status, waiting.due_at) == ("waiting", 1000)
        assert "450 greylisted" in waiting.detail
        assert [o.status for o in outbox.send_due(1000)] == ["sent"]
    assert len(handler.mails) == 1


def test_each_refusal_is_waited_out_longer_up_to_half_a_day() -> None:
    outbox, store, _ = refusing(*[Temporary("450")] * 7)
    at, waits = 0, []
    for _ in range(7):
        (refused,) = outbox.send_due(at)
        assert refused.due_at is not None
        waits.append(refused.due_at - at)
        assert statuses(outbox, refused.due_at - 1) == ["waiting"]
        at = refused.due_at
    assert waits == [HOUR // 4, HOUR, 4 * HOUR, 12 * HOUR, 12 * HOUR, 12 * HOUR, 12 * HOUR]
    assert statuses(outbox, at) == ["sent"]
    assert store.listed()[0].due_at is None


def test_a_night_that_comes_early_finds_all_due() -> None:
    """Nightly runs once a day: nothing may wait for more than one of its nights."""
    assert max(WAITS) < 23 * HOUR


def test_a_server_may_ask_for_more_time_but_not_for_less() -> None:
    for after, wait in ((5, 900), (2 * HOUR, 2 * HOUR)):
        outbox, _, _ = refusing(Temporary("429", after))
        assert outbox.send_due(0)[0].due_at == wait


def test_after_some_tries_it_is_given_up_and_sent_only_by_hand() -> None:
    outbox, store, channel = refusing(*[Temporary("450 full")] * MAX_TRIES)
    nights = [night * 24 * HOUR for night in range(MAX_TRIES)]
    assert statuses(outbox, *nights) == ["queued"] * (MAX_TRIES - 1) + ["failed"]
    assert outbox.send_due(999 * HOUR) == []
    assert "send --resend 1" in str(store.listed("failed")[0].detail)
    assert outbox.resend(1, 999 * HOUR).status == "sent"
    assert channel.asked == MAX_TRIES + 1


def test_now_does_not_wait() -> None:
    outbox, _, channel = refusing(Temporary("450"))
    outbox.send_due(0)
    assert [o.status for o in outbox.send_due(1, early=True)] == ["sent"]
    assert channel.asked == 2


def test_a_server_that_could_not_be_reached_is_asked_by_the_next_run() -> None:
    outbox, store, _ = refusing(Unreachable("no route"))
    (outcome,) = outbox.send_due(0)
    assert (outcome.status, outcome.due_at) == ("queued", None)
    again = Outbox(store, {"mail": Refusing()})
    assert statuses(again, 1) == ["sent"]


def test_a_setting_gone_wrong_keeps_back_its_own_entries_alone() -> None:
    outbox, store, _ = refusing(ConfigError("w can be read by others; chmod 600 w"))
    other = EmailMessage()
    other["Message-ID"], other["Subject"] = "<2@example.org>", "x"
    queue(outbox, "team:cv", "2026-06", "cv@example.org", lambda: other, 0)
    assert [o.status for o in outbox.send_due(0)] == ["queued", "sent"]
    assert [(e.tries, e.due_at) for e in store.listed("queued")] == [(0, None)]


@given(st.lists(st.sampled_from(["450", "down", "config"]), max_size=6), st.data())
def test_it_is_sent_once_whatever_was_said_before(said: list[str], data: st.DataObject) -> None:
    kinds = {"450": Temporary, "down": Unreachable, "config": ConfigError}
    _, store, channel = refusing(*[kinds[one](one) for one in said])
    at, ended = 0, []
    for _ in range(40):
        at += data.draw(st.integers(0, 6 * HOUR))
        ended += [o.status for o in Outbox(store, {"mail": channel}).send_due(at)]
    ended += [o.status for o in Outbox(store, {"mail": channel}).send_due(at + 12 * HOUR)]
    for _ in said:
        ended += [o.status for o in Outbox(store, {"mail": channel}).send_due(at, early=True)]
    assert ended.count("sent") == 1
    assert channel.asked == len(said) + 1

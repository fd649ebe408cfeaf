"""How fast things go out: never too many in any stretch, and no slower than that."""

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.delivery.outbox import Outbox
from slurm_finops.delivery.pace import Pace
from slurm_finops.delivery.smtp import MailChannel, SmtpServer
from slurm_finops.ledger.outbox import LedgerOutbox
from tests.delivery.queueing import queue
from tests.delivery.scripted import scripted
from tests.delivery.test_outbox import a_mail
from tests.support import a_ledger

SECOND = 1_000_000_000


class Time:
    """A clock that moves when somebody sleeps, or when it is told to; ``deep``: of a sleep."""

    def __init__(self, deep: float = 1.0) -> None:
        self.now = 7 * SECOND
        self.slept = 0.0
        self.deep = deep

    def clock(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.slept += seconds
        self.now += max(1, round(seconds * SECOND * self.deep))


@given(
    st.integers(1, 5), st.integers(1, 90), st.lists(st.integers(0, 40 * SECOND), max_size=40),
    st.sampled_from([1.0, 0.5]),
)
def test_in_no_stretch_of_time_do_more_go_than_may(
    most: int, seconds: int, pauses: list[int], deep: float
) -> None:
    time = Time(deep)
    pace = Pace(most, seconds, time.clock, time.sleep)
    gone = []
    for pause in pauses:
        time.now += pause
        pace.wait()
        gone.append(time.now)
    for i, at in enumerate(gone):
        assert sum(at <= other < at + seconds * SECOND for other in gone[i:]) <= most


def test_as_many_as_may_go_at_once_and_the_next_waits_for_the_first() -> None:
    time = Time()
    pace = Pace(3, 60, time.clock, time.sleep)
    for _ in range(3):
        pace.wait()
    assert time.slept == 0
    time.now += 20 * SECOND
    pace.wait()
    assert time.slept == 40
    pace.wait()
    assert time.slept == 40, "the second of the first three is as old as the first"


def test_a_hundred_mails_take_the_time_that_their_server_asks_for() -> None:
    time = Time()
    store = LedgerOutbox(a_ledger())
    with scripted() as server:
        smtp = SmtpServer("127.0.0.1", server.port, False)
        pace = Pace(40, 60, time.clock, time.sleep)
        outbox = Outbox(store, {"mail": MailChannel(smtp, "f@example.org", pace)})
        for i in range(100):
            message = a_mail()
            message.replace_header("Message-ID", f"<{i}@example.org>")
            queue(outbox, "r", "p", f"{i}@example.org", lambda made=message: made, 1)
        assert {o.status for o in outbox.send_due(1)} == {"sent"}
    assert time.slept == 120


def test_a_program_that_dies_while_it_waits_has_handed_nothing_over() -> None:
    """The wait comes before ``sending``: what was not begun is not unknown."""
    store = LedgerOutbox(a_ledger())

    def die(seconds: float) -> None:
        raise KeyboardInterrupt

    pace = Pace(1, 60, lambda: 0, die)
    pace.wait()
    outbox = Outbox(store, {"mail": MailChannel(SmtpServer("127.0.0.1", 1, False), "f@x.y", pace)})
    queue(outbox, "r", "p", "a@example.org", a_mail, 1)
    try:
        outbox.send_due(1)
    except KeyboardInterrupt:
        assert [entry.status for entry in store.listed()] == ["queued"]
    else:
        raise AssertionError("it did not wait")

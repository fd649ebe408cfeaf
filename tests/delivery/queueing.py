"""One mail into an outbox, for tests of what becomes of it."""

from collections.abc import Callable
from email.message import EmailMessage

from slurm_finops.delivery.outbox import MAIL, Outbox, Wanted
from slurm_finops.delivery.slack import Post


def queue(
    outbox: Outbox, report: str, period: str, recipient: str,
    make: Callable[[], EmailMessage | Post], at: int, channel: str = MAIL,
) -> None:  # fmt: skip
    """Store it, unless it is there already."""
    assert outbox.queue_together([Wanted(report, period, recipient, make, channel)], at) == []

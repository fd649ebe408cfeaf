"""send --to: what is due, sent to one address for a look."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from slurm_finops.errors import OutsideError

if TYPE_CHECKING:
    from slurm_finops.cli.app import App
    from slurm_finops.core.period import Period
    from slurm_finops.delivery.outbox import Outcome

#: A look needs no more, and a slip should not fill a mailbox.
MOST = 10


class _Letter(NamedTuple):
    """A mail that the outbox does not keep."""

    report: str
    period: str
    recipient: str
    message: bytes
    id: int = 0
    channel: str = "mail"
    tries: int = 0
    queued_at: int = 0
    due_at: int | None = None
    detail: str | None = None


def trial(app: App, address: str, asked: Period | None, only: str | None) -> list[Outcome]:
    """One mail a report, however many it would go to; what is due stays so.

    Each has a Message-ID of its own, so that no mailbox takes the real one for a copy.
    Stops at the first that is not taken.
    """
    from slurm_finops.cli.send import mail_channel
    from slurm_finops.config.mail import is_address
    from slurm_finops.delivery.outbox import Outcome

    if not is_address(address):
        raise click.BadParameter(
            f'{address!r} is no address such as "me@example.org"', param_hint="'--to'"
        )
    channel = mail_channel(app)
    channel.check()
    found: list[Outcome] = []
    for letter in _letters(app, address, asked, only):
        channel.wait()
        try:
            channel.send(letter)
        except OutsideError as error:
            status = "failed"
            found.append(Outcome(0, letter.report, letter.period, address, status, str(error)))
            break
        found.append(Outcome(0, letter.report, letter.period, address, "sent", "a trial"))
    return found


def _letters(app: App, address: str, asked: Period | None, only: str | None) -> list[_Letter]:
    """What is due, made for one address."""
    from email.utils import make_msgid

    from slurm_finops.cli.due import due_content, mail_built, sender_domain
    from slurm_finops.cli.send import warn_of_waiting
    from slurm_finops.core.words import count
    from slurm_finops.delivery.smtp import as_sent

    with app.reading() as ledger:
        warn_of_waiting(app, ledger, asked, only)
        made: list[_Letter] = []
        left = 0
        for report, period, content in due_content(app, ledger, asked, only):
            if len(made) == MOST:
                left += 1
                continue
            trial_of = content()
            trial_of = trial_of._replace(subject=f"[trial] {trial_of.subject}")
            number = make_msgid(domain=sender_domain(app)).strip("<>")
            message = mail_built(app, trial_of, address, number)
            made.append(_Letter(report, period, address, as_sent(message)))
    if left:
        click.echo(
            f"{count(left, 'more report is', 'more reports are')} due; a trial sends {MOST}: "
            "--team names one team", err=True,
        )  # fmt: skip
    return made

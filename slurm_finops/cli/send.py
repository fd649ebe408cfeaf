"""send: each due report by mail or to Slack, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, now, pass_app
from slurm_finops.core.owner_key import named_by, shown_key
from slurm_finops.core.words import count
from slurm_finops.errors import InputError, OutsideError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slurm_finops.core.period import Period
    from slurm_finops.delivery.letter import Channel
    from slurm_finops.delivery.outbox import Outbox, Outcome, Wanted
    from slurm_finops.ledger.store import Ledger

#: What ends well: it went out, or waits until it is due again.
WELL = ("sent", "waiting")


@click.command()
@click.option("--period", metavar="PERIOD", help="The period to report.  [default: every whole "
              "day, week or month, as [mail] every says, since the last mail]")
@click.option("--team", "only", metavar="TEAM", help="Only what goes to this team.")
@click.option("--dry-run", is_flag=True, help="Write .eml files (.json for Slack) and open no "
              "connection.")
@click.option("--out", metavar="DIR", help="Where --dry-run writes.  [default: outbox]")
@click.option("--to", "trial_to", metavar="ADDRESS", help="A trial: send what is due to this "
              "address and to nobody else; it stays due.")
@click.option("--now", "early", is_flag=True, help="Do not wait with what was refused for now.")
@click.option("--resend", type=click.IntRange(1, 1 << 62), metavar="ID",
              help="Send one stored mail again, with the same Message-ID.")
@pass_app
def send(
    app: App, period: str | None, only: str | None, dry_run: bool, out: str | None,
    trial_to: str | None, early: bool, resend: int | None,
) -> None:  # fmt: skip
    """Send each owner's report by mail or to Slack: one an address, each sent once.

    \b
    Examples:
      slurm-finops send
      slurm-finops send --period 2026-06 --dry-run --out mails
      slurm-finops send --to me@example.org --team nlp
      slurm-finops send --resend 17
    """
    from slurm_finops.cli.due import check_channels, due
    from slurm_finops.cli.nothing import known_days

    _check_usage(out, dry_run, trial_to, early, resend, period or only)
    check_channels(app)
    asked = app.period(period) if period else None
    if dry_run:
        with app.reading() as ledger:
            warn_of_waiting(app, ledger, asked, only)
            if not write_all(due(app, ledger, asked, only, look=True), Path(out or "outbox")):
                click.echo(_not_due(app, ledger, asked, only), err=True)
        return
    if trial_to is not None:
        from slurm_finops.cli.trial import trial

        outcomes = trial(app, trial_to, asked, only)
        if not outcomes:
            with app.reading() as ledger:
                none = "nothing is due to be tried; --period 2026-06 names a period"
                click.echo(_not_due(app, ledger, asked, only) if asked else none)
            return
        waits = ""
    else:
        outcomes, waits = _sent(app, asked, only, early, resend)
    for line in told(app, outcomes, waits):
        click.echo(line)
    if asked and not outcomes and not waits:
        with app.reading() as ledger:
            click.echo(known_days(ledger))
    if any(outcome.status not in WELL for outcome in outcomes):
        raise click.exceptions.Exit(OutsideError.exit_code)


def _not_due(app: App, ledger: Ledger, asked: Period | None, only: str | None) -> str:
    """Why a trial, which looks at no outbox for a period that is asked for, has nothing."""
    from slurm_finops.cli.nothing import nothing_held

    if asked is None:
        return told(app, [])[0]
    kinds = "mails or posts" if app.config.posts else "mails"
    return nothing_held(ledger, asked, f"who gets {kinds}{f' of {only}' if only else ''}")


def _check_usage(
    out: str | None, dry_run: bool, trial_to: str | None, early: bool, resend: int | None,
    which: str | None,
) -> None:  # fmt: skip
    """Options that do not go together are a mistake, and a mail cannot be taken back."""
    if out is not None and not dry_run:
        raise click.UsageError("--out is where --dry-run writes: without it mails are sent")
    if resend is not None and (dry_run or which or early or trial_to is not None):
        raise click.UsageError("--resend sends one stored mail as it is: it goes with no option")
    if trial_to is not None and dry_run:
        raise click.UsageError("--to sends a trial and --dry-run sends nothing: use one of them")
    if early and (dry_run or trial_to is not None):
        raise click.UsageError("--now is about what was refused for now, which only a real send "
                               "sends")  # fmt: skip


def _sent(
    app: App, asked: Period | None, only: str | None, early: bool, resend: int | None
) -> tuple[list[Outcome], str]:
    """What became of mails, and what is said of periods that wait."""
    from slurm_finops.cli.app import actor
    from slurm_finops.cli.subscriptions import waiting
    from slurm_finops.ledger.outbox import LedgerOutbox

    with app.writing("send") as ledger:
        if resend is None:
            outcomes = run(app, ledger, asked, only, early)
            return outcomes, waiting(app, ledger, asked, only)
        before = LedgerOutbox(ledger).get(resend)
        outcome = outbox_of(app, ledger).resend(resend, now())
        said = f"{resend} ({shown_key(outcome.report)} {outcome.period} to {outcome.recipient})"
        was = before.status if before else "none"
        ledger.audit(now(), actor(), "send resend", f"{said}: {was} -> {outcome.status}")
        return [outcome], ""


def warn_of_waiting(
    app: App, ledger: Ledger, asked: Period | None, only: str | None
) -> None:
    """Say of what is only looked at that no mail of it would go out yet."""
    from slurm_finops.cli.subscriptions import waiting

    waits = waiting(app, ledger, asked, only)
    if waits:
        click.echo(f"warning: {waits}", err=True)


def run(
    app: App, ledger: Ledger, asked: Period | None = None, only: str | None = None,
    early: bool = False,
) -> list[Outcome]:  # fmt: skip
    """Queue what is due and not yet queued, then send all that is queued and due.

    Raises `RefusedError` while figures do not hold.
    """
    from itertools import groupby

    from slurm_finops.cli.due import due

    check_priced(app, ledger)
    outbox, outcomes = outbox_of(app, ledger), []
    of_one = groupby(due(app, ledger, asked, only), lambda one: (one.report, one.period))
    for _, wanted in of_one:
        outcomes += outbox.queue_together(list(wanted), now())
    return outcomes + outbox.send_due(now(), _of_team(only), early)


def check_priced(app: App, ledger: Ledger) -> None:
    """Raises `RefusedError` where figures would leave something out, or no longer hold."""
    from slurm_finops.cli.all_lines import is_outdated
    from slurm_finops.ledger.pricing import waiting

    unpriced = waiting(ledger)
    if unpriced:
        raise RefusedError(
            f"{count(unpriced, 'run is', 'runs are')} not priced yet, and a mail would leave them "
            "out; run: slurm-finops price, then send again"
        )
    if is_outdated(app, ledger):
        raise RefusedError(
            "the charging policy, allocations, pools, overhead, lines or credits are not applied "
            "as they are now, and a mail would be of what no longer holds; run: slurm-finops "
            "price, then send again"
        )


def _of_team(only: str | None) -> Callable[[str], bool]:
    """Which reports ``--team`` sends: the team's own and its projects'."""
    if only is None:
        return lambda report: True
    return lambda report: named_by(report).team == only


def outbox_of(app: App, ledger: Ledger) -> Outbox:
    """What is stored, with every channel that the configuration has."""
    from slurm_finops.cli.due import webhook_files
    from slurm_finops.delivery.outbox import MAIL, SLACK, Outbox
    from slurm_finops.delivery.slack import SlackChannel
    from slurm_finops.ledger.outbox import LedgerOutbox

    channels: dict[str, Channel] = {}
    if app.config.mail:
        channels[MAIL] = mail_channel(app)
    if app.config.posts:
        channels[SLACK] = SlackChannel(webhook_files(app.config))
    return Outbox(LedgerOutbox(ledger), channels)


def mail_channel(app: App) -> Channel:
    """The server of ``[mail]``, at its pace."""
    from slurm_finops.cli.due import mail_settings
    from slurm_finops.delivery.pace import Pace
    from slurm_finops.delivery.smtp import MailChannel, SmtpServer

    mail = mail_settings(app)
    server = SmtpServer.parse(mail.smtp, mail.password_file)
    return MailChannel(server, mail.sender, Pace(mail.per_minute, 60))


def write_all(wanted: Iterable[Wanted], out: Path) -> int:
    """Each as a file of its own, and none is sent; how many these are.

    Raises `InputError` for those that cannot be made, once the others are written.
    """
    from slurm_finops.cli.files import make_folder, save
    from slurm_finops.delivery.outbox import MAIL, SLACK, as_stored

    make_folder(out)
    written, failed = {MAIL: 0, SLACK: 0}, []
    for number, one in enumerate(wanted, 1):
        try:
            data = as_stored(one.make())[-1]
        except InputError as error:
            failed.append(f"{one.report} {one.period} to {one.recipient}: {error}")
            continue
        path = out / _file_name(number, one)
        save(path, data)
        written[one.channel] += 1
        click.echo(path)
    posts = f" and {count(written[SLACK], 'post')}" if written[SLACK] else ""
    click.echo(f"{count(written[MAIL], 'mail')}{posts} written, none sent", err=True)
    if failed:
        raise InputError("; ".join(failed))
    return sum(written.values())


def _file_name(number: int, one: Wanted) -> str:
    """Begins with a number, for names that are all of another script."""
    from slurm_finops.cli.files import plain_name
    from slurm_finops.delivery.outbox import SLACK

    name = plain_name(f"{number:03d}", one.period, one.report, one.recipient)
    return f"{name}.{'json' if one.channel == SLACK else 'eml'}"


def told(app: App, outcomes: list[Outcome], waits: str = "") -> list[str]:
    """What became of each mail; ``waits``: of which periods nothing may be sent yet."""
    if waits:
        return [*(_told(app, outcome) for outcome in outcomes), waits]
    if not outcomes:
        return ["nothing is due: every report was sent or given up (slurm-finops check), or nobody "
                "with an address held anything"]  # fmt: skip
    return [_told(app, outcome) for outcome in outcomes]


def _told(app: App, outcome: Outcome) -> str:
    about = [outcome.detail] if outcome.detail else []
    if outcome.due_at is not None:
        now_too = ", or now by send --now" if outcome.status == "waiting" else ""
        about.append(f"tried again from {app.said(outcome.due_at)} on{now_too}")
    report = shown_key(outcome.report)
    line = f"{outcome.status}: {report} {outcome.period} to {outcome.recipient}"
    return line + (f" ({'; '.join(about)})" if about else "")

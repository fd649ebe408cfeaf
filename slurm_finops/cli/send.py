"""send: each due report by mail, once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, now, pass_app
from slurm_finops.core.words import count
from slurm_finops.errors import InputError, OutsideError, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from slurm_finops.core.period import Period
    from slurm_finops.delivery.outbox import Outbox, Outcome
    from slurm_finops.ledger.store import Ledger


@click.command()
@click.option("--period", metavar="PERIOD", help="The period to report.  [default: every whole "
              "day, week or month, as [mail] every says, since the last mail]")
@click.option("--team", "only", metavar="TEAM", help="Only this team's mails.")
@click.option("--dry-run", is_flag=True, help="Write .eml files and open no connection.")
@click.option("--out", metavar="DIR", help="Where --dry-run writes.  [default: outbox]")
@click.option("--resend", type=click.IntRange(1, 1 << 62), metavar="ID",
              help="Send one stored mail again, with the same Message-ID.")
@pass_app
def send(
    app: App, period: str | None, only: str | None, dry_run: bool, out: str | None,
    resend: int | None,
) -> None:  # fmt: skip
    """Mail each team and project its report: one mail an address, each sent once.

    \b
    Examples:
      slurm-finops send
      slurm-finops send --period 2026-06 --dry-run --out mails
      slurm-finops send --resend 17
    """
    from slurm_finops.cli.due import mail_settings

    if out is not None and not dry_run:
        raise click.UsageError("--out is where --dry-run writes: without it mails are sent")
    if resend is not None and (dry_run or period or only):
        raise click.UsageError("--resend sends one stored mail as it is: it goes with no option")
    mail_settings(app)
    asked = app.period(period) if period else None
    if dry_run:
        _write_mails(app, asked, only, Path(out or "outbox"))
        return
    with app.writing("send") as ledger:
        if resend is not None:
            outcomes = [_outbox(app, ledger).resend(resend, now())]
        else:
            outcomes = run(app, ledger, asked, only)
    for line in told(outcomes):
        click.echo(line)
    if any(outcome.status != "sent" for outcome in outcomes):
        raise click.exceptions.Exit(OutsideError.exit_code)


def run(
    app: App, ledger: Ledger, asked: Period | None = None, only: str | None = None
) -> list[Outcome]:
    """Queue what is due and not yet queued, then send all that is queued.

    Raises `RefusedError` while there are runs that nobody has priced.
    """
    from slurm_finops.cli.all_lines import is_outdated
    from slurm_finops.cli.due import due
    from slurm_finops.delivery.outbox import Outcome
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
    outbox, outcomes = _outbox(app, ledger), []
    for mail in due(app, ledger, asked, only):
        try:
            outbox.queue(mail.report, mail.period, mail.recipient, mail.make, now())
        except InputError as error:  # one mail that cannot be made costs no other
            outcomes.append(
                Outcome(0, mail.report, mail.period, mail.recipient, "failed", str(error))
            )
    return outcomes + outbox.send_due(now(), _of_team(only))


def _of_team(only: str | None) -> Callable[[str], bool]:
    """Which reports ``--team`` sends: the team's own and its projects'."""
    if only is None:
        return lambda report: True
    return lambda report: report == f"team:{only}" or report.startswith(f"project:{only}/")


def _outbox(app: App, ledger: Ledger) -> Outbox:
    from slurm_finops.cli.due import mail_settings
    from slurm_finops.delivery.outbox import Outbox
    from slurm_finops.delivery.smtp import SmtpServer
    from slurm_finops.ledger.outbox import LedgerOutbox

    mail = mail_settings(app)
    server = SmtpServer.parse(mail.smtp, mail.password_file)
    return Outbox(LedgerOutbox(ledger), server, mail.sender)


def _write_mails(app: App, asked: Period | None, only: str | None, out: Path) -> None:
    from slurm_finops.cli.due import due
    from slurm_finops.cli.files import make_folder, save
    from slurm_finops.delivery.smtp import as_sent

    make_folder(out)
    written = 0
    with app.reading() as ledger:
        for written, mail in enumerate(due(app, ledger, asked, only), 1):
            path = out / _file_name(written, mail.period, mail.report, mail.recipient)
            save(path, as_sent(mail.make()))
            click.echo(path)
    click.echo(f"{count(written, 'mail')} written, none sent", err=True)


def _file_name(number: int, *parts: str) -> str:
    """Plain, and different for every mail: names of teams are in any script."""
    import re

    words = re.sub(r"[^A-Za-z0-9.@_-]+", "-", "-".join(parts))
    return f"{number:03d}-{words[:120]}.eml"


def told(outcomes: list[Outcome]) -> list[str]:
    """What became of each mail."""
    if not outcomes:
        return ["nothing is due: every report was sent or given up (slurm-finops check), or nobody "
                "with an address held anything"]  # fmt: skip
    return [
        f"{outcome.status}: {outcome.report} {outcome.period} to {outcome.recipient}"
        + (f" ({outcome.detail})" if outcome.detail else "")
        for outcome in outcomes
    ]

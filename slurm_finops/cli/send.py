"""send: each due report by mail, once."""

from __future__ import annotations

from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import App, count, now, pass_app
from slurm_finops.errors import ConfigError, OutsideError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from slurm_finops.config import Mail, Team
    from slurm_finops.core.period import Period
    from slurm_finops.delivery.message import Content
    from slurm_finops.delivery.outbox import Outcome
    from slurm_finops.delivery.smtp import SmtpServer
    from slurm_finops.ledger.store import Ledger


@click.command()
@click.option("--period", metavar="PERIOD", help="The period to report.  [default: the last whole "
              "day, week or month, as [mail] every says]")
@click.option("--team", "only", metavar="TEAM", help="Only this team's mails.")
@click.option("--dry-run", is_flag=True, help="Write .eml files and open no connection.")
@click.option("--out", default="outbox", show_default=True, metavar="DIR",
              help="Where --dry-run writes.")
@click.option("--resend", type=int, metavar="ID", help="Send one stored mail again, with the same "
              "Message-ID.")
@pass_app
def send(
    app: App, period: str | None, only: str | None, dry_run: bool, out: str, resend: int | None
) -> None:
    """Mail each team its report: one mail an address, each sent once.

    \b
    Examples:
      slurm-finops send
      slurm-finops send --period 2026-06 --dry-run --out mails
      slurm-finops send --resend 17
    """
    mail = mail_settings(app)
    if dry_run:
        _write_mails(app, app_period(app, mail, period), only, Path(out))
        return
    with app.writing("send") as ledger:
        if resend is not None:
            outcomes = [_resend(app, ledger, resend)]
        else:
            outcomes = run(app, ledger, app_period(app, mail, period), only)
    for line in told(outcomes):
        click.echo(line)
    if any(outcome.status != "sent" for outcome in outcomes):
        raise click.exceptions.Exit(OutsideError.exit_code)


def mail_settings(app: App) -> Mail:
    """The ``[mail]`` section; raises `ConfigError` if there is none."""
    if app.config.mail is None:
        raise ConfigError(
            f"{app.config.path}: [mail] is missing: it says from whom and through which server "
            'mails go: from = "finops@example.org", smtp = "smtp://mail.example.org:587"'
        )
    return app.config.mail


def app_period(app: App, mail: Mail, text: str | None) -> Period:
    """The period asked for, or the last whole one."""
    return app.period(text) if text else app.config.calendar.last_complete(mail.every, now())


def run(app: App, ledger: Ledger, period: Period, only: str | None = None) -> list[Outcome]:
    """Queue what is due and not yet queued, then send all that is queued."""
    from slurm_finops.delivery.outbox import Outbox
    from slurm_finops.ledger.outbox import LedgerOutbox

    outbox = Outbox(LedgerOutbox(ledger), _server(app), mail_settings(app).sender)
    for report, recipient, make in mails(app, ledger, period, only):
        outbox.queue(report, period.label, recipient, make, now())
    return outbox.send_due(now())


def _resend(app: App, ledger: Ledger, entry: int) -> Outcome:
    from slurm_finops.delivery.outbox import Outbox
    from slurm_finops.ledger.outbox import LedgerOutbox

    outbox = Outbox(LedgerOutbox(ledger), _server(app), mail_settings(app).sender)
    return outbox.resend(entry, now())


def _server(app: App) -> SmtpServer:
    from slurm_finops.delivery.smtp import SmtpServer

    mail = mail_settings(app)
    return SmtpServer.parse(mail.smtp, mail.password_file)


def mails(
    app: App, ledger: Ledger, period: Period, only: str | None = None
) -> Iterator[tuple[str, str, Callable[[], EmailMessage]]]:
    """``(report, recipient, how to make the mail)`` of every team address.

    A team is rendered once, and only if one of its mails is made.
    """
    for team in _teams(app, only):
        report = f"team:{team.name}"
        content = cache(partial(_content, app, ledger, team, period))
        for recipient in dict.fromkeys(team.email):
            yield report, recipient, partial(_message, app, content, report, period, recipient)


def _content(app: App, ledger: Ledger, team: Team, period: Period) -> Content:
    from slurm_finops.delivery.message import Content, Picture
    from slurm_finops.reports import build, render

    budget = team_budget(team, period)
    page = build.page(ledger, app.site, period, team=team.name, budget_minor=budget)
    images = tuple(
        Picture(f"chart{i}", png) for i, (png, _) in enumerate(render.pictures(page))
    )
    as_of = app.said_now()
    return Content(
        render.subject(page), render.mail_text(page, as_of), render.mail_html(page, as_of), images
    )


def _message(
    app: App, content: Callable[[], Content], report: str, period: Period, recipient: str
) -> EmailMessage:
    from slurm_finops.delivery.message import build
    from slurm_finops.delivery.outbox import message_id

    config, sender = app.config, mail_settings(app).sender
    domain = sender.rpartition("@")[2].rstrip(">")
    stable = message_id(config.cluster, report, period.label, recipient, domain)
    list_id = f"slurm-finops.{domain}"
    return build(content(), sender, recipient, stable, list_id, now())


def _teams(app: App, only: str | None) -> list[Team]:
    teams = [team for team in app.config.teams if team.email]
    if only is None:
        return teams
    found = [team for team in teams if team.name == only]
    if not found:
        known = ", ".join(team.name for team in teams) or "none"
        raise click.BadParameter(
            f"no team {only!r} with an email in {app.config.path}; known: {known}",
            param_hint="'--team'",
        )
    return found


def team_budget(team: Team, period: Period) -> int | None:
    """The team's budget where the period is a billing month."""
    return team.budget_minor if len(period.label) == len("2026-06") else None


def _write_mails(app: App, period: Period, only: str | None, out: Path) -> None:
    import re

    from slurm_finops.cli.report import save
    from slurm_finops.delivery.smtp import as_sent

    written = []
    with app.reading() as ledger:
        for report, recipient, make in mails(app, ledger, period, only):
            name = re.sub(r"[^A-Za-z0-9.@_-]+", "-", f"{period.label}-{report}-{recipient}.eml")
            save(out / name, as_sent(make()))
            written.append(out / name)
    for path in written:
        click.echo(path)
    click.echo(f"{count(len(written), 'mail')} written, none sent", err=True)


def told(outcomes: list[Outcome]) -> list[str]:
    """What became of each mail."""
    if not outcomes:
        return ["nothing is due: every report of this period was sent, or no team has an address"]
    return [
        f"{outcome.status}: {outcome.report} {outcome.period} to {outcome.recipient}"
        + (f" ({outcome.detail})" if outcome.detail else "")
        for outcome in outcomes
    ]

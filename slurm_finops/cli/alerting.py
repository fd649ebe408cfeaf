"""What is to be told to whom, and its mails."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import App
from slurm_finops.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from slurm_finops.billing.alerts import Alert
    from slurm_finops.config import Config
    from slurm_finops.delivery.message import Content
    from slurm_finops.delivery.outbox import Outbox
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.alerts import Style


class ToTell(NamedTuple):
    """An alert, whom it was told to, and whom it still is to be told."""

    alert: Alert
    told: tuple[str, ...]
    waiting: tuple[str, ...]


def check_priced(app: App, ledger: Ledger) -> None:
    """Raises `RefusedError` where figures would leave something out, or no longer hold."""
    from slurm_finops.cli.all_lines import is_outdated
    from slurm_finops.ledger.pricing import waiting

    if waiting(ledger) or is_outdated(app, ledger):
        raise RefusedError(
            "not everything is priced as it is configured now, and an alert would be of what does "
            "not hold; run: slurm-finops price, then send again"
        )


def find(app: App, ledger: Ledger) -> list[ToTell]:
    """What stands now."""
    from slurm_finops.billing.alerts import Wanted, alerts
    from slurm_finops.cli.standing import moment_of
    from slurm_finops.config.budgets import all_budgets
    from slurm_finops.core.money import TICKS

    config, said = app.config, app.config.alerts
    wanted = Wanted(
        said.thresholds, said.forecast, said.unusual,
        said.floor_minor * TICKS // 10**config.digits,
    )  # fmt: skip
    projects = [
        (team.name, project.name) for team in config.teams for project in team.projects
        if project.email
    ]  # fmt: skip
    found = alerts(
        ledger, app.terms, list(all_budgets(config.teams)), projects, wanted, config.digits,
        moment_of(app, ledger), config.fiscal_year,
    )  # fmt: skip
    return [_to_tell(config, ledger, alert) for alert in found]


def _to_tell(config: Config, ledger: Ledger, alert: Alert) -> ToTell:
    from slurm_finops.ledger.told import told

    keys, recipients = told(ledger.db, alert.report), _recipients(config, alert)
    known = [one for one in recipients if alert.is_told(keys.get(one, ()))]
    return ToTell(alert, tuple(known), tuple(one for one in recipients if one not in known))


def _recipients(config: Config, alert: Alert) -> list[str]:
    """A project's owners, or where it names none its team's; and who is told of everything."""
    owners: tuple[str, ...] = ()
    for team in config.teams:
        if team.name == alert.team:
            of = [one.email for one in team.projects if one.name == alert.project]
            owners = (of[0] if of else ()) or team.email
    return list(dict.fromkeys((*owners, *config.alerts.to)))


def style_of(app: App) -> Style:
    from slurm_finops.reports.alerts import Style

    return Style(app.config.currency, app.config.digits, app.config.privacy.mail)


def content(app: App, alert: Alert) -> Content:
    """What its mail says, whoever it goes to."""
    from slurm_finops.delivery.message import Content
    from slurm_finops.reports import alerts

    style, as_of = style_of(app), app.said_now()
    return Content(
        alerts.subject(alert, style), alerts.mail_text(alert, style, as_of),
        alerts.mail_html(alert, style, as_of), (),
    )  # fmt: skip


class AlertMail(NamedTuple):
    """One mail: its key in the outbox (report, key, recipient), and how to make it."""

    report: str
    key: str
    recipient: str
    make: Callable[[], EmailMessage]


def mails(app: App, found: list[ToTell]) -> Iterator[AlertMail]:
    """One for each who is still to be told of something."""
    from slurm_finops.cli.due import _message

    for alert, _, waiting in found:
        said = cache(partial(content, app, alert))
        for recipient in waiting:
            make = partial(_message, app, said, alert.report, alert.key, recipient)
            yield AlertMail(alert.report, alert.key, recipient, make)


def queue(app: App, outbox: Outbox, found: list[ToTell], at: int) -> None:
    """Store the mails that are not in the outbox yet."""
    for mail in mails(app, found):
        outbox.queue(mail.report, mail.key, mail.recipient, mail.make, at)

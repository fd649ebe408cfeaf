"""What is to be told to whom, and its mails and posts."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import App
from slurm_finops.core.owner_key import owner_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from slurm_finops.billing.alerts import Alert
    from slurm_finops.config import Config
    from slurm_finops.delivery.message import Content
    from slurm_finops.delivery.outbox import Outbox, Outcome, Wanted
    from slurm_finops.delivery.slack import Post
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.alerts import Style


class ToTell(NamedTuple):
    """An alert, whom it was told to, and whom it still is to be told."""

    alert: Alert
    told: tuple[str, ...]
    waiting: tuple[str, ...]


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
        if project.email or project.delegates
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
    """Who is to be told: addresses, and webhooks as the outbox names them."""
    mailed = _by_mail(config, alert) if config.mail else ()
    posted = _by_slack(config, alert) if config.alerts.slack else ()
    return list(dict.fromkeys((*mailed, *posted)))


def _by_mail(config: Config, alert: Alert) -> Iterator[str]:
    """A project's people, or where it names none its team's; and who is told of everything."""
    for team in config.teams:
        if team.name == alert.team:
            named = [
                (*one.email, *one.delegates) for one in team.projects if one.name == alert.project
            ]
            yield from next(filter(None, named), (*team.email, *team.delegates))
    yield from config.alerts.to


def _by_slack(config: Config, alert: Alert) -> Iterator[str]:
    """The webhooks of the team and of the site."""
    from slurm_finops.cli.due import webhook_files
    from slurm_finops.delivery.slack import TO_SLACK_OF

    files = webhook_files(config)
    for report in (owner_key(alert.team or ""), owner_key("")):
        if report in files:
            yield f"{TO_SLACK_OF}{report}"


def style_of(app: App, channel: str) -> Style:
    """How a channel of ``[privacy]`` shows people; what is for machines is in plain English."""
    from dataclasses import replace

    from slurm_finops.reports.alerts import Style
    from slurm_finops.reports.locale import PLAIN
    from slurm_finops.reports.site import header_of

    site = app.site_for(channel)
    header = header_of(site, app.period(None))
    if channel == "export":
        header = replace(header, locale=PLAIN)
    return Style(header, site.people)


def content(app: App, alert: Alert) -> Content:
    """What its mail says, whoever it goes to."""
    from slurm_finops.delivery.message import Content
    from slurm_finops.reports import alerts

    style, as_of = style_of(app, "mail"), app.said_now()
    return Content(
        alerts.subject(alert, style.header), alerts.mail_text(alert, style, as_of),
        alerts.mail_html(alert, style, as_of), (),
    )  # fmt: skip


def post(app: App, alert: Alert, recipient: str) -> Post:
    """The same for Slack."""
    from slurm_finops.cli.due import post_to
    from slurm_finops.reports.alert_blocks import payload

    said = payload(alert, style_of(app, "slack"), app.said_now())
    return post_to(app, said, alert.report, alert.key, recipient)


def messages(app: App, one: ToTell) -> Iterator[Wanted]:
    """An alert's mails and posts, one for each who is still to be told of it."""
    from slurm_finops.cli.due import message_to
    from slurm_finops.delivery.outbox import MAIL, SLACK, Wanted
    from slurm_finops.delivery.slack import TO_SLACK_OF

    alert = one.alert
    said = cache(partial(content, app, alert))
    for recipient in one.waiting:
        if recipient.startswith(TO_SLACK_OF):
            make: Callable[[], EmailMessage | Post] = partial(post, app, alert, recipient)
            channel = SLACK
        else:
            make = partial(message_to, app, said, alert.report, alert.key, recipient)
            channel = MAIL
        yield Wanted(alert.report, alert.key, recipient, make, channel)


def queue(app: App, outbox: Outbox, found: list[ToTell], at: int) -> list[Outcome]:
    """Store what is not in the outbox yet; those that cannot be made."""
    return [
        failed for one in found for failed in outbox.queue_together(list(messages(app, one)), at)
    ]

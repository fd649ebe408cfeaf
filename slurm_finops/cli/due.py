"""Which mails are due: whose, of which periods, and what is in them."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, NamedTuple

import click

from slurm_finops.cli.app import App, now
from slurm_finops.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from email.message import EmailMessage

    from slurm_finops.config import Config, Mail
    from slurm_finops.core.period import Period
    from slurm_finops.delivery.message import Content
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.pages import Pages
    from slurm_finops.reports.site import Owner

#: After an outage so many periods are caught up with: a month of days, a quarter of months.
_CATCH_UP = {"day": 31, "week": 5, "month": 3}


class Due(NamedTuple):
    """One mail: its key in the outbox (report, period, recipient), and how to make it."""

    report: str
    period: str
    recipient: str
    make: Callable[[], EmailMessage]


class _Subscription(NamedTuple):
    """Who is told of what: a team's or a project's owner, addresses, budget."""

    owner: Owner
    recipients: tuple[str, ...]
    budget_minor: int | None

    @property
    def report(self) -> str:
        team, project = self.owner.team, self.owner.project
        return f"project:{team}/{project}" if project else f"team:{team}"


def mail_settings(app: App) -> Mail:
    """The ``[mail]`` section; raises `ConfigError` if there is none."""
    if app.config.mail is None:
        raise ConfigError(
            f"{app.config.path}: [mail] is missing: it says from whom and through which server "
            'mails go: from = "finops@example.org", smtp = "smtp://mail.example.org:587"'
        )
    return app.config.mail


def due(app: App, ledger: Ledger, asked: Period | None, only: str | None = None) -> Iterator[Due]:
    """The mails of the period asked for, or of every period since the last mail.

    Who held nothing in a period is not written to.  A page is rendered once,
    and only if one of its mails is made.
    """
    from slurm_finops.cli.paging import pages_of
    from slurm_finops.reports.build import anything_spent

    @cache
    def pages(of: Period) -> Pages:
        return pages_of(app, ledger, of, many=True)

    for whose in _subscriptions(app.config, only):
        for period in [asked] if asked else _periods(app, ledger, whose.report):
            if not anything_spent(ledger, whose.owner, period):
                continue
            content = cache(partial(_content, app, pages, whose, period))
            label = _key(app, period)
            for recipient in dict.fromkeys(whose.recipients):
                make = partial(_message, app, content, whose.report, label, recipient)
                yield Due(whose.report, label, recipient, make)


def _subscriptions(config: Config, only: str | None) -> list[_Subscription]:
    from slurm_finops.reports.site import Owner

    found = []
    for team in config.teams:
        if team.email:
            found.append(_Subscription(Owner(team.name), team.email, team.budget_minor))
        found += [
            _Subscription(Owner(team.name, project.name), project.email, project.budget_minor)
            for project in team.projects if project.email
        ]  # fmt: skip
    if only is None:
        return found
    known = sorted({whose.owner.team for whose in found})
    if only not in known:
        raise click.BadParameter(
            f"no team {only!r} with an email in {config.path}; known: "
            f"{', '.join(known) or 'none'}",
            param_hint="'--team'",
        )
    return [whose for whose in found if whose.owner.team == only]


def _periods(app: App, ledger: Ledger, report: str) -> list[Period]:
    """Whole periods since the last one mailed; before there is one, only the last."""
    from slurm_finops.ledger.outbox import LedgerOutbox

    every, calendar = mail_settings(app).every, app.config.calendar
    last = calendar.last_complete(every, now())
    mailed = [
        calendar.period(label) for label in LedgerOutbox(ledger).periods(report) if "@" not in label
    ]
    before = [period for period in mailed if period.every == every]
    if not before:
        return [last]
    period, found = max(before, key=lambda p: p.first), []
    while period.last < last.last:
        period = calendar.following(period)
        found.append(period)
    return found[-_CATCH_UP[every] :]


def _key(app: App, period: Period) -> str:
    """What the outbox knows a period by; one that has not ended is another mail each day."""
    from slurm_finops.core.period import day_date

    if period.end <= now():
        return period.label
    return f"{period.label}@{day_date(app.config.calendar.day_of(now()))}"


def _content(
    app: App, pages: Callable[[Period], Pages], whose: _Subscription, period: Period
) -> Content:
    from slurm_finops.delivery.message import Content, Picture
    from slurm_finops.reports import render

    page = pages(period).page(whose.owner)
    images = tuple(
        Picture(f"chart{i}", one.image) for i, one in enumerate(render.pictures(page))
    )
    as_of = app.said_now()
    return Content(
        render.subject(page), render.mail_text(page, as_of), render.mail_html(page, as_of), images
    )


def _message(
    app: App, content: Callable[[], Content], report: str, period: str, recipient: str
) -> EmailMessage:
    from slurm_finops.delivery.message import build
    from slurm_finops.delivery.outbox import message_id

    config, sender = app.config, mail_settings(app).sender
    domain = sender.rpartition("@")[2].rstrip(">")
    stable = message_id(config.cluster, report, period, recipient, domain)
    return build(content(), sender, recipient, stable, f"slurm-finops.{domain}", now())

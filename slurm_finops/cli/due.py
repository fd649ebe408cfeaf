"""Which reports are due: whose, of which periods, by which channel, and what is in them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slurm_finops.cli.app import App, now
from slurm_finops.core.owner_key import owner_key
from slurm_finops.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from concurrent.futures import Executor
    from email.message import EmailMessage
    from pathlib import Path

    from slurm_finops.cli.ahead import Begun
    from slurm_finops.config import Config, Mail
    from slurm_finops.core.period import Period
    from slurm_finops.delivery.message import Attachment, Content
    from slurm_finops.delivery.outbox import Wanted
    from slurm_finops.delivery.slack import Post
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.pages import Pages
    from slurm_finops.reports.site import Owner
    from slurm_finops.reports.view import Page

#: After an outage so many periods are caught up with: a month of days, a quarter of months.
_CATCH_UP = {"day": 31, "week": 5, "month": 3}
#: A larger attachment is refused by many a mail server.
_MOST_ATTACHED = 5_000_000
#: Of so many owners each page is read from the whole ledger.
_FEW = 3


class _Subscription(NamedTuple):
    """Who is told of what, by which channel: an owner of costs, and addresses."""

    owner: Owner
    channel: str
    recipients: tuple[str, ...]

    @property
    def report(self) -> str:
        return owner_key(*self.owner)


def mail_settings(app: App) -> Mail:
    """The ``[mail]`` section; raises `ConfigError` if there is none."""
    if app.config.mail is None:
        raise ConfigError(
            f"{app.config.path}: [mail] is missing: it says from whom and through which server "
            'mails go: from = "finops@example.org", smtp = "smtp://mail.example.org:587"'
        )
    return app.config.mail


def check_channels(app: App) -> None:
    """Raises `ConfigError` where nothing says how anything could be sent."""
    if not app.config.posts:
        mail_settings(app)


def webhook_files(config: Config) -> dict[str, tuple[Path, str]]:
    """Report -> the file of its Slack webhook, and the key of finops.toml that names it."""
    found = {}
    if config.slack.webhook_file:
        found["site"] = config.slack.webhook_file, "slack.webhook_file"
    for i, team in enumerate(config.teams, 1):
        if team.slack_webhook_file:
            key = f"teams[{i}].slack_webhook_file"
            found[owner_key(team.name)] = team.slack_webhook_file, key
    return found


#: (report, period) -> what its mails tell of that period and earlier ones, in minor units.
Told = dict[tuple[str, str], dict[str, int]]


def due(
    app: App, ledger: Ledger, asked: Period | None, only: str | None = None,
    told: Told | None = None,
) -> Iterator[Wanted]:  # fmt: skip
    """What goes out of the period asked for, or of every period since the last that did.

    Who held nothing in a period is not written to.  A page is rendered once,
    and only if one of its mails is made; then ``told`` gets what it says.
    """
    from slurm_finops.cli.ahead import Ahead, drawing
    from slurm_finops.delivery.outbox import MAIL, SLACK, Wanted

    jobs = list(enumerate(_due(app, ledger, asked, only)))
    with drawing(len(jobs)) as pool:
        ahead = Ahead({
            i: partial(_begin, app, ledger, pages, whose, period, pool)
            for i, (whose, period, pages) in jobs if whose.channel == MAIL
        })  # fmt: skip
        for i, (whose, period, pages) in jobs:
            label = _key(app, period)
            if whose.channel == SLACK:
                post = partial(_post, app, pages, whose, period)
                yield Wanted(whose.report, label, whose.recipients[0], post, SLACK)
                continue
            content = cache(partial(_content, app, partial(ahead.take, i), whose, period, told))
            for recipient in dict.fromkeys(whose.recipients):
                make = partial(message_to, app, content, whose.report, label, recipient)
                yield Wanted(whose.report, label, recipient, make)


def due_content(
    app: App, ledger: Ledger, asked: Period | None, only: str | None
) -> Iterator[tuple[str, str, Callable[[], Content]]]:
    """The same, mails alone, whoever they go to: ``(report, period, what it says)``."""
    from slurm_finops.delivery.outbox import MAIL

    for whose, period, pages in _due(app, ledger, asked, only):
        if whose.channel == MAIL:
            begin = partial(_begin, app, ledger, pages, whose, period, None)
            make = partial(_content, app, begin, whose, period, None)
            yield whose.report, _key(app, period), make


def _due(
    app: App, ledger: Ledger, asked: Period | None, only: str | None
) -> Iterator[tuple[_Subscription, Period, Callable[[], Pages]]]:
    """Whose report of which period is due; the pages of a period are shared by all who are told."""
    from slurm_finops.reports.build import Spenders

    spenders = cache(partial(Spenders, ledger))
    wanted = [
        (whose, period)
        for whose in _subscriptions(app.config, only)
        for period in ([asked] if asked else _periods(app, ledger, whose))
        if spenders(period).has(whose.owner)
    ]
    wanted.sort(key=lambda one: (one[1].last, one[1].first))
    pages = _of_one_period(partial(_pages, app, ledger, len(wanted) > _FEW))
    for whose, period in wanted:
        yield whose, period, partial(pages, period, _shown_as(app, whose.channel))


def _of_one_period(make: Callable[[Period, str], Pages]) -> Callable[[Period, str], Pages]:
    """Pages that are shared by all who ask for a period, and closed when the next is asked for."""
    kept: dict[tuple[int, int, str], Pages] = {}

    def pages(period: Period, channel: str) -> Pages:
        key = period.first, period.last, channel
        if key not in kept:
            for before in kept.values():
                before.close()
            kept.clear()
            kept[key] = make(period, channel)
        return kept[key]

    return pages


def _shown_as(app: App, channel: str) -> str:
    """A channel of ``[privacy]`` that shows people as this one does."""
    privacy = app.config.privacy
    return "mail" if getattr(privacy, channel) == privacy.mail else channel


def _pages(app: App, ledger: Ledger, many: bool, period: Period, channel: str) -> Pages:
    from slurm_finops.cli.paging import pages_of

    return pages_of(app, ledger, period, channel=channel, many=many)


def _subscriptions(config: Config, only: str | None) -> list[_Subscription]:
    found = [*_by_mail(config), *_by_slack(config)]
    if only is None:
        return found
    known = sorted({whose.owner.team for whose in found if whose.owner.team})
    if only not in known:
        raise click.BadParameter(
            f"no team {only!r} with an email, delegates or a slack_webhook_file in {config.path}; "
            f"known: {', '.join(known) or 'none'}",
            param_hint="'--team'",
        )
    return [whose for whose in found if whose.owner.team == only]


def _by_mail(config: Config) -> Iterator[_Subscription]:
    from slurm_finops.delivery.outbox import MAIL
    from slurm_finops.reports.site import EVERYBODY, Owner

    if config.mail is None:
        return
    for team in config.teams:
        if team.email or team.delegates:
            recipients = *team.email, *team.delegates
            yield _Subscription(Owner(team.name), MAIL, recipients)
        for one in team.projects:
            if one.email or one.delegates:
                recipients = *one.email, *one.delegates
                owner = Owner(team.name, one.name)
                yield _Subscription(owner, MAIL, recipients)
    for centre in config.cost_centers:
        if centre.email or centre.delegates:
            recipients = *centre.email, *centre.delegates
            yield _Subscription(Owner(cost_center=centre.name), MAIL, recipients)
    if config.mail.digest:
        yield _Subscription(EVERYBODY, MAIL, config.mail.digest)


def _by_slack(config: Config) -> Iterator[_Subscription]:
    from slurm_finops.delivery.outbox import SLACK
    from slurm_finops.delivery.slack import TO_SLACK
    from slurm_finops.reports.site import EVERYBODY, Owner

    for team in config.teams:
        if team.slack_webhook_file:
            yield _Subscription(Owner(team.name), SLACK, (TO_SLACK,))
    if config.slack.webhook_file:
        yield _Subscription(EVERYBODY, SLACK, (TO_SLACK,))


def _periods(app: App, ledger: Ledger, whose: _Subscription) -> Iterator[Period]:
    """Of each cadence the whole periods since the last that went; before, only the last."""
    from slurm_finops.delivery.outbox import SLACK
    from slurm_finops.ledger.outbox import LedgerOutbox

    calendar = app.config.calendar
    gone = [
        calendar.period(label)
        for label in LedgerOutbox(ledger).periods(whose.report, whose.channel)
        if "@" not in label
    ]
    slack = whose.channel == SLACK
    for every in app.config.slack.every if slack else mail_settings(app).every:
        yield from _since(app, every, [period for period in gone if period.every == every])


def _since(app: App, every: str, before: list[Period]) -> list[Period]:
    calendar = app.config.calendar
    last = calendar.last_complete(every, now())
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


def _begin(
    app: App, ledger: Ledger, pages: Callable[[], Pages], whose: _Subscription, period: Period,
    pool: Executor | None,
) -> Begun:  # fmt: skip
    """A mail's page and what is attached to it; its charts are drawn elsewhere, or when asked."""
    from slurm_finops.cli.ahead import Begun
    from slurm_finops.ledger.told_totals import told_totals
    from slurm_finops.reports import render

    page = pages().page(whose.owner, told=told_totals(ledger.db, whose.report))
    attached: tuple[Attachment, ...] = ()
    if mail_settings(app).runs_csv:
        attached, note = _runs(pages(), whose.owner, period, page)
        page = replace(page, notes=(*page.notes, *note))
    pictures = render.begun(page, pool) if pool else partial(render.pictures, page)
    return Begun(page, attached, pictures)


def _content(
    app: App, begin: Callable[[], Begun], whose: _Subscription, period: Period, told: Told | None
) -> Content:
    from slurm_finops.delivery.message import Content, Picture
    from slurm_finops.reports import render

    page, attached, pictures = begin()
    if told is not None and not page.report.header.so_far:
        now_told = {one.label: one.now_minor for one in page.corrections}
        now_told[period.label] = page.report.spend.total.effective_minor
        told[whose.report, period.label] = now_told
    as_of = app.said_now()
    subject, text = render.subject(page), render.mail_text(page, as_of)
    html = render.mail_html(page, as_of)
    images = tuple(Picture(f"chart{i}", one.image) for i, one in enumerate(pictures()))
    return Content(subject, text, html, images, attached)


def _runs(
    pages: Pages, owner: Owner, period: Period, page: Page
) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
    """The runs as a file beside the mail; where it would be too large, what is said instead."""
    import shlex

    from slurm_finops.cli.files import plain_name
    from slurm_finops.delivery.message import Attachment
    from slurm_finops.reports.format import counted

    runs = page.report.spend.total.runs
    data = pages.runs_csv(owner, runs, _MOST_ATTACHED)
    if data is not None:
        name = plain_name("runs", owner.team or owner.cost_center, owner.project, period.label)
        return (Attachment(f"{name}.csv", "csv", data),), ()
    team = f" --team {shlex.quote(owner.team)}" if owner.team else ""
    return (), (
        f"The list of {counted(runs, 'run', page.report.header)} is larger than a mail may be and "
        "is not attached; the same costs by project, user and day: slurm-finops report --period "
        f"{period.label}{team} --by project,user,day --format csv",
    )  # fmt: skip


def message_to(
    app: App, content: Callable[[], Content], report: str, period: str, recipient: str
) -> EmailMessage:
    """A mail to one address, with the Message-ID that this report of this period has for it."""
    from slurm_finops.delivery.outbox import message_id

    domain = sender_domain(app)
    stable = message_id(app.config.cluster, report, period, recipient, domain)
    return mail_built(app, content(), recipient, stable)


def mail_built(app: App, content: Content, recipient: str, message_id: str) -> EmailMessage:
    """A mail to one address, as ``[mail]`` says."""
    from slurm_finops.delivery.message import build

    mail = mail_settings(app)
    list_id = f"slurm-finops.{sender_domain(app)}"
    return build(content, mail.sender, recipient, message_id, list_id, now(), mail.reply_to)


def sender_domain(app: App) -> str:
    """Where mails come from, for what names them."""
    return mail_settings(app).sender.rpartition("@")[2].rstrip(">")


def _post(
    app: App, pages: Callable[[], Pages], whose: _Subscription, period: Period
) -> Post:
    from slurm_finops.reports import blocks

    payload = blocks.payload(pages().page(whose.owner), app.said_now())
    return post_to(app, payload, whose.report, _key(app, period), whose.recipients[0])


def post_to(
    app: App, payload: Mapping[str, Any], report: str, period: str, recipient: str
) -> Post:
    """What is posted to a webhook, as the outbox keeps it."""
    from slurm_finops.delivery.outbox import message_id
    from slurm_finops.delivery.slack import Post

    number = message_id(app.config.cluster, report, period, recipient, "slack")
    return Post(number, payload["text"], payload)

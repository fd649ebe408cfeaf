"""Which reports are due: whose, of which periods, by which channel, and what is in them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.cli.app import App, now
from slurm_finops.cli.subscriptions import (
    Subscription,
    due_by_itself,
    is_by_hand,
    is_whole,
    key_of,
    subscriptions,
    wanted,
)
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

#: A larger attachment is refused by many a mail server.
_MOST_ATTACHED = 5_000_000
#: Of so many owners each page is read from the whole ledger.
_FEW = 3


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


class _Job(NamedTuple):
    """A page for those of a subscription who were told the same before.

    ``told``: period -> what their mails told of it, in minor units.  It is shared by
    their pages of all periods, and grows as these are begun.
    """

    whose: Subscription
    period: Period
    told: dict[str, int]
    by_hand: bool


def due(
    app: App, ledger: Ledger, asked: Period | None, only: str | None = None, *, look: bool = False
) -> Iterator[Wanted]:
    """What goes out of the period asked for, or of every period since the last that did.

    Who held nothing in a period is not written to.  A page is rendered once, and only
    if one of its mails is made.  ``look``: also what is queued already, and of periods
    that are not collected to their end.
    """
    from slurm_finops.cli.ahead import Ahead, drawing
    from slurm_finops.delivery.outbox import MAIL, SLACK, Wanted

    jobs = _jobs(app, ledger, asked, only, look)
    pages = _pages_of(app, ledger, len(jobs))
    with drawing(len(jobs)) as pool:
        ahead = Ahead({
            i: partial(_begin, app, pages, job, pool)
            for i, job in enumerate(jobs) if job.whose.channel == MAIL
        })  # fmt: skip
        for i, job in enumerate(jobs):
            whose, label = job.whose, key_of(app, job.period)
            if whose.channel == SLACK:
                post = partial(_post, app, pages, job)
                yield Wanted(
                    whose.report, label, whose.recipients[0], post, SLACK, by_hand=job.by_hand
                )
                continue
            begun = cache(partial(ahead.take, i))
            content = cache(partial(_content, app, begun))
            for recipient in whose.recipients:
                make = partial(message_to, app, content, whose.report, label, recipient)
                told = partial(_tells, begun, job.period)
                yield Wanted(whose.report, label, recipient, make, MAIL, told, job.by_hand)


def due_content(
    app: App, ledger: Ledger, asked: Period | None, only: str | None
) -> Iterator[tuple[str, str, Callable[[], Content]]]:
    """The same for a look, mails alone, one a report: ``(report, period, what it says)``."""
    from slurm_finops.delivery.outbox import MAIL

    jobs = _jobs(app, ledger, asked, only, look=True)
    pages = _pages_of(app, ledger, len(jobs))
    one_each = {(job.whose.report, job.period): job for job in reversed(jobs)}
    for job in jobs:
        report = job.whose.report
        if job.whose.channel == MAIL and one_each[report, job.period] is job:
            yield report, key_of(app, job.period), partial(
                _content, app, partial(_begin, app, pages, job, None)
            )


def _jobs(
    app: App, ledger: Ledger, asked: Period | None, only: str | None, look: bool
) -> list[_Job]:
    """Whose report of which period is due, in order of periods, whose pages they share."""
    from slurm_finops.cli.standing import collected
    from slurm_finops.reports.build import Spenders

    spenders, through = cache(partial(Spenders, ledger)), collected(app, ledger)
    jobs: list[_Job] = []
    for whose in subscriptions(app.config, only):
        found = due_by_itself(app, ledger, whose)
        periods = [
            period for period in wanted(found, asked)
            if (look or is_whole(period, through)) and spenders(period).has(whose.owner)
        ]  # fmt: skip
        for some, of_these, told in _alike(app, ledger, whose, periods, look):
            jobs += (_Job(some, one, told, is_by_hand(asked, found)) for one in of_these)
    return sorted(jobs, key=lambda job: (job.period.last, job.period.first))


def _alike(
    app: App, ledger: Ledger, whose: Subscription, periods: list[Period], look: bool
) -> Iterator[tuple[Subscription, tuple[Period, ...], dict[str, int]]]:
    """Recipients who were told the same and are to be told of the same periods: mostly all."""
    from slurm_finops.ledger.outbox import LedgerOutbox
    from slurm_finops.ledger.told_totals import told_totals

    if not periods:
        return
    has, told = LedgerOutbox(ledger).has, told_totals(ledger.db, whose.report)
    labels = {period: key_of(app, period) for period in periods}
    groups: dict[tuple[tuple[Period, ...], tuple[tuple[str, int], ...]], list[str]] = {}
    for recipient in dict.fromkeys(whose.recipients):
        lacks = tuple(
            period for period in periods if look or not has(whose.report, labels[period], recipient)
        )
        known = tuple(sorted(told.get(recipient, {}).items()))
        groups.setdefault((lacks, known), []).append(recipient)
    for (lacks, known), recipients in groups.items():
        yield whose._replace(recipients=tuple(recipients)), lacks, dict(known)


def _pages_of(app: App, ledger: Ledger, jobs: int) -> Callable[[Period, str], Pages]:
    """Pages by period and channel; those of a period are shared by all who are told of it."""
    return _of_one_period(partial(_pages, app, ledger, jobs > _FEW))


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


def _begin(
    app: App, pages_of: Callable[[Period, str], Pages], job: _Job, pool: Executor | None
) -> Begun:
    """A mail's page and what is attached to it; its charts are drawn elsewhere, or when asked."""
    from slurm_finops.cli.ahead import Begun
    from slurm_finops.reports import render

    whose, period = job.whose, job.period
    pages = pages_of(period, _shown_as(app, whose.channel))
    page = pages.page(whose.owner, told=job.told)
    # the next page may be begun before this one's mails are stored
    job.told.update(_told_by(page, period))
    attached: tuple[Attachment, ...] = ()
    if mail_settings(app).runs_csv:
        attached, note = _runs(pages, whose.owner, period, page)
        page = replace(page, notes=(*page.notes, *note))
    pictures = render.begun(page, pool) if pool else partial(render.pictures, page)
    return Begun(page, attached, pictures)


def _told_by(page: Page, period: Period) -> dict[str, int]:
    """Period -> what a page says that it cost, in minor units; of one not over nothing is told."""
    if page.report.header.so_far:
        return {}
    told = {one.label: one.now_minor for one in page.corrections}
    return told | {period.label: page.report.spend.total.effective_minor}


def _tells(begun: Callable[[], Begun], period: Period) -> dict[str, int]:
    return _told_by(begun().page, period)


def _content(app: App, begin: Callable[[], Begun]) -> Content:
    from slurm_finops.delivery.message import Content, Picture
    from slurm_finops.reports import render

    page, attached, pictures = begin()
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


def _post(app: App, pages_of: Callable[[Period, str], Pages], job: _Job) -> Post:
    from slurm_finops.reports import blocks

    whose, period = job.whose, job.period
    page = pages_of(period, _shown_as(app, whose.channel)).page(whose.owner)
    payload = blocks.payload(page, app.said_now())
    return post_to(app, payload, whose.report, key_of(app, period), whose.recipients[0])


def post_to(
    app: App, payload: Mapping[str, Any], report: str, period: str, recipient: str
) -> Post:
    """What is posted to a webhook, as the outbox keeps it."""
    from slurm_finops.delivery.outbox import message_id
    from slurm_finops.delivery.slack import Post

    number = message_id(app.config.cluster, report, period, recipient, "slack")
    return Post(number, payload["text"], payload)

"""Who is told of which periods: subscriptions, and what is due of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from slurm_finops.cli.app import App, now
from slurm_finops.core.owner_key import owner_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.site import Owner

#: After an outage so many periods are caught up with: a month of days, a quarter of months.
_CATCH_UP = {"day": 31, "week": 5, "month": 3}
#: So many periods that wait are named.
_NAMED = 3


class Subscription(NamedTuple):
    """Who is told of what, by which channel: an owner of costs, and addresses."""

    owner: Owner
    channel: str
    recipients: tuple[str, ...]

    @property
    def report(self) -> str:
        return owner_key(*self.owner)


def subscriptions(config: Config, only: str | None) -> list[Subscription]:
    """All; with ``only`` a team's and its projects', or `click.BadParameter`."""
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


def _by_mail(config: Config) -> Iterator[Subscription]:
    from slurm_finops.delivery.outbox import MAIL
    from slurm_finops.reports.site import EVERYBODY, Owner

    if config.mail is None:
        return
    for team in config.teams:
        if team.email or team.delegates:
            recipients = *team.email, *team.delegates
            yield Subscription(Owner(team.name), MAIL, recipients)
        for one in team.projects:
            if one.email or one.delegates:
                recipients = *one.email, *one.delegates
                owner = Owner(team.name, one.name)
                yield Subscription(owner, MAIL, recipients)
    for centre in config.cost_centers:
        if centre.email or centre.delegates:
            recipients = *centre.email, *centre.delegates
            yield Subscription(Owner(cost_center=centre.name), MAIL, recipients)
    if config.mail.digest:
        yield Subscription(EVERYBODY, MAIL, config.mail.digest)


def _by_slack(config: Config) -> Iterator[Subscription]:
    from slurm_finops.delivery.outbox import SLACK
    from slurm_finops.delivery.slack import TO_SLACK
    from slurm_finops.reports.site import EVERYBODY, Owner

    for team in config.teams:
        if team.slack_webhook_file:
            yield Subscription(Owner(team.name), SLACK, (TO_SLACK,))
    if config.slack.webhook_file:
        yield Subscription(EVERYBODY, SLACK, (TO_SLACK,))


def due_by_itself(app: App, ledger: Ledger, whose: Subscription) -> list[list[Period]]:
    """Of each cadence the whole periods since the last that went by itself; before, the last.

    What was sent because somebody named it is no beginning: months that nobody was
    ever sent would be caught up with.
    """
    from slurm_finops.delivery.outbox import SLACK
    from slurm_finops.ledger.outbox import LedgerOutbox

    config = app.config
    gone = [
        config.calendar.period(label)
        for label in LedgerOutbox(ledger).periods(whose.report, whose.channel)
        if "@" not in label
    ]
    said = config.slack if whose.channel == SLACK else config.mail
    return [
        _since(app, every, [period for period in gone if period.every == every])
        for every in (said.every if said else ())
    ]


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


def is_by_hand(asked: Period | None, due: list[list[Period]]) -> bool:
    """Whether a period goes because it was named, and not because it is the next of its cadence."""
    return asked is not None and asked not in [periods[0] for periods in due if periods]


def key_of(app: App, period: Period) -> str:
    """What the outbox knows a period by; one that has not ended is another mail each day."""
    from slurm_finops.core.period import day_date

    if period.end <= now():
        return period.label
    return f"{period.label}@{day_date(app.config.calendar.day_of(now()))}"


def waiting(
    app: App, ledger: Ledger, asked: Period | None = None, only: str | None = None
) -> str:
    """Which periods are due and not collected to their end, with what to do; or nothing."""
    from slurm_finops.cli.standing import collected
    from slurm_finops.ledger.outbox import LedgerOutbox

    through = collected(app, ledger)
    if through is None:
        return ""
    has = LedgerOutbox(ledger).has
    found = {
        period: None for whose in subscriptions(app.config, only)
        for period in wanted(due_by_itself(app, ledger, whose), asked)
        if not is_whole(period, through)
        and not all(has(whose.report, period.label, one) for one in whose.recipients)
    }  # fmt: skip
    if not found:
        return ""
    labels = [period.label for period in sorted(found, key=lambda one: (one.last, one.first))]
    named = ", ".join(labels[:_NAMED])
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return (
        f"{named}{more} {'wait' if len(labels) > 1 else 'waits'}: runs are collected up to "
        f"{app.said(through)}; run: slurm-finops collect sacct"
    )


def wanted(due: list[list[Period]], asked: Period | None) -> list[Period]:
    """The period asked for, or what is due by itself."""
    return [asked] if asked else [period for periods in due for period in periods]


def is_whole(period: Period, through: int | None) -> bool:
    """Whether what is collected up to ``through`` (None: from files) may be told of a period.

    One that has not ended is told as far as it goes.
    """
    return through is None or period.end <= through or period.end > now()

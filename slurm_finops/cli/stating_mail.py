"""Statements and drafts by mail: each to whom its owner is, once."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING

from slurm_finops.cli.app import App, now
from slurm_finops.core.owner_key import owner_key, plain
from slurm_finops.core.words import count
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slurm_finops.cli.stating_all import Asked
    from slurm_finops.config import Config
    from slurm_finops.delivery.outbox import Wanted
    from slurm_finops.reports.statement import Statement


def mail(app: App, asked: Asked, out: Path | None) -> list[str]:
    """Queue and send the statements asked for, or write them into a folder; what became of each.

    Raises `InputError` where none of them has anybody to go to.
    """
    from slurm_finops.cli.due import mail_settings
    from slurm_finops.cli.send import outbox_of, told, write_all
    from slurm_finops.cli.stating_all import statements

    mail_settings(app)
    if out is not None:
        with app.reading() as ledger:
            found = statements(app, ledger, asked)
            _check_told(app, found)
            write_all(_wanted(app, found), out)
        return _silent(app, found)
    with app.writing("statement") as ledger:
        found = statements(app, ledger, asked)
        outbox, outcomes = outbox_of(app, ledger), []
        _check_told(app, found)
        for view in found:
            outcomes += outbox.queue_together(list(_wanted(app, [view])), now())
        outcomes += outbox.send_due(now(), lambda report: report.startswith(_PREFIXES), False)
    return [*told(app, outcomes), *_silent(app, found)]


_PREFIXES = ("statement:", "draft:")


def _wanted(app: App, found: list[Statement]) -> Iterator[Wanted]:
    from slurm_finops.cli.due import message_to
    from slurm_finops.cli.stating import statement_mail
    from slurm_finops.delivery.outbox import Wanted

    for view in found:
        issue = view.issue
        # a draft is another each day; a statement, or an extract of some, is one for good
        label = _draft_key(app, view) if issue.is_draft else view.header.label
        report = f"{'draft' if issue.is_draft else 'statement'}:{_key(view)}{_entity(app, view)}"
        content = cache(partial(statement_mail, view, app.said_now()))
        for recipient in _recipients(app.config, view):
            make = partial(message_to, app, content, report, label, recipient)
            yield Wanted(report, label, recipient, make)


def _check_told(app: App, found: list[Statement]) -> None:
    """Raises `InputError` where none of them has anybody to go to."""
    if found and not any(_recipients(app.config, view) for view in found):
        raise InputError(
            f"nobody is told of {'these statements' if len(found) > 1 else 'this statement'}: "
            f"give email to the {found[0].issue.kind.replace('_', ' ')} in {app.config.path}"
        )


def _draft_key(app: App, view: Statement) -> str:
    """What the outbox knows a day's draft by."""
    from slurm_finops.core.period import day_date

    return f"{view.header.label}@{day_date(app.config.calendar.day_of(now()))}"


def _entity(app: App, view: Statement) -> str:
    """Whose books it is in where that is not the usual: an owner has a statement of each."""
    entity = view.issue.entity
    return "" if entity == app.config.funding.entity else f"@{entity}"


def _key(view: Statement) -> str:
    kind, owner = view.issue.kind, view.issue.owner or ""
    if kind == "project":
        team, project = _named(owner)
        return owner_key(team, project)
    if kind == "cost_center":
        return owner_key("", cost_center=owner)
    return owner_key(owner) if kind == "team" else f"fund:{owner}"


def _named(owner: str) -> tuple[str, str]:
    """The team and project of a project's statement."""
    team, _, project = owner.partition(" / ")
    return plain(team), plain(project)


def _recipients(config: Config, view: Statement) -> tuple[str, ...]:
    """Who is told of it: what [mail] reports of the same owner go to; of a fund, nobody."""
    kind, owner = view.issue.kind, view.issue.owner
    if kind == "cost_center":
        centres = [one for one in config.cost_centers if one.name == owner]
        return tuple(to for one in centres for to in (*one.email, *one.delegates))
    team_name, project_name = _named(owner or "")
    if kind == "team":
        team_name, project_name = owner or "", ""
    for team in config.teams:
        if team.name == team_name and kind in ("team", "project"):
            for project in team.projects:
                if project.name == project_name and (project.email or project.delegates):
                    return (*project.email, *project.delegates)
            return (*team.email, *team.delegates)
    return ()


def _silent(app: App, found: list[Statement]) -> list[str]:
    """Whose statements go to nobody."""
    from slurm_finops.cli.periods_list import called

    names = [
        called(view.issue.kind, view.issue.owner) for view in found
        if not _recipients(app.config, view)
    ]  # fmt: skip
    if not names:
        return []
    return [f"{count(len(names), 'statement')} went to nobody, for want of an address: "
            f"{', '.join(names)}"]  # fmt: skip

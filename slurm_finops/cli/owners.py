"""Teams and projects as they are typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import click

from slurm_finops.cli.app import App

if TYPE_CHECKING:
    from collections.abc import Iterable

    from slurm_finops.ledger.store import Ledger


class Whose(NamedTuple):
    """A team (None: what names none), and one of its projects or None for all."""

    team: str | None
    project: str | None

    def __str__(self) -> str:
        """For people."""
        from slurm_finops.reports.site import UNTAGGED_NAME

        team = UNTAGGED_NAME if self.team is None else self.team
        return team if self.project is None else f"{team} / {self.project}"


def check_team(app: App, ledger: Ledger, team: str) -> None:
    """A team that nobody has ever heard of is a slip, not a team that spent nothing."""
    from slurm_finops.ledger.tag_sets import teams
    from slurm_finops.reports.site import UNTAGGED_NAME

    if team != UNTAGGED_NAME:
        known = {*(one.name for one in app.config.teams), *teams(ledger.db)}
        _check(team, "team", known, "--team")


def whose(app: App, ledger: Ledger, team: str, project: str | None) -> Whose:
    """``--team`` and ``--project`` as typed; raises a usage error that names the nearest."""
    from slurm_finops.ledger.tag_sets import projects
    from slurm_finops.reports.site import UNTAGGED_NAME

    check_team(app, ledger, team)
    found = Whose(None if team == UNTAGGED_NAME else team, project)
    if project is not None:
        configured = (p.name for t in app.config.teams if t.name == found.team for p in t.projects)
        known = {*configured, *projects(ledger.db, found.team)}
        _check(project, f"project of {team}", known, "--project")
    return found


def _check(name: str, what: str, names: Iterable[str], option: str) -> None:
    from slurm_finops.core.near import nearest

    known = sorted(names)
    if name not in known:
        near = nearest(name, known)
        hint = f"did you mean {near!r}?" if near else f"known: {', '.join(known) or 'none'}"
        raise click.BadParameter(
            f"{name!r} is no {what} of the configuration or the ledger; {hint}",
            param_hint=f"'{option}'",
        )

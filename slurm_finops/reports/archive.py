"""An index over months and teams, and how the files it leads to are called."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slurm_finops.core.words import count
from slurm_finops.reports.format import (
    figure,
    money,
    month_name,
    row_name,
    share,
    shortened,
    whole_number,
)
from slurm_finops.reports.render import environment, script
from slurm_finops.reports.site import UNTAGGED_NAME
from slurm_finops.reports.view import Header, Spend

#: The most months of an index: a year, and the month a year ago.
MONTHS = 13
INDEX = "index.html"
_NAME, _HEIGHT = 40, 24
#: Names that are files' names on any system, tell each other apart there, and are no hash.
_PLAIN = re.compile(r"(?!.*-[0-9a-f]{10}$)[a-z0-9][a-z0-9_-]{0,39}")
#: What Windows or we call otherwise.
_TAKEN = {
    "index", "con", "prn", "aux", "nul",
    *(f"{port}{i}" for port in ("com", "lpt") for i in range(10)),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Month:
    """One month of the index, and what the teams spent in it: rows of a table by team."""

    header: Header
    spend: Spend

    @property
    def folder(self) -> str:
        """``2026-06``."""
        return self.header.label

    @property
    def teams(self) -> dict[str, int]:
        """Minor units by team, whoever names none under `UNTAGGED_NAME`."""
        found: dict[str, int] = {}
        for row in self.spend.rows:
            if row.runs or row.effective_minor or row.list_minor:
                team = row.key[0] or UNTAGGED_NAME
                found[team] = found.get(team, 0) + row.effective_minor
        return found


def file_name(team: str) -> str:
    """``nlp.html``; of any other name what can be read of it, and a hash that tells it apart.

    It depends on the name alone, so a page keeps its address whoever else comes and goes.
    """
    if _PLAIN.fullmatch(team) and team not in _TAKEN:
        return f"{team}.html"
    words = re.sub(r"[^a-z0-9]+", "-", team[:200].lower()).strip("-")[:30].strip("-")
    digest = hashlib.sha256(team.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    return f"{words or 'team'}-{digest}.html"


def page_names(months: Sequence[Month]) -> list[str]:
    """The files of an index's months, with itself; each once, relative to its folder."""
    names = [INDEX]
    for month in months:
        names.append(f"{month.folder}/{INDEX}")
        names += [f"{month.folder}/{file_name(team)}" for team in month.teams]
    return list(dict.fromkeys(names))


def index_html(months: Sequence[Month], header: Header, as_of: str) -> str:
    """The index, newest month first; ``header`` is that of the last month, spent in or not."""
    most = max((month.spend.total.effective_minor for month in months), default=0)
    return environment().get_template("index.html.j2").render(
        header=header, as_of=as_of, **script(header),
        months=[_month(months, i, most) for i in range(len(months))],
        teams=_teams(months, header), money=lambda minor: figure(minor, header),
        number=lambda many: whole_number(many, header),
    )  # fmt: skip


def _month(months: Sequence[Month], at: int, most: int) -> dict[str, Any]:
    """A line of the table of months: figure, change, how long its bar is in per cent."""
    month, header = months[at], months[at].header
    minor = month.spend.total.effective_minor
    before = months[at + 1].spend.total.effective_minor if at + 1 < len(months) else 0
    more = minor - before
    change = ""
    if before > 0 and not header.so_far:
        change = f"{'+' if more > 0 else '−' if more else '±'}{share(abs(more), before, header)}"
    return {
        "name": month_name(header.first_day, header) + (" so far" if header.so_far else ""),
        "label": header.label, "file": f"{month.folder}/{INDEX}", "minor": minor,
        "figure": figure(minor, header), "change": change, "runs": month.spend.total.runs,
        "teams": len(month.teams), "bar": max(0, minor) * 100 // most if most > 0 else 0,
        "tenths": more * 1000 // before if change else None,
    }  # fmt: skip


def _teams(months: Sequence[Month], header: Header) -> list[dict[str, Any]]:
    """A line a team, the costliest of all months first: each month's figure with its page."""
    spent = [month.teams for month in months]
    sums: dict[str, int] = {}
    for one in spent:
        for team, minor in one.items():
            sums[team] = sums.get(team, 0) + minor
    lines = []
    for team in sorted(sums, key=lambda name: (-sums[name], name)):
        cells = [
            {"minor": one[team], "figure": figure(one[team], header),
             "file": f"{month.folder}/{file_name(team)}"} if team in one else None
            for one, month in zip(spent, months, strict=True)
        ]  # fmt: skip
        lines.append({
            "name": shortened(row_name(("team",), (team,)), _NAME), "minor": sums[team],
            "figure": figure(sums[team], header), "cells": cells,
            "bars": _bars([one.get(team, 0) for one in reversed(spent)]),
            "alt": _alt(months, [one.get(team, 0) for one in spent], header),
            "absent": team == UNTAGGED_NAME,
        })  # fmt: skip
    return lines


def _bars(minor: Sequence[int]) -> list[int]:
    """The heights of a small chart's bars, the oldest month first; what costs anything shows."""
    most = max(minor, default=0)
    return [max(1, one * _HEIGHT // most) if one > 0 else 0 for one in minor]


def _alt(months: Sequence[Month], minor: Sequence[int], header: Header) -> str:
    """What the small chart shows, in words."""
    most, at = max((one, -i) for i, one in enumerate(minor))
    month = month_name(months[-at].header.first_day, header)
    return f"By month: the most, {money(most, header)}, in {month}"


def told(months: Sequence[Month]) -> str:
    """``13 months, 42 teams``."""
    teams: set[str] = set().union(*(month.teams for month in months))
    return f"{count(len(months), 'month')}, {count(len(teams), 'team')}"


def around(
    months: Sequence[Month], at: int, team: str | None = None
) -> tuple[tuple[str, str], ...]:
    """What a month's page links to, from its folder: the index, and the months beside it.

    Of a team's page those months in which it has one, and the whole month.
    """
    month = months[at]
    name = INDEX if team is None else file_name(team)
    links = [("All months", f"../{INDEX}")]
    if team is not None:
        whole = month_name(month.header.first_day, month.header)
        links.append((f"{whole}, all teams", INDEX))
    for beside, arrow in ((at + 1, "← {}"), (at - 1, "{} →")):
        if 0 <= beside < len(months) and (team is None or team in months[beside].teams):
            other = months[beside]
            said = month_name(other.header.first_day, other.header)
            links.append((arrow.format(said), f"../{other.folder}/{name}"))
    return tuple(links)


def team_links(month: Month) -> Mapping[str | None, str]:
    """The pages of the teams in a month's table, as it calls them."""
    return {
        None if team == UNTAGGED_NAME else team: file_name(team) for team in month.teams
    }

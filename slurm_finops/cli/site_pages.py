"""The site of all pages: an index, and of each month the whole site's page and each team's."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import App, now
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from slurm_finops.cli.site_folder import SiteFolder
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.reports.archive import Month
    from slurm_finops.reports.render import Place
    from slurm_finops.reports.view import Page


class Written(NamedTuple):
    """What became of a site: ``pages`` are all of it."""

    path: Path
    what: str
    pages: int
    written: int
    removed: int

    def told(self) -> str:
        changed = f"{self.written:,} of {count(self.pages, 'page')} written anew"
        gone = f", {count(self.removed, 'page')} taken away" if self.removed else ""
        return f"{self.what}: {changed}{gone}"


def write_site(
    app: App, ledger: Ledger, folder: Path, most: int,
    watch: Callable[[int], Callable[[int], None]] = lambda pages: lambda done: None,
) -> Written:  # fmt: skip
    """Bring the pages of the last ``most`` months up to date.

    ``watch`` is told how many pages there are, and gives a function that is told of each.
    """
    from slurm_finops.cli.site_folder import SiteFolder
    from slurm_finops.reports import archive
    from slurm_finops.reports.site import header_of

    site = app.site
    periods = _months(app, most)
    header = header_of(site, periods[0])
    spent = _spent(app, ledger, periods)
    months = [month for _, month in spent]
    names = archive.page_names(months)
    files = SiteFolder(folder, names)
    advance = watch(len(names))
    for at, (period, _) in enumerate(spent):
        _write_month(app, ledger, files, months, at, period, advance)
    files.put(archive.INDEX, archive.index_html(months, header, app.said_now()), "")
    advance(1)
    files.finish()
    path = folder / archive.INDEX
    return Written(path, archive.told(months), len(names), files.written, files.removed)


def _months(app: App, most: int) -> list[Period]:
    """This billing month and those before it."""
    calendar = app.config.calendar
    found = [calendar.month_of(calendar.day_of(now()))]
    while len(found) < most:
        found.append(calendar.preceding(found[-1]))
    return found


def _spent(app: App, ledger: Ledger, periods: list[Period]) -> list[tuple[Period, Month]]:
    """The months in which anything was held, with what the teams spent."""
    from slurm_finops.reports import build
    from slurm_finops.reports.archive import Month

    site = app.site
    state = build.state_of(ledger, site)
    reports = (build.report(ledger, site, one, ("team",), state=state) for one in periods)
    return [
        (period, Month(found.header, found.spend))
        for period, found in zip(periods, reports, strict=True) if found.spend.rows
    ]  # fmt: skip


def _write_month(
    app: App, ledger: Ledger, files: SiteFolder, months: list[Month], at: int, period: Period,
    advance: Callable[[int], None],
) -> None:  # fmt: skip
    """One month's pages: the whole site's, and each team's."""
    from slurm_finops.cli.paging import pages_of
    from slurm_finops.reports import archive
    from slurm_finops.reports.render import Place
    from slurm_finops.reports.site import EVERYBODY, Owner

    month = months[at]
    pages = pages_of(app, ledger, period, many=True)
    place = Place(archive.around(months, at), archive.team_links(month))
    _write_page(app, files, f"{month.folder}/{archive.INDEX}", pages.page(EVERYBODY), place)
    advance(1)
    for team in month.teams:
        place = Place(archive.around(months, at, team))
        name = f"{month.folder}/{archive.file_name(team)}"
        _write_page(app, files, name, pages.page(Owner(team)), place)
        advance(1)
    pages.close()


def _write_page(app: App, files: SiteFolder, name: str, page: Page, place: Place) -> None:
    """Draw it, unless it was drawn from the same figures and names by the same program.

    A month that goes on says as of when; one that has ended only when it last changed.
    """
    from slurm_finops.reports import render

    as_of = app.said_now()
    seen = (render.fingerprint(), page, place.around, sorted(place.teams.items(), key=repr),
            as_of if page.report.header.so_far else "")  # fmt: skip
    key = hashlib.sha256(repr(seen).encode("utf-8", "surrogatepass")).hexdigest()
    if not files.is_current(name, key):
        files.put(name, render.page_html(page, as_of, place), key)

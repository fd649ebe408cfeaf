"""Views -> pages and mails in HTML, with their pictures."""

import base64
import hashlib
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.core.words import count
from slurm_finops.reports import charts, parts, readiness_digest
from slurm_finops.reports.canvas import svg_of
from slurm_finops.reports.format import (
    cost,
    figure,
    gpu_hours,
    period_name,
    shortened,
    shown,
    visible,
    whole_number,
)
from slurm_finops.reports.inline import inline
from slurm_finops.reports.render_allotments import allotment_block
from slurm_finops.reports.render_text import mail_text as mail_text
from slurm_finops.reports.render_text import subject as subject
from slurm_finops.reports.sentences import answers
from slurm_finops.reports.view import Header, Page, Spend

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

    from jinja2 import Environment

_MAIL_RUNS = 5
#: Digits enough for any sum: what lies above them is written without marks between.
_SAMPLE = 20


class Picture(NamedTuple):
    """A chart of a page: what it is called, its bytes, and what it shows in words."""

    title: str
    image: bytes
    alt: str


@cache
def environment() -> "Environment":
    """Where all templates are; they are given figures and names, and ask nothing."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=PackageLoader("slurm_finops"),
        autoescape=select_autoescape(["html.j2", "html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"shown": shown, "shortened": shortened, "visible": visible, "count": count}
    return made


class Place(NamedTuple):
    """Where a page stands among others: what it links to, and the pages of its rows' teams."""

    around: tuple[tuple[str, str], ...] = ()
    teams: Mapping[str | None, str] = MappingProxyType({})


def page_html(page: Page, as_of: str = "", place: Place = Place()) -> str:  # noqa: B008 - frozen
    """One file that needs nothing else: styles, script and charts within.

    ``as_of`` says when the figures were read, in words.
    """
    drawn = [
        {"title": one.title, "alt": one.alt, "svg": inline(image, i)}
        for i, one in enumerate(_charts(page))
        for image in [one.draw(form=svg_of)]
    ]
    return _render("report.html.j2", page, drawn, None, as_of, **script(page.report.header),
                   place=place, standings=parts.standings(page))  # fmt: skip


def script(header: Header) -> dict[str, Any]:
    """What templates/page.js is and needs: its text, its hash for the policy, how figures look.

    ``sample`` is a long figure as the locale writes it, and ``minus`` what stands before one
    below nothing.
    """
    text = _script()
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return {
        "script": text, "script_hash": f"sha256-{digest}",
        "sample": figure(10**_SAMPLE, header), "minus": re.split(r"\d", figure(-1, header))[0],
    }  # fmt: skip


@cache
def fingerprint() -> str:
    """What a page is drawn by: with another, the same figures may be another page."""
    import matplotlib

    from slurm_finops import __version__

    names = ("report.html.j2", "index.html.j2", "page.css", "page.js")
    parts_ = (__version__, matplotlib.__version__, *map(_source, names))
    return hashlib.sha256("\0".join(parts_).encode()).hexdigest()


def _source(name: str) -> str:
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]


@cache
def _script() -> str:
    """The bytes that the page's policy allows to run, and no others."""
    return _source("page.js")


def mail_html(page: Page, as_of: str = "") -> str:
    """The mail's HTML; its pictures are named ``cid:chart0``, ``cid:chart1``, …"""
    images = [
        {"title": chart.title, "light": f"cid:chart{i}", "alt": chart.alt}
        for i, chart in enumerate(_charts(page))
    ]
    # those that do not last first: of hundreds nobody reads more than some
    budgets = sorted(parts.standings(page), key=lambda row: (not row["over"], -row["tenths"]))
    return _render("mail.html.j2", page, images, parts.MAIL_ROWS, as_of,
                   standings=budgets[: parts.MAIL_ROWS],
                   ready_title=readiness_digest.TITLE)  # fmt: skip


class _Chart(NamedTuple):
    """A chart that a page has: its title, what it shows in words, and how to draw it."""

    title: str
    alt: str
    draw: "charts.Draw"


def pictures(page: Page, dark: bool = False) -> list[Picture]:
    """The charts of a page as PNG."""
    return [Picture(one.title, one.draw(dark=dark), one.alt) for one in _charts(page)]


def begun(page: Page, pool: "Executor") -> Callable[[], list[Picture]]:
    """The same in other processes: drawing begins now, and the answer waits for it."""
    drawing = [(one, pool.submit(one.draw)) for one in _charts(page)]

    def done() -> list[Picture]:
        return [Picture(one.title, _image(one, image), one.alt) for one, image in drawing]

    return done


def _image(chart: _Chart, image: "Future[bytes]") -> bytes:
    from concurrent.futures import BrokenExecutor

    try:
        return image.result()
    except BrokenExecutor:  # killed, perhaps for want of memory: a mail goes out all the same
        return chart.draw()


def _charts(page: Page) -> list[_Chart]:
    """Cost by day, the budget as it goes on, the costliest rows, and what was wasted."""
    header, spend = page.report.header, page.report.spend
    if not spend.rows:
        return []
    top = _top(page)
    legend = page.daily.names if top.by[0] == spend.by[0] else ()
    pace = charts.pace_of(page.budgets, page.daily)
    found = [
        _Chart("By day", charts.daily_alt(page.daily, header),
               partial(charts.draw_daily, page.daily, header, page.daily.by, pace)),
    ]  # fmt: skip
    if page.budgets and page.budgets[0].days:
        budget = page.budgets[0]
        found.append(_Chart(
            f"Budget for {visible(budget.name)}", charts.budget_alt(budget, header),
            partial(charts.draw_budget, budget, header),
        ))  # fmt: skip
    found.append(_Chart(
        f"Costliest by {', '.join(top.by)}, {header.currency}", charts.top_alt(top, header),
        partial(charts.draw_top, top, header, legend),
    ))  # fmt: skip
    if any(one.effective_minor > 0 for one in page.waste):
        found.append(_Chart(
            f"Runs that did not end well, {header.currency}",
            charts.waste_alt(page.waste, spend.total, header),
            partial(charts.draw_waste, page.waste, header),
        ))  # fmt: skip
    return found


def _top(page: Page) -> Spend:
    """A team's page shows by experiment what the daily chart shows by project."""
    return page.tables[0] if page.owner and page.tables else page.report.spend


def _render(
    name: str, page: Page, images: list[dict[str, str]], most: int | None, as_of: str,
    **more: Any,
) -> str:  # fmt: skip
    header, brief = page.report.header, most is not None
    faults, left = parts.faults(page, brief)
    return environment().get_template(name).render(
        title=visible(page.title), page=page, report=page.report, header=header, images=images,
        money=lambda minor: figure(minor, header), hours=lambda s: gpu_hours(s, header),
        number=lambda n: whole_number(n, header), cost=lambda minor, row: cost(minor, row, header),
        part=lambda row, total: parts.part(row, total, header), answers=answers(page),
        tables=[parts.cut(page, spend, most) for spend in (page.report.spend, *page.tables)],
        notes=parts.told_notes(page, parts.MAIL_NOTE if brief else None), faults=faults, more=left,
        bars=[parts.bar(budget) for budget in page.budgets], subject=subject(page),
        period=period_name(header), as_of=as_of, listed=parts.listed(page),
        held=parts.held(page), paid=parts.paid(page.report.spend.total, header),
        allotments=allotment_block(page), runs=parts.runs(page, _MAIL_RUNS if brief else None),
        wasted=parts.wasted(page), corrections=list(parts.corrections(page)), **more,
    )  # fmt: skip

"""Views -> pages and mails in HTML, with their pictures."""

import base64
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.core.words import count
from slurm_finops.reports import charts, parts
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
from slurm_finops.reports.render_allotments import allotment_block
from slurm_finops.reports.render_text import mail_text as mail_text
from slurm_finops.reports.render_text import subject as subject
from slurm_finops.reports.sentences import answers
from slurm_finops.reports.view import Page, Spend

if TYPE_CHECKING:
    from jinja2 import Environment

_MAIL_RUNS = 5


class Picture(NamedTuple):
    """A chart of a page: what it is called, its bytes, and what it shows in words."""

    title: str
    image: bytes
    alt: str


@cache
def _environment() -> "Environment":
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


def page_html(page: Page, as_of: str = "") -> str:
    """One file that needs nothing else: styles within, charts as data for light and dark.

    ``as_of`` says when the figures were read, in words.
    """
    light, dark = pictures(page), pictures(page, dark=True)
    images = [
        {"title": day.title, "light": _data(day.image), "dark": _data(night.image), "alt": day.alt}
        for day, night in zip(light, dark, strict=True)
    ]
    return _render("report.html.j2", page, images, None, as_of)


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def mail_html(page: Page, as_of: str = "") -> str:
    """The mail's HTML; its pictures are named ``cid:chart0``, ``cid:chart1``, …"""
    images = [
        {"title": chart.title, "light": f"cid:chart{i}", "alt": chart.alt}
        for i, chart in enumerate(_charts(page))
    ]
    return _render("mail.html.j2", page, images, parts.MAIL_ROWS, as_of)


class _Chart(NamedTuple):
    """A chart that a page has: its title, what it shows in words, and how to draw it."""

    title: str
    alt: str
    draw: "charts.Draw"


def pictures(page: Page, dark: bool = False) -> list[Picture]:
    """The charts of a page as PNG."""
    return [Picture(one.title, one.draw(dark), one.alt) for one in _charts(page)]


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
               lambda dark: charts.daily_png(page.daily, header, page.daily.by, pace, dark=dark)),
    ]  # fmt: skip
    if page.budgets and page.budgets[0].days:
        budget = page.budgets[0]
        found.append(_Chart(
            f"Budget for {visible(budget.name)}", charts.budget_alt(budget, header),
            lambda dark: charts.budget_png(budget, header, dark=dark),
        ))  # fmt: skip
    found.append(_Chart(
        f"Costliest by {', '.join(top.by)}", charts.top_alt(top, header),
        lambda dark: charts.top_png(top, header, legend, dark=dark),
    ))  # fmt: skip
    if any(one.effective_minor > 0 for one in page.waste):
        found.append(_Chart(
            "Runs that did not end well", charts.waste_alt(page.waste, spend.total, header),
            lambda dark: charts.waste_png(page.waste, header, dark=dark),
        ))  # fmt: skip
    return found


def _top(page: Page) -> Spend:
    """A team's page shows by experiment what the daily chart shows by project."""
    return page.tables[0] if page.owner and page.tables else page.report.spend


def _render(
    name: str, page: Page, images: list[dict[str, str]], most: int | None, as_of: str
) -> str:
    header, brief = page.report.header, most is not None
    faults, more = parts.faults(page, brief)
    return _environment().get_template(name).render(
        title=visible(page.title), page=page, report=page.report, header=header, images=images,
        money=lambda minor: figure(minor, header), hours=lambda s: gpu_hours(s, header),
        number=lambda n: whole_number(n, header), cost=lambda minor, row: cost(minor, row, header),
        part=lambda row, total: parts.part(row, total, header), answers=answers(page),
        tables=[parts.cut(page, spend, most) for spend in (page.report.spend, *page.tables)],
        notes=parts.told_notes(page, parts.MAIL_NOTE if brief else None), faults=faults, more=more,
        bars=[parts.bar(budget) for budget in page.budgets], subject=subject(page),
        period=period_name(header), as_of=as_of, listed=parts.listed(page),
        held=parts.held(page), paid=parts.paid(page.report.spend.total, header),
        allotments=allotment_block(page), runs=parts.runs(page, _MAIL_RUNS if brief else None),
        wasted=parts.wasted(page), corrections=list(parts.corrections(page)),
    )  # fmt: skip

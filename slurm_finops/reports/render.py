"""Views -> pages and mails."""

import base64
import shlex
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from slurm_finops.core.money import grouped
from slurm_finops.core.words import count
from slurm_finops.reports import charts
from slurm_finops.reports.format import (
    columns,
    cost,
    day_name,
    gpu_hours,
    in_period,
    money,
    month_name,
    padded,
    period_name,
    row_name,
    share,
    shortened,
    shown,
    visible,
)
from slurm_finops.reports.render_allotments import (
    allotment_block,
    allotment_text,
    allotment_warnings,
)
from slurm_finops.reports.tables import notes
from slurm_finops.reports.view import Budget, Header, Page, Row, Spend, TagFault, summed

if TYPE_CHECKING:
    from jinja2 import Environment

#: What a mail shows of a long list: with these it stays below 100 KB, where clients clip it.
_MAIL_ROWS, _MAIL_FAULTS, _MAIL_NOTES = 12, 6, 8
_PAGE_FAULTS, _PEOPLE = 50, 3
_MAIL_TYPED, _MAIL_NOTE = 300, 300
_TEXT_WIDTH = 76


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
    made.filters["hours"] = gpu_hours
    return made


def page_html(page: Page, as_of: str = "") -> str:
    """One file that needs nothing else: styles within, charts as data for light and dark.

    ``as_of`` says when the figures were read, in words.
    """
    light, dark = pictures(page), pictures(page, dark=True)
    images = [
        {"light": _data(day), "dark": _data(night), "alt": alt}
        for (day, alt), (night, _) in zip(light, dark, strict=True)
    ]
    return _render("report.html.j2", page, images, None, as_of)


def _data(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def mail_html(page: Page, as_of: str = "") -> str:
    """The mail's HTML; its pictures are named ``cid:chart0``, ``cid:chart1``."""
    images = [{"light": f"cid:chart{i}", "alt": alt} for i, alt in enumerate(_alts(page))]
    return _render("mail.html.j2", page, images, _MAIL_ROWS, as_of)


def mail_text(page: Page, as_of: str = "") -> str:
    """The mail for who reads no HTML, at most 76 columns wide but for what is to be typed."""
    header = page.report.header
    head = _wrapped(subject(page))
    lines = [
        *head, "=" * max(map(columns, head)), "",
        *_wrapped(f"{_held(page)}, {header.first_day} to {header.last_day} ({header.timezone})"),
        *_wrapped(_list_text(page)), *_wrapped(paid(page.report.spend.total, header)),
    ]  # fmt: skip
    if page.budget:
        lines += _wrapped(_budget_line(page.budget, header))
    lines += [*([""] if page.allotments else []), *allotment_text(page)]
    lines += [line for said in allotment_warnings(page) for line in _wrapped(said)]
    for spend in (page.report.spend, *page.tables):
        lines += ["", *_text_table(spend, header.currency, header.digits)]
    faults, more = _faults(page, True)
    if faults:
        lines += ["", "Tags to mend:"]
    for fault in faults:
        lines += [*_wrapped(f"- {fault['says']}"), f"  {fault['type']}"]
    for note in (*([more] if more else ()), *_notes(page, _MAIL_NOTE)):
        lines += ["", *_wrapped(note)]
    return "\n".join([*lines, "", f"slurm-finops{f', as of {as_of}' if as_of else ''}"]) + "\n"


def _wrapped(text: str) -> list[str]:
    return wrap(text, _TEXT_WIDTH, subsequent_indent="  ")


def subject(page: Page) -> str:
    """What a PI wants to know before opening it: ``nlp: 9,031.68 USD in June 2026``."""
    header = page.report.header
    spent = money(page.report.spend.total.effective_minor, header)
    over = ", over budget" if page.budget and _budget_is_over(page.budget) else ""
    return f"{shortened(visible(page.title), 60)}: {spent} {in_period(header)}{over}"


def _budget_is_over(budget: Budget) -> bool:
    return budget.spent_minor > budget.limit_minor


def _held(page: Page) -> str:
    total = page.report.spend.total
    return f"{gpu_hours(total.gpu_seconds)} GPU-hours in {count(total.runs, 'run')}"


def _notes(page: Page, width: int | None) -> list[str]:
    """What must be known of the figures; in a mail only as much as stays readable."""
    found = [visible(note) for note in (*notes(page.report), *page.notes)]
    if width is None:
        return found
    cut = [note if len(note) <= width else note[: width - 1] + "…" for note in found]
    return cut[:_MAIL_NOTES]


def _faults(page: Page, brief: bool) -> tuple[list[dict[str, str]], str]:
    """Each fault in words with what to type, and what is said of those left out."""
    kept = page.faults[: _MAIL_FAULTS if brief else _PAGE_FAULTS]
    left = page.faults[len(kept) :]
    cost = money(sum(fault.effective_minor for fault in left), page.report.header)
    more = f"and {count(len(left), 'more kind', 'more kinds')} of faults: {cost}" if left else ""
    return [_fault(page, fault, brief) for fault in kept], more


def _fault(page: Page, fault: TagFault, brief: bool) -> dict[str, str]:
    cost = money(fault.effective_minor, page.report.header)
    # people paste this into a shell, and its values were typed by anybody
    typed = f"--comment={shlex.quote(visible(fault.example))}"
    if brief and len(typed) > _MAIL_TYPED:
        typed = "(too long for a mail: slurm-finops tags make prints it)"
    team = f"{shown('team', fault.team)}: " if fault.team and not page.owner else ""
    status = visible(fault.status)
    if brief:
        status = shortened(status, _MAIL_NOTE)
    people = _people(fault.people)
    by = f" by {people}" if people else ""
    return {
        "says": f"{team}{count(fault.runs, 'run')}{by}, {cost}: {status}", "type": typed,
        "runs": f"{fault.runs:,}", "cost": grouped(fault.effective_minor,
        page.report.header.digits), "status": f"{team}{status}", "people": people,
    }  # fmt: skip


def _people(names: tuple[str, ...]) -> str:
    """``ann, bob, carl and 2 others``."""
    shown_names = ", ".join(shortened(visible(name), 24) for name in names[:_PEOPLE])
    others = len(names) - _PEOPLE
    return f"{shown_names} and {count(others, 'other')}" if others > 0 else shown_names


def pictures(page: Page, dark: bool = False) -> list[tuple[bytes, str]]:
    """``(PNG, what it shows)``: cost by day, and the costliest rows."""
    header, spend = page.report.header, page.report.spend
    if not spend.rows:
        return []
    top = _top(page)
    legend = page.daily.names if top.by[0] == spend.by[0] else ()
    pngs = (
        charts.daily_png(page.daily, header, page.daily.by, dark=dark),
        charts.top_png(top, header, legend, dark=dark),
    )
    return list(zip(pngs, _alts(page), strict=True))


def _alts(page: Page) -> list[str]:
    header = page.report.header
    if not page.report.spend.rows:
        return []
    return [charts.daily_alt(page.daily, header), charts.top_alt(_top(page), header)]


def _top(page: Page) -> Spend:
    """A team's page shows by experiment what the daily chart shows by project."""
    return page.tables[0] if page.owner and page.tables else page.report.spend


def _render(
    name: str, page: Page, images: list[dict[str, str]], most: int | None, as_of: str
) -> str:
    header = page.report.header
    faults, more = _faults(page, most is not None)
    return _environment().get_template(name).render(
        title=visible(page.title), report=page.report, header=header, images=images,
        money=lambda minor: grouped(minor, header.digits), shown=shown,
        cost=lambda minor, row: cost(minor, row, header.digits), shortened=shortened,
        tables=[_cut(spend, most) for spend in (page.report.spend, *page.tables)],
        notes=_notes(page, None if most is None else _MAIL_NOTE), faults=faults, more=more,
        budget=_budget(page), subject=subject(page), period=period_name(header), as_of=as_of,
        listed=_listed(page), held=_held(page), paid=paid(page.report.spend.total, header),
        allotments=allotment_block(page),
    )  # fmt: skip


def _list_text(page: Page) -> str:
    total, header = page.report.spend.total, page.report.header
    return f"{grouped(total.list_minor, header.digits)} at list price" if _listed(page) else ""


def paid(total: Row, header: Header) -> str:
    """What of a cost is billed, and what became of the rest; "" where all of it is."""
    parts = [
        (total.forgiven_minor, "forgiven"), (total.subsidised_minor, "subsidised"),
        (total.credited_minor, "paid by allocations and credits"),
    ]  # fmt: skip
    said = [f"{grouped(minor, header.digits)} {what}" for minor, what in parts if minor]
    return f"{', '.join(said)}: {money(total.billed_minor, header)} billed" if said else ""


def _listed(page: Page) -> bool:
    """Whether list cost says something that effective cost does not."""
    total = page.report.spend.total
    return total.list_minor != total.effective_minor


def _cut(spend: Spend, most: int | None) -> dict[str, Any]:
    """A table's first rows, and the rest as one, so that the figures still sum."""
    rows = spend.rows if most is None else spend.rows[:most]
    rest = spend.rows[len(rows) :]
    return {
        "by": spend.by, "rows": rows, "total": spend.total, "rest": _sum(rest) if rest else None,
        "more": len(rest),
    }  # fmt: skip


def _sum(rows: tuple[Row, ...]) -> Row:
    return summed(rows, sum(row.runs for row in rows))


def _budget(page: Page) -> dict[str, Any] | None:
    """What of the budget is used; a budget of nothing is used up by anything."""
    if page.budget is None:
        return None
    limit, spent = page.budget.limit_minor, page.budget.spent_minor
    percent = spent * 100 // limit if limit else 100 * (spent > 0)
    return {
        "line": _budget_line(page.budget, page.report.header), "over": _budget_is_over(page.budget),
        "width": max(0, min(percent, 100)),
    }  # fmt: skip


def _budget_line(budget: Budget, header: Header) -> str:
    left = budget.limit_minor - budget.spent_minor
    upto = "" if header.label == budget.month else f" by {day_name(header.last_day)}"
    return (
        f"{money(abs(left), header)} {'left of' if left >= 0 else 'over'} the budget of "
        f"{grouped(budget.limit_minor, header.digits)} for {month_name(budget.month)} "
        f"({share(budget.spent_minor, budget.limit_minor)} used{upto})"
    )


def _text_table(spend: Spend, currency: str, digits: int) -> list[str]:
    cut = _cut(spend, _MAIL_ROWS)
    rows = [(row_name(spend.by, row.key, row.runs), row) for row in cut["rows"]]
    if cut["rest"]:
        rows.append((f"and {cut['more']:,} more", cut["rest"]))
    rows.append(("total", spend.total))
    lines = [f"{padded('by ' + ', '.join(spend.by), 41)}{'GPU-hours':>15}{currency:>20}"]
    for name, row in rows:
        figures = gpu_hours(row.gpu_seconds), cost(row.effective_minor, row, digits)
        lines.append(f"{padded(name, 41)}{figures[0]:>15}{figures[1]:>20}")
    return lines

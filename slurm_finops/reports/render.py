"""Views -> pages and mails."""

import base64
from functools import cache
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from slurm_finops.reports import charts
from slurm_finops.reports.tables import counted, gpu_hours, grouped, notes, shown
from slurm_finops.reports.view import Page, Row, Spend

if TYPE_CHECKING:
    from jinja2 import Environment

#: Rows of a table in a mail: with them a mail stays far below 100 KB, where clients clip it.
_MAIL_ROWS = 12
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
    made.globals["counted"] = counted
    return made


def page_html(page: Page) -> str:
    """One file that needs nothing else: styles within, charts as data."""
    images = [
        (f"data:image/png;base64,{base64.b64encode(png).decode()}", alt)
        for png, alt in pictures(page)
    ]
    return _render("report.html.j2", page, images, None)


def mail_html(page: Page) -> str:
    """The mail's HTML; its pictures are named ``cid:chart0``, ``cid:chart1``."""
    images = [(f"cid:chart{i}", alt) for i, (_, alt) in enumerate(pictures(page))]
    return _render("mail.html.j2", page, images, _MAIL_ROWS)


def mail_text(page: Page) -> str:
    """The mail for who reads no HTML, at most 76 columns wide."""
    header = page.report.header
    total = page.report.spend.total
    lines = [
        subject(page), "=" * min(len(subject(page)), _TEXT_WIDTH), "",
        f"{gpu_hours(total.gpu_seconds)} GPU-hours in {counted(total.runs, 'run')}, "
        f"{header.first_day} to {header.last_day} ({header.timezone})",
    ]  # fmt: skip
    if page.budget_minor:
        lines.append(_budget_line(page))
    for spend in (page.report.spend, *page.tables):
        lines += ["", *_text_table(spend, header.currency, header.digits)]
    if page.faults:
        lines += ["", "Tags to mend:"]
        for fault in page.faults:
            cost = f"{grouped(fault.effective_minor, header.digits)} {header.currency}"
            lines += [
                *_wrapped(f"- {counted(fault.runs, 'run')}, {cost}: {fault.status}"),
                f"  --comment='{fault.example}'",
            ]
    for note in (*notes(page.report), *page.notes):
        lines += ["", *_wrapped(note)]
    return "\n".join([*lines, "", "slurm-finops"]) + "\n"


def _wrapped(text: str) -> list[str]:
    return wrap(text, _TEXT_WIDTH, subsequent_indent="  ")


def subject(page: Page) -> str:
    """What a PI wants to know before opening it: ``nlp: 9,031.68 USD in 2026-06``."""
    header = page.report.header
    money = f"{grouped(page.report.spend.total.billed_minor, header.digits)} {header.currency}"
    title = "".join(char if char.isprintable() else " " for char in page.title)[:80]
    return f"{title}: {money} in {header.label}"


def pictures(page: Page) -> list[tuple[bytes, str]]:
    """``(PNG, what it shows)``: cost by day, and the costliest rows."""
    header, spend = page.report.header, page.report.spend
    if not spend.rows:
        return []
    found = [
        (charts.daily_png(page.daily, header, spend.by[0]), charts.daily_alt(page.daily, header))
    ]
    top = page.tables[0] if page.owner and page.tables else spend
    legend = page.daily.names if top.by[0] == spend.by[0] else ()
    found.append((charts.top_png(top, header, legend), charts.top_alt(top, header)))
    return found


def _render(name: str, page: Page, images: list[tuple[str, str]], most: int | None) -> str:
    header = page.report.header

    def money(minor: int) -> str:
        return grouped(minor, header.digits)

    return _environment().get_template(name).render(
        page=page, report=page.report, header=header, images=images, money=money, shown=shown,
        tables=[_cut(spend, most) for spend in (page.report.spend, *page.tables)],
        notes=notes(page.report), budget=_budget(page), subject=subject(page),
        listed=_listed(page),
    )  # fmt: skip


def _listed(page: Page) -> bool:
    """Whether list cost says something that billed cost does not."""
    total = page.report.spend.total
    return total.list_minor != total.billed_minor


def _cut(spend: Spend, most: int | None) -> dict[str, Any]:
    """A table's first rows, and the rest as one, so that the figures still sum."""
    rows = spend.rows if most is None else spend.rows[:most]
    rest = spend.rows[len(rows) :]
    return {
        "by": spend.by, "rows": rows, "total": spend.total, "rest": _sum(rest) if rest else None,
        "more": len(rest),
    }  # fmt: skip


def _sum(rows: tuple[Row, ...]) -> Row:
    return Row(
        (), sum(r.runs for r in rows), sum(r.gpu_seconds for r in rows),
        sum(r.list_minor for r in rows), sum(r.effective_minor for r in rows),
        sum(r.billed_minor for r in rows),
    )  # fmt: skip


def _budget(page: Page) -> dict[str, Any] | None:
    """What of the budget is used, in whole per cent."""
    if not page.budget_minor:
        return None
    spent = page.report.spend.total.billed_minor
    percent = spent * 100 // page.budget_minor
    return {
        "line": _budget_line(page), "percent": percent, "width": max(0, min(percent, 100)),
        "over": spent > page.budget_minor,
    }  # fmt: skip


def _budget_line(page: Page) -> str:
    header, budget = page.report.header, page.budget_minor or 0
    spent = page.report.spend.total.billed_minor
    left = budget - spent
    word = "left" if left >= 0 else "over"
    return (
        f"{grouped(abs(left), header.digits)} {header.currency} {word} of this month's budget of "
        f"{grouped(budget, header.digits)} ({spent * 100 // budget} % used)"
    )


def _text_table(spend: Spend, currency: str, digits: int) -> list[str]:
    cut = _cut(spend, _MAIL_ROWS)
    rows = [
        (" / ".join(shown(n, v) for n, v in zip(spend.by, row.key, strict=True)), row)
        for row in cut["rows"]
    ]
    if cut["rest"]:
        rows.append((f"and {cut['more']} more", cut["rest"]))
    rows.append(("total", spend.total))
    lines = [f"{'by ' + ', '.join(spend.by):<42}{'GPU-hours':>14}{currency:>20}"]
    for name, row in rows:
        clean = "".join(char if char.isprintable() else " " for char in name)
        short = clean if len(clean) <= 41 else clean[:40] + "…"
        lines.append(
            f"{short:<42}{gpu_hours(row.gpu_seconds):>14}{grouped(row.billed_minor, digits):>20}"
        )
    return lines

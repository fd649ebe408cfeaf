"""The mail for who reads no HTML: it stands alone."""

from collections.abc import Iterator
from textwrap import wrap

from slurm_finops.reports import parts
from slurm_finops.reports.format import (
    columns,
    figure,
    in_period,
    money,
    padded,
    shortened,
    visible,
)
from slurm_finops.reports.readiness_digest import ready_text
from slurm_finops.reports.render_allotments import allotment_text, allotment_warnings
from slurm_finops.reports.sentences import answers
from slurm_finops.reports.view import Page, Spend

_WIDTH = 76
_LABEL = 11
_RUNS = 5


def mail_text(page: Page, as_of: str = "") -> str:
    """At most 76 columns wide but for what is to be typed."""
    header = page.report.header
    head = wrapped(subject(page))
    said = answers(page)
    lines = [*head, "=" * max(map(columns, head)), ""]
    held = f"{parts.held(page)}, {header.first_day} to {header.last_day} ({header.timezone})"
    lines += [*wrapped(held), *wrapped(_listed(page))]
    lines += wrapped(parts.paid(page.report.spend.total, header))
    lines += [""]
    for name, text in said.told():
        lines += _answer(name, text)
    for i, text in enumerate(said.to_do, 1):
        lines += _answer("To do" if i == 1 else "", f"{i}. {text}")
    lines += _notes(page)
    lines += [*([""] if page.allotments else []), *allotment_text(page)]
    lines += [line for text in allotment_warnings(page) for line in wrapped(text)]
    lines += ready_text(page)
    for spend in (page.report.spend, *page.tables):
        lines += ["", *_table(page, spend)]
    lines += [*_waste(page), *_runs(page), *_faults(page), *_corrections(page)]
    return "\n".join([*lines, "", f"slurm-finops{f', as of {as_of}' if as_of else ''}"]) + "\n"


def wrapped(text: str) -> list[str]:
    """Lines of at most 76 columns, which is what wide letters are counted by."""
    if columns(text) <= len(text):
        return wrap(text, _WIDTH, subsequent_indent="  ")
    lines = [""]
    for word in text.split():
        # a long one may end anywhere: many a script has no spaces
        for i, piece in enumerate(word if columns(word) > _WIDTH // 2 else [word]):
            spaced = f" {piece}" if i == 0 and lines[-1].strip() else piece
            if columns(lines[-1]) + columns(spaced) <= _WIDTH:
                lines[-1] += spaced
            else:
                lines.append(f"  {piece}")
    return lines


def _answer(name: str, text: str) -> list[str]:
    indent = " " * _LABEL
    return wrap(text, _WIDTH, initial_indent=f"{name:<{_LABEL}}", subsequent_indent=indent)


def _listed(page: Page) -> str:
    total, header = page.report.spend.total, page.report.header
    return f"{figure(total.list_minor, header)} at list price" if parts.listed(page) else ""


def _notes(page: Page) -> Iterator[str]:
    for note in parts.told_notes(page, parts.MAIL_NOTE):
        yield from ("", *wrapped(note))


def _table(page: Page, spend: Spend) -> Iterator[str]:
    title = padded(parts.title_of(spend), 41)
    yield f"{title}{'GPU-hours':>15}{page.report.header.currency:>20}"
    for name, hours, cost in parts.text_rows(page, spend):
        yield f"{padded(name, 41)}{hours:>15}{cost:>20}"


def _waste(page: Page) -> Iterator[str]:
    rows = parts.wasted(page)
    if not rows:
        return
    yield ""
    title = padded("Runs that did not end well", 32)
    yield f"{title}{'runs':>9}{'GPU-hours':>15}{page.report.header.currency:>20}"
    for row in rows:
        yield f"{padded(row['cause'], 32)}{row['runs']:>9}{row['hours']:>15}{row['cost']:>20}"
        if row["worst"]:
            yield f"  most: {row['worst']}"


def _runs(page: Page) -> Iterator[str]:
    rows = parts.runs(page, _RUNS)
    if not rows:
        return
    at_list = " at list price" if page.at_list else ""
    yield from ("", f"Costliest runs, {page.report.header.currency}{at_list}")
    for row in rows:
        who = f"{row['user']}, " if row["user"] else ""
        yield from wrapped(
            f"{row['job']}: {row['cost']}, {row['hours']} GPU-hours, {who}{row['name']} "
            f"({row['state']}, {row['when']})"
        )


def _faults(page: Page) -> Iterator[str]:
    faults, more = parts.faults(page, True)
    if faults:
        yield from ("", "Tags to mend")
    for fault in faults:
        yield from wrapped(f"- {fault['says']}")
        yield f"  {fault['type']}"
    if more:
        yield from wrapped(more)


def _corrections(page: Page) -> Iterator[str]:
    said = list(parts.corrections(page))
    if said:
        yield from ("", "Corrections to earlier periods")
    for text in said:
        yield from wrapped(f"- {text}")


def subject(page: Page) -> str:
    """What a PI wants to know before opening it: ``nlp: 9,031.68 USD in June 2026``."""
    header = page.report.header
    spent = money(page.report.spend.total.effective_minor, header)
    over = ", over budget" if any(b.spent_minor > b.limit_minor for b in page.budgets) else ""
    return f"{shortened(visible(page.title), 60)}: {spent} {in_period(header)}{over}"

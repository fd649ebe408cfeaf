"""What a page's blocks hold, in words and figures: for HTML, text and Slack alike."""

import string
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from slurm_finops.core.money import round_half_away
from slurm_finops.core.words import count
from slurm_finops.reports.faults import typed
from slurm_finops.reports.format import (
    about,
    cost,
    counted,
    figure,
    gpu_hours,
    money,
    period_name,
    row_name,
    share,
    short_date,
    short_day,
    shortened,
    shown,
    visible,
    whole_number,
)
from slurm_finops.reports.tables import notes
from slurm_finops.reports.view import (
    Ahead,
    Budget,
    BudgetLine,
    Costly,
    Header,
    Key,
    Page,
    Row,
    Spend,
    TagFault,
    summed,
)

#: What a mail shows of a long list: with these it stays below 100 KB, where clients clip it.
MAIL_ROWS, _MAIL_FAULTS, _MAIL_NOTES = 12, 6, 8
_PAGE_FAULTS, _PEOPLE = 50, 3
_MAIL_TYPED, MAIL_NOTE = 300, 300
_NAME_WIDTH = 40

#: How tables are called; others go by their dimensions.
_TITLES = {
    ("pricing",): "By price model", ("user",): "By person", ("sku",): "By resource",
    ("origin", "category"): "Rates, pools and what is shared",
}  # fmt: skip


def title_of(spend: Spend) -> str:
    """``By team, project``."""
    return _TITLES.get(spend.by, f"By {', '.join(name.replace('_', ' ') for name in spend.by)}")


def held(page: Page) -> str:
    """``2,304.0 GPU-hours in 41 runs``."""
    total, header = page.report.spend.total, page.report.header
    hours = gpu_hours(total.gpu_seconds, header)
    return f"{hours} GPU-hours in {counted(total.runs, 'run', header)}"


def listed(page: Page) -> bool:
    """Whether list cost says something that effective cost does not."""
    total = page.report.spend.total
    return total.list_minor != total.effective_minor


def paid(total: Row, header: Header) -> str:
    """What of a cost is billed, and what became of the rest; "" where all of it is."""
    parts = [
        (total.forgiven_minor, "forgiven"), (total.subsidised_minor, "subsidised"),
        (total.credited_minor, "paid by allocations and credits"),
    ]  # fmt: skip
    said = [f"{figure(minor, header)} {what}" for minor, what in parts if minor]
    return f"{', '.join(said)}: {money(total.billed_minor, header)} billed" if said else ""


def told_notes(page: Page, width: int | None) -> list[str]:
    """What must be known of the figures; in a mail only as much as stays readable."""
    found = [visible(note) for note in (*notes(page.report), *page.notes)]
    if width is None:
        return found
    cut_short = [note if len(note) <= width else note[: width - 1] + "…" for note in found]
    return cut_short[:_MAIL_NOTES]


def faults(page: Page, brief: bool) -> tuple[list[dict[str, Any]], str]:
    """Each fault in words with what to type, and what is said of those left out."""
    kept = page.faults[: _MAIL_FAULTS if brief else _PAGE_FAULTS]
    left = page.faults[len(kept) :]
    left_cost = money(sum(fault.effective_minor for fault in left), page.report.header)
    header = page.report.header
    more = f"and {counted(len(left), 'more kind', header)} of faults: {left_cost}"
    return [_fault(page, fault, brief) for fault in kept], more if left else ""


def _fault(page: Page, fault: TagFault, brief: bool) -> dict[str, Any]:
    header = page.report.header
    # people paste this into a shell, and its values were typed by anybody
    line = typed(fault.example)
    if brief and len(line) > _MAIL_TYPED:
        line = "(too long for a mail: slurm-finops tags make prints it)"
    team = f"{shown('team', fault.team)}: " if fault.team and not page.owner else ""
    status = visible(fault.status)
    if brief:
        status = shortened(status, MAIL_NOTE)
    people = _people(fault.people)
    by = f" by {people}" if people else ""
    return {
        "says": f"{team}{counted(fault.runs, 'run', header)}{by}, "
                f"{money(fault.effective_minor, header)}: {status}",
        "type": line, "runs": whole_number(fault.runs, header),
        "cost": figure(fault.effective_minor, header), "status": f"{team}{status}",
        "people": people, "row": fault,
    }  # fmt: skip


def _people(names: tuple[str, ...]) -> str:
    """``ann, bob, carl and 2 others``."""
    shown_names = ", ".join(shortened(visible(name), 24) for name in names[:_PEOPLE])
    others = len(names) - _PEOPLE
    return f"{shown_names} and {count(others, 'other')}" if others > 0 else shown_names


def cut(page: Page, spend: Spend, most: int | None) -> dict[str, Any]:
    """A table's first rows, and the rest as one, so that the figures still sum."""
    rows = spend.rows if most is None else spend.rows[:most]
    rest = spend.rows[len(rows) :]
    is_first = spend is page.report.spend
    return {
        "title": title_of(spend), "by": spend.by, "rows": rows, "total": spend.total,
        "rest": summed(rest, sum(row.runs for row in rest)) if rest else None,
        "more": whole_number(len(rest), page.report.header),
        "change": _change(page) if is_first and page.before else None,
        "moved": _moved(page),
    }  # fmt: skip


def _change(page: Page) -> Callable[[Row], str]:
    """What a row of the first table has changed by since the period before: ``+12.4%``, ``new``."""
    before: dict[Key, int] = dict(page.before or ())
    header = page.report.header

    def change(row: Row) -> str:
        was = before.get(row.key, 0)
        if was <= 0:
            return "new" if row.effective_minor > 0 else ""
        more = row.effective_minor - was
        if not more:
            return "±0"
        return f"{'+' if more > 0 else '−'}{share(abs(more), was, header)}"

    return change


def _moved(page: Page) -> Callable[[Row], int | None]:
    """The same in tenths of a per cent; None where there is nothing to compare with."""
    before: dict[Key, int] = dict(page.before or ())

    def moved(row: Row) -> int | None:
        was = before.get(row.key, 0)
        return round_half_away((row.effective_minor - was) * 1000, was) if was > 0 else None

    return moved


def part(row: Row, spend_total: Row, header: Header) -> str:
    """A row's share of the whole; "" where there is none."""
    if spend_total.effective_minor <= 0 or row.unpriced:
        return ""
    return share(row.effective_minor, spend_total.effective_minor, header)


def bar(budget: Budget) -> dict[str, Any]:
    """How far a budget's bar is filled, in whole per cent of the budget, and what is ahead."""
    reach = budget.spent_minor if budget.ahead is None else budget.ahead.middle_minor

    def part(minor: int) -> int:
        return min(100, max(0, minor) * 100 // max(budget.limit_minor, 1))

    spent = part(budget.spent_minor)
    return {"spent": spent, "ahead": max(0, part(reach) - spent), "over": is_over(budget)}


def is_over(budget: Budget) -> bool:
    """Whether more is spent than there was, or is going to be."""
    ahead: Ahead | None = budget.ahead
    return budget.spent_minor > budget.limit_minor or bool(ahead and ahead.used_up)


def standings(page: Page, most: int | None = None) -> list[dict[str, Any]]:
    """Every budget of a whole site or cost centre: whose, for what, money, when it is used up.

    ``row`` is the view they come from; ``over`` where more is spent than there was, or
    is expected to be; ``tenths`` of a per cent are used, and ``day`` (an ordinal) is when
    it is used up.
    """
    header = page.report.header
    return [
        {"team": visible(one.team), "project": visible(one.project or ""),
         "name": visible(one.name), "limit": figure(one.limit_minor, header),
         "spent": figure(one.spent_minor, header),
         "used": share(one.spent_minor, one.limit_minor, header),
         "expected": about(one.ahead.middle_minor, header) if one.ahead else "–",
         "range": _range(one.ahead, header), "used_up": _used_up(one, header),
         "over": one.spent_minor > one.limit_minor or one.used_up is not None, "row": one,
         "tenths": round_half_away(one.spent_minor * 1000, max(one.limit_minor, 1)),
         "day": day.toordinal() if (day := one.used_up or one.at_worst) else None}
        for one in page.standings[:most]
    ]  # fmt: skip


def _range(ahead: Ahead | None, header: Header) -> str:
    """``7,900 to 8,400``."""
    if ahead is None:
        return ""
    return f"{about(ahead.low_minor, header)} to {about(ahead.high_minor, header)}"


def _used_up(one: BudgetLine, header: Header) -> str:
    """The day on which nothing is left: as expected, else at the high end."""
    if one.used_up is not None:
        return short_date(one.used_up, header)
    return f"{short_date(one.at_worst, header)} at worst" if one.at_worst else "–"


def runs(page: Page, most: int | None) -> list[dict[str, Any]]:
    """The costliest runs: job, who and what, when, how it ended, what it cost."""
    header = page.report.header
    anchors = _anchors(page.costliest)
    return [
        {"job": f"{one.cluster}/{one.job_id}", "anchor": anchor, "row": one,
         "user": shortened(visible(one.user), 24),
         "name": shortened(visible(one.name), _NAME_WIDTH) or "(no name)",
         "state": one.state.lower().replace("_", " "),
         "when": _when(one, header), "hours": gpu_hours(one.gpu_seconds, header),
         "cost": figure(one.minor, header)}
        for one, anchor in zip(page.costliest[:most], anchors, strict=False)
    ]  # fmt: skip


def _anchors(found: Iterable[Costly]) -> Iterator[str]:
    """``run-alpha-4711_3``: an address for each run that stays as it is in any URL.

    A het job's ``4711+1`` is ``4711.1``, and other signs are their code points between
    tildes.  Requeued runs have one id: those after the first get a number.
    """
    seen: Counter[str] = Counter()
    for one in found:
        anchor = f"run-{_plain(one.cluster)}-{_plain(one.job_id)}"
        seen[anchor] += 1
        yield anchor if seen[anchor] == 1 else f"{anchor}.again-{seen[anchor]}"


def _plain(text: str) -> str:
    kept = string.ascii_letters + string.digits + "_-"
    return "".join(
        c if c in kept else "." if c == "+" else f"~{ord(c):x}~" for c in text
    )


def _when(one: Costly, header: Header) -> str:
    """``8 Jun 14:03 to 9 Jun 02:11``, ``since 8 Jun 14:03``."""
    start = datetime.fromisoformat(one.start)
    said = f"{short_day(start.date(), header)} {start:%H:%M}"
    if one.end is None:
        return f"since {said}"
    end = datetime.fromisoformat(one.end)
    same = start.date() == end.date()
    return f"{said} to {'' if same else short_day(end.date(), header) + ' '}{end:%H:%M}"


def wasted(page: Page) -> list[dict[str, Any]]:
    """By cause: runs, GPU-hours, cost, share of the whole."""
    header, whole = page.report.header, page.report.spend.total.effective_minor
    return [
        {"cause": one.cause, "row": one, "runs": whole_number(one.runs, header),
         "hours": gpu_hours(one.gpu_seconds, header), "cost": figure(one.effective_minor, header),
         "share": share(one.effective_minor, whole, header)}
        for one in page.waste
    ]  # fmt: skip


def corrections(page: Page) -> Iterator[str]:
    """Earlier periods that are not what a mail told of them."""
    header = page.report.header
    for one in page.corrections:
        more = one.now_minor - one.told_minor
        said = f"{figure(abs(more), header)} {'more' if more > 0 else 'less'}"
        name = period_name(one.header)
        yield (f"{name[:1].upper()}{name[1:]} is now {money(one.now_minor, header)}: {said} than "
               f"was told ({figure(one.told_minor, header)})")  # fmt: skip


def text_rows(page: Page, spend: Spend) -> Iterator[tuple[str, str, str]]:
    """A table's lines for a fixed-width font: name, GPU-hours, cost."""
    header = page.report.header
    found = cut(page, spend, MAIL_ROWS)
    rows = [(row_name(spend.by, row.key, row.runs), row) for row in found["rows"]]
    if found["rest"]:
        rows.append((f"and {found['more']} more", found["rest"]))
    rows.append(("total", spend.total))
    for name, row in rows:
        yield name, gpu_hours(row.gpu_seconds, header), cost(row.effective_minor, row, header)

"""What a statement says to people, in words and figures: for text, page and mail alike."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from slurm_finops.core.usage import is_gpu
from slurm_finops.reports.format import (
    counted,
    figure,
    full_date,
    gpu_hours,
    money,
    month_name,
    period_name,
    shortened,
    shown,
    visible,
)
from slurm_finops.reports.statement import (
    CORRECTIONS,
    COST_CENTER,
    CREDITS,
    FUND,
    OTHER,
    OVERHEAD,
    POOLS,
    PROJECT,
    SURCHARGES,
    TAX,
    TEAM,
    USAGE,
    Row,
    Section,
    Statement,
)
from slurm_finops.reports.statement_tables import closed_at
from slurm_finops.reports.view import Header

TITLES = {
    USAGE: "Usage", POOLS: "Shares of pools", OVERHEAD: "Overhead", OTHER: "Other lines",
    CREDITS: "Credits and allowances", CORRECTIONS: "Corrections of earlier periods",
    SURCHARGES: "Surcharges", TAX: "Tax",
}  # fmt: skip
KINDS = {TEAM: "team", PROJECT: "project", COST_CENTER: "cost centre", FUND: "fund"}

DRAFT = "Nothing of this is booked, and all of it may still change."
HELD = "Held back: in no total until it is settled"
WAIVED = "Closed although these checks failed"
#: How whoever kept a statement finds that it was altered.
CHECK = (
    "To check both: slurm-finops period verify makes them anew from the ledger and names the "
    "first thing that was altered.  Keep this statement: if the whole chain were rewritten, its "
    "head would no longer be this one."
)
CHECK_ONE = (
    "To check it: slurm-finops period verify makes it anew from the ledger and names the first "
    "thing that was altered."
)
#: A longer name is cut.
NAME = 120
_SUBJECT = 60
_MICRO_DIGITS = 6


class Column(NamedTuple):
    """A column of names: its head, and what a row has in it."""

    head: str
    cells: tuple[str, ...]


class Table(NamedTuple):
    """A section: columns of names, hours ("" for a row of none; no column if None), minor units.

    ``all_hours`` is "" where they are of units that cannot be added.
    """

    header: Header
    title: str
    columns: tuple[Column, ...]
    minors: tuple[int, ...]
    hours: tuple[str, ...] | None = None
    hours_head: str = ""
    all_hours: str = ""

    @property
    def total(self) -> str:
        """The sum of the rows."""
        return figure(sum(self.minors), self.header)

    def rows(self, most: int | None = None) -> Iterator[tuple[tuple[str, ...], str, str]]:
        """Names, hours and money of each row, or of the first."""
        hours = self.hours or ("",) * len(self.minors)
        for i, minor in enumerate(self.minors[:most]):
            names = tuple(column.cells[i] for column in self.columns)
            yield names, hours[i], figure(minor, self.header)

    def rest(self, most: int | None) -> tuple[str, str]:
        """``and 12 more rows`` with their money, if there are more; so that the figures sum."""
        left = self.minors[most:] if most is not None else ()
        if not left:
            return "", ""
        return (f"and {counted(len(left), 'more row', self.header)}",
                figure(sum(left), self.header))  # fmt: skip


def owner(view: Statement) -> str:
    """What it is of: ``nlp``, ``(untagged)``."""
    return shown(view.issue.kind, view.issue.owner)


def title(view: Statement) -> str:
    """``Statement FIN-2026-000007``, ``Draft statement``."""
    issue = view.issue
    if issue.is_draft:
        return "Draft statement"
    return f"Statement {visible(issue.number)}" if issue.number else "Statement"


def subject(view: Statement) -> str:
    """``Statement FIN-2026-000007: nlp, June 2026: 9,031.68 USD``."""
    header = view.header
    return (f"{shortened(title(view), _SUBJECT)}: {shortened(owner(view), _SUBJECT)}, "
            f"{period_name(header)}: {money(view.total_minor, header)}")  # fmt: skip


def closed(view: Statement) -> str:
    """``3 July 2026, 09:12 CEST, by ann``; "" of a draft."""
    issue = view.issue
    if issue.is_draft or issue.closed_at is None:
        return ""
    at = closed_at(view)
    by = f", by {shortened(visible(issue.closed_by), NAME)}" if issue.closed_by else ""
    return f"{full_date(at.date(), view.header)}, {at:%H:%M %Z}{by}"


def facts(view: Statement) -> Iterator[tuple[str, str]]:
    """What it is, of whom and of when."""
    issue, header = view.issue, view.header
    if issue.entity:
        yield "From", visible(issue.entity)
    yield "For", f"{KINDS.get(issue.kind, issue.kind)} {owner(view)}"
    yield "Period", f"{header.first_day} to {header.last_day}, days in {header.timezone}"
    if when := closed(view):
        yield "Closed", when


def summary(view: Statement) -> Iterator[tuple[str, str, bool]]:
    """What it comes to: a name, a figure, and whether it sums what is above it."""
    header = view.header
    before = [one for one in view.sections if one.name != TAX]
    for one in before:
        yield TITLES[one.name], figure(one.minor, header), False
    if len(before) < len(view.sections):
        yield "net, before tax", figure(view.net_minor, header), True
        yield TITLES[TAX], figure(view.tax_minor, header), False
    yield "total", figure(view.total_minor, header), True


def carried(view: Statement) -> Iterator[tuple[str, str]]:
    """What earlier periods of the fiscal year stated, and with this one; nothing of a first."""
    issue, header = view.issue, view.header
    if issue.opening_label or issue.opening_minor:
        which = f", {visible(issue.opening_label)}" if issue.opening_label else ""
        yield f"stated earlier this fiscal year{which}", figure(issue.opening_minor, header)
        yield "stated this fiscal year, with this statement", figure(view.closing_minor, header)


def tables(view: Statement) -> Iterator[Table]:
    """The sections."""
    for section in view.sections:
        yield _table(view, section)


def _table(view: Statement, section: Section) -> Table:
    header = view.header
    every = [Column(head, tuple(cell(row) for row in section.rows))
             for head, cell in _columns(view, section.name)]  # fmt: skip
    skus = {row.sku for row in section.rows if row.unit_seconds}
    gpus, seconds = all(map(is_gpu, skus)), sum(row.unit_seconds for row in section.rows)
    return Table(
        header, TITLES[section.name], tuple(one for one in every if any(one.cells)),
        tuple(row.minor for row in section.rows),
        tuple(gpu_hours(row.unit_seconds, header) if row.unit_seconds else ""
              for row in section.rows) if skus else None,
        "GPU-hours" if gpus else "unit-hours",
        gpu_hours(seconds, header) if (skus and gpus) or len(skus) == 1 else "",
    )  # fmt: skip


_Cell = Callable[[Row], str]


def _columns(view: Statement, name: str) -> list[tuple[str, _Cell]]:
    def origin(row: Row) -> str:
        return visible(row.origin)

    def month(row: Row) -> str:
        return month_name(date.fromisoformat(f"{row.month}-01"), view.header) if row.month else ""

    def place(row: Row) -> str:
        return _owner(row, teams, name == USAGE)

    teams = view.names_teams  # asks all lines
    owners = "team / project" if teams else "project"
    category: tuple[str, _Cell] = ("what", _category)
    method: tuple[str, _Cell] = ("method", _method)
    of_class: tuple[str, _Cell] = ("class", lambda row: visible(row.of_class))
    pricing: tuple[str, _Cell] = ("price model", _pricing)
    sku: tuple[str, _Cell] = ("resource", lambda row: visible(row.sku))
    price: tuple[str, _Cell] = ("price an hour", lambda row: _price(row, view.header))
    every: dict[str, list[tuple[str, _Cell]]] = {
        USAGE: [(owners, place), pricing, sku, price],
        POOLS: [("pool", origin), category, (owners, place), method],
        OVERHEAD: [("service", origin), category, (owners, place), method],
        OTHER: [("line", origin), (owners, place), method],
        CREDITS: [("from", origin), category, (owners, place)],
        CORRECTIONS: [
            ("of", month), ("statement", lambda row: visible(row.original)), (owners, place),
            ("for", _purpose),
        ],
        SURCHARGES: [("surcharge", origin), of_class],
        TAX: [("tax", origin), of_class, ("of", month)],
    }  # fmt: skip
    return every[name]


def _owner(row: Row, teams: bool, whole: bool) -> str:
    """``nlp / llama``; who names no project is *untagged* where ``whole``, else not named."""
    values = {"team": row.team} if teams else {}
    values["project"] = row.project
    if not any(value is not None for value in values.values()):
        return shown("project", None) if whole else ""
    said = [shown(key, value) for key, value in values.items() if whole or value is not None]
    return " / ".join(said)


def _pricing(row: Row) -> str:
    return visible(row.pricing.replace("_", " "))


def _price(row: Row, header: Header) -> str:
    """``at 3.92`` an hour; "" where it varied, or is none."""
    micros = row.micros_an_hour
    if not micros:
        return ""
    digits = _MICRO_DIGITS
    while digits > header.digits and micros % 10 == 0:
        micros, digits = micros // 10, digits - 1
    return f"at {figure(micros, replace(header, digits=digits))}"


def _method(row: Row) -> str:
    return visible(row.method.replace("_", " "))


def _category(row: Row) -> str:
    return visible(row.category.replace("_", " "))


def _purpose(row: Row) -> str:
    """What a correction is for: ``usage, on demand, gres/gpu``, ``share, owned-a100``."""
    named = [row.origin, *([row.pricing.replace("_", " "), row.sku] if not row.origin else [])]
    return ", ".join(visible(text) for text in (row.category, *named) if text)


def books(view: Statement) -> Table | None:
    """Who books it; None where nothing is."""
    payers = [payer for payer, _ in view.books]
    if not payers:
        return None
    every = [
        Column(name, tuple(visible(getattr(payer, name)) for payer in payers))
        for name in ("fund", "account")
    ]
    if len({payer.entity for payer in payers}) > 1:
        every.append(Column("entity", tuple(visible(payer.entity) for payer in payers)))
    columns = tuple(one for one in every if any(one.cells))
    return Table(view.header, "Booked by", columns, tuple(minor for _, minor in view.books))


def held(view: Statement) -> Table | None:
    """What is disputed; None where nothing is."""
    found = view.issue.held
    if not found:
        return None
    columns = (Column("why", tuple(visible(why) for why, _ in found)),)
    return Table(view.header, HELD, columns, tuple(minor for _, minor in found))


def waived(view: Statement) -> list[str]:
    """``reconcile: sreport was down on 3 June``."""
    return [f"{visible(check)}: {visible(why)}" for check, why in view.issue.waived]


def notes(view: Statement) -> list[str]:
    """What else must be known."""
    return [visible(note) for note in view.issue.notes]


def seals(view: Statement) -> list[tuple[str, str]]:
    """What a statement can be checked by: what it is of, and the sum."""
    issue = view.issue
    named = [("SHA-256 of this statement", issue.sha256),
             ("head of the chain of closed periods", issue.head)]  # fmt: skip
    return [(name, visible(value)) for name, value in named if value]


def check(view: Statement) -> str:
    """How; "" where there is nothing to check by."""
    return ("", CHECK_ONE, CHECK)[len(seals(view))]

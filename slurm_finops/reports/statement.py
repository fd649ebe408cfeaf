"""A statement of one owner and billing period: posted lines -> sections that sum to its total.

Money is what was stated in minor units; nothing here is rounded again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from slurm_finops.core.period import day_date
from slurm_finops.core.posted import Payer, Posted
from slurm_finops.reports.view import Header

DRAFT, CLOSED = "draft", "closed"
TEAM, PROJECT, COST_CENTER, FUND = "team", "project", "cost_center", "fund"

USAGE, POOLS, OVERHEAD, OTHER = "usage", "pools", "overhead", "other"
CREDITS, CORRECTIONS, SURCHARGES, TAX = "credits", "corrections", "surcharges", "tax"

#: The sections in their order, and what tells the rows of each apart.
SECTIONS = {
    USAGE: ("team", "project", "pricing", "sku"),
    POOLS: ("origin", "category", "team", "project", "method"),
    OVERHEAD: ("origin", "category", "team", "project", "method"),
    OTHER: ("origin", "category", "team", "project", "method"),
    CREDITS: ("origin", "category", "team", "project"),
    CORRECTIONS: ("month", "original", "team", "project", "category", "origin", "sku", "pricing"),
    SURCHARGES: ("origin", "of_class"),
    TAX: ("origin", "of_class", "month"),
}
#: Where a category stands; one that nobody foresaw is among the other lines, so that all sum.
_HOMES = {
    "usage": USAGE,
    **dict.fromkeys(("share", "unused", "beyond", "purchase"), POOLS),
    **dict.fromkeys(("shared", "overhead"), OVERHEAD),
    **dict.fromkeys(("forgiven", "subsidised", "allocation", "credit", "adjustment"), CREDITS),
    "surcharge": SURCHARGES, "tax": TAX,
}  # fmt: skip


@dataclass(frozen=True)
class Issue:
    """What is said of a statement beside its lines."""

    #: ``FIN-2026-000007``, "" in a draft
    number: str
    #: the legal entity, "" if there is none
    entity: str
    #: what it is of: team, project, cost_center or fund
    kind: str
    #: and the name of that; None: untagged, or none
    owner: str | None
    #: draft or closed
    state: str
    closed_at: int | None
    closed_by: str
    #: of this statement, "" in a draft
    sha256: str
    #: of the chain of closed periods, "" before the first
    head: str
    #: stated in earlier periods of the same fiscal year, and which these are
    opening_minor: int
    opening_label: str
    #: the checks that the close waived, and why
    waived: tuple[tuple[str, str], ...] = ()
    #: why something is held back, and how much: it is not in the total
    held: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_draft(self) -> bool:
        """Whether it binds nobody yet."""
        return self.state != CLOSED


class Row(NamedTuple):
    """Posted lines that a section shows as one; what does not tell its rows apart is empty.

    ``month`` (``2026-05``) and ``original`` are of a correction.  ``unit_seconds`` are those
    of usage: a share of a pool is of use that stands there already.
    """

    team: str | None = None
    project: str | None = None
    pricing: str = ""
    sku: str = ""
    category: str = ""
    origin: str = ""
    method: str = ""
    of_class: str = ""
    month: str = ""
    original: str = ""
    unit_seconds: int = 0
    minor: int = 0
    ticks: int = 0

    @property
    def micros_an_hour(self) -> int | None:
        """What a unit-hour cost in millionths of a unit of currency; None where that varied."""
        micros, rest = divmod(self.ticks, self.unit_seconds) if self.unit_seconds else (0, 1)
        return None if rest else micros


@dataclass(frozen=True)
class Section:
    """``name`` is one of `SECTIONS`; the rows sum to ``minor``."""

    name: str
    rows: tuple[Row, ...]
    minor: int


@dataclass(frozen=True)
class Statement:
    """The sections sum to ``total_minor``, and so do the lines and what each payer books."""

    issue: Issue
    header: Header
    sections: tuple[Section, ...]
    books: tuple[tuple[Payer, int], ...]
    lines: tuple[Posted, ...]
    tax_minor: int
    total_minor: int

    @property
    def net_minor(self) -> int:
        """Before tax."""
        return self.total_minor - self.tax_minor

    @property
    def closing_minor(self) -> int:
        """Stated this fiscal year, this statement included."""
        return self.issue.opening_minor + self.total_minor

    @property
    def names_teams(self) -> bool:
        """Whether rows are by team and project, and not by project alone."""
        return self.issue.kind in (COST_CENTER, FUND) or len({x.tags.team for x in self.lines}) > 1


def statement(posted: Iterable[Posted], issue: Issue, header: Header) -> Statement:
    """The lines of one statement, in any order."""
    lines = tuple(sorted(posted, key=lambda one: one.line))
    found: dict[str, dict[tuple[Any, ...], list[int]]] = {name: {} for name in SECTIONS}
    books: dict[Payer, int] = {}
    for one in lines:
        name = section_of(one)
        sums = found[name].setdefault(_key(one, SECTIONS[name]), [0, 0, 0])
        sums[0] += one.unit_seconds if one.item.category == "usage" else 0
        sums[1] += one.billed_minor
        sums[2] += one.billed_ticks
        books[one.payer] = books.get(one.payer, 0) + one.billed_minor
    sections = [_section(name, rows) for name, rows in found.items()]
    return Statement(
        issue, header, tuple(one for one in sections if one.rows),
        tuple((payer, minor) for payer, minor in sorted(books.items()) if minor), lines,
        sum(one.minor for one in sections if one.name == TAX), sum(one.minor for one in sections),
    )  # fmt: skip


def section_of(one: Posted) -> str:
    """Where a line stands.  Tax of a correction is tax, so that what is net of it has none."""
    home = _HOMES.get(one.item.category, OTHER)
    return CORRECTIONS if one.correction and home != TAX else home


def _key(one: Posted, names: tuple[str, ...]) -> tuple[Any, ...]:
    item, tags = one.item, one.tags
    values = {
        "team": tags.team, "project": tags.project, "pricing": item.pricing, "sku": item.sku,
        "category": item.category, "origin": item.origin, "method": item.method,
        "of_class": item.of_class, "original": one.original,
        "month": f"{day_date(one.day):%Y-%m}" if one.correction else "",
    }  # fmt: skip
    return tuple(values[name] for name in names)


def _section(name: str, found: dict[tuple[Any, ...], list[int]]) -> Section:
    """Rows by what tells them apart, what has none of it last; nothing is no row."""
    rows = tuple(
        Row(**dict(zip(SECTIONS[name], key, strict=True)), unit_seconds=seconds, minor=minor,
            ticks=ticks)
        for key, (seconds, minor, ticks) in sorted(found.items(), key=lambda one: _order(one[0]))
        if seconds or minor
    )
    return Section(name, rows, sum(row.minor for row in rows))


def _order(key: tuple[str | None, ...]) -> tuple[tuple[bool, str], ...]:
    return tuple((value is None, value or "") for value in key)

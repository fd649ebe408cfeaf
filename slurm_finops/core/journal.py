"""A closed period as balanced double entry: what finance books.

Every entry debits those who pay and credits the accounts of what they pay for, in minor
units.  What is given back stands on the other side, so no line is below zero or zero, and
an entry's lines sum to nothing.

Ids are made of what a closed statement never changes, so the same line has the same id in
every export, whatever else is exported with it and on which accounts revenue stands by then.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC
from itertools import groupby
from typing import NamedTuple

from slurm_finops.core.period import Calendar
from slurm_finops.core.posted import Posted

#: What an item may be, as `slurm_finops.core.posted` says.
CATEGORIES = tuple(
    """usage share unused beyond purchase shared overhead line credit allocation forgiven subsidised
    adjustment surcharge tax""".split()
)
#: What pools and shared services cost others before: it is recovered, and no revenue.
_RECOVERED = frozenset("share unused purchase shared overhead".split())
_TAX = "tax"
_ID_DIGITS = 16


@dataclass(frozen=True)
class Accounts:
    """The other side of what is charged; ``by_category`` comes before the three."""

    revenue: str = "Revenue"
    recovery: str = "Recovery"
    tax: str = "Tax payable"
    by_category: Mapping[str, str] = field(default_factory=dict)

    def of(self, category: str) -> str:
        """The account that a category is credited to."""
        if category in self.by_category:
            return self.by_category[category]
        if category == _TAX:
            return self.tax
        return self.recovery if category in _RECOVERED else self.revenue


class Line(NamedTuple):
    """A line of an entry, in minor units: ``amount`` above 0 is a debit, below 0 a credit.

    Of a payer ``category`` is "", of the other side all from ``fund`` to ``cost_center`` are.
    """

    external_id: str
    account: str
    amount: int
    category: str
    fund: str
    team: str
    project: str
    cost_center: str
    correction: bool


class Entry(NamedTuple):
    """What a statement books, on the last billing day of its period; the lines sum to 0."""

    entry_id: str
    period: str
    day: int
    entity: str
    statement: str
    lines: tuple[Line, ...]

    @property
    def debit(self) -> int:
        """All its debits, which all its credits equal."""
        return sum(line.amount for line in self.lines if line.amount > 0)


class _Book(NamedTuple):
    """What an entry is of, in the order of entries."""

    period: str
    entity: str
    statement: str


class _Key(NamedTuple):
    """What a line sums, in the order of lines.  Payers first: ``category`` is ""."""

    category: str
    account: str
    fund: str
    team: str
    project: str
    cost_center: str
    correction: bool


def entries(posted: Iterable[Posted], accounts: Accounts) -> list[Entry]:
    """One entry for each period, legal entity and statement, in that order.

    The order of ``posted`` makes no difference.  A line that sums to zero is left out,
    and an entry without lines.
    """
    sums: dict[tuple[_Book, _Key], int] = {}
    for one in posted:
        book = _Book(one.period, one.payer.entity, one.statement)
        for key, amount in (
            (_payer(one), one.billed_minor), (_counter(one), -one.billed_minor)
        ):  # fmt: skip
            sums[book, key] = sums.get((book, key), 0) + amount
    found = sorted((book, key, amount) for (book, key), amount in sums.items() if amount)
    return [
        _entry(book, [(key, amount) for _, key, amount in lines], accounts)
        for book, lines in groupby(found, lambda one: one[0])
    ]


def _payer(one: Posted) -> _Key:
    tags, payer = one.tags, one.payer
    return _Key(
        "", payer.account, payer.fund, tags.team or "", tags.project or "",
        tags.cost_center or "", one.correction,
    )  # fmt: skip


def _counter(one: Posted) -> _Key:
    # its account is the configuration's, and so no part of what it is
    return _Key(one.item.category, "", "", "", "", "", one.correction)


def _entry(book: _Book, sums: Iterable[tuple[_Key, int]], accounts: Accounts) -> Entry:
    lines = tuple(
        Line(
            _id(book, *key), accounts.of(key.category) if key.category else key.account, amount,
            key.category, *key[2:],
        ) for key, amount in sums
    )  # fmt: skip
    day = Calendar(UTC).period(book.period).last - 1
    return Entry(_id(book), book.period, day, book.entity, book.statement, lines)


def _id(book: _Book, *of: str | bool) -> str:
    """The statement's number, for people, and a hash of all that the line is."""
    data = json.dumps([*book, *of], ensure_ascii=True).encode()
    return f"{book.statement}-{hashlib.sha256(data).hexdigest()[:_ID_DIGITS]}"


def memo(entry: Entry, line: Line) -> str:
    """A line in words, as a person in finance meets it."""
    words = line.category or " / ".join(filter(None, (line.team, line.project))) or "untagged"
    return f"{entry.period} {words}{' (correction)' if line.correction else ''}"


def counters(entry: Entry, line: Line) -> Iterator[str]:
    """The accounts on the other side of a line, each once, in order."""
    return iter(sorted({other.account for other in entry.lines
                        if bool(other.category) != bool(line.category)}))  # fmt: skip

"""Closing a month: what is staged is rounded once, numbered, hashed and kept for good."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain as chained
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from slurm_finops.billing.owed import Books
from slurm_finops.billing.rounding import Document, fitted, rounded
from slurm_finops.billing.staging import LineKey, Staging
from slurm_finops.core import chain
from slurm_finops.core.money import join_ticks, minor_text
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.posted import Posted
from slurm_finops.errors import RefusedError
from slurm_finops.ledger import posted as table
from slurm_finops.ledger.disputes import stated
from slurm_finops.ledger.journal import put_moved
from slurm_finops.ledger.posted import Closed, Statement
from slurm_finops.ledger.stage import Staged
from slurm_finops.ledger.store import Ledger

_SLICE = 2_000
#: The setting that says by which surcharges and taxes the last month was closed.
_LEVIES = "levies"


class Made(NamedTuple):
    """A line of a month as it is rounded: what it is, its days and the minor units of each."""

    key: LineKey
    days: list[Staged]
    minors: list[int]

    @property
    def document(self) -> Document:
        return self.key.entity, self.key.owner


class Drawn:
    """A staged month, rounded: the total first, then statements, then lines, then their days."""

    def __init__(self, staging: Staging, digits: int) -> None:
        self._staging = staging
        self._scale = 10**digits
        self._keys = dict(sorted(enumerate(staging.lines), key=lambda one: staging.place(one[1])))
        self.total, self.documents, self._lines = rounded(staging, self._keys, digits)

    @property
    def said(self) -> str:
        """What each statement comes to, as a draft keeps it."""
        return chain.canonical([[*who, minor] for who, minor in self.documents.items()])

    def made(self) -> Iterator[Made]:
        """All lines in order."""
        rows = self._staging.stage.in_order(self._keys)
        for number, of_line in groupby(rows, key=itemgetter(0)):
            days = list(of_line)
            quotas = [join_ticks(*day[-2:]) * self._scale for day in days]
            minors = fitted(self._lines[number], quotas)
            yield Made(self._keys[number], days, minors)

    def posted(self, period: str) -> Iterator[Posted]:
        """The same as what a statement or an export is made of: a draft, without numbers."""
        names, clusters = self._staging.words(), self._staging.clusters
        originals = Originals(self._staging)
        for key, days, minors in self.made():
            for (_, day, cluster, tags, seconds, *money), minor in zip(days, minors, strict=True):
                yield Posted(
                    0, period, "", originals.number(key), key.correction, day,
                    clusters.get(cluster, ""), self._staging.stage.tags(tags),
                    names.items[key.item], names.payers[key.payer], seconds,
                    *table.joined(money), minor,
                )  # fmt: skip


class Originals:
    """Which statement a correction corrects: the owner's own of the month that it is of."""

    def __init__(self, staging: Staging) -> None:
        self._found = {
            (label, entity, owner): (number, text)
            for number, text, label, entity, owner in staging.db.execute(
                "SELECT statements.id, number, label, entity, owner FROM statements "
                "JOIN periods ON periods.id = period_id WHERE kind = ?",
                (staging.books.kind,),
            )
        }

    def id(self, key: LineKey) -> int:
        """0 of none."""
        return self._of(key)[0]

    def number(self, key: LineKey) -> str:
        return self._of(key)[1]

    def _of(self, key: LineKey) -> tuple[int, str]:
        return self._found.get((key.month, key.entity, key.owner), (0, ""))


class NotReviewed(RefusedError):
    """What would be closed is not what was reviewed; ``now``: what it is, as `Drawn.said`."""

    def __init__(self, now: str) -> None:
        super().__init__("what would be closed is not what was reviewed")
        self.now = now


@dataclass
class Closing:
    """A close: whose, when, and by what; ``basis`` is kept as it is, and hashed.

    ``reviewed``: what each statement came to when somebody else looked at it (`Drawn.said`);
    None where nobody has to.
    """

    period: Period
    at: int
    actor: str
    drafted_by: str
    tool: str
    basis: Mapping[str, Any]
    waived: Mapping[str, str] = field(default_factory=dict)
    reviewed: str | None = None


def spent(ledger: Ledger) -> dict[str, int]:
    """Fund -> ticks that all statements put on it."""
    last = table.last_closed(ledger.db)
    if last is None:
        return {}
    found: dict[str, int] = json.loads(last.basis)["spent"]
    return found


def staged(ledger: Ledger, books: Books, calendar: Calendar, period: Period) -> Staging:
    """A month, staged as it would be closed now."""
    staging = Staging(ledger, books, calendar, period, spent(ledger))
    staging.run(to_state(ledger, books, period))
    return staging


def to_state(ledger: Ledger, books: Books, period: Period) -> list[int]:
    """Days of closed months that may have to be corrected."""
    if ledger.setting(_LEVIES) not in (None, books.levies):
        months = [(one.first, one.last) for one in table.closed(ledger.db)]
        return [day for first, last in months for day in range(first, last)]
    return [day for day in table.unstated(ledger.db) if day < period.first]


def close(
    ledger: Ledger, books: Books, calendar: Calendar, closing: Closing
) -> tuple[Closed, Staging | None]:
    """Close a month: all of it or nothing; what was staged for it.

    One that is closed already is given back as it is, and nothing is staged.
    """
    with ledger.bulk(), ledger.transaction() as db:
        before = table.closed(db)
        for one in before:
            if one.label == closing.period.label:
                return one, None
        staging = staged(ledger, books, calendar, closing.period)
        drawn = Drawn(staging, books.digits)
        if closing.reviewed not in (None, drawn.said):
            raise NotReviewed(drawn.said)
        number = len(before) + 1
        statements = _write(staging, drawn, number)
        basis = chain.canonical({
            **closing.basis, "waived": closing.waived, "spent": staging.spent,
            **staging.kept(),
            "left": sorted([*why, ticks] for why, ticks in staging.told.left.items()),
        })  # fmt: skip
        found = _sealed(closing, basis, drawn, statements,
                        number, before[-1].sha256 if before else chain.GENESIS)  # fmt: skip
        table.put_period(db, found, statements)
        staging.names.put(db)
        table.put_tags(db, staging.stage.all_tags())
        db.execute("DELETE FROM unstated_days WHERE day < ?", (found.last,))
        table.unstate(db, staging.held_days)
        stated(db, number)
        put_moved(db, staging.refused, number)
        ledger.set(_LEVIES, books.levies)
        amount = f"{minor_text(found.amount_minor, books.digits)} {ledger.setting('currency')}"
        ledger.audit(closing.at, closing.actor, "period close",
                     _told(closing, found, statements, amount))  # fmt: skip
        staging.stage.clear()
    return found, staging


def _told(closing: Closing, found: Closed, statements: Sequence[Statement], amount: str) -> str:
    waived = "".join(f"; waived {check}: {why}" for check, why in closing.waived.items())
    return (
        f"{found.label}: {len(statements)} statements, {found.lines} lines, "
        f"{amount}, head {found.sha256}{waived}"
    )


def _sealed(
    closing: Closing, basis: str, drawn: Drawn, statements: Sequence[Statement], number: int,
    previous: str,
) -> Closed:  # fmt: skip
    period = closing.period
    found = Closed(
        number, period.label, period.first, period.last, closing.at, closing.actor,
        closing.drafted_by, closing.tool, basis, drawn.total,
        sum(one.lines for one in statements), previous, "",
    )  # fmt: skip
    return found._replace(sha256=head_of(found, statements))


def head_of(period: Closed, statements: Sequence[Statement]) -> str:
    """The hash of a closed month, from its rows."""
    row = period._asdict()
    for column in ("id", "previous", "sha256"):
        del row[column]
    rows = [one[2:9] + one[10:] for one in statements]
    return chain.head(period.previous, row, rows)


def _write(staging: Staging, drawn: Drawn, period_id: int) -> list[Statement]:
    """Write all lines; their statements, which are numbered in their order."""
    # one that finops.toml does not name any more may still be given something back
    series_of = table.last_series(staging.db) | dict(staging.books.series)
    places = table.next_places(staging.db)
    first = int(staging.db.execute("SELECT ifnull(max(id), 0) FROM statements").fetchone()[0])
    line_id = table.next_line(staging.db)
    found: list[Statement] = []
    writer = _Writer(staging)
    for document, rows in groupby(drawn.made(), key=attrgetter("document")):
        entity, owner = document
        series = series_of.get(entity, "")
        places[series] = place = places.get(series, 0) + 1
        statement_id = first + len(found) + 1
        lines, digest = writer.write(statement_id, rows)
        found.append(Statement(
            statement_id, period_id, series, place, f"{series}{place:06d}", entity,
            staging.books.kind, owner, drawn.documents[document], line_id, lines, digest,
        ))  # fmt: skip
        line_id += lines
    return found


class _Writer:
    """Writes statements' lines with their seals."""

    def __init__(self, staging: Staging) -> None:
        self._db = staging.db
        names, numbers = staging.words(), table.Named(staging.db)
        self._originals = Originals(staging)
        self._lines = chain.Lines(
            numbers.number, lambda cluster: staging.clusters.get(cluster, ""), staging.stage.tags,
            names.items.__getitem__, names.payers.__getitem__,
        )  # fmt: skip

    def write(self, statement_id: int, lines: Iterator[Made]) -> tuple[int, str]:
        """How many lines it has, and its hash."""
        digest, count = chain.Sealed(), 0
        rows = chained.from_iterable(map(self._rows, lines))
        while some := list(islice(rows, _SLICE)):
            numbered = [(line, *row) for line, row in enumerate(some, count + 1)]
            texts = [self._lines.text(row) for row in numbered]
            digest.add(texts)
            table.LINES.write(self._db, (
                (statement_id, row[0], row[1] or None, *row[2:], chain.seal(text))
                for row, text in zip(numbered, texts, strict=True)
            ))  # fmt: skip
            count += len(some)
        return count, digest.hex

    def _rows(self, made: Made) -> Iterator[Sequence[int]]:
        """As `chain.Lines` has them, without their numbers."""
        key = made.key
        original, correction = self._originals.id(key), int(key.correction)
        for (_, day, cluster, tags, *figures), minor in zip(made.days, made.minors, strict=True):
            yield (original, correction, day, cluster, tags, key.item, key.payer, *figures, minor)

"""Lines of a bill that were imported from files: an input beside ``[[lines]]``.

Several may have one name, such as a month's egress each, as long as no two of
them have a day in common.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from typing import Any, NamedTuple

from slurm_finops.core.accrual import Cost
from slurm_finops.core.money import SECONDS_PER_HOUR, exact_text
from slurm_finops.core.period import Calendar, day_date
from slurm_finops.core.pools import Line, Spread
from slurm_finops.core.rates import EVER
from slurm_finops.core.stated import MOST_LINES
from slurm_finops.core.tags import Tags
from slurm_finops.errors import InputError
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.import_log import Changes, ImportLog, Source
from slurm_finops.ledger.store import Ledger

_COLUMNS = ("name", "first", "last", "amount_micros", "every", "category", "owner", "spread",
            "place")  # fmt: skip
_INSERT = BulkInsert("imported_lines", (*_COLUMNS, "import_id"))
_SELECT = f"""SELECT {", ".join(f"imported_lines.{column}" for column in _COLUMNS)},
  line_imports.name FROM imported_lines JOIN line_imports ON line_imports.id = import_id"""


def _audited(row: Sequence[Any]) -> tuple[str, str]:
    """A row of `_COLUMNS`: which line it is, and what it says."""
    name, first, last, micros, every, category, owner, spread = row[:8]
    until = "" if last is None else f", until {day_date(last)}"
    rule = json.loads(owner or spread)
    who = ", ".join(f"{key}={value}" for key, value in rule.items() if value)
    said = f"{exact_text(micros, 10**6, 2)} {every}{until}, {category}"
    return f"{name} from {day_date(first)}", f"{said}; {'for' if owner else 'spread'} {who}"


#: What was imported, and from where.
LOG = ImportLog("line", _COLUMNS, _audited)


class Dated(NamedTuple):
    """A line over the billing days ``[first, last)``; ``last`` None: without end."""

    line: Line
    first: int
    last: int | None

    @property
    def name(self) -> str:
        return self.line.name

    @property
    def end(self) -> int:
        return EVER if self.last is None else self.last


def dated(line: Line, calendar: Calendar) -> Dated:
    """A line with its days."""
    cost = line.cost
    last = None if cost.end == EVER else calendar.day_of(cost.end)
    return Dated(line, calendar.day_of(cost.start), last)


def imported_lines(db: sqlite3.Connection, calendar: Calendar) -> list[Dated]:
    """Every line that was imported, by name and time; its ``where`` names import and place."""
    return [_read(row, calendar) for row in db.execute(f"{_SELECT} ORDER BY 1, 2")]


def _read(row: Sequence[object], calendar: Calendar) -> Dated:
    name, first, last, micros, every, category, owner, spread, place, source = row
    assert isinstance(name, str)
    assert isinstance(first, int)
    assert isinstance(micros, int)
    end = calendar.midnight(last) if isinstance(last, int) else EVER
    ticks = micros * SECONDS_PER_HOUR
    cost = Cost(name, ticks, str(every), calendar.midnight(first), end)
    tags = Tags(**json.loads(owner)) if isinstance(owner, str) else None
    where = f"import {source} ({place})"
    line = Line(name, str(category), cost, tags, _spread(str(spread)), where)
    return Dated(line, first, last if isinstance(last, int) else None)


def _values(one: Dated) -> tuple[object, ...]:
    line = one.line
    owner = None if line.tags is None else json.dumps(line.tags._asdict(), sort_keys=True)
    return (
        line.name, one.first, one.last, line.cost.ticks // SECONDS_PER_HOUR, line.cost.every,
        line.category, owner, json.dumps(vars(line.spread), sort_keys=True), line.where,
    )  # fmt: skip


def _spread(text: str) -> Spread:
    found = json.loads(text)
    ratios = tuple((team, part) for team, part in found.pop("ratios"))
    return Spread(**found, ratios=ratios)


def origins(lines: Sequence[Dated]) -> list[Line]:
    """The lines as costs come from them: of several with one name each says since when it is."""
    times = Counter(one.name for one in lines)
    return [
        replace(one.line, name=f"{one.name} {day_date(one.first)}") if times[one.name] > 1
        else one.line
        for one in lines
    ]  # fmt: skip


def changes(
    stored: Iterable[Dated], offered: Iterable[Dated], take_place: bool
) -> Changes[Dated]:
    """What storing these lines would change.

    Raises `InputError` where two that are offered have a name and a day in common,
    or one of them and another that is stored, unless the new may take its place.
    """
    old: dict[str, list[Dated]] = {}
    for one in stored:
        old.setdefault(one.name, []).append(one)
    found: Changes[Dated] = Changes([], [], [], 0)
    for name, group in groupby(sorted(offered, key=lambda o: (o.name, o.first)), lambda o: o.name):
        new = list(group)
        for one, two in pairwise(new):
            if two.first < one.end:
                raise InputError(
                    f"{two.line.where}: {one.line.where} is called {name!r}, too, and both have "
                    f"{day_date(two.first)}; set their days apart (from, until), or give one "
                    "another name"
                )
        found += _of_name(new, old.get(name, []), take_place)
    return found


def _of_name(new: Sequence[Dated], old: Sequence[Dated], take_place: bool) -> Changes[Dated]:
    same = {one.first for one in new if any(_same(one, other) for other in old)}
    first, end = new[0].first, new[-1].end
    found: Changes[Dated] = Changes([], [], [], len(same))
    starts = {one.first for one in new}
    for other in old:
        if other.first in same:
            continue
        if take_place and first < other.end and other.first < end:
            _check_within(other, new, first, end)
            if other.first not in starts:
                found.gone.append(other)
        elif not take_place:
            _check_apart(other, new)
    begun = {other.first for other in old}
    for one in new:
        if one.first not in same:
            (found.replaced if one.first in begun else found.added).append(one)
    return found


def _same(one: Dated, other: Dated) -> bool:
    return _values(one)[:-1] == _values(other)[:-1]


def _check_apart(other: Dated, new: Sequence[Dated]) -> None:
    for one in new:
        if one.first < other.end and other.first < one.end:
            raise InputError(
                f"{one.line.where}: {one.name!r} is there already for {days_text(other)}, from "
                f"{other.line.where}.  Nothing was imported; --replace takes the new line"
            )


def _check_within(other: Dated, new: Sequence[Dated], first: int, end: int) -> None:
    """What is replaced in part would be gone on its other days."""
    if not (first <= other.first and other.end <= end):
        raise InputError(
            f"{new[0].line.where}: {other.name!r} of {other.line.where} is for {days_text(other)}, "
            f"more days than the file has.  Nothing was imported; put all of them into the file "
            "(until ends a line that goes on), or take that import back"
        )


def days_text(one: Dated) -> str:
    """``2026-06-01 to 2026-07-01`` (which is no longer in it), ``2026-06-01 on``."""
    start = day_date(one.first)
    return f"{start} on" if one.last is None else f"{start} to {day_date(one.last)}"


def store(ledger: Ledger, source: Source, made: Changes[Dated], at: int, actor: str) -> None:
    """Make these changes, and audit them; call inside a transaction."""
    number = LOG.add(ledger, source, made, at, actor)
    every = [*made.replaced, *made.gone, *made.added]
    some = {(one.name, one.first) for one in every[:MOST_LINES]}
    by_key = f"SELECT {', '.join(_COLUMNS)} FROM imported_lines WHERE (name, first) = (?, ?)"
    old = [row for key in some for row in ledger.db.execute(by_key, key)]
    ledger.db.executemany(
        "DELETE FROM imported_lines WHERE (name, first) = (?, ?)",
        [(one.name, one.first) for one in (*made.replaced, *made.gone)],
    )
    brought = (*made.added, *made.replaced)
    _INSERT.write(ledger.db, ((*_values(one), number) for one in brought))
    new = [_values(one) for one in brought if (one.name, one.first) in some]
    LOG.audit(ledger, "import", source.name, old, new, at, actor, len(every) - len(some))

"""What each owner's days cost: the history that forecasts and budgets are made from."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope

#: (team, project): None where no tag says it.
Owner = tuple[str | None, str | None]


class Day(NamedTuple):
    """What a billing day cost, in ticks: in all, and what a budget pays of it."""

    effective_ticks: int
    budgeted_ticks: int

    def plus(self, other: "Day") -> "Day":
        return Day(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Day(0, 0)


def daily(db: sqlite3.Connection, first: int, last: int) -> dict[Owner, dict[int, Day]]:
    """By owner what each of the billing days ``[first, last)`` cost, shares included.

    A day on which an owner held and paid nothing is not in it.
    """
    found: dict[Owner, dict[int, Day]] = {}
    for day in range(first, last):
        # a day at a time: grouping a year at once sorts it, and takes twice as long
        for row in spend(db, Scope(day, day + 1), ("team", "project")):
            team, project = row.key
            found.setdefault((team, project), {})[day] = Day(
                row.effective_ticks, row.budgeted_ticks
            )
    return found


def covered(db: sqlite3.Connection, first: int, last: int) -> bool:
    """Whether anything is known of the billing days ``[first, last)``, whoever's it is."""
    # main: a view may hide all owners but one
    query = "SELECT 1 FROM main.charges WHERE day >= ? AND day < ? LIMIT 1"
    return db.execute(query, (first, last)).fetchone() is not None


def of_scope(db: sqlite3.Connection, scope: Scope) -> dict[int, Day]:
    """The same of one scope alone, whoever's it is."""
    found = {}
    for day in range(scope.first, scope.last):
        for row in spend(db, scope._replace(first=day, last=day + 1), ()):
            found[day] = Day(row.effective_ticks, row.budgeted_ticks)
    return found


def of_owner(
    found: Mapping[Owner, Mapping[int, Day]], team: str | None, project: str | None = None
) -> dict[int, Day]:
    """The days of a team with all its projects, or of one project alone."""
    sums: dict[int, Day] = {}
    for owner, days in found.items():
        if owner == (team, project) or (project is None and owner[0] == team):
            for day, one in days.items():
                sums[day] = sums.get(day, NOTHING).plus(one)
    return sums


def series(days: Mapping[int, Day], last: int, *, budgeted: bool = False) -> list[int]:
    """Ticks of each day from the first one known up to ``last``, as `core.forecast` takes them."""
    first = min((day for day in days if day < last), default=last)
    known = (days.get(day, NOTHING) for day in range(first, last))
    return [one.budgeted_ticks if budgeted else one.effective_ticks for one in known]

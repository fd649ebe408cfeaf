"""Reading runs with whom they are billed to, and what of a run a report groups by."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from operator import itemgetter
from typing import NamedTuple

from slurm_finops.core.period import Calendar
from slurm_finops.ledger.spend import DIMENSIONS

#: Entries of the cache: many distinct values cost time, not memory.
_CACHE = 50_000
Values = tuple[str | None, ...]


class Owned(NamedTuple):
    """A run that held something, the tag set it claims, and the one its charges are billed to."""

    id: int
    start: int
    elapsed: int
    cluster_id: int
    context_id: int
    tres_id: int
    state: str
    claimed: int
    owner: int


def owned_runs(
    db: sqlite3.Connection, calendar: Calendar, since: int, until: int, *, least: int = 0,
    slack: int = 0, suspended: bool = False,
) -> Iterator[Owned]:  # fmt: skip
    """Runs that hold something in ``[since, until)``, or could if their time were rounded up.

    That is, if each lasted ``least`` seconds at least, and ``slack`` more.  With
    ``suspended`` suspended time counts as elapsed.  Runs held unbilled are left out,
    as in pricing.  The owner of a run without charges is what it claims.

    One look through all runs, in the order in which they are stored: ``jobs`` has no
    index of times, and an owner costs one look-up.
    """
    db.create_function("billing_day", 1, calendar.day_of)
    elapsed = "elapsed + suspended" if suspended else "elapsed"
    rows = db.execute(
        f"""SELECT id, start, {elapsed}, cluster_id, context_id, tres_id, state, tag_set_id,
          (SELECT tag_set_id FROM charges WHERE day = billing_day(start) AND usage_id = jobs.id)
        FROM jobs WHERE start < ? AND start + max({elapsed}, ?) + ? > ?
          AND {elapsed} > 0 AND held IS NULL""",
        (until, least, slack, since),
    )
    for row in rows:
        yield row if row[-1] is not None else _owned(db, calendar, Owned(*row))


def _owned(db: sqlite3.Connection, calendar: Calendar, run: Owned) -> Owned:
    """A run whose first day has no charge: a price may have begun while it ran.

    Looked for day by day: a range of days would be read from end to end.
    """
    last = calendar.day_of(run.start + run.elapsed - 1)
    for day in range(calendar.day_of(run.start) + 1, last + 1):
        found = db.execute(
            "SELECT tag_set_id FROM charges WHERE day = ? AND usage_id = ?", (day, run.id)
        ).fetchone()
        if found:
            return run._replace(owner=found[0])
    return run._replace(owner=run.claimed)


#: The tables that a run's dimensions stand in, and what of an `Owned` finds their row.
_FOUND_BY = {
    "tag_sets": "owner", "contexts": "context_id", "clusters": "cluster_id", "jobs": "state",
}  # fmt: skip


class Groups(dict[tuple[object, ...], int]):
    """The groups that runs fall into by the dimensions a run has as a whole.

    ``names`` are those of ``by``: all but its SKUs, their pricing and days.
    ``ids`` says by what a run's group is found here; ``members`` has the groups'
    values of ``names``, by number.
    """

    def __init__(self, db: sqlite3.Connection, by: Sequence[str]) -> None:
        super().__init__()
        self._db = db
        tables = {name: DIMENSIONS[name][1][-1:] for name in by}
        self._tables = {n: table[0] for n, table in tables.items() if {*table} & {*_FOUND_BY}}
        self.names = tuple(self._tables)
        self.members: list[Values] = []
        self._numbers: dict[Values, int] = {}
        places = [Owned._fields.index(_FOUND_BY[table]) for table in self._tables.values()]
        # of one place itemgetter makes no tuple, and of none no function: two stand before them
        self.ids: Callable[[Owned], tuple[object, ...]] = itemgetter(3, 3, *places)

    def __missing__(self, ids: tuple[object, ...]) -> int:
        values = tuple(map(self._value, self._tables.items(), ids[2:]))
        number = self._numbers.setdefault(values, len(self.members))
        if number == len(self.members):
            self.members.append(values)
        if len(self) >= _CACHE:
            self.clear()
        self[ids] = number
        return number

    def _value(self, dimension: tuple[str, str], key: object) -> str | None:
        name, table = dimension
        if table == "jobs":
            return str(key)
        row = self._db.execute(f"SELECT {DIMENSIONS[name][0]} FROM {table} WHERE id = ?", (key,))
        value: str | None = row.fetchone()[0]
        return value

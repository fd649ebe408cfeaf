"""Where the lines of a month are staged: temporary tables, which one may have who only reads."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from slurm_finops.core.tags import KEYS, Tags
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.posted import MONEY

_MONEY = tuple(f"{money}_{part}" for money in MONEY for part in ("units", "ticks"))
_ROW = ("line_id", "day", "cluster_id", "tags_id", "unit_seconds", *_MONEY)
_INSERT = BulkInsert("temp.staged", _ROW)
_SLICE = 2_000
_CACHE = 50_000

#: A day's part of a line: the line, day, cluster, tags, unit-seconds, and whole units and ticks
#: of each of `MONEY`.  Bare, for a month has many.
Staged = tuple[int, ...]


class Stage:
    """Rows as they come, and in the order of their lines."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._rows: list[Sequence[int]] = []
        self._known: dict[int, Tags] = {}
        self.clear()
        columns = ", ".join(f"{column} INTEGER NOT NULL" for column in _ROW)
        db.execute(f"CREATE TEMP TABLE staged ({columns})")
        db.execute(
            "CREATE TEMP TABLE staged_tags (id INTEGER PRIMARY KEY, "
            f"{', '.join(f'{key} TEXT' for key in KEYS)})"
        )
        db.execute("CREATE TEMP TABLE staged_order (line_id INTEGER PRIMARY KEY, place INTEGER)")

    def clear(self) -> None:
        """Take all of it away."""
        for table in ("staged", "staged_tags", "staged_order"):
            self._db.execute(f"DROP TABLE IF EXISTS temp.{table}")

    def put(self, row: Sequence[int]) -> None:
        """Stage a `Staged`."""
        self._rows.append(row)
        if len(self._rows) >= _SLICE:
            self._flush()

    def _flush(self) -> None:
        _INSERT.write(self._db, self._rows)
        self._rows.clear()

    def note(self, number: int, tags: Tags) -> int:
        """Keep tags by their id, which is given back.

        Two sets of tags of one id, once in many million ledgers, raise ValueError.
        """
        known = self._known.get(number)
        if known is None:
            places = ", ".join("?" * (1 + len(KEYS)))
            new = self._db.execute(
                f"INSERT INTO temp.staged_tags VALUES ({places}) ON CONFLICT (id) DO NOTHING",
                (number, *tags),
            )
            known = self._keep(number, tags) if new.rowcount else self.tags(number)
        if known != tags:
            raise ValueError(f"{tags} and {known} have one number")
        return number

    def tags(self, number: int) -> Tags:
        """The tags of an id, staged or stated."""
        found = self._known.get(number)
        if found is None:
            row = next(
                row for table in ("temp.staged_tags", "posted_tags")
                if (row := self._db.execute(
                    f"SELECT * FROM {table} WHERE id = ?", (number,)).fetchone())
            )  # fmt: skip
            found = self._keep(number, Tags(*row[1:]))
        return found

    def _keep(self, number: int, tags: Tags) -> Tags:
        if len(self._known) >= _CACHE:
            self._known.clear()
        self._known[number] = tags
        return tags

    def all_tags(self) -> Iterator[tuple[int, Tags]]:
        """All that were staged, with their ids."""
        for number, *tags in self._db.execute("SELECT * FROM temp.staged_tags"):
            yield number, Tags(*tags)

    def in_order(self, line_ids: Iterable[int]) -> Iterator[Staged]:
        """All rows, line by line in this order, each line's by day and what it names."""
        self._flush()
        self._db.execute("DELETE FROM temp.staged_order")
        self._db.executemany(
            "INSERT INTO temp.staged_order VALUES (?, ?)",
            ((line, place) for place, line in enumerate(line_ids)),
        )
        yield from self._db.execute(
            f"SELECT {', '.join(_ROW)} FROM temp.staged JOIN temp.staged_order USING (line_id) "
            "ORDER BY place, day, tags_id, cluster_id"
        )

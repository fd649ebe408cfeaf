"""Texts that repeat over many runs, kept once and named by a small integer."""

import sqlite3
from collections.abc import Sequence

_LIMIT = 50_000


class Interner(dict[tuple[str, ...], int]):
    """``interner[values]`` is the id of a table's row, added if unknown.

    A dict whose misses ask the database, so that a hit costs no call.  It is
    bounded: many distinct texts cost time, not memory.  Use it inside a
    transaction, and `clear` it when one is rolled back.
    """

    def __init__(self, db: sqlite3.Connection, table: str, columns: Sequence[str]) -> None:
        super().__init__()
        self._db = db
        places = ", ".join("?" * len(columns))
        self._insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"
        wanted = " AND ".join(f"{column} = ?" for column in columns)
        self._select = f"SELECT id FROM {table} WHERE {wanted}"

    def __missing__(self, values: tuple[str, ...]) -> int:
        row = self._db.execute(self._select, values).fetchone()
        found = int(row[0] if row else self._db.execute(self._insert, values).lastrowid or 0)
        if len(self) >= _LIMIT:
            self.clear()
        self[values] = found
        return found

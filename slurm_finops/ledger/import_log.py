"""What imports from files have in common: where each comes from, and what it changed.

Rates and lines are each kept in a table of their own, ``imported_rates`` and
``imported_lines``, whose rows name their import.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, NamedTuple, TypeVar

from slurm_finops.core.stated import MOST_LINES, bounded, changes
from slurm_finops.core.words import count
from slurm_finops.ledger.store import Ledger

One = TypeVar("One")


class Changes(NamedTuple, Generic[One]):
    """What an import does: what is new, what takes another's place, what goes; and the rest."""

    added: list[One]
    replaced: list[One]
    gone: list[One]
    same: int
    #: what is as before, and approved otherwise
    approved: Sequence[One] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.replaced or self.gone or self.approved)

    def __add__(self, more: "Changes[One]") -> "Changes[One]":  # type: ignore[override]
        return Changes(self.added + more.added, self.replaced + more.replaced,
                       self.gone + more.gone, self.same + more.same,
                       (*self.approved, *more.approved))  # fmt: skip


class Source(NamedTuple):
    """Where an import comes from; ``files`` are ``(base name, SHA-256 of the content)``."""

    name: str
    format: str
    options: Mapping[str, Any]
    files: Sequence[tuple[str, str]]


class Import(NamedTuple):
    """One import that changed something: how many it brought, and how many of them stand."""

    name: str
    format: str
    options: dict[str, Any]
    at: int
    actor: str
    brought: int
    standing: int
    files: tuple[tuple[str, str], ...]


class ImportLog:
    """The imports of one kind of thing, ``rate`` or ``line``.

    ``said`` makes a row of ``columns`` what it is called and what it says, for the audit.
    """

    def __init__(
        self, one: str, columns: Sequence[str], said: Callable[[Sequence[Any]], tuple[str, str]]
    ) -> None:
        self.one = one
        self._columns = ", ".join(columns)
        self._said = said
        self._table = f"{one}_imports"
        self._files = f"{one}_import_files"
        self._things = f"imported_{one}s"

    def add(
        self, ledger: Ledger, source: Source, made: Changes[Any], at: int, actor: str
    ) -> int:
        """Note an import, and audit it; its id.  Call inside a transaction."""
        db = ledger.db
        number = db.execute(
            f"INSERT INTO {self._table} (name, format, options, at, actor, {self.one}s) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (source.name, source.format, json.dumps(source.options, sort_keys=True), at, actor,
             len(made.added) + len(made.replaced) + len(made.approved)),
        ).lastrowid  # fmt: skip
        assert number is not None
        db.executemany(
            f"INSERT INTO {self._files} VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(number, *file) for file in source.files],
        )
        files = ", ".join(name for name, _ in source.files)
        ledger.audit(at, actor, f"{self.one}s import", f"{source.name} ({source.format}, {files}): "
                     f"{self.told(made)}")  # fmt: skip
        return number

    def audit(
        self, ledger: Ledger, action: str, name: str, before: Sequence[Sequence[Any]],
        after: Sequence[Sequence[Any]], at: int, actor: str, more: int = 0,
    ) -> None:  # fmt: skip
        """Say of each thing what it was and is now, as far as an audit's bound reaches.

        ``more`` things have changed that are in neither.
        """
        old, new = (dict(map(self._said, rows)) for rows in (before, after))
        for line in bounded(changes(old, new), more):
            ledger.audit(at, actor, f"{self.one}s {action}", f"{name}: {line}")

    def told(self, made: Changes[Any]) -> str:
        """Changes in words: ``3 rates new, 1 replaced, 2 taken away, 5 as before``."""
        words = [f"{count(len(made.added), self.one)} new"]
        words += [f"{len(made.replaced):,} replaced"] if made.replaced else []
        words += [f"{len(made.gone):,} taken away"] if made.gone else []
        words += [f"{len(made.approved):,} approved otherwise"] if made.approved else []
        return ", ".join([*words, f"{made.same:,} as before"])

    def all(self, db: sqlite3.Connection) -> list[Import]:
        """Every import, the oldest first."""
        standing = dict(db.execute(f"SELECT import_id, count(*) FROM {self._things} GROUP BY 1"))
        files: dict[int, list[tuple[str, str]]] = {}
        for number, file, digest in db.execute(f"SELECT * FROM {self._files}"):
            files.setdefault(number, []).append((file, digest))
        rows = db.execute(
            f"SELECT id, name, format, options, at, actor, {self.one}s FROM {self._table} "
            "ORDER BY id"
        )
        return [
            Import(name, form, json.loads(options), at, actor, brought, standing.get(number, 0),
                   tuple(files.get(number, ())))
            for number, name, form, options, at, actor, brought in rows
        ]  # fmt: skip

    def remove(self, ledger: Ledger, name: str, at: int, actor: str) -> int:
        """Take back the imports of a name, and audit it; how many of what they brought went.

        Call inside a transaction.
        """
        db = ledger.db
        of_name = f"IN (SELECT id FROM {self._table} WHERE name = ?)"
        some = db.execute(
            f"SELECT {self._columns} FROM {self._things} WHERE import_id {of_name} LIMIT ?",
            (name, MOST_LINES),
        ).fetchall()
        gone = db.execute(
            f"DELETE FROM {self._things} WHERE import_id {of_name}", (name,)
        ).rowcount
        db.execute(f"DELETE FROM {self._files} WHERE import_id {of_name}", (name,))
        db.execute(f"DELETE FROM {self._table} WHERE name = ?", (name,))
        said = f"{name}: {count(gone, self.one)} taken back"
        ledger.audit(at, actor, f"{self.one}s remove", said)
        self.audit(ledger, "remove", name, some, (), at, actor, gone - len(some))
        return gone

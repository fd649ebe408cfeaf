"""Claims as rows of tag_sets, and back."""

import json
import sqlite3
from collections.abc import Iterable
from hashlib import blake2b

from slurm_finops.core.tags import KEYS, Claim, Fault, Tags
from slurm_finops.ledger.bulk import BulkInsert

_COLUMNS = (*KEYS, "faults", "source")
_SELECT = f"SELECT id, {', '.join(_COLUMNS)} FROM tag_sets"
_STORE = BulkInsert("tag_sets", ("content", *_COLUMNS), "ON CONFLICT (content) DO NOTHING")
_FIND = f"{_SELECT} WHERE content = ?"
Row = tuple[str | None, ...]


class TagSets:
    """Each distinct claim once, found by a hash of its content."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def ids(self, claims: Iterable[Claim]) -> dict[Claim, int]:
        """The ids of claims, stored where new; call inside a transaction."""
        rows = {claim: _row(claim) for claim in claims}
        contents = {claim: _content(row) for claim, row in rows.items()}
        _STORE.write(self._db, [(contents[claim], *row) for claim, row in rows.items()])
        stored = self._stored(list(contents.values()))
        found = {}
        for claim, row in rows.items():
            number, there = stored[contents[claim]]
            found[claim] = number if there == row else self._beside(contents[claim], row)
        return found

    def id(self, claim: Claim) -> int:
        """The id of one claim, stored if new; call inside a transaction."""
        return self.ids([claim])[claim]

    def claim(self, tag_set_id: int) -> Claim:
        """The claim stored under an id."""
        row = self._db.execute(f"{_SELECT} WHERE id = ?", (tag_set_id,)).fetchone()
        return as_claim(row[1:])

    def _stored(self, contents: list[int]) -> dict[int, tuple[int, Row]]:
        stored = {}
        for content in contents:
            row = self._db.execute(_FIND, (content,)).fetchone()
            stored[content] = row[0], row[1:]
        return stored

    def _beside(self, content: int, row: Row) -> int:
        """Two claims of one hash: the second takes the next free place."""
        while True:
            content += 1
            _STORE.write(self._db, [(content, *row)])
            number, there = self._stored([content])[content]
            if there == row:
                return number


def _row(claim: Claim) -> Row:
    return (*claim.tags, json.dumps(claim.faults) if claim.faults else "", claim.source)


def _content(row: Row) -> int:
    """62 bits, so that the places after it are still SQLite integers."""
    text = "\x1f".join(value or "" for value in row)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 2


def as_claim(row: Row) -> Claim:
    """A claim from the columns team to source of its row."""
    *values, faults, source = row
    stored = tuple(Fault(*fault) for fault in json.loads(faults)) if faults else ()
    return Claim(Tags(*values), stored, str(source))

"""Claims as rows of tag_sets, and back."""

import json
import sqlite3
from hashlib import blake2b

from slurm_finops.core.faults import Fault
from slurm_finops.core.tags import KEYS, Claim, Tags

_COLUMNS = (*KEYS, "faults", "source")
#: ids and claims, as `as_claim` reads them from the second column on
SELECT = f"SELECT id, {', '.join(_COLUMNS)} FROM tag_sets"
_INSERT = (
    f"INSERT INTO tag_sets (content, {', '.join(_COLUMNS)}) "
    f"VALUES ({', '.join('?' * (1 + len(_COLUMNS)))}) ON CONFLICT (content) DO NOTHING"
)
_FIND = f"{SELECT} WHERE content = ?"
Row = tuple[str | None, ...]


class TagSets:
    """Each distinct claim once, found by a hash of its content."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def id(self, claim: Claim) -> int:
        """The id of a claim, stored if new; call inside a transaction."""
        row: Row = (*claim.tags, json.dumps(claim.faults) if claim.faults else "", claim.source)
        content = _content(row)
        # mostly it is new; two claims of one hash: the second takes the next free place
        while not (stored := self._db.execute(_INSERT, (content, *row))).rowcount:
            found = self._db.execute(_FIND, (content,)).fetchone()
            if found[1:] == row:
                return int(found[0])
            content += 1
        return int(stored.lastrowid or 0)

    def claim(self, tag_set_id: int) -> Claim:
        """The claim stored under an id."""
        row = self._db.execute(f"{SELECT} WHERE id = ?", (tag_set_id,)).fetchone()
        return as_claim(row[1:])


def _content(row: Row) -> int:
    """62 bits, so that the places after it are still SQLite integers."""
    text = "\x1f".join(value or "" for value in row)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") >> 2


def as_claim(row: Row) -> Claim:
    """A claim from the columns team to source of its row."""
    *values, faults, source = row
    stored = tuple(Fault(*fault) for fault in json.loads(faults)) if faults else ()
    return Claim(Tags(*values), stored, str(source))


def teams(db: sqlite3.Connection) -> list[str]:
    """Every team that any run names, or that a statement was for."""
    return [row[0] for row in db.execute(
        "SELECT team FROM tag_sets WHERE team IS NOT NULL "
        "UNION SELECT team FROM posted_tags WHERE team IS NOT NULL"
    )]  # fmt: skip


def projects(db: sqlite3.Connection, team: str | None) -> list[str]:
    """The same of a team's projects; None: of what names no team."""
    return [row[0] for row in db.execute(
        "SELECT project FROM tag_sets WHERE team IS ? AND project IS NOT NULL "
        "UNION SELECT project FROM posted_tags WHERE team IS ? AND project IS NOT NULL",
        (team, team),
    )]  # fmt: skip


def owners(db: sqlite3.Connection) -> dict[str, set[str]]:
    """Every team that any run has named, with its projects."""
    found: dict[str, set[str]] = {}
    for team, project in db.execute(
        "SELECT DISTINCT team, project FROM tag_sets WHERE team IS NOT NULL"
    ):
        found.setdefault(team, set()).update(() if project is None else (project,))
    return found

"""One team's costs at a time: what each of many mails reads is its own rows, and no others.

A mail asks a dozen questions of its team's charges, and each would look through the
whole site's.  Here these are put in order of teams once, in the connection's own
temporary tables, and views that hide the ledger's tables show those of one team.
Whatever reads costs goes on unchanged.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from slurm_finops.ledger.store import Ledger

#: What is read by owner and day; each has a tag set.
_TABLES = ("charges", "draws", "allocations")


class Teams:
    """The costs of the days ``[first, last)``, in order of teams, while the connection is open."""

    _number = count(1)

    def __init__(self, ledger: Ledger, first: int, last: int) -> None:
        self._db = ledger.db
        #: each has tables of its own: one for each of several periods may be there
        self._names = {name: f"{name}_of_teams_{next(self._number)}" for name in _TABLES}
        for name, mine in self._names.items():
            # a ledger's tables have keys, which these need not: nothing is written
            self._db.execute(
                f"CREATE TEMP TABLE {mine} AS SELECT ifnull(team, '') AS of_team, "
                f"{name}.* FROM main.{name} JOIN tag_sets ON tag_sets.id = tag_set_id "
                "WHERE day >= ? AND day < ? ORDER BY 1, day",
                (first, last),
            )
            self._db.execute(f"CREATE INDEX temp.{mine}_index ON {mine} (of_team, day)")
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS shown_team (team TEXT NOT NULL)")

    @contextmanager
    def only(self, team: str) -> Iterator[None]:
        """Meanwhile the ledger holds this team's costs of these days alone; "" is untagged."""
        self._db.execute("DELETE FROM temp.shown_team")
        self._db.execute("INSERT INTO temp.shown_team VALUES (?)", (team,))
        try:
            for name, mine in self._names.items():
                self._db.execute(
                    f"CREATE TEMP VIEW {name} AS SELECT * FROM temp.{mine} "
                    "WHERE of_team = (SELECT team FROM temp.shown_team)"
                )
            yield
        finally:
            for name in _TABLES:
                self._db.execute(f"DROP VIEW IF EXISTS temp.{name}")

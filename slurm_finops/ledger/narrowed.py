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
                f"ifnull(project, '') AS of_project, {name}.* FROM main.{name} "
                "JOIN tag_sets ON tag_sets.id = tag_set_id "
                "WHERE day >= ? AND day < ? ORDER BY 1, 2, day",
                (first, last),
            )
            columns = "of_team, of_project, day"
            self._db.execute(f"CREATE INDEX temp.{mine}_by_project ON {mine} ({columns})")
            self._db.execute(f"CREATE INDEX temp.{mine}_by_day ON {mine} (of_team, day)")
        self._db.execute(
            "CREATE TEMP TABLE IF NOT EXISTS shown (team TEXT NOT NULL, project TEXT NOT NULL)"
        )

    def drop(self) -> None:
        """Give back the room they take, where many periods are read one after the other."""
        for mine in self._names.values():
            self._db.execute(f"DROP TABLE IF EXISTS temp.{mine}")

    @contextmanager
    def only(self, team: str, project: str = "") -> Iterator[None]:
        """Meanwhile the ledger holds one team's, or project's, costs of these days alone.

        "" as team is untagged.
        """
        self._db.execute("DELETE FROM temp.shown")
        self._db.execute("INSERT INTO temp.shown VALUES (?, ?)", (team, project))
        shown = "of_team = (SELECT team FROM temp.shown)"
        if project:
            shown += " AND of_project = (SELECT project FROM temp.shown)"
        try:
            for name, mine in self._names.items():
                self._db.execute(
                    f"CREATE TEMP VIEW {name} AS SELECT * FROM temp.{mine} WHERE {shown}"
                )
            yield
        finally:
            for name in _TABLES:
                self._db.execute(f"DROP VIEW IF EXISTS temp.{name}")

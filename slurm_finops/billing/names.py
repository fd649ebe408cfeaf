"""What the numbers in a ledger stand for, looked up once each."""

import sqlite3
from typing import NamedTuple

_CACHE = 50_000


class Context(NamedTuple):
    """Where a run came from."""

    account: str
    partition: str
    qos: str
    user: str
    reservation: str


class Names:
    """Contexts, clusters, SKUs and tag sets by their ids."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._contexts: dict[int, Context] = {}
        self._tags: dict[int, tuple[str | None, str | None, int]] = {}
        clusters = db.execute("SELECT id, name FROM clusters")
        self._clusters: dict[int, str] = dict(clusters.fetchall())
        self._skus = dict(db.execute("SELECT id, name FROM skus").fetchall())

    def cluster(self, cluster: int) -> str:
        return str(self._clusters[cluster])

    def sku(self, sku: int) -> str:
        return str(self._skus[sku])

    def context(self, context: int) -> Context:
        found = self._contexts.get(context)
        if found is None:
            row = self._row("account, partition, qos, user, reservation", "contexts", context)
            if len(self._contexts) >= _CACHE:
                self._contexts.clear()
            found = self._contexts[context] = Context(*row)
        return found

    def team(self, tag_set: int) -> str | None:
        """The team that a tag set is billed to, None for untagged."""
        return self.owner(tag_set)[0]

    def project(self, tag_set: int) -> str | None:
        """The project of a tag set, None for none."""
        return self.owner(tag_set)[1]

    def owner(self, tag_set: int) -> tuple[str | None, str | None]:
        """Both."""
        return self._tagged(tag_set)[:2]

    def place(self, owner: tuple[int, int, str]) -> tuple[int, str, str]:
        """What a tie between owners (tag set, cluster, partition) goes by: the same in each ledger.

        Ids are not: they are by who came first.
        """
        tag_set, cluster, partition = owner
        # an owner as such is of no cluster
        return self._tagged(tag_set)[2], self._clusters.get(cluster, ""), partition

    def _tagged(self, tag_set: int) -> tuple[str | None, str | None, int]:
        found = self._tags.get(tag_set)
        if found is None:
            if len(self._tags) >= _CACHE:
                self._tags.clear()
            team, project, content = self._db.execute(
                "SELECT team, project, content FROM tag_sets WHERE id = ?", (tag_set,)
            ).fetchone()
            found = self._tags[tag_set] = team, project, content
        return found

    def _row(self, columns: str, table: str, number: int) -> tuple[str, ...]:
        query = f"SELECT {columns} FROM {table} WHERE id = ?"
        row: tuple[str, ...] = self._db.execute(query, (number,)).fetchone()
        return row

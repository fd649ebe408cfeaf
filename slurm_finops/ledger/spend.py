"""Reading costs: charges of a period, summed by any of the report's dimensions."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.core.money import TICKS, join_ticks
from slurm_finops.core.tags import KEYS

_JOBS = "JOIN jobs ON jobs.id = usage_id"
_CONTEXTS = f"{_JOBS} JOIN contexts ON contexts.id = context_id"
_TAG_SETS = "JOIN tag_sets ON tag_sets.id = charges.tag_set_id"
_SKUS = "JOIN skus ON skus.id = sku_id"

#: What `--by` may name: its SQL, and the tables it needs beside charges.
DIMENSIONS: dict[str, tuple[str, str]] = {
    **{key: (key, _TAG_SETS) for key in KEYS},
    **{
        name: (f"nullif({name}, '')", _CONTEXTS) for name in ("user", "account", "partition", "qos")
    },
    "cluster": ("clusters.name", f"{_JOBS} JOIN clusters ON clusters.id = cluster_id"),
    "sku": ("skus.name", _SKUS),
    "state": ("state", _JOBS),
    "pricing": (
        "ifnull(pricing, 'unpriced')", "LEFT JOIN rate_cards ON rate_cards.id = rate_card_id",
    ),
    "tag_source": ("source", _TAG_SETS),
    "day": ("date(day * 86400, 'unixepoch')", ""),
}  # fmt: skip
#: Also known to queries of our own.
_STATUS = {"tag_status": ("status", _TAG_SETS), "faults": ("faults", _TAG_SETS)}


def sum_ticks(column: str) -> str:
    """Two sums that `join_ticks` makes one: a 64-bit sum of ticks ends at 2.56 billion units."""
    return f"SUM({column} / {TICKS}), SUM({column} % {TICKS})"


class Sums(NamedTuple):
    """One row of costs: the dimensions' values, and figures in ticks and seconds."""

    key: tuple[str | None, ...]
    runs: int
    gpu_seconds: int
    list_ticks: int
    effective_ticks: int
    billed_ticks: int


class Scope(NamedTuple):
    """Which charges: days ``[first, last)``, and SQL conditions with their values."""

    first: int
    last: int
    where: str = ""
    values: tuple[object, ...] = ()

    def narrowed(self, where: str, *values: object) -> "Scope":
        """These charges, and also ``where``."""
        both = f"{self.where} AND {where}" if self.where else where
        return self._replace(where=both, values=(*self.values, *values))


def spend(db: sqlite3.Connection, scope: Scope, by: Sequence[str]) -> list[Sums]:
    """Costs by ``by``, unordered; with no dimension, one row for all (or none)."""
    known = DIMENSIONS | _STATUS
    columns = [known[name][0] for name in by]
    joins = _joins([*(known[name][1] for name in by), _SKUS, _scope_joins(scope)])
    figures = ", ".join(
        sum_ticks(column) for column in ("list_ticks", "effective_ticks", "billed_ticks")
    )
    group = f"GROUP BY {', '.join(str(i + 1) for i in range(len(by)))}" if by else ""
    sql = f"""SELECT {"".join(f"{column}, " for column in columns)}
      COUNT(DISTINCT usage_id), SUM(CASE WHEN is_gpu THEN quantity * seconds ELSE 0 END), {figures}
      FROM charges {joins} WHERE {_where(scope)} {group}"""
    rows = db.execute(sql, (scope.first, scope.last, *scope.values))
    return [_sums(row, len(by)) for row in rows if row[len(by)]]


def _sums(row: tuple[object, ...], width: int) -> Sums:
    key, (runs, gpu_seconds, *ticks) = row[:width], row[width:]
    whole = [join_ticks(ticks[i], ticks[i + 1]) for i in (0, 2, 4)]  # type: ignore[arg-type]
    return Sums(key, runs, gpu_seconds or 0, *whole)  # type: ignore[arg-type]


def unpriced(db: sqlite3.Connection, scope: Scope) -> list[tuple[str, int, int]]:
    """``(sku, runs, unit-seconds)`` of what was held without a rate."""
    joins = _joins([_SKUS, _scope_joins(scope)])
    rows = db.execute(
        f"""SELECT skus.name, COUNT(DISTINCT usage_id), SUM(quantity * seconds)
        FROM charges {joins} WHERE {_where(scope)} AND rate_card_id = 0 GROUP BY 1 ORDER BY 1""",
        (scope.first, scope.last, *scope.values),
    )
    return rows.fetchall()


def _where(scope: Scope) -> str:
    return "day >= ? AND day < ?" + (f" AND {scope.where}" if scope.where else "")


def _scope_joins(scope: Scope) -> str:
    """The tables that a scope's own conditions speak of."""
    needed = [("tag_sets.", _TAG_SETS), ("jobs.", _JOBS)]
    return " ".join(join for word, join in needed if word in scope.where)


def _joins(parts: Sequence[str]) -> str:
    """Joins of several dimensions, each table once, in an order that works."""
    found: list[str] = []
    for part in parts:
        for join in part.replace("LEFT JOIN", "LEFT_JOIN").replace(" JOIN", "\n JOIN").split("\n"):
            text = join.strip().replace("LEFT_JOIN", "LEFT JOIN")
            if text and text not in found:
                found.append(text)
    return " ".join(found)

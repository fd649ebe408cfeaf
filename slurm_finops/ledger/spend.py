"""Reading costs: charges of a period, summed by any of the report's dimensions."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.core.money import TICKS, join_ticks
from slurm_finops.core.tags import KEYS

#: GPU-seconds of charges, beside their SKUs.
GPU_SECONDS = "SUM(CASE WHEN is_gpu THEN quantity * seconds ELSE 0 END)"
#: Tables beside charges, in an order in which they can be joined.
_JOINS = {
    "jobs": "JOIN jobs ON jobs.id = usage_id",
    "contexts": "JOIN contexts ON contexts.id = context_id",
    "clusters": "JOIN clusters ON clusters.id = cluster_id",
    "tag_sets": "JOIN tag_sets ON tag_sets.id = charges.tag_set_id",
    "skus": "JOIN skus ON skus.id = sku_id",
    "rate_cards": "LEFT JOIN rate_cards ON rate_cards.id = rate_card_id",
    "lots": "LEFT JOIN lots ON lots.id = lot_id",
}
Tables = tuple[str, ...]
_CONTEXT: Tables = ("jobs", "contexts")

#: What `--by` may name: its SQL, and the tables it needs beside charges.
DIMENSIONS: dict[str, tuple[str, Tables]] = {
    **{key: (f"tag_sets.{key}", ("tag_sets",)) for key in KEYS},
    **{
        name: (f"nullif(contexts.{name}, '')", _CONTEXT)
        for name in ("user", "account", "partition", "qos")
    },
    "cluster": ("clusters.name", ("jobs", "clusters")),
    "sku": ("skus.name", ("skus",)),
    "state": ("jobs.state", ("jobs",)),
    "pricing": ("ifnull(rate_cards.pricing, 'unpriced')", ("rate_cards",)),
    "tag_source": ("tag_sets.source", ("tag_sets",)),
    "class": ("nullif(rate_cards.of_class, '')", ("rate_cards",)),
    "origin": ("NULL", ()),
    "category": ("'usage'", ()),
    "day": ("date(day * 86400, 'unixepoch')", ()),
}
#: Also known to queries of our own.
_MORE: dict[str, tuple[str, Tables]] = {
    "tag_status": ("tag_sets.status", ("tag_sets",)), "faults": ("tag_sets.faults", ("tag_sets",)),
}  # fmt: skip


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
    #: whether none of it had a rate: a cost of nothing is then no cost at all
    unpriced: bool = False
    #: of the effective cost: what is not billed, and why
    forgiven_ticks: int = 0
    subsidised_ticks: int = 0
    credited_ticks: int = 0
    #: and what booked time adds to the time that was held
    rounded_ticks: int = 0

    @property
    def budgeted_ticks(self) -> int:
        """What a budget pays: the effective cost, but for what allocations and credits take."""
        return self.effective_ticks - self.credited_ticks


class Scope(NamedTuple):
    """Which charges: days ``[first, last)``, and SQL conditions with their values and tables."""

    first: int
    last: int
    where: str = ""
    values: tuple[object, ...] = ()
    tables: Tables = ()
    #: whether the conditions are of charges only, and nothing that is shared is asked for
    usage: bool = False

    def narrowed(
        self, where: str, *values: object, tables: Tables = (), usage: bool = False
    ) -> "Scope":
        """These charges, and also ``where``."""
        both = f"{self.where} AND {where}" if self.where else where
        return self._replace(
            where=both, values=(*self.values, *values), tables=(*self.tables, *tables),
            usage=self.usage or usage,
        )  # fmt: skip


def dimension(name: str) -> tuple[str, Tables]:
    """The SQL of a dimension, and the tables it needs."""
    return DIMENSIONS[name] if name in DIMENSIONS else _MORE[name]


_FIGURES = ("list_ticks", "effective_ticks", "billed_ticks", "forgiven_ticks", "subsidised_ticks",
            "rounded_ticks")  # fmt: skip


def charged(db: sqlite3.Connection, scope: Scope, by: Sequence[str]) -> list[Sums]:
    """What was priced, by ``by``, unordered; with no dimension, one row for all (or none)."""
    known = [dimension(name) for name in by]
    columns = [column for column, _ in known]
    beside = joins("skus", *(t for _, tables in known for t in tables), *scope.tables)
    figures = ", ".join(map(sum_ticks, _FIGURES))
    group = f"GROUP BY {', '.join(str(i + 1) for i in range(len(by)))}" if by else ""
    sql = f"""SELECT {"".join(f"{column}, " for column in columns)}
      COUNT(DISTINCT usage_id), {GPU_SECONDS}, {figures},
      MAX(rate_card_id) = 0
      FROM charges {beside} WHERE {days_of(scope)} {group}"""
    rows = db.execute(sql, (scope.first, scope.last, *scope.values))
    return [_sums(row, len(by)) for row in rows if row[len(by)]]


def _sums(row: tuple[object, ...], width: int) -> Sums:
    key, (runs, gpu_seconds, *ticks, unpriced) = row[:width], row[width:]
    whole = [join_ticks(*pair) for pair in zip(ticks[::2], ticks[1::2], strict=True)]  # type: ignore[arg-type]
    listed, effective, billed, forgiven, subsidised, rounded = whole
    seconds = int(gpu_seconds or 0)  # type: ignore[call-overload]
    return Sums(
        key, runs, seconds, listed, effective, billed, bool(unpriced),  # type: ignore[arg-type]
        forgiven, subsidised, 0, rounded,
    )  # fmt: skip


def unpriced(db: sqlite3.Connection, scope: Scope) -> list[tuple[str, int, int]]:
    """``(sku, runs, unit-seconds)`` of what was held without a rate."""
    rows = db.execute(
        f"""SELECT skus.name, COUNT(DISTINCT usage_id), SUM(quantity * seconds)
        FROM charges {joins("skus", *scope.tables)} WHERE {days_of(scope)} AND rate_card_id = 0
        GROUP BY 1 ORDER BY 1""",
        (scope.first, scope.last, *scope.values),
    )
    return rows.fetchall()


def days_of(scope: Scope) -> str:
    """SQL for a scope's days and conditions; its first two values are the days."""
    return "day >= ? AND day < ?" + (f" AND {scope.where}" if scope.where else "")


def joins(*tables: str) -> str:
    """The joins of these tables beside charges, each once and in order."""
    return " ".join(join for table, join in _JOINS.items() if table in tables)

"""Reading all costs: what was priced, and what was shared beside it.

Shares are kept by tag set, cluster and partition.  Where a report asks for more (a
user, an account, a QOS, a state), each is split over the runs behind it, by what
they held: a pool's over those that it may cover, others over all.  Exact, and only
when shown.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from slurm_finops.core.money import join_ticks, split_amount
from slurm_finops.core.tags import KEYS
from slurm_finops.core.usage import GPU
from slurm_finops.ledger.allocation import pool_cards
from slurm_finops.ledger.draws import credited
from slurm_finops.ledger.spend import DIMENSIONS, GPU_SECONDS, Scope, Sums, charged, days_of

#: What a share knows of itself, as `spend.DIMENSIONS` for charges.
_SQL = {
    **{key: f"tag_sets.{key}" for key in KEYS},
    "partition": "nullif(partition, '')",
    "cluster": "clusters.name",
    "sku": "origins.sku",
    "pricing": "CASE category WHEN 'share' THEN 'committed' WHEN 'beyond' THEN 'on_demand' "
               "WHEN 'shared' THEN 'overhead' ELSE category END",
    "tag_source": "tag_sets.source",
    "tag_status": "tag_sets.status",
    "faults": "tag_sets.faults",
    "origin": "origins.name",
    "category": "category",
    "day": DIMENSIONS["day"][0],
}  # fmt: skip
_FROM = """FROM allocations JOIN origins ON origins.id = origin_id
  JOIN tag_sets ON tag_sets.id = allocations.tag_set_id
  LEFT JOIN clusters ON clusters.id = allocations.cluster_id"""
_OWNER = ("day", "allocations.tag_set_id", "allocations.cluster_id", "partition")
_MONEY = ("effective_units", "effective_ticks", "billed_units", "billed_ticks")
#: Categories that only use which a pool covers has a part in.
_OF_POOLS = ("share", "beyond")
#: Categories of what use itself costs: its price, what it bears of pools, and what others carry.
OF_USE = ("usage", *_OF_POOLS, "shared")

Key = tuple[str | None, ...]
#: The values of what shares do not have ("" for none), and what the runs of each held.
_Behind = tuple[list[tuple[str, ...]], list[int]]


def spend(db: sqlite3.Connection, scope: Scope, by: Sequence[str]) -> list[Sums]:
    """Costs by ``by``, unordered; with no dimension, one row for all (or none)."""
    found = charged(db, scope, by)
    if scope.usage:
        return found
    sums = {row.key: row for row in found}
    for key, effective, billed in _shares(db, scope, by):
        row = sums.get(key) or Sums(key, 0, 0, 0, 0, 0)
        sums[key] = row._replace(
            effective_ticks=row.effective_ticks + effective,
            billed_ticks=row.billed_ticks + billed, unpriced=False,
        )  # fmt: skip
    for key, ticks in credited(db, scope, by):
        row = sums.get(key) or Sums(key, 0, 0, 0, 0, 0)
        sums[key] = row._replace(
            billed_ticks=row.billed_ticks - ticks, credited_ticks=row.credited_ticks + ticks
        )
    return list(sums.values())


def anything_shared(db: sqlite3.Connection, scope: Scope) -> bool:
    """Whether anything beside priced use is in a scope."""
    rows = db.execute(
        f"SELECT 1 {_FROM} WHERE {days_of(scope)} LIMIT 1",
        (scope.first, scope.last, *scope.values),
    )
    return rows.fetchone() is not None


def _shares(
    db: sqlite3.Connection, scope: Scope, by: Sequence[str]
) -> Iterator[tuple[Key, int, int]]:
    """``(key, effective ticks, billed ticks)``, a key as often as it comes."""
    columns = [*_OWNER, "category", "origins.sku", *_MONEY,
               *(_SQL.get(name, "NULL") for name in by)]  # fmt: skip
    # row by row: a sum of them could pass 64 bits, and Python's cannot
    rows = db.execute(
        f"SELECT {', '.join(columns)} {_FROM} WHERE {days_of(scope)} ORDER BY day",
        (scope.first, scope.last, *scope.values),
    )
    derived = [i for i, name in enumerate(by) if name not in _SQL]
    runs = _Runs(db, [by[i] for i in derived]) if derived else None
    for day, tag_set, cluster, partition, category, sku, *row in rows:
        effective, billed, key = join_ticks(*row[:2]), join_ticks(*row[2:4]), row[4:]
        if runs is None:
            yield tuple(key), effective, billed
            continue
        # a pool of several SKUs is kept under its own name, which is none of theirs
        pool = (sku if sku in runs.skus else "") if category in _OF_POOLS else None
        behind, weights = runs.of(day, (tag_set, cluster, partition), pool)
        parts = split_amount(effective, weights, behind), split_amount(billed, weights, behind)
        for values, *money in zip(behind, *parts, strict=True):
            for i, value in zip(derived, values, strict=True):
                key[i] = value or None
            yield tuple(key), money[0], money[1]


def borne(
    db: sqlite3.Connection, scope: Scope, by: Sequence[str], sku: str, partition: str = ""
) -> list[tuple[Key, str, int]]:
    """``(key, pricing, effective ticks)`` of what use of a SKU bears of pools of that SKU alone.

    ``by`` are dimensions that shares have of themselves.
    """
    columns = ", ".join(_SQL[name] for name in (*by, "pricing"))
    rows = db.execute(
        f"SELECT {columns}, SUM(effective_units), SUM(effective_ticks) {_FROM} "
        f"WHERE {days_of(scope)} AND category IN ('share', 'beyond') AND origins.sku = ? "
        "AND (? = '' OR partition = ?) "
        f"GROUP BY {', '.join(str(i + 1) for i in range(len(by) + 1))}",
        (scope.first, scope.last, *scope.values, sku, partition, partition),
    )
    return [(tuple(row[:-3]), row[-3], join_ticks(*row[-2:])) for row in rows]


class _Held(NamedTuple):
    """What runs of an owner with the same values held of a SKU on a day."""

    values: tuple[str, ...]
    sku: str
    pooled: bool
    gpu_seconds: int
    seconds: int

    def is_of(self, pool: str | None) -> bool:
        """Whether a pool of one SKU, or "" for one of several, may cover it."""
        return pool is None or (self.pooled and pool in (self.sku, GPU, ""))


class _Runs:
    """What the runs of an owner held on a day, by columns that shares do not have."""

    def __init__(self, db: sqlite3.Connection, names: Sequence[str]) -> None:
        self._db = db
        columns = ", ".join(f"ifnull({DIMENSIONS[name][0]}, '')" for name in names)
        group = ", ".join(str(1 + i) for i in range(5 + len(names)))
        self._sql = f"""SELECT charges.tag_set_id, cluster_id, partition, {columns}, skus.name,
          {pool_cards(db)}, {GPU_SECONDS}, SUM(seconds)
          FROM charges JOIN jobs ON jobs.id = usage_id JOIN contexts ON contexts.id = context_id
          JOIN skus ON skus.id = sku_id LEFT JOIN rate_cards ON rate_cards.id = rate_card_id
          WHERE day = ? GROUP BY {group}"""
        self.skus = {row[0] for row in db.execute("SELECT name FROM skus")} | {GPU}
        self._nobody: _Behind = [("",) * len(names)], [1]
        self._day: int | None = None
        self._held: dict[tuple[object, ...], list[_Held]] = {}
        self._found: dict[tuple[object, ...], _Behind] = {}

    def of(self, day: int, owner: tuple[int, int, str], pool: str | None) -> _Behind:
        """By ``(tag set, cluster, partition)``, of all its runs or a pool's; days in order."""
        if day != self._day:
            self._day, self._found, self._held = day, {}, self._load(day)
        found = self._found.get((owner, pool))
        if found is None:
            found = self._found[owner, pool] = self._behind(owner, pool)
        return found

    def _behind(self, owner: tuple[int, int, str], pool: str | None) -> _Behind:
        held = self._held.get(owner, [])
        held = [one for one in held if one.is_of(pool)] or held
        sums: dict[tuple[str, ...], list[int]] = {}
        for one in held:
            total = sums.setdefault(one.values, [0, 0])
            total[0] += one.gpu_seconds
            total[1] += one.seconds
        if not sums:
            return self._nobody
        gpus, seconds = (list(column) for column in zip(*sums.values(), strict=True))
        return list(sums), gpus if any(gpus) else seconds

    def _load(self, day: int) -> dict[tuple[object, ...], list[_Held]]:
        found: dict[tuple[object, ...], list[_Held]] = {}
        for tag_set, cluster, partition, *row in self._db.execute(self._sql, (day,)):
            *values, sku, pooled, gpus, seconds = row
            found.setdefault((tag_set, cluster, partition), []).append(
                _Held(tuple(values), sku, bool(pooled), gpus, seconds)
            )
        return found

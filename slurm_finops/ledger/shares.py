"""Reading all costs: what was priced, and what was shared beside it.

Shares are kept by tag set, cluster and partition.  Where a report asks for more (a
user, an account, a QOS, a state), each is split over the runs behind it, by what
they held: exact, and only when shown.
"""

import sqlite3
from collections.abc import Iterator, Sequence

from slurm_finops.core.money import split_amount
from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.spend import DIMENSIONS, Scope, Sums, charged, days_of

#: What a share knows of itself, as `spend.DIMENSIONS` for charges.
_SQL = {
    **{key: f"tag_sets.{key}" for key in KEYS},
    "partition": "nullif(partition, '')",
    "cluster": "clusters.name",
    "sku": "origins.sku",
    "pricing": "CASE category WHEN 'share' THEN 'committed' WHEN 'beyond' THEN 'on_demand' "
               "WHEN 'shared' THEN 'overhead' ELSE category END",
    "tag_source": "tag_sets.source",
    "origin": "origins.name",
    "category": "category",
    "day": DIMENSIONS["day"][0],
}  # fmt: skip
_FROM = """FROM allocations JOIN origins ON origins.id = origin_id
  JOIN tag_sets ON tag_sets.id = allocations.tag_set_id
  LEFT JOIN clusters ON clusters.id = allocations.cluster_id"""
_OWNER = ("day", "allocations.tag_set_id", "allocations.cluster_id", "partition")
_MONEY = ("effective_ticks", "billed_ticks")

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
    return list(sums.values())


def _shares(
    db: sqlite3.Connection, scope: Scope, by: Sequence[str]
) -> Iterator[tuple[Key, int, int]]:
    """``(key, effective ticks, billed ticks)``, a key as often as it comes."""
    columns = [*_OWNER, *_MONEY, *(_SQL.get(name, "NULL") for name in by)]
    # ticks as they are: a sum of them could pass 64 bits, and Python's cannot
    rows = db.execute(
        f"SELECT {', '.join(columns)} {_FROM} WHERE {days_of(scope)} ORDER BY day",
        (scope.first, scope.last, *scope.values),
    )
    derived = [i for i, name in enumerate(by) if name not in _SQL]
    runs = _Runs(db, [by[i] for i in derived]) if derived else None
    for day, tag_set, cluster, partition, effective, billed, *key in rows:
        if runs is None:
            yield tuple(key), effective, billed
            continue
        behind, weights = runs.of(day, (tag_set, cluster, partition))
        parts = split_amount(effective, weights, behind), split_amount(billed, weights, behind)
        for values, *money in zip(behind, *parts, strict=True):
            for i, value in zip(derived, values, strict=True):
                key[i] = value or None
            yield tuple(key), money[0], money[1]


class _Runs:
    """What the runs of an owner held on a day, by columns that shares do not have."""

    def __init__(self, db: sqlite3.Connection, names: Sequence[str]) -> None:
        self._db = db
        columns = ", ".join(f"ifnull({DIMENSIONS[name][0]}, '')" for name in names)
        group = ", ".join(str(1 + i) for i in range(3 + len(names)))
        self._sql = f"""SELECT charges.tag_set_id, cluster_id, partition, {columns},
          SUM(CASE WHEN is_gpu THEN quantity * seconds ELSE 0 END), SUM(seconds)
          FROM charges JOIN jobs ON jobs.id = usage_id JOIN contexts ON contexts.id = context_id
          JOIN skus ON skus.id = sku_id WHERE day = ? GROUP BY {group}"""
        self._nobody: _Behind = [("",) * len(names)], [1]
        self._day: int | None = None
        self._of: dict[tuple[object, ...], _Behind] = {}

    def of(self, day: int, owner: tuple[int, int, str]) -> _Behind:
        """By ``(tag set, cluster, partition)``; days come in order."""
        if day != self._day:
            self._day, self._of = day, self._load(day)
        return self._of.get(owner, self._nobody)

    def _load(self, day: int) -> dict[tuple[object, ...], _Behind]:
        found: dict[tuple[object, ...], tuple[list[tuple[str, ...]], list[int], list[int]]] = {}
        for *row, gpus, seconds in self._db.execute(self._sql, (day,)):
            values, of_gpus, of_any = found.setdefault(tuple(row[:3]), ([], [], []))
            values.append(tuple(row[3:]))
            of_gpus.append(gpus)
            of_any.append(seconds)
        return {
            owner: (values, gpus if any(gpus) else seconds)
            for owner, (values, gpus, seconds) in found.items()
        }

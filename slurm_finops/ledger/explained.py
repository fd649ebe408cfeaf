"""One run and everything that was charged for it."""

import sqlite3
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.named import Job, like, whole
from slurm_finops.ledger.spend import sum_ticks


class About(NamedTuple):
    """A run as people know it; instants are epoch seconds, ``tags`` what it is billed to."""

    id: int
    cluster: str
    job_id: str
    submit: int
    user: str
    account: str
    partition: str
    qos: str
    reservation: str
    state: str
    start: int | None
    elapsed: int
    suspended: int
    held: str | None


class Charged(NamedTuple):
    """What a run was charged for a SKU by one card, over all days; ``priced``: by any at all."""

    sku: str
    match: str
    rank: int
    pricing: str
    policy: str
    quantity: int
    seconds: int
    list_ticks: int
    contracted_ticks: int
    effective_ticks: int
    rounded_ticks: int
    forgiven_ticks: int
    subsidised_ticks: int
    billed_ticks: int
    priced: bool


class Drawn(NamedTuple):
    """What an allocation paid of a SKU, or a credit forgave: the other's name is ""."""

    sku: str
    allocation: str
    hours: bool
    credit: int
    units: int
    ticks: int


_RUN = """SELECT jobs.id, clusters.name, job_id, submit, user, account, partition, qos,
  reservation, state, start, elapsed, suspended, held FROM jobs
  JOIN clusters ON clusters.id = cluster_id JOIN contexts ON contexts.id = context_id"""
_MONEY = ("list", "contracted", "effective", "rounded", "forgiven", "subsidised", "billed")


def runs(db: sqlite3.Connection, cluster: str, job: Job) -> list[About]:
    """The runs that a job's name stands for, in order of their submission."""
    found = db.execute(
        f"{_RUN} WHERE clusters.name = ? AND user = ? AND submit = ifnull(?, submit) "
        f"AND {like([job.job_id])} ORDER BY submit, job_id_raw",
        (cluster, job.user, job.submit),
    )
    every = [About(*row) for row in found]
    own = [run for run in every if run.job_id == job.job_id]
    return own or [run for run in every if whole(run.job_id) == job.job_id]


def tags(
    db: sqlite3.Connection, run: int, first: int, last: int
) -> tuple[dict[str, str], str]:
    """What a run is billed to, by tag, and where its claim came from."""
    row = db.execute(
        f"SELECT {', '.join(KEYS)}, source FROM tag_sets WHERE id = ifnull("
        "(SELECT tag_set_id FROM charges WHERE day >= ? AND day < ? AND usage_id = ? LIMIT 1), "
        "(SELECT tag_set_id FROM jobs WHERE id = ?))",
        (first, last, run, run),
    ).fetchone()
    return {key: value for key, value in zip(KEYS, row, strict=False) if value}, row[-1]


def charged(db: sqlite3.Connection, run: int, first: int, last: int) -> list[Charged]:
    """The charges of a run, whose days are ``[first, last)``."""
    money = ", ".join(sum_ticks(f"{name}_ticks") for name in _MONEY)
    rows = db.execute(
        "SELECT skus.name, ifnull(match, '{}'), ifnull(rank, 0), ifnull(pricing, ''), "
        f"ifnull(policy, ''), quantity, SUM(seconds), {money}, rate_card_id FROM charges "
        "JOIN skus ON skus.id = sku_id LEFT JOIN rate_cards ON rate_cards.id = rate_card_id "
        "WHERE day >= ? AND day < ? AND usage_id = ? "
        "GROUP BY skus.name, rate_card_id ORDER BY skus.name, MIN(day), rate_card_id",
        (first, last, run),
    )
    found = []
    for row in rows:
        ticks = [join_ticks(*row[i : i + 2]) for i in range(7, 21, 2)]
        found.append(Charged._make((*row[:7], *ticks, row[21] > 0)))
    return found


def drawn(db: sqlite3.Connection, run: int, first: int, last: int) -> list[Drawn]:
    """What was taken off the charges of a run, credits before allocations."""
    rows = db.execute(
        "SELECT skus.name, ifnull(lots.name, ''), ifnull(hours, 0), credit_id, SUM(units), "
        f"{sum_ticks('ticks')} FROM draws JOIN skus ON skus.id = sku_id "
        "LEFT JOIN lots ON lots.id = lot_id WHERE day >= ? AND day < ? AND usage_id = ? "
        "GROUP BY skus.name, lot_id, credit_id ORDER BY skus.name, lot_id > 0, MIN(day), lot_id, "
        "credit_id",
        (first, last, run),
    )
    return [
        Drawn(sku, name, bool(hours), credit, units, join_ticks(whole_units, rest))
        for sku, name, hours, credit, units, whole_units, rest in rows
    ]

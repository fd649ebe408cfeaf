"""What was stated so far, by whose it is."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.core.period import Calendar


def _escaped(name: str) -> str:
    """SQL of `core.owner_key.escaped`."""
    for text, escape in (("%25", "%2525"), ("%2F", "%252F"), ("/", "%2F")):
        name = f"replace({name}, '{text}', '{escape}')"
    return name


#: SQL of whose a line is, by what statements are of.
_OWNER = {
    "team": "posted_tags.team",
    "project": f"{_escaped('team')} || ifnull(' / ' || {_escaped('project')}, '')",
    "cost_center": "posted_tags.cost_center",
    "fund": "posted_payers.fund",
}  # fmt: skip


def stated_before(
    db: sqlite3.Connection, kind: str, first: int, last: int
) -> dict[tuple[str, str | None], int]:
    """Entity and owner -> minor units of the months within the billing days ``[first, last)``."""
    of_kind = db.execute(
        "SELECT count(*), ifnull(sum(kind = ?), 0) FROM statements "
        "JOIN periods ON periods.id = period_id WHERE first >= ? AND last <= ?",
        (kind, first, last),
    ).fetchone()
    if of_kind[0] == of_kind[1]:  # what statements sum to already
        rows = db.execute(
            "SELECT entity, owner, SUM(statements.amount_minor) FROM statements "
            "JOIN periods ON periods.id = period_id WHERE first >= ? AND last <= ? GROUP BY 1, 2",
            (first, last),
        )
    else:
        rows = db.execute(
            f"SELECT posted_payers.entity, {_OWNER[kind]}, SUM(statement_lines.amount_minor) "
            "FROM statement_lines JOIN statements ON statements.id = statement_id "
            "JOIN periods ON periods.id = period_id JOIN posted_tags ON posted_tags.id = tags_id "
            "JOIN posted_payers ON posted_payers.id = payer_id "
            "WHERE first >= ? AND last <= ? GROUP BY 1, 2",
            (first, last),
        )
    return {(entity, owner): minor for entity, owner, minor in rows}


class Stated(NamedTuple):
    """What statements say of something so far: ticks of any size, and minor units."""

    ticks: int
    minor: int


def stated_lines(
    db: sqlite3.Connection, first: int, last: int
) -> dict[tuple[object, ...], Stated]:
    """Of the costs of the billing days ``[first, last)``, line by line.

    By team, project, cost centre, and the numbers of the item, the payer and the cluster.
    """
    rows = db.execute(
        "SELECT team, project, cost_center, item_id, payer_id, cluster_id, SUM(billed_units), "
        "SUM(billed_ticks), SUM(amount_minor) FROM statement_lines "
        "JOIN posted_tags ON posted_tags.id = tags_id WHERE day >= ? AND day < ? "
        "GROUP BY 1, 2, 3, 4, 5, 6",
        (first, last),
    )
    return {row[:6]: Stated(join_ticks(*row[6:8]), row[8]) for row in rows}


def months_before(db: sqlite3.Connection, first: int, last: int) -> list[str]:
    """The closed months that lie in these days."""
    rows = db.execute(
        "SELECT label FROM periods WHERE first >= ? AND last <= ? ORDER BY id", (first, last)
    )
    return [row[0] for row in rows]


def stated_runs(
    db: sqlite3.Connection, runs: Iterable[int], calendar: Calendar
) -> tuple[int, list[str]]:
    """How many of these runs held anything in a closed month, and in which."""
    spans = [
        (label, calendar.midnight(first), calendar.midnight(last))
        for label, first, last in db.execute("SELECT label, first, last FROM periods ORDER BY id")
    ]
    number, months = 0, set()
    for run in runs if spans else ():
        row = db.execute(
            "SELECT start, start + elapsed + suspended FROM jobs "
            "WHERE id = ? AND start IS NOT NULL", (run,),
        ).fetchone()  # fmt: skip
        within = [label for label, start, end in spans if row and row[0] < end and start < row[1]]
        months.update(within)
        number += bool(within)
    return number, sorted(months)

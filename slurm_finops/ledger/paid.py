"""What funds paid of a month that is closed, and what moves that wait will take from them."""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from slurm_finops.core.money import join_ticks
from slurm_finops.ledger.disputes import Move


class Share(NamedTuple):
    """Whose it is, and which fund paid it."""

    team: str | None
    project: str | None
    fund: str


#: Ticks by share.
Paid = dict[Share, int]


def paid(db: sqlite3.Connection, first: int, last: int) -> Paid:
    """What was stated of the days ``[first, last)`` so far, corrections with it."""
    rows = db.execute(
        "SELECT team, project, fund, sum(billed_units), sum(billed_ticks) "
        "FROM statement_lines JOIN posted_tags ON posted_tags.id = tags_id "
        "JOIN posted_payers ON posted_payers.id = payer_id "
        "WHERE day >= ? AND day < ? GROUP BY 1, 2, 3",
        (first, last),
    )
    return {Share(*row[:3]): join_ticks(*row[3:]) for row in rows}


def taken(found: Paid, moves: Iterable[Move]) -> list[int]:
    """Ticks that each of some moves of one month takes, one after the other.

    ``found`` is then as it will be: what a move takes is not there for the next.
    """
    sums = []
    for move in moves:
        total = 0
        for share, ticks in list(found.items()):
            if share.fund == move.from_fund and fits(share, move):
                to = share._replace(fund=move.to_fund)
                found[to] = found.get(to, 0) + found.pop(share)
                total += ticks
        sums.append(total)
    return sums


def fits(share: Share, move: Move) -> bool:
    """Whether a move is of this, whoever paid it."""
    return move.is_of(share.team, share.project)

"""The first page: a month's spend by team, what of it is tagged, and where to go on."""

import sqlite3
from collections.abc import Iterator
from datetime import date
from typing import Any

from slurm_finops.core.money import grouped, parse_decimal
from slurm_finops.reports.budgets import owner
from slurm_finops.reports.format import month_name, share
from slurm_finops.serving.nothing import Execute, asked
from slurm_finops.serving.queries import Query, queries
from slurm_finops.serving.settings import Serving

#: So many teams and budgets are shown; the named queries have all.
_TEAMS = _BUDGETS = 12
_FOR = {"month": "the month", "year": "the fiscal year"}


_MOST_USED = """SELECT * FROM budgets WHERE month = ?
ORDER BY spent_minor / CAST(budget AS REAL) DESC, rowid"""


async def dashboard(execute: Execute, month: str, serving: Serving) -> dict[str, Any]:
    """What the page says of a month, or of the newest where there is no such month.

    ``absent`` is what was asked for and is not there.
    """
    about = dict((await execute("SELECT * FROM about")).first())
    months = [row["month"] for row in await execute("SELECT month FROM months ORDER BY 1 DESC")]
    board: dict[str, Any] = {
        "about": about, "months": [(label, _month(label)) for label in months],
        "questions": [_question(query) for query in queries(serving.people)], "month": None,
    }  # fmt: skip
    if not months:
        return board
    label = month if month in months else months[0]
    budgets = (await execute(_MOST_USED, [label])).rows
    total = dict((await execute("SELECT * FROM months WHERE month = ?", [label])).first())
    rows = (await execute(
        "SELECT * FROM teams WHERE month = ? ORDER BY effective_minor DESC, rowid", [label]
    )).rows  # fmt: skip
    return board | {
        "month": label, "name": _month(label) + (" so far" if total["so_far"] else ""),
        "total": total, "cost": _grouped(total["effective_minor"], serving.digits),
        "to_mend": figure(total["to_mend_cost"]), "notes": list(_notes(about, total)),
        "teams": [_team(row, rows, serving.digits) for row in rows[:_TEAMS]],
        "more": max(len(rows) - _TEAMS, 0), "absent": asked(month) if month != label else "",
        "budgets": [_budget(row) for row in budgets[:_BUDGETS]],
        "more_budgets": max(len(budgets) - _BUDGETS, 0),
    }  # fmt: skip


def _month(label: str) -> str:
    return month_name(date.fromisoformat(f"{label}-01"))


def _notes(about: dict[str, Any], total: dict[str, Any]) -> Iterator[str]:
    """What must be known of a month's figures."""
    if about["notes"]:
        yield about["notes"]
    if total["provisional_cost"].strip("0."):
        money = figure(total["provisional_cost"])
        yield f"{money} {about['currency']} is of runs that had not ended, and may still grow"
    if total["unpriced_gpu_hours"]:
        hours = figure(str(total["unpriced_gpu_hours"]))
        yield f"{hours} GPU-hours have no rate, and are in no cost"


def _question(query: Query) -> dict[str, Any]:
    return {"name": query.name, "title": query.title, "says": query.says,
            "by_month": "month" in query.params and "user" not in query.params}  # fmt: skip


def figure(text: str) -> str:
    """A decimal text with its thousands apart."""
    sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
    places = len(digits.partition(".")[2])
    return grouped(sign * parse_decimal(digits, places), places)


def _grouped(minor: int | None, digits: int) -> str:
    """Money as people read it; a dash where no rate applies."""
    return "–" if minor is None else grouped(minor, digits)


def _team(row: sqlite3.Row, rows: list[sqlite3.Row], digits: int) -> dict[str, Any]:
    """A row of the table; ``width`` is that of its bar, in per cent of the longest."""
    costs = [max(one["effective_minor"] or 0, 0) for one in rows]
    cost = max(row["effective_minor"] or 0, 0)
    return {
        "team": row["team"], "runs": row["runs"], "gpu_hours": row["gpu_hours"],
        "cost": _grouped(row["effective_minor"], digits), "share": share(cost, sum(costs)),
        "width": cost * 100 // max(costs) if any(costs) else 0,
    }  # fmt: skip


def _budget(row: sqlite3.Row) -> dict[str, str]:
    """A budget's row; one that lasts has a dash for the day on which it is used up."""
    return {
        "owner": owner(row["team"], row["project"]), "name": row["name"] or _FOR[row["kind"]],
        "spent": figure(row["spent"]), "budget": figure(row["budget"]), "used": row["used"],
        "used_up": row["used_up"] or "–",
    }  # fmt: skip

"""What teams have used of what tiers count, and the levels they have reached."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

#: ``(from, level)`` in order of time.
Levels = list[tuple[int, int]]


class Used(NamedTuple):
    """What a run held of a SKU on a day, priced or not; clipped to nothing."""

    tag_set_id: int
    cluster_id: int
    context_id: int
    sku_id: int
    quantity: int
    start: int
    end: int


def used(db: sqlite3.Connection, day: int, suspended: bool) -> Iterator[Used]:
    """The use of a day, a row for each run and SKU, from the run's start to its end."""
    end = "start + elapsed + suspended" if suspended else "start + elapsed"
    rows = db.execute(
        "SELECT DISTINCT charges.tag_set_id, cluster_id, context_id, sku_id, quantity, start, "
        f"{end}, usage_id FROM charges JOIN jobs ON jobs.id = usage_id WHERE day = ?",
        (day,),
    )
    for row in rows:
        yield Used(*row[:-1])


def replace_day(db: sqlite3.Connection, day: int, rows: Iterable[tuple[str, str, int]]) -> None:
    """Make ``(tier, team, unit-seconds)`` what was used on a day."""
    db.execute("DELETE FROM tier_days WHERE day = ?", (day,))
    db.executemany(
        "INSERT INTO tier_days (tier, team, day, used) VALUES (?, ?, ?, ?)",
        [(tier, team, day, units) for tier, team, units in rows if units],
    )


def days(db: sqlite3.Connection) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """``(tier, team)`` -> ``(day, unit-seconds)`` in order of days."""
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for tier, team, *row in db.execute("SELECT tier, team, day, used FROM tier_days ORDER BY day"):
        found.setdefault((tier, team), []).append((row[0], row[1]))
    return found


def days_of(db: sqlite3.Connection) -> dict[int, list[tuple[str, str, int]]]:
    """Day -> ``(tier, team, unit-seconds)``, as `replace_day` takes them."""
    found: dict[int, list[tuple[str, str, int]]] = {}
    for day, *row in db.execute("SELECT day, tier, team, used FROM tier_days"):
        found.setdefault(day, []).append((row[0], row[1], row[2]))
    return found


def levels(db: sqlite3.Connection) -> dict[tuple[str, str], Levels]:
    """``(tier, team)`` -> its levels."""
    found: dict[tuple[str, str], Levels] = {}
    for tier, team, *row in db.execute(
        "SELECT tier, team, start, level FROM tier_levels ORDER BY start"
    ):
        found.setdefault((tier, team), []).append((row[0], row[1]))
    return found


def replace_levels(
    db: sqlite3.Connection, tier: str, team: str, steps: Sequence[tuple[int, int]]
) -> None:
    """Make these a team's levels of a tier."""
    db.execute("DELETE FROM tier_levels WHERE (tier, team) = (?, ?)", (tier, team))
    db.executemany(
        "INSERT INTO tier_levels VALUES (?, ?, ?, ?)",
        [(tier, team, start, level) for start, level in steps],
    )

"""The history of owners, against sums of the tables themselves."""

from fractions import Fraction

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging
from slurm_finops.core.lots import Lot
from slurm_finops.core.money import TICKS, join_ticks
from slurm_finops.core.pools import Allocation, Spread
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.history import NOTHING, Day, daily, of_owner, series
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, RATE, a_line, a_pool, run
from tests.support import JUNE, a_ledger, write


def a_month() -> Ledger:
    """Runs, a pool of the first three days, a line of nlp's, and an allocation of cv's."""
    ledger = a_ledger()
    write(
        ledger, run(1, "nlp", 0, 30 * HOUR, 2), run(2, "cv", DAY, 5 * HOUR, 4),
        run(3, "", 2 * DAY, HOUR, 8), run(4, "cv", 5 * DAY, 10 * HOUR),
    )  # fmt: skip
    what = Allocation(
        (a_pool(units=2, days=3, unused=Spread(by="cost")),),
        lines=(a_line(10 * TICKS, tags=Tags(team="nlp")),),
    )
    lot = Lot("grant", "cv", None, False, 20 * TICKS, FIRST, FIRST + 30, (), (), 0, Fraction(0))
    price(
        ledger, Terms((RATE,), POLICY, CALENDAR, allocation=what, charging=Charging(lots=(lot,))),
        JUNE + 40 * DAY,
    )  # fmt: skip
    return ledger


def test_it_is_what_reports_say() -> None:
    ledger = a_month()
    found = daily(ledger.db, FIRST, FIRST + 30)
    rows = spend(ledger.db, Scope(FIRST, FIRST + 30), ("team", "project", "day"))
    assert sum(len(days) for days in found.values()) == len(rows) > 6
    said = {row.key: Day(row.effective_ticks, row.budgeted_ticks) for row in rows}
    for (team, project), days in found.items():
        for day, one in days.items():
            assert said[team, project, f"2026-06-{day - FIRST + 1:02d}"] == one


def test_it_is_the_sum_of_charges_shares_and_draws() -> None:
    db = a_month().db
    found = [day for days in daily(db, FIRST, FIRST + 30).values() for day in days.values()]
    (ticks,) = db.execute("SELECT SUM(effective_ticks) FROM charges").fetchone()
    shares = join_ticks(*db.execute(
        "SELECT SUM(effective_units), SUM(effective_ticks) FROM allocations").fetchone())
    (drawn,) = db.execute("SELECT SUM(ticks) FROM draws").fetchone()
    assert drawn == 20 * TICKS
    assert sum(day.effective_ticks for day in found) == ticks + shares
    assert sum(day.budgeted_ticks for day in found) == ticks + shares - drawn


def test_a_team_is_all_its_projects_and_what_names_none() -> None:
    days = {("nlp", None): {1: Day(1, 1)}, ("nlp", "a"): {1: Day(10, 9), 3: Day(100, 90)},
            ("cv", None): {1: Day(1000, 1000)}, (None, None): {2: Day(5, 5)}}  # fmt: skip
    assert of_owner(days, "nlp") == {1: Day(11, 10), 3: Day(100, 90)}
    assert of_owner(days, "nlp", "a") == days["nlp", "a"]
    assert of_owner(days, None) == {2: Day(5, 5)}


def test_a_history_begins_with_the_first_use_and_ends_before_the_last_day() -> None:
    days = {3: Day(7, 6), 5: Day(9, 8), 6: Day(1, 1)}
    assert series(days, 6) == [7, 0, 9]
    assert series(days, 6, budgeted=True) == [6, 0, 8]
    assert series(days, 8) == [7, 0, 9, 1, 0]
    assert series(days, 3) == series({}, 9) == []
    assert NOTHING == (0, 0)

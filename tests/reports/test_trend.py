"""A period beside those before it: whole months, and of one that goes on as many days."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.money import TICKS
from slurm_finops.ledger.history import Day, covered
from slurm_finops.reports.insight import trend
from slurm_finops.reports.site import Site
from slurm_finops.reports.view import Trend
from tests.billing.pools import CALENDAR, DAY, FIRST, POLICY, RATE, run
from tests.support import JUNE, a_ledger, write

LATER = Site("USD", 2, "UTC", CALENDAR, POLICY, as_of=JUNE + 400 * DAY)
#: What day number ``n`` since 1970 cost, in whole units: no two months are alike.
YEAR = range(date(2026, 1, 1).toordinal() - 719_163, date(2027, 1, 1).toordinal() - 719_163)


def costing(days: Mapping[int, int]) -> dict[int, Day]:
    return {day: Day(cost * TICKS, 0) for day, cost in days.items()}


def of(days: Mapping[int, int], label: str, site: Site = LATER) -> Trend:
    found = trend(costing(days), site, CALENDAR.period(label))
    assert found is not None
    return found


def month(days: Mapping[int, int], number: int, most: int = 31) -> int:
    """What the first ``most`` days of a month of 2026 cost, in cents, by the calendar alone."""
    return 100 * sum(
        cost for day, cost in days.items()
        if (at := date.fromordinal(day + 719_163)).month == number and at.day <= most
    )  # fmt: skip


@given(st.lists(st.integers(0, 999), min_size=365, max_size=365), st.integers(2, 12))
def test_a_month_is_held_against_the_whole_of_each_before(costs: list[int], number: int) -> None:
    days = dict(zip(YEAR, costs, strict=True)) | {YEAR[0]: 1}
    found = of(days, f"2026-{number:02d}")
    before = [month(days, one) for one in range(max(1, number - 6), number)]
    assert (found.spent_minor, found.before_minor) == (month(days, number), before[-1])
    assert (found.periods, found.days) == (len(before), None)
    assert found.usual == ((min(before), max(before)) if len(before) > 3 else None)


@given(st.lists(st.integers(0, 999), min_size=365, max_size=365), st.integers(1, 30))
def test_of_a_month_that_goes_on_as_many_days_are_compared(costs: list[int], gone: int) -> None:
    days = dict(zip(YEAR, costs, strict=True)) | {YEAR[0]: 1}
    at = replace(LATER, as_of=CALENDAR.midnight(CALENDAR.period("2026-03").first + gone))
    found = of(days, "2026-03", at)
    assert found.days == gone
    # February has no 29th: the whole of it is all there is
    assert (found.spent_minor, found.before_minor) == (month(days, 3, gone), month(days, 2, gone))


def test_what_nobody_recorded_is_not_a_month_without_use() -> None:
    days = {day: 10 for day in YEAR if date.fromordinal(day + 719_163).month in (1, 2, 4, 5, 7, 8)}
    known = {CALENDAR.period(f"2026-{number:02d}").first for number in (1, 2, 4, 5, 7)}
    found = trend(costing(days), LATER, CALENDAR.period("2026-08"),
                  lambda one: one.first in known)  # fmt: skip
    assert found is not None
    assert (found.before_minor, found.periods) == (31_000, 4)  # July; April, May and February
    assert found.usual == (28_000, 31_000)
    missing = trend(
        costing(days), LATER, CALENDAR.period("2026-07"), lambda one: one.first in known
    )
    assert missing is not None
    assert missing.before_minor is None


def test_days_are_covered_where_anybody_was_charged() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", DAY, 3600))
    assert not covered(ledger.db, FIRST, FIRST + 30)
    price(ledger, Terms((RATE,), POLICY, CALENDAR), JUNE + 3 * DAY)
    assert [covered(ledger.db, day, day + 1) for day in range(FIRST, FIRST + 3)] == [
        False, True, False,
    ]  # fmt: skip

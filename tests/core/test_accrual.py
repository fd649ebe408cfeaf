"""What accrues with time: additive, and whole at the end of what it is for."""

from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.accrual import EVERY, Cost, accrued
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import EVER

UTC = Calendar(ZoneInfo("UTC"))
ZURICH = Calendar(ZoneInfo("Europe/Zurich"))
YEAR = UTC.period("2026-01-01..2027-01-01")
MONTHS = [UTC.period(f"2026-{month:02d}") for month in range(1, 13)]
instants = st.integers(YEAR.start - 10_000, YEAR.end + 10_000)


def cost(every: str, ticks: int = 1200 * TICKS, end: int = YEAR.end) -> Cost:
    return Cost("power", ticks, every, YEAR.start, end)


@given(st.sampled_from(EVERY), st.integers(-(10**20), 10**20), st.lists(instants, min_size=2))
def test_stretches_sum_to_what_they_make_up(every: str, ticks: int, cuts: list[int]) -> None:
    cuts.sort()
    one = cost(every, ticks)
    parts = [accrued(one, a, b, ZURICH) for a, b in pairwise(cuts)]
    assert sum(parts) == accrued(one, cuts[0], cuts[-1], ZURICH)


@given(instants, instants)
def test_within_a_tick_a_stretch_of_the_exact_part(a: int, b: int) -> None:
    a, b = sorted((max(YEAR.start, min(a, YEAR.end)), max(YEAR.start, min(b, YEAR.end))))
    exact = Fraction(1200 * TICKS * (b - a), YEAR.end - YEAR.start)
    assert abs(accrued(cost("once"), a, b, UTC) - exact) < 1
    by_month = sum(
        (Fraction(1200 * TICKS * max(0, min(b, m.end) - max(a, m.start)), m.end - m.start)
         for m in MONTHS), Fraction(0),
    )  # fmt: skip
    assert abs(accrued(cost("month"), a, b, UTC) - by_month) < len(MONTHS) + 1


@pytest.mark.parametrize("month", MONTHS, ids=lambda month: month.label)
def test_every_month_costs_the_same_whole_whatever_its_days(month) -> None:  # type: ignore[no-untyped-def]
    assert accrued(cost("month"), month.start, month.end, UTC) == 1200 * TICKS
    day = accrued(cost("month"), month.start, month.start + 86_400, UTC)
    assert day == 1200 * TICKS // (month.last - month.first)


def test_a_year_and_an_hour_cost_what_they_say() -> None:
    assert accrued(cost("year"), YEAR.start, YEAR.end, UTC) == 1200 * TICKS
    assert accrued(cost("hour", 8 * TICKS), YEAR.start, YEAR.start + 3600, UTC) == 8 * TICKS
    assert accrued(cost("hour", 8 * TICKS, EVER), YEAR.start, YEAR.end, UTC) == 8 * 8760 * TICKS


def test_nothing_accrues_outside_its_days() -> None:
    for every in EVERY:
        one = cost(every)
        assert accrued(one, YEAR.start - 86_400, YEAR.start, UTC) == 0
        assert accrued(one, YEAR.end, YEAR.end + 86_400, UTC) == 0
        assert accrued(one, YEAR.end, YEAR.start, UTC) == 0


def test_a_month_of_a_clock_change_is_shared_by_its_seconds() -> None:
    march = ZURICH.period("2026-03")
    day = ZURICH.period("2026-03-29")
    assert day.end - day.start == 23 * 3600
    start, end = march.start, march.end
    of_day = accrued(Cost("x", 743 * TICKS, "month", start, end), day.start, day.end, ZURICH)
    assert of_day == 23 * TICKS

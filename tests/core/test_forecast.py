"""Forecasts: laws, an oracle in fractions, and how often they hold on simulated groups."""

from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.forecast import (
    LEAST,
    Range,
    backtest,
    expected,
    forecast,
    path,
    stretched,
    used_up,
    usual,
)
from tests.core.spending import GROUPS

ticks = st.integers(0, 10**14)
histories = st.lists(ticks, min_size=LEAST, max_size=100)
spans = st.integers(1, 60)
WEEK = [100, 100, 100, 100, 100, 10, 0]


def test_too_little_history_is_no_forecast() -> None:
    assert forecast([5] * (LEAST - 1), 10) is None
    assert forecast([5] * LEAST, 10) == Range(50, 50, 50)
    assert forecast([5] * LEAST, 0) == Range(0, 0, 0)


def test_weekdays_are_told_apart() -> None:
    assert forecast(WEEK * 6, 5) == Range(500, 500, 500)
    assert forecast(WEEK * 6, 9) == Range(710, 710, 710)
    assert forecast([*WEEK * 6, 100, 100], 5) == Range(310, 310, 310)  # its week is 510


def test_one_huge_day_counts_as_two_dear_ones() -> None:
    days = [*[100] * 49, 10_000, *[100] * 6]
    assert expected(days, len(days), 21) == 2200


def test_a_group_that_stopped_is_forgotten_after_three_weeks() -> None:
    found = forecast([*[100] * 60, *[0] * 21], 14)
    assert found is not None
    assert (found.low, found.middle) == (0, 0)
    assert found.high < 1400


def test_a_group_that_never_was_off_has_no_width_and_one_that_doubled_has() -> None:
    same, doubled = forecast([100] * 60, 14), forecast([*[100] * 30, *[200] * 30], 14)
    assert same == (1400, 1400, 1400)
    assert doubled is not None
    assert doubled.middle == 2800 < doubled.high


@given(histories, spans)
def test_the_expected_is_the_mean_of_weekdays(history: list[int], days: int) -> None:
    window = history[-21:]
    second = sorted(window)[-2]
    kept = [min(day, 2 * second) for day in window]
    whole = sum(Fraction(sum(kept[i % 7 :: 7]), 3) for i in range(days))
    assert abs(expected(history, len(history), days) - whole) <= Fraction(1, 2)


@given(histories, spans)
def test_a_range_is_in_order_and_not_below_nothing(history: list[int], days: int) -> None:
    found = forecast(history, days)
    assert found is not None
    assert 0 <= found.low <= found.middle <= found.high


@given(histories.map(lambda days: [6 * day for day in days]), spans, st.integers(2, 1000))
def test_it_does_not_depend_on_the_currency(history: list[int], days: int, times: int) -> None:
    # of sixfold ticks all means are whole, so that only the edges are rounded
    one, other = forecast(history, days), forecast([day * times for day in history], days)
    assert one is not None and other is not None
    for a, b in zip(one, other, strict=True):
        assert abs(a * times - b) <= times


@given(histories.filter(any), spans)
def test_a_path_ends_at_the_forecast_and_can_end_elsewhere(history: list[int], days: int) -> None:
    way = path(history, days)
    found = forecast(history, days)
    assert found is not None
    assert len(way) == days and way[-1] == found.middle
    assert sorted(way) == way
    assert stretched(way, found.high)[-1] == found.high


@given(st.lists(ticks, max_size=40), ticks)
def test_used_up_is_the_first_day_on_which_nothing_is_left(days: list[int], left: int) -> None:
    way = sorted(days)
    found = used_up(way, left)
    reached = [day for day, spent in enumerate(way) if spent >= left]
    assert found == (0 if not left else reached[0] if reached else None)


def test_credits_may_take_days_below_nothing() -> None:
    found = forecast([*[-5] * 30, *[10] * 3, *[-5] * 9], 7)
    assert found is not None
    assert found.low <= found.middle <= found.high
    assert forecast([-5] * 40, 7) == Range(-35, -35, -35)


@pytest.mark.parametrize(
    ("totals", "said"),
    [([1, 2, 3], None), ([4, 1, 3, 2], (1, 4)), ([*range(10)], (1, 8)), ([*range(19)], (1, 17)),
     ([*range(20)], (2, 17))],
)  # fmt: skip
def test_usual_leaves_out_a_tenth_on_either_side(
    totals: list[int], said: tuple[int, int] | None
) -> None:
    assert usual(totals) == said


@given(st.lists(ticks, min_size=4))
def test_in_the_usual_range_are_eight_of_ten(totals: list[int]) -> None:
    low, high = usual(totals) or (0, 0)
    assert sum(low <= one <= high for one in totals) * 10 >= 8 * len(totals)


# ---- how often it holds


def held(name: str, past: int, days: int, groups: int = 100) -> tuple[int, Fraction, Fraction]:
    """Of so many groups how many ended in the range; width and error as shares of what came."""
    chance, within, width, off, actual = Random(f"{name} {past} {days}"), 0, 0, 0, 0
    for _ in range(groups):
        group = GROUPS[name](chance, past, days)
        came, found = sum(group[past:]), forecast(group[:past], days)
        assert found is not None
        within += found.low <= came <= found.high
        width, off = width + found.high - found.low, off + abs(found.middle - came)
        actual += came
    return within, Fraction(width, actual), Fraction(off, actual)


@pytest.mark.parametrize("name", [
    "steady", "weekly pattern", "growing by a third a month", "drifting", "bursty", "heavy-tailed",
])  # fmt: skip
@pytest.mark.parametrize("days", [7, 15])
def test_with_four_months_of_history_ranges_hold_eight_times_of_ten(name: str, days: int) -> None:
    within, _, _ = held(name, 120, days)
    assert within >= 74  # of 100, one deviation and a half below 80


def test_with_two_months_they_hold_for_a_group_that_grows() -> None:
    within, _, _ = held("growing by a third a month", 56, 15)
    assert within >= 88  # the ends that few spans give are moved out; without that 82


def test_a_range_of_a_steady_group_says_something() -> None:
    _, width, off = held("steady", 120, 15)
    assert width < Fraction(1, 2)
    assert off < Fraction(1, 10)


def test_a_change_of_tomorrow_is_foreseen_by_nobody() -> None:
    within, _, _ = held("changes tomorrow", 120, 15)
    assert within == 0


def test_a_backtest_counts_what_a_walk_through_the_days_counts() -> None:
    group = GROUPS["drifting"](Random(4), 60, 10)
    made = [(forecast(group[:at], 7), sum(group[at : at + 7])) for at in range(LEAST, 64)]
    found = backtest(group, 7)
    assert found.made == len(made) == 36
    assert found.within == sum(r is not None and r.low <= came <= r.high for r, came in made)
    assert found.below == sum(r is not None and came < r.low for r, came in made)
    assert found.actual == sum(came for _, came in made)
    assert 0 < found.within < found.made

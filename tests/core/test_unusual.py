"""Days beyond what a history makes likely: which are told, and how often for nothing."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.unusual import Unusual, unusual
from tests.core.spending import GROUPS

UNIT = 3_600_000_000
WEEK = [100, 100, 100, 100, 100, 10, 0]


def test_a_day_far_above_its_weekday_is_unusual() -> None:
    assert unusual(WEEK * 8, 1000) == Unusual(1000, 100, 150)
    assert unusual(WEEK * 8, 150) is None
    assert unusual([*WEEK * 8, *WEEK[:5]], 1000) == Unusual(1000, 10, 150)


def test_little_money_is_no_alarm() -> None:
    assert unusual([0] * 60, 3 * UNIT, 50 * UNIT) is None
    assert unusual([0] * 60, 51 * UNIT, 50 * UNIT) == Unusual(51 * UNIT, 0, 50 * UNIT)


def test_a_short_history_says_nothing() -> None:
    assert unusual([1] * 27, 10**9) is None
    assert unusual([1] * 28, 10**9) is not None


def test_one_unusual_day_hides_no_other() -> None:
    assert unusual([*[100] * 50, 5000, *[100] * 5], 4000) is not None
    assert unusual([*[100] * 50, 5000, 5000, *[100] * 5], 4000) is None


def test_days_that_differ_much_make_much_likely() -> None:
    rough = [(100, 900, 400, 50, 700, 300)[day % 6] for day in range(56)]
    assert unusual([400] * 56, 2000) is not None
    assert unusual(rough, 2000) is None


@given(st.lists(st.integers(0, 10**14), min_size=28, max_size=70), st.integers(0, 10**15))
def test_a_dearer_day_is_not_less_unusual(history: list[int], ticks: int) -> None:
    one, dearer = unusual(history, ticks), unusual(history, ticks + 1)
    assert one is None or (dearer is not None and dearer.limit == one.limit < ticks)


def alarms(name: str, years: int = 12) -> float:
    """False alarms a year of a group that goes on as it does."""
    chance, found = Random(name), 0
    for _ in range(years):
        group = GROUPS[name](chance, 56, 365)
        found += sum(
            unusual(group[day - 56 : day], group[day], 50 * UNIT) is not None
            for day in range(56, 56 + 365)
        )
    return found / years


@pytest.mark.parametrize(
    ("name", "most"), [("steady", 1), ("weekly pattern", 1), ("drifting", 4), ("heavy-tailed", 10)]
)
def test_false_alarms_are_few(name: str, most: int) -> None:
    assert alarms(name) <= most

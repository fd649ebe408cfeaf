"""What is left of an allocation on a day, and how long it will last."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.holdings import (
    CARRIED,
    COMING,
    EXPIRED,
    IN_USE,
    USED_UP,
    Outlook,
    holding,
)
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import TICKS

HOUR = 3600 * MICRO


def a_lot(**more: object) -> Lot:
    """100 GPU-hours for the days 10 to 19, half of which go on for five more."""
    settings = {"name": "grant", "team": "nlp", "project": None, "hours": True,
                "amount": 100 * HOUR, "first": 10, "last": 20,
                "carry": Fraction(1, 2), "carried": 25} | more  # fmt: skip
    return Lot(**settings)  # type: ignore[arg-type]


PLAIN = {"carry": Fraction(0), "carried": None}


@pytest.mark.parametrize(("day", "used", "left", "lapsed", "state", "days"), [
    (9, 0, 100, 0, COMING, 11), (10, 40, 60, 0, IN_USE, 10), (19, 40, 60, 0, IN_USE, 1),
    (20, 40, 30, 30, CARRIED, 5), (22, 50, 20, 30, CARRIED, 3), (24, 50, 20, 30, CARRIED, 1),
    (25, 50, 0, 50, EXPIRED, 0), (99, 50, 0, 50, EXPIRED, 0),
])  # fmt: skip
def test_a_lot_from_its_first_day_to_after_its_last(  # type: ignore[no-untyped-def]
    day, used, left, lapsed, state, days
) -> None:
    found = holding(a_lot(), day, {10: 40 * HOUR, 22: 10 * HOUR})
    assert (found.used, found.left, found.lapsed) == (used * HOUR, left * HOUR, lapsed * HOUR)
    assert (found.state, found.days_left) == (state, days)


def test_what_is_used_to_the_last_is_used_up_until_it_expires() -> None:
    drawn = {11: 100 * HOUR}
    assert holding(a_lot(), 11, drawn).state == USED_UP
    assert holding(a_lot(), 21, drawn).state == USED_UP
    assert holding(a_lot(), 25, drawn).state == EXPIRED


def test_parts_are_rounded_so_that_they_sum_to_the_whole() -> None:
    # thirds of a cent: 33.33 each is a cent short
    money = a_lot(hours=False, amount=100 * TICKS, carry=Fraction(1, 2))
    found = holding(money, 20, {10: 100 * TICKS // 3}).amounts(2)
    assert found == (100_00, 33_34, 33_33, 33_33)


@pytest.mark.parametrize(("lot", "day", "soon"), [
    (a_lot(first=0, last=40, **PLAIN), 9, False), (a_lot(first=0, last=40, **PLAIN), 10, True),
    (a_lot(carry=Fraction(1)), 12, False), (a_lot(), 12, True), (a_lot(), 22, True),
    (a_lot(), 9, False), (a_lot(), 25, False),
])  # fmt: skip
def test_expiry_is_soon_within_a_month_where_something_is_lost(  # type: ignore[no-untyped-def]
    lot, day, soon
) -> None:
    assert holding(lot, day, {}).expires_soon is soon


def test_less_than_a_tenth_is_little_and_nothing_is_none() -> None:
    assert not holding(a_lot(), 11, {11: 90 * HOUR}).is_low
    assert holding(a_lot(), 11, {11: 90 * HOUR + 1}).is_low
    assert not holding(a_lot(), 11, {11: 100 * HOUR}).is_low
    assert holding(a_lot(), 11, {11: 101 * HOUR}).state == USED_UP


@pytest.mark.parametrize(("drawn", "outlook"), [
    # ten a day: of 80 there are ten left after seven days, and the half that goes on is of a day
    ({10: 10, 11: 10}, Outlook(2, 20, 5 * HOUR)),
    # 15 a day: 70 are gone in five days
    ({10: 15, 11: 15}, Outlook(2, 17, 0)),
    # one: of 98 there are 91 left at the end, half are lost, and of the rest 40.5 once more
    ({10: 1, 11: 1}, Outlook(2, None, 45 * HOUR + HOUR // 2 + 40 * HOUR + HOUR // 2)),
    # today's own are no whole day's
    ({12: 10}, None),
    ({}, None),
    ({10: 100}, None),
])  # fmt: skip
def test_where_it_leads(drawn, outlook) -> None:  # type: ignore[no-untyped-def]
    found = holding(a_lot(), 12, {day: hours * HOUR for day, hours in drawn.items()})
    assert found.outlook == outlook


def test_only_the_last_thirty_days_count() -> None:
    lot = a_lot(first=0, last=1000, amount=1000 * HOUR, **PLAIN)
    found = holding(lot, 100, {10: 300 * HOUR, 70: 60 * HOUR, 99: 30 * HOUR}).outlook
    # three a day: the 610 that are left are gone in 204 days
    assert found == Outlook(30, 304, 0)


amounts = st.integers(1, 60)


@given(
    amounts, st.integers(1, 40), st.integers(0, 30), st.integers(1, 8),
    st.sampled_from([Fraction(0), Fraction(1, 2), Fraction(1)]), st.integers(1, 30),
)  # fmt: skip
def test_the_outlook_is_what_going_on_so_from_day_to_day_comes_to(
    amount: int, length: int, day: int, each: int, carry: Fraction, more: int
) -> None:
    ends = length + more if carry else None
    lot = a_lot(first=0, last=length, amount=2 * amount, carry=carry, carried=ends)
    found = holding(lot, day, dict.fromkeys(range(min(day, 2 * amount // each)), each))
    if found.outlook is None or found.left < 0:
        return
    rate = Fraction(sum(found.drawn.values()), min(day, 30))
    left, lost, today = Fraction(found.left), 0, day
    while left > 0 and today < lot.ends:
        today += 1
        if today == lot.last:
            lost += _half_away(left * (1 - carry))
            left = Fraction(int(left * carry))
        elif today == lot.ends:
            lost += _half_away(left)
            left = Fraction(0)
        if left > 0 and today < lot.ends:
            left -= rate
            if left <= 0:
                assert (found.outlook.lasts_until, found.outlook.unused) == (today, lost)
                return
    assert (found.outlook.lasts_until, found.outlook.unused) == (None, lost)


def _half_away(value: Fraction) -> int:
    return int(value + Fraction(1, 2))

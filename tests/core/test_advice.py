"""What should have been bought, against fractions and against every level there is."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slurm_finops.core.advice import (
    Hour,
    Overfull,
    Prices,
    SeveralPrices,
    cheapest_units,
    floor_units,
    idle_seconds,
    level,
    minor_of,
    price_of_kind,
    seconds_of,
    use_of,
)
from slurm_finops.core.estimate import Price
from slurm_finops.core.rates import Rate, RateBook

LENGTHS = st.sampled_from([3600, 3600, 3600, 1800])


@st.composite
def an_hour(draw: st.DrawFn) -> Hour:
    """An hour of a day, or the half that is left of an odd one; use that need not be whole."""
    seconds = draw(LENGTHS)
    whole = draw(st.integers(0, 12)) * seconds
    return Hour(seconds, draw(st.one_of(st.just(whole), st.integers(0, 12 * seconds))))


HOURS = st.lists(an_hour(), min_size=1, max_size=40)
WHOLE = st.lists(
    st.builds(lambda s, u: Hour(s, s * u), LENGTHS, st.integers(0, 12)), min_size=1, max_size=40
)
PRICES = st.builds(Prices, st.integers(0, 20), st.integers(0, 20), st.sampled_from([1, 7, 8]))


def cost(hours: list[Hour], prices: Prices, units: int) -> Fraction:
    """In currency, as the law is written: L for all hours, and what is above it on demand."""
    total = Fraction(0)
    for seconds, held in hours:
        above = max(Fraction(0), Fraction(held, 3600) - Fraction(units * seconds, 3600))
        total += Fraction(units * seconds, 3600) * prices.committed + above * prices.on_demand
    return total / 10**6 / prices.per


def concurrency(hours: list[Hour]) -> list[tuple[Fraction, int]]:
    return sorted((Fraction(held, seconds), seconds) for seconds, held in hours)


def quantile(hours: list[Hour], part: Fraction) -> Fraction:
    """The least use that ``part`` of the time is at or below."""
    counted = 0
    for use, seconds in concurrency(hours):
        counted += seconds
        if Fraction(counted, seconds_of(hours)) >= part:
            return use
    raise AssertionError


@given(HOURS, PRICES, st.integers(0, 15))
def test_a_level_costs_what_the_law_says(hours: list[Hour], prices: Prices, units: int) -> None:
    found = level(hours, prices, units)
    assert Fraction(found.cost, 10**6 * 3600 * prices.per) == cost(hours, prices, units)
    for digits in (0, 2, 3):
        exact = cost(hours, prices, units) * 10**digits
        assert abs(minor_of(found.cost, prices.per, digits) - exact) <= Fraction(1, 2)


@given(HOURS, PRICES)
def test_the_cheapest_level_is_the_least_of_all_levels(hours: list[Hour], prices: Prices) -> None:
    levels = range(max(-(-held // seconds) for seconds, held in hours) + 2)
    least = min(levels, key=lambda units: (cost(hours, prices, units), units))
    assert cheapest_units(hours, prices) == least


@given(WHOLE, st.integers(0, 20), st.integers(1, 20))
def test_the_cheapest_level_is_the_quantile_of_use(
    hours: list[Hour], committed: int, on_demand: int
) -> None:
    prices = Prices(committed, on_demand)
    if committed < on_demand:
        rule = quantile(hours, 1 - Fraction(committed, on_demand))
        assert cheapest_units(hours, prices) == rule


@given(HOURS, st.integers(0, 20), st.integers(1, 20))
def test_of_use_that_is_not_whole_it_is_the_quantile_rounded(
    hours: list[Hour], committed: int, on_demand: int
) -> None:
    if committed < on_demand:
        rule = quantile(hours, 1 - Fraction(committed, on_demand))
        assert abs(cheapest_units(hours, Prices(committed, on_demand)) - rule) < 1


@given(HOURS)
@example([Hour(3600, 3600 * units) for units in range(20)])
def test_the_floor_is_the_most_that_95_percent_of_the_time_held(hours: list[Hour]) -> None:
    def held(units: int) -> Fraction:
        at_least = sum(seconds for use, seconds in concurrency(hours) if use >= units)
        return Fraction(at_least, seconds_of(hours))

    floor = floor_units(hours)
    assert held(floor) >= Fraction(95, 100)
    assert held(floor + 1) < Fraction(95, 100)


@given(WHOLE)
@example([Hour(3600, 3600 * units) for units in range(20)])
def test_the_floor_is_right_for_a_discount_of_5_percent(hours: list[Hour]) -> None:
    prices = Prices(95, 100)
    best = level(hours, prices, cheapest_units(hours, prices))
    assert level(hours, prices, floor_units(hours)).cost == best.cost


@given(HOURS, st.integers(0, 20), st.integers(0, 20))
def test_what_is_no_cheaper_is_not_committed(hours: list[Hour], price: int, more: int) -> None:
    assert cheapest_units(hours, Prices(price + more, price)) == 0


def test_of_levels_that_cost_the_same_the_smaller_is_taken() -> None:
    hours = [Hour(3600, 0), Hour(3600, 5 * 3600)]
    prices = Prices(1, 2)
    assert {level(hours, prices, units).cost for units in range(6)} == {10 * 3600}
    assert cheapest_units(hours, prices) == 0


def test_a_commitment_that_costs_nothing_covers_the_most_that_was_used() -> None:
    assert cheapest_units([Hour(3600, 0), Hour(3600, 5 * 3600 + 1)], Prices(0, 2)) == 6


def test_the_example_of_the_documentation() -> None:
    hours = [Hour(3600, 3600 * units) for units in (0, 2, 2, 3, 4, 4, 6, 6, 8, 9)]
    prices = Prices.of(Price(2_350_000, 1), Price(3_920_000, 1))
    assert cheapest_units(hours, prices) == 4
    assert floor_units(hours) == 0
    assert [minor_of(level(hours, prices, units).cost, 1, 2) for units in (0, 3, 4, 5)] == [
        17248, 14498, 14496, 15278,
    ]  # fmt: skip


@given(HOURS, st.integers(0, 15))
def test_used_and_unused_are_what_was_bought(hours: list[Hour], units: int) -> None:
    found = level(hours, Prices(0, 1), units)
    assert found.bought_seconds == units * seconds_of(hours)
    assert 0 <= found.used_seconds <= found.bought_seconds
    # what is left over is what is paid on demand
    assert found.cost == use_of(hours) - found.used_seconds


@given(HOURS, st.integers(0, 15))
def test_idle_is_capacity_without_use(hours: list[Hour], capacity: int) -> None:
    over = [i for i, (seconds, held) in enumerate(hours) if Fraction(held, seconds) > capacity]
    if over:
        with pytest.raises(Overfull) as error:
            idle_seconds(hours, capacity)
        assert error.value.hour == over[0]
    else:
        expected = sum(Fraction(capacity) - use for use, _ in concurrency(hours)) if all(
            seconds == 3600 for seconds, _ in hours
        ) else Fraction(capacity * seconds_of(hours) - use_of(hours), 3600)  # fmt: skip
        assert Fraction(idle_seconds(hours, capacity), 3600) == expected


@given(st.integers(1, 10**9), st.integers(1, 100), st.integers(1, 10**9), st.integers(1, 100))
def test_prices_of_several_units_are_compared_by_the_unit(
    committed: int, per: int, on_demand: int, other: int
) -> None:
    prices = Prices.of(Price(committed, per), Price(on_demand, other))
    assert Fraction(prices.committed, prices.per) == Fraction(committed, per)
    assert Fraction(prices.on_demand, prices.per) == Fraction(on_demand, other)
    assert prices.pays == (Fraction(committed, per) < Fraction(on_demand, other))


# ---- the configured price of a kind

H100 = "gres/gpu:h100"


def rate(price: int, pricing: str = "on_demand", sku: str = H100, **more: object) -> Rate:
    match = tuple(sorted(dict(more.pop("match", {})).items()))  # type: ignore[call-overload]
    return Rate(sku, price, pricing=pricing, match=match, **{"start": 0} | more)  # type: ignore[arg-type]


def found(rates: list[Rate], pricing: str = "on_demand", at: int = 1000, **dims: str) -> int | None:
    price = price_of_kind(RateBook(rates), H100, pricing, dims, at)
    return price.micros if price else None


def test_the_rate_in_force_at_the_moment_counts() -> None:
    rates = [rate(1, start=100), rate(2, start=200)]
    assert [found(rates, at=at) for at in (99, 199, 200)] == [None, 1, 2]


def test_each_kind_has_its_own_price() -> None:
    rates = [rate(4), rate(3, "committed", rank=-1), rate(1, "spot", match={"partition": "spot"})]
    assert [found(rates, kind) for kind in ("on_demand", "committed", "spot")] == [4, 3, 1]
    assert found(rates[:1], "spot") is None


def test_a_rate_of_another_partition_does_not_apply() -> None:
    rates = [rate(4), rate(5, match={"partition": "fast"})]
    assert found(rates) == 4
    assert found(rates, partition="fast") == 5
    assert found(rates, partition="slow") == 4


def test_gpus_without_a_rate_of_their_own_have_that_of_any_gpu() -> None:
    assert found([rate(4, sku="gres/gpu")]) == 4
    assert found([rate(4, sku="gres/gpu"), rate(5)]) == 5


def test_what_only_a_partition_could_tell_is_not_guessed() -> None:
    rates = [rate(4, match={"partition": "a"}), rate(5, match={"partition": "b"})]
    with pytest.raises(SeveralPrices) as error:
        found(rates)
    assert sorted(one.price for one in error.value.rates) == [4, 5]
    assert found(rates, partition="b") == 5
    assert found([rates[0], rates[1]._replace(price=4)]) == 4

"""The most a job can cost: never less than it comes to, and hardly more."""

from datetime import UTC
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.charge import charge
from slurm_finops.core.estimate import Price, clock, cost, estimate, price_text
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import Rate
from slurm_finops.core.request import Request

FACTORS = st.sampled_from([Fraction(0), Fraction(2, 3), Fraction(1), Fraction(3, 2)])
PRICES = st.builds(
    Price, st.integers(0, 10**11), st.sampled_from([1, 7, 8, 1024]),
    st.lists(FACTORS, max_size=3).map(tuple),
)  # fmt: skip


@given(PRICES, st.integers(0, 10**4), st.integers(0, 10**6), st.sampled_from([0, 2, 3]))
def test_against_fractions(price: Price, quantity: int, minutes: int, digits: int) -> None:
    exact = Fraction(price.micros, 10**6) / price.per * quantity * Fraction(minutes, 60)
    exact *= prod(price.factors)
    minor = cost(price, quantity, minutes, digits)
    assert 0 <= minor - exact * 10**digits < 1


@given(st.integers(1, 10**8), st.integers(1, 64), st.integers(1, 20_000))
def test_no_run_within_its_limit_is_charged_more(price: int, gpus: int, minutes: int) -> None:
    book = PriceBook([Rate("gres/gpu", price, 0, per=7)])
    found = estimate(book, Request({"gres/gpu": gpus}, minutes), "alpha", 0, 2)
    segments = book.segments("gres/gpu", {})
    lines = charge(1000, 1000 + minutes * 60, gpus, segments, Calendar(UTC))
    billed = sum(line.ticks or 0 for line in lines)
    assert Fraction(billed, TICKS) * 100 <= (found.minor or 0)


def test_the_dearest_partition_and_type_count() -> None:
    book = PriceBook([
        Rate("gres/gpu:h100", 3_920_000, 0),
        Rate("gres/gpu:a100", 31_000_000, 0, per=8),
        Rate("gres/gpu:h100", 1_000_000, 0, match=(("partition", "spot"),)),
    ])  # fmt: skip

    def most(sku: str, *partitions: str) -> int | None:
        return estimate(book, Request({sku: 1}, 60, 1, partitions), "alpha", 0, 2).minor

    assert most("gres/gpu:h100", "spot") == 100
    assert most("gres/gpu:h100", "spot", "main") == 392
    assert most("gres/gpu:a100") == 388
    assert most("gres/gpu") == 392


def test_prices_are_those_of_the_moment() -> None:
    book = PriceBook([Rate("gres/gpu", 1_000_000, 100), Rate("gres/gpu", 2_000_000, 200)])
    asked = Request({"gres/gpu": 1}, 60)
    assert estimate(book, asked, "a", 99, 2).unpriced == ("gres/gpu",)
    assert [estimate(book, asked, "a", at, 2).minor for at in (100, 199, 200)] == [100, 100, 200]


@pytest.mark.parametrize(
    ("price", "digits", "text"),
    [(Price(3_920_000, 1), 2, "3.92/h"), (Price(4_000_000, 1), 2, "4.00/h"),
     (Price(1_000_003, 1), 2, "1.000003/h"), (Price(31_360_000, 8), 2, "31.36/h for 8"),
     (Price(5_000_000_000, 1), 0, "5000/h")],
)  # fmt: skip
def test_how_a_price_is_written(price: Price, digits: int, text: str) -> None:
    assert price_text(price, digits) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "00:00:00"), (61, "01:01:00"), (1440, "24:00:00"), (2879, "47:59:00"),
     (2880, "2-00:00:00"), (100_000, "69-10:40:00")],
)  # fmt: skip
def test_how_a_limit_is_written(minutes: int, text: str) -> None:
    assert clock(minutes) == text

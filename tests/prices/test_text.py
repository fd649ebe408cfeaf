"""Text becomes integers, or is refused."""

from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.words import utc
from slurm_finops.prices.text import count, is_sku, moment, price_micros


@given(st.integers(0, (1 << 63) - 1), st.integers(0, 10))
def test_a_price_keeps_its_digits_however_many_zeros_follow(micros: int, zeros: int) -> None:
    whole, rest = divmod(micros, 1_000_000)
    assert price_micros(f"{whole}.{rest:06d}" + "0" * zeros) == micros


@given(st.decimals(0, 10_000, places=9))
def test_a_digit_behind_the_sixth_decimal_is_refused_and_never_rounded(price: object) -> None:
    exact = Fraction(str(price)) * 1_000_000
    if exact.denominator == 1:
        assert price_micros(f"{price:f}") == exact
    else:
        with pytest.raises(ValueError, match="more than 6 decimals"):
            price_micros(f"{price:f}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"), ("  ", "empty"), ("-1", "negative"), ("−1", "negative"),
        ("NaN", "plain decimal"), ("Infinity", "plain decimal"), ("1e3", "plain decimal"),
        ("1,000.00", "plain decimal"), ("$3", "plain decimal"), ("٣", "plain decimal"),
        ("0.0000001", "more than 6"), ("9223372036854.775808", "larger than a ledger"),
        ("9" * 5000, "no number that a price"),
    ],
)  # fmt: skip
def test_what_is_no_price_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        price_micros(text)


@given(st.integers(0, (1 << 33) - 1), st.integers(0, 999_999), st.integers(-14 * 60, 14 * 60))
def test_a_time_with_an_offset_is_that_instant_without_its_fraction(
    seconds: int, micros: int, minutes: int
) -> None:
    zone = timezone(timedelta(minutes=minutes))
    stamp = datetime.fromtimestamp(seconds, zone).replace(microsecond=micros)
    assert moment(stamp.isoformat(), None) == seconds


def test_a_date_is_midnight_in_the_zone_and_needs_one() -> None:
    assert moment("2026-06-01", UTC) == moment("2026-06-01T00:00:00.000Z", None)
    assert moment("2026-06-01", ZoneInfo("Europe/Zurich")) == moment("2026-06-01T00:00+02:00", None)
    for text in ("2026-06-01", "2026-06-01T00:00:00", "yesterday", "", "2026-13-01",
                 "1969-12-31T23:59:59Z", "9999-12-31T23:59:59Z"):  # fmt: skip
        with pytest.raises(ValueError, match="is no time such as"):
            moment(text, None)
    assert utc(moment("2026-06-01T12:00:00+02:00", None)) == "2026-06-01T10:00:00Z"


def test_counts_are_whole_and_one_or_more() -> None:
    assert [count(text) for text in ("8", "8.0", " 8.00 ", "1")] == [8, 8, 8, 1]
    texts = ("", "0", "0.5", "-8", "NA", "8x", "٣", "1e1", "9" * 5000)
    assert {count(text) for text in texts} == {None}


def test_skus_are_names_of_tres() -> None:
    assert all(map(is_sku, ("gres/gpu:h100", "cpu", "gres/gpu:a100_1g.5gb", "license/x@y")))
    assert not any(map(is_sku, ("", "8", "gres/gpu:rtx 6000", "a,b", "cpu=1,b", "-x")))

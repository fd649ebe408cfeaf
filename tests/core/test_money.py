"""Money is an integer: it is rounded once, and its parts sum to it."""

import sqlite3
from decimal import Decimal
from fractions import Fraction
from math import floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slurm_finops.core.money import (
    TICKS,
    apportion,
    apportion_ticks,
    exact_text,
    join_ticks,
    minor_digits,
    minor_text,
    parse_decimal,
    round_half_away,
    split_amount,
    to_minor,
)

HOUR = 3600
SHARES = {"nlp": 40, "cv": 25, "platform": 15, "research": 12, "product": 8}
#: sums that leave a cent over, halves included
TICK_AMOUNTS = st.one_of(
    st.integers(-(10**14), 10**14),
    st.integers(-2000, 2000).map(lambda half_cents: half_cents * TICKS // 200),
    st.sampled_from([0, 1, -1, TICKS, -TICKS, TICKS // 3, -TICKS // 3]),
)
DIGITS = st.sampled_from([0, 2, 3])


def nearest(exact: Fraction) -> int:
    """Halves go away from zero: the plain reading of the rule."""
    return floor(exact + Fraction(1, 2)) if exact >= 0 else -floor(-exact + Fraction(1, 2))


def exact_minor(ticks: int, digits: int) -> Fraction:
    return Fraction(ticks, 3_600_000_000) * 10**digits


def dealt(amounts: dict[str, int], digits: int) -> dict[str, int]:
    """Largest remainder dealt by hand: one unit at a time to whoever is owed the most."""
    exact = {key: exact_minor(ticks, digits) for key, ticks in amounts.items()}
    shares = {key: int(value) for key, value in exact.items()}  # int() cuts toward zero
    total = nearest(sum(exact.values(), Fraction(0)))
    while (missing := total - sum(shares.values())) != 0:
        sign = 1 if missing > 0 else -1
        owed = {key: (exact[key] - shares[key]) * sign for key in shares}
        most = max(owed.values())
        shares[min(key for key in owed if owed[key] == most)] += sign
    return shares


@st.composite
def named_amounts(draw: st.DrawFn) -> dict[str, int]:
    amounts = draw(st.lists(TICK_AMOUNTS, min_size=1, max_size=12))
    return {f"team{i:02d}": ticks for i, ticks in enumerate(amounts)}


def shares_of(amounts: dict[str, int], digits: int) -> dict[str, int]:
    keys = list(amounts)
    return dict(zip(keys, apportion_ticks(list(amounts.values()), digits, keys), strict=True))


@pytest.mark.parametrize(
    ("numerator", "denominator", "nearest_whole"),
    [(1, 2, 1), (-1, 2, -1), (3, 2, 2), (5, 2, 3), (-5, 2, -3), (49, 100, 0), (-49, 100, 0),
     (0, 7, 0), (-4, 2, -2)],
)  # fmt: skip
def test_a_half_rounds_away_from_zero(numerator, denominator, nearest_whole):
    assert round_half_away(numerator, denominator) == nearest_whole


@given(st.integers(), st.integers(1, 10**12))
def test_rounding_is_what_the_exact_fraction_rounds_to(numerator, denominator):
    assert round_half_away(numerator, denominator) == nearest(Fraction(numerator, denominator))


@given(TICK_AMOUNTS, DIGITS)
def test_ticks_become_the_nearest_minor_unit(ticks, digits):
    assert to_minor(ticks, digits) == nearest(exact_minor(ticks, digits))


@given(named_amounts(), DIGITS)
def test_shares_sum_to_the_rounded_total(amounts, digits):
    total = nearest(exact_minor(sum(amounts.values()), digits))
    assert sum(shares_of(amounts, digits).values()) == total


@given(named_amounts(), DIGITS)
def test_each_share_is_within_one_minor_unit_of_its_exact_value(amounts, digits):
    for key, share in shares_of(amounts, digits).items():
        assert abs(share - exact_minor(amounts[key], digits)) < 1


@given(named_amounts(), DIGITS)
def test_shares_are_those_dealt_by_hand(amounts, digits):
    assert shares_of(amounts, digits) == dealt(amounts, digits)


@given(named_amounts(), DIGITS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(amounts, digits, random):
    rows = list(amounts.items())
    random.shuffle(rows)
    assert shares_of(dict(rows), digits) == shares_of(amounts, digits)


@given(named_amounts(), DIGITS)
def test_corrections_mirror_what_they_correct(amounts, digits):
    corrections = {key: -ticks for key, ticks in amounts.items()}
    assert shares_of(corrections, digits) == {
        key: -share for key, share in shares_of(amounts, digits).items()
    }


@given(named_amounts(), DIGITS)
def test_no_share_is_given_to_an_amount_that_is_whole(amounts, digits):
    for key, share in shares_of(amounts, digits).items():
        exact = exact_minor(amounts[key], digits)
        if exact.denominator == 1:
            assert share == exact


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=10))
def test_a_split_amount_sums_to_the_amount(amount, weights):
    weights[0] += 1
    parts = split_amount(amount, weights, range(len(weights)))
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, sum(weights))) < 1
        assert weight or part == 0


@given(
    st.integers(-(10**12), 10**12), st.integers(0, 10**6), st.integers(0, 10**6),
    st.permutations(["a", "b"]),
)  # fmt: skip
@example(5, 1, 1, ["b", "a"])
@example(-5, 1, 1, ["a", "b"])
def test_two_parts_are_what_they_would_be_among_three(amount, one, two, names):
    weights = [one, two] if one or two else [1, 1]
    *parts, nothing = split_amount(amount, [*weights, 0], [*names, "c"])
    assert split_amount(amount, weights, names) == parts
    assert nothing == 0


def test_a_tie_goes_to_the_smallest_key_wherever_it_stands():
    assert split_amount(100, [1, 1, 1], ["c", "a", "b"]) == [33, 34, 33]
    assert split_amount(101, [1, 1, 1], ["c", "a", "b"]) == [33, 34, 34]
    assert split_amount(-100, [1, 1, 1], ["c", "a", "b"]) == [-33, -34, -33]


def test_mixed_signs_are_cut_toward_zero_and_then_dealt():
    # 0.6 + 0.6 - 0.6 cents is one cent, which the first of the two positives carries
    amounts = {"a": 6, "b": 6, "c": -6}
    assert shares_of({k: n * TICKS // 1000 for k, n in amounts.items()}, 2) == {
        "a": 1, "b": 0, "c": 0,
    }  # fmt: skip


def test_nothing_is_apportioned_to_nobody():
    assert apportion_ticks([], 2, []) == []


def test_a_total_that_is_not_the_sum_of_its_quotas_is_refused():
    with pytest.raises(ValueError, match="3 is not the rounded sum"):
        apportion(3, [1, 1], 2, ["a", "b"])
    with pytest.raises(ValueError, match="2 is not the rounded sum"):
        apportion(2, [2, 0], 2, ["a", "b"])


def test_an_hour_of_the_node_split_by_tokens_sums_to_the_cent():
    rounded_alone = [nearest(Fraction(3136 * percent, 100)) for percent in SHARES.values()]
    assert sum(rounded_alone) == 3135
    parts = split_amount(3136, list(SHARES.values()), list(SHARES))
    assert dict(zip(SHARES, parts, strict=True)) == {
        "nlp": 1255, "cv": 784, "platform": 470, "research": 376, "product": 251,
    }  # fmt: skip
    assert sum(parts) == 3136


@pytest.mark.parametrize(
    ("price", "total", "cents"),
    [
        ("3.92", "22579.20", [903168, 564480, 338688, 270950, 180634]),
        ("6.88", "39628.80", [1585152, 990720, 594432, 475546, 317030]),
    ],
)
def test_the_month_of_the_node_by_team(price, total, cents):
    gpu_seconds = [5760 * HOUR * percent // 100 for percent in SHARES.values()]
    ticks = [parse_decimal(price, 6) * seconds for seconds in gpu_seconds]
    assert minor_text(to_minor(sum(ticks), 2), 2) == total
    assert apportion_ticks(ticks, 2, list(SHARES)) == cents


def test_the_month_of_the_node_on_spot():
    assert to_minor(parse_decimal("2.91", 6) * 5760 * HOUR, 2) == 1_676_160


def sums(values: list[int | None]) -> tuple[int | None, int | None]:
    """What SQLite itself answers to the two sums."""
    db = sqlite3.connect(":memory:")
    try:
        db.execute("CREATE TABLE charges (x INTEGER)")
        db.executemany("INSERT INTO charges VALUES (?)", [(value,) for value in values])
        return db.execute(f"SELECT SUM(x / {TICKS}), SUM(x % {TICKS}) FROM charges").fetchone()
    finally:
        db.close()


def test_a_month_in_won_passes_64_bits_and_is_summed_all_the_same():
    charges = [2_500_000_000 * TICKS + 1] * 400
    total = join_ticks(*sums(charges))
    assert total == 10**12 * TICKS + 400 > 2**63
    assert minor_text(to_minor(total, minor_digits("KRW")), 0) == "1000000000000"


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.none(), max_size=30))
def test_the_two_sums_are_the_sum(values):
    assert join_ticks(*sums(values)) == sum(value or 0 for value in values)


def test_no_rows_are_no_money():
    assert sums([]) == (None, None)
    assert join_ticks(None, None) == 0


@pytest.mark.parametrize(
    ("currency", "digits"),
    [("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("KWD", 3), ("CLF", 4)],
)
def test_a_currency_is_booked_in_its_own_minor_units(currency, digits):
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("text", "micros"),
    [("3.92", 3_920_000), ("0", 0), ("12", 12_000_000), ("0.000001", 1), ("007.5", 7_500_000)],
)
def test_a_price_is_read_exactly(text, micros):
    assert parse_decimal(text, 6) == micros


@pytest.mark.parametrize(
    "text",
    ["", ".", ".5", "5.", "+1", "-1", "1e3", "1,000", "1_000", " 1", "1\n", "٣", "3.９", "²", "NaN",
     "1.2.3", "0x1"],
)  # fmt: skip
def test_only_plain_decimals_are_prices(text):
    with pytest.raises(ValueError, match="plain decimal"):
        parse_decimal(text, 6)


def test_surplus_decimals_are_not_rounded_away_in_silence():
    with pytest.raises(ValueError, match="more than 6 decimals"):
        parse_decimal("1.0000000", 6)


@given(st.integers(-(10**15), 10**15), st.sampled_from([0, 2, 3, 4]))
def test_minor_units_are_shown_with_all_their_digits(minor, digits):
    text = minor_text(minor, digits)
    assert Decimal(text) == Decimal(minor).scaleb(-digits)
    assert len(text.partition(".")[2]) == digits


@given(st.integers(0, 10**15), st.sampled_from([0, 2, 3, 6]))
def test_what_is_shown_reads_back(minor, digits):
    assert parse_decimal(minor_text(minor, digits), digits) == minor


@given(st.integers(0, 10**15), st.integers(1, 10**7), st.integers(0, 4))
def test_an_exact_text_is_the_fraction_again_and_a_decimal_wherever_there_is_one(
    numerator: int, denominator: int, places: int
) -> None:
    text = exact_text(numerator, denominator, places)
    fraction = Fraction(numerator, denominator)
    assert Fraction(text) == fraction
    ends = (10**30) % fraction.denominator == 0
    assert ("/" not in text) == ends
    if ends:
        decimals = text.partition(".")[2]
        assert len(decimals) >= places
        assert len(decimals) == places or not decimals.endswith("0")


def test_exact_texts() -> None:
    assert exact_text(31_360_000, 8_000_000, 2) == "3.92"
    assert [exact_text(3, 1, 2), exact_text(3, 1), exact_text(10, 3, 2)] == ["3.00", "3", "10/3"]

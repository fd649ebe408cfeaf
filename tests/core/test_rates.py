"""Which rate applies, and what two lists of rates can price differently."""

from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.rates import EVER, Card, Curve, Rate, RateBook, RateError, touched

GPU, H100, A100 = "gres/gpu", "gres/gpu:h100", "gres/gpu:a100"
IN_A, IN_B = (("partition", "a"),), (("partition", "b"),)
ON_X_IN_A = (("cluster", "x"), ("partition", "a"))
FAST = (("qos", "fast"),)


def applied(book: RateBook, sku: str, instant: int = 0, **run: str) -> Card | None:
    return [s for s in book.segments(sku, run) if s.start <= instant][-1].card


def rate(sku: str = H100, price: int = 1, start: int = 0, **more: object) -> Rate:
    return Rate(sku, price, start, **more)  # type: ignore[arg-type]


def test_the_most_specific_match_applies():
    book = RateBook([rate(), rate(match=IN_A), rate(match=ON_X_IN_A)])
    assert applied(book, H100).match == ()
    assert applied(book, H100, partition="b").match == ()
    assert applied(book, H100, partition="a", cluster="y").match == IN_A
    assert applied(book, H100, partition="a", cluster="x").match == ON_X_IN_A


def test_rank_only_breaks_ties():
    book = RateBook([rate(match=IN_A), rate(match=FAST, rank=1), rate(rank=9)])
    assert applied(book, H100, partition="a", qos="fast").match == FAST
    assert applied(book, H100, partition="a").match == IN_A
    assert applied(book, H100).rank == 9


def test_the_order_of_rates_changes_nothing():
    rates = [rate(match=IN_A), rate(match=FAST, rank=1), rate(), rate(GPU, match=ON_X_IN_A)]
    run = {"partition": "a", "qos": "fast", "cluster": "x"}
    assert {applied(RateBook(order), H100, **run).match for order in permutations(rates)} == {FAST}


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (rate(match=IN_A, where="rates[1]"), rate(match=FAST, where="rates[2]")),
        (
            rate(match=ON_X_IN_A, where="rates[1]"),
            rate(match=(("account", "nlp"), ("qos", "fast")), where="rates[2]"),
        ),
        # in force at different times, but each holds for ever
        (rate(match=IN_A, where="rates[1]"), rate(match=FAST, start=99, where="rates[2]")),
    ],
)
def test_rates_that_tie_and_could_both_apply_are_refused_by_name(one, two):
    with pytest.raises(RateError, match=r"both apply") as raised:
        RateBook([one, two])
    assert "rates[1]" in str(raised.value)
    assert "rates[2]" in str(raised.value)


@pytest.mark.parametrize(
    "rates",
    [
        [rate(match=IN_A), rate(match=IN_B)],
        [rate(match=IN_A), rate(match=FAST, rank=1)],
        [rate(match=IN_A), rate(A100, match=FAST)],
        [rate(match=IN_A), rate(match=(("partition", "b"), ("qos", "fast")))],
        [rate(), rate(GPU)],
        [rate(start=0), rate(start=1)],
    ],
)
def test_rates_that_cannot_tie_stand_together(rates):
    RateBook(rates)


def test_two_rates_of_one_series_from_one_moment_are_refused_by_name():
    with pytest.raises(RateError, match="same moment") as raised:
        RateBook([rate(price=1, where="rates[1]"), rate(price=2, where="rates[2]")])
    assert "rates[1]" in str(raised.value)
    assert "rates[2]" in str(raised.value)


def test_a_type_has_its_own_rate_before_that_of_all_gpus():
    book = RateBook([rate(H100, 5), rate(GPU, 3, match=ON_X_IN_A), rate(GPU, 2)])
    run = {"cluster": "x", "partition": "a"}
    assert applied(book, H100, **run).sku == H100
    assert applied(book, A100, **run) == Card(GPU, ON_X_IN_A, 0, "on_demand")
    assert applied(book, A100).match == ()
    assert applied(book, GPU).sku == GPU


@pytest.mark.parametrize("sku", ["gres/shard", "gres/gpumem", "gres/fpga", "cpu"])
def test_only_gpus_fall_back_on_the_rate_of_gpus(sku):
    assert applied(RateBook([rate(GPU)]), sku) is None


def test_until_its_own_rate_begins_a_type_costs_what_gpus_cost():
    book = RateBook([rate(H100, 5, 100), rate(GPU, 3, 50)])
    assert [(s.start, s.card and s.card.sku) for s in book.segments(H100, {})[1:]] == [
        (50, GPU), (100, H100),
    ]  # fmt: skip
    assert applied(book, H100, 49) is None


def test_a_change_of_price_alone_cuts_no_segment():
    book = RateBook([rate(price=price, start=price) for price in range(100)])
    assert len(book.segments(H100, {})) == 2


def test_a_rate_that_does_not_apply_cuts_no_segment():
    spot = rate(GPU, 3, 50, pricing="spot")
    book = RateBook([rate(H100), spot, rate(GPU, 2, 70), rate(H100, 9, 60, match=IN_A)])
    assert [s.start for s in book.segments(H100, {"partition": "b"})[1:]] == [0]


def test_spot_is_listed_by_the_nearest_on_demand_rate():
    generic, own = rate(GPU, 7), rate(H100, 5)
    spot = rate(H100, 2, match=IN_A, pricing="spot")
    listed = RateBook([generic, own, spot]).segments(H100, {"partition": "a"})[-1]
    assert listed.card.pricing == "spot"
    assert listed.list_curve.between(0, 10) == 50
    listed = RateBook([generic, spot]).segments(H100, {"partition": "a"})[-1]
    assert listed.list_curve.between(0, 10) == 70


# ---- curves


@given(
    st.lists(
        st.tuples(st.integers(0, 1000), st.integers(0, 10**6), st.sampled_from([1, 6, 8, 15])),
        min_size=1, max_size=8, unique_by=lambda step: step[0],
    ),
    st.integers(0, 2000),
)  # fmt: skip
def test_prices_for_different_numbers_of_units_are_joined_exactly(steps, after):
    curve = Curve.of([rate(price=price, start=start, per=per) for start, price, per in steps])
    first = min(steps)[0]
    sums = [Fraction(0)]
    for second in range(first, first + after):
        _, price, per = max(step for step in steps if step[0] <= second)
        sums.append(sums[-1] + Fraction(price, per))
    for start in {0, after // 3, after}:
        found = Fraction(curve.between(first + start, first + after), curve.per)
        assert found == sums[after] - sums[start]


def test_the_common_number_of_units_is_the_least():
    assert Curve.of([rate(start=i, per=per) for i, per in enumerate([6, 8, 1])]).per == 24


# ---- random books against a reading rate by rate

SERIES = [
    (GPU, (), 0), (GPU, IN_A, 0), (H100, (), 0), (H100, (), 3), (H100, IN_A, 0), (H100, IN_B, 0),
    (H100, FAST, 1), (H100, ON_X_IN_A, 0), ("cpu", (), 0), ("cpu", FAST, 0),
]  # fmt: skip
RATE = st.builds(
    lambda series, price, start, per, pricing: Rate(
        series[0], price, start, per, pricing, series[1], series[2]
    ),
    st.sampled_from(SERIES),
    st.integers(0, 3),
    st.integers(0, 12),
    st.sampled_from([1, 2]),
    st.sampled_from(["on_demand", "spot"]),
)
LISTS = st.lists(RATE, max_size=12, unique_by=lambda r: (r.series, r.start))
RUNS = [
    {"partition": partition, "qos": qos, "cluster": cluster, "account": "nlp"}
    for partition in "ab" for qos in ("fast", "slow") for cluster in "xy"
]  # fmt: skip
SKUS = (GPU, H100, A100, "cpu", "mem")
MOMENTS = (-1, *range(14), 1000)


def governing(rates: list[Rate], moment: int) -> dict[tuple, Rate]:
    """The rate of each series in force at a moment."""
    found: dict[tuple, Rate] = {}
    for one in sorted(rates, key=lambda r: r.start):
        if one.start <= moment:
            found[one.sku, one.match, one.rank] = one._replace(where="")
    return found


def chosen(rates: list[Rate], sku: str, run: dict[str, str], moment: int) -> tuple | None:
    """Card, price of a unit and list price of a unit at a moment; None where none applies."""
    fits = [
        r for r in governing(rates, moment).values()
        if (r.sku == sku or (r.sku == GPU and sku.startswith("gres/gpu:")))
        and set(r.match) <= set(run.items())
    ]  # fmt: skip
    if not fits:
        return None
    fits.sort(key=lambda r: (r.sku == sku, len(r.match), r.rank), reverse=True)
    best = fits[0]
    listed = [r for r in fits if r.pricing == "on_demand"] or [best]
    return (
        Card(best.sku, best.match, best.rank, best.pricing),
        Fraction(best.price, best.per),
        Fraction(listed[0].price, listed[0].per),
    )


@settings(deadline=None)
@given(LISTS)
def test_segments_price_each_moment_as_a_reading_rate_by_rate_does(rates):
    book = RateBook(rates)
    for sku in SKUS:
        for run in RUNS:
            segments = book.segments(sku, run)
            for moment in MOMENTS:
                found = [s for s in segments if s.start <= moment][-1]
                if found.card is None:
                    assert chosen(rates, sku, run, moment) is None
                    continue
                assert chosen(rates, sku, run, moment) == (
                    found.card, slope(found.curve, moment), slope(found.list_curve, moment),
                )  # fmt: skip


def slope(curve: Curve, moment: int) -> Fraction:
    return Fraction(curve.between(moment, moment + 1), curve.per)


@settings(deadline=None)
@given(LISTS, LISTS)
def test_wherever_two_lists_price_differently_is_touched(old, new):
    spans = touched(old, new)
    for sku in SKUS:
        prices = {sku, GPU} if sku.startswith("gres/gpu") else {sku}
        for moment in MOMENTS:
            inside = any(s in prices and a <= moment < b for s, a, b in spans)
            for run in RUNS:
                same = chosen(old, sku, run, moment) == chosen(new, sku, run, moment)
                assert same or inside


@settings(deadline=None)
@given(LISTS, LISTS)
def test_nothing_is_touched_while_the_same_rates_are_in_force(old, new):
    spans = touched(old, new)
    for sku in SKUS:
        for moment in MOMENTS:
            before, after = (
                {key: r for key, r in governing(rates, moment).items() if key[0] == sku}
                for rates in (old, new)
            )
            assert (before != after) == any(s == sku and a <= moment < b for s, a, b in spans)


@given(LISTS, st.randoms(use_true_random=False))
def test_the_same_rates_in_another_order_and_place_touch_nothing(rates, chance):
    moved = [r._replace(where=f"rates[{i}]") for i, r in enumerate(rates)]
    chance.shuffle(moved)
    assert touched(rates, moved) == []


def test_a_new_rate_touches_what_follows_until_the_next_of_its_series():
    old = [rate(price=1, start=0), rate(price=2, start=100)]
    assert touched(old, [*old, rate(price=9, start=50)]) == [(H100, 50, 100)]
    assert touched(old, [*old, rate(price=9, start=200)]) == [(H100, 200, EVER)]
    assert touched(old, old[:1]) == [(H100, 100, EVER)]


def test_spans_that_adjoin_are_one():
    old = [rate(price=1, start=0), rate(price=2, start=10), rate(price=3, start=20)]
    new = [rate(price=4, start=0), rate(price=5, start=10), rate(price=3, start=20)]
    assert touched(old, new) == [(H100, 0, 20)]

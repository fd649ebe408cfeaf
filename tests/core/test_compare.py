"""Booked time and its price: what the exact integral over the booked interval says."""

from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.charge import charge
from slurm_finops.core.compare import GRANULARITIES, PriceList, Window, monthly, shares
from slurm_finops.core.money import to_minor
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import Rate, RateBook

H100 = "gres/gpu:h100"
DAY = 86_400
JUNE = 1_780_272_000  # 2026-06-01T00:00:00Z
UTC = Calendar(ZoneInfo("UTC"))
#: near the days on which some of the zones turn their clocks
ORIGINS = [JUNE, 1_774_746_000, 1_792_890_000, 1_508_036_400, 1_699_142_400]
CALENDARS = st.sampled_from([
    Calendar(ZoneInfo(name))
    for name in ("UTC", "Europe/Zurich", "America/Sao_Paulo", "America/Havana", "Asia/Kolkata")
])  # fmt: skip
GRANULES = st.sampled_from(sorted(GRANULARITIES))
MINIMA = st.sampled_from([0, 1, 59, 60, 61, 3600, 5000]) | st.integers(0, 3 * DAY)
PRICINGS = st.sampled_from(["on_demand", "spot", "committed"])


@st.composite
def series(draw: st.DrawFn, pers: st.SearchStrategy[int] = st.just(1)) -> tuple[Rate, ...]:  # noqa: B008
    """Prices in force long before any run here, that move as runs go."""
    origin = draw(st.sampled_from(ORIGINS))
    later = st.integers(-2 * DAY, 5 * DAY).map(lambda offset: origin + offset)
    starts = [0, *draw(st.lists(later, unique=True, max_size=6))]
    return tuple(
        Rate(H100, draw(st.integers(0, 10**7)), at, draw(pers), draw(PRICINGS)) for at in starts
    )


@st.composite
def lists(draw: st.DrawFn, pers: st.SearchStrategy[int] = st.just(1)) -> PriceList:  # noqa: B008
    return PriceList("other", draw(series(pers)), draw(GRANULES), draw(MINIMA))


@st.composite
def runs(draw: st.DrawFn) -> tuple[int, int, int]:
    """Start, elapsed, quantity."""
    start = draw(st.sampled_from(ORIGINS)) + draw(st.integers(-2 * DAY, 2 * DAY))
    elapsed = st.integers(1, 4 * DAY) | st.sampled_from([1, 60, 61, 3599, 3600, 3601, DAY])
    return start, draw(elapsed), draw(st.integers(1, 64))


def exact(rates: tuple[Rate, ...], quantity: int, start: int, end: int) -> Fraction:
    """The integral, stretch by stretch between all moments at which anything happens."""
    moments = sorted({start, end, *(r.start for r in rates if start < r.start < end)})
    total = Fraction(0)
    for a, b in pairwise(moments):
        _, price = max((r.start, Fraction(r.price, r.per)) for r in rates if r.start <= a)
        total += quantity * (b - a) * price
    return total


def booked_of(prices: PriceList, elapsed: int) -> int:
    """The first of all multiples of the step that is enough, by trying."""
    enough = max(Fraction(elapsed), Fraction(prices.minimum))
    steps = enough / GRANULARITIES[prices.granularity]
    whole = steps.numerator // steps.denominator
    return (whole if whole == steps else whole + 1) * GRANULARITIES[prices.granularity]


def found(prices: PriceList, run: tuple[int, int, int], cut):  # type: ignore[no-untyped-def]
    start, elapsed, quantity = run
    segments = prices.book.segments(H100, {})
    return shares(start, elapsed, prices.booked(elapsed), quantity, segments, cut)


@given(lists(), st.integers(1, 4 * DAY))
def test_booked_time_is_the_least_multiple_that_covers_both_run_and_minimum(prices, elapsed):
    assert prices.booked(elapsed) == booked_of(prices, elapsed)


@given(lists(), runs(), CALENDARS)
def test_the_days_of_a_run_sum_to_the_integral_over_its_booked_time(prices, run, calendar):
    start, elapsed, quantity = run
    end = start + booked_of(prices, elapsed)
    days = found(prices, run, calendar)
    assert sum(ticks for *_, ticks in days) == exact(prices.rates, quantity, start, end)
    assert sum(seconds for _, _, _, seconds, _ in days) == end - start
    assert sum(held for _, _, held, _, _ in days) == elapsed


@given(lists(), runs(), CALENDARS)
def test_seconds_rounded_up_belong_to_the_days_they_fall_in(prices, run, calendar):
    start, elapsed, quantity = run
    end = start + booked_of(prices, elapsed)
    by_day: dict[int, list[int]] = {}
    for day, _, held, seconds, ticks in found(prices, run, calendar):
        sums = by_day.setdefault(day, [0, 0, 0])
        by_day[day] = [sums[0] + held, sums[1] + seconds, sums[2] + ticks]
    for day, (held, seconds, ticks) in by_day.items():
        a, b = max(start, calendar.midnight(day)), min(end, calendar.midnight(day + 1))
        assert (seconds, held) == (b - a, max(0, min(b, start + elapsed) - a))
        assert ticks == exact(prices.rates, quantity, a, b)


@given(lists(st.sampled_from([1, 3, 8, 1024])), runs(), CALENDARS)
def test_a_price_for_several_units_costs_at_most_one_tick_a_piece_too_little(
    prices, run, calendar
):
    start, elapsed, quantity = run
    end = start + booked_of(prices, elapsed)
    short = exact(prices.rates, quantity, start, end) - sum(
        ticks for *_, ticks in found(prices, run, calendar)
    )
    assert 0 <= short <= len(prices.rates)


@given(
    lists(st.sampled_from([1, 3, 8, 1024])), runs(), CALENDARS, st.integers(-4, 6),
    st.integers(1, 5),
)  # fmt: skip
def test_a_period_in_one_piece_has_what_its_days_have(prices, run, calendar, first, length):
    day = calendar.day_of(run[0]) + first
    period = calendar.days(day, day + length)

    def summed(cut, first: int, last: int):  # type: ignore[no-untyped-def]
        parts = [share for share in found(prices, run, cut) if first <= share[0] < last]
        kinds: dict = {}
        for _, card, *figures in parts:
            before = kinds.get(card, (0, 0, 0))
            kinds[card] = tuple(a + b for a, b in zip(before, figures, strict=True))
        return kinds

    window = Window(period.start, period.end)
    assert summed(window, 0, 1) == summed(calendar, period.first, period.last)


@given(series(st.sampled_from([1, 7, 1024])), runs(), CALENDARS)
def test_by_the_second_without_a_minimum_nothing_differs_from_a_charge(rates, run, calendar):
    start, elapsed, quantity = run
    lines = charge(start, start + elapsed, quantity, RateBook(rates).segments(H100, {}), calendar)
    assert found(PriceList("own", rates), run, calendar) == [
        (line.day, line.card, line.seconds, line.seconds, line.ticks) for line in lines
    ]


def test_time_without_a_rate_has_no_cost_rather_than_none_to_pay():
    prices = PriceList("late", (Rate(H100, 10**6, JUNE + 3600),), "hour")
    assert [(card and card.pricing, held, seconds, ticks)
            for _, card, held, seconds, ticks in found(prices, (JUNE, 3601, 2), UTC)] == [
        (None, 3600, 3600, None), ("on_demand", 1, 3600, 2 * 3600 * 10**6),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("granularity", "minimum", "elapsed", "cents"),
    [
        ("second", 0, 2400, 200), ("hour", 0, 2400, 300), ("hour", 0, 3601, 600),
        ("minute", 60, 30, 5), ("second", 60, 30, 5), ("minute", 0, 61, 10),
        ("hour", 7200, 1, 600), ("hour", 7201, 1, 900), ("second", 0, 30, 3),
    ],
)  # fmt: skip
def test_a_gpu_at_three_an_hour(granularity, minimum, elapsed, cents):
    prices = PriceList("x", (Rate(H100, 3_000_000, 0),), granularity, minimum)
    (share,) = found(prices, (JUNE, elapsed, 1), UTC)
    assert to_minor(share[-1], 2) == cents


# ---- lines


@given(
    st.integers(0, 10**12), CALENDARS, st.lists(st.integers(20_000, 21_000), min_size=3, max_size=6)
)
def test_the_parts_of_adjoining_periods_sum_to_the_whole(amount, calendar, days):
    days = sorted(days)
    parts = [
        monthly(amount, calendar.days(a, b), calendar) for a, b in pairwise(days) if a < b
    ]  # fmt: skip
    whole = monthly(amount, calendar.days(days[0], days[-1]), calendar) if parts else 0
    assert sum(parts) == whole


@given(st.integers(0, 10**12), CALENDARS, st.integers(20_000, 21_000), st.integers(1, 400))
def test_a_part_of_a_month_takes_its_part_by_seconds(amount, calendar, first, length):
    period = calendar.days(first, first + length)
    share, months, month = Fraction(0), 0, calendar.month_of(first)
    while month.start < period.end:
        held = min(month.end, period.end) - max(month.start, period.start)
        share += Fraction(held, month.end - month.start)
        months, month = months + 1, calendar.month_of(month.last)
    assert abs(monthly(amount, period, calendar) - amount * share) < 2 * months


@pytest.mark.parametrize(
    ("period", "part"),
    [("2026-06", 90_000), ("2026-06-01", 3_000), ("2026-02-01..2026-05-01", 270_000),
     ("2026-06-16..2026-07-01", 45_000), ("2026-06-30..2026-07-02", 3_000 + 2_903)],
)  # fmt: skip
def test_nine_hundred_a_month(period, part):
    assert monthly(90_000, UTC.period(period), UTC) == part


def test_a_month_in_which_the_clocks_change_is_asked_for_whole():
    zurich = Calendar(ZoneInfo("Europe/Zurich"))
    assert monthly(74_300, zurich.period("2026-03"), zurich) == 74_300
    # 743 hours, of which the 29th has 23
    assert monthly(74_300, zurich.period("2026-03-29"), zurich) == 2_300

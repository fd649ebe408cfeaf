"""What a run costs: additive over any split in time, and what the exact integral says."""

import random
from collections import Counter
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.charge import Line, charge
from slurm_finops.core.money import apportion_ticks, parse_decimal, to_minor
from slurm_finops.core.period import Calendar, day_date
from slurm_finops.core.rates import Card, Rate, RateBook

H100 = "gres/gpu:h100"
HOUR, DAY = 3600, 86_400
JUNE = 1_780_272_000  # 2026-06-01T00:00:00Z
UTC = Calendar(ZoneInfo("UTC"))
ZONES = ["UTC", "Europe/Zurich", "America/Sao_Paulo", "America/Havana", "Asia/Kolkata"]
#: near the days on which those zones turn their clocks
ORIGINS = [JUNE, 1_774_746_000, 1_792_890_000, 1_508_036_400, 1_699_142_400]


def instant(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def rate(price: str, start: int = 0, **more: object) -> Rate:
    return Rate(H100, parse_decimal(price, 6), start, **more)  # type: ignore[arg-type]


def lines(start: int, end: int, quantity: int, *rates: Rate, calendar: Calendar = UTC):
    return charge(start, end, quantity, RateBook(rates).segments(H100, {}), calendar)


def price_at(rates: list[Rate], moment: int) -> Fraction:
    """Micro-units an hour for one unit at a moment, by looking through all the rates."""
    return max((r.start, Fraction(r.price, r.per)) for r in rates if r.start <= moment)[1]


def exact(rates: list[Rate], quantity: int, start: int, end: int) -> Fraction:
    """The integral, stretch by stretch between all moments at which anything happens."""
    moments = sorted({start, end, *(r.start for r in rates if start < r.start < end)})
    return sum(
        (quantity * (b - a) * price_at(rates, a) for a, b in pairwise(moments)), Fraction(0)
    )


def by_day(found: list[Line]) -> Counter:
    """Seconds, list price and cost of each day and card."""
    summed: Counter = Counter()
    for line in found:
        assert line.ticks is not None
        summed[line.day, line.card, "s"] += line.seconds
        summed[line.day, line.card, "list"] += line.list_ticks
        summed[line.day, line.card, "cost"] += line.ticks
    return summed


PRICINGS = st.sampled_from(["on_demand", "spot", "committed"])


@st.composite
def series(draw: st.DrawFn, pers: st.SearchStrategy[int] = st.just(1)) -> list[Rate]:  # noqa: B008
    """One series that is in force long before any run here, and moves as runs go."""
    origin = draw(st.sampled_from(ORIGINS))
    later = st.integers(-2 * DAY, 5 * DAY).map(lambda offset: origin + offset)
    starts = [0, *draw(st.lists(later, unique=True, max_size=6))]
    return [
        Rate(H100, draw(st.integers(0, 10**7)), at, draw(pers), draw(PRICINGS)) for at in starts
    ]


@st.composite
def runs(draw: st.DrawFn) -> tuple[int, int, int]:
    start = draw(st.sampled_from(ORIGINS)) + draw(st.integers(-2 * DAY, 2 * DAY))
    return start, start + draw(st.integers(1, 4 * DAY)), draw(st.integers(1, 64))


MIXED = st.sampled_from([1, 3, 8, 1024])
CALENDARS = st.sampled_from([Calendar(ZoneInfo(name)) for name in ZONES])
law = settings(deadline=None)


@law
@given(series(), runs(), CALENDARS)
def test_the_days_of_a_run_sum_to_the_exact_integral(rates, run, calendar):
    start, end, quantity = run
    found = lines(start, end, quantity, *rates, calendar=calendar)
    assert sum(line.ticks for line in found) == exact(rates, quantity, start, end)
    assert sum(line.seconds for line in found) == end - start


@law
@given(series(), runs(), CALENDARS)
def test_each_day_costs_the_exact_integral_of_that_day(rates, run, calendar):
    start, end, quantity = run
    cost: Counter = Counter()
    for line in lines(start, end, quantity, *rates, calendar=calendar):
        cost[line.day] += line.ticks
    for day, ticks in cost.items():
        a, b = max(start, calendar.midnight(day)), min(end, calendar.midnight(day + 1))
        assert ticks == exact(rates, quantity, a, b)


@law
@given(series(MIXED), runs(), CALENDARS)
def test_a_price_for_several_units_costs_at_most_one_tick_a_piece_too_little(rates, run, calendar):
    start, end, quantity = run
    found = lines(start, end, quantity, *rates, calendar=calendar)
    short = exact(rates, quantity, start, end) - sum(line.ticks for line in found)
    kinds = [r.pricing for r in sorted(rates, key=lambda r: r.start) if r.start < end]
    pieces = 1 + sum(one != two for one, two in pairwise(kinds))
    assert 0 <= short < pieces


@law
@given(series(), runs(), CALENDARS, st.floats(0, 1))
def test_cost_is_additive_over_any_split_in_time(rates, run, calendar, where):
    start, end, quantity = run
    middle = start + int((end - start) * where)
    parts = [
        line
        for a, b in ((start, middle), (middle, end)) if a < b
        for line in lines(a, b, quantity, *rates, calendar=calendar)
    ]  # fmt: skip
    assert by_day(parts) == by_day(lines(start, end, quantity, *rates, calendar=calendar))


@law
@given(series(MIXED), runs(), CALENDARS, st.floats(0, 1))
def test_a_day_already_billed_stays_as_it_was_while_the_run_grows(rates, run, calendar, where):
    start, end, quantity = run
    seen = start + 1 + int((end - start - 1) * where)
    today = calendar.day_of(seen - 1)
    early = lines(start, seen, quantity, *rates, calendar=calendar)
    late = lines(start, end, quantity, *rates, calendar=calendar)
    assert [line for line in early if line.day < today] == [
        line for line in late if line.day < today
    ]


@law
@given(series(MIXED), runs(), CALENDARS, st.integers(1, 10**6))
def test_more_units_cost_more_in_proportion(rates, run, calendar, times):
    start, end, quantity = run
    one, many = (
        sum(line.ticks for line in lines(start, end, units, *rates, calendar=calendar))
        for units in (quantity, quantity * times)
    )
    assert 0 <= many - one * times < times * (len(rates) + 1)


@law
@given(series(), st.lists(runs(), min_size=1, max_size=20), CALENDARS)
def test_runs_sum_to_what_they_held_times_the_price(rates, held, calendar):
    total = sum(
        line.ticks
        for start, end, quantity in held
        for line in lines(start, end, quantity, *rates, calendar=calendar)
    )
    assert total == sum(exact(rates, quantity, start, end) for start, end, quantity in held)


def test_a_million_gpu_seconds_cost_the_sum_of_runs_priced_apart():
    chance = random.Random(31)
    segments = RateBook([rate("3.92")]).segments(H100, {})
    left, total, count = 1_000_000, 0, 0
    while left:
        quantity = chance.choice([1, 2, 4, 8])
        seconds = min(left // quantity or 1, chance.randint(1, 60))
        quantity = min(quantity, left)
        start = JUNE + chance.randrange(30 * DAY)
        total += sum(
            line.ticks for line in charge(start, start + seconds, quantity, segments, UTC)
        )
        left -= quantity * seconds
        count += 1
    assert count > 5000
    assert total == 1_000_000 * parse_decimal("3.92", 6)


def test_a_month_of_the_node_costs_what_the_price_list_says():
    month = UTC.period("2026-06")
    found = lines(month.start, month.end, 8, rate("3.92"))
    assert len(found) == 30
    assert {line.seconds for line in found} == {DAY}
    assert to_minor(sum(line.ticks for line in found), 2) == 2_257_920
    assert apportion_ticks([line.ticks for line in found], 2, range(30)) == [75_264] * 30


def test_forty_minutes_cost_two_thirds_of_an_hour():
    (line,) = lines(JUNE, JUNE + 2400, 1, rate("3.00"))
    assert to_minor(line.ticks, 2) == 200


def test_a_run_that_ends_at_midnight_has_nothing_on_the_next_day():
    midnight = JUNE + DAY
    assert [line.day for line in lines(midnight - 60, midnight, 1, rate("1"))] == [JUNE // DAY]
    assert [line.day for line in lines(midnight, midnight + 60, 1, rate("1"))] == [midnight // DAY]
    assert lines(midnight, midnight, 1, rate("1")) == []


def test_a_price_holds_from_its_own_instant_on():
    rates = [rate("1"), rate("2", JUNE)]
    assert [line.ticks for line in lines(JUNE - 1, JUNE, 1, *rates)] == [1_000_000]
    assert [line.ticks for line in lines(JUNE, JUNE + 1, 1, *rates)] == [2_000_000]


def test_a_price_that_changes_during_a_run_costs_each_part_at_its_own():
    (line,) = lines(JUNE, JUNE + 3 * HOUR, 2, rate("1"), rate("4", JUNE + HOUR))
    assert line.ticks == 2 * (1 + 2 * 4) * HOUR * 1_000_000
    assert line.seconds == 3 * HOUR


def test_a_spot_price_of_many_steps_is_integrated_not_averaged():
    chance = random.Random(7)
    rates = [
        Rate(H100, chance.randint(10**6, 4 * 10**6), JUNE + i * 300, pricing="spot")
        for i in range(30 * 288)
    ]
    start, end = JUNE + 12_345, JUNE + 29 * DAY + 77
    # step by step, each priced alone
    naive = 0
    for here in rates:
        held = min(end, here.start + 300) - max(start, here.start)
        naive += 8 * here.price * max(0, held)
    found = lines(start, end, 8, *rates)
    assert sum(line.ticks for line in found) == naive
    assert len(found) == 30


@pytest.mark.parametrize(
    ("zone", "day", "seconds"),
    [
        ("Europe/Zurich", "2026-03-29", 23 * HOUR),
        ("Europe/Zurich", "2026-10-25", 25 * HOUR),
        ("America/Sao_Paulo", "2017-10-15", 23 * HOUR),
        ("Asia/Beirut", "2022-03-27", 23 * HOUR),
        ("America/Havana", "2023-03-12", 23 * HOUR),
        ("America/Havana", "2023-11-05", 25 * HOUR),
    ],
)
def test_a_day_is_charged_for_the_hours_it_has(zone, day, seconds):
    calendar = Calendar(ZoneInfo(zone))
    period = calendar.period(day)
    found = lines(period.start - DAY, period.end + DAY, 1, rate("1"), calendar=calendar)
    assert [(day_date(line.day).isoformat(), line.seconds) for line in found][1:-1] == [
        (day, seconds)
    ]
    assert found[1].ticks == seconds * 1_000_000


def test_a_day_that_a_zone_skips_is_not_charged():
    calendar = Calendar(ZoneInfo("Pacific/Apia"))
    start, end = instant("2011-12-29T00:00-10:00"), instant("2012-01-01T00:00+14:00")
    found = lines(start, end, 1, rate("1"), calendar=calendar)
    assert [(day_date(line.day).isoformat(), line.seconds) for line in found] == [
        ("2011-12-29", DAY), ("2011-12-31", DAY),
    ]  # fmt: skip


def test_time_before_any_rate_costs_nothing_known_and_never_nought():
    found = lines(JUNE, JUNE + 3 * HOUR, 4, rate("1", JUNE + HOUR))
    assert found == [
        Line(JUNE // DAY, None, HOUR, None, None),
        Line(JUNE // DAY, Card(H100, (), 0, "on_demand"), 2 * HOUR, *[8 * HOUR * 1_000_000] * 2),
    ]
    assert all(line.ticks is None for line in lines(JUNE, JUNE + 2 * DAY, 1))
    assert [line.seconds for line in lines(JUNE - HOUR, JUNE + DAY, 1)] == [HOUR, DAY]


def test_a_price_of_nought_is_a_price():
    (line,) = lines(JUNE, JUNE + HOUR, 1, rate("0"))
    assert (line.ticks, line.list_ticks) == (0, 0)
    assert line.card is not None


def test_spot_is_listed_at_the_on_demand_rate_beside_it():
    on_demand = rate("3.92")
    spot = rate("2.91", rank=1, pricing="spot")
    (line,) = lines(JUNE, JUNE + HOUR, 1, on_demand, spot)
    assert (to_minor(line.list_ticks, 2), to_minor(line.ticks, 2)) == (392, 291)
    assert line.card.pricing == "spot"


def test_without_an_on_demand_rate_the_list_price_is_the_applied_one():
    (line,) = lines(JUNE, JUNE + HOUR, 1, rate("2.91", pricing="spot"))
    assert line.list_ticks == line.ticks


def test_an_on_demand_rate_that_begins_during_a_run_lists_only_what_follows():
    spot = rate("2", rank=1, pricing="spot")
    (line,) = lines(JUNE, JUNE + 2 * HOUR, 1, spot, rate("3", JUNE + HOUR))
    assert (to_minor(line.list_ticks, 2), to_minor(line.ticks, 2)) == (500, 400)


def test_a_pricing_that_changes_within_a_series_makes_a_line_of_its_own():
    rates = [rate("3"), rate("1", JUNE + HOUR, pricing="spot"), rate("4", JUNE + 2 * HOUR)]
    found = lines(JUNE, JUNE + 3 * HOUR, 1, *rates)
    assert [(line.card.pricing, line.seconds, to_minor(line.ticks, 2)) for line in found] == [
        ("on_demand", 2 * HOUR, 700), ("spot", HOUR, 100),
    ]  # fmt: skip


def test_gibibyte_hours_are_priced_exactly_over_mebibytes():
    rates = [Rate("mem", 5000, 0, 1024)]
    (line,) = charge(JUNE, JUNE + HOUR, 1536, RateBook(rates).segments("mem", {}), UTC)
    assert line.ticks == Fraction(3, 2) * 5000 * HOUR


def test_midnights_inside_a_run_lose_no_tick():
    # a third of a micro-unit a second: a day alone is cut off, a run of days is not
    rates = [Rate(H100, 1, 0, 7)]
    found = lines(JUNE + 1, JUNE + 7 * DAY + 1, 1, *rates)
    assert len(found) == 8
    assert sum(line.ticks for line in found) == DAY

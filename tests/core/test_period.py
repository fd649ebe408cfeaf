"""Half-open time in a billing zone, held against datetime read naively."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.period import Calendar, day_date, day_number

HOUR = 3600
ZONES = {
    name: ZoneInfo(name)
    for name in (
        "UTC", "America/New_York", "America/St_Johns", "America/Havana", "America/Sao_Paulo",
        "Europe/Zurich", "Asia/Beirut", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe",
        "Pacific/Apia", "Pacific/Kiritimati",
    )
}  # fmt: skip
#: instants around which clocks did something odd
TURNS = [
    0,
    int(datetime(2011, 12, 30, 10, tzinfo=UTC).timestamp()),  # Apia drops a day
    int(datetime(1994, 12, 31, 10, tzinfo=UTC).timestamp()),  # Kiritimati drops a day
    int(datetime(2017, 10, 15, 3, tzinfo=UTC).timestamp()),  # São Paulo has no midnight
    int(datetime(2018, 2, 18, 2, tzinfo=UTC).timestamp()),  # São Paulo goes back to the day before
    int(datetime(2022, 3, 26, 22, tzinfo=UTC).timestamp()),  # Beirut has no midnight
    int(datetime(2023, 3, 12, 5, tzinfo=UTC).timestamp()),  # Havana has no midnight
    int(datetime(2023, 11, 5, 5, tzinfo=UTC).timestamp()),  # Havana has two
    int(datetime(2006, 10, 29, 2, 31, tzinfo=UTC).timestamp()),  # St John's: back at 00:01
    int(datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()),  # Zürich: 23 hours
    int(datetime(2026, 10, 25, 1, tzinfo=UTC).timestamp()),  # Zürich: 25 hours
]
INSTANTS = st.one_of(
    st.integers(-(10**8), 3 * 10**9),
    st.builds(int.__add__, st.sampled_from(TURNS), st.integers(-2, 2)),
    st.builds(int.__add__, st.sampled_from(TURNS), st.integers(-40 * HOUR, 40 * HOUR)),
)
ZONE = st.sampled_from(list(ZONES.values()))


def shown(instant: int, zone: ZoneInfo) -> int:
    """The date a clock in the zone shows, as a number of days."""
    return (datetime.fromtimestamp(instant, zone).date() - date(1970, 1, 1)).days


def billed(instant: int, zone: ZoneInfo) -> int:
    """The latest date shown so far: a day that has begun does not begin again."""
    return max(shown(instant - minutes * 60, zone) for minutes in range(181))


def ymd(text: str) -> int:
    return day_number(date.fromisoformat(text))


def hours(calendar: Calendar, text: str) -> float:
    period = calendar.period(text)
    return (period.end - period.start) / HOUR


@given(ZONE, INSTANTS)
def test_an_instant_falls_in_the_day_that_the_clock_shows(zone, instant):
    assert Calendar(zone).day_of(instant) == billed(instant, zone)


@given(ZONE, st.lists(INSTANTS, min_size=2, max_size=8))
def test_what_was_asked_before_changes_no_answer(zone, instants):
    calendar = Calendar(zone)
    for instant in [*instants, *reversed(instants)]:
        day = billed(instant, zone)
        assert calendar.day_of(instant) == day
        assert calendar.split(instant, instant + 1) == [(day, instant, instant + 1)]


@pytest.mark.parametrize("zone", ZONES.values(), ids=str)
def test_a_new_calendar_knows_the_epoch(zone):
    assert Calendar(zone).day_of(0) == shown(0, zone)
    assert Calendar(zone).split(0, 60) == [(shown(0, zone), 0, 60)]


@given(ZONE, INSTANTS)
def test_midnight_is_the_first_instant_of_its_date(zone, instant):
    calendar = Calendar(zone)
    day = billed(instant, zone)
    midnight = calendar.midnight(day)
    assert midnight <= instant < calendar.midnight(day + 1)
    assert billed(midnight, zone) == day
    assert billed(midnight - 1, zone) < day


@given(ZONE, st.sampled_from(TURNS), st.integers(-400, 400), st.integers(0, 500))
@settings(deadline=None, max_examples=60)
def test_a_split_gives_each_quarter_of_an_hour_to_its_day(zone, turn, start, length):
    begin = turn - turn % 60 + start * 900
    end = begin + length * 900
    counted = Counter(billed(instant, zone) for instant in range(begin, end, 60 * 15))
    pieces = Calendar(zone).split(begin, end)
    # a quarter straddles two days only where a day begins at an odd minute
    assert [day for day, _, _ in pieces] == sorted({day for day, _, _ in pieces})
    for day, a, b in pieces:
        assert abs((b - a) - counted.pop(day, 0) * 900) < 900
    assert not counted


@given(ZONE, INSTANTS, st.integers(0, 10**6))
def test_the_pieces_of_a_split_adjoin_and_none_is_empty(zone, start, seconds):
    pieces = Calendar(zone).split(start, start + seconds)
    edges = [start, *(b for _, _, b in pieces)]
    assert [a for _, a, _ in pieces] == edges[:-1]
    assert edges[-1] == start + seconds
    for day, a, b in pieces:
        assert a < b
        assert billed(a, zone) == billed(b - 1, zone) == day


def test_time_that_ends_at_midnight_has_nothing_on_the_next_day():
    calendar = Calendar(ZONES["UTC"])
    day = ymd("2026-06-01")
    midnight = calendar.midnight(day + 1)
    assert calendar.split(midnight - 10, midnight) == [(day, midnight - 10, midnight)]
    assert calendar.split(midnight, midnight + 10) == [(day + 1, midnight, midnight + 10)]
    assert calendar.split(midnight, midnight) == []
    assert calendar.split(midnight - 1, midnight + 1) == [
        (day, midnight - 1, midnight), (day + 1, midnight, midnight + 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "day", "length"),
    [
        ("UTC", "2026-03-29", 24),
        ("Europe/Zurich", "2026-03-29", 23),
        ("Europe/Zurich", "2026-10-25", 25),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("America/Sao_Paulo", "2017-10-15", 23),
        ("America/Sao_Paulo", "2018-02-17", 25),
        ("America/Havana", "2023-03-12", 23),
        ("America/Havana", "2023-11-05", 25),
        ("Asia/Beirut", "2022-03-27", 23),
        ("Pacific/Apia", "2011-12-29", 24),
        ("Pacific/Apia", "2011-12-30", 0),
        ("Pacific/Apia", "2011-12-31", 24),
    ],
)
def test_a_day_is_as_long_as_its_clocks_make_it(zone, day, length):
    assert hours(Calendar(ZONES[zone]), day) == length


def test_a_midnight_that_the_clocks_skip_is_the_instant_of_the_change():
    calendar = Calendar(ZONES["America/Sao_Paulo"])
    assert calendar.isoformat(calendar.midnight(ymd("2017-10-15"))) == "2017-10-15T01:00:00-02:00"


def test_a_day_that_a_zone_skips_gets_nothing():
    calendar = Calendar(ZONES["Pacific/Apia"])
    start, end = calendar.midnight(ymd("2011-12-29")), calendar.midnight(ymd("2012-01-01"))
    assert [day_date(day).isoformat() for day, _, _ in calendar.split(start, end)] == [
        "2011-12-29", "2011-12-31",
    ]  # fmt: skip


@given(st.dates())
def test_a_date_is_its_day_and_back(day):
    assert day_date(day_number(day)) == day


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-06", "2026-06-01", "2026-07-01"),
        ("2026-12", "2026-12-01", "2027-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2026-06-01", "2026-06-01", "2026-06-02"),
        ("2026-12-31", "2026-12-31", "2027-01-01"),
        ("2026-W23", "2026-06-01", "2026-06-08"),
        ("2026-W01", "2025-12-29", "2026-01-05"),
        ("2026-W53", "2026-12-28", "2027-01-04"),
        ("2026-06-01..2026-06-15", "2026-06-01", "2026-06-15"),
        ("2026-06..2026-09", "2026-06-01", "2026-09-01"),
        ("2026-W23..2026-07", "2026-06-01", "2026-07-01"),
    ],
)
def test_a_period_is_half_open_as_typed(text, first, last):
    calendar = Calendar(ZONES["Europe/Zurich"])
    period = calendar.period(text)
    assert (period.first, period.last) == (ymd(first), ymd(last))
    assert calendar.isoformat(period.start)[:19] == f"{first}T00:00:00"
    assert calendar.isoformat(period.end)[:19] == f"{last}T00:00:00"
    assert period.label == text


@given(st.integers(1971, 2100), st.integers(1, 12))
def test_the_months_of_a_year_adjoin(year, month):
    calendar = Calendar(ZONES["America/Havana"])
    after = f"{year + month // 12}-{month % 12 + 1:02d}"
    assert calendar.period(f"{year}-{month:02d}").end == calendar.period(after).start


@pytest.mark.parametrize(
    "text",
    ["", "..", "2026", "June", "2026-6", "2026-13", "2026-00", "2026-06-31", "2026-02-29",
     "2026-6-1", "2026-W0", "2026-W00", "2025-W53", "2026-W54", "2026-w23", "2026W23", "2026-06 ",
     "2026-06\n", " 2026-06", "2026-06-01T00:00", "2026-06-01..", "..2026-06", "2026-06...2026-07",
     "2026-05..2026-06..2026-07", "2026-07..2026-06", "2026-06..2026-06", "2026-06-02..2026-06",
     "２０２６-W23", "٢٠٢٦-06", "0000-01", "9999-12", "9999-12-31", "9999-W52"],
)  # fmt: skip
def test_what_is_no_period_is_refused_by_its_own_text(text):
    with pytest.raises(ValueError, match="period"):
        Calendar(ZONES["UTC"]).period(text)


def test_days_without_a_label_are_labelled_by_their_dates():
    assert Calendar(ZONES["UTC"]).days(ymd("2026-06-01"), ymd("2026-06-15")).label == (
        "2026-06-01..2026-06-15"
    )


@pytest.mark.parametrize(
    ("every", "as_of", "label"),
    [
        ("day", "2026-06-15T00:00:00+02:00", "2026-06-14"),
        ("day", "2026-06-14T23:59:59+02:00", "2026-06-13"),
        ("day", "2026-01-01T12:00:00+01:00", "2025-12-31"),
        ("week", "2026-06-15T00:00:00+02:00", "2026-W24"),
        ("week", "2026-06-14T23:59:59+02:00", "2026-W23"),
        ("week", "2027-01-04T00:00:00+01:00", "2026-W53"),
        ("week", "2026-01-01T00:00:00+01:00", "2025-W52"),
        ("month", "2026-07-01T00:00:00+02:00", "2026-06"),
        ("month", "2026-06-30T23:59:59+02:00", "2026-05"),
        ("month", "2026-01-31T12:00:00+01:00", "2025-12"),
    ],
)
def test_the_last_complete_period_has_just_ended(every, as_of, label):
    instant = int(datetime.fromisoformat(as_of).timestamp())
    assert Calendar(ZONES["Europe/Zurich"]).last_complete(every, instant).label == label


@given(ZONE, st.integers(0, 3 * 10**9), st.sampled_from(["day", "week", "month"]))
def test_no_later_period_is_complete(zone, as_of, every):
    calendar = Calendar(zone)
    last = calendar.last_complete(every, as_of)
    assert last.end <= as_of
    following = day_date(last.last) + timedelta({"day": 1, "week": 7, "month": 31}[every])
    if every == "month":
        following = following.replace(day=1)
    assert calendar.midnight(day_number(following)) > as_of


def test_of_a_midnight_the_date_is_said_alone() -> None:
    calendar = Calendar(ZONES["Europe/Zurich"])
    midnight = calendar.midnight(day_number(date(2026, 6, 1)))
    assert calendar.shortest(midnight) == "2026-06-01"
    assert calendar.shortest(midnight + 1) == "2026-06-01T00:00:01+02:00"


BEGINS = st.tuples(st.integers(1, 12), st.integers(1, 28))


@given(ZONE, st.dates(date(1971, 1, 1), date(2240, 12, 31)), BEGINS)
def test_a_fiscal_year_holds_its_day_and_the_next_begins_where_it_ends(zone, day, begins):
    calendar = Calendar(zone)
    year = calendar.fiscal_year(day_number(day), begins)
    first, last = day_date(year.first), day_date(year.last)
    assert first <= day < last
    assert ((first.month, first.day), (last.month, last.day)) == (begins, begins)
    assert last.year == first.year + 1
    assert (year.start, year.end) == (calendar.midnight(year.first), calendar.midnight(year.last))
    assert calendar.fiscal_year(year.last, begins).first == year.last


@pytest.mark.parametrize(
    ("day", "begins", "label"),
    [
        ("2026-06-30", (7, 1), "2025-07-01..2026-07-01"),
        ("2026-07-01", (7, 1), "2026-07-01..2027-07-01"),
        ("2026-12-31", (1, 1), "2026"),
        ("2027-01-01", (1, 1), "2027"),
        ("2024-02-29", (3, 1), "2023-03-01..2024-03-01"),
    ],
)
def test_a_fiscal_year_is_named_by_its_year_or_its_days(day, begins, label):
    assert Calendar(ZONES["UTC"]).fiscal_year(ymd(day), begins).label == label


def test_a_fiscal_year_cannot_begin_on_a_day_that_not_every_year_has():
    with pytest.raises(ValueError, match="day"):
        Calendar(ZONES["UTC"]).fiscal_year(ymd("2024-03-01"), (2, 29))

"""Use by the hour: every unit-second of a day in one hour of it."""

from collections import defaultdict
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.use import HourlyUse
from tests.billing.pools import DAY, FIRST, HOUR, run
from tests.support import JUNE, a_ledger, write

ZURICH = Calendar(ZoneInfo("Europe/Zurich"))
RATE = Rate("gres/gpu:h100", 3_920_000, 0)
MARCH = ZURICH.period("2026-03-29")


def use(runs, calendar: Calendar = ZURICH, *rates: Rate, suspended: bool = False):  # type: ignore[no-untyped-def]
    ledger = a_ledger()
    write(ledger, *runs)
    price(ledger, Terms(rates or (RATE,), Policy(), calendar, suspended), JUNE + 90 * DAY)
    reader = HourlyUse(ledger.db, calendar, ("account",), tables=("contexts",), suspended=suspended)
    days = [row[0] for row in ledger.db.execute("SELECT DISTINCT day FROM charges")]
    return {day: reader.of_day(day) for day in sorted(days)}


@given(st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(0, 2 * DAY), st.integers(1, 2 * DAY),
              st.integers(1, 3)), max_size=6,
))  # fmt: skip
@settings(max_examples=60)
def test_it_is_what_counting_hour_by_hour_says(rows) -> None:  # type: ignore[no-untyped-def]
    found = use([run(i, *row) for i, row in enumerate(rows, 1)])
    counted: dict[tuple[int, str, int], int] = defaultdict(int)
    for account, start, elapsed, gpus in rows:
        for day in range(FIRST - 1, FIRST + 6):
            midnight = ZURICH.midnight(day)
            for hour in range(24):
                since = midnight + hour * HOUR
                overlap = min(JUNE + start + elapsed, since + HOUR) - max(JUNE + start, since)
                if overlap > 0:
                    counted[day, account, hour] += gpus * overlap
    assert {
        (day, account, hour): held
        for day, accounts in found.items() for (account,), hours in accounts.items()
        for hour, held in enumerate(hours) if held
    } == counted  # fmt: skip


def test_a_day_of_23_hours_has_23() -> None:
    start = MARCH.start - JUNE
    found = use([run(1, "a", start, 23 * HOUR, 2)])
    assert found == {MARCH.first: {("a",): [2 * HOUR] * 23}}


def test_a_run_that_two_rates_price_on_one_day_is_counted_once() -> None:
    # from noon on another kind of price: two charges, whose hours are not kept
    noon = JUNE + 12 * HOUR
    spot = Rate("gres/gpu:h100", 1, noon, pricing="spot")
    found = use([run(1, "a", HOUR + 7, 20 * HOUR)], Calendar(ZoneInfo("UTC")), RATE, spot)
    (hours,) = found[FIRST].values()
    assert sum(hours) == 20 * HOUR
    assert all(abs(held - HOUR) <= 1 for held in hours[2:21])
    assert (hours[0], hours[22:]) == (0, [0, 0])


def test_suspended_time_counts_where_it_is_charged() -> None:
    one = run(1, "a", 0, HOUR)._replace(suspended=HOUR)
    utc = Calendar(ZoneInfo("UTC"))
    for suspended, held in ((False, HOUR), (True, 2 * HOUR)):
        found = use([one], utc, RATE, suspended=suspended)
        assert sum(found[FIRST][("a",)]) == held

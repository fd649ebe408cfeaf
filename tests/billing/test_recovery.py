"""What rates recovered of pools, held against fractions and another way of counting."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import Terms, price
from slurm_finops.billing.recovery import Recovery, counted_until, fiscal_years, recovery
from slurm_finops.core.accrual import Cost
from slurm_finops.core.money import MICROS, TICKS
from slurm_finops.core.pools import Allocation, Recharge
from slurm_finops.core.rates import EVER, Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, RATE, a_pool, run
from tests.support import JUNE, a_ledger, write

NOW = JUNE + 800 * DAY
CPU = Rate("cpu", 40_000, 0, where="rates[2]")
MICRO = TICKS // MICROS


def a_recharge(
    name: str = "gpus", sku: str = "gres/gpu", first: int = FIRST, days: int | None = None,
    **more: object,
) -> Recharge:  # fmt: skip
    last = None if days is None else first + days
    start, end = first * DAY, EVER if last is None else last * DAY
    costs = (Cost("hourly", 7 * TICKS, "hour", start, end),
             Cost("yearly", 1001 * TICKS, "year", start, end))  # fmt: skip
    return Recharge(name, ((sku, 1),), costs, first, last, where=f"pools ({name})", **more)  # type: ignore[arg-type]


def priced(*runs: Run, rates: tuple[Rate, ...] = (RATE,), what: Allocation | None = None) -> Ledger:
    ledger = a_ledger()
    write(ledger, *runs)
    price(ledger, Terms(rates, POLICY, CALENDAR, allocation=what or Allocation()), NOW)
    return ledger


def asked(ledger: Ledger, *pools: Recharge, begins: tuple[int, int] = (1, 1), now: int = NOW
          ) -> list[Recovery]:  # fmt: skip
    last = CALENDAR.fiscal_year(CALENDAR.day_of(now), begins)
    return recovery(ledger, pools, CALENDAR, begins, last, counted_until(ledger, CALENDAR, now))


runs = st.lists(
    st.tuples(st.integers(-5 * DAY, 790 * DAY), st.integers(1, 60 * HOUR), st.integers(1, 4),
              st.sampled_from(["h100", "spot"])), max_size=6,
).map(lambda rows: [
    run(i, "nlp", start, length, gpus, partition=partition)
    for i, (start, length, gpus, partition) in enumerate(rows, 1)
])  # fmt: skip
begin = st.tuples(st.integers(1, 12), st.integers(1, 28))


@given(runs, st.integers(0, 400), st.none() | st.integers(1, 500), begin,
       st.sampled_from([(), (("partition", "spot"),)]))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_the_years_of_any_split_sum_to_what_was_used_and_what_it_cost(
    some: list[Run], after: int, days: int | None, begins: tuple[int, int],
    match: tuple[tuple[str, str], ...],
) -> None:  # fmt: skip
    pool = a_recharge(first=FIRST + after, days=days, match=match)
    (found,) = asked(priced(*some), pool, begins=begins)
    start, end = pool.first * DAY, min(NOW, (pool.last or EVER // DAY) * DAY)
    # years adjoin, and begin on the day asked for
    years = [flow.year for flow in found.flows]
    assert all(one.last == two.first for one, two in pairwise(years))
    assert years[0].first <= pool.first < years[0].last
    # by run and year, in whole seconds of the price: the pool's days and the year's, no more
    for flow in found.flows:
        a, b = max(start, flow.year.start), min(end, flow.year.end)
        used = sum(
            gpus(one) * max(0, min(b, one.end or 0) - max(a, one.start or 0))
            for one in some if not match or one.partition == "spot"
        )  # fmt: skip
        assert flow.recovered == (used * RATE.price, 0, 0)
    # 7.00 an hour, and 1,001.00 a calendar year by its seconds
    assert abs(sum(flow.cost for flow in found.flows) - exact_cost(start, end)) < 4
    # and what is carried is the whole, however it was split
    whole = sum(flow.recovered.total - flow.cost for flow in found.flows)
    (other,) = asked(priced(*some), pool)
    assert whole == sum(flow.recovered.total - flow.cost for flow in other.flows)


def gpus(one: Run) -> int:
    return int(one.alloc_tres.rpartition("=")[2])


def exact_cost(start: int, end: int) -> Fraction:
    """By the day, which no clock of UTC makes longer or shorter."""
    total = Fraction(7 * TICKS * (end - start), HOUR)
    for day in range(start // DAY, end // DAY):
        year = CALENDAR.fiscal_year(day)
        total += Fraction(1001 * TICKS, year.last - year.first)
    return total


def test_only_the_charges_of_its_use_and_of_its_days_recover_a_pool() -> None:
    ledger = priced(
        run(1, "nlp", 0, HOUR),
        run(2, "nlp", 0, HOUR, partition="spot"),
        run(3, "nlp", -HOUR, HOUR),
        run(4, "nlp", 2 * DAY, HOUR),
        run(5, "nlp", 0, HOUR, alloc_tres="cpu=10"),
        run(6, "nlp", 0, 2 * HOUR, reservation="course"),
        rates=(RATE, CPU),
    )
    spot = a_recharge("spot", "gres/gpu:h100", days=2, match=(("partition", "spot"),))
    main = a_recharge("main", days=2, match=(("partition", "h100"), ("reservation", "")))
    held = a_recharge("held", days=2, match=(("reservation", "course"),))
    cpu = a_recharge("cpu", "cpu")
    every = asked(ledger, spot, main, cpu, held)
    found = {one.pool.name: one.flows[0].recovered.billed for one in every}
    assert found == {
        "spot": 3_920_000 * HOUR, "main": 3_920_000 * HOUR, "cpu": 400_000 * HOUR,
        "held": 2 * 3_920_000 * HOUR,
    }  # fmt: skip


def test_what_a_subsidy_paid_recovers_and_what_is_forgiven_does_not() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR), rates=(RATE._replace(subsidy=1_500_000),))
    assert asked(ledger, a_recharge())[0].flows[0].recovered == (
        2_420_000 * HOUR, 1_500_000 * HOUR, 0,
    )  # fmt: skip
    ledger.db.execute(
        "UPDATE charges SET billed_ticks = effective_ticks - 30, subsidised_ticks = 20, "
        "forgiven_ticks = 10"
    )
    flow = asked(ledger, a_recharge())[0].flows[0]
    assert flow.recovered == (3_920_000 * HOUR - 30, 20, 10)
    assert flow.recovered.total == 3_920_000 * HOUR - 10


def test_use_without_a_rate_is_said_and_recovers_nothing() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR, 2), rates=())
    (found,) = asked(ledger, a_recharge())
    assert (found.unpriced, found.flows[0].recovered) == (
        {"gres/gpu:h100": 2 * HOUR}, (0, 0, 0),
    )  # fmt: skip


def test_a_pool_that_rates_recover_changes_what_nobody_pays() -> None:
    some = [run(1, "nlp", 0, 5 * HOUR, 2), run(2, "cv", HOUR, 30 * HOUR)]
    without = Allocation((a_pool(),))
    with_it = Allocation((a_pool(),), recharge=(a_recharge(),))
    assert rows(priced(*some, what=without)) == rows(priced(*some, what=with_it))
    alone = priced(*some, what=Allocation(recharge=(a_recharge(),)))
    assert rows(alone) == rows(priced(*some))


def rows(ledger: Ledger) -> list[str]:
    """All that a ledger holds but when it was made."""
    return [line for line in ledger.db.iterdump() if "_sqlite_migrations" not in line]


def test_a_year_that_runs_is_counted_through_the_day_that_price_has_seen() -> None:
    ledger = priced(run(1, "nlp", 0, 90 * DAY))
    assert counted_until(ledger, CALENDAR, NOW + 3 * DAY) == CALENDAR.day_of(NOW)
    early = JUNE + 10 * DAY + 5
    flow = asked(ledger, a_recharge(), now=early)[0].flows[-1]
    assert flow.until == FIRST + 10
    assert flow.recovered.billed == 3_920_000 * 10 * DAY
    assert flow.cost == 7 * 240 * TICKS + 1001 * TICKS * 10 // 365


def test_a_pool_that_came_later_has_no_year_then() -> None:
    last = CALENDAR.fiscal_year(FIRST - 400)
    assert fiscal_years(CALENDAR, (1, 1), FIRST, last) == []
    assert recovery(a_ledger(), [a_recharge()], CALENDAR, (1, 1), last, FIRST) == []


def test_a_pool_that_has_ended_carries_its_balance_on() -> None:
    (found,) = asked(priced(run(1, "nlp", 0, HOUR)), a_recharge(days=1))
    assert [(flow.cost > 0, flow.recovered.total > 0) for flow in found.flows] == [
        (True, True), (False, False), (False, False),
    ]  # fmt: skip

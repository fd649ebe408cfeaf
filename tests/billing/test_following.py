"""A change is followed wherever it leads: each case against a ledger that never knew another."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Factor, Piece, Rounding, Tier
from slurm_finops.core.money import TICKS
from slurm_finops.core.pools import Allocation, Pool
from slurm_finops.core.rates import NEVER, Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.credits import Wanted, add
from slurm_finops.ledger.held import hold
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, a_pool, run
from tests.billing.test_drawing import NOW, RATE, hours
from tests.support import JUNE, a_ledger, write

TABLES = {
    "charges": "day, usage_id, sku_id, quantity, seconds, effective_ticks, billed_ticks",
    "draws": "day, lot_id, credit_id, usage_id, sku_id, units, ticks",
    "tier_days": "day, tier, team, used",
    "tier_levels": "tier, team, start, level",
    "allocations": "day, category, partition, unit_seconds, effective_units, effective_ticks",
}


def terms(
    rates: tuple[Rate, ...] = (RATE,), pools: tuple[Pool, ...] = (), suspended: bool = False,
    **policy: Any,
) -> Terms:  # fmt: skip
    what = Allocation(pools)
    return Terms(rates, POLICY, CALENDAR, suspended, what, Charging(**policy))


def priced(site: Terms, runs: Iterable[Run], ledger: Ledger | None = None) -> Ledger:
    ledger = ledger or a_ledger()
    write(ledger, *runs)
    price(ledger, site, NOW)
    return ledger


def told(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: ledger.db.execute(f"SELECT {columns} FROM {name} ORDER BY {columns}").fetchall()
        for name, columns in TABLES.items()
    }


@pytest.mark.parametrize("dear", [
    {"factors": (Factor("a slip", Fraction(10**12)),)},
    {"rates": (RATE._replace(price=7 * 10**15),), "suspended": True},
])  # fmt: skip
def test_a_run_that_cost_too_much_is_priced_when_it_no_longer_does(dear: dict[str, Any]) -> None:
    runs = [run(1, "nlp", 0, 1 if "suspended" in dear else HOUR, suspended=HOUR)]
    ledger = priced(terms(**dear), runs)
    assert told(ledger)["charges"] == []
    usual = terms(**{name: dear[name] for name in dear if name == "rates"})
    price(ledger, usual, NOW)
    assert told(ledger) == told(priced(usual, runs))
    assert len(told(ledger)["charges"]) == 1


def test_as_much_more_before_an_allocation_expires_as_less_afterwards_is_not_the_same() -> None:
    # of what the late run takes only a half would have gone on: two hours less, and four are free
    half = hours(30, last=FIRST + 10, carry=Fraction(1, 2), carried=FIRST + 30)
    site = terms(lots=(half,))
    first, gone = run(1, "nlp", 0, HOUR), run(2, "nlp", 11 * DAY, 4 * HOUR)
    later, late = run(3, "nlp", 12 * DAY, 20 * HOUR), run(4, "nlp", 2 * DAY, 4 * HOUR)
    ledger = priced(site, [first, gone, later])
    with ledger.transaction() as db:
        hold(db, {2: "it is another cluster's"})
    priced(site, [late], ledger)
    never = a_ledger()
    write(never, first, gone)
    with never.transaction() as db:
        hold(db, {2: "it is another cluster's"})
    assert told(ledger)["draws"] == told(priced(site, [later, late], never))["draws"]


HIGH = (("qos", "high"),)
VOLUME = Tier("volume", ("gres/gpu",), ((0, Fraction(1)), (30 * HOUR, Fraction(1, 2))), HIGH)


@pytest.mark.parametrize("site", [
    terms(lots=(hours(100, match=HIGH),)), terms(tiers=(VOLUME,)),
])  # fmt: skip
def test_a_run_is_found_where_it_is_now_on_days_on_which_it_costs_the_same(site: Terms) -> None:
    # sacct says of a run its last QOS and partition, and it may have had others while it ran
    ended = run(1, "nlp", 0, 2 * DAY + HOUR, qos="high", partition="h100")
    running = ended._replace(
        qos="normal", partition="spot", state="RUNNING", provisional=True, end=None,
        elapsed=DAY + HOUR,
    )  # fmt: skip
    ledger = priced(site, [running])
    assert told(priced(site, [ended], ledger)) == told(priced(site, [ended]))


def test_a_pool_goes_by_the_partition_that_a_run_has_now() -> None:
    site, was = terms(pools=(a_pool(),)), run(1, "nlp", 0, HOUR, partition="spot")
    now = was._replace(partition="h100")
    ledger = priced(site, [was])
    assert told(priced(site, [now], ledger)) == told(priced(site, [now]))


def test_a_run_that_began_later_is_paid_for_from_then_on() -> None:
    # what it held on its one day is the same, but another run was first
    other, wrong = run(2, "nlp", 2 * HOUR, 3 * HOUR), run(1, "nlp", 0, 3 * HOUR)
    right = wrong._replace(start=wrong.start + 9 * HOUR, end=wrong.end + 9 * HOUR)
    site = terms(lots=(hours(4),))
    ledger = priced(site, [wrong, other])
    assert told(priced(site, [right], ledger)) == told(priced(site, [right, other]))


def test_a_run_whose_nodes_were_others_is_credited_for_these() -> None:
    site, right = terms(), run(1, "nlp", 0, 3 * HOUR, node_list="n7")
    outage = Wanted("outage", "alpha", None, None, None, None, "n7", JUNE, JUNE + HOUR, 1, 1,
                    "cooling", "", "pi@example.org")  # fmt: skip
    ledger = priced(site, [right._replace(node_list="n1")])
    add(ledger, outage, CALENDAR, NOW, "admin")
    price(ledger, site, NOW)
    assert told(ledger)["draws"] == []
    priced(site, [right], ledger)
    assert [row[-1] for row in told(ledger)["draws"]] == [4 * TICKS]


def test_a_tier_for_a_class_counts_use_without_a_rate_by_the_class_that_it_has_now() -> None:
    volume = Tier("volume", ("gres/gpu",), ((0, Fraction(1)), (2 * HOUR, Fraction(1, 2))),
                  (("class", "industry"),))  # fmt: skip
    bare = run(1, "nlp", 0, 4 * HOUR, alloc_tres="gres/gpu=1,gres/gpu:a100=1")
    runs = [bare, run(2, "nlp", DAY, HOUR)]
    before, now = (
        terms(tiers=(volume,), classes=(("nlp", (Piece(NEVER, name),)),))
        for name in ("academic", "industry")
    )
    ledger = priced(before, runs)
    price(ledger, now, NOW)
    assert told(ledger) == told(priced(now, runs))
    assert [row[5] for row in told(ledger)["charges"]] == [None, 2 * TICKS]


def test_a_step_of_a_tier_that_only_booked_time_reaches_is_paid_for() -> None:
    # an hour is booked as two days; after 13 hours, at noon of the second, the price is a half
    two_days = Rounding("a minimum", minimum=2 * DAY, match=(("qos", "high"),))
    volume = Tier("volume", ("gres/gpu",), ((0, Fraction(1)), (13 * HOUR, Fraction(1, 2))))
    site = terms(rounding=(two_days,), tiers=(volume,))
    short, long = run(1, "nlp", 0, HOUR, qos="high"), run(2, "nlp", DAY, DAY)
    ledger = priced(site, [short, long])
    assert costs(ledger) == [(1, (36 * 4 + 12 * 2) * TICKS), (2, (12 * 4 + 12 * 2) * TICKS)]
    with ledger.transaction() as db:
        hold(db, {2: "it is another cluster's"})
    price(ledger, site, NOW)
    assert costs(ledger) == [(1, 48 * 4 * TICKS)]


def costs(ledger: Ledger) -> list[tuple[int, int]]:
    return ledger.db.execute(
        "SELECT usage_id, sum(effective_ticks) FROM charges GROUP BY 1"
    ).fetchall()


def test_a_run_that_a_tier_prices_twice_is_told_of_once() -> None:
    volume = Tier("volume", ("gres/gpu",), ((0, Fraction(1)), (HOUR, Fraction(1, 2))))
    runs = [run(1, "nlp", 0, HOUR), run(2, "nlp", HOUR, HOUR)]
    ledger = priced(terms(), runs)
    found = price(ledger, terms(tiers=(volume,)), NOW)
    assert found[:4] == (0, 2, 8 * TICKS, 6 * TICKS)
    # a run that comes to light, of which nobody was told, moves the first of them
    write(ledger, run(3, "nlp", -HOUR, HOUR))
    assert price(ledger, terms(tiers=(volume,)), NOW)[:4] == (1, 2, 6 * TICKS, 4 * TICKS)
    assert price(ledger, terms(), NOW)[:4] == (0, 3, 8 * TICKS, 12 * TICKS)

"""What an auditor tried: types under gres/gpu, ties, rates within a day, credits, other slips."""

from dataclasses import replace

import pytest

from slurm_finops.billing.allocation import outdated
from slurm_finops.billing.capacity import AllocationError
from slurm_finops.billing.pricing import price
from slurm_finops.core.accrual import Cost
from slurm_finops.core.money import TICKS
from slurm_finops.core.pools import Credit, Overhead, Spread
from slurm_finops.core.rates import Rate
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from tests.billing.pools import DAY, FIRST, HOUR, RATE, a_credit, a_line, a_pool, run, terms
from tests.billing.test_allocation import LATER, SCOPE, cents, priced
from tests.support import JUNE, a_ledger, write

NOON = 12 * HOUR


@pytest.mark.parametrize("rates", [(), (Rate("gres/gpu", 1_000_000, 0),)])
def test_a_pool_of_any_gpu_covers_typed_ones_that_have_no_rate_of_their_own(rates) -> None:  # type: ignore[no-untyped-def]
    pool = a_pool(use=(("gres/gpu", 1),), kind="owned", days=1)
    ledger = priced(run(1, "nlp", 0, DAY, 8), what=terms(pool, rates=rates))
    assert cents(ledger, "team") == {"nlp": 24 * 800}


def test_a_type_with_a_rate_of_its_own_is_not_of_a_pool_of_any_gpu() -> None:
    pool = a_pool(use=(("gres/gpu", 1),), kind="owned", days=1)
    ledger = priced(run(1, "nlp", 0, DAY, 8), what=terms(pool))
    found = cents(ledger, "team", "category")
    assert (found["nlp", "usage"], found[None, "unused"]) == (24 * 8 * 392, 24 * 800)


def test_equal_use_within_and_without_shared_services_is_no_tie_too_many() -> None:
    pool = a_pool(units=7, days=1, kind="owned", hourly=TICKS)
    rule = Overhead("services", (), (), ("ops0",), Spread("proportional"))
    runs = run(3, "ops", 0, HOUR), run(4, "ops", 0, HOUR)
    ledger = priced(*runs, what=terms(pool, overhead=(rule,)))
    assert sum(cents(ledger, "team").values()) == 24 * 100


@pytest.mark.parametrize("beyond", ["rates", "error"])
def test_a_rate_that_begins_within_a_day_leaves_the_hours_of_the_pool_as_they_are(
    beyond: str,
) -> None:
    # until noon nlp holds all eight of the pool, then it is on spot and cv holds them
    spot = Rate("gres/gpu:h100", 1_000_000, JUNE + NOON, match=(("partition", "spot"),),
                pricing="spot")  # fmt: skip
    ledger = priced(
        run(1, "nlp", 0, DAY, 8, partition="spot"), run(2, "cv", NOON, NOON, 8),
        what=terms(a_pool(days=1, kind="owned", beyond=beyond), rates=(RATE, spot)),
    )  # fmt: skip
    assert cents(ledger, "team", "category") == {
        ("nlp", "usage"): 12 * 8 * 100, ("nlp", "share"): 12 * 800,
        ("cv", "usage"): 0, ("cv", "share"): 12 * 800,
    }  # fmt: skip


def test_credits_together_take_off_no_more_than_there_is() -> None:
    cost = Rate("gres/gpu:h100", 1_000_000, 0)
    first = a_credit(80 * TICKS)
    second = replace(first, name="second", spread=replace(first.spread, to="ops"))
    ledger = priced(run(1, "nlp", 0, HOUR, 100),
                    what=terms(rates=(cost,), credits=(first, second)))  # fmt: skip
    assert cents(ledger, "team") == {"nlp": 0, "ops": -6000}


def test_a_credit_takes_off_idle_time_and_lines_as_well() -> None:
    pool = a_pool(kind="owned", days=1, unused=Spread(to="nlp"))
    credit: Credit = a_credit(1000 * TICKS)
    ledger = priced(run(1, "nlp", 0, HOUR),
                    what=terms(pool, lines=(a_line(50 * TICKS),), credits=(credit,)))  # fmt: skip
    assert cents(ledger, "team") == {"nlp": 0, None: -(100_000 - 24 * 800 - 5000)}


def test_a_month_that_goes_on_is_not_judged_by_its_days_so_far() -> None:
    pool = a_pool(step="month", beyond="error", kind="owned")
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, DAY, 9))
    price(ledger, terms(pool), JUNE + DAY)
    assert cents(ledger, "team") == {"nlp": 24 * 800}
    with pytest.raises(AllocationError, match="more were in use in the month of"):
        write(ledger, run(2, "nlp", 0, 30 * DAY, 8))
        price(ledger, terms(pool), LATER)


def test_use_beyond_a_pool_is_not_free_because_another_type_has_a_rate() -> None:
    use = (("gres/gpu:h100", 7), ("gres/gpu:a100_1g.5gb", 1))
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, 8),
          run(2, "nlp", 0, HOUR, alloc_tres="gres/gpu:a100_1g.5gb=21"))  # fmt: skip
    with pytest.raises(AllocationError, match="there is none for"):
        price(ledger, terms(a_pool(use=use, units=56)), LATER)


def test_a_lines_own_team_has_its_cost_centre() -> None:
    line = a_line(10 * TICKS, tags=Tags(team="cv", project="data"))
    ledger = priced(run(1, "nlp", 0, HOUR), what=terms(lines=(line,)))
    assert cents(ledger, "cost_center")["cc-cv"] == 1000


def test_a_pool_is_for_the_cluster_qos_and_account_that_it_names() -> None:
    runs = (
        run(1, "nlp", 0, HOUR, 8, cluster="alpha"), run(2, "nlp", 0, HOUR, 8, cluster="beta"),
        run(3, "cv", 0, HOUR, 8, qos="high", account="nlp"),
        run(4, "cv", 0, HOUR, 8, qos="nlp", account="high"),
    )  # fmt: skip
    for key, value, shares in (("cluster", "beta", {"nlp": 800}), ("qos", "high", {"cv": 800}),
                               ("account", "high", {"cv": 800})):  # fmt: skip
        pool = a_pool(match=((key, value),), days=1)
        found = cents(priced(*runs, what=terms(pool)), "team", "category",
                      scope=Scope(FIRST, FIRST + 1))  # fmt: skip
        assert {team: c for (team, category), c in found.items() if category == "share"} == shares


def test_what_is_carried_by_cost_goes_by_cost_within_a_team_too() -> None:
    # two projects of one team with the same hours, one at twice the price
    dear = Rate("gres/gpu:a100", 7_840_000, 0)
    runs = (
        run(1, "nlp", 0, HOUR, comment='{"team":"nlp","project":"a"}'),
        run(2, "nlp", 0, HOUR, comment='{"team":"nlp","project":"b"}',
            alloc_tres="gres/gpu:a100=1,gres/gpu=1"),
    )  # fmt: skip
    line = a_line(30 * TICKS, Spread("even", "cost"))
    ledger = priced(*runs, what=terms(rates=(RATE, dear), lines=(line,)))
    found = cents(ledger, "project", "category")
    assert (found["a", "line"], found["b", "line"]) == (1000, 2000)


def test_a_day_alone_or_its_month_is_looked_at_as_the_rule_says() -> None:
    runs = run(1, "nlp", 0, HOUR), run(2, "cv", DAY, HOUR)
    for over, nlp in (("day", 1500), ("month", 1500)):
        line = a_line(30 * TICKS, Spread("proportional", over=over, to="ops"))
        found = cents(priced(*runs, what=terms(lines=(line,))), "team", "category")
        if over == "month":
            assert (found["nlp", "line"], found["cv", "line"]) == (nlp, nlp)
        else:  # a thirtieth on each day of use, and nobody to carry the others but ops
            assert (found["nlp", "line"], found["cv", "line"], found["ops", "line"]) == (
                100, 100, 2800,
            )  # fmt: skip


def test_suspended_time_bears_its_part_where_it_is_charged() -> None:
    one = run(1, "nlp", 0, HOUR)._replace(suspended=HOUR)
    for suspended, borne in ((False, 100), (True, 200)):
        what = replace(terms(a_pool(days=1)), charge_suspended=suspended)
        assert cents(priced(one, what=what), "category")["share"] == borne


def test_a_long_run_that_grows_does_again_only_the_months_that_change() -> None:
    what = terms(a_pool(days=None))
    one = run(1, "nlp", 0, 35 * DAY)._replace(state="RUNNING", provisional=True, end=None)
    ledger = priced(one, what=what, as_of=JUNE + 35 * DAY)
    write(ledger, one._replace(elapsed=36 * DAY))
    assert price(ledger, what, JUNE + 36 * DAY).shared.days == 6


def test_what_is_not_shared_as_it_would_be_now_is_known() -> None:
    what = terms(a_pool(beyond="error", days=5))
    book = what.policy, what.calendar
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, 8))
    assert outdated(ledger, what.allocation, *book)
    price(ledger, what, LATER)
    assert not outdated(ledger, what.allocation, *book)
    # a change of it, and a pricing that did not end
    assert outdated(ledger, terms(a_pool(beyond="error", days=6)).allocation, *book)
    assert outdated(ledger, terms().allocation, *book)
    write(ledger, run(2, "nlp", 0, HOUR, 8))
    with pytest.raises(AllocationError):
        price(ledger, what, LATER)
    assert outdated(ledger, what.allocation, *book)
    price(ledger, terms(), LATER)
    assert not outdated(ledger, terms().allocation, *book)


def test_by_qos_only_what_the_pool_covers_has_a_part_in_it() -> None:
    # one team, one partition: four GPUs for an hour in each QOS, and the pool is for one of them
    pool = a_pool(match=(("qos", "reserved"),), kind="owned", days=1, unused=Spread(to="ops"))
    runs = run(1, "nlp", 0, HOUR, 4, qos="low"), run(2, "nlp", 0, HOUR, 4, qos="reserved")
    found = cents(priced(*runs, what=terms(pool)), "qos")
    assert (found["low"], found["reserved"]) == (4 * 392, 400)


@pytest.mark.parametrize("units", [8, None])
def test_amounts_in_won_pass_64_bits_of_ticks(units: int | None) -> None:
    won = 3_000_000_000
    pool = a_pool(units=units, step="month", hourly=0, days=1, unused=Spread(to="ops"))
    pool = replace(pool, costs=(Cost("upfront", won * TICKS, "once", JUNE, JUNE + DAY),))
    line = replace(a_line(0), cost=Cost("egress", 10**12 * TICKS, "once", JUNE, JUNE + 30 * DAY))
    ledger = priced(run(1, "nlp", 0, HOUR), what=terms(pool, lines=(line,)))
    total = sum(row.effective_ticks for row in spend(ledger.db, SCOPE, ("team",)))
    assert total == (won + 10**12) * TICKS
    assert sum(row.billed_ticks for row in spend(ledger.db, SCOPE, ("day",))) == total


def test_a_run_that_moves_to_another_day_leaves_no_share_behind() -> None:
    what = terms(a_pool(kind="owned", unused=Spread(to="ops")))
    ledger = priced(run(1, "nlp", 0, HOUR), what=what)
    write(ledger, run(1, "nlp", 0, HOUR)._replace(start=JUNE + 3 * DAY, end=JUNE + 3 * DAY + HOUR))
    price(ledger, what, LATER)
    days = {day: c for (team, day), c in cents(ledger, "team", "day").items() if team == "nlp"}
    assert days == {"2026-06-04": 100}


def test_a_team_that_changes_its_cost_centre_takes_what_is_put_on_it_along() -> None:
    what = terms(a_pool(kind="owned", days=1, unused=Spread(to="ops")))
    ledger = priced(run(1, "nlp", 0, HOUR), what=what)
    assert cents(ledger, "cost_center")["cc-ops"] == 24 * 800 - 100
    teams = tuple(replace(t, cost_center=f"new-{t.name}") for t in what.policy.teams)
    price(ledger, replace(what, policy=replace(what.policy, teams=teams)), LATER)
    assert cents(ledger, "cost_center")["new-ops"] == 24 * 800 - 100


def test_a_cost_that_is_paid_once_is_billed_on_its_own_first_day() -> None:
    repair = Cost("repair", 50 * TICKS, "once", JUNE + 10 * DAY, JUNE + 20 * DAY)
    pool = replace(a_pool(hourly=0), costs=(repair,))
    ledger = priced(run(1, "nlp", 0, HOUR), what=terms(pool))
    billed = cents(ledger, "day", billed=True)
    assert {day: c for day, c in billed.items() if c} == {"2026-06-11": 5000}
    assert cents(ledger) == {None: 5000}

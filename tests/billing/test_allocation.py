"""Allocation: a pool's cost by use, what is idle, beyond, shared, beside and taken off."""

from dataclasses import replace

import pytest

from slurm_finops.billing.allocation import Shared
from slurm_finops.billing.capacity import AllocationError
from slurm_finops.billing.pricing import Priced, price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.accrual import Cost
from slurm_finops.core.money import TICKS, to_minor
from slurm_finops.core.pools import Overhead, Spread
from slurm_finops.core.rates import Rate
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import (
    DAY,
    FIRST,
    HOUR,
    RATE,
    a_credit,
    a_line,
    a_pool,
    run,
    services,
    shares,
    terms,
)
from tests.support import JUNE, a_ledger, write

LATER = JUNE + 40 * DAY
SCOPE = Scope(FIRST, FIRST + 30)


def priced(*runs, what=None, as_of: int = LATER) -> Ledger:  # type: ignore[no-untyped-def]
    ledger = a_ledger()
    write(ledger, *runs)
    price(ledger, what or terms(a_pool()), as_of)
    return ledger


def cents(ledger: Ledger, *by: str, scope: Scope = SCOPE, billed: bool = False) -> dict:  # type: ignore[type-arg]
    """Effective (or billed) cents by one or more dimensions."""
    return {
        row.key if len(by) > 1 else (row.key or (None,))[0]:
            to_minor(row.billed_ticks if billed else row.effective_ticks, 2)
        for row in spend(ledger.db, scope, by)
    }  # fmt: skip


def test_a_half_used_reservation_is_borne_by_use_and_half_of_it_is_unused() -> None:
    # 8 GPUs at 8.00 an hour for 30 days; 4 of them are used, by two teams, all the time
    ledger = priced(run(1, "nlp", 0, 30 * DAY, 3), run(2, "cv", 0, 30 * DAY, 1))
    assert cents(ledger, "team") == {"nlp": 216_000, "cv": 72_000, None: 288_000}
    assert cents(ledger, "category") == {
        "usage": 0, "share": 288_000, "unused": 288_000, "purchase": 0,
    }  # fmt: skip
    assert cents(ledger) == {None: 30 * 24 * 800}


@pytest.mark.parametrize("what", [
    # an hour of it is a tick more than three can share
    terms(a_pool(hourly=TICKS + 1, units=3)),
    terms(a_pool(hourly=TICKS + 1, units=3, unused=Spread("proportional"))),
    terms(lines=(a_line(TICKS + 1, Spread("proportional", by="gpu_hours")),)),
], ids=["use", "unused", "line"])  # fmt: skip
def test_who_has_the_odd_tick_does_not_hang_on_who_came_first(what: Terms) -> None:
    runs = [run(i, team, HOUR, HOUR) for i, team in enumerate(("nlp", "cv", "ops"), 1)]
    columns = "day", "name", "category", "team"
    one, two = (shares(priced(*some, what=what), *columns) for some in (runs, runs[::-1]))
    assert one == two
    used = {row[-2] for row in one if row[2] in ("share", "line") and row[3]}
    assert max(used) == min(used) + 1


def test_what_is_covered_bills_nothing_and_the_purchase_bills_it_once() -> None:
    ledger = priced(run(1, "nlp", 0, 30 * DAY, 8))
    assert cents(ledger, "category", billed=True) == {
        "usage": 0, "share": 0, "purchase": 30 * 24 * 800,
    }  # fmt: skip
    upfront = Cost("upfront", 3000 * TICKS, "once", JUNE, JUNE + 30 * DAY)
    pool = replace(a_pool(), costs=(upfront,))
    ledger = priced(run(1, "nlp", 0, 30 * DAY, 8), what=terms(pool))
    first, rest = Scope(FIRST, FIRST + 1), Scope(FIRST + 1, FIRST + 30)
    assert (cents(ledger, scope=first, billed=True), cents(ledger, scope=rest, billed=True)) == (
        {None: 300_000}, {None: 0},
    )  # fmt: skip
    assert cents(ledger, scope=first) == {None: 10_000}


def test_owned_hardware_has_no_bill_and_costs_all_the_same() -> None:
    ledger = priced(run(1, "nlp", 0, 30 * DAY, 8), what=terms(a_pool(kind="owned")))
    assert cents(ledger, billed=True) == {None: 0}
    assert cents(ledger, "team") == {"nlp": 30 * 24 * 800}


def test_list_cost_says_what_covered_use_would_have_cost() -> None:
    (row,) = spend(priced(run(1, "nlp", 0, HOUR, 8)).db, SCOPE, ("team", "sku"))[:1]
    assert to_minor(row.list_ticks, 2) == 3136


def test_use_beyond_the_pool_pays_its_rate_and_not_more_than_that() -> None:
    # 12 GPUs for an hour of a pool of 8: 4 of them at 3.92, the pool all used
    ledger = priced(run(1, "nlp", 0, HOUR, 9), run(2, "cv", 0, HOUR, 3))
    hour = Scope(FIRST, FIRST + 1)
    assert cents(ledger, "team", "category", scope=hour) == {
        ("nlp", "usage"): 0, ("cv", "usage"): 0,
        ("nlp", "share"): 600, ("cv", "share"): 200,
        ("nlp", "beyond"): 1176, ("cv", "beyond"): 392,
        (None, "unused"): 23 * 800, (None, "purchase"): 0,
    }  # fmt: skip


def test_a_buyers_own_use_is_covered_first_where_the_site_says_so() -> None:
    pool = a_pool(buyer="nlp", buyer_first=True)
    ledger = priced(run(1, "nlp", 0, HOUR, 8), run(2, "cv", 0, HOUR, 8), what=terms(pool))
    found = cents(ledger, "team", "category", scope=Scope(FIRST, FIRST + 1))
    assert (found["nlp", "share"], found.get(("nlp", "beyond"))) == (800, None)
    assert (found.get(("cv", "share")), found["cv", "beyond"]) == (None, 3136)


def test_what_is_beyond_one_pool_is_covered_by_the_next() -> None:
    small = a_pool("small", hourly=2 * TICKS, units=2, rank=1)
    ledger = priced(run(1, "nlp", 0, HOUR, 4), what=terms(a_pool(), small))
    found = cents(ledger, "origin", "category", scope=Scope(FIRST, FIRST + 1))
    assert (found["small", "share"], found["reserved", "share"]) == (200, 200)


def test_the_last_pool_of_a_chain_says_what_is_beyond_it() -> None:
    first = a_pool("first", units=1, rank=1, beyond="error")
    ledger = priced(run(1, "nlp", 0, HOUR, 10), what=terms(first, a_pool(beyond="rates")))
    assert cents(ledger, "category")["beyond"] == 392


def test_a_pool_that_costs_nothing_still_says_who_used_it() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR, 2), what=terms(a_pool(hourly=0)))
    assert shares(ledger, "team", "unit_seconds") == [("nlp", 7200, 0, 0)]


def test_use_that_matches_no_pool_pays_its_rate_and_no_share() -> None:
    pool = a_pool(match=(("partition", "h100"),))
    ledger = priced(run(1, "nlp", 0, HOUR, 2, partition="debug"), what=terms(pool))
    assert cents(ledger, "team") == {"nlp": 784, None: 30 * 24 * 800}


def test_a_pool_that_begins_within_the_month_covers_from_then_on() -> None:
    later = replace(a_pool(kind="owned", unused=Spread(to="ops")), first=FIRST + 1, last=FIRST + 2)
    ledger = priced(run(1, "nlp", 0, 2 * DAY, 8), what=terms(later))
    assert cents(ledger, "team", "category") == {
        ("nlp", "usage"): 24 * 8 * 392, ("nlp", "share"): 24 * 800,
    }  # fmt: skip


def test_a_share_of_the_bill_by_month_leaves_nothing_unused() -> None:
    # team_seconds / all_seconds x bill, whenever in the month the use was
    pool = a_pool(units=None, step="month")
    ledger = priced(run(1, "nlp", 0, DAY, 1), run(2, "cv", 20 * DAY, 3 * DAY, 1), what=terms(pool))
    assert cents(ledger, "team") == {"nlp": 144_000, "cv": 432_000, None: 0}
    # and lands on the days of its use
    assert cents(ledger, scope=Scope(FIRST, FIRST + 1)) == {None: 144_000}


def test_what_a_month_leaves_unused_is_on_each_of_its_days() -> None:
    pool = a_pool(step="month", buyer="ops", unused=Spread(to="ops"), kind="owned")
    ledger = priced(run(1, "nlp", 0, 15 * DAY, 8), what=terms(pool))
    assert cents(ledger, "team") == {"nlp": 288_000, "ops": 288_000}
    assert cents(ledger, "team", scope=Scope(FIRST + 29, FIRST + 30)) == {"ops": 9600}


@pytest.mark.parametrize(("step", "nlp"), [("hour", 800), ("day", 9_600), ("month", 288_000)])
def test_the_step_says_whose_use_is_looked_at_together(step: str, nlp: int) -> None:
    # both hold one GPU for an hour of the same day
    pool = a_pool(units=None, step=step)
    ledger = priced(run(1, "nlp", 0, HOUR), run(2, "cv", 5 * HOUR, HOUR), what=terms(pool))
    assert cents(ledger, "team")["nlp"] == nlp


def test_a_mig_profile_bears_what_it_takes_of_a_gpu() -> None:
    use = (("gres/gpu:a100", 7), ("gres/gpu:a100_1g.5gb", 1))
    pool = a_pool(use=use, units=7 * 8)
    ledger = priced(
        run(1, "nlp", 0, HOUR, alloc_tres="gres/gpu:a100=1"),
        run(2, "cv", 0, HOUR, alloc_tres="gres/gpu:a100_1g.5gb=7"), what=terms(pool),
    )  # fmt: skip
    found = cents(ledger, "team", "category", scope=Scope(FIRST, FIRST + 1))
    assert (found["nlp", "share"], found["cv", "share"]) == (100, 100)


def test_unused_capacity_is_carried_by_whom_the_site_says() -> None:
    runs = run(1, "nlp", 0, DAY, 3), run(2, "cv", 0, DAY, 1)
    for spread, carried in (
        (Spread("proportional"), {"nlp": 14_400, "cv": 4_800}),
        (Spread("ratios", ratios=(("cv", 1), ("new", 3))), {"nlp": 7200, "cv": 4800, "new": 7200}),
        (Spread("carried", to="ops"), {"nlp": 7200, "cv": 2400, "ops": 9600}),
    ):
        ledger = priced(*runs, what=terms(a_pool(unused=spread, days=1, kind="owned")))
        assert cents(ledger, "team") == carried


def test_shared_services_cost_others_and_themselves_nothing() -> None:
    runs = run(1, "nlp", 0, HOUR, 3), run(2, "cv", 0, HOUR, 1), run(3, "ops", 0, HOUR, 2)
    for method, nlp, cv in (("even", 1176 + 392, 392 + 392), ("proportional", 1764, 588)):
        ledger = priced(*runs, what=terms(overhead=(services(method),)))
        assert cents(ledger, "team") == {"nlp": nlp, "cv": cv, "ops": 0}
        assert cents(ledger, "team", billed=True) == {"nlp": nlp, "cv": cv, "ops": 0}


def test_shared_services_do_not_carry_themselves_whatever_goes_by() -> None:
    mine = run(3, "ops", 0, HOUR, 2), run(4, "ops", 0, HOUR, 1, user="ann")
    rule = Overhead("services", (), (), ("ops0",), Spread("proportional", "cost"))
    ledger = priced(run(1, "nlp", 0, HOUR, 3), *mine, what=terms(overhead=(rule,)))
    # two GPUs of services by three of nlp and the one that ops holds for itself
    assert cents(ledger, "team") == {"nlp": 1176 + 588, "ops": 392 + 196}


def test_shared_services_part_of_a_pool_and_beyond_it_goes_with_them() -> None:
    pool = a_pool(units=1, hourly=TICKS, days=1, kind="owned", unused=Spread("carried", to="nlp"))
    what = terms(pool, overhead=(services(),))
    ledger = priced(run(1, "nlp", 2 * HOUR, HOUR), run(2, "ops", 0, HOUR, 2), what=what)
    for billed, beyond in ((False, 100 + 392), (True, 392)):
        found = cents(ledger, "team", "category", billed=billed)
        assert (found["ops", "shared"], found["nlp", "overhead"]) == (-beyond, beyond)
    assert cents(ledger, "team")["ops"] == 0


def test_where_only_shared_services_ran_nobody_else_can_carry_them() -> None:
    ledger = priced(run(3, "ops", 0, HOUR, 2), what=terms(overhead=(services(to="ops"),)))
    assert cents(ledger, "team") == {"ops": 784}


def test_a_line_is_in_the_total_by_gpu_hours_or_for_its_owner() -> None:
    runs = run(1, "nlp", 0, HOUR, 3), run(2, "cv", DAY, HOUR, 1)
    ledger = priced(*runs, what=terms(lines=(a_line(100 * TICKS),)))
    assert cents(ledger, "team") == {"nlp": 7500 + 1176, "cv": 2500 + 392}
    owned = a_line(100 * TICKS, tags=Tags(team="cv", project="data"))
    ledger = priced(*runs, what=terms(lines=(owned,)))
    assert cents(ledger, "team", "project")["cv", "data"] == 10_000


def test_a_team_that_sees_5200_of_8000_enjoys_a_credit_that_another_earned() -> None:
    # 8,000 and 2,000 of use; a credit of 3,500 that the platform team's commitment earned
    rate = (Rate("gres/gpu:h100", 1_000_000, 0),)
    runs = run(1, "nlp", 0, 20 * DAY, 8000 // 480), run(2, "ops", 0, 20 * DAY, 1)
    nlp, ops = 480 * 16, 480
    runs = (*runs, run(3, "nlp", 0, (8000 - nlp) * HOUR), run(4, "ops", 0, HOUR, 2000 - ops))
    by_use = priced(*runs, what=terms(rates=rate, credits=(a_credit(3500 * TICKS),)))
    assert cents(by_use, "team") == {"nlp": 520_000, "ops": 130_000}
    first = priced(*runs, what=terms(rates=rate, credits=(a_credit(3500 * TICKS, "ops"),)))
    assert cents(first, "team") == {"nlp": 650_000, "ops": 0}


def test_more_in_use_than_there_is_says_when_and_leaves_the_month_as_it_was() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR, 8), what=terms(a_pool(beyond="error")))
    before = shares(ledger, "day", "category", "team")
    write(ledger, run(2, "cv", HOUR, HOUR, 9))
    with pytest.raises(AllocationError) as error:
        price(ledger, terms(a_pool(beyond="error")), LATER)
    assert "pools[1] (reserved): units is 8, and 9.00 were in use in the hour from " in str(
        error.value
    )
    assert "2026-06-01T01:00:00+00:00" in str(error.value)
    assert shares(ledger, "day", "category", "team") == before
    # nor is it forgotten
    with pytest.raises(AllocationError):
        price(ledger, terms(a_pool(beyond="error")), LATER)
    # and is done once the pool is as large as it was used
    price(ledger, terms(a_pool(beyond="error", units=9)), LATER)
    assert cents(ledger, "team")["cv"] == 800


def test_use_beyond_a_pool_without_any_rate_is_an_error_and_not_free() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, 9))
    with pytest.raises(AllocationError, match="there is none for gres/gpu:h100"):
        price(ledger, terms(a_pool(), rates=()), LATER)


def test_costs_are_known_through_the_last_day_that_has_ended() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR), as_of=JUNE + DAY + 5)
    assert cents(ledger) == {None: 24 * 800}
    assert price(ledger, terms(a_pool()), JUNE + 2 * DAY - 1) == Priced(0, 0)
    found = price(ledger, terms(a_pool()), JUNE + 2 * DAY)
    assert found == Priced(0, 0, shared=Shared(2, 24 * 8 * TICKS, 48 * 8 * TICKS))
    assert cents(ledger) == {None: 48 * 800}


def test_a_second_allocation_does_nothing() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR))
    before = list(ledger.db.iterdump())
    assert price(ledger, terms(a_pool()), LATER) == Priced(0, 0)
    assert list(ledger.db.iterdump()) == before


def test_a_pool_that_is_taken_back_leaves_nothing() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR, 2))
    price(ledger, terms(), LATER)
    assert cents(ledger, "team") == {"nlp": 784}
    assert ledger.db.execute("SELECT count(*) FROM origins").fetchone() == (0,)
    audited = ledger.db.execute("SELECT detail FROM audit WHERE action = 'allocation'").fetchall()
    assert audited[0] == ("reserved: 30 days to allocate again",)


def test_only_the_months_that_a_change_touches_are_done_again() -> None:
    what = terms(a_pool(days=None))
    ledger = priced(run(1, "nlp", 0, HOUR), run(2, "nlp", 31 * DAY, HOUR), what=what)
    write(ledger, run(3, "cv", 32 * DAY, HOUR))
    assert price(ledger, what, LATER).shared.days == 10


def test_people_are_told_of_their_part_by_what_they_held() -> None:
    ledger = priced(
        run(1, "nlp", 0, HOUR, 3), run(2, "nlp", 0, HOUR, 1), what=terms(a_pool(days=1))
    )
    found = cents(ledger, "user")
    assert (found["nlp1"], found["nlp2"], found[None]) == (300, 100, 23 * 800 + 400)
    assert cents(ledger, "state")["COMPLETED"] == 400


def test_a_cost_that_is_shared_is_a_cost_though_the_use_has_no_rate() -> None:
    line = a_line(100 * TICKS)
    ledger = priced(run(1, "nlp", 0, HOUR), what=terms(rates=(), lines=(line,)))
    (row,) = spend(ledger.db, SCOPE, ("team",))
    assert (row.unpriced, row.runs, to_minor(row.effective_ticks, 2)) == (False, 1, 10_000)
    (row,) = spend(ledger.db, SCOPE.narrowed("rate_card_id = 0", usage=True), ())
    assert (row.unpriced, row.effective_ticks) == (True, 0)


def test_a_pool_that_changes_while_nothing_else_does_is_found_again_after_a_crash() -> None:
    ledger = priced(run(1, "nlp", 0, HOUR))
    dearer = terms(a_pool(hourly=16 * TICKS))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slurm_finops.billing.allocation.Month.write", _dies)
        with pytest.raises(KeyboardInterrupt):
            price(ledger, dearer, LATER)
    assert price(ledger, dearer, LATER).shared.days == 30
    assert cents(ledger) == {None: 30 * 24 * 1600}


def _dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_rate_of_a_run_is_its_pool_while_there_is_one() -> None:
    ledger = priced(run(1, "nlp", 29 * DAY + 23 * HOUR, 2 * HOUR, 1), what=terms(a_pool()))
    kinds = ledger.db.execute(
        "SELECT pricing, billed_ticks FROM charges JOIN rate_cards ON rate_cards.id = rate_card_id "
        "ORDER BY day"
    ).fetchall()
    assert kinds == [("committed", 0), ("on_demand", 392 * TICKS // 100)]
    assert RATE.price == 3_920_000


def test_a_pool_that_bills_use_bills_every_share_and_no_purchase() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, 24 * HOUR, 4), run(2, "cv", 0, 24 * HOUR, 2))
    pool = a_pool(days=1, bills_use=True, unused=Spread(to="ops"), buyer="ops")
    price(ledger, terms(pool), LATER)
    rows = {row.key: row for row in spend(ledger.db, Scope(FIRST, FIRST + 1), ("team",))}
    # 8 a hour for 8 GPUs, of which 4 and 2 are used
    assert {key[0]: to_minor(row.billed_ticks, 2) for key, row in rows.items()} == {
        "nlp": 9600, "cv": 4800, "ops": 4800,
    }  # fmt: skip
    assert all(row.billed_ticks == row.effective_ticks for row in rows.values())

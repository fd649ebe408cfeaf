"""What allocations and credits take off charges, in plain figures."""

from fractions import Fraction

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Factor, Forgiven, Group
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import TICKS, to_minor
from slurm_finops.core.pools import Allocation
from slurm_finops.core.rates import Rate
from slurm_finops.ledger import credits as given
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, a_pool, run
from tests.support import JUNE, a_ledger, write

#: All days have ended: none is looked at again but for a reason.
NOW = JUNE + 70 * DAY
H100 = "gres/gpu:h100"
RATE = Rate(H100, 4_000_000, 0, where="rates[1]")
MONTH = Scope(FIRST, FIRST + 30)


def credit(ledger: Ledger, number: int, part: Fraction | None) -> int:
    """Forgive a part of a run by its number; None revokes the credit of that number."""
    if part is None:
        return given.revoke(ledger, number, "a slip", CALENDAR, JUNE, "admin").id
    (user,) = ledger.db.execute(
        "SELECT user FROM jobs JOIN contexts ON contexts.id = context_id WHERE job_id_raw = ?",
        (number,),
    ).fetchone()
    wanted = given.Wanted(
        "run", "alpha", str(number), number, user, None, None, None, None,
        part.numerator, part.denominator, "a lost file system", "4711", "the director",
    )  # fmt: skip
    return given.add(ledger, wanted, CALENDAR, JUNE, "admin").id


def hours(many: int, **more: object) -> Lot:
    settings = {"name": "grant", "team": "nlp", "project": None, "hours": True,
                "amount": many * HOUR * MICRO, "first": FIRST, "last": FIRST + 30,
                "use": ((H100, 1),), "where": "allocations[1]"} | more  # fmt: skip
    return Lot(**settings)  # type: ignore[arg-type]


def money(many: int, **more: object) -> Lot:
    return hours(0, **{"hours": False, "amount": many * TICKS, "use": ()} | more)


def priced(*lots: Lot, runs=(), **more: object) -> Ledger:  # type: ignore[no-untyped-def]
    ledger = a_ledger()
    write(ledger, *runs)
    price(ledger, terms(*lots, **more), NOW)
    return ledger


def terms(*lots: Lot, **more: object) -> Terms:
    return Terms((RATE,), POLICY, CALENDAR, charging=Charging(lots=lots, **more))  # type: ignore[arg-type]


def sums(ledger: Ledger, by: tuple[str, ...] = ()) -> dict[tuple[str | None, ...], tuple[int, ...]]:
    """Effective, credited, billed in cents."""
    return {
        row.key: tuple(to_minor(t, 2) for t in (row.effective_ticks, row.credited_ticks,
                                                row.billed_ticks))
        for row in spend(ledger.db, MONTH, by)
    }  # fmt: skip


def left(ledger: Ledger) -> int:
    return sum(row[0] for row in ledger.db.execute("SELECT drawn FROM lot_days"))


def test_hours_pay_until_they_are_used_up_and_the_rest_is_billed() -> None:
    # 2 GPUs for 6 hours are 12 GPU-hours, of which the lot has 10
    ledger = priced(hours(10), runs=[run(1, "nlp", 0, 6 * HOUR, 2)])
    assert sums(ledger) == {(): (4800, 4000, 800)}
    assert left(ledger) == 10 * HOUR * MICRO


def test_runs_that_go_together_share_what_is_left_by_the_second() -> None:
    # both hold a GPU from the first second on; the lot ends after half an hour
    ledger = priced(hours(1), runs=[run(1, "nlp", 0, HOUR), run(2, "nlp", 0, 2 * HOUR)])
    by_run = ledger.db.execute("SELECT usage_id, ticks FROM draws ORDER BY 1").fetchall()
    assert by_run == [(1, 2 * TICKS), (2, 2 * TICKS)]


def test_the_last_second_is_shared_so_that_nothing_is_left_over() -> None:
    # 3 GPUs ask 3 GPU-seconds of every second; 10 are there: the fourth second gives one
    ten = hours(0, amount=10 * MICRO)
    runs = [run(1, "nlp", 0, 60), run(2, "nlp", 0, 60, 2)]
    ledger = priced(ten, runs=runs)
    rows = ledger.db.execute("SELECT usage_id, units FROM draws ORDER BY 1").fetchall()
    assert rows == [(1, 3 * MICRO + 333_333), (2, 6 * MICRO + 666_667)]
    assert left(ledger) == 10 * MICRO


def test_money_is_drawn_to_the_last_tick() -> None:
    ledger = priced(money(3), runs=[run(1, "nlp", 0, HOUR), run(2, "nlp", 100, HOUR)])
    assert left(ledger) == 3 * TICKS
    assert sums(ledger) == {(): (800, 300, 500)}


def test_a_factor_takes_more_hours_and_what_is_free_takes_none() -> None:
    high = Factor("priority", Fraction(3, 2), (("qos", "high"),))
    free = Factor("scavenger", Fraction(0), (("qos", "free"),))
    failed = Forgiven("lost nodes", ("NODE_FAIL",))
    runs = [
        run(1, "nlp", 0, HOUR, qos="high"), run(2, "nlp", 0, HOUR, qos="free"),
        run(3, "nlp", 0, HOUR, state="NODE_FAIL"), run(4, "nlp", 0, HOUR),
    ]  # fmt: skip
    ledger = priced(hours(10), runs=runs, factors=(high, free), forgiven=(failed,))
    assert left(ledger) == 5 * HOUR // 2 * MICRO


def test_a_price_of_nothing_takes_its_hours() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR))
    free = Terms((RATE._replace(price=0),), POLICY, CALENDAR, charging=Charging(lots=(hours(10),)))
    price(ledger, free, NOW)
    assert left(ledger) == HOUR * MICRO
    assert sums(ledger) == {(): (0, 0, 0)}


def test_what_a_pool_covers_takes_no_hours() -> None:
    # the pool is there for June's first day; what the run held then costs nothing and is no lot's
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, DAY + HOUR))
    pooled = Allocation((a_pool(units=None, days=1),))
    site = Terms((RATE,), POLICY, CALENDAR, allocation=pooled,
                 charging=Charging(lots=(hours(10),)))  # fmt: skip
    price(ledger, site, NOW)
    assert left(ledger) == HOUR * MICRO


def test_of_a_group_what_is_paid_takes_hours_and_nothing_else_does() -> None:
    # 64 CPUs cost 64.00 an hour, the GPU beside them 4.00: it is held for nothing
    group = Group("node share", ("cpu", "gres/gpu"))
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, alloc_tres="cpu=64,gres/gpu=1,gres/gpu:h100=1"),
          run(2, "nlp", HOUR, HOUR, alloc_tres="cpu=2,gres/gpu=1,gres/gpu:h100=1"))  # fmt: skip
    site = Terms((RATE, Rate("cpu", 1_000_000, 0, where="rates[2]")), POLICY, CALENDAR,
                 charging=Charging(groups=(group,), lots=(hours(10),)))  # fmt: skip
    price(ledger, site, NOW)
    assert left(ledger) == HOUR * MICRO
    assert sums(ledger) == {(): (6800, 400, 6400)}


def test_a_projects_own_lot_is_used_before_its_teams() -> None:
    own = hours(1, name="own", project="nlp-p")
    ledger = priced(hours(10), own, runs=[run(1, "nlp", 0, 3 * HOUR)])
    assert sums(ledger, ("origin",)) == {
        (None,): (1200, 0, 1200), ("own",): (0, 400, -400), ("grant",): (0, 800, -800),
    }  # fmt: skip


def test_what_is_left_goes_on_by_its_rule() -> None:
    # 10 hours, of which 4 are used in June; half of the 6 that are left goes on into July
    lot = hours(10, carry=Fraction(1, 2), carried=FIRST + 61)
    runs = [run(1, "nlp", 0, 4 * HOUR), run(2, "nlp", 30 * DAY, 5 * HOUR)]
    ledger = priced(lot, runs=runs)
    july = {row.key: row for row in spend(ledger.db, Scope(FIRST + 30, FIRST + 61), ())}[()]
    assert to_minor(july.credited_ticks, 2) == 1200
    assert to_minor(july.billed_ticks, 2) == 800


def test_a_run_that_comes_late_takes_what_later_ones_had() -> None:
    ledger = priced(hours(1), runs=[run(2, "nlp", 10 * DAY, HOUR)])
    assert sums(ledger) == {(): (400, 400, 0)}
    write(ledger, run(1, "nlp", 0, HOUR // 2))
    price(ledger, terms(hours(1)), NOW)
    assert sums(ledger, ("day",)) == {
        ("2026-06-01",): (200, 200, 0), ("2026-06-11",): (400, 200, 200),
    }  # fmt: skip


def test_a_credit_comes_before_a_lot_and_leaves_it_what_it_forgives() -> None:
    ledger = priced(hours(2), runs=[run(1, "nlp", 0, 2 * HOUR)])
    number = credit(ledger, 1, Fraction(1, 2))
    price(ledger, terms(hours(2)), NOW)
    assert sums(ledger, ("category",)) == {
        ("usage",): (800, 0, 800), ("credit",): (0, 400, -400), ("allocation",): (0, 400, -400),
    }  # fmt: skip
    assert left(ledger) == HOUR * MICRO
    credit(ledger, number, None)
    price(ledger, terms(hours(2)), NOW)
    assert left(ledger) == 2 * HOUR * MICRO


def test_a_lot_that_is_taken_away_pays_nothing_any_more() -> None:
    ledger = priced(hours(2), runs=[run(1, "nlp", 0, 2 * HOUR)])
    price(ledger, terms(), NOW)
    assert sums(ledger) == {(): (800, 0, 800)}
    assert ledger.db.execute("SELECT * FROM lots").fetchall() == []
    text = ledger.db.execute("SELECT detail FROM audit ORDER BY id DESC").fetchone()[0]
    assert text == "grant: 1 days to draw again"


@pytest.mark.parametrize("scope", [
    {"match": (("partition", "other"),)}, {"team": "cv"}, {"project": "another"},
    {"use": (("gres/gpu:a100", 1),)},
])  # fmt: skip
def test_a_lot_pays_only_what_it_is_for(scope) -> None:  # type: ignore[no-untyped-def]
    ledger = priced(hours(2, **scope), runs=[run(1, "nlp", 0, 2 * HOUR)])
    assert sums(ledger) == {(): (800, 0, 800)}

"""Between a rate and a bill: one worked case for each thing that a site may say."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from slurm_finops.billing.capacity import AllocationError
from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import (
    Charging,
    Factor,
    Forgiven,
    Group,
    Piece,
    Rounding,
    Timeline,
)
from slurm_finops.core.money import TICKS
from slurm_finops.core.policy import TeamRule
from slurm_finops.core.pools import Allocation, Pool
from slurm_finops.core.rates import NEVER, Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, a_pool, run, shares
from tests.support import JUNE, a_ledger, write

H100, CPU = "gres/gpu:h100", "cpu"
H100_RATE = Rate(H100, 4_000_000, 0, where="rates[1]")
CPU_RATE = Rate(CPU, 50_000, 0, where="rates[2]")
INDUSTRY = (("class", "industry"),)
NOW = JUNE + 10 * DAY
PARTS = ("list", "contracted", "effective", "rounded", "forgiven", "subsidised", "billed")


def terms(*rates: Rate, pools: tuple[Pool, ...] = (), **policy: Any) -> Terms:
    charging = Charging(**policy)
    charging.check()
    return Terms(
        rates or (H100_RATE, CPU_RATE), POLICY, CALENDAR, allocation=Allocation(pools),
        charging=charging,
    )  # fmt: skip


def priced(site: Terms, *runs: Run) -> Ledger:
    ledger = a_ledger()
    write(ledger, *runs)
    price(ledger, site, NOW)
    return ledger


def money(ticks: int | None) -> Decimal | None:
    """To the cent, and it has to be a whole number of them."""
    if ticks is None:
        return None
    cents = Fraction(100 * ticks, TICKS)
    assert cents.denominator == 1, cents
    return Decimal(int(cents)) / 100


def bill(ledger: Ledger, *by: str, **where: object) -> list[tuple[Any, ...]]:
    """The parts of all charges, in `PARTS`' order, by some columns."""
    sums = ", ".join(f"sum({part}_ticks)" for part in PARTS)
    names = "".join(f"{name}, " for name in by)
    rows = ledger.db.execute(
        f"SELECT {names}{sums} FROM charges JOIN jobs ON jobs.id = usage_id "
        "JOIN skus ON skus.id = sku_id JOIN tag_sets ON tag_sets.id = charges.tag_set_id "
        "LEFT JOIN rate_cards ON rate_cards.id = rate_card_id "
        f"WHERE {' AND '.join([*(f'{name} = ?' for name in where), '1'])} "
        f"{'GROUP BY ' + ', '.join(by) if by else ''} ORDER BY {names}1",
        tuple(where.values()),
    ).fetchall()
    return [(*row[: len(by)], *map(money, row[len(by) :])) for row in rows]


def cents(*amounts: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, amounts))


# ---- factors and classes


def test_a_factor_makes_two_gpus_for_an_hour_cost_half_as_much_again() -> None:
    high = Factor("priority", Fraction(3, 2), (("qos", "high"),))
    site = terms(factors=(high,))
    ledger = priced(site, run(1, "nlp", 0, HOUR, 2, qos="high"), run(2, "nlp", 0, HOUR, 2))
    assert bill(ledger, "job_id") == [
        ("1", *cents("8", "12", "12", "0", "0", "0", "12")),
        ("2", *cents("8", "8", "8", "0", "0", "0", "8")),
    ]  # fmt: skip


def test_a_class_pays_its_own_rate_from_its_first_day_on() -> None:
    dear = H100_RATE._replace(price=6_000_000, match=INDUSTRY)
    pieces = (Piece(NEVER, "internal"), Piece(JUNE + DAY, "industry"))
    site = terms(H100_RATE, dear, classes=(("nlp", pieces),))
    ledger = priced(site, run(1, "nlp", 22 * HOUR, 4 * HOUR), run(2, "cv", 22 * HOUR, 4 * HOUR))
    assert bill(ledger, "team", "day", "policy") == [
        ("cv", FIRST, "", *cents("8", "8", "8", "0", "0", "0", "8")),
        ("cv", FIRST + 1, "", *cents("8", "8", "8", "0", "0", "0", "8")),
        ("nlp", FIRST, '{"class": "internal"}', *cents("8", "8", "8", "0", "0", "0", "8")),
        ("nlp", FIRST + 1, '{"class": "industry"}', *cents("8", "12", "12", "0", "0", "0", "12")),
    ]  # fmt: skip


def test_a_run_whose_owner_moves_to_a_team_of_another_class_is_priced_again() -> None:
    dear = H100_RATE._replace(price=6_000_000, match=INDUSTRY)
    classes: tuple[tuple[str, Timeline], ...] = (("cv", (Piece(NEVER, "industry"),)),)
    site = terms(H100_RATE, dear, CPU_RATE._replace(match=INDUSTRY), classes=classes)
    ledger = priced(site, run(1, "nlp", 0, HOUR), run(2, "nlp", 0, HOUR, alloc_tres="cpu=8"))
    assert bill(ledger, "team", "sku_id")[0][-1] == Decimal(4)
    # the tag of nlp is contested, and its account is that of cv
    teams = (TeamRule("cv", "cc-cv", (), ("nlp",), None, None),
             TeamRule("nlp", "cc-nlp", (), ("other",), None, None))  # fmt: skip
    moved = replace(site, policy=replace(POLICY, teams=teams))
    found = price(ledger, moved, NOW)
    assert (found.new, found.again) == (0, 2)
    assert bill(ledger, "team", "job_id", "skus.name") == [
        ("cv", "1", H100, *cents("4", "6", "6", "0", "0", "0", "6")),
        # for nlp its CPUs had no price, and so no charge
        ("cv", "2", CPU, *cents("0.40", "0.40", "0.40", "0", "0", "0", "0.40")),
    ]  # fmt: skip


# ---- what is forgiven, and what somebody else pays


def test_a_part_is_subsidised_of_what_is_left_when_some_is_forgiven() -> None:
    rate = H100_RATE._replace(subsidy=1_000_000)
    half = Forgiven("half", ("NODE_FAIL",), Fraction(1, 2))
    ledger = priced(terms(rate, forgiven=(half,)), run(1, "nlp", 0, 2 * HOUR, state="NODE_FAIL"),
                    run(2, "nlp", 0, 2 * HOUR))  # fmt: skip
    assert bill(ledger, "job_id") == [
        ("1", *cents("8", "8", "8", "0", "4", "1", "3")),
        ("2", *cents("8", "8", "8", "0", "0", "2", "6")),
    ]  # fmt: skip


def test_a_run_that_turns_out_to_have_failed_with_its_node_is_priced_again() -> None:
    site = terms(forgiven=(Forgiven("lost nodes", ("NODE_FAIL",)),))
    failed = run(1, "nlp", 20 * HOUR, 8 * HOUR, state="FAILED")
    ledger = priced(site, failed)
    assert bill(ledger)[0][-3:] == cents("0", "0", "32")
    write(ledger, failed._replace(state="NODE_FAIL"))
    found = price(ledger, site, NOW)
    assert (found.new, found.again) == (0, 1)
    assert (money(found.before), money(found.after)) == cents("32", "0")
    assert bill(ledger, "policy") == [
        ('{"forgiven": ["lost nodes", "1"]}', *cents("32", "32", "32", "0", "32", "0", "0")),
    ]  # fmt: skip


# ---- rounding


def test_booked_time_beyond_the_end_is_on_the_last_day_and_named() -> None:
    site = terms(rounding=(Rounding("by the hour", 3600),))
    # 90 minutes over midnight book two hours, the last half of which would be on the second day
    ledger = priced(site, run(1, "nlp", 23 * HOUR, 90 * 60))
    assert bill(ledger, "day", "seconds") == [
        (FIRST, 3600, *cents("4", "4", "4", "0", "0", "0", "4")),
        (FIRST + 1, 1800, *cents("2", "4", "4", "2", "0", "0", "4")),
    ]  # fmt: skip


def test_booked_time_past_midnight_is_still_on_the_day_on_which_the_run_ended() -> None:
    site = terms(rounding=(Rounding("at least two hours", 1, 7200),))
    ledger = priced(site, run(1, "nlp", 23 * HOUR, HOUR))
    assert bill(ledger, "day") == [(FIRST, *cents("4", "8", "8", "4", "0", "0", "8"))]


def test_what_is_booked_has_the_price_of_its_own_moments() -> None:
    doubled = Factor("double", Fraction(2), start=JUNE + HOUR)
    site = terms(factors=(doubled,), rounding=(Rounding("at least two hours", 1, 7200),))
    short = run(1, "nlp", 0, 1800)
    ledger = priced(site, short)
    # half an hour at 4, and booked: half an hour at 4, an hour at 8
    assert bill(ledger) == [cents("2", "12", "12", "10", "0", "0", "12")]
    for changed in (replace(doubled, start=JUNE + 5400), doubled):
        later = replace(site, charging=replace(site.charging, factors=(changed,)))
        assert price(ledger, later, NOW).again == 1  # past its end, and yet it is priced by it
        assert bill(ledger) == bill(priced(later, short))


def test_a_run_that_goes_on_is_not_rounded_before_it_ends() -> None:
    site = terms(rounding=(Rounding("by the hour", 3600),))
    going = run(1, "nlp", 0, 600, state="RUNNING", provisional=True, end=None)
    ledger = priced(site, going)
    assert money(bill_ticks(ledger, "rounded")) == 0
    ended = run(1, "nlp", 0, 4500)
    write(ledger, ended)
    price(ledger, site, NOW)
    assert bill(ledger) == [cents("5", "8", "8", "3", "0", "0", "8")]


def bill_ticks(ledger: Ledger, part: str) -> int:
    (ticks,) = ledger.db.execute(f"SELECT sum({part}_ticks) FROM charges").fetchone()
    return int(ticks)


def test_a_run_is_rounded_by_the_rule_of_its_first_second() -> None:
    hours = Rounding("by the hour", 3600, start=JUNE + HOUR)
    site = terms(rounding=(hours, Rounding("before", 1, 5400, end=JUNE + HOUR)))
    ledger = priced(site, run(1, "nlp", 1800, 4500), run(2, "nlp", HOUR, 4500))
    assert [(row[0], row[4], row[-1]) for row in bill(ledger, "job_id")] == [
        ("1", *cents("1", "6")), ("2", *cents("3", "8")),
    ]  # fmt: skip


def test_what_is_booked_is_forgiven_and_subsidised_like_what_was_held() -> None:
    rate = H100_RATE._replace(subsidy=1_000_000)
    site = terms(rate, rounding=(Rounding("by the hour", 3600),),
                 forgiven=(Forgiven("half", ("FAILED",), Fraction(1, 2)),))  # fmt: skip
    ledger = priced(site, run(1, "nlp", 0, 900, state="FAILED"))
    assert bill(ledger) == [cents("1", "4", "4", "3", "2", "0.50", "1.50")]


def test_a_run_that_held_nothing_but_was_suspended_books_nothing() -> None:
    site = terms(rounding=(Rounding("at least a minute", 1, 60),))
    ledger = priced(site, run(1, "nlp", 0, 0, suspended=50), run(2, "nlp", 0, 36, 3))
    assert bill(ledger, "job_id") == [
        ("2", *cents("0.12", "0.20", "0.20", "0.08", "0", "0", "0.20")),
    ]  # fmt: skip


def test_a_change_of_rounding_prices_what_it_rounds_again() -> None:
    minutes = terms(rounding=(Rounding("by the minute", 60, match=(("partition", "h100"),)),))
    runs = run(1, "nlp", 0, 1801), run(2, "nlp", 0, 1801, partition="spot")
    ledger = priced(minutes, *runs)
    hours = terms(rounding=(Rounding("by the hour", 3600, match=(("partition", "h100"),)),))
    assert price(ledger, hours, NOW).again == 1
    assert money(bill_ticks(ledger, "billed") - 4_000_000 * 1801) == 4


# ---- groups


@pytest.mark.parametrize(("held", "paid"), [
    ("cpu=8,gres/gpu=1,gres/gpu:h100=1", {CPU: "0", H100: "4"}),
    ("cpu=96,gres/gpu=1,gres/gpu:h100=1", {CPU: "4.80", H100: "0"}),
    ("cpu=80,gres/gpu=1,gres/gpu:h100=1", {CPU: "0", H100: "4"}),  # the same: the device
    ("cpu=96", {CPU: "4.80"}),
])  # fmt: skip
def test_of_a_group_the_dearest_pays(held: str, paid: dict[str, str]) -> None:
    site = terms(groups=(Group("node share", (CPU, "gres/gpu")),))
    ledger = priced(site, run(1, "nlp", 0, HOUR, alloc_tres=held))
    found = {row[0]: row[-1] for row in bill(ledger, "skus.name")}
    assert found == {sku: Decimal(amount) for sku, amount in paid.items()}
    # what it is listed at, and what is contracted, is of the one that pays
    assert all(row[1] == row[2] == row[-1] for row in bill(ledger, "skus.name"))


@pytest.mark.parametrize(("cpus", "paid", "share"), [(80, "0", "2"), (96, "9.60", "0")])
def test_a_gpu_of_a_pool_and_the_cpus_of_its_group_are_never_both_paid(
    cpus: int, paid: str, share: str
) -> None:
    site = terms(pools=(a_pool(hourly=8 * TICKS, units=8, use=((H100, 1),)),),
                 groups=(Group("node share", (CPU, "gres/gpu")),))  # fmt: skip
    # 80 CPUs would cost what the GPU does, 96 more: those pay, and take nothing of the pool
    many = run(1, "nlp", 0, 2 * HOUR, alloc_tres=f"cpu={cpus},gres/gpu=1,gres/gpu:h100=1")
    ledger = priced(site, many)
    assert [row[-1] for row in bill(ledger, "skus.name")] == [*cents(paid), *cents("0")]
    borne = sum(ticks for _, ticks, _ in shares(ledger, "team", where="category = 'share'"))
    assert money(borne) == Decimal(share)


# ---- pools


def test_a_pool_for_a_class_covers_its_teams_only_and_beyond_it_they_pay_their_price() -> None:
    pool = a_pool(hourly=2 * TICKS, units=2, match=INDUSTRY)
    dear = H100_RATE._replace(price=6_000_000, match=INDUSTRY)
    pieces: Timeline = (Piece(NEVER, "industry"),)
    site = terms(H100_RATE, dear, pools=(pool,), classes=(("nlp", pieces),),
                 factors=(Factor("half", Fraction(1, 2)),))  # fmt: skip
    ledger = priced(site, run(1, "nlp", 0, HOUR, 3), run(2, "cv", 0, HOUR, 3))
    assert bill(ledger, "team") == [
        ("cv", *cents("12", "6", "6", "0", "0", "0", "6")),
        ("nlp", *cents("12", "9", "0", "0", "0", "0", "0")),
    ]  # fmt: skip
    # of three GPUs two are covered, at 1 each; the third is at 6, halved
    assert [(team, category, money(ticks)) for team, category, ticks, _ in shares(
        ledger, "team", "category", where=f"day = {FIRST} AND team IS NOT NULL"
    )] == [("nlp", "beyond", Decimal(3)), ("nlp", "share", Decimal(2))]  # fmt: skip


def test_a_team_leaves_the_pool_of_a_class_with_the_class() -> None:
    pool = a_pool(hourly=2 * TICKS, units=2, match=INDUSTRY)
    pieces = (Piece(NEVER, "industry"), Piece(JUNE + DAY, "internal"))
    site = terms(H100_RATE, pools=(pool,), classes=(("nlp", pieces),))
    ledger = priced(site, run(1, "nlp", 23 * HOUR, 2 * HOUR))
    assert bill(ledger, "day", "rank > 0") == [
        (FIRST, 1, *cents("4", "4", "0", "0", "0", "0", "0")),
        (FIRST + 1, 0, *cents("4", "4", "4", "0", "0", "0", "4")),
    ]  # fmt: skip
    used = shares(ledger, "day", "unit_seconds", where="category = 'share'")
    assert [(day, held, money(ticks)) for day, held, ticks, _ in used] == [(FIRST, HOUR, 1)]


@pytest.mark.parametrize("free", [
    terms(H100_RATE, pools=(a_pool(units=2),), factors=(Factor("free", Fraction(0)),)),
    terms(H100_RATE._replace(price=0), pools=(a_pool(units=2),)),
])  # fmt: skip
def test_beyond_a_pool_a_price_of_nothing_is_a_price(free: Terms) -> None:
    ledger = priced(free, run(1, "nlp", 0, HOUR, 3))
    beyond = shares(ledger, "team", where="category = 'beyond'")
    assert sum(row[1] for row in beyond) == 0


def test_beyond_a_pool_with_no_price_behind_it_a_factor_makes_none() -> None:
    site = terms(CPU_RATE, pools=(a_pool(units=2),), factors=(Factor("half", Fraction(1, 2)),))
    with pytest.raises(AllocationError, match="there is none for gres/gpu:h100"):
        priced(site, run(1, "nlp", 0, HOUR, 3))


# ---- what a rule may ask of a run


def test_what_is_said_of_a_reservation_is_for_its_runs() -> None:
    maint = (("reservation", "maint"),)
    site = terms(factors=(Factor("free", Fraction(0), maint),))
    runs = run(1, "nlp", 0, HOUR, reservation="maint"), run(2, "nlp", 0, HOUR)
    assert [row[-1] for row in bill(priced(site, *runs), "job_id")] == list(cents("0", "4"))
    pooled = priced(terms(pools=(a_pool(units=2, match=maint),)), *runs)
    assert [row[-1] for row in bill(pooled, "job_id")] == list(cents("0", "4"))
    ((_, held, *_),) = shares(pooled, "name", "unit_seconds", where="category = 'share'")
    assert held == HOUR

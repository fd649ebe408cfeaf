"""The pricing run: exact, incremental, and the same whatever came first."""

import random
import re
from collections import defaultdict
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import Priced, price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.rates import Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.held import held_runs, hold
from slurm_finops.ledger.spend import Scope, unpriced
from tests.support import JUNE, a_ledger, a_run, write

H100 = Rate("gres/gpu:h100", 3_920_000, JUNE - 86_400 * 90, where="rates[1]")
CHARGES = "SELECT * FROM charges ORDER BY day, usage_id, sku_id, rate_card_id"


def terms(*rates: Rate, policy: Policy | None = None, zone: str = "UTC", **more: bool) -> Terms:
    return Terms(rates or (H100,), policy or Policy(), Calendar(ZoneInfo(zone)), **more)


def charges(ledger, columns: str = "*") -> list[tuple]:  # type: ignore[no-untyped-def,type-arg]
    return ledger.db.execute(CHARGES.replace("*", columns)).fetchall()


def truth(ledger) -> list[tuple]:  # type: ignore[no-untyped-def,type-arg]
    """The charges by names, not ids, so that two ledgers can be compared."""
    return sorted(ledger.db.execute(
        """SELECT day, cluster_id, job_id_raw, submit, skus.name, ifnull(match, ''),
        ifnull(pricing, ''), team, project, cost_center, source, quantity, seconds, list_ticks,
        billed_ticks FROM charges JOIN jobs ON jobs.id = usage_id JOIN skus ON skus.id = sku_id
        JOIN tag_sets ON tag_sets.id = charges.tag_set_id
        LEFT JOIN rate_cards ON rate_cards.id = rate_card_id""").fetchall(), key=repr)  # fmt: skip


def test_two_gpus_for_an_hour_at_3_92_cost_7_84() -> None:
    ledger = a_ledger()
    write(ledger, a_run())
    assert price(ledger, terms(), JUNE) == Priced(new=1, again=0)
    assert charges(ledger, "quantity, seconds, billed_ticks") == [(2, 3600, 784 * TICKS // 100)]


def test_a_second_pricing_does_nothing() -> None:
    ledger = a_ledger()
    write(ledger, a_run())
    price(ledger, terms(), JUNE)
    before = list(ledger.db.iterdump())
    assert price(ledger, terms(), JUNE) == Priced(0, 0)
    assert list(ledger.db.iterdump()) == before


def test_a_run_that_grows_keeps_the_days_already_billed() -> None:
    ledger = a_ledger()
    run = a_run(state="RUNNING", end=None, provisional=True, elapsed=86_400)
    write(ledger, run)
    price(ledger, terms(), JUNE)
    first = charges(ledger)
    write(ledger, run._replace(elapsed=200_000))
    assert price(ledger, terms(), JUNE)[:2] == (0, 1)
    assert charges(ledger)[0] == first[0]
    assert sum(row[0] for row in charges(ledger, "seconds")) == 200_000


def test_a_run_whose_start_moves_leaves_nothing_behind() -> None:
    ledger = a_ledger()
    write(ledger, a_run())
    price(ledger, terms(), JUNE)
    write(ledger, a_run(start=JUNE + 86_400 * 3, end=JUNE + 86_400 * 3 + 10, elapsed=10))
    price(ledger, terms(), JUNE)
    assert charges(ledger, "day, seconds") == [(JUNE // 86_400 + 3, 10)]


def test_what_has_no_rate_has_no_cost_and_not_a_cost_of_zero() -> None:
    ledger = a_ledger()
    write(ledger, a_run(alloc_tres="cpu=8,gres/gpu:a100=1,gres/gpu=1,gres/shard=2,mem=4G"))
    price(ledger, terms(), JUNE)
    rows = ledger.db.execute(
        "SELECT name, rate_card_id, billed_ticks FROM charges JOIN skus ON skus.id = sku_id "
        "ORDER BY 1"
    ).fetchall()
    assert rows == [("gres/gpu:a100", 0, None), ("gres/shard", 0, None)]


def test_a_rate_that_comes_later_prices_what_had_none() -> None:
    ledger = a_ledger()
    write(ledger, a_run(alloc_tres="gres/gpu:a100=1,gres/gpu=1"))
    price(ledger, terms(), JUNE)
    a100 = Rate("gres/gpu:a100", 1_000_000, JUNE, where="rates[2]")
    assert price(ledger, terms(H100, a100), JUNE).again == 1
    assert charges(ledger, "billed_ticks") == [(TICKS,)]


def test_cpus_are_nothing_to_bill_until_a_rate_names_them() -> None:
    ledger = a_ledger()
    write(ledger, a_run(alloc_tres="cpu=4", start=JUNE - 3600, elapsed=7200))
    price(ledger, terms(H100, Rate("cpu", 1_000_000, JUNE, where="rates[2]")), JUNE)
    assert charges(ledger, "seconds, billed_ticks") == [(3600, 4 * TICKS)]


def test_a_rate_that_names_cpus_prices_cpus() -> None:
    ledger = a_ledger()
    write(ledger, a_run())
    price(ledger, terms(), JUNE)
    cpu = Rate("cpu", 10_000, JUNE, where="rates[2]")
    memory = Rate("mem", 5_000, JUNE, 1024, where="rates[3]")
    price(ledger, terms(H100, cpu, memory), JUNE)
    ticks = sum(row[0] for row in charges(ledger, "billed_ticks"))
    assert Fraction(ticks, TICKS) == Fraction("7.84") + 8 * Fraction("0.01") + 64 * Fraction(
        "0.005"
    )


def test_only_runs_that_a_changed_rate_touches_are_priced_again() -> None:
    ledger = a_ledger()
    days = [a_run(job_id_raw=i, start=JUNE + i * 86_400, elapsed=10) for i in range(10)]
    write(ledger, *days)
    price(ledger, terms(), JUNE)
    later = Rate("gres/gpu:h100", 2_000_000, JUNE + 7 * 86_400, where="rates[2]")
    assert price(ledger, terms(H100, later), JUNE)[:2] == (0, 3)
    assert len({row[0] for row in charges(ledger, "billed_ticks")}) == 2


def test_a_held_run_costs_nothing_until_it_is_freed() -> None:
    ledger = a_ledger()
    write(ledger, a_run(state="RUNNING", end=None, provisional=True))
    price(ledger, terms(), JUNE)
    hold(ledger.db, {1: "runaway"})
    price(ledger, terms(), JUNE)
    assert charges(ledger) == []
    write(ledger, a_run())
    price(ledger, terms(), JUNE)
    assert charges(ledger, "seconds") == [(3600,)]


def test_suspended_time_is_charged_only_where_the_site_says_so() -> None:
    ledger = a_ledger()
    write(ledger, a_run(suspended=600))
    price(ledger, terms(), JUNE)
    assert charges(ledger, "seconds") == [(3600,)]
    price(ledger, terms(charge_suspended=True), JUNE)
    assert charges(ledger, "seconds") == [(4200,)]


def test_a_cost_centre_comes_from_the_registry_and_changes_with_it() -> None:
    ledger = a_ledger()
    write(ledger, a_run(), a_run(job_id_raw=7, comment='{"team":"cv"}'))
    price(ledger, terms(), JUNE)
    owned = Policy(teams=(TeamRule("nlp", "cc-1"),))
    assert price(ledger, terms(policy=owned), JUNE).again == 1
    assert [row[9] for row in truth(ledger)] == [None, "cc-1"] or [
        row[9] for row in truth(ledger)
    ] == ["cc-1", None]


def test_a_team_that_the_account_may_not_charge_is_contested() -> None:
    ledger = a_ledger()
    write(ledger, a_run(account="cv-lab"))
    teams = (TeamRule("nlp", accounts=("nlp*",)), TeamRule("cv", accounts=("cv-*",)))
    price(ledger, terms(policy=Policy(teams=teams)), JUNE)
    (row,) = truth(ledger)
    assert (row[7], row[10]) == ("cv", "account")


def test_validity_is_kept_with_the_tag_set() -> None:
    ledger = a_ledger()
    write(ledger, a_run(), a_run(job_id_raw=7, comment=""), a_run(job_id_raw=8, comment="{"))
    price(ledger, terms(), JUNE)
    statuses = ledger.db.execute("SELECT status FROM tag_sets ORDER BY 1").fetchall()
    assert statuses == [("invalid",), ("untagged",), ("valid",)]
    price(ledger, terms(policy=Policy(allowed={"team": ("cv",)})), JUNE)
    assert ledger.db.execute("SELECT COUNT(*) FROM tag_sets WHERE status = 'valid'").fetchone() == (
        0,
    )


def test_every_change_of_rates_is_audited() -> None:
    ledger = a_ledger()
    price(ledger, terms(), JUNE, actor="root")
    price(ledger, terms(H100._replace(price=1)), JUNE + 1, actor="root")
    rows = ledger.db.execute("SELECT at, actor, action FROM audit WHERE action = 'rates'")
    assert rows.fetchall() == [(JUNE, "root", "rates"), (JUNE + 1, "root", "rates")]


gpus = st.sampled_from(["gres/gpu:h100=2,gres/gpu=2", "gres/gpu:a100=1,gres/gpu=3", "cpu=4", ""])
some_runs = st.lists(
    st.builds(
        lambda i, start, elapsed, tres, partition, tagged: a_run(
            job_id_raw=i, start=JUNE + start, end=None, elapsed=elapsed, alloc_tres=tres,
            partition=partition, comment='{"team":"nlp"}' if tagged else "",
        ),
        st.integers(1, 6), st.integers(-5000, 200_000), st.integers(0, 300_000), gpus,
        st.sampled_from(["h100", "spot"]), st.booleans(),
    ),
    max_size=12,
)  # fmt: skip
some_rates = st.lists(
    st.builds(
        lambda sku, price_, start, per, match: Rate(
            sku, price_, JUNE + start, per, "spot" if match else "on_demand",
            (("partition", "spot"),) if match else (), 0,
        ),
        st.sampled_from(["gres/gpu:h100", "gres/gpu", "cpu"]), st.integers(0, 9_999_999),
        st.integers(-10_000, 300_000), st.sampled_from([1, 8, 7]), st.booleans(),
    ),
    max_size=6, unique_by=lambda rate: (rate.series, rate.start),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(some_runs, max_size=3),
    st.lists(some_rates, min_size=1, max_size=3),
    st.sampled_from(["UTC", "America/New_York", "Asia/Kolkata"]),
    st.booleans(),
)
def test_small_steps_come_to_the_same_as_one_pricing_at_the_end(
    batches: list[list[Run]], cards: list[list[Rate]], zone: str, teams: bool
) -> None:
    stepwise, at_once = a_ledger(zone=zone), a_ledger(zone=zone)
    policy = Policy(teams=(TeamRule("nlp", "cc-1"),)) if teams else Policy()
    for i in range(max(len(batches), len(cards))):
        for run in batches[i] if i < len(batches) else []:
            write(stepwise, run)
        price(stepwise, terms(*cards[min(i, len(cards) - 1)], policy=Policy(), zone=zone), JUNE)
    final = terms(*cards[-1], policy=policy, zone=zone)
    price(stepwise, final, JUNE)
    for batch in batches:
        for run in batch:
            write(at_once, run)
    price(at_once, final, JUNE)
    assert truth(stepwise) == truth(at_once)


def integral(rates: list[Rate], start: int, end: int) -> Fraction:
    """Currency units per unit of SKU over [start, end), by plain summing of steps."""
    steps = sorted((rate.start, Fraction(rate.price, rate.per)) for rate in rates)
    total = Fraction(0)
    for i, (at, each) in enumerate(steps):
        until = steps[i + 1][0] if i + 1 < len(steps) else end
        overlap = min(until, end) - max(at, start)
        total += each * max(0, overlap) / 3600 / 1_000_000
    return total


@pytest.mark.parametrize("seed", range(3))
def test_a_thousand_runs_against_a_spot_series_cost_what_the_fractions_say(seed: int) -> None:
    chance = random.Random(seed)
    series = [
        Rate("gres/gpu:h100", chance.randrange(5_000_000), JUNE - 86_400 + i * 300)
        for i in range(2000)
    ]
    ledger = a_ledger()
    runs = [
        a_run(
            job_id_raw=i, start=JUNE + chance.randrange(400_000), elapsed=chance.randrange(90_000)
        )
        for i in range(1000)
    ]
    write(ledger, *runs)
    price(ledger, terms(*series), JUNE)
    by_day: dict[int, Fraction] = defaultdict(Fraction)
    for run in runs:
        assert run.start is not None
        at, end = run.start, run.start + run.elapsed
        while at < end:
            day = datetime.fromtimestamp(at, UTC).toordinal()
            cut = min(end, (at // 86_400 + 1) * 86_400)
            by_day[day] += 2 * integral(series, at, cut)
            at = cut
    found = ledger.db.execute("SELECT day, SUM(billed_ticks) FROM charges GROUP BY 1").fetchall()
    epoch = datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    assert {day + epoch: Fraction(ticks, TICKS) for day, ticks in found} == dict(by_day)


def test_a_run_that_costs_too_much_is_held_and_the_others_are_priced() -> None:
    ledger = a_ledger()
    billions = a_run(job_id_raw=2, alloc_tres="gres/gpu:h100=2000000000")
    write(ledger, a_run(), billions, a_run(job_id_raw=3))
    assert price(ledger, terms(), JUNE) == Priced(3, 0)
    assert charges(ledger, "usage_id") == [(1,), (3,)]
    ((run, why),) = held_runs(ledger.db)
    assert (run, "more than a ledger can hold" in why) == ("alpha/100", True)
    price(ledger, terms(H100._replace(price=1)), JUNE)
    assert charges(ledger, "usage_id") == [(1,), (2,), (3,)]
    assert held_runs(ledger.db) == []


def test_a_night_on_which_nothing_changed_looks_through_no_table_of_runs() -> None:
    ledger = a_ledger()
    write(ledger, *(a_run(job_id_raw=i) for i in range(50)))
    price(ledger, terms(), JUNE)
    write(ledger, a_run(job_id_raw=60), a_run(job_id_raw=7, state="FAILED", elapsed=60))
    asked: list[str] = []
    ledger.db.set_trace_callback(asked.append)
    assert price(ledger, terms(), JUNE)[:2] == (1, 1)
    unpriced(ledger.db, Scope(-(1 << 31), 1 << 31))
    held_runs(ledger.db)
    ledger.db.set_trace_callback(None)
    plans = [
        (row[3], sql) for sql in asked if sql.startswith(("SELECT", "DELETE", "UPDATE"))
        for row in ledger.db.execute(f"EXPLAIN QUERY PLAN {sql}")
    ]  # fmt: skip
    whole = re.compile(r"SCAN (jobs|charges|tag_sets)$|SEARCH charges USING PRIMARY KEY \(day>")
    assert len(plans) > 10
    assert [plan for plan in plans if whole.match(plan[0])] == []


def test_a_policy_that_moves_one_claim_prices_its_runs_again_and_no_others() -> None:
    ledger = a_ledger()
    write(ledger, *(a_run(job_id_raw=i, account=f"a{i % 3}") for i in range(30)))
    anyone = TeamRule("nlp", accounts=("*",))
    price(ledger, terms(policy=Policy(teams=(anyone,))), JUNE)
    listed = Policy(teams=(TeamRule("nlp", accounts=("a1", "a2")),))
    assert price(ledger, terms(policy=listed), JUNE)[:2] == (0, 10)
    stricter = Policy(teams=listed.teams, max_length=2)
    assert price(ledger, terms(policy=stricter), JUNE) == Priced(0, 0)
    statuses = ledger.db.execute("SELECT DISTINCT status FROM tag_sets").fetchall()
    assert statuses == [("invalid",)]

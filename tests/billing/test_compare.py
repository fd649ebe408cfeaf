"""A ledger under other price lists: its own charges where they are its own, exact where not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.billing.compare import Bare, Cell, Costs, as_charged, compare
from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Factor, Forgiven, Group, Piece, Rounding
from slurm_finops.core.compare import GRANULARITIES, PriceList
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.rates import NEVER, Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.held import hold
from slurm_finops.ledger.spend import DIMENSIONS
from slurm_finops.ledger.store import Ledger
from tests.support import JUNE, TAGGED, a_ledger, a_run, write

DAY = 86_400
H100 = Rate("gres/gpu:h100", 3_000_000, 0)
UTC = Calendar(ZoneInfo("UTC"))
ZONES = ["UTC", "Europe/Zurich", "America/Havana", "Asia/Kolkata"]
TRES = [
    "cpu=8,gres/gpu:h100=2,gres/gpu=2,mem=64G,node=1", "cpu=4,gres/gpu=1,mem=3M", "cpu=64,mem=1G",
    "gres/gpu:a100=4,gres/gpu=4,gres/shard=3", "",
]  # fmt: skip
#: cv's account may not charge nlp, so such a claim is contested; who says nothing in nlp is nlp's
POLICY = Policy(
    teams=(TeamRule("nlp", "ai", (), ("nlp",)), TeamRule("cv", None, (), ("cv",))),
    defaults=(("nlp", (("team", "nlp"),)),),
)


@contextmanager
def priced(
    runs: Sequence[Run], *rates: Rate, policy: Policy = POLICY, zone: str = "UTC",
    suspended: bool = False,
) -> Iterator[Ledger]:  # fmt: skip
    ledger = a_ledger(zone=zone)
    write(ledger, *(run._replace(job_id_raw=i, job_id=str(i)) for i, run in enumerate(runs)))
    price(ledger, Terms(rates, policy, Calendar(ZoneInfo(zone)), suspended), JUNE)
    yield ledger
    ledger.close()


def ran(start: int, elapsed: int, **more: object) -> Run:
    """Two H100 from a second of June on."""
    begun = JUNE + start
    return a_run(submit=begun, start=begun, end=begun + elapsed, elapsed=elapsed, **more)


@st.composite
def any_run(draw: st.DrawFn) -> Run:
    return ran(
        draw(st.integers(-2 * DAY, 3 * DAY)), draw(st.integers(0, 3 * DAY)),
        account=draw(st.sampled_from(["nlp", "cv"])), user=draw(st.sampled_from(["ann", "bob"])),
        partition=draw(st.sampled_from(["h100", "spot"])), qos=draw(st.sampled_from(["", "low"])),
        cluster=draw(st.sampled_from(["alpha", "beta"])), alloc_tres=draw(st.sampled_from(TRES)),
        suspended=draw(st.sampled_from([0, 0, 40_000])),
        state=draw(st.sampled_from(["FAILED", "COMPLETED"])),
        comment=draw(st.sampled_from([TAGGED, "", '{"team":"cv"}'])),
    )  # fmt: skip


@st.composite
def any_rates(draw: st.DrawFn) -> tuple[Rate, ...]:
    """Rates that begin before, in and after what runs here; no two that tie."""
    kinds = [
        ("gres/gpu", ()), ("gres/gpu:h100", ()), ("cpu", ()), ("mem", ()),
        ("gres/gpu:h100", (("partition", "spot"),)), ("gres/gpu", (("account", "cv"),)),
    ]  # fmt: skip
    rates = {}
    for sku, match in draw(st.lists(st.sampled_from(kinds), min_size=1, unique=True)):
        for start in draw(st.lists(st.integers(-3, 12), min_size=1, max_size=3, unique=True)):
            rates[sku, match, start] = Rate(
                sku, draw(st.integers(0, 10**7)), JUNE + start * DAY // 2,
                draw(st.sampled_from([1, 3, 1024])),
                draw(st.sampled_from(["on_demand", "spot"])), match,
            )  # fmt: skip
    return tuple(rates.values())


RUNS = st.lists(any_run(), max_size=12)
PERIODS = st.tuples(st.integers(-3, 5), st.integers(1, 4))
BY = st.lists(st.sampled_from(sorted(DIMENSIONS)), min_size=1, max_size=3, unique=True)


def days(calendar: Calendar, around: tuple[int, int]) -> Period:
    first = calendar.day_of(JUNE) + around[0]
    return calendar.days(first, first + around[1])


@given(RUNS, any_rates(), PERIODS, BY, st.sampled_from(ZONES), st.booleans())
def test_the_ledgers_own_rates_by_the_second_are_its_own_charges(
    runs, rates, around, by, zone, suspended
):
    calendar = Calendar(ZoneInfo(zone))
    period = days(calendar, around)
    with priced(runs, *rates, zone=zone, suspended=suspended) as ledger:
        own = [PriceList("own", rates)]
        (found,) = compare(ledger, period, own, by, calendar, suspended=suspended)
        assert found == as_charged(ledger, period, by)


@given(
    RUNS, PERIODS, st.sampled_from(ZONES), st.sampled_from(sorted(GRANULARITIES)),
    st.sampled_from([0, 60, 5000, 2 * DAY]), st.integers(0, 10**7),
)  # fmt: skip
def test_any_list_costs_the_price_times_what_is_booked_in_the_period(
    runs, around, zone, granularity, minimum, micros
):
    calendar, step = Calendar(ZoneInfo(zone)), GRANULARITIES[granularity]
    period = days(calendar, around)
    prices = PriceList("other", (Rate("gres/gpu", micros, 0),), granularity, minimum)
    gpus = dict(zip(TRES, (2, 1, 0, 4, 0), strict=True))
    expected: dict[str, Fraction] = {}
    for run in runs:
        units = -(-max(run.elapsed, minimum) // step) if run.elapsed else 0
        end = run.start + units * step
        booked = max(0, min(end, period.end) - max(run.start, period.start))
        cost = Fraction(gpus[run.alloc_tres] * booked * micros, 3600 * 10**6)
        expected[run.account] = expected.get(run.account, Fraction(0)) + cost
    with priced(runs, H100, zone=zone) as ledger:
        (found,) = compare(ledger, period, [prices], ["account"], calendar)
    assert {key[0]: cell.ticks for key, cell in found.cells.items() if cell.ticks} == {
        account: cost * TICKS for account, cost in expected.items() if cost
    }


@given(RUNS, any_rates(), PERIODS, st.sampled_from(sorted(GRANULARITIES)))
def test_owners_days_and_skus_sum_to_one_total(runs, rates, around, granularity):
    prices, period = PriceList("other", rates, granularity, 60), days(UTC, around)
    with priced(runs, H100) as ledger:
        totals = set()
        for by in (["sku"], ["team", "user"], ["day"], ["pricing", "state"], ["cluster", "day"]):
            (found,) = compare(ledger, period, [prices], by, UTC)
            cells = found.cells.values()
            totals.add((
                sum(cell.ticks for cell in cells), sum(cell.gpu_seconds for cell in cells),
                sum(cell.booked_gpu_seconds for cell in cells), found.unpriced_runs,
                found.unpriced,
            ))  # fmt: skip
    assert len(totals) == 1


def one(ledger: Ledger, prices: PriceList, by: str = "team", period: Period | None = None) -> Costs:
    (found,) = compare(ledger, period or UTC.period("2026-06"), [prices], [by], UTC)
    return found


HOURLY = PriceList("hourly", (H100,), "hour")


def test_several_lists_are_what_each_of_them_is_alone():
    lists = [HOURLY, PriceList("a day at least", (H100,), "second", DAY),
             PriceList("other", (Rate("gres/gpu", 1, 0),))]  # fmt: skip
    with priced([ran(0, 100), ran(-DAY - 60, 3600, account="cv"), ran(29 * DAY, 2 * DAY)],
                H100) as ledger:  # fmt: skip
        period = UTC.period("2026-06")
        assert compare(ledger, period, lists, ["team"], UTC) == [one(ledger, x) for x in lists]


def test_a_run_that_ended_before_the_period_may_book_into_it():
    with priced([ran(-1800, 1200)], H100) as ledger:
        assert as_charged(ledger, UTC.period("2026-06"), ["team"]).cells == {}
        assert one(ledger, HOURLY).cells == {("nlp",): Cell(2 * 1800 * 3_000_000, 0, 3600, True)}
        may = one(ledger, HOURLY, period=UTC.period("2026-05")).cells
        assert may == {("nlp",): Cell(2 * 1800 * 3_000_000, 2400, 3600, True)}


def test_each_run_of_a_requeued_job_is_rounded_up_by_itself():
    with priced([ran(0, 600), ran(700, 600)], H100) as ledger:
        assert one(ledger, HOURLY).cells[("nlp",)].booked_gpu_seconds == 2 * 2 * 3600


def test_a_contested_claim_is_the_accounts_own_teams_here_too():
    with priced([ran(0, 3600, account="cv")], H100) as ledger:
        assert one(ledger, HOURLY).cells.keys() == {("cv",)}


def test_a_run_without_charges_belongs_to_whom_it_names():
    cpu = PriceList("with cpu", (H100, Rate("cpu", 10_000, 0)))
    with priced([ran(0, 3600, alloc_tres="cpu=8")], H100) as ledger:
        assert as_charged(ledger, UTC.period("2026-06"), ["team"]).cells == {}
        assert one(ledger, cpu).cells == {("nlp",): Cell(8 * 3600 * 10_000, 0, 0, True)}


def test_a_run_charged_from_a_later_day_on_is_billed_to_that_owner():
    late = Rate("cpu", 10_000, JUNE + DAY)
    with priced([ran(0, 2 * DAY, alloc_tres="cpu=8", account="cv")], late) as ledger:
        assert one(ledger, PriceList("early", (late._replace(start=0),))).cells.keys() == {("cv",)}


def test_what_a_list_has_no_rate_for_is_counted_and_costs_nothing():
    mixed = "gres/gpu:a100=1,gres/gpu:h100=1,gres/gpu=2"
    runs = [ran(0, 60), ran(0, 60, alloc_tres=mixed), ran(0, 60, alloc_tres="gres/gpu:a100=4")]
    with priced(runs, H100) as ledger:
        found = one(ledger, HOURLY, "sku")
    assert found.cells[("gres/gpu:a100",)] == Cell(0, 300, 5 * 3600, False)
    assert found.cells[("gres/gpu:h100",)].priced
    assert (found.unpriced_runs, found.unpriced) == (2, (Bare("gres/gpu:a100", 2, 5 * 3600),))


def test_runs_held_unbilled_are_in_no_list():
    with priced([ran(0, 60), ran(0, 60)], H100) as ledger:
        with ledger.transaction() as db:
            hold(db, {1: "runaway"})
        assert one(ledger, HOURLY).cells[("nlp",)].gpu_seconds == 2 * 60


@pytest.mark.parametrize(("suspended", "hours"), [(False, 1), (True, 2)])
def test_suspended_time_counts_where_it_is_charged(suspended: bool, hours: int):
    with priced([ran(0, 3600, suspended=1)], H100, suspended=suspended) as ledger:
        (found,) = compare(ledger, UTC.period("2026-06"), [HOURLY], ["team"], UTC,
                           suspended=suspended)  # fmt: skip
    assert found.cells[("nlp",)].booked_gpu_seconds == 2 * hours * 3600


def test_a_run_of_no_seconds_held_nothing_and_books_nothing():
    with priced([ran(0, 0)], H100) as ledger:
        assert one(ledger, PriceList("x", (H100,), "hour", 7200)).cells == {}


def test_nothing_is_written():
    with priced([ran(0, 3600)], H100) as ledger:
        before = list(ledger.db.iterdump())
        one(ledger, PriceList("x", (Rate("gres/gpu", 1, 0, pricing="spot"),)))
        assert list(ledger.db.iterdump()) == before


def test_as_charged_has_the_sites_policy_in_it_and_a_list_has_not() -> None:
    """A run of an hour and a half on two GPUs and a CPU, of a class, at night, in whole hours."""
    policy = Charging(
        classes=(("nlp", (Piece(NEVER, "academic"),)),),
        factors=(Factor("night", Fraction(3, 2)),),
        rounding=(Rounding("hours", 3600),),
        groups=(Group("node", ("cpu", "gres/gpu")),),
        forgiven=(Forgiven("failed", ("COMPLETED",), Fraction(1, 2)),),
    )
    rates = (
        H100, Rate("cpu", 1_000_000, 0),
        Rate("gres/gpu:h100", 2_000_000, 0, match=(("class", "academic"),), subsidy=1_000_000),
    )  # fmt: skip
    period = UTC.period("2026-06")
    ledger = a_ledger()
    write(ledger, ran(0, 5400, alloc_tres="cpu=1,gres/gpu:h100=2,gres/gpu=2"))
    price(ledger, Terms(rates, Policy(), UTC, charging=policy), JUNE)
    charged = as_charged(ledger, period, ("team",)).cells["nlp",]
    # 2 GPUs × 2 hours × 2.00 × 3/2, before half of it is forgiven and half of that subsidised
    assert (charged.ticks, charged.booked_gpu_seconds) == (12 * TICKS, 2 * 5400)
    (listed,) = compare(ledger, period, [PriceList("list", rates)], ("team",), UTC)
    assert listed.cells["nlp",].ticks == (2 * 3 + 1) * TICKS * 3 // 2

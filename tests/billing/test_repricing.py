"""What a pricing says has moved, against fractions."""

from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.store import Ledger
from tests.billing.test_pricing import integral
from tests.support import JUNE, a_ledger, a_run, write

HOUR = 3600


def spot(*points: tuple[int, int]) -> tuple[Rate, ...]:
    """``(hours from June on, price of 8)``."""
    return tuple(
        Rate("gres/gpu:h100", micros, JUNE + hour * HOUR, 8, "spot") for hour, micros in points
    )


def priced(ledger: Ledger, rates: tuple[Rate, ...], **more: bool):  # type: ignore[no-untyped-def]
    return price(ledger, Terms(rates, Policy(), Calendar(ZoneInfo("UTC")), **more), JUNE)


def billed(ledger: Ledger) -> int:
    return sum(row[0] or 0 for row in ledger.db.execute("SELECT billed_ticks FROM charges"))


def test_a_past_step_that_changes_moves_what_ran_in_it_and_nothing_else() -> None:
    ledger = a_ledger()
    write(
        ledger,
        a_run(job_id_raw=1, start=JUNE, elapsed=HOUR),  # ends before the step
        a_run(job_id_raw=2, start=JUNE + 5 * HOUR, elapsed=2 * HOUR),  # half of it in the step
        a_run(job_id_raw=3, start=JUNE + 20 * HOUR, elapsed=HOUR),  # after it
    )
    before = spot((0, 23_280_000), (6, 23_280_000), (12, 23_280_000))
    after = spot((0, 23_280_000), (6, 31_360_000), (12, 23_280_000))
    priced(ledger, before)
    found = priced(ledger, after)
    assert (found.new, found.again) == (0, 1)
    assert Fraction(found.before, TICKS) == 2 * 2 * Fraction("2.91")
    assert Fraction(found.after, TICKS) == 2 * (Fraction("2.91") + Fraction("3.92"))


steps = st.dictionaries(st.integers(-5, 60), st.integers(0, 50_000_000), min_size=1, max_size=8)
held = st.lists(st.tuples(st.integers(0, 50 * HOUR), st.integers(1, 30 * HOUR)), max_size=6)


@given(steps, st.integers(-5, 60), st.integers(0, 50_000_000), held)
def test_what_moved_is_what_the_fractions_say(
    points: dict[int, int], hour: int, micros: int, runs: list[tuple[int, int]]
) -> None:
    ledger = a_ledger()
    made = [
        a_run(job_id_raw=i, start=JUNE + start, elapsed=elapsed,
              alloc_tres="gres/gpu:h100=8,gres/gpu=8")
        for i, (start, elapsed) in enumerate(runs)
    ]  # fmt: skip
    write(ledger, *made)
    old = spot(*points.items())
    new = spot(*(points | {hour: micros}).items())
    priced(ledger, old)
    was = billed(ledger)
    found = priced(ledger, new)
    assert billed(ledger) - was == found.after - found.before
    moved = sum(
        8 * (integral(list(new), start, end) - integral(list(old), start, end))
        for run in made
        for start, end in [(run.start or 0, (run.start or 0) + run.elapsed)]
    )
    assert Fraction(found.after - found.before, TICKS) == moved


def test_a_run_that_never_had_a_price_had_cost_nothing() -> None:
    ledger = a_ledger()
    write(ledger, a_run(start=JUNE, elapsed=HOUR))
    assert priced(ledger, spot((5, 1)))[2:4] == (0, 0)
    assert priced(ledger, spot((0, 31_360_000)))[1:4] == (1, 0, TICKS * 784 // 100)


def test_sums_may_be_larger_than_sqlites_integers() -> None:
    ledger = a_ledger()
    dear = a_run(alloc_tres="gres/gpu:h100=600000000", start=JUNE, elapsed=HOUR)
    write(ledger, *(dear._replace(job_id_raw=i) for i in range(3)))
    priced(ledger, spot((0, 31_360_000)))
    found = priced(ledger, spot((0, 31_360_001)))
    assert (found.before, found.again) == (3 * 600_000_000 * TICKS * 392 // 100, 3)
    assert found.before > 1 << 63

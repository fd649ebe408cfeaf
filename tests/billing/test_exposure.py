"""What running jobs may still cost is what pricing charges them once they ran to their limit."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.exposure import Exposed, exposure
from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.money import TICKS
from slurm_finops.core.rates import Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.history import daily
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, RATE, a_pool, run
from tests.billing.pools import terms as with_pools
from tests.support import JUNE, a_ledger, write

TERMS = Terms((RATE,), POLICY, CALENDAR)
END = JUNE + 30 * DAY
PER_HOUR = 392 * TICKS // 100


def going(
    number: int, team: str, start: int, elapsed: int, limit: int | None, **more: object
) -> Run:
    """A run that had not ended when it was seen; its limit is in hours."""
    return run(number, team, start, elapsed, end=None, state="RUNNING", provisional=True,
               timelimit=None if limit is None else limit * 60, **more)  # fmt: skip


def test_up_to_its_limit_or_the_end_of_the_period() -> None:
    ledger = a_ledger()
    write(ledger, going(1, "nlp", 0, 2 * HOUR, 10), going(2, "nlp", 0, HOUR, 30 * 48),
          run(3, "nlp", 0, HOUR), going(4, "cv", 0, 2 * HOUR, 2))  # fmt: skip
    price(ledger, TERMS, JUNE + 3 * HOUR)
    assert exposure(ledger, TERMS, END) == {
        ("nlp", "nlp-p"): Exposed((8 + 30 * 24 - 1) * PER_HOUR, 2),
        ("cv", "cv-p"): Exposed(0, 1),
    }


def test_without_a_limit_nothing_is_known() -> None:
    ledger = a_ledger()
    write(ledger, going(1, "nlp", 0, HOUR, None), going(2, "nlp", 0, HOUR, 2))
    assert exposure(ledger, TERMS, END) == {("nlp", "nlp-p"): Exposed(PER_HOUR, 1, 1)}


def test_runs_held_unbilled_and_what_pools_cover_add_nothing() -> None:
    ledger = a_ledger()
    write(ledger, going(1, "nlp", 0, HOUR, 10), going(2, "cv", 0, HOUR, 10))
    ledger.db.execute("UPDATE jobs SET held = 'runaway' WHERE job_id_raw = 2")
    terms = with_pools(a_pool())
    assert exposure(ledger, terms, END) == {("nlp", "nlp-p"): Exposed(0, 1)}


def test_a_pause_that_is_free_leaves_less_time_until_the_end() -> None:
    ledger = a_ledger()
    write(ledger, going(1, "nlp", 0, HOUR, 100, suspended=2 * HOUR))
    until = JUNE + 10 * HOUR
    assert exposure(ledger, TERMS, until)["nlp", "nlp-p"].ticks == 7 * PER_HOUR
    paid = replace(TERMS, charge_suspended=True)
    assert exposure(ledger, paid, until)["nlp", "nlp-p"].ticks == 7 * PER_HOUR


RATES = (RATE, Rate("gres/gpu:h100", 5_000_000, JUNE + 5 * HOUR + 7, per=7, where="2"))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(
        st.sampled_from(("nlp", "cv")), st.integers(0, 30_000), st.integers(0, 50_000),
        st.integers(0, 30), st.integers(1, 8),
    ), min_size=1, max_size=5),
)  # fmt: skip
@pytest.mark.parametrize("suspended", [0, 500])
def test_it_is_what_pricing_adds_once_they_have_ended(  # type: ignore[no-untyped-def]
    suspended: int, rows
) -> None:
    terms = Terms(RATES, POLICY, CALENDAR, charge_suspended=True)
    ledger = a_ledger()
    write(ledger, *(
        going(number, team, start, elapsed, max(limit, -(-elapsed // HOUR)), suspended=suspended,
              alloc_tres=f"gres/gpu={gpus},gres/gpu:h100={gpus}")
        for number, (team, start, elapsed, limit, gpus) in enumerate(rows, 1)
    ))  # fmt: skip
    price(ledger, terms, JUNE + DAY)
    before, found = spent(ledger), exposure(ledger, terms, END)
    write(ledger, *(
        run(number, team, start, max(limit * HOUR, -(-elapsed // HOUR) * HOUR), gpus,
            suspended=suspended)
        for number, (team, start, elapsed, limit, gpus) in enumerate(rows, 1)
    ))  # fmt: skip
    price(ledger, terms, JUNE + 10 * DAY)
    after = spent(ledger)
    added = {owner: after[owner] - before.get(owner, 0) for owner in after}
    assert added == {owner: one.ticks for owner, one in found.items() if owner in after}


def spent(ledger) -> dict[object, int]:  # type: ignore[no-untyped-def]
    return {
        owner: sum(day.effective_ticks for day in days.values())
        for owner, days in daily(ledger.db, FIRST, FIRST + 5).items()
    }

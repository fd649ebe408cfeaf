"""Runs as reconciling reads them: those that touch the period, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.reconcile import Seen, touches
from slurm_finops.ledger.held import hold
from slurm_finops.ledger.seen import seen_between, seen_by_key
from tests.support import JUNE, a_ledger, a_run, write

TRES = "billing=8,cpu=8,gres/gpu:h100=2,gres/gpu=2,mem=64G,node=1"


@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 30), st.integers(0, 9), st.integers(0, 4)), max_size=9
    ),
    st.integers(0, 30), st.integers(0, 30),
)  # fmt: skip
def test_what_is_read_is_what_touches_the_period(
    given: list[tuple[int | None, int, int]], start: int, end: int
) -> None:
    ledger = a_ledger()
    runs = [
        a_run(job_id_raw=i, start=None if at is None else JUNE + at, end=None,
              elapsed=0 if at is None else elapsed, suspended=0 if at is None else suspended)
        for i, (at, elapsed, suspended) in enumerate(given)
    ]  # fmt: skip
    write(ledger, *runs)
    found = dict(seen_between(ledger.db, ["alpha"], JUNE + start, JUNE + end))
    everything = dict(seen_by_key(ledger.db, [("alpha", i, JUNE) for i in range(len(runs))]))
    assert len(everything) == len(runs)
    assert found == {
        key: seen for key, seen in everything.items() if touches(seen, JUNE + start, JUNE + end)
    }
    ledger.close()


@pytest.mark.parametrize("why", [None, "runaway"])
def test_a_run_is_read_as_it_stands(why: str | None) -> None:
    ledger = a_ledger()
    write(ledger, a_run(provisional=True, suspended=7, state="RUNNING"), a_run(cluster="beta"))
    with ledger.transaction() as db:
        hold(db, {1: why})
    ((key, seen),) = seen_between(ledger.db, ["alpha"], JUNE, JUNE + 100)
    assert key == ("alpha", 100, JUNE)
    assert seen == Seen("100", "nlp", "RUNNING", JUNE + 60, 3600, 7, TRES, True, why or "")
    assert [*seen_by_key(ledger.db, [key, ("alpha", 1, JUNE)])] == [(key, seen)]
    ledger.close()

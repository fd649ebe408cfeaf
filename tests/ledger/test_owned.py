"""Runs with their owners: those that may book time in a span, and no others."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.ledger import owned
from slurm_finops.ledger.owned import Groups, Owned, owned_runs
from tests.support import JUNE, a_ledger, a_run, write

UTC = Calendar(ZoneInfo("UTC"))
TIMES = st.tuples(st.none() | st.integers(0, 30), st.integers(0, 9), st.integers(0, 4))


@given(
    st.lists(TIMES, max_size=9), st.integers(0, 30), st.integers(0, 9), st.integers(0, 12),
    st.integers(0, 5), st.booleans(),
)  # fmt: skip
def test_what_is_read_may_book_time_in_the_span(
    given: list[tuple[int | None, int, int]], since: int, length: int, least: int, slack: int,
    suspended: bool,
) -> None:  # fmt: skip
    ledger = a_ledger()
    runs = [
        a_run(job_id_raw=i, start=None if at is None else JUNE + at, end=None,
              elapsed=0 if at is None else elapsed, suspended=0 if at is None else paused)
        for i, (at, elapsed, paused) in enumerate(given)
    ]  # fmt: skip
    write(ledger, *runs)
    found = owned_runs(ledger.db, UTC, JUNE + since, JUNE + since + length, least=least,
                       slack=slack, suspended=suspended)  # fmt: skip
    expected = []
    for at, elapsed, paused in given:
        held = elapsed + paused * suspended
        if at is not None and held and at < since + length and (
            at + max(held, least) + slack > since
        ):
            expected.append((JUNE + at, held))
    assert [row[1:3] for row in found] == expected
    ledger.close()


def test_groups_are_by_the_dimensions_of_a_run_as_a_whole() -> None:
    ledger = a_ledger()
    write(ledger, a_run(), a_run(job_id_raw=2, user=""), a_run(job_id_raw=3, cluster="beta"),
          a_run(job_id_raw=4))  # fmt: skip
    price(ledger, Terms((), Policy(), UTC), JUNE)
    groups = Groups(ledger.db, ["day", "user", "cluster", "state", "sku", "team"])
    assert groups.names == ("user", "cluster", "state", "team")
    runs = owned_runs(ledger.db, UTC, JUNE, JUNE + 86_400)
    assert [groups.members[groups[groups.ids(run)]] for run in runs] == [
        ("nlp1", "alpha", "COMPLETED", "nlp"), (None, "alpha", "COMPLETED", "nlp"),
        ("nlp1", "beta", "COMPLETED", "nlp"), ("nlp1", "alpha", "COMPLETED", "nlp"),
    ]  # fmt: skip
    assert len(groups.members) == 3
    ledger.close()


def test_a_cache_that_is_full_changes_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owned, "_CACHE", 1)
    ledger = a_ledger()
    write(ledger, *(a_run(job_id_raw=i, user=f"u{i % 3}") for i in range(9)))
    groups = Groups(ledger.db, ["user"])
    found = [groups[groups.ids(run)] for run in owned_runs(ledger.db, UTC, JUNE, JUNE + 86_400)]
    assert found == [0, 1, 2] * 3
    assert groups.members == [("u0",), ("u1",), ("u2",)]
    ledger.close()


def test_without_dimensions_of_a_run_all_are_one_group() -> None:
    ledger = a_ledger()
    write(ledger, a_run(), a_run(job_id_raw=2, cluster="beta"))
    groups = Groups(ledger.db, ["sku", "day", "pricing"])
    runs = [*owned_runs(ledger.db, UTC, JUNE, JUNE + 86_400)]
    assert {groups[groups.ids(run)] for run in runs} == {0}
    assert Owned(*runs[0]).owner == Owned(*runs[0]).claimed
    ledger.close()

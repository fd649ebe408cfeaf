"""Up to where collection is whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.ledger.ingest import (
    Tally,
    begin,
    collected_through,
    finish,
    whole_windows,
)
from tests.support import a_ledger

BY_HAND, NIGHTLY = False, True


@pytest.mark.parametrize(
    ("windows", "through"),
    [
        ([], None),
        ([(0, 10, BY_HAND)], 10),
        ([(0, 10, BY_HAND), (10, 20, NIGHTLY)], 20),
        ([(0, 10, NIGHTLY), (8, 12, NIGHTLY), (10, 14, NIGHTLY)], 14),
        # a later window by hand hides no gap, an old one does not set the clock back
        ([(0, 10, NIGHTLY), (20, 30, BY_HAND)], 10),
        ([(100, 110, NIGHTLY), (0, 10, BY_HAND)], 110),
        ([(100, 110, NIGHTLY), (0, 10, BY_HAND), (120, 130, BY_HAND)], 110),
        # nor does a second history that was begun by hand
        ([(0, 10, BY_HAND), (50, 60, BY_HAND)], 60),
        ([(0, 10, NIGHTLY), (10, 40, BY_HAND), (38, 50, NIGHTLY)], 50),
    ],
)
def test_whole_up_to(windows: list[tuple[int, int, bool]], through: int | None) -> None:
    ledger = a_ledger()
    for since, until, automatic in windows:
        run = begin(ledger, "sacct", "alpha", 0, since, until, automatic)
        finish(ledger, run, 0, Tally())
    failed = begin(ledger, "sacct", "alpha", 0, 0, 1000, NIGHTLY)
    finish(ledger, failed, 0, Tally(), "slurmdbd went away")
    begin(ledger, "sacct", "alpha", 0, 0, 2000, NIGHTLY)  # killed
    assert collected_through(ledger, "sacct", "alpha") == through
    assert collected_through(ledger, "sacct", "beta") is None


WINDOWS = st.tuples(st.integers(0, 30), st.integers(1, 9), st.booleans())


@given(st.lists(WINDOWS, max_size=8))
def test_whole_windows_hold_each_second_that_was_collected_once(
    windows: list[tuple[int, int, bool]]
) -> None:
    ledger = a_ledger()
    for since, lasts, whole in windows:
        run = begin(ledger, "sacct", "alpha", 0, since, since + lasts)
        finish(ledger, run, 0, Tally(), "" if whole else "slurmdbd went away")
    found = whole_windows(ledger, "sacct", "alpha")
    seconds = {second for since, lasts, whole in windows if whole
               for second in range(since, since + lasts)}  # fmt: skip
    assert [second for since, until in found for second in range(since, until)] == sorted(seconds)
    assert all(until < since for (_, until), (since, _) in pairwise(found))
    assert whole_windows(ledger, "sacct", "beta") == []
    ledger.close()

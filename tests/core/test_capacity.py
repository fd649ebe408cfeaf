"""Capacity over time, against a count second by second."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.capacity import Level, Span, apart, is_away, is_down, shared, taken

TIMES = st.integers(0, 40)
SPANS = st.lists(st.builds(Span, TIMES, TIMES, st.integers(0, 9)), max_size=8)
MIG = (("gres/gpu:a100", 7), ("gres/gpu:a100_1g.5gb", 1))


def at(spans: list[Span], second: int) -> int:
    return sum(units for start, end, units in spans if start <= second < end)


@given(SPANS, TIMES, st.integers(0, 20))
def test_what_a_level_has_of_a_stretch_is_its_seconds_added(
    spans: list[Span], start: int, length: int
) -> None:
    seconds = range(start, start + length)
    assert Level(spans).over(start, start + length) == sum(at(spans, s) for s in seconds)
    assert bool(Level(spans)) == any(at(spans, s) for s in range(41))


@given(SPANS)
def test_spans_apart_have_each_second_once_as_the_first_that_began(spans: list[Span]) -> None:
    whole = [span for span in spans if span.start < span.end]
    found = list(apart(whole))
    for second in range(41):
        covering = [span for span in sorted(whole) if span.start <= second < span.end]
        mine = [span.units for span in found if span.start <= second < span.end]
        assert len(mine) == bool(covering)
        assert set(mine) <= {span.units for span in covering}


@given(SPANS, SPANS)
def test_what_is_shared_counts_where_both_are(one: list[Span], times: list[Span]) -> None:
    times = list(apart(span for span in times if span.start < span.end))
    found = list(shared(one, times))
    for second in range(41):
        there = any(start <= second < end for start, end, _ in times)
        assert at(found, second) == (at(one, second) if there else 0)


@pytest.mark.parametrize("use, units, found", [
    ((("gres/gpu:h100", 1),), {"gres/gpu:h100": 8, "gres/gpu:a100": 4, "cpu": 64}, 8),
    (MIG, {"gres/gpu:a100": 3, "gres/gpu:a100_1g.5gb": 7}, 28),
    ((("gres/gpu", 1),), {"gres/gpu:h100": 8, "gres/gpu": 2, "gres/shard": 9}, 10),
    ((("gres/gpu", 1), ("gres/gpu:h100", 2)), {"gres/gpu:h100": 8, "gres/gpu:a100": 4}, 20),
    ((("node", 1),), {"node": 1, "cpu": 64}, 1),
])  # fmt: skip
def test_a_node_is_so_many_units_of_a_pool(
    use: tuple[tuple[str, int], ...], units: dict[str, int], found: int
) -> None:
    assert taken(use, units) == found


def test_states_in_which_a_node_takes_no_jobs() -> None:
    down = ("DOWN", "DOWN*", "DRAIN", "DRAINED", "DRAINING@", "DRAIN$", "FAIL", "FAILING", "drng")
    assert all(map(is_down, down))
    up = ("IDLE", "IDLE~", "MIXED", "ALLOCATED", "POWERED_DOWN", "MAINT", "")
    assert not any(map(is_down, up))


def test_states_in_which_a_node_may_not_be_listed() -> None:
    assert all(map(is_away, ("FUTR", "FUTURE", "IDLE~", "POWERED_DOWN")))
    assert not any(map(is_away, ("IDLE", "DOWN~", "DRAIN~", "MIXED", "IDLE#", "")))

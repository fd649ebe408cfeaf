"""Balances of years: each row adds up to the minor unit, and each opens as the last closed."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Period
from slurm_finops.core.recovery import Flow, Recovered, balances

CENT = TICKS // 100
ticks = st.integers(0, 10**15)
parts = st.builds(Recovered, ticks, ticks, ticks)
classes = st.dictionaries(st.sampled_from(["internal", "external", None]), parts, max_size=3)


def year(cost: int, by_class: dict[str | None, Recovered]) -> Flow:
    return Flow(Period("", 0, 365, 0, 0), 365, cost, by_class)


years = st.lists(st.builds(year, ticks, classes), max_size=6)


@given(years, st.sampled_from([0, 2, 3]))
def test_rows_add_up_and_carry_over(flows: list[Flow], digits: int) -> None:
    opening = 0
    for flow, row in zip(flows, balances(flows, digits), strict=True):
        assert row.opening == opening
        assert row.opening + row.recovered - row.cost == row.closing
        assert row.billed + row.subsidised == row.recovered
        opening = row.closing
        # each figure of a year is within one minor unit of what it is
        unit = Fraction(TICKS, 10**digits)
        whole = [sum(part[i] for part in flow.by_class.values()) for i in range(3)]
        assert abs(row.cost * unit - flow.cost) * 2 <= unit
        assert abs(row.recovered * unit - whole[0] - whole[1]) * 2 <= unit
        assert abs(row.billed * unit - whole[0]) < unit
        assert abs(row.forgiven * unit - whole[2]) * 2 <= unit
    # the balance that is carried is within one minor unit a year of the exact one
    exact = sum(flow.recovered.total - flow.cost for flow in flows)
    assert abs(opening * Fraction(TICKS, 10**digits) - exact) <= len(flows) * unit_of(digits)


def unit_of(digits: int) -> Fraction:
    return Fraction(TICKS, 10**digits)


def test_what_is_forgiven_is_shown_and_recovers_nothing() -> None:
    flow = year(10 * CENT, {None: Recovered(3 * CENT, 2 * CENT, 4 * CENT)})
    assert balances([flow, flow], 2) == [(0, 10, 3, 2, 5, -5, 4), (-5, 10, 3, 2, 5, -10, 4)]


def test_classes_of_customers_are_parts_of_what_was_recovered() -> None:
    flow = year(0, {"internal": Recovered(CENT, 0, 0), "external": Recovered(2 * CENT, CENT, 0)})
    assert flow.recovered == Recovered(3 * CENT, CENT, 0)


def test_two_halves_of_a_cent_are_one() -> None:
    (row,) = balances([year(0, {None: Recovered(CENT // 2, CENT // 2, 0)})], 2)
    assert (row.billed, row.subsidised, row.recovered) == (1, 0, 1)

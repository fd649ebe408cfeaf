"""What nobody's use bears is carried by whom the site says: all of it, once."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.pools import METHODS, Spread
from slurm_finops.core.spread import Portion, credited, portions

days = st.integers(20_000, 20_005)
teams = st.sampled_from([None, "cv", "nlp", "ops"])
weights = st.dictionaries(days, st.dictionaries(teams, st.integers(0, 10**12)))
amounts = st.dictionaries(days, st.integers(0, 10**15), min_size=1)
spreads = st.builds(
    Spread, st.sampled_from(METHODS), st.just("cost"),
    st.just((("cv", 1), ("nlp", 3), ("idle", 2))), st.none() | st.just("ops"),
)  # fmt: skip


@given(amounts, spreads, weights, st.sampled_from([1, -1]))
def test_nothing_is_lost_or_made(amounts, spread, weights, sign) -> None:  # type: ignore[no-untyped-def]
    signed = {day: sign * ticks for day, ticks in amounts.items()}
    found = portions(signed, spread, weights)
    assert sum(p.ticks for p in found) == sum(signed.values())
    assert all(p.ticks * sign > 0 for p in found)


@given(amounts, spreads, weights)
def test_each_portion_can_be_placed(amounts, spread, weights) -> None:  # type: ignore[no-untyped-def]
    for one in portions(amounts, spread, weights):
        use = weights.get(one.day, {})
        if one.everybody:
            assert any(use.values())
        elif not one.bare:
            assert use[one.team] > 0
        else:
            assert one.day in amounts


@given(amounts, st.none() | st.sampled_from(["nlp", "cv"]), weights)
def test_a_credit_is_all_given_and_to_nobody_beyond_its_cost(amounts, buyer, weights) -> None:  # type: ignore[no-untyped-def]
    found = credited({d: -t for d, t in amounts.items()}, buyer, "ops", weights)
    assert sum(p.ticks for p in found) == -sum(amounts.values())
    for day, use in weights.items():
        own = sum(p.ticks for p in found if p.day == day and p.team == buyer and not p.everybody
                  and not p.bare)  # fmt: skip
        every = sum(p.ticks for p in found if p.day == day and p.everybody)
        mine = use.get(buyer, 0) if buyer else 0
        assert -own <= mine
        assert -every <= sum(use.values()) - mine


USE = {1: {"nlp": 30, "cv": 10}, 2: {"nlp": 10, None: 50}}


def by_team(found: list[Portion]) -> dict[str | None, int]:
    counted: Counter[str | None] = Counter()
    for one in found:
        counted["everybody" if one.everybody else one.team] += one.ticks
    return dict(counted)


@pytest.mark.parametrize(("spread", "carried"), [
    (Spread("proportional"), {"everybody": 100}),
    (Spread("even"), {"cv": 50, "nlp": 50}),
    (Spread("ratios", ratios=(("cv", 1), ("nlp", 3))), {"cv": 25, "nlp": 75}),
    (Spread("carried", to="ops"), {"ops": 100}),
    (Spread("carried"), {None: 100}),
])  # fmt: skip
def test_each_method(spread: Spread, carried: dict[str | None, int]) -> None:
    assert by_team(portions({1: 100}, spread, USE)) == carried


def test_a_months_cost_lands_on_the_days_of_its_use() -> None:
    found = portions({1: 100}, Spread("proportional"), USE)
    assert found == [Portion(1, 40, everybody=True), Portion(2, 60, everybody=True)]
    found = portions({1: 100}, Spread("even"), USE)
    assert found == [Portion(1, 50, "cv"), Portion(1, 38, "nlp"), Portion(2, 12, "nlp")]


def test_a_team_that_used_nothing_carries_its_part_as_such() -> None:
    found = portions({1: 60, 2: 40}, Spread("ratios", ratios=(("new", 1),)), USE)
    assert found == [Portion(1, 60, "new", bare=True), Portion(2, 40, "new", bare=True)]


def test_where_nobody_used_anything_somebody_still_carries_it() -> None:
    for method in ("proportional", "even"):
        assert by_team(portions({1: 7}, Spread(method, to="ops"), {})) == {"ops": 7}
    assert portions({1: 0}, Spread("even"), USE) == []


def test_who_earned_a_credit_and_who_enjoys_it_is_a_rule() -> None:
    use = {1: {"nlp": 8000, "platform": 2000}}
    by_use = by_team(credited({1: -3500}, None, None, use))
    assert by_use == {"everybody": -3500}
    first = by_team(credited({1: -3500}, "platform", None, use))
    assert first == {"platform": -2000, "everybody": -1500}
    assert by_team(credited({1: -12_000}, "platform", "platform", use)) == {
        "platform": -4000, "everybody": -8000,
    }  # fmt: skip

"""Whether chargeback may begin: coverage, teams and tags, held against other sums."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.readiness import (
    NAMED,
    Cost,
    Covered,
    Held,
    Lacking,
    Part,
    covered,
    lacking,
    near_values,
    splits,
)
from slurm_finops.core.tags import Tags
from tests.core.test_near import distance

TICKS = st.integers(0, 10**20)


def part(ticks: int = 1, runs: int = 1, valid: bool = True, **tags: str | None) -> Part:
    return Part(Tags(**tags), valid, Cost(runs, ticks))


@given(st.lists(st.tuples(st.booleans(), TICKS)), st.integers(1, 10_000))
def test_coverage_is_the_exact_share_and_never_shown_above_it(
    costs: list[tuple[bool, int]], limit: int
) -> None:
    found = covered(part(ticks, valid=valid) for valid, ticks in costs)
    whole = sum(ticks for _, ticks in costs)
    if not whole:
        assert (found.share, found.reaches(limit)) == (None, False)
        return
    exact = Fraction(sum(ticks for valid, ticks in costs if valid), whole)
    assert found.reaches(limit) == (exact >= Fraction(limit, 10_000))
    assert found.share is not None
    assert 0 <= exact - Fraction(found.share, 10_000) < Fraction(1, 10_000)
    # so that what is shown as the limit has reached it
    assert found.reaches(limit) == (found.share >= limit)


def test_a_hair_below_the_limit_is_below_it() -> None:
    assert Covered(80, 100).reaches(8_000)
    assert not Covered(80 * 10**18 - 1, 100 * 10**18).reaches(8_000)
    assert Covered(80 * 10**18 - 1, 100 * 10**18).share == 7_999


def test_teams_with_cost_want_a_budget_and_a_cost_centre() -> None:
    costs = {"a": Cost(1, 5), "b": Cost(2, 9), "c": Cost(3, 5), "d": Cost(4, 7), "free": Cost(5, 0)}
    found = lacking(costs, {"a", "b", "c"}, {"a", "b"}, {"b", "c"})
    assert found == [
        Lacking("d", Cost(4, 7), False, False, False),
        Lacking("a", Cost(1, 5), True, True, False),
        Lacking("c", Cost(3, 5), True, False, True),
    ]


def in_environment(environment: str | None, team: str | None, ticks: int = 1) -> Part:
    return part(ticks, project="p", environment=environment, team=team, cost_center="cc")


@pytest.mark.parametrize(("parts", "differs"), [
    ([("prod", "a"), ("dev", "a")], False),
    ([("prod", "a"), ("dev", "b")], True),
    ([("prod", "a"), ("dev", None)], False),  # untagged use is another signal's
    ([("prod", "a"), ("prod", "b")], False),  # two teams with a project of one name
    ([("prod", "a"), ("prod", "b"), ("dev", "a"), ("dev", "b")], False),
    ([("prod", "a"), ("prod", "b"), ("dev", "a")], True),
    ([("prod", "a"), (None, "b")], False),  # of no environment
])  # fmt: skip
def test_a_project_has_the_same_teams_in_each_environment(
    parts: list[tuple[str | None, str | None]], differs: bool
) -> None:
    found = splits([in_environment(*one) for one in parts])
    assert [(one.project, one.key) for one in found] == [("p", "team")] * differs


def test_a_split_names_what_each_environment_has_the_costliest_first() -> None:
    (found,) = splits([
        in_environment("dev", "b", 3), in_environment("prod", "a", 7),
        in_environment("dev", "b", 2),
        in_environment("dev", "c", 0),  # it cost nothing
    ])  # fmt: skip
    assert found.held == (Held("prod", "a", Cost(1, 7)), Held("dev", "b", Cost(2, 5)))
    assert (found.common, found.cost) == ("a", Cost(2, 5))


def test_a_cost_centre_that_only_one_environment_has_differs() -> None:
    parts = [part(project="p", team="a", environment=name, cost_center=centre)
             for name, centre in (("prod", "cc"), ("dev", None))]  # fmt: skip
    (found,) = splits(parts)
    assert (found.key, found.common, found.cost) == ("cost_center", "cc", Cost(1, 1))


@pytest.mark.parametrize(("one", "two", "near"), [
    ("vision", "visoin", True), ("nlp", "NLP", True), ("prod", "prodd", True),
    ("cv", "ev", False),  # too short for a slip
    ("cv", "CV", True),
    ("llama-7b", "llama-70b", False),  # digits are no slips
    ("v1", "v2", False), ("run-1", "Run-1", True), ("llama-3", "llama3", True),
    ("vision", "fission", False),
])  # fmt: skip
def test_one_slip_between_values(one: str, two: str, near: bool) -> None:
    found = near_values([part(9, 9, project=one), part(2, 2, project=two)], {}, 1)
    assert [(pair.common.name, pair.rare.name) for pair in found] == [(one, two)] * near


def test_names_that_the_site_knows_are_no_slips() -> None:
    parts = [part(9, 9, team="vision"), part(2, 2, team="visions")]
    assert near_values(parts, {"team": {"vision"}}, 1)
    assert not near_values(parts, {"team": {"vision", "visions"}}, 1)
    assert near_values(parts, {"project": {"vision", "visions"}}, 1)


def test_a_slip_that_cost_nothing_is_none_and_experiments_are_not_compared() -> None:
    assert not near_values([part(9, 9, team="vision"), part(0, 2, team="visoin")], {}, 1)
    assert near_values([part(0, 9, team="vision"), part(2, 2, team="visoin")], {}, 1)
    assert not near_values([part(experiment="lr-sweep"), part(experiment="lr_sweep")], {}, 1)


WORDS = st.text("aAbc-7", max_size=8)


@given(
    st.lists(st.tuples(st.sampled_from(NAMED), WORDS, st.integers(0, 9)), max_size=9),
    st.sets(WORDS, max_size=3), st.integers(0, 2),
)  # fmt: skip
def test_values_are_near_by_the_full_table_of_distances(
    given_: list[tuple[str, str, int]], known: set[str], edits: int
) -> None:
    parts = [part(ticks, **{key: value}) for key, value, ticks in given_]
    expected = set()
    for key in NAMED:
        cost: dict[str, tuple[int, int]] = {}
        for other, value, ticks in given_:
            if other == key:
                runs, before = cost.get(value, (0, 0))
                cost[value] = runs + 1, before + ticks
        for one in cost:
            for two in cost:
                rarer = (cost[one], one) < (cost[two], two)
                apart = distance(one.lower(), two.lower())
                letters = [text.replace("7", "") for text in (one, two)]
                if (rarer and cost[one][1] and letters[0] != letters[1]
                        and not {one, two} <= known
                        and apart <= min(edits, len(one) // 3, len(two) // 3)):  # fmt: skip
                    expected.add((key, two, one))
    found = near_values(parts, dict.fromkeys(NAMED, known), edits)
    assert {(near.key, near.common.name, near.rare.name) for near in found} == expected
    assert len(found) == len(expected)

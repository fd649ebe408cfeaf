"""The charging policy: what rules say, which of them win, and which cannot stand together."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.charging import (
    ALWAYS,
    Applied,
    Charging,
    Factor,
    Forgiven,
    Group,
    Piece,
    Rounding,
    at,
    covers,
    edges,
    first,
    matching,
)
from slurm_finops.core.rates import EVER, NEVER, RateError

IN_A, IN_B = (("partition", "a"),), (("partition", "b"),)
HIGH = (("qos", "high"),)
FAST_IN_A = (("partition", "a"), ("qos", "fast"))
CPU, GPU, H100, MEM = "cpu", "gres/gpu", "gres/gpu:h100", "mem"


def forgive(name: str = "lost", states: tuple[str, ...] = ("FAILED",), **more: object) -> Forgiven:
    return Forgiven(name, states, where=f"forgive {name}", **more)  # type: ignore[arg-type]


def rounding(name: str = "minute", **more: object) -> Rounding:
    return Rounding(name, where=f"rounding {name}", **more)  # type: ignore[arg-type]


def group(name: str = "node", skus: tuple[str, ...] = (CPU, GPU), **more: object) -> Group:
    return Group(name, skus, where=f"groups {name}", **more)  # type: ignore[arg-type]


names = st.text(min_size=1, max_size=8)
ratios = st.fractions(0, 100, max_denominator=1000)


@given(st.builds(
    Applied, st.text(max_size=8), st.lists(st.tuples(names, ratios), max_size=3).map(tuple),
    st.none() | st.tuples(names, ratios), st.text(max_size=8),
))  # fmt: skip
def test_what_a_card_says_is_read_back_as_it_was(said: Applied) -> None:
    assert Applied.of(said.text) == said
    assert (said.text == "") == (said == Applied())


def test_a_card_says_ratios_as_texts_and_factors_in_their_order() -> None:
    said = Applied("academic", (("night", Fraction(1, 2)), ("high", Fraction(3))),
                   ("lost nodes", Fraction(2, 3)), "node share")  # fmt: skip
    assert said.text == (
        '{"class": "academic", "factors": [["night", "1/2"], ["high", "3"]], '
        '"forgiven": ["lost nodes", "2/3"], "outdone": "node share"}'
    )
    assert (said.factor, said.kept) == (Fraction(3, 2), Fraction(1, 3))
    assert (Applied().factor, Applied().kept) == (1, 1)


@pytest.mark.parametrize(("elapsed", "step", "minimum", "booked"), [
    (1, 1, 0, 1), (61, 60, 0, 120), (60, 60, 0, 60), (59, 60, 90, 120), (3600, 3600, 0, 3600),
    (3601, 3600, 0, 7200), (10, 1, 90, 90), (100, 1, 90, 100), (7201, 60, 7200, 7260),
])  # fmt: skip
def test_booked_time_is_the_minimum_at_least_and_in_whole_steps(
    elapsed: int, step: int, minimum: int, booked: int
) -> None:
    assert rounding(step=step, minimum=minimum).booked(elapsed) == booked


@given(st.lists(st.tuples(st.sampled_from([1, 60, 3600]), st.integers(0, 9000)), max_size=3),
       st.integers(1, 20_000))  # fmt: skip
def test_no_run_books_more_beyond_its_end_than_is_said(
    rules: list[tuple[int, int]], elapsed: int
) -> None:
    policy = Charging(rounding=tuple(
        rounding(step=step, minimum=minimum) for step, minimum in rules))  # fmt: skip
    for rule in policy.rounding:
        assert 0 <= rule.booked(elapsed) - elapsed <= policy.longest_beyond


# ---- which rule applies


def test_more_match_keys_win_and_then_the_higher_rank() -> None:
    plain, ranked = forgive("plain"), forgive("ranked", rank=9)
    keyed, two = forgive("keyed", match=IN_A), forgive("two", match=FAST_IN_A, rank=-5)
    assert first([plain, ranked]) is ranked
    assert first([ranked, keyed, plain]) is keyed
    assert first([keyed, two, ranked]) is two
    assert first([]) is None


def test_a_rule_is_for_the_runs_whose_every_key_it_has() -> None:
    rules = [forgive("all"), forgive("a", match=IN_A), forgive("fast", match=FAST_IN_A)]
    assert [r.name for r in matching(rules, {"partition": "a", "qos": "slow"})] == ["all", "a"]
    assert [r.name for r in matching(rules, {"partition": "a", "qos": "fast"})] == [
        "all", "a", "fast",
    ]  # fmt: skip
    assert [r.name for r in matching(rules, {})] == ["all"]


def test_a_rule_holds_from_its_first_second_to_the_one_before_its_end() -> None:
    rule = forgive(start=100, end=200)
    assert [bool(at([rule], second)) for second in (99, 100, 199, 200)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert edges([rule, forgive()]) == {100, 200}


@pytest.mark.parametrize(("skus", "sku", "covered"), [
    ((GPU,), H100, True), ((GPU,), GPU, True), ((H100,), GPU, False), ((H100,), H100, True),
    ((GPU,), "gres/gpumem", False), ((GPU,), "gres/shard", False), ((CPU,), MEM, False),
    ((), CPU, False),
])  # fmt: skip
def test_all_gpus_stand_for_those_of_any_type(
    skus: tuple[str, ...], sku: str, covered: bool
) -> None:
    assert covers(skus, sku) is covered
    assert Factor("x", Fraction(2), skus=skus).is_for(sku) is (covered or not skus)


# ---- what customers are


def test_a_team_is_what_its_last_piece_says_and_nobody_is_what_is_said_of_all_others() -> None:
    dated = (Piece(NEVER, "external"), Piece(100, "academic"), Piece(200, "industry"))
    policy = Charging(classes=(("nlp", dated),), default_class="external")
    assert [policy.class_at("nlp", second) for second in (0, 99, 100, 199, 200, 9999)] == [
        "external", "external", "academic", "academic", "industry", "industry",
    ]  # fmt: skip
    assert policy.class_at("cv", 150) == policy.class_at(None, 150) == "external"
    assert Charging(classes=(("nlp", dated),)).class_at("cv", 150) == ""
    assert Charging().timeline("nlp") is ALWAYS
    assert policy.named_classes == {"external", "academic", "industry"}


def test_no_policy_is_nothing_and_a_default_class_alone_is_one() -> None:
    assert not Charging()
    assert Charging(default_class="external")
    assert Charging(groups=(group(),))


def test_a_policy_knows_what_it_asks_of_a_run() -> None:
    policy = Charging(
        factors=(Factor("x", Fraction(2), match=IN_A),), forgiven=(forgive(match=HIGH),),
        rounding=(rounding(match=(("class", "industry"),)),),
    )  # fmt: skip
    assert policy.match_keys == {"partition", "qos", "class"}
    assert policy.states == {"FAILED"}


# ---- rules that cannot stand together


TIES = [
    Charging(forgiven=(forgive("one", ("FAILED", "TIMEOUT")), forgive("two", ("TIMEOUT",)))),
    Charging(forgiven=(forgive("one", match=IN_A), forgive("two", match=HIGH))),
    Charging(forgiven=(forgive("one", start=0, end=10), forgive("two", start=9))),
    Charging(rounding=(rounding("one"), rounding("two", step=60))),
    Charging(rounding=(rounding("one", match=IN_A, rank=1), rounding("two", match=HIGH, rank=1))),
    Charging(groups=(group("one", (CPU, GPU)), group("two", (CPU, MEM)))),
    Charging(groups=(group("one", (CPU, GPU)), group("two", (H100, MEM)))),
    Charging(groups=(group("one", (CPU, H100)), group("two", (GPU, MEM)))),
    # no rank tells groups apart, nor does another combine, nor one more key
    Charging(groups=(group("one", combine="sum"), group("two", (CPU, MEM), match=IN_A))),
]


@pytest.mark.parametrize("policy", TIES)
def test_rules_of_equal_right_are_refused_by_name(policy: Charging) -> None:
    with pytest.raises(RateError, match="could both") as raised:
        policy.check()
    kind = next(r for r in policy.rules).where.partition(" ")[0]
    assert f"{kind} one (one) and {kind} two (two)" in str(raised.value)


@pytest.mark.parametrize("policy", [
    Charging(forgiven=(forgive("one", ("FAILED",)), forgive("two", ("TIMEOUT",)))),
    Charging(forgiven=(forgive("one"), forgive("two", match=IN_A))),
    Charging(forgiven=(forgive("one"), forgive("two", rank=1))),
    Charging(forgiven=(forgive("one", match=IN_A), forgive("two", match=IN_B))),
    Charging(forgiven=(forgive("one", end=10), forgive("two", start=10))),
    Charging(forgiven=(forgive("one", start=10), forgive("two", end=10))),
    Charging(rounding=(rounding("one", match=IN_A), rounding("two", match=IN_B))),
    Charging(rounding=(rounding("one", end=10), rounding("two", start=10, end=EVER))),
    Charging(rounding=(rounding("one"), rounding("two", rank=-1))),
    Charging(groups=(group("one", (CPU, GPU)), group("two", (MEM, "billing")))),
    Charging(groups=(group("one", match=IN_A), group("two", match=IN_B))),
    Charging(groups=(group("one", end=10), group("two", start=10))),
    # a factor is no rival of another: they multiply
    Charging(factors=(Factor("one", Fraction(2)), Factor("two", Fraction(3)))),
])  # fmt: skip
def test_rules_that_something_keeps_apart_stand_together(policy: Charging) -> None:
    policy.check()

"""Prices with the charging policy on them: what a SKU of some runs costs at each moment."""

from fractions import Fraction
from itertools import pairwise

from slurm_finops.core.charge import charge
from slurm_finops.core.charging import (
    ALWAYS,
    Applied,
    Charging,
    Factor,
    Forgiven,
    Piece,
    Rounding,
    Tier,
    Timeline,
)
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import NEVER, POOL_RANK, Rate, Segment

CPU, GPU, H100 = "cpu", "gres/gpu", "gres/gpu:h100"
INDUSTRY, HIGH = (("class", "industry"),), (("qos", "high"),)
IS_INDUSTRY: Timeline = (Piece(NEVER, "industry"),)


class Seconds:
    """Seconds cut into days of a hundred."""

    def split(self, start: int, end: int) -> list[tuple[int, int, int]]:
        marks = [start, *range(start // 100 * 100 + 100, end, 100), end]
        return [(a // 100, a, b) for a, b in pairwise(marks) if a < b]


def rate(price: int = 12, sku: str = H100, start: int = 0, **more: object) -> Rate:
    return Rate(sku, price, start, **more)  # type: ignore[arg-type]


def factor(name: str, ratio: str, **more: object) -> Factor:
    return Factor(name, Fraction(ratio), **more)  # type: ignore[arg-type]


def forgive(part: str = "1", name: str = "lost", **more: object) -> Forgiven:
    return Forgiven(name, ("FAILED",), Fraction(part), **more)  # type: ignore[arg-type]


def book(*rates: Rate, **policy: object) -> PriceBook:
    return PriceBook(rates or (rate(),), Charging(**policy))  # type: ignore[arg-type]


def paid(
    of: PriceBook, start: int = 0, end: int = 10, timeline: Timeline = ALWAYS, state: str = "",
    **run: str,
) -> tuple[int, int, int, int, int]:
    """Ticks of one H100 over some seconds: listed, contracted, effective, kept, billed."""
    sums = [0] * 5
    for line in charge(start, end, 1, of.segments(H100, run, timeline, state), Seconds()):
        assert line.ticks is not None
        assert line.list_ticks is not None
        contracted, kept, net = line.rest or (line.ticks,) * 3
        row = line.list_ticks, contracted, line.ticks, kept, net
        sums = [one + two for one, two in zip(sums, row, strict=True)]
    listed, contracted, effective, kept, net = sums
    return listed, contracted, effective, kept, net


def said(segment: Segment) -> Applied:  # type: ignore[type-arg]
    return Applied.of(segment.card.policy)


def test_without_a_policy_everything_is_one_curve() -> None:
    (_, segment) = book().segments(H100, {})
    assert segment.rest is None
    assert segment.list_curve is segment.curve
    assert segment.card.policy == ""
    assert paid(book()) == (120,) * 5


def test_factors_multiply_in_the_order_in_which_they_are_written() -> None:
    of = book(factors=(factor("night", "1/2"), factor("high", "3", match=HIGH)))
    assert paid(of) == (120, 60, 60, 60, 60)
    assert paid(of, qos="high") == (120, 180, 180, 180, 180)
    (_, segment) = of.segments(H100, {"qos": "high"})
    assert said(segment).factors == (("night", Fraction(1, 2)), ("high", Fraction(3)))


def test_a_factor_is_for_its_skus_and_all_gpus_stand_for_any_type() -> None:
    of = book(factors=(factor("cpu", "5", skus=(CPU,)), factor("gpu", "2", skus=(GPU,))))
    assert paid(of)[1] == 240


def test_a_dated_factor_cuts_a_run_at_the_instant() -> None:
    of = book(factors=(factor("summer", "2", start=3, end=7),))
    assert paid(of)[1] == 12 * (3 + 2 * 4 + 3)
    assert [(s.start, said(s).factors != ()) for s in of.segments(H100, {}) if s.card] == [
        (0, False), (3, True), (7, False),
    ]  # fmt: skip


def test_what_comes_and_goes_within_a_day_is_summed_in_all_its_parts() -> None:
    of = book(rate(12, subsidy=4), factors=(factor("summer", "2", start=3, end=7),),
              forgiven=(forgive("1/2"),))  # fmt: skip
    assert paid(of, state="FAILED") == (120, 168, 168, 84, 56)
    lines = charge(0, 10, 1, of.segments(H100, {}, state="FAILED"), Seconds())
    assert [(line.ticks, line.rest) for line in lines] == [
        (72, (72, 36, 24)), (96, (96, 48, 32)),
    ]  # fmt: skip


def test_a_factor_of_nothing_is_free_and_not_unpriced() -> None:
    of = book(factors=(factor("free", "0"),))
    assert paid(of) == (120, 0, 0, 0, 0)
    assert said(of.segments(H100, {})[-1]).factors == (("free", Fraction(0)),)


def test_a_price_of_nothing_is_a_price_and_no_gap() -> None:
    of = book(rate(0), rate(5, GPU), factors=(factor("double", "2"),))
    assert paid(of) == (0,) * 5
    assert of.segments(H100, {})[-1].card.sku == H100


def test_before_its_rate_a_sku_is_unpriced_whatever_the_policy_says() -> None:
    of = book(rate(start=5), factors=(factor("double", "2"),), forgiven=(forgive(),))
    (line, *_) = charge(0, 10, 1, of.segments(H100, {}, state="FAILED"), Seconds())
    assert (line.seconds, line.ticks, line.card) == (5, None, None)


def test_a_class_that_changes_changes_the_price_of_a_run_that_goes_on() -> None:
    of = book(rate(10), rate(30, match=INDUSTRY), default_class="external")
    timeline = (Piece(NEVER, "external"), Piece(100, "industry"), Piece(200, "external"))
    lines = charge(50, 250, 1, of.segments(H100, {}, timeline), Seconds())
    assert [(line.day, line.ticks) for line in lines] == [(0, 500), (1, 3000), (2, 500)]
    assert [Applied.of(line.card.policy).of_class for line in lines] == [
        "external", "industry", "external",
    ]  # fmt: skip


def test_the_list_price_is_of_no_class_and_without_factors() -> None:
    of = book(
        rate(10), rate(7, match=HIGH, pricing="spot"), rate(30, match=INDUSTRY, rank=1),
        factors=(factor("double", "2"),), default_class="industry",
    )  # fmt: skip
    assert paid(of, timeline=IS_INDUSTRY) == (100, 600, 600, 600, 600)
    # a spot price is listed at what on_demand would have been
    assert paid(of, qos="high")[:2] == (100, 140)
    # where a class alone has a price there is no other to list
    alone = book(rate(30, match=INDUSTRY), default_class="industry")
    assert paid(alone, timeline=IS_INDUSTRY)[0] == 300


def test_what_is_forgiven_goes_before_what_somebody_else_pays() -> None:
    of = book(rate(12, subsidy=4), factors=(factor("half", "1/2"),), forgiven=(forgive("1/3"),))
    # 12 an hour, halved: 6; of it a third forgiven leaves 4, and a third of that is subsidised
    assert paid(of, end=30) == (360, 180, 180, 180, 120)
    assert paid(of, end=30, state="FAILED") == (360, 180, 180, 120, 80)
    assert paid(of, end=30, state="TIMEOUT") == (360, 180, 180, 180, 120)


def test_all_of_a_price_may_be_paid_by_somebody_else() -> None:
    assert paid(book(rate(12, subsidy=12), default_class="x")) == (120, 120, 120, 120, 0)
    # and that needs no policy beside it
    assert paid(book(rate(12, subsidy=5))) == (120, 120, 120, 120, 70)


def test_of_two_rules_that_forgive_the_one_of_more_keys_applies_and_then_the_rank() -> None:
    rules = (forgive("1", "all", rank=5), forgive("1/2", "high", match=HIGH), forgive("1/4", "low"))
    of = book(forgiven=rules)
    assert paid(of, state="FAILED")[3] == 0
    assert paid(of, state="FAILED", qos="high")[3] == 60
    assert said(of.segments(H100, {"qos": "high"}, state="FAILED")[-1]).forgiven == (
        "high", Fraction(1, 2),
    )  # fmt: skip


def test_a_dated_rule_forgives_what_was_held_while_it_was_in_force() -> None:
    of = book(forgiven=(forgive(start=4, end=6),))
    assert paid(of, state="FAILED") == (120, 120, 120, 96, 96)


def test_a_tier_is_what_the_customers_piece_has_reached() -> None:
    tier = Tier("volume", (GPU,), ((0, Fraction(1)), (100, Fraction(9, 10)), (200, Fraction(1, 2))))
    of = book(rate(10), tiers=(tier,), factors=(factor("double", "2"),))
    timeline = (Piece(NEVER), Piece(10, "", (("volume", 1),)), Piece(20, "", (("volume", 2),)))
    assert [paid(of, start, start + 10, timeline)[1] for start in (0, 10, 20)] == [200, 180, 100]
    found = of.segments(H100, {}, timeline)
    assert [said(s).factors for s in found if s.card] == [
        (("double", Fraction(2)),),
        (("volume", Fraction(9, 10)), ("double", Fraction(2))),
        (("volume", Fraction(1, 2)), ("double", Fraction(2))),
    ]  # fmt: skip
    assert of.segments(CPU, {}, timeline) == (Segment(NEVER, None, None, None),)


def test_a_tier_is_for_its_time_and_its_runs_only() -> None:
    steps = ((0, Fraction(1)), (100, Fraction(1, 2)))
    of = book(rate(10), tiers=(Tier("volume", (H100,), steps, HIGH, 0, 4, 8),))
    reached = (Piece(NEVER, "", (("volume", 1),)),)
    assert paid(of, timeline=reached)[1] == 100
    assert paid(of, timeline=reached, qos="high")[1] == 80


def test_what_a_pool_covers_costs_nothing_and_keeps_what_it_would_have() -> None:
    pool = rate(0, start=0, pricing="committed", rank=POOL_RANK)
    of = book(rate(12, subsidy=4), pool, factors=(factor("double", "2"),), forgiven=(forgive(),))
    assert paid(of, state="FAILED") == (120, 240, 0, 0, 0)
    assert said(of.segments(H100, {}, state="FAILED")[-1]) == Applied()


def test_a_factor_makes_no_price_of_a_pool_that_has_none_behind_it() -> None:
    pool = rate(0, pricing="committed", rank=POOL_RANK)
    for ratio in ("0", "2"):
        segment = book(pool, factors=(factor("x", ratio),)).segments(H100, {})[-1]
        assert segment.rest.contracted is segment.curve


# ---- which rule rounds a run


def test_a_run_is_rounded_by_the_rule_of_the_moment_it_began() -> None:
    before, after = Rounding("before", 60, end=100), Rounding("after", 3600, start=100)
    found = book(rounding=(before, after)).rounding({})
    assert found == ((NEVER, before), (100, after))


def test_a_class_may_be_rounded_from_when_it_begins_on() -> None:
    rule = Rounding("industry", 3600, match=INDUSTRY)
    of = book(rounding=(rule,), default_class="x")
    timeline = (Piece(NEVER, "x"), Piece(100, "industry"), Piece(200, "x"))
    assert of.rounding({}, timeline) == ((NEVER, None), (100, rule), (200, None))


def test_runs_that_no_rule_could_round_have_none() -> None:
    of = book(rounding=(Rounding("high", 60, match=HIGH),))
    assert of.rounding({"qos": "low"}) == ()
    assert of.rounding({"qos": "high"}) != ()

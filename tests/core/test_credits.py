"""Credits that overlap: stretches against a walk through every second."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.credits import Claim, Draw, Stretch, stretches

HALF, ONE = Fraction(1, 2), Fraction(1)


def test_one_credit_is_one_stretch() -> None:
    assert stretches([Claim(10, 20, 1, 2, 7)]) == [Stretch(10, 20, (Draw(7, ONE, HALF),))]


def test_the_later_one_takes_its_part_of_what_the_earlier_left() -> None:
    found = stretches([Claim(5, 20, 1, 2, 9), Claim(0, 10, 1, 4, 3)])
    left = Fraction(3, 4)
    assert found == [
        Stretch(0, 5, (Draw(3, ONE, Fraction(1, 4)),)),
        Stretch(5, 10, (Draw(3, ONE, Fraction(1, 4)), Draw(9, left, HALF))),
        Stretch(10, 20, (Draw(9, ONE, HALF),)),
    ]
    assert [one.forgiven for one in found] == [Fraction(1, 4), Fraction(5, 8), HALF]


def test_behind_one_that_forgives_all_nobody_has_a_turn() -> None:
    found = stretches([Claim(0, 9, 1, 1, 1), Claim(3, 6, 1, 2, 2)])
    assert found == [Stretch(0, 9, (Draw(1, ONE, ONE),))]


def test_seconds_between_are_in_no_stretch_and_empty_claims_in_none() -> None:
    found = stretches([Claim(0, 2, 1, 2, 1), Claim(5, 6, 1, 2, 1), Claim(3, 3, 1, 1, 2)])
    assert [one[:2] for one in found] == [(0, 2), (5, 6)]
    assert stretches([]) == []


claims = st.builds(
    lambda since, seconds, part, credit: Claim(since, since + seconds, *part, credit),
    st.integers(0, 30), st.integers(0, 20),
    st.fractions(Fraction(1, 7), 1, max_denominator=7).map(lambda p: (p.numerator, p.denominator)),
    st.integers(1, 6),
)  # fmt: skip
#: Of each credit one claim on a run, as matching makes them.
many_claims = st.lists(claims, max_size=6, unique_by=lambda claim: claim.credit)


def of_second(many: list[Claim], second: int) -> list[tuple[int, Fraction, Fraction]]:
    """Who forgives what of one second, worked out by taking away."""
    left, found = ONE, []
    for claim in sorted(many, key=lambda claim: claim.credit):
        if claim.since <= second < claim.until and left > 0:
            taken = left * claim.num / claim.den
            found.append((claim.credit, left, taken))
            left -= taken
    return found


@given(many_claims)
def test_every_second_is_forgiven_what_its_credits_forgive_in_turn(many: list[Claim]) -> None:
    found = stretches(many)
    of = {second: stretch for stretch in found for second in range(stretch.since, stretch.until)}
    assert len(of) == sum(stretch.until - stretch.since for stretch in found)
    for second in range(60):
        draws = of[second].draws if second in of else ()
        assert [(d.credit, d.left, d.forgiven) for d in draws] == of_second(many, second)
        if second in of:
            assert of[second].forgiven == sum(taken for _, _, taken in of_second(many, second))
            assert 0 < of[second].forgiven <= 1


@given(many_claims)
def test_stretches_are_in_order_and_neighbours_differ(many: list[Claim]) -> None:
    for one, two in pairwise(stretches(many)):
        assert one.until <= two.since
        assert one.until < two.since or one.draws != two.draws

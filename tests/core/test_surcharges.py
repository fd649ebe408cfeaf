"""Surcharges and taxes: on what, for whom, when, and to the tick."""

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.surcharges import KINDS, SURCHARGE, TAX, Surcharge, levied

OVERHEAD = Surcharge("overhead", SURCHARGE, 260_000, ("external",))
VAT = Surcharge("VAT", TAX, 81_000)
days = st.none() | st.integers(0, 6)
rules = st.lists(st.builds(
    Surcharge, st.text(max_size=2), st.sampled_from(KINDS), st.integers(0, 3_000_000),
    st.sampled_from([(), ("external",), ("external", "academic")]), days, days,
), max_size=5)  # fmt: skip
amounts = st.integers(-(10**9), 10**9) | st.integers(-(10**20), 10**20)
classes = st.sampled_from(["", "external", "academic"])


def on_top(billed: int, of_class: str = "external", day: int = 5, *rules: Surcharge) -> list[int]:
    return [ticks for _, ticks in levied(billed, of_class, day, rules or (OVERHEAD, VAT))]


def test_a_tax_is_on_the_amount_and_its_surcharges() -> None:
    assert on_top(10_000) == [2_600, 1_021]  # 12,600 x 8.1 % = 1,020.6
    assert on_top(10_000, "academic") == [810]


def test_surcharges_do_not_raise_each_other_and_come_first() -> None:
    other = OVERHEAD._replace(name="handling", parts=100_000)
    found = levied(10_000, "external", 5, [VAT, OVERHEAD, other])
    assert found == [(OVERHEAD, 2_600), (other, 1_000), (VAT, 1_102)]


@pytest.mark.parametrize(("day", "found"), [(99, []), (100, [26]), (199, [26]), (200, [])])
def test_they_hold_on_their_days(day: int, found: list[int]) -> None:
    assert on_top(100, "external", day, OVERHEAD._replace(first=100, last=200)) == found


def test_halves_go_away_from_zero() -> None:
    half = OVERHEAD._replace(parts=500_000)
    assert on_top(1, "external", 5, half) == [1]
    assert on_top(-1, "external", 5, half) == [-1]


def test_a_rate_of_nothing_is_said_and_nothing_comes_on_nothing() -> None:
    assert on_top(100, "external", 5, VAT._replace(parts=0)) == [0]
    assert on_top(0) == []


def by_fractions(billed: int, of_class: str, day: int, rules: list[Surcharge]) -> list[int]:
    """The same, written down another way."""

    def rounded(exact: Fraction) -> int:
        with localcontext() as context:
            context.prec = 60
            decimal = Decimal(exact.numerator) / Decimal(exact.denominator)  # ends: parts of 10**6
            return int(decimal.quantize(Decimal(1), ROUND_HALF_UP))

    def holds(rule: Surcharge) -> bool:
        first = 0 if rule.first is None else rule.first
        last = 99 if rule.last is None else rule.last
        return day in range(first, last) and (rule.classes == () or of_class in rule.classes)

    per_cent = {kind: [Fraction(r.parts, 10_000) for r in rules if r.kind == kind and holds(r)]
                for kind in KINDS}  # fmt: skip
    first = [rounded(billed * each / 100) for each in per_cent[SURCHARGE]]
    taxed = billed + sum(first)
    return first + [rounded(taxed * each / 100) for each in per_cent[TAX]] if billed else []


@given(amounts, classes, st.integers(0, 6), rules)
def test_it_is_as_fractions_say(billed, of_class, day, rules) -> None:  # type: ignore[no-untyped-def]
    found = levied(billed, of_class, day, rules)
    assert [ticks for _, ticks in found] == by_fractions(billed, of_class, day, rules)


@given(amounts, classes, st.integers(0, 6), rules)
def test_what_is_given_back_is_what_was_levied(billed, of_class, day, rules) -> None:  # type: ignore[no-untyped-def]
    back = [(rule, -ticks) for rule, ticks in levied(-billed, of_class, day, rules)]
    assert back == levied(billed, of_class, day, rules)

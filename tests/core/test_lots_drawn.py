"""Lots: what is left of one, and the second in which it ends."""

from fractions import Fraction

from slurm_finops.core.lots import Drawn, Lot, Meter, Source, draw


def a_lot(**more: object) -> Lot:
    """100 for the days 10 to 19, of which half of what is left goes on until day 25."""
    return Lot("grant", "nlp", None, False, 100, 10, 20, carry=Fraction(1, 2), carried=25, **more)  # type: ignore[arg-type]


def test_what_is_left_at_the_beginning_of_a_day_is_without_that_days_own() -> None:
    drawn = {12: 30, 14: 10}
    assert [a_lot().left(day, drawn) for day in (12, 13, 14, 15, 19)] == [100, 70, 70, 60, 60]


def test_what_is_carried_is_drawn_on_day_by_day() -> None:
    drawn = {12: 40, 21: 10, 23: 5}
    assert [a_lot().left(day, drawn) for day in (20, 21, 22, 23, 24)] == [30, 30, 20, 20, 15]


def test_what_is_carried_is_cut_to_what_there_is() -> None:
    assert a_lot().left(20, {12: 95}) == 2


def a_meter(*rates: tuple[int, int]) -> Meter:
    """From second to second so many ticks and units more."""
    def until(second: int) -> tuple[int, int]:
        return sum(a for a, _ in rates[:second]), sum(b for _, b in rates[:second])
    return until


def money(left: int, uses: int = 1) -> Source:
    return Source(False, left, [1] * uses)


def hours(left: int, *weights: int) -> Source:
    return Source(True, left, weights or (1,))


def test_a_second_that_cannot_be_paid_whole_is_the_first_of_the_next() -> None:
    meter = a_meter(*[(3, 1)] * 10)
    # three seconds whole, and one tick of the fourth
    assert draw([meter], [money(10), hours(99)], 0, 10) == [[Drawn(10, 10)], [Drawn(20, 7)]]


def test_money_that_ends_with_a_second_still_covers_what_is_free_after_it() -> None:
    # priced, free, priced again: the hours pay for the third stretch alone
    meter = a_meter(*[(1, 1)] * 10, *[(0, 1)] * 10, *[(1, 1)] * 10)
    assert draw([meter], [money(10), hours(99)], 0, 30) == [[Drawn(10, 10)], [Drawn(10, 10)]]


def test_of_the_second_in_which_it_ends_each_has_its_part() -> None:
    uses = [a_meter(*[(6, 1)] * 4), a_meter(*[(3, 2)] * 4)]
    # three units a second: of the third second one is left, a third of what is asked
    paid, _ = draw(uses, [hours(7, 1, 1), money(99, 2)], 0, 4)
    assert paid == [Drawn(12, 2), Drawn(6 + 1, 4 + 1)]
    assert sum(drawn.units for drawn in paid) == 7


def test_what_it_does_not_pay_for_is_left_to_the_next() -> None:
    uses = [a_meter(*[(6, 1)] * 4), a_meter(*[(3, 2)] * 4)]
    assert draw(uses, [hours(99, 0, 3), money(20, 2)], 0, 4) == [
        [Drawn(0, 0), Drawn(12, 24)], [Drawn(20, 20), Drawn(0, 0)],
    ]  # fmt: skip

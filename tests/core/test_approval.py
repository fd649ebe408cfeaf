"""Who approved a rate: what changes with it, and when it is past its review."""

import pytest

from slurm_finops.core.approval import Approval, approval_of, changes, in_force, past_review
from slurm_finops.core.rates import Rate, RateBook, touched
from tests.support import JUNE

DAY = 86_400
TODAY = JUNE // DAY
BOARD = Approval("board", "B-1", TODAY)
H100 = Rate("gres/gpu:h100", 3_920_000, JUNE, approval=BOARD)


def test_an_approval_touches_no_price() -> None:
    for other in (None, Approval("dean")):
        assert touched([H100], [H100._replace(approval=other)]) == []
    assert touched([H100], [H100._replace(price=1)]) != []


def test_two_rates_that_differ_only_in_who_approved_them_are_still_two_for_one_moment() -> None:
    with pytest.raises(ValueError, match="from the same moment for the same match"):
        RateBook([H100, H100._replace(approval=None)])


def test_changes_of_many_rates_at_once_are_one_sentence() -> None:
    steps = [H100._replace(start=JUNE + hour * 3600) for hour in range(1000)]
    bare = [rate._replace(approval=None) for rate in steps]
    assert changes(bare, steps) == [
        "gres/gpu:h100 from 2026-06-01T00:00:00Z on (1,000 rates): board (B-1, review 2026-06-01); "
        "before: not approved"
    ]
    assert changes(steps, []) == [
        "gres/gpu:h100 from 2026-06-01T00:00:00Z on (1,000 rates): not approved; before: board "
        "(B-1, review 2026-06-01)"
    ]
    assert changes(steps, [rate._replace(price=1, where="moved") for rate in steps]) == []


@pytest.mark.parametrize(("days", "past"), [(0, False), (1, True), (400, True)])
def test_a_rate_is_past_its_review_when_that_day_has_ended(days: int, past: bool) -> None:
    found = past_review([H100], JUNE + days * DAY, TODAY + days)
    assert found == ([H100] if past else [])


def test_a_rate_that_was_replaced_needs_no_review_and_one_to_come_does() -> None:
    later = H100._replace(start=JUNE + 10 * DAY)
    elsewhere = H100._replace(match=(("partition", "spot"),), approval=Approval("dean"))
    rates = [later, elsewhere, H100]
    assert past_review(rates, JUNE + 5 * DAY, TODAY + 5) == [later, H100]
    assert past_review(rates, JUNE + 10 * DAY, TODAY + 10) == [later]
    assert in_force(rates, JUNE + 10 * DAY) == [elsewhere, later]
    assert in_force(rates, JUNE - 1) == []


def test_three_texts_are_an_approval_or_none_or_an_error() -> None:
    assert approval_of("", "", "") is None
    assert approval_of("board", "", "") == Approval("board")
    assert approval_of("board", "B-1", "2026-06-01") == BOARD
    with pytest.raises(ValueError, match="approved_by is empty"):
        approval_of("", "B-1", "")
    with pytest.raises(ValueError, match="review is 'June'; expected a day such as 2027-07-01"):
        approval_of("board", "", "June")


def test_an_approval_reads_as_one_says_it() -> None:
    assert [str(one) for one in (Approval("board"), BOARD)] == [
        "board", "board (B-1, review 2026-06-01)",
    ]  # fmt: skip

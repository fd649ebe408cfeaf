"""What is billed of rows that are rounded once: no cent is lost, and none is made."""

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.money import TICKS, apportion_ticks, to_minor
from slurm_finops.ledger.spend import Sums
from slurm_finops.reports.rounding import apportion_billed

CENT = TICKS // 100
amounts = st.one_of(st.just(0), st.integers(0, 3 * CENT), st.integers(0, 10**15))


def a_row(number: int, parts: tuple[int, int, int, int]) -> Sums:
    billed, forgiven, subsidised, credited = parts
    return Sums((str(number),), 1, 0, 0, sum(parts), billed, False, forgiven, subsidised, credited)


def rounded(rows: list[Sums]) -> tuple[list[int], list[int], list[tuple[int, int, int]]]:
    keys = [row.key for row in rows]
    effective = apportion_ticks([row.effective_ticks for row in rows], 2, keys)
    return effective, *apportion_billed(rows, effective, 2, keys)


@given(st.lists(st.tuples(amounts, amounts, amounts, amounts), min_size=1, max_size=6))
def test_billed_sums_to_its_rounded_total_and_rows_add_up(parts: list) -> None:  # type: ignore[type-arg]
    rows = [a_row(i, part) for i, part in enumerate(parts)]
    effective, billed, taken = rounded(rows)
    assert sum(billed) == to_minor(sum(row.billed_ticks for row in rows), 2)
    for row, cost, paid, off in zip(rows, effective, billed, taken, strict=True):
        assert paid >= 0
        if row.billed_ticks != row.effective_ticks:
            assert cost == paid + sum(off)
        if not row.billed_ticks:
            assert paid == 0


def test_a_team_that_is_wholly_paid_is_billed_nothing_whatever_the_others_round_to() -> None:
    little = 60 * TICKS // 10_000
    rows = [a_row(0, (0, 0, 0, 100_055 * TICKS // 10_000)), a_row(1, (little, 0, 0, 0)),
            a_row(2, (little, 0, 0, 0))]  # fmt: skip
    effective, billed, taken = rounded(rows)
    assert effective == [1000, 1, 1]
    assert billed == [0, 1, 0]
    assert taken[0] == (0, 0, 1000)


def test_where_nothing_is_taken_off_billed_is_effective_to_the_cent() -> None:
    rows = [a_row(i, (TICKS // 300 * (i + 1), 0, 0, 0)) for i in range(5)]
    effective, billed, taken = rounded(rows)
    assert billed == effective
    assert set(taken) == {(0, 0, 0)}

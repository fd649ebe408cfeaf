"""One way in time, one price at a moment."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.rates import Rate
from slurm_finops.errors import InputError
from slurm_finops.prices.series import series
from slurm_finops.prices.wanted import Step
from tests.prices.samples import prices, read, spot


def steps(*points: tuple[int, int], file: str = "a", origin: str = "x") -> list[Step]:
    return [
        Step(Rate("cpu", price, start, where=f"{file} line {line}"), (("--zone", origin),), file)
        for line, (start, price) in enumerate(points, 1)
    ]


def test_a_file_may_run_from_new_to_old_or_from_old_to_new() -> None:
    points = (1, "1"), (2, "2"), (5, "1.5")
    assert prices(read("aws-spot", spot(*points))) == prices(read("aws-spot", spot(*points[::-1])))


@pytest.mark.parametrize(
    ("hours", "entry"), [((3, 1, 2), 3), ((1, 3, 2), 3), ((5, 4, 4, 3, 4), 5), ((1, 1, 2, 1), 4)]
)
def test_a_point_that_turns_back_is_named(hours: tuple[int, ...], entry: int) -> None:
    with pytest.raises(InputError, match=rf"a\.x entry {entry}: \S+ goes back in time"):
        read("aws-spot", spot(*((hour, str(hour)) for hour in hours)))


def test_our_own_format_runs_from_old_to_new() -> None:
    with pytest.raises(InputError, match="a line 2: 1970-01-01T00:00:01Z goes back in time"):
        series("csv", steps((2, 1), (1, 1)), ascending=True)
    assert len(series("csv", steps((2, 1), (1, 1)))) == 2


def test_what_is_said_twice_is_kept_once_and_what_is_said_otherwise_is_refused() -> None:
    found = series("x", [*steps((1, 5), (1, 5), (2, 5)), *steps((2, 5), (3, 6), file="b")])
    assert [(one.rate.start, one.rate.price) for one in found] == [(1, 5), (2, 5), (3, 6)]
    with pytest.raises(InputError, match="a line 2 and b line 1 give cpu two prices from 1970"):
        series("x", [*steps((1, 5), (2, 5)), *steps((2, 7), file="b")])


def test_several_origins_may_only_say_the_same() -> None:
    same = series("x", [*steps((1, 5)), *steps((1, 5), origin="y")])
    assert [one.origin for one in same] == ["x x"]
    with pytest.raises(InputError, match=r"2 prices are left for cpu at one moment; .*--zone 'x'"):
        series("x", [*steps((1, 5)), *steps((2, 5), origin="y")])


@given(st.dictionaries(st.integers(0, 50), st.integers(0, 9), min_size=1), st.randoms())
def test_however_a_history_is_cut_into_files_it_is_the_same(
    points: dict[int, int], chance: object
) -> None:
    ordered = sorted(points.items())
    found = []
    for file in "abc":
        some = [point for point in ordered if chance.random() < 0.7]  # type: ignore[attr-defined]
        if chance.random() < 0.5:  # type: ignore[attr-defined]
            some.reverse()
        found += steps(*some, file=file)
    found += steps(*ordered, file="d")
    whole = series("x", found)
    assert [(one.rate.start, one.rate.price) for one in whole] == ordered


def test_an_origin_can_be_stored_whatever_a_file_calls_it() -> None:
    (one,) = series("x", steps((1, 5), origin="\ud800"))
    assert one.origin == "x \\ud800"

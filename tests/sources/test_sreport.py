"""What a real sreport printed: users' lines, whole hours, idle reservations."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.errors import OutsideError
from slurm_finops.sources import sreport
from tests.fake_slurm import FakeSlurm, slurm

__all__ = ["slurm"]
REAL = Path(__file__).parent.parent / "sreport"
FOUR = 1_795_622_400  # 2026-11-25T16:00:00Z
HOUR = 3600


def real(report: str) -> str:
    return (REAL / f"{report}-22.05.8.txt").read_text()


def test_an_account_has_what_its_users_used(slurm: FakeSlurm) -> None:
    slurm.say("sreport", "AccountUtilizationByUser", out=real("account"))
    used = sreport.used("lab", FOUR, FOUR + 2 * HOUR)
    # not root's lines, which have everybody's; nor the idle reservations of a whole account
    assert {key: n for key, n in used.items() if key[1] in ("cpu", "gres/gpu", "node")} == {
        ("product", "gres/gpu"): 5500, ("product", "cpu"): 5620, ("product", "node"): 5500,
        ("research", "gres/gpu"): 304, ("research", "cpu"): 299, ("research", "node"): 224,
    }  # fmt: skip
    (asked,) = slurm.asked("sreport")
    assert asked[1:7] == ["-n", "-P", "-t", "Seconds", "-T", "ALL"]
    assert {"Clusters=lab", "Start=2026-11-25T16:00:00", "End=2026-11-25T18:00:00"} < set(asked)


def test_idle_reservations_are_summed_by_tres(slurm: FakeSlurm) -> None:
    slurm.say("sreport", "reservation", out=real("reservation"))
    assert +sreport.idle_reserved("lab", FOUR, FOUR + HOUR) == {"cpu": 2140}


def test_an_hour_without_a_line_is_not_rolled_up(slurm: FakeSlurm) -> None:
    slurm.say("sreport", "Utilization", out="")
    for hour in (16, 17):
        slurm.say("sreport", f"Start=2026-11-25T{hour}:00:00", out=real("cluster"))
    through = sreport.rolled_up_through("lab", FOUR - 9 * HOUR, FOUR + 5 * HOUR)
    assert through == FOUR + 2 * HOUR
    assert {"Start=2026-11-25T17:00:00", "End=2026-11-25T18:00:00"} <= {
        word for asked in slurm.asked("sreport") for word in asked
    }
    for asked in slurm.asked("sreport"):
        start, end = (int(word.partition("T")[2][:2]) for word in asked[-3:-1])
        assert end == start + 1
    slurm.say("sreport", "Utilization", out="")
    assert sreport.rolled_up_through("lab", FOUR, FOUR + 5 * HOUR) == FOUR


@given(st.integers(0, 800).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_few_questions_find_how_far_it_goes(case: tuple[int, int]) -> None:
    count, right = case
    asked: list[int] = []

    def holds(i: int) -> bool:
        assert 0 <= i < count
        asked.append(i)
        return i < right

    assert sreport.first_ones(count, holds) == right
    assert len(asked) <= (1 if right == count else 22)


@pytest.mark.parametrize("text", ["research|gpu|5\n", "research|u|gres/gpu|5.5\n"])
def test_what_is_not_understood_is_no_total(slurm: FakeSlurm, text: str) -> None:
    slurm.say("sreport", out=text)
    with pytest.raises(OutsideError, match="sreport printed"):
        sreport.used("lab", FOUR, FOUR + HOUR)


def test_its_own_words_where_it_fails(slurm: FakeSlurm) -> None:
    slurm.say("sreport", err="sreport: error: slurm_persist_conn_open: Connection refused", code=1)
    with pytest.raises(OutsideError, match="Connection refused"):
        sreport.used("lab", FOUR, FOUR + HOUR)

"""Reservations and their holders from what three releases of Slurm print."""

from pathlib import Path

import pytest

from slurm_finops.core.reservations import Holder, Reservation
from slurm_finops.sources.reservations import Shown, read_shown

REAL = Path(__file__).parents[1] / "reservations"
RELEASES = ("22.05.8", "24.11.5", "26.05.5")
ALICE = (Holder("product", "alice"), Holder("research", "alice"))
BOB = (Holder("product", "bob"), Holder("research", "bob"))
RESEARCH = (Holder("research", ""),)
ASSOC = "3|lab|research|\n"
LINE = "lab|1|100|200|cpu=64|SPEC_NODES|n[1,3]|3|course\n"


def real(release: str) -> Shown:
    return read_shown(*(
        (REAL / f"sacctmgr-show-{what}-{release}.txt").read_text().splitlines(keepends=True)
        for what in ("assoc", "reservation")
    ))  # fmt: skip


def of(release: str, name: str) -> list[Reservation]:
    return [one for one in real(release).reservations if one.name == name]


@pytest.mark.parametrize("release", RELEASES)
def test_each_change_while_it_lasts_is_another_of_the_same_id(release: str) -> None:
    first, second, third = of(release, "course-a")
    assert first.number == second.number == third.number
    assert (first.end, second.end) == (second.start, third.start)
    # made for ten minutes, and then twenty: that change alone made no row
    assert third.end - first.start == 1200
    assert [one.nodes for one in (first, second, third)] == ["n1", "n[1,4]", "n[1,4]"]
    assert [one.tres for one in (first, second, third)] == ["cpu=64", "cpu=128", "cpu=128"]
    assert (first.holders, second.holders) == (RESEARCH, RESEARCH)
    # users beside accounts: the users in these accounts
    assert third.holders == ALICE[1:]


@pytest.mark.parametrize("release", RELEASES)
def test_one_that_was_deleted_early_has_ended_and_the_next_has_another_id(release: str) -> None:
    first, second = of(release, "course-b")
    assert first.number != second.number
    assert first.end - first.start < 60 <= second.end - second.start
    assert (first.holders, second.holders) == (tuple(sorted(ALICE + BOB)), BOB)


@pytest.mark.parametrize("release", RELEASES)
def test_holders_are_pairs_of_account_and_user(release: str) -> None:
    holders = {name: of(release, name)[0].holders for name in ("group", "both", "not-product")}
    assert holders == {"group": ALICE, "both": BOB[1:], "not-product": ()}


@pytest.mark.parametrize("release", RELEASES)
def test_only_who_reserved_gpus_has_them_in_tres(release: str) -> None:
    (cores,), gpus = of(release, "cores"), of(release, "gpus")
    assert cores.tres == "cpu=4"
    assert [one.tres for one in gpus] == (
        [] if release == "22.05.8" else ["cpu=64,gres/gpu:h100=2,gres/gpu=2"]
    )
    assert "MAINT" in of(release, "upkeep")[0].flags.split(",")


@pytest.mark.parametrize("release", RELEASES)
def test_a_name_may_hold_bars(release: str) -> None:
    shown = real(release)
    assert (len(of(release, "a|b")), shown.unknown, shown.problems) == (1, 0, [])


def test_an_association_that_is_not_known_is_counted() -> None:
    shown = read_shown([ASSOC], [LINE, LINE.replace("|3|", "|3,9|").replace("lab|1", "lab|2")])
    assert [one.holders for one in shown.reservations] == [RESEARCH, RESEARCH]
    assert shown.unknown == 1


def test_ids_are_of_a_cluster() -> None:
    shown = read_shown([ASSOC], [LINE.replace("lab", "beta")])
    assert shown.reservations[0].holders == ()


@pytest.mark.parametrize("line, why", [
    ("the rest of a name", "1 fields; expected 9"),
    (LINE.replace("lab", ""), "it names no cluster"),
    (LINE.replace("course", ""), "it names no reservation"),
    (LINE.replace("|1|", "|x|"), "'x' is no ID"),
    (LINE.replace("|100|", "|2026-06-01T00:00:00|"), "set SLURM_TIME_FORMAT=%s"),
    (LINE.replace("|100|", "|300|"), "it ends before it starts"),
    (LINE.replace("cpu=64", "cpu"), "is not name=count"),
    (LINE.replace("n[1,3]", "n[1"), "no ] closes"),
    (LINE.replace("|3|", "|research|"), "is no list of associations"),
])  # fmt: skip
def test_a_record_that_cannot_be_read_is_a_problem_and_the_rest_is_read(
    line: str, why: str
) -> None:
    shown = read_shown([ASSOC], [line, LINE])
    assert len(shown.reservations) == 1
    (problem,) = shown.problems
    assert why in problem.reason


def test_a_line_that_is_no_association_is_a_problem() -> None:
    (problem,) = read_shown(["3|lab"], [LINE]).problems
    assert "no association" in problem.reason

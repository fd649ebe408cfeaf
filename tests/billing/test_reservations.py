"""What nobody used of a reservation, and who pays for it: case by case."""

from fractions import Fraction

import pytest

from slurm_finops.billing.capacity import AllocationError
from slurm_finops.billing.pricing import Terms, price
from slurm_finops.billing.rehearsal import rehearsed
from slurm_finops.core.money import TICKS
from slurm_finops.core.policy import Policy
from slurm_finops.core.rates import Rate
from slurm_finops.core.reservations import IdleRule, Reservation
from slurm_finops.core.runs import Run
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, RATE, run
from tests.billing.reservations import (
    ALICE,
    CV,
    NLP,
    NOBODY,
    course,
    idle,
    nodes,
    show,
    site,
    total,
)
from tests.support import JUNE, a_ledger, write

SITE = site()
GPU_HOUR = 3_920_000 * HOUR
N1 = ("n1", {"gres/gpu:h100": 8})
#: so that something is known of the first of June
OUTSIDE = run(99, "cv", 0, HOUR)


def settled(
    *shown: Reservation, runs: tuple[Run, ...] = (OUTSIDE,), terms: Terms = SITE,
    seen: int = 2 * DAY, days: int = 2,
) -> Ledger:  # fmt: skip
    ledger = a_ledger()
    nodes(ledger, 0, N1)
    show(ledger, terms, seen, *shown)
    write(ledger, *runs)
    price(ledger, terms, JUNE + days * DAY)
    return ledger


def inside(number: int, start: int, length: int, gpus: int = 1, **more: object) -> Run:
    return run(number, "nlp", start, length, gpus, **{"reservation": "course-a"} | more)


def test_a_reservation_that_nobody_uses_costs_its_holder_the_list_price() -> None:
    ledger = settled(course(2 * HOUR, 5 * HOUR))
    assert idle(ledger, "category", "team", "cost_center", "method") == [
        ("unused", "nlp", "cc-nlp", "even over holders", 3 * 8 * GPU_HOUR)
    ]


def test_what_runs_in_it_is_taken_off_by_the_hour_and_only_within_it() -> None:
    runs = (
        inside(1, HOUR, 2 * HOUR, 4),  # an hour of it before the reservation began
        inside(2, 2 * HOUR, HOUR, 4),
        run(3, "nlp", 4 * HOUR, HOUR, 8),  # beside it
        inside(4, 3 * HOUR, HOUR, 2, cluster="beta"),
    )
    ledger = settled(course(2 * HOUR, 5 * HOUR), runs=runs)
    assert total(idle(ledger, "team")) == 2 * 8 * GPU_HOUR


def test_a_run_that_began_with_its_reservation_is_known_by_the_id() -> None:
    runs = inside(1, 2 * HOUR, HOUR, 4, reservation="#1"), inside(2, 2 * HOUR, HOUR, 2)
    ledger = settled(course(2 * HOUR, 3 * HOUR), runs=runs)
    assert total(idle(ledger, "team")) == 2 * GPU_HOUR
    assert total(idle(settled(course(2 * HOUR, 3 * HOUR, number=2), runs=runs), "team")) == (
        6 * GPU_HOUR
    )


def test_an_hour_with_more_in_use_than_there_is_takes_nothing_off_another() -> None:
    ledger = settled(course(2 * HOUR, 4 * HOUR), runs=(inside(1, 2 * HOUR, HOUR, 12),))
    assert total(idle(ledger, "team")) == 8 * GPU_HOUR


def test_billed_is_what_it_effectively_costs_and_reports_have_it() -> None:
    ledger = settled(course(0, HOUR))
    (found,) = [
        one for one in spend(ledger.db, Scope(FIRST, FIRST + 1), ("origin", "team"))
        if one.key == ("idle", "nlp")
    ]  # fmt: skip
    assert (found.effective_ticks, found.billed_ticks) == (8 * GPU_HOUR,) * 2


def test_a_part_is_charged_where_the_rule_says_so() -> None:
    terms = site(IdleRule("idle", share=Fraction(1, 3)))
    assert total(idle(settled(course(0, HOUR), terms=terms), "team")) == 8 * GPU_HOUR // 3
    assert idle(settled(course(0, HOUR), terms=site(IdleRule("idle", share=Fraction(0)))),
                "team") == []  # fmt: skip


@pytest.mark.parametrize("holders, teams", [
    ((NLP, ALICE), {"nlp": 1}),
    ((NLP, CV), {"nlp": 2, "cv": 2}),
    ((CV, NOBODY), {"cv": 1}),
    ((NOBODY,), {None: 1}),
])  # fmt: skip
def test_teams_of_the_holders_share_it_evenly(holders, teams) -> None:  # type: ignore[no-untyped-def]
    found = dict(idle(settled(course(0, HOUR, *holders)), "team"))
    assert found == {team: 8 * GPU_HOUR // part for team, part in teams.items()}


def test_a_holder_no_team_lists_is_of_the_team_in_his_accounts_default_tags() -> None:
    policy = Policy(defaults=(("sha*", (("team", "ops"),)),))
    ledger = settled(course(0, HOUR, NOBODY), terms=site(policy=policy))
    assert [row[0] for row in idle(ledger, "team")] == ["ops"]


def test_only_the_first_rule_that_fits_takes_it() -> None:
    rules = IdleRule("courses", "course-*"), IdleRule("rest")
    shown = course(0, HOUR), course(0, HOUR, name="exam", number=2)
    assert [row[0] for row in idle(settled(*shown, terms=site(*rules)), "name")] == [
        "courses", "rest"
    ]  # fmt: skip
    assert len(idle(settled(*shown, terms=site(IdleRule("all"), *rules)), "name")) == 1


def test_who_reserved_gpus_has_these_and_who_reserved_cores_none() -> None:
    gpus = course(0, HOUR, tres="cpu=64,gres/gpu:h100=2,gres/gpu=2")
    assert total(idle(settled(gpus), "team")) == 2 * GPU_HOUR
    untyped = course(0, HOUR, tres="cpu=64,gres/gpu=2")
    assert total(idle(settled(untyped), "team")) == 2 * GPU_HOUR
    assert idle(settled(course(0, HOUR, tres="cpu=4")), "team") == []


def test_cpus_count_where_they_have_a_rate() -> None:
    rates = Rate("cpu", 10_000, 0), RATE
    ledger = settled(course(0, HOUR, tres="cpu=4"), terms=site(rates=rates),
                     runs=(inside(1, 0, HOUR, alloc_tres="cpu=1"),))  # fmt: skip
    assert total(idle(ledger, "team")) == 3 * 10_000 * HOUR


def test_the_rate_is_that_of_the_nodes_partition_or_of_the_one_the_rule_names() -> None:
    rates = (RATE, RATE._replace(price=1_000_000, match=(("partition", "h100"),)),
             RATE._replace(price=2_000_000, match=(("partition", "big"),)))  # fmt: skip
    assert total(idle(settled(course(0, HOUR), terms=site(rates=rates)), "team")) == 8 * TICKS
    terms = site(IdleRule("idle", partition="big"), rates=rates)
    assert total(idle(settled(course(0, HOUR), terms=terms), "team")) == 16 * TICKS


def test_maintenance_is_nobodys_idle_time() -> None:
    assert idle(settled(course(0, HOUR, flags="MAINT,IGNORE_JOBS")), "team") == []


def test_it_counts_as_far_as_it_was_seen() -> None:
    lasting = course(HOUR, 9 * DAY)
    assert total(idle(settled(lasting, seen=3 * HOUR), "team")) == 2 * 8 * GPU_HOUR


def test_a_node_that_was_reserved_before_it_was_first_seen_had_what_it_has() -> None:
    ledger = a_ledger()
    nodes(ledger, 30 * HOUR, N1)
    show(ledger, SITE, 2 * DAY, course(0, HOUR))
    write(ledger, OUTSIDE)
    price(ledger, SITE, JUNE + DAY)
    assert total(idle(ledger, "team")) == 8 * GPU_HOUR


def test_where_no_node_was_ever_seen_price_says_what_to_run() -> None:
    ledger = a_ledger()
    write(ledger, OUTSIDE)
    show(ledger, SITE, 2 * DAY, course(0, HOUR))
    with pytest.raises(AllocationError, match=r"'course-a' held back; run: .* collect nodes"):
        price(ledger, SITE, JUNE + DAY)


def test_days_of_which_no_run_is_known_cost_nothing_unless_from_says_so() -> None:
    runs = (run(1, "cv", DAY + HOUR, HOUR),)
    shown = course(-DAY, DAY + HOUR)
    assert total(idle(settled(shown, runs=runs), "team")) == 8 * GPU_HOUR
    terms = site(IdleRule("idle", first=FIRST))
    assert total(idle(settled(shown, runs=runs, terms=terms), "team")) == 25 * 8 * GPU_HOUR


def test_a_run_in_it_that_comes_late_does_its_days_again() -> None:
    ledger = settled(course(0, HOUR))
    write(ledger, inside(1, 0, HOUR, 3))
    price(ledger, SITE, JUNE + 2 * DAY)
    assert total(idle(ledger, "team")) == 5 * GPU_HOUR
    # one of an earlier day, so that more is known
    write(ledger, run(2, "cv", -DAY, HOUR))
    show(ledger, SITE, 2 * DAY, course(-HOUR, 0, number=2))
    price(ledger, SITE, JUNE + 2 * DAY)
    assert total(idle(ledger, "team")) == 13 * GPU_HOUR


def test_a_reservation_that_is_told_otherwise_does_its_days_again() -> None:
    ledger = settled(course(0, 4 * HOUR))
    assert price(ledger, SITE, JUNE + 2 * DAY).shared.days == 0
    show(ledger, SITE, 2 * DAY, course(0, 2 * HOUR))
    assert price(ledger, SITE, JUNE + 2 * DAY).shared.days == 2
    assert total(idle(ledger, "team")) == 16 * GPU_HOUR


def test_a_rule_or_a_team_that_changes_places_anew_and_nothing_stays_behind() -> None:
    ledger = settled(course(0, HOUR, CV))
    price(ledger, site(policy=Policy()), JUNE + 2 * DAY)
    assert [row[0] for row in idle(ledger, "team")] == [None]
    bare = Terms((RATE,), Policy(), CALENDAR)
    price(ledger, bare, JUNE + 2 * DAY)
    assert idle(ledger, "team") == []


def test_under_other_terms_it_is_known_too() -> None:
    ledger = settled(course(0, HOUR))
    june = CALENDAR.period("2026-06")
    with rehearsed(ledger, site(IdleRule("half", share=Fraction(1, 2))), june, JUNE + DAY) as then:
        assert total(idle(then, "team")) == 4 * GPU_HOUR

"""Tiers: the second in which a level is reached, and what of it is priced again."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import Priced, price
from slurm_finops.core.charging import Piece, Tier
from slurm_finops.core.rates import NEVER
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import DAY, HOUR
from tests.billing.tiers import (
    JULY,
    NOW,
    TICKS,
    Held,
    charged,
    everything,
    some_runs,
    some_tiers,
    terms,
    walked,
)
from tests.support import a_ledger, write


def volume(*steps: tuple[int, Fraction], **more: object) -> Tier:
    """Half the price from 100 GPU-seconds on, if nothing else is said."""
    taken = steps or ((100, Fraction(1, 2)),)
    return Tier("volume", ("gres/gpu",), ((0, Fraction(1)), *taken), **more)  # type: ignore[arg-type]


def priced(*held: Held, tiers: tuple[Tier, ...] = (volume(),), begins=(7, 1)) -> Ledger:  # type: ignore[no-untyped-def]
    ledger = a_ledger()
    write(ledger, *(one.stored for one in held))
    price(ledger, terms(tiers, begins), NOW)
    return ledger


def more(ledger: Ledger, *held: Held, tiers: tuple[Tier, ...] = (volume(),)) -> Priced:
    write(ledger, *(one.stored for one in held))
    return price(ledger, terms(tiers), NOW)


def units(ledger: Ledger) -> dict[int, Fraction]:
    return {run: Fraction(ticks, TICKS) for run, ticks in charged(ledger).items()}


def levels(ledger: Ledger) -> list[tuple[str, int, int]]:
    """Team, second from the midnight of the fiscal year, level."""
    return ledger.db.execute(
        "SELECT team, start - ?, level FROM tier_levels ORDER BY 1, 2", (JULY,)
    ).fetchall()


# ---- the law


@settings(max_examples=150, deadline=None)
@given(some_runs, some_tiers())
def test_a_run_costs_what_a_walk_through_all_seconds_says(held, tiers) -> None:  # type: ignore[no-untyped-def]
    ledger = priced(*held, tiers=tiers)
    assert charged(ledger) == walked(held, tiers)
    before = everything(ledger)
    assert price(ledger, terms(tiers), NOW)[:2] == (0, 0)
    assert everything(ledger) == before


@settings(max_examples=60, deadline=None)
@given(some_runs, some_tiers())
def test_a_fiscal_year_that_begins_elsewhere_counts_on(held, tiers) -> None:  # type: ignore[no-untyped-def]
    ledger = priced(*held, tiers=tiers, begins=(1, 1))
    assert charged(ledger) == walked(held, tiers, resets=False)
    # and when it is moved, levels are as if it had always been there
    price(ledger, terms(tiers), NOW)
    assert charged(ledger) == walked(held, tiers)


@settings(max_examples=60, deadline=None)
@given(some_runs, some_tiers(), some_tiers(), st.randoms(use_true_random=False), st.integers(0, 6))
def test_in_whatever_order_runs_and_tiers_come_it_is_a_fresh_ledgers(  # type: ignore[no-untyped-def]
    held, tiers, before, random, cut
) -> None:
    at_once = priced(*held, tiers=tiers)
    shuffled = list(held)
    random.shuffle(shuffled)
    in_parts = priced(*shuffled[:cut], tiers=before)
    for one in shuffled[cut:]:
        more(in_parts, one, tiers=tiers)
    more(in_parts, tiers=tiers)
    assert everything(in_parts) == everything(at_once)


@settings(max_examples=40, deadline=None)
@given(some_runs, some_tiers(), st.lists(st.integers(1, 300), max_size=4))
def test_night_by_night_is_at_once(held, tiers, nights) -> None:  # type: ignore[no-untyped-def]
    at_once = priced(*held, tiers=tiers)
    ledger = a_ledger()
    for night in (*sorted(set(nights)), 1000):
        seconds = JULY - 120 + night
        for one in held:
            run = one.stored
            if run.start < seconds < run.end:
                write(ledger, run._replace(
                    elapsed=seconds - run.start, end=None, state="RUNNING", provisional=True,
                ))  # fmt: skip
            elif run.end <= seconds:
                write(ledger, run)
        price(ledger, terms(tiers), NOW)
    assert everything(ledger) == everything(at_once)


@settings(max_examples=60, deadline=None)
@given(some_runs, some_tiers(), st.integers(0, 5))
def test_a_run_that_is_another_teams_moves_the_levels_of_both(held, tiers, which) -> None:  # type: ignore[no-untyped-def]
    ledger = priced(*held, tiers=tiers)
    one = held[which % len(held)]
    held[which % len(held)] = one._replace(team="cv" if one.team == "nlp" else "nlp")
    more(ledger, *held, tiers=tiers)
    assert charged(ledger) == walked(held, tiers)


# ---- in plain figures


def test_the_second_in_which_runs_that_go_together_pass_it() -> None:
    # three GPUs: after 33 seconds 99 are used, and the 34th is still at the whole price
    ledger = priced(Held(1, "nlp", 0, 60, 1), Held(2, "nlp", 0, 60, 2))
    assert levels(ledger) == [("nlp", 34, 1), ("nlp", 366 * DAY - DAY, 0)]
    assert units(ledger) == {1: 34 + 13, 2: 68 + 26}


def test_several_steps_in_one_second_are_the_last_of_them() -> None:
    steps = ((10, Fraction(3, 4)), (11, Fraction(1, 2)), (16, Fraction(1, 4)))
    ledger = priced(Held(1, "nlp", 0, 4, 8), tiers=(volume(*steps),))
    # 8, 16: the second second passes all three
    assert levels(ledger)[0] == ("nlp", 2, 3)
    assert units(ledger) == {1: 8 + 8 + 2 + 2}


def test_a_new_fiscal_year_begins_at_nothing() -> None:
    ledger = priced(Held(1, "nlp", -200, 400, 1))
    assert units(ledger) == {1: 100 + 50 + 100 + 50}
    assert levels(ledger)[:2] == [("nlp", -100, 1), ("nlp", 0, 0)]


def test_a_step_that_is_reached_as_the_year_ends_is_of_no_year() -> None:
    ledger = priced(Held(1, "nlp", -100, 150, 1))
    assert units(ledger) == {1: 150}
    assert levels(ledger) == [("nlp", 0, 0)]


def test_a_step_that_is_reached_as_a_day_ends_is_reached_once() -> None:
    ledger = priced(Held(1, "nlp", -100, 150, 1), begins=(1, 1))
    assert units(ledger) == {1: 100 + 25}
    assert levels(ledger)[0] == ("nlp", 0, 1)
    assert len(levels(ledger)) == 2


def test_a_late_run_moves_the_second_back_and_what_it_does_not_touch_stays() -> None:
    far, near = Held(1, "nlp", -20 * DAY, 50, 1), Held(2, "nlp", -10 * DAY, 80, 1)
    other, after = Held(3, "cv", -9 * DAY, 90, 1), Held(4, "nlp", -8 * DAY, 10, 1)
    ledger = priced(far, near, other, after)
    assert units(ledger) == {1: 50, 2: 50 + 15, 3: 90, 4: 5}
    # 40 more before: the second moves back by 40, on the day of one run
    done = more(ledger, Held(5, "nlp", -15 * DAY, 40, 1))
    assert (done.new, done.again) == (1, 1)
    assert units(ledger) == {1: 50, 5: 40, 2: 10 + 35, 3: 90, 4: 5}
    # and what is after the second alone touches nobody
    done = more(ledger, Held(6, "nlp", -7 * DAY, 40, 1))
    assert (done.new, done.again) == (1, 0)


@pytest.mark.parametrize(("match", "cost"), [
    ((("qos", "high"),), {1: 60, 2: 30, 3: 60}), ((("partition", "p2"),), {1: 60, 2: 60, 3: 60}),
    ((("class", "industry"),), {1: 60, 2: 60, 3: 60}), ((), {1: 60, 2: 30, 3: 30}),
])  # fmt: skip
def test_who_does_not_match_neither_counts_nor_gains(match, cost) -> None:  # type: ignore[no-untyped-def]
    ledger = priced(
        Held(1, "nlp", -2 * DAY, 60, 1, "high"), Held(2, "nlp", -DAY, 60, 1, "high"),
        Held(3, "nlp", -HOUR, 60, 1), tiers=(volume((60, Fraction(1, 2)), match=match),),
    )  # fmt: skip
    assert units(ledger) == cost


def test_what_lies_before_a_tier_begins_or_after_its_end_does_not_count() -> None:
    tier = volume((30, Fraction(1, 2)), start=JULY + 20, end=JULY + 70)
    ledger = priced(Held(1, "nlp", 0, 100, 1), tiers=(tier,))
    # whole for 20, and for 30 more until as much has counted; half for 20; whole again
    assert units(ledger) == {1: 20 + 30 + 10 + 30}


def test_a_tier_that_is_taken_away_leaves_no_trace() -> None:
    ledger = priced(Held(1, "nlp", 0, 200, 1))
    done = more(ledger, tiers=())
    assert (done.again, units(ledger)) == (1, {1: 200})
    assert everything(ledger)[1:] == [[], []]


def test_what_has_no_price_counts_and_a_change_of_class_is_seen_in_it() -> None:
    # a day of A100s that nothing prices, and then an H100
    tier = volume((60, Fraction(1, 2)), match=(("class", "industry"),))
    bare = Held(1, "nlp", -2 * DAY, 60, 1).stored._replace(
        alloc_tres="gres/gpu=1,gres/gpu:a100=1"
    )
    ledger = a_ledger()
    write(ledger, bare, Held(2, "nlp", -DAY, 60, 1).stored)
    price(ledger, terms((tier,)), NOW)
    assert units(ledger)[2] == 60
    always = replace(terms((tier,)).charging, classes=(("nlp", (Piece(NEVER, "industry"),)),))
    price(ledger, replace(terms(()), charging=always), NOW)
    assert units(ledger)[2] == 30
    price(ledger, terms((tier,)), NOW)
    assert units(ledger)[2] == 60

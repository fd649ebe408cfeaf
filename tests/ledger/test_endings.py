"""The costliest runs, and what was held while suspended."""

from slurm_finops.billing.pricing import price
from slurm_finops.core.money import TICKS
from slurm_finops.ledger.endings import costliest, how_many, suspended_gpu_seconds, worst
from slurm_finops.ledger.spend import Scope
from tests.billing.pools import DAY, FIRST, HOUR, a_pool, run, terms
from tests.support import JUNE, a_ledger, write

SCOPE = Scope(FIRST, FIRST + 30)
LATER = JUNE + 40 * DAY


def test_the_costliest_come_first_with_who_ran_them_and_how_they_ended() -> None:
    ledger = a_ledger()
    write(
        ledger, run(1, "nlp", 0, HOUR, 1), run(2, "cv", 0, 3 * HOUR, 2, state="FAILED"),
        run(3, "nlp", DAY, 2 * HOUR, 1, job_name="train", user="ann"),
    )  # fmt: skip
    price(ledger, terms(), LATER)
    first, second = costliest(ledger.db, SCOPE, 2, at_list=False)
    assert (first.job_id, first.state, first.gpu_seconds) == ("2", "FAILED", 6 * HOUR)
    assert (first.cluster, first.project, first.experiment) == ("alpha", "cv-p", None)
    assert first.effective_ticks == 6 * 392 * TICKS // 100
    assert (second.job_id, second.name, second.user) == ("3", "train", "ann")
    assert (second.start, second.end) == (JUNE + DAY, JUNE + DAY + 2 * HOUR)


def test_of_each_way_to_end_the_costliest_run_is_known() -> None:
    ledger = a_ledger()
    write(
        ledger, run(1, "nlp", 0, 9 * HOUR, 1), run(2, "cv", 0, HOUR, 2, state="FAILED"),
        run(3, "nlp", DAY, 2 * DAY, 1, state="FAILED"), run(4, "cv", 0, 2, 1, state="TIMEOUT"),
        run(5, "cv", 0, HOUR, 2, state="FAILED"), run(6, "cv", 0, HOUR, 2, state="NODE_FAIL"),
    )  # fmt: skip
    price(ledger, terms(), LATER)
    states = ("FAILED", "TIMEOUT", "CANCELLED")
    found = worst(ledger.db, SCOPE, states, at_list=False)
    assert found == [("FAILED", "alpha", "3"), ("TIMEOUT", "alpha", "4")]
    cv = SCOPE.narrowed("tag_sets.team = ?", "cv", tables=("tag_sets",))
    assert worst(ledger.db, cv, states, at_list=True)[0] == ("FAILED", "alpha", "2")
    assert worst(ledger.db, SCOPE._replace(last=FIRST), states, at_list=False) == []


def test_a_run_counts_once_on_however_many_days_and_devices() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, 3 * DAY), run(2, "cv", 0, HOUR), run(3, "", 0, HOUR))
    price(ledger, terms(), LATER)
    assert how_many(ledger.db, SCOPE) == 3
    for team, runs in (("nlp", 1), (None, 1), ("none", 0)):
        scope = SCOPE.narrowed("tag_sets.team IS ?", team, tables=("tag_sets",))
        assert how_many(ledger.db, scope) == runs


def test_a_run_that_goes_on_has_no_end() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, state="RUNNING", provisional=True, end=None))
    price(ledger, terms(), JUNE + HOUR)
    assert [one.end for one in costliest(ledger.db, SCOPE, 9, at_list=False)] == [None]


def test_runs_of_a_pool_are_told_by_what_they_would_cost_without_it() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR), run(2, "nlp", 0, 2 * HOUR))
    price(ledger, terms(a_pool()), LATER)
    found = costliest(ledger.db, SCOPE, 9, at_list=True)
    assert [(one.job_id, one.effective_ticks) for one in found] == [("2", 0), ("1", 0)]
    assert found[0].list_ticks == 2 * 392 * TICKS // 100


def test_what_was_held_while_suspended_counts_once_where_the_run_ended() -> None:
    ledger = a_ledger()
    write(
        ledger, run(1, "nlp", 0, 2 * DAY, 4, suspended=HOUR, end=JUNE + 2 * DAY + HOUR),
        run(2, "nlp", 0, HOUR, 1),
    )  # fmt: skip
    price(ledger, terms(), LATER)
    assert suspended_gpu_seconds(ledger.db, SCOPE, JUNE, JUNE + 30 * DAY) == 4 * HOUR
    assert suspended_gpu_seconds(ledger.db, SCOPE, JUNE, JUNE + DAY) == 0

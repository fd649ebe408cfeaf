"""What a workload pays now, where a pool covers it."""

from slurm_finops.billing.advice import Question, use_of
from slurm_finops.core.money import TICKS, to_minor
from tests.billing.pools import CALENDAR, HOUR, a_pool, run, terms
from tests.billing.test_allocation import priced

JUNE = CALENDAR.period("2026-06")


def paid(partition: str = "") -> dict[str, dict[str, int]]:
    """Cents by workload's team and kind of pricing: twelve GPUs of a pool of eight, for an hour."""
    runs = run(1, "nlp", 0, HOUR, 9), run(2, "cv", 0, HOUR, 3, partition="spot")
    ledger = priced(*runs, what=terms(a_pool(hourly=8 * TICKS)))
    found = use_of(ledger, CALENDAR, Question(JUNE, "gres/gpu:h100", partition))
    return {
        str(one.workload.team): {kind: to_minor(p.ticks, 2) for kind, p in one.paid.items()}
        for one in found.workloads
    }


def test_a_part_of_the_pool_and_what_is_beyond_it_are_paid() -> None:
    assert paid() == {
        "nlp": {"committed": 600, "on_demand": 1176}, "cv": {"committed": 200, "on_demand": 392},
    }  # fmt: skip


def test_of_one_partition_alone() -> None:
    assert paid("spot") == {"cv": {"committed": 200, "on_demand": 392}}

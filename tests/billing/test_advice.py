"""A period's use of one SKU: its hours and workloads, against sums over all seconds."""

from collections import Counter
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.advice import Question, Use, Worked, days_held, gpus_held, use_of
from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.advice import Hour, seconds_of
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.core.rates import Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.support import JUNE, a_ledger, a_run, write

H100 = "gres/gpu:h100"
DAY = 86_400
#: Two cards, the second from noon of the second day on.
RATES = (
    Rate(H100, 4_000_000, JUNE - 90 * DAY, where="rates[1]"),
    Rate(H100, 1_000_000, JUNE + DAY + DAY // 2, pricing="spot", where="rates[2]"),
    Rate(H100, 2_000_000, JUNE - 90 * DAY, match=(("partition", "cheap"),), where="rates[3]"),
)


def a_run_of(start: int, elapsed: int, number: int = 100, gpus: int = 2, **fields: object) -> Run:
    return a_run(
        job_id_raw=number, job_id=str(number), start=start, end=start + elapsed, elapsed=elapsed,
        submit=start, alloc_tres=f"gres/gpu:h100={gpus},gres/gpu={gpus}",
    )._replace(**fields)  # type: ignore[arg-type]  # fmt: skip


def priced(*runs: Run, zone: str = "UTC", rates: tuple[Rate, ...] = RATES, **more: bool) -> Ledger:
    ledger = a_ledger(zone=zone)
    write(ledger, *runs)
    price(ledger, Terms(rates, Policy(), Calendar(ZoneInfo(zone)), **more), JUNE)
    return ledger


def read(
    ledger: Ledger, period: str = "2026-06-01..2026-06-04", zone: str = "UTC", partition: str = ""
) -> Use:
    calendar = Calendar(ZoneInfo(zone))
    return use_of(ledger, calendar, Question(calendar.period(period), H100, partition))


def comment(team: str, project: str = "llama", **tags: str) -> str:
    pairs = {"team": team, "project": project, "experiment": "x"} | tags
    return "{" + ",".join(f'"{key}":"{value}"' for key, value in pairs.items()) + "}"


RUNS = st.lists(
    st.tuples(
        st.integers(-DAY, 4 * DAY), st.integers(1, 2 * DAY), st.integers(1, 8),
        st.sampled_from(["nlp", "cv"]), st.sampled_from(["h100", "cheap"]),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=40)
@given(RUNS)
def test_use_is_the_sum_of_what_runs_held(runs: list[tuple[int, int, int, str, str]]) -> None:
    ledger = priced(*(
        a_run_of(JUNE + start, elapsed, number, gpus, comment=comment(team), partition=partition)
        for number, (start, elapsed, gpus, team, partition) in zip(count(1), runs, strict=False)
    ))  # fmt: skip
    found = read(ledger)
    in_period: Counter[str] = Counter()
    number: Counter[str] = Counter()
    hours = [0] * 72
    held_hours: dict[str, set[int]] = {}
    for start, elapsed, gpus, team, _ in runs:
        for hour in range(72):
            held = min(start + elapsed, (hour + 1) * 3600) - max(start, hour * 3600)
            if held > 0:
                hours[hour] += gpus * held
                in_period[team] += gpus * held
                held_hours.setdefault(team, set()).add(hour)
        number[team] += start < 3 * DAY and start + elapsed > 0
    assert sum(hour.unit_seconds for hour in found.hours) == sum(hours)
    works = {str(one.workload.team): one for one in found.workloads}
    assert {team: one.workload.unit_seconds for team, one in works.items()} == in_period
    assert {team: one.workload.runs for team, one in works.items()} == +number
    for team, one in works.items():
        assert sum(paid.unit_seconds for paid in one.paid.values()) == in_period[team]
        assert sum(one.workload.said.values()) == in_period[team]
        if not _crosses_a_rate(runs):
            assert one.workload.held_seconds == 3600 * len(held_hours[team])
    if not _crosses_a_rate(runs):
        assert [hour.unit_seconds for hour in found.hours] == hours


def _crosses_a_rate(runs: list[tuple[int, int, int, str, str]]) -> bool:
    """Which hour of its day a card was in is not kept where a run has two on a day."""
    change = DAY + DAY // 2
    return any(start < change < start + elapsed for start, elapsed, *_ in runs)


@pytest.mark.parametrize(
    ("period", "hours"),
    [
        ("2026-06-01", [3600] * 24),
        ("2026-10-04", [3600] * 23 + [1800]),  # clocks go on by half an hour
        ("2026-04-05", [3600] * 24 + [1800]),
    ],
)
def test_hours_without_use_are_there_and_the_last_of_an_odd_day_is_what_is_left(
    period: str, hours: list[int]
) -> None:
    zone = "Australia/Lord_Howe"
    found = read(priced(zone=zone), period, zone)
    assert list(found.hours) == [Hour(seconds, 0) for seconds in hours]
    assert found.workloads == ()


def test_the_rest_of_an_odd_day_holds_what_was_held_in_it() -> None:
    zone = "Australia/Lord_Howe"
    start = int(datetime(2026, 10, 3, tzinfo=UTC).timestamp())
    found = read(priced(a_run_of(start, 3 * DAY), zone=zone), "2026-10-04", zone)
    assert found.hours[-1] == Hour(1800, 3600)
    assert {hour.unit_seconds // hour.seconds for hour in found.hours} == {2}


def test_a_run_over_several_days_and_cards_is_one_run_with_all_it_pays() -> None:
    found = read(priced(a_run_of(JUNE - DAY, 4 * DAY)))
    (one,) = found.workloads
    assert (one.workload.runs, one.workload.lengths.longest) == (1, 4 * 24 * 60)
    # a day and a half on demand, then spot
    assert {kind: (paid.unit_seconds, Fraction(paid.ticks, TICKS))
            for kind, paid in one.paid.items()} == {
        "on_demand": (2 * 36 * 3600, 288), "spot": (2 * 36 * 3600, 72),
    }  # fmt: skip
    assert one.workload.unit_seconds == 2 * 3 * DAY
    assert only(a_run_of(JUNE + DAY, DAY)).workload.runs == 1


def test_what_has_no_price_is_used_all_the_same() -> None:
    found = read(priced(a_run_of(JUNE, DAY), rates=(Rate("cpu", 1, 0),)))
    assert sum(hour.unit_seconds for hour in found.hours) == 2 * DAY
    assert found.workloads[0].paid == {"unpriced": (2 * DAY, 0)}


def test_a_partition_is_looked_at_alone() -> None:
    ledger = priced(
        a_run_of(JUNE, 3600, 1), a_run_of(JUNE, 3600, 2, gpus=5, partition="cheap"),
    )  # fmt: skip
    assert read(ledger).hours[0].unit_seconds == 7 * 3600
    assert read(ledger, partition="cheap").hours[0].unit_seconds == 5 * 3600
    period = Calendar(UTC).period("2026-06")
    assert gpus_held(ledger, period) == [(H100, 7 * 3600)]
    assert gpus_held(ledger, period, "cheap") == [(H100, 5 * 3600)]
    assert gpus_held(ledger, Calendar(UTC).period("2026-07")) == []


def test_suspended_time_is_use_where_it_is_charged() -> None:
    run = a_run_of(JUNE, 3600, suspended=1800)
    for charge, held in ((False, 3600), (True, 5400)):
        found = read(priced(run, charge_suspended=charge))
        (one,) = found.workloads
        assert one.workload.unit_seconds == sum(one.workload.said.values()) == 2 * held
        assert [hour.unit_seconds for hour in found.hours[:2]] == [7200, 2 * (held - 3600)]


def only(*runs: Run) -> Worked:
    (one,) = read(priced(*runs)).workloads
    return one


def test_a_workload_is_a_team_a_project_and_an_environment() -> None:
    runs = [
        a_run_of(JUNE, 3600, number, gpus=number, comment=comment(team, project, **more))
        for number, (team, project, more) in enumerate([
            ("nlp", "a", {}), ("nlp", "a", {"environment": "dev"}), ("nlp", "b", {}),
            ("cv", "a", {}), ("cv", "a", {"model": "x"}),
        ], 1)
    ]  # fmt: skip
    found = read(priced(*runs))
    assert [(*one.workload[:3], one.workload.runs) for one in found.workloads] == [
        ("cv", "a", None, 2), ("nlp", "b", None, 1), ("nlp", "a", "dev", 1), ("nlp", "a", None, 1),
    ]  # fmt: skip


def test_names_say_what_work_is_the_job_s_own_before_its_partition_before_the_project() -> None:
    runs = [
        a_run_of(JUNE, 3600, 1, 1, job_name="train-7", partition="inference"),
        a_run_of(JUNE, 3600, 2, 2, job_name="x1", partition="inference"),
        a_run_of(JUNE, 3600, 3, 4, job_name="x2", comment=comment("nlp", "llama-finetune")),
        a_run_of(JUNE, 3600, 4, 8, job_name="x3"),
    ]
    found = read(priced(*runs))
    said: Counter[str] = Counter()
    for one in found.workloads:
        said.update(one.workload.said)
    assert said == {"training": 5 * 3600, "inference": 2 * 3600, "": 8 * 3600}


def test_array_tasks_interruptions_and_jobs_that_ran_again_are_counted() -> None:
    work = only(
        a_run_of(JUNE, 3600, 1, state="PREEMPTED"), a_run_of(JUNE + 7200, 3600, 1),
        a_run_of(JUNE, 3600, 2, state="NODE_FAIL"), a_run_of(JUNE, 60, 3, gpus=1, job_id="2_7"),
        # a piece of a job that was resized is no second try
        a_run_of(JUNE, 60, 4, state="RESIZING"), a_run_of(JUNE + 60, 60, 4),
    ).workload  # fmt: skip
    assert work.interrupted == {"PREEMPTED": 1, "NODE_FAIL": 1}
    assert work.restarted == 1
    assert (work.array_runs, work.array_unit_seconds) == (1, 60)


@pytest.mark.parametrize(
    ("missed", "always"), [([], True), ([0, 1, 71], True), ([0, 1, 2, 71], False)]
)
def test_hours_are_kept_of_what_is_always_on(missed: list[int], always: bool) -> None:
    """Three hours of 72 are less than 5 per cent, four are more."""
    held = [hour for hour in range(72) if hour not in missed]
    runs = [a_run_of(JUNE + hour * 3600, 3600, hour + 1) for hour in held]
    one = only(*runs)
    assert one.workload.always_on is always
    assert one.workload.held_seconds == 3600 * (72 - len(missed))
    if always:
        assert seconds_of(one.hours) == 3 * DAY
        assert [h for h, hour in enumerate(one.hours) if not hour.unit_seconds] == missed
    else:
        assert one.hours == ()


@pytest.mark.parametrize("gap", [0, 14, 29])
def test_of_what_is_always_on_a_day_without_use_is_there_too(gap: int) -> None:
    """One day of thirty is less than 5 per cent of them."""
    days = [day for day in range(30) if day != gap]
    ledger = priced(*(a_run_of(JUNE + day * DAY, DAY, day + 1) for day in days))
    (one,) = read(ledger, "2026-06").workloads
    assert len(one.hours) == 720
    idle = [i for i, hour in enumerate(one.hours) if not hour.unit_seconds]
    assert idle == list(range(24 * gap, 24 * gap + 24))
    assert one.workload.held_seconds == 29 * DAY


def test_runs_that_may_have_gone_on_in_the_period_are_counted() -> None:
    running = {"state": "RUNNING", "provisional": True, "end": None}
    found = read(priced(a_run_of(JUNE, 3600, 1, **running), a_run_of(JUNE, 9 * DAY, 2, **running)))
    assert found.unfinished == 1


def test_the_days_that_have_charges() -> None:
    assert days_held(a_ledger()) is None
    first = JUNE // DAY
    assert days_held(priced(a_run_of(JUNE, 3 * DAY))) == (first, first + 2)

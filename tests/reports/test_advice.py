"""Advice as people and programs read it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.billing.advice import Paid, Use, Worked
from slurm_finops.core.advice import Hour, Overfull
from slurm_finops.core.estimate import Price
from slurm_finops.core.money import TICKS, to_minor
from slurm_finops.core.workloads import Lengths, Workload, judge
from slurm_finops.reports.advice import Advice, advice, advice_json
from slurm_finops.reports.advice_text import advice_text
from slurm_finops.reports.format import columns
from slurm_finops.reports.reasons import length_text, models_text, reasons
from slurm_finops.reports.view import Header

HEADER = Header("USD", 2, "UTC", "2026-06-01", "s", "e", date(2026, 6, 1), date(2026, 6, 1))
PRICES = {"on_demand": Price(3_920_000, 1), "committed": Price(2_350_000, 1)}
SPOT = {"spot": Price(2_910_000, 1)}
HOURS = tuple(Hour(3600, 3600 * units) for units in (0, 2, 2, 3, 4, 4, 6, 6, 8, 9))
LONG = Lengths(30, 300, 1261)


def work(*name: str | None, kind: str = "training", held: int = 3600, **more: Any) -> Workload:
    plain = Workload(
        *(name or ("nlp", "llama", "dev")), runs=3, unit_seconds=held, lengths=LONG,
        said={kind: held}, held_seconds=3600, period_seconds=36_000,
    )  # fmt: skip
    return plain._replace(**more)


def worked(workload: Workload, *hours: Hour, **paid: int) -> Worked:
    """A workload that pays so many ticks by kind of pricing."""
    held = workload.unit_seconds
    return Worked(workload, {kind: Paid(held, ticks) for kind, ticks in paid.items()}, hours)


def advise(*workloads: Worked, hours: tuple[Hour, ...] = HOURS, **more: Any) -> Advice:
    given = {"prices": PRICES, "header": HEADER} | more
    return advice(sku="gres/gpu:h100", partition="", use=Use(hours, workloads, 0), **given)


def test_the_answer_comes_first_and_then_its_reasons() -> None:
    assert advice_text(advise(), 0) == """\
Commit 4 of gres/gpu:h100 on 1 June 2026: 144.96 USD in all, 27.52 USD less than
all on demand.

committed                         units     USD  saved   used
cheapest                              4  144.96  27.52  77.5%
floor, used 95% of the time (P5)      0  172.48   0.00      –
nothing, all on demand                0  172.48   0.00      –

44.0 GPU-hours in 10.0 hours; 2.35/h committed, 3.92/h on demand.
A committed unit pays for itself if it is in use more than 59.9% of the time, so
the cheapest level is the 40.1% quantile of use over time, hours of no use
counted. The floor is right only where a commitment is 5% cheaper; here it is
40.1% cheaper, and the floor costs 27.52 USD more.
"""


def test_what_is_no_cheaper_is_not_committed() -> None:
    text = advice_text(advise(prices=PRICES | {"committed": Price(3_920_000, 1)}), 0)
    assert text.startswith(
        "Commit nothing of gres/gpu:h100 on 1 June 2026: all on demand costs 172.48 USD,\n"
        "and no commitment makes it less.\n"
    )
    assert "never pays" in text


def test_what_is_used_seldom_is_not_committed_though_it_would_be_cheaper() -> None:
    hours = tuple(Hour(3600, 3600 * units) for units in (0, 0, 1, 1))
    text = advice_text(advise(hours=hours), 0)
    assert text.startswith("Commit nothing")
    assert "59.9% of the time" in text
    assert "the floor costs the same" in text


def test_of_a_partition_it_says_so() -> None:
    found = replace(advise(), partition="spot\x1b[31m")
    assert "Commit 4 of gres/gpu:h100 on partition spot\ufffd[31m on 1" in advice_text(found, 0)


def test_idle_units_have_a_price() -> None:
    found = advise(capacity=10)
    assert found.idle is not None
    assert (found.idle.idle_seconds, found.idle.minor) == (56 * 3600, 21952)
    assert (
        "Idle: of 10 units nobody held 56.0 GPU-hours, 56.0%: 219.52 USD at the on-demand\nprice.\n"
    ) in advice_text(found, 0)
    with pytest.raises(Overfull):
        advise(capacity=8)


def test_a_workload_shows_what_it_pays_and_what_it_would() -> None:
    one = worked(work(), on_demand=392 * TICKS // 100, spot=TICKS)
    text = advice_text(advise(one, prices=PRICES | SPOT), 10)
    table, why = text.split("\n\n")[3:]
    assert table == (
        "team / project / environment  GPU-hours  USD now  advised  USD then\n"
        "nlp / llama / dev                   1.0     4.92     spot      2.91"
    )
    assert why == """\
nlp / llama / dev: spot with checkpoints
  Now: 3.92 on demand, 1.00 spot. Then: 2.91 spot. Training, by the names of
  100.0% of its use. 3 runs: the middle one 30 min, the longest 21 h 1 min, half
  of the use in runs of 5 h or more. It held something in 10.0% of the hours. No
  run was interrupted, so nothing shows that it resumes from checkpoints. Long
  training: spot with checkpoints.
"""


def test_without_a_rate_of_the_kind_there_is_no_figure() -> None:
    found = advise(worked(work(), on_demand=TICKS))
    assert advice_json(found)["workloads"][0]["would"] == [
        {"pricing": "spot", "units": None, "cost": None}
    ]
    assert "Then: no rate is configured for spot." in " ".join(advice_text(found, 1).split())


def test_a_commitment_is_the_cheapest_for_the_workload_alone() -> None:
    always = work(kind="inference", held=44 * 3600, environment="prod", held_seconds=36_000)
    found = advise(worked(always, *HOURS, on_demand=TICKS))
    (one,) = advice_json(found)["workloads"]
    assert one["would"] == [
        {"pricing": "on_demand", "units": None, "cost": "172.48"},
        {"pricing": "committed", "units": 4, "cost": "144.96"},
    ]
    assert "144.96 committed (4 units for it alone)" in " ".join(advice_text(found, 1).split())


def test_what_has_no_price_is_no_zero() -> None:
    found = advise(worked(work(), unpriced=0))
    assert advice_json(found)["workloads"][0]["effective_cost"] is None
    assert "Now: 1.0 GPU-hours without a price." in advice_text(found, 1)


@given(st.lists(st.integers(0, TICKS), min_size=1, max_size=20))
def test_what_workloads_pay_sums_to_the_total(ticks: list[int]) -> None:
    found = advise(*(worked(work(f"t{i}", None, None), on_demand=t) for i, t in enumerate(ticks)))
    assert sum(one.now_minor or 0 for one in found.workloads) == to_minor(sum(ticks), 2)


def test_json_has_money_as_decimal_texts() -> None:
    answer = advice_json(advise(worked(work(), on_demand=392 * TICKS // 100), capacity=9))
    assert answer["commitment"] == {
        "all_on_demand": "172.48",
        "cheapest": {"units": 4, "cost": "144.96", "saved": "27.52",
                     "used_unit_seconds": 31 * 3600, "committed_unit_seconds": 40 * 3600},
        "floor": {"units": 0, "cost": "172.48", "saved": "0.00",
                  "used_unit_seconds": 0, "committed_unit_seconds": 0},
        "between": "27.52",
    }  # fmt: skip
    assert answer["prices"] == {
        "on_demand": {"price": "3.920000", "per": 1},
        "committed": {"price": "2.350000", "per": 1},
    }
    assert answer["idle"] == {
        "capacity": 9, "unit_seconds": 46 * 3600, "capacity_unit_seconds": 90 * 3600,
        "cost": "180.32",
    }  # fmt: skip
    (one,) = answer["workloads"]
    assert one["effective_cost"] == "3.92"
    assert (one["advised"], one["checkpoints"], one["rules"]) == (["spot"], True, ["long training"])
    assert one["minutes"] == {"median": 30, "typical": 300, "longest": 1261}


NAMES = st.text(max_size=70) | st.none()


@given(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=4))
def test_no_name_breaks_a_line_or_the_width_of_the_table(
    names: list[tuple[str | None, str | None, str | None]],
) -> None:
    found = advise(*(worked(work(*name), on_demand=10**9 * TICKS) for name in names))
    text = advice_text(found, 10)
    assert not {"\x1b", "\r", "\x00", "\u202e"} & set(text)
    table = text.split("\n\n")[3].split("\n")
    assert len(table) == 1 + len(names)
    assert max(map(columns, table)) <= 80


def test_workloads_beyond_the_limit_are_counted() -> None:
    found = advise(*(worked(work(f"t{i}", None, None), on_demand=TICKS) for i in range(5)))
    text = advice_text(found, 2)
    assert "and 3 workloads more with 3.0 GPU-hours: --limit, --format json" in text
    assert "t1 / (untagged) / (untagged)" in text
    assert "t2" not in text


# ---- reasons


@pytest.mark.parametrize(
    ("workload", "said"),
    [
        (work(kind="", environment="prod"),
         "No job name, partition, project or environment tells training from inference."),
        (work(kind="", environment="prod"),
         "Nothing suits all of these: say which it is by a tag or a job name."),
        (work(kind="inference", environment=None),
         "Nothing says whether it is production or a trial."),
        (work(kind="inference"), "Its environment is dev or staging."),
        (work(runs=1), "One run of 21 h 1 min."),
        (work(array_runs=3, array_unit_seconds=360),
         "3 are array tasks, fewer than 20, with 10.0% of its use."),
        (work(array_runs=1, array_unit_seconds=360), "1 is an array task, fewer than 20,"),
        (work(kind="", lengths=Lengths(1, 2, 3), array_runs=20, array_unit_seconds=3600),
         "No name says what it is; many short array tasks are taken for batch"),
        (work(interrupted={"PREEMPTED": 2, "NODE_FAIL": 1}, restarted=1),
         "1 stopped by a lost node, 2 preempted; 1 job ran more than once."),
        (work(), "No run was interrupted, so nothing shows that it resumes from checkpoints."),
        (work(kind=""), "As long training: spot with checkpoints; as dev or staging inference: on"),
    ],
)  # fmt: skip
def test_reasons_have_the_numbers(workload: Workload, said: str) -> None:
    assert said in " ".join(reasons(judge(workload)))


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "under 1 min"), (1, "1 min"), (60, "1 h"), (61, "1 h 1 min"), (60_000, "1,000 h")],
)
def test_how_a_length_is_written(minutes: int, text: str) -> None:
    assert length_text(minutes) == text


def test_how_models_are_written() -> None:
    assert models_text(("on_demand", "committed")) == "on demand or committed"
    assert models_text(("spot",), True) == "spot with checkpoints"
    assert models_text(()) == "undecided"

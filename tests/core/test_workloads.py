"""Which way to pay suits which work: each rule of the table, and what is not guessed."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.workloads import (
    MANY,
    RULES,
    SHORT_MINUTES,
    Lengths,
    Workload,
    environment_of,
    judge,
    kind_of,
)

DAY, MONTH = 86_400, 30 * 86_400
LONG = Lengths(SHORT_MINUTES, SHORT_MINUTES, SHORT_MINUTES)
SHORT = Lengths(SHORT_MINUTES - 1, SHORT_MINUTES - 1, 10 * SHORT_MINUTES)


def work(kind: str = "", environment: str | None = None, **more: object) -> Workload:
    """A workload of 100 unit-seconds that no name tells, long and not always on."""
    plain = Workload(
        "nlp", "llama", environment, runs=10, unit_seconds=100, lengths=LONG, said={kind: 100},
        held_seconds=DAY, period_seconds=MONTH,
    )  # fmt: skip
    return plain._replace(**more)  # type: ignore[arg-type]


def tasks(number: int, held: int = 100) -> dict[str, object]:
    return {"array_runs": number, "array_unit_seconds": held, "lengths": SHORT}


ALWAYS = {"held_seconds": MONTH * 95 // 100}


@pytest.mark.parametrize(
    ("workload", "rule", "models", "checkpoints"),
    [
        (work("training", lengths=SHORT), "training under 4 hours", ("on_demand",), False),
        (work("training"), "long training", ("spot",), True),
        (work("training", "prod", **ALWAYS), "long training", ("spot",), True),
        (work("training", **tasks(MANY)), "training under 4 hours", ("on_demand",), False),
        (work("inference", "prod", **tasks(MANY)), "asynchronous batch inference", ("spot",),
         False),
        (work("inference", "prod", **ALWAYS), "always-on production inference",
         ("on_demand", "committed"), False),
        (work("inference", "prod"), "production inference by the hour", ("on_demand",), False),
        (work("inference", "staging"), "dev or staging inference", ("on_demand", "spot"), False),
        (work("inference", "dev", **ALWAYS), "dev or staging inference", ("on_demand", "spot"),
         False),
    ],
)  # fmt: skip
def test_each_kind_of_work_has_its_price_model(
    workload: Workload, rule: str, models: tuple[str, ...], checkpoints: bool
) -> None:
    found = judge(workload)
    assert [one.work for one in found.rules] == [rule]
    assert (found.models, found.checkpoints) == (models, checkpoints)


def test_every_rule_of_the_table_is_tested_above() -> None:
    cases = test_each_kind_of_work_has_its_price_model.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {case[1] for case in cases} == {rule.work for rule in RULES}


@pytest.mark.parametrize(
    ("workload", "rules", "models", "checkpoints"),
    [
        # one way suits both
        (work(environment="dev"), ["long training", "dev or staging inference"], ("spot",), True),
        (work(environment="dev", lengths=SHORT),
         ["training under 4 hours", "dev or staging inference"], ("on_demand",), False),
        (work(environment="prod", lengths=SHORT),
         ["training under 4 hours", "production inference by the hour"], ("on_demand",), False),
        # nothing suits both
        (work(environment="prod", **ALWAYS),
         ["long training", "always-on production inference"], (), False),
        (work(), ["long training", "production inference by the hour",
                  "dev or staging inference"], (), False),
        # inference, but nothing says whether people depend on it
        (work("inference", **ALWAYS),
         ["always-on production inference", "dev or staging inference"], ("on_demand",), False),
        # many short tasks tell batch by their shape
        (work(**tasks(MANY)), ["asynchronous batch inference"], ("spot",), False),
    ],
)  # fmt: skip
def test_what_is_not_told_is_not_guessed(
    workload: Workload, rules: list[str], models: tuple[str, ...], checkpoints: bool
) -> None:
    found = judge(workload)
    assert [one.work for one in found.rules] == rules
    assert (found.models, found.checkpoints) == (models, checkpoints)


@given(st.builds(
    work, st.sampled_from(["", "training", "inference"]),
    st.sampled_from([None, "prod", "dev", "x"]),
    lengths=st.sampled_from([SHORT, LONG]), held_seconds=st.sampled_from([0, MONTH]),
    array_runs=st.sampled_from([0, MANY]), array_unit_seconds=st.sampled_from([0, 100]),
))  # fmt: skip
def test_some_rule_holds_for_any_work_and_all_of_them_say_what_is_advised(
    workload: Workload,
) -> None:
    found = judge(workload)
    assert found.rules
    for model in {"on_demand", "spot", "committed"}:
        assert (model in found.models) == all(model in rule.models for rule in found.rules)


def test_few_long_or_minor_array_tasks_are_no_batch() -> None:
    assert work(**tasks(MANY)).batch
    assert not work(**tasks(MANY - 1)).batch
    assert not work(**tasks(MANY, held=50)).batch
    assert not work(**(tasks(MANY) | {"lengths": LONG})).batch


def test_always_on_is_95_percent_of_the_hours() -> None:
    assert work(held_seconds=MONTH * 95 // 100).always_on
    assert not work(held_seconds=MONTH * 95 // 100 - 1).always_on


def test_a_kind_is_what_more_than_half_of_the_use_is() -> None:
    assert work(said={"training": 51, "": 49}).kind == "training"
    assert work(said={"training": 50, "inference": 50}).kind == ""
    assert work(said={}).kind == ""


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["llama-finetune"], "training"),
        (["Fine-Tune_7b"], "training"),
        (["pretrain3"], "training"),
        (["rlhf-study"], "training"),
        (["sft-04"], "training"),
        (["softserve"], ""),
        (["constrain"], ""),
        (["prod-inference"], "inference"),
        (["vllm-70b"], "inference"),
        (["observe", None, "", "serving-bench"], "inference"),
        (["train", "inference"], "training"),
        (["train-the-inference-router", "train"], ""),
        (["segmenter"], ""),
        ([None], ""),
    ],
)
def test_the_first_name_that_tells_a_kind_counts(texts: list[str | None], kind: str) -> None:
    assert kind_of(*texts) == kind


@pytest.mark.parametrize(
    ("texts", "environment"),
    [
        (["prod"], "production"),
        (["Production-EU"], "production"),
        (["staging"], "dev or staging"),
        ([None, "prod-inference"], "production"),
        (["dev", "prod-inference"], "dev or staging"),
        (["another", "product"], ""),
        (["dev-to-prod", "prod"], ""),
    ],
)
def test_the_first_name_that_tells_an_environment_counts(
    texts: list[str | None], environment: str
) -> None:
    assert environment_of(*texts) == environment


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), min_size=1))
def test_half_of_the_runs_and_half_of_the_use_is_in_runs_so_long(
    runs: list[tuple[int, int]],
) -> None:
    number: Counter[int] = Counter()
    held: Counter[int] = Counter()
    for minutes, units in runs:
        number[minutes] += 1
        held[minutes] += units
    found = Lengths.of(number, held)
    assert found.longest == max(minutes for minutes, _ in runs)
    for middle, weights in ((found.median, number), (found.typical, held)):
        whole = sum(weights.values())
        assert 2 * sum(w for m, w in weights.items() if m >= middle) >= whole
        assert 2 * sum(w for m, w in weights.items() if m > middle) < whole


def test_no_runs_have_no_length() -> None:
    assert Lengths.of({}, {}) == Lengths(0, 0, 0)

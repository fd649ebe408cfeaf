"""The line on acceptance: the figure and the sums of `estimate`, and what is left of a budget."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slurm_finops.core.estimate import estimate, sum_text
from slurm_finops.core.money import grouped
from slurm_finops.core.policy import Policy
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import Rate
from slurm_finops.core.request import request
from slurm_finops.hook.build import build
from slurm_finops.hook.engine import VERSIONS, Engine
from slurm_finops.hook.money import budget_file, money_data

NOW = int(time.time())
NO_VAL = 4294967294
YEAR = 365 * 86400
H100 = Rate("gres/gpu:h100", 3_920_000, 0)
BOOK = PriceBook([
    H100,
    Rate("gres/gpu:a100", 31_360_000, 0, per=8),
    Rate("gres/gpu:a100", 24_000_000, NOW - YEAR, per=8),
    Rate("gres/gpu:a100", 1, NOW + YEAR),
    Rate("gres/gpu:h100", 1_000_003, 0, match=(("partition", "spot"),)),
    Rate("gres/gpu:h100", 5_000_000, 0, match=(("account", "guests"), ("partition", "spot"))),
    Rate("gres/gpu", 700_000, NOW - 10),
    Rate("gres/shard", 70_001, 0, match=(("cluster", "alpha"),)),
    Rate("gres/fpga", 1_000_000, NOW + YEAR),
])  # fmt: skip
LEFT = {"nlp": 231_000, "cv": -4510}


def engine(
    folder: Path, version: str = "5.1", book: PriceBook = BOOK, currency: str = "USD",
    digits: int = 2, budgets: bool = True,
) -> Engine:  # fmt: skip
    """A Lua whose gate asks for no tags and says what a job may cost."""
    path = folder / "budgets.lua"
    path.write_text(budget_file(LEFT.items(), NOW - YEAR, NOW + YEAR))
    money = money_data(book, "alpha", currency, digits, NOW, path if budgets else None)
    for name, text in build(Policy(required=()), "warn", "accept", money=money).items():
        (folder / name).write_text(text)
    return Engine(folder, version)


def job(**fields: Any) -> dict[str, Any]:
    return {"default_account": "research", "user_name": "u", "min_nodes": 1, "num_tasks": 1,
            "time_limit": 1440, "shared": 65534} | fields  # fmt: skip


def said(lua: Engine, **fields: Any) -> str:
    answer = lua.submit(job(**fields))
    assert (answer.code, answer.log) == (0, ())
    return "".join(answer.told)


@pytest.fixture(params=VERSIONS)
def lua(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    return engine(tmp_path, request.param)


def test_eight_h100_for_a_day(lua: Engine) -> None:
    tags = '{"team":"nlp"}'
    assert said(lua, tres_per_node="gres:gpu:h100:8", comment=tags) == (
        "up to 752.64 USD (8 × h100 × 24:00:00 at 3.92/h); team nlp has 2,310.00 left this month"
    )
    assert said(lua, tres_per_node="gres/gpu:h100=8", comment='{"team":"cv"}') == (
        "up to 752.64 USD (8 × h100 × 24:00:00 at 3.92/h); "
        "team cv is 45.10 over its budget this month"
    )
    assert said(lua, tres_per_node="gres:gpu:h100:8", comment='{"team":"other"}') == (
        "up to 752.64 USD (8 × h100 × 24:00:00 at 3.92/h)"
    )


def test_what_is_said_of_several(lua: Engine) -> None:
    assert said(lua, tres_per_node="gres:gpu:h100:2,gres:shard:3,gres:fpga:1", min_nodes=2,
                max_nodes=3, array_inx="0-9%2", time_limit=4321) == (
        "up to 17,392.04 USD (10 tasks × 3-00:01:00: 6 × h100 at 3.92/h, 9 × shard at 0.070001/h); "
        "gres/fpga has no rate"
    )  # fmt: skip


def test_without_a_limit_it_is_for_an_hour(lua: Engine) -> None:
    for limit in (4294967294, 4294967295):
        assert said(lua, tres_per_job="gres:gpu:h100:2", time_limit=limit) == (
            "7.84 USD an hour, without a limit of time (2 × h100 at 3.92/h)"
        )


def test_a_partitions_limit(lua: Engine) -> None:
    ask = job(tres_per_job="gres:gpu:h100:1", time_limit=4294967294)
    endless = 4294967295

    def told(**part: int) -> str:
        parts = [{"name": "main", "flag_default": 1, "max_time": endless} | part]
        return lua.submit(ask, parts).told[0]

    assert told(default_time=60).startswith("up to 3.92 USD (1 × h100 × 01:00:00")
    assert told(default_time=4294967294, max_time=120).startswith("up to 7.84 USD")
    assert told(default_time=4294967294).startswith("3.92 USD an hour")


@pytest.mark.parametrize(
    "fields",
    [{}, {"tres_per_node": "gres:gpu:h100:1", "shared": 0}, {"tres_per_socket": "gres:gpu:1"},
     {"tres_per_node": "gres:fpga:1"}, {"tres_per_job": "gres:gpu:1", "array_inx": "x"},
     {"tres_per_job": "gres:gpu:h100:4000000000", "time_limit": 4_000_000},
     {"tres_per_node": "gres:gpu:h100:1", "num_tasks": 8, "min_nodes": NO_VAL},
     {"tres_per_job": "gres:gpu:1", "ntasks_per_gpu": 2},
     {"tres_per_job": "gres:gpu:1", "array_inx": "9-1"},
     {"tres_per_node": "gres:gpu:h100:0"}],
)  # fmt: skip
def test_where_nothing_is_certain_nothing_is_said(lua: Engine, fields: dict[str, Any]) -> None:
    assert said(lua, **fields) == ""


@pytest.mark.parametrize("text", ["1" * 4096, "1" * 2000 + "x", "1-" * 2000, ":" * 4096])
def test_a_long_array_is_given_up_at_once(lua: Engine, text: str) -> None:
    """Read as one pattern it took minutes, and slurmctld waited."""
    assert said(lua, tres_per_job="gres:gpu:1", array_inx=text) == ""


def test_a_partition_that_hands_out_whole_nodes(lua: Engine) -> None:
    ask = job(tres_per_node="gres:gpu:h100:1")
    for share, told in ((0, False), (1, True)):
        parts = [{"name": "main", "flag_default": 1, "max_share": share}]
        assert bool(lua.submit(ask, parts).told) is told


def test_a_currency_without_cents(tmp_path: Path) -> None:
    book = PriceBook([Rate("gres/gpu:h100", 5_000_000_000, 0)])
    lua = engine(tmp_path, book=book, currency="KRW", digits=0, budgets=False)
    assert said(lua, tres_per_node="gres:gpu:h100:8") == (
        "up to 960,000 KRW (8 × h100 × 24:00:00 at 5000/h)"
    )


def test_what_is_no_device_is_not_counted_here(tmp_path: Path) -> None:
    book = PriceBook([H100, Rate("cpu", 10_000, 0)])
    assert said(engine(tmp_path, book=book), tres_per_node="gres:gpu:h100:8") == (
        "devices: up to 752.64 USD (8 × h100 × 24:00:00 at 3.92/h)"
    )


def test_a_budget_file_that_is_old_or_gone_is_not_spoken_of(tmp_path: Path) -> None:
    lua = engine(tmp_path)
    ask = {"tres_per_node": "gres:gpu:h100:8", "comment": '{"team":"nlp"}'}
    assert "left this month" in said(lua, **ask)
    path = tmp_path / "budgets.lua"
    path.write_text(budget_file(LEFT.items(), NOW - YEAR, NOW - 1))
    assert "left" not in said(lua, **ask)
    path.write_text("-- damaged\n")
    assert "left" not in said(lua, **ask)
    path.unlink()
    assert said(lua, **ask) == "up to 752.64 USD (8 × h100 × 24:00:00 at 3.92/h)"
    path.write_text(budget_file(LEFT.items(), NOW - YEAR, NOW + YEAR))
    assert "left this month" in said(lua, **ask)


def test_an_error_here_costs_no_job(tmp_path: Path) -> None:
    answer = engine(tmp_path).submit(job(min_nodes=1, tres_per_node=7))
    assert answer.code == 0
    assert "no cost is said: " in answer.log[0]
    assert "admin_comment" in answer.job


_DEVICES = st.lists(
    st.tuples(st.sampled_from(["gpu", "gpu:h100", "gpu:a100", "gpu:x", "shard", "fpga"]),
              st.integers(1, 12)),
    min_size=1, max_size=3, unique_by=lambda item: item[0],
)  # fmt: skip


def _text(items: list[tuple[str, int]], prefix: str = "", between: str = ":") -> str:
    return ",".join(f"{prefix}{name}{between}{count}" for name, count in items)


@given(
    gres=_DEVICES, gpus=st.integers(0, 40), per_task=st.integers(0, 3), nodes=st.integers(1, 5),
    tasks=st.integers(1, 9), minutes=st.integers(1, 50_000), array=st.sampled_from(
        ["", "3", "0-9", "1-100:7%3", "1,5,9-12"]), old=st.booleans(),
    partition=st.sampled_from(["main", "spot", "main,spot"]),
    account=st.sampled_from(["research", "guests"]),
)  # fmt: skip
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_what_estimate_says(
    tmp_path: Path, gres: list[tuple[str, int]], gpus: int, per_task: int, nodes: int, tasks: int,
    minutes: int, array: str, old: bool, partition: str, account: str,
) -> None:  # fmt: skip
    options = {
        "gres": _text(gres), "gpus": str(gpus) if gpus else "", "nodes": str(nodes),
        "gpus-per-task": str(per_task) if per_task else "", "ntasks": str(tasks),
        "time": str(minutes), "array": array, "partition": partition, "account": account,
    }  # fmt: skip
    found = estimate(BOOK, request(options), "alpha", NOW, 2)
    prefix, between = ("gres:", ":") if old else ("gres/", "=")
    asked: dict[str, Any] = {
        "tres_per_node": _text(gres, prefix, between), "min_nodes": nodes, "num_tasks": tasks,
        "tres_per_job": f"{prefix}gpu{between}{gpus}" if gpus else "", "time_limit": minutes,
        "tres_per_task": f"{prefix}gpu{between}{per_task}" if per_task else "",
        "array_inx": array, "partition": partition, "account": account,
    }  # fmt: skip
    line = ""
    if found.parts:
        words = [f"up to {grouped(found.minor or 0, 2)} USD "
                 f"({sum_text(found.request, found.parts, 2)})"]  # fmt: skip
        line = "; ".join([*words, *(f"{sku} has no rate" for sku in found.unpriced)])
    assert said(_lua(tmp_path), **asked) == line


_KEPT: dict[Path, Engine] = {}


def _lua(folder: Path) -> Engine:
    if folder not in _KEPT:
        _KEPT[folder] = engine(folder)
    return _KEPT[folder]

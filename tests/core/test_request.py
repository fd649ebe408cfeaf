"""What a job asks for, of its options."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.request import RequestError, array_tasks, minutes_of, request


def tres(**options: str) -> dict[str, int]:
    found = request({key.replace("_", "-"): value for key, value in options.items()}).tres
    return {sku: count for sku, count in found.items() if sku.startswith("gres/")}


@pytest.mark.parametrize(
    ("options", "held"),
    [
        ({"gres": "gpu:h100:8"}, {"gres/gpu:h100": 8}),
        ({"gres": "gpu:h100:8", "nodes": "2"}, {"gres/gpu:h100": 16}),
        ({"gres": "gpu:2,shard:3", "nodes": "1-4"}, {"gres/gpu": 8, "gres/shard": 12}),
        ({"gres": "gpu"}, {"gres/gpu": 1}),
        ({"gres": "none"}, {}),
        ({"gpus": "3"}, {"gres/gpu": 3}),
        ({"gpus": "h100:2,a100:1", "nodes": "2"}, {"gres/gpu:h100": 2, "gres/gpu:a100": 1}),
        ({"gpus_per_node": "h100:4", "nodes": "3"}, {"gres/gpu:h100": 12}),
        ({"gpus_per_task": "2", "ntasks": "5"}, {"gres/gpu": 10}),
        ({"gpus_per_task": "1", "ntasks_per_node": "4", "nodes": "2"}, {"gres/gpu": 8}),
        ({"tres_per_task": "cpu:4,gres/gpu:h100:1", "ntasks": "2"}, {"gres/gpu:h100": 2}),
        ({"gres": "gpu:a100_1g.5gb:7"}, {"gres/gpu:a100_1g.5gb": 7}),
        ({"ntasks": "16", "ntasks_per_node": "8", "gres": "gpu:h100:4"}, {"gres/gpu:h100": 8}),
        ({"gpus": "4", "gpus_per_node": "2"}, {"gres/gpu": 4}),
        ({"gpus": "8", "gres": "gpu:h100:4", "nodes": "2"}, {"gres/gpu": 8, "gres/gpu:h100": 8}),
    ],
)
def test_devices(options: dict[str, str], held: dict[str, int]) -> None:
    assert tres(**options) == held


@pytest.mark.parametrize(
    ("options", "mebibytes"),
    [
        ({"mem": "64G"}, 65536),
        ({"mem": "64G", "nodes": "2"}, 131072),
        ({"mem": "500"}, 500),
        ({"mem": "1K"}, 1),
        ({"mem-per-cpu": "4G", "ntasks": "2", "cpus-per-task": "8"}, 65536),
        ({"mem-per-gpu": "10G", "gres": "gpu:4"}, 40960),
    ],
)
def test_memory(options: dict[str, str], mebibytes: int) -> None:
    assert request(options).tres["mem"] == mebibytes


@pytest.mark.parametrize(
    ("options", "nodes", "cpus"),
    [
        ({"nodes": "2", "ntasks-per-node": "4", "cpus-per-task": "3"}, 2, 24),
        ({"ntasks": "5", "ntasks-per-node": "2"}, 3, 5),
        ({"gpus": "4", "cpus-per-gpu": "8"}, 1, 32),
        ({"gpus": "4", "gpus-per-task": "1"}, 1, 4),
        ({"gpus": "4", "gpus-per-node": "2"}, 2, 2),
        ({"gpus": "2", "ntasks-per-gpu": "2"}, 1, 4),
        ({"mincpus": "8"}, 1, 8),
    ],
)
def test_cpus_and_nodes(options: dict[str, str], nodes: int, cpus: int) -> None:
    tres = request(options).tres
    assert (tres["node"], tres["cpu"]) == (nodes, cpus)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("90", 90), ("90:30", 91), ("12:00:00", 720), ("0:00:01", 1), ("1-0", 1440), ("1-2", 1560),
     ("2-00:30", 2910), ("1-01:01:01", 1502), ("UNLIMITED", None), ("infinite", None)],
)  # fmt: skip
def test_times(text: str, minutes: int | None) -> None:
    assert minutes_of(text) == minutes


@given(st.sets(st.integers(0, 300), min_size=1), st.integers(0, 9))
def test_array_tasks_of_a_list(tasks: set[int], limit: int) -> None:
    text = ",".join(map(str, sorted(tasks))) + (f"%{limit}" if limit else "")
    assert array_tasks(text) == len(tasks)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(1, 50))
def test_array_tasks_of_a_range(first: int, more: int, step: int) -> None:
    last = first + more
    assert array_tasks(f"{first}-{last}:{step}") == len(range(first, last + 1, step))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"time": "soon"}, "--time=soon is no time such as"),
        ({"array": "a"}, "--array=a is no list such as"),
        ({"array": "5-1"}, "--array=5-1 is no list such as"),
        ({"nodes": "n1"}, "--nodes=n1 is no number such as"),
        ({"ntasks": "-1"}, "--ntasks=-1 is no number"),
        ({"gpus": "a:b:c"}, "--gpus=a:b:c is no list such as"),
        ({"gres": "gpu:h100:-1"}, "--gres=gpu:h100:-1 is no list such as"),
        ({"mem": "lots"}, "--mem=lots is no size such as"),
    ],
)
def test_what_cannot_be_read(options: dict[str, str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        request(options)


@pytest.mark.parametrize("digits", ["1" * 5000, "9" * 10])
def test_numbers_that_nobody_means(digits: str) -> None:
    for name in ("time", "array", "nodes", "ntasks", "gpus", "gres", "mem"):
        text = f"gpu:{digits}" if name == "gres" else digits + ("G" * 9 if name == "mem" else "")
        with pytest.raises(RequestError):
            request({name: text})


def test_no_limit_is_no_limit() -> None:
    assert request({"time": "0"}).minutes is None


def test_tasks_that_may_spread_are_said_to() -> None:
    (note,) = request({"ntasks": "8", "gres": "gpu:2"}).notes
    assert "without --nodes" in note
    assert request({"ntasks": "8", "gres": "gpu:2", "nodes": "2"}).notes == ()
    assert request({"ntasks": "8", "gpus": "2"}).notes == ()
    assert request({"exclusive": "user", "gpus": "2"}).notes == ()


@pytest.mark.parametrize("options", [{"exclusive": ""}, {"mem": "0"}, {"gpus-per-socket": "2"}])
def test_what_only_the_cluster_knows_is_said(options: dict[str, str]) -> None:
    (note,) = request(options).notes
    assert f"--{next(iter(options))}" in note

"""Whole nodes in a real Slurm: a group makes a run pay for what it takes, once."""

import time
from fractions import Fraction
from pathlib import Path

import pytest

from slurm_finops.core.money import TICKS
from tests.live.conftest import CLUSTER, Cluster
from tests.live.life import GPU, Said, accounted, finops, rows

pytestmark = pytest.mark.slurm
#: A node of 64 CPUs and four H100 costs 16.00 an hour, by either.
PRICES = {"cpu": Fraction(1, 4), "billing": Fraction(1, 4), GPU: Fraction(4)}
CONFIG = f"""\
cluster = "{CLUSTER}"
currency = "USD"
[[rates]]
sku = "{GPU}"
price = "4.00"
from = 2020-01-01
[[rates]]
sku = "%s"
price = "0.25"
from = 2020-01-01
[[groups]]
name = "node share"
skus = ["%s", "gres/gpu"]
combine = "max"
"""


@pytest.fixture(scope="module")
def runs(cluster: Cluster) -> dict[str, tuple[int, Said]]:
    """What was asked for -> a job, and what sacct says of it."""
    jobs = {
        "whole": cluster.submit("--exclusive", "-n1", seconds=2),
        "whole for one GPU": cluster.submit("--exclusive", "--gres=gpu:h100:1", seconds=2),
        "all CPUs": cluster.submit("-c64", seconds=2),
        "one GPU": cluster.submit("-c8", "--gres=gpu:h100:1", seconds=2),
        "one GPU, most CPUs": cluster.submit("-c48", "--gres=gpu:h100:1", seconds=2),
    }
    cluster.wait_for(*((job, "COMPLETED") for job in jobs.values()))
    time.sleep(1)
    said = {job: run for (job, _), run in accounted().items()}
    return {name: (int(job), said[int(job)]) for name, job in jobs.items()}


def test_a_node_to_oneself_is_all_its_cpus_and_gpus(runs: dict[str, tuple[int, Said]]) -> None:
    """So Slurm's own record says what nobody else could use."""
    for name in ("whole", "whole for one GPU"):
        tres = runs[name][1].tres
        assert (tres["cpu"], tres["billing"], tres[GPU], tres["gres/gpu"]) == (64, 64, 4, 4), name
    # what a job takes of CPUs alone strands the GPUs, and no record says so
    assert GPU not in runs["all CPUs"][1].tres


@pytest.mark.parametrize("by", ["cpu", "billing"])
def test_a_run_pays_the_dearer_share_of_a_node_and_nothing_twice(
    runs: dict[str, tuple[int, Said]], tmp_path: Path, by: str
) -> None:
    (tmp_path / "finops.toml").write_text(CONFIG % (by, by))
    finops(tmp_path, "collect", "sacct")
    finops(tmp_path, "price")
    charged = rows(
        tmp_path,
        "SELECT job_id_raw, skus.name, sum(effective_ticks), sum(list_ticks), sum(billed_ticks) "
        "FROM charges JOIN jobs ON jobs.id = usage_id JOIN skus ON skus.id = sku_id GROUP BY 1, 2",
    )
    for name, (job, said) in runs.items():
        mine = {sku: costs for number, sku, *costs in charged if number == job}
        shares = {sku: PRICES[sku] * said.tres[sku] for sku in (by, GPU) if sku in said.tres}
        ticks = max(shares.values()) * TICKS * said.elapsed / 3600
        assert mine.keys() == shares.keys(), name
        assert [sum(part) for part in zip(*mine.values(), strict=True)] == [ticks] * 3, name
        assert sum(bool(costs[0]) for costs in mine.values()) == 1, name
    hourly = {
        name: max(PRICES[sku] * run.tres.get(sku, 0) for sku in (by, GPU))
        for name, (_, run) in runs.items()
    }
    assert hourly == {
        "whole": 16, "whole for one GPU": 16, "all CPUs": 16, "one GPU": 4,
        "one GPU, most CPUs": 12,
    }  # fmt: skip

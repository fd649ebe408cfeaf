"""Real nodes that go down: capacity is what the sandbox configures, and the event is collected."""

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_finops.billing.capacity import Capacity
from slurm_finops.cli import main
from slurm_finops.config import load
from slurm_finops.core.pools import Pool
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR
from tests.live.conftest import CLUSTER, Cluster
from tests.support import a_config

pytestmark = pytest.mark.slurm

CONFIG = f"""\
cluster = "{CLUSTER}"
currency = "USD"
[[pools]]
name = "nodes"
sku = "gres/gpu:h100"
units = "slurm"
from = 2020-01-01
hourly = "8.00"
"""
#: The sandbox of this session: two nodes with four H100 each.
NODES, GPUS = 2, 8


def collect(path: Path) -> dict[str, int]:
    done = CliRunner().invoke(main, ["-c", str(path), "collect", "nodes", "--format", "json"])
    assert done.exit_code == 0, done.output
    found: dict[str, int] = json.loads(done.stdout)
    return found


def test_capacity_is_the_sandbox_and_a_node_set_down_is_an_event(
    cluster: Cluster, tmp_path: Path
) -> None:
    path = a_config(tmp_path, CONFIG)
    first = collect(path)
    assert (first["nodes"], first["new"], first["problems"]) == (NODES, NODES, 0)
    cluster.run("scontrol", "update", "NodeName=n1", "State=DOWN", "Reason=a|b\nbroken")
    time.sleep(3)
    cluster.run("scontrol", "update", "NodeName=n1", "State=RESUME")
    cluster.wait("the event has ended", lambda: ended(cluster) == 1)
    time.sleep(1)  # an answer is as of the second in which it was asked for
    again = collect(path)
    assert (again["new"], again["changed"], again["gone"]) == (0, 0, 0)
    assert again["new_events"] >= 1
    assert collect(path)["new_events"] == 0
    config = load(path)
    (pool,) = config.allocation.pools
    with Ledger.read(config.database, config.currency, config.timezone) as ledger:
        check(ledger, pool)


def ended(cluster: Cluster) -> int:
    """How many events of n1 have ended."""
    shown = cluster.run(
        "sacctmgr", "-nP", "show", "event", "all_time", "nodes=n1", "format=NodeName,TimeEnd"
    )
    return sum(line.startswith("n1|") and "Unknown" not in line for line in shown.splitlines())


def check(ledger: Ledger, pool: Pool) -> None:
    capacity = Capacity(ledger.db, CALENDAR)
    ((start, end),) = ledger.db.execute(
        "SELECT start, until FROM node_events WHERE node = 'n1' AND state = 'DOWN'"
    )
    assert end - start >= 3
    # one node of two was down from the first second to the last
    assert capacity.of(pool, start, end) == GPUS * (end - start)
    assert capacity.down(pool, start, end) == GPUS // NODES * (end - start)
    # what the cluster registered before its nodes were first seen is as much
    ((began,),) = ledger.db.execute("SELECT min(start) FROM node_events WHERE node = ''")
    assert capacity.of(pool, began, end) == GPUS * (end - began)

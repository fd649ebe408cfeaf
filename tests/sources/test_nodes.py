"""Nodes and events from what three releases of Slurm print."""

from pathlib import Path

import pytest

from slurm_finops.core.capacity import Event, Node
from slurm_finops.sources.nodes import read_events, read_nodes

REAL = Path(__file__).parents[1] / "nodes"
RELEASES = ("22.05.8", "24.11.5", "26.05.5")
HAS = (("cpu", 64), ("gres/gpu", 0), ("gres/gpu:h100", 4), ("mem", 512_000), ("node", 1))
LINE = "NodeName=n1 Gres={gres} State=IDLE Partitions={partitions} CfgTRES=cpu=64,mem=500G\n"


def real(what: str, release: str) -> list[str]:
    return (REAL / f"{what}-{release}.txt").read_text().splitlines(keepends=True)


@pytest.mark.parametrize("release", RELEASES)
def test_real_nodes_are_what_the_cluster_was_configured_with(release: str) -> None:
    seen = read_nodes(real("scontrol-show-node", release))
    assert seen.nodes == [
        Node("n1", ("debug", "main"), HAS), Node("n2", ("main",), HAS), Node("n3", ("main",), HAS),
    ]  # fmt: skip
    assert seen.unclear == {"n9"}


@pytest.mark.parametrize("release", RELEASES)
def test_a_real_comment_of_two_lines_makes_no_node_and_is_a_problem(release: str) -> None:
    problems = read_nodes(real("scontrol-show-node", release)).problems
    assert [problem.text.split()[0] for problem in problems] == ["NodeName=n9"] * 2
    assert "no State" in problems[0].reason


@pytest.mark.parametrize("release", RELEASES)
def test_real_events_are_the_whole_cluster_and_what_went_down(release: str) -> None:
    events, problems = read_events(real("sacctmgr-show-event", release))
    assert problems == []
    assert {event.cluster for event in events} == {"lab"}
    told = [(event.node, event.state, event.end is None) for event in events]
    assert sorted(told) == [
        ("", "", True), ("n1", "DOWN", False), ("n2", "DRAIN", True), ("n3", "DOWN", True),
    ]  # fmt: skip
    units = {event.node: dict(event.units) for event in events}
    assert units[""] == {
        "cpu": 192, "gres/gpu": 0, "gres/gpu:h100": 12, "mem": 1_536_000, "node": 3,
    }  # fmt: skip
    assert units["n1"] == dict(HAS)
    (ended,) = (event for event in events if event.end is not None)
    assert 0 < ended.end - ended.start < 60  # type: ignore[operator]


@pytest.mark.parametrize("gres, found", [
    ("gpu:h100:8(S:0-1)", {"gres/gpu:h100": 8}),
    ("gpu:a100:4(S:0),gpu:a100:4(S:1),shard:8", {"gres/gpu:a100": 8, "gres/shard": 8}),
    ("gpu:a100:no_consume:4", {"gres/gpu:a100": 4}),
    ("gpu:a100:3,gpu:a100_1g.5gb:7", {"gres/gpu:a100": 3, "gres/gpu:a100_1g.5gb": 7}),
    ("gpu:2", {"gres/gpu": 2}),
    ("bandwidth:lustre:4K", {"gres/bandwidth:lustre": 4096}),
    ("(null)", {}),
])  # fmt: skip
def test_devices_are_those_that_gres_names(gres: str, found: dict[str, int]) -> None:
    (node,) = read_nodes([LINE.format(gres=gres, partitions="main")]).nodes
    units = dict(node.units)
    devices = {sku: n for sku, n in units.items() if sku.startswith("gres/") and n}
    assert devices == found
    assert (units["cpu"], units["mem"], units["node"]) == (64, 512_000, 1)


def test_a_node_that_cannot_be_read_is_named_and_the_others_stand() -> None:
    seen = read_nodes([
        LINE.format(gres="gpu:h100:many:8", partitions="main"),
        LINE.format(gres="gpu:h100:8", partitions="main").replace("n1", "n2"),
    ])  # fmt: skip
    assert [node.name for node in seen.nodes] == ["n2"]
    assert seen.unclear == {"n1"}
    assert "is not name:type:count" in seen.problems[0].reason


def test_each_night_s_line_of_a_node_that_cannot_be_read_is_the_same_problem() -> None:
    line = LINE.format(gres="gpu:h100:many:8", partitions="main")
    lines = [line.replace("State", f"CPULoad={load} State") for load in (1, 2)]
    one, two = (read_nodes([line]).problems for line in lines)
    assert one == two
    assert one[0].text == "NodeName=n1 Gres=gpu:h100:many:8 Partitions=main CfgTRES=cpu=64,mem=500G"


def test_two_lines_of_one_node_that_differ_are_a_problem() -> None:
    lines = [LINE.format(gres=f"gpu:h100:{n}", partitions="main") for n in (8, 8, 4)]
    seen = read_nodes(lines)
    assert [dict(node.units)["gres/gpu:h100"] for node in seen.nodes] == [8]
    assert (len(seen.problems), seen.unclear) == (1, set())


def test_a_cloud_node_that_is_powered_down_is_away_and_an_own_one_is_not() -> None:
    off = LINE.format(gres="gpu:h100:4", partitions="main")
    cloud = off.replace("n1", "c1").replace("IDLE", "IDLE+CLOUD+POWERED_DOWN")
    up = off.replace("n1", "c2").replace("IDLE", "MIXED+CLOUD")
    seen = read_nodes([off.replace("IDLE", "IDLE+POWERED_DOWN"), cloud, up])
    assert [node.name for node in seen.nodes] == ["n1", "c2"]
    assert (seen.away, seen.problems) == ({"c1"}, [])


def test_a_node_of_no_partition_is_in_none() -> None:
    line = "NodeName=n1 Gres=gpu:1 State=IDLE CfgTRES=cpu=1 Reason=x Partitions=evil\n"
    assert read_nodes([line]).nodes[0].partitions == ()


@pytest.mark.parametrize("line, reason", [
    ("lab|n1|1|2|DOWN\n", "5 fields"),
    ("lab|n1|1|2|DOWN|cpu=1|a reason\n", "7 fields"),
    ("|n1|1|2|DOWN|cpu=1\n", "no cluster"),
    ("lab|n1|2026-06-01T00:00:00|Unknown|DOWN|cpu=1\n", "set SLURM_TIME_FORMAT=%s"),
    ("lab|n1|5|2|DOWN|cpu=1\n", "ends before it starts"),
    ("lab|n1|1|2|DOWN|cpu\n", "is not name=count"),
])  # fmt: skip
def test_an_event_that_cannot_be_read_is_a_problem_with_its_reason(line: str, reason: str) -> None:
    events, (problem,) = read_events([line, "lab|n2|1|Unknown|DOWN|cpu=1\n"])
    assert reason in problem.reason
    assert problem.text == line.rstrip("\n")
    assert events == [Event("lab", "n2", 1, None, "DOWN", (("cpu", 1), ("node", 1)))]

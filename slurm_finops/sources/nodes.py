"""Nodes and their events, as scontrol and sacctmgr print them.

No text that people write is read: the fields of a node that come before its Reason and
Comment, and of an event all but its Reason, which may hold bars and newlines.  22.05,
24.11 and 26.05 print both alike (measured on all three; tests/nodes has what they print).
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from slurm_finops.core.capacity import Event, Node
from slurm_finops.core.runs import Problem
from slurm_finops.core.usage import GPU, is_device, is_gpu, parse_gres, parse_tres

#: What is asked; sacctmgr keeps to SLURM_TIME_FORMAT=%s (measured on 22.05 to 26.05).
NODES = ("scontrol", "show", "node", "-o")
EVENTS = (
    "sacctmgr", "-nP", "show", "event", "all_time",
    "format=Cluster,NodeName,TimeStart,TimeEnd,State,TRES",
)  # fmt: skip
_WIDTH = 6
#: What is counted of a node beside its devices.
_COUNTED = ("cpu", "mem", "node")
#: How 24.11 and newer show cloud nodes that 22.05 does not list at all (measured).
_AWAY = {"CLOUD", "POWERED_DOWN"}
# people write what follows these, and it may say anything
_WRITTEN = re.compile(r"\s(?:Reason|Comment|Extra)=")
_NAME = re.compile(r"NodeName=(\S+)\s")


class Seen(NamedTuple):
    """The nodes of a cluster; ``unclear`` are names of those that could not be read.

    ``away`` are cloud nodes that are powered down, and not there until they are needed.
    """

    nodes: list[Node]
    unclear: set[str]
    away: set[str]
    problems: list[Problem]


def read_nodes(lines: Iterable[str]) -> Seen:
    """What `scontrol show node -o` prints, a node a line."""
    found: dict[str, Node] = {}
    unclear: set[str] = set()
    away: set[str] = set()
    problems = []
    for line in whole(lines):
        name = _NAME.match(line)
        try:
            if not name:
                raise ValueError("it does not begin with NodeName=")
            said = _WRITTEN.split(line, maxsplit=1)[0]
            node = _node(name[1], said)
            if set((_field(said, "State") or "").split("+")) >= _AWAY:
                away.add(node.name)
            elif found.setdefault(node.name, node) != node:
                raise ValueError(f"another line says otherwise of node {node.name}")
        except ValueError as error:
            problems.append(Problem(_lasting(line), str(error)))
            if name and name[1] not in found:
                unclear.add(name[1])
    return Seen(list(found.values()), unclear - found.keys(), away, problems)


def _node(name: str, line: str) -> Node:
    if _field(line, "State") is None:
        raise ValueError("it has no State: the rest of somebody's comment?")
    tres = parse_tres(_field(line, "CfgTRES") or "")
    gres = parse_gres((_field(line, "Gres") or "").replace(":no_consume", ""))
    # CfgTRES has only devices that AccountingStorageTRES lists; Gres has all
    counted = {sku: count for sku, count in tres.items() if sku in _COUNTED}
    partitions = (_field(line, "Partitions") or "").split(",")
    return Node(
        name, tuple(sorted(filter(None, partitions))), _units(counted | gres | {"node": 1})
    )


def _lasting(line: str) -> str:
    """A node's line without its load and times, so that each night's is the same problem."""
    said = _WRITTEN.split(line, maxsplit=1)[0]
    if _field(said, "State") is None:
        return line
    kept = ("NodeName", "Gres", "Partitions", "CfgTRES")
    told = {name: _field(f" {said}", name) for name in kept}
    return " ".join(f"{name}={value}" for name, value in told.items() if value is not None)


def _units(tres: dict[str, int]) -> tuple[tuple[str, int], ...]:
    """What of it is counted.  As of runs, ``gres/gpu`` is only what has no type of its own.

    A count of 0 says that the SKU is known, and is kept.
    """
    typed = sum(count for sku, count in tres.items() if is_gpu(sku) and sku != GPU)
    return tuple(sorted(
        (sku, max(0, count - typed) if sku == GPU else count)
        for sku, count in tres.items() if is_device(sku) or sku in _COUNTED
    ))  # fmt: skip


def _field(line: str, name: str) -> str | None:
    found = re.search(rf"\s{name}=(\S*)", line)
    return found[1] if found else None


def read_events(lines: Iterable[str]) -> tuple[list[Event], list[Problem]]:
    """What `EVENTS` prints: of nodes, and of whole clusters what these had in all."""
    found, problems = [], []
    for line in whole(lines):
        try:
            found.append(_event(line.split("|")))
        except ValueError as error:
            problems.append(Problem(line, str(error)))
    return found, problems


def _event(fields: list[str]) -> Event:
    if len(fields) != _WIDTH:
        raise ValueError(f"{len(fields)} fields; expected {_WIDTH}")
    cluster, node, began, ended, state, tres = fields
    if not cluster:
        raise ValueError("it names no cluster")
    start = epoch(began)
    end = None if ended == "Unknown" else epoch(ended)
    if end is not None and end < start:
        raise ValueError("it ends before it starts")
    one = {"node": 1} if node else {}
    return Event(cluster, node, start, end, state, _units(parse_tres(tres) | one))


def epoch(text: str) -> int:
    """A time as sacctmgr prints it here; raises ValueError for any other."""
    if not re.fullmatch(r"\d{1,12}", text, re.ASCII):
        raise ValueError(f"{text!r} is no time in epoch seconds: set SLURM_TIME_FORMAT=%s")
    return int(text)


def whole(lines: Iterable[str]) -> Iterable[str]:
    """Lines that hold anything, without their ends."""
    return (line.rstrip("\n") for line in lines if line.strip())

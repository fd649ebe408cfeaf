"""Nodes and events in the ledger: rows open and close as nodes are seen."""

import pytest

from slurm_finops.core.capacity import Event, Node
from slurm_finops.errors import InputError
from slurm_finops.ledger import capacity
from slurm_finops.ledger.capacity import Changes
from slurm_finops.ledger.store import Ledger
from tests.support import a_ledger


def node(name: str, gpus: int = 8, *partitions: str) -> Node:
    return Node(name, partitions or ("main",), (("gres/gpu:h100", gpus), ("node", 1)))


def see(ledger: Ledger, at: int, *nodes: Node, unclear: tuple[str, ...] = ()) -> Changes:
    with ledger.transaction():
        return capacity.write_nodes(ledger, "alpha", at, nodes, unclear)[0]


def hear(ledger: Ledger, at: int, *events: Event) -> tuple[int, int | None]:
    with ledger.transaction():
        return capacity.write_events(ledger, events, at)


def rows(ledger: Ledger) -> list[tuple[str, int, int | None, int]]:
    """Name, from, until and GPUs."""
    number = capacity.known(ledger.db)["alpha"].cluster_id
    return [
        (had.node, had.start, had.end, had.units["gres/gpu:h100"])
        for had in capacity.nodes(ledger.db, number)
    ]


def down(start: int, end: int | None, name: str = "n1", state: str = "DOWN") -> Event:
    return Event("alpha", name, start, end, state, (("gres/gpu:h100", 8),))


def test_a_node_that_changes_closes_its_row_and_opens_another() -> None:
    ledger = a_ledger()
    assert see(ledger, 10, node("n1"), node("n2")) == Changes(2, 0, 0)
    assert see(ledger, 20, node("n1", 4), node("n3")) == Changes(1, 1, 1)
    assert rows(ledger) == [
        ("n1", 10, 20, 8), ("n1", 20, None, 4), ("n2", 10, 20, 8), ("n3", 20, None, 8),
    ]  # fmt: skip
    # one that comes back is there from then on
    assert see(ledger, 30, node("n1", 4), node("n2"), node("n3")) == Changes(1, 0, 0)
    assert ("n2", 30, None, 8) in rows(ledger)


def test_a_node_in_another_partition_has_changed() -> None:
    ledger = a_ledger()
    see(ledger, 10, node("n1", 8, "a", "b"))
    assert see(ledger, 20, node("n1", 8, "b")) == Changes(0, 1, 0)
    number = capacity.known(ledger.db)["alpha"].cluster_id
    assert [had.partitions for had in capacity.nodes(ledger.db, number)] == [("a", "b"), ("b",)]


def test_seeing_the_same_again_changes_nothing() -> None:
    ledger = a_ledger()
    see(ledger, 10, node("n1"))
    before = rows(ledger)
    assert see(ledger, 10, node("n1")) == see(ledger, 20, node("n1")) == Changes()
    assert rows(ledger) == before
    known = capacity.known(ledger.db)["alpha"]
    assert (known.first, known.last) == (10, 20)


def test_two_looks_at_one_second_leave_the_second_look() -> None:
    ledger = a_ledger()
    see(ledger, 10, node("n1"), node("n2"))
    see(ledger, 10, node("n1", 4))
    assert rows(ledger) == [("n1", 10, None, 4)]


def test_a_node_that_could_not_be_read_stays_as_it_was() -> None:
    ledger = a_ledger()
    see(ledger, 10, node("n1"), node("n2"))
    assert see(ledger, 20, node("n2"), unclear=("n1",)) == Changes()
    assert ("n1", 10, None, 8) in rows(ledger)


def test_nodes_of_an_earlier_time_are_refused_and_nothing_is_written() -> None:
    ledger = a_ledger()
    see(ledger, 20, node("n1"))
    with pytest.raises(InputError, match="seen later already"):
        see(ledger, 10, node("n2"))
    assert rows(ledger) == [("n1", 20, None, 8)]


def test_events_are_stored_once_and_end_once() -> None:
    ledger = a_ledger()
    assert hear(ledger, 100, down(50, None)) == (1, 50)
    assert hear(ledger, 200, down(50, 150)) == (1, 50)
    # older answers, in which it still lasted
    assert hear(ledger, 100, down(50, None))[0] == 0
    known = capacity.known(ledger.db)["alpha"]
    assert known.events_through == 200
    assert list(capacity.events(ledger.db, known.cluster_id)) == [down(50, 150)]
    hear(ledger, 100, down(50, None, state="DRAIN"))
    assert list(capacity.events(ledger.db, known.cluster_id)) == [down(50, 150, state="DRAIN")]


def test_of_a_cluster_without_events_it_is_not_known_what_was_down() -> None:
    ledger = a_ledger()
    see(ledger, 10, node("n1"))
    assert hear(ledger, 100) == (0, None)
    assert capacity.known(ledger.db)["alpha"].events_through is None

"""Pools with units = "slurm": capacity and what was down, against a count in fractions."""

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.capacity import AllocationError, Capacity
from slurm_finops.billing.pricing import price
from slurm_finops.billing.rehearsal import rehearsed
from slurm_finops.billing.utilisation import Utilisation, utilisation
from slurm_finops.core.capacity import Event, Node
from slurm_finops.core.money import TICKS
from slurm_finops.core.pools import SLURM, Pool
from slurm_finops.core.runs import Run
from slurm_finops.ledger.capacity import write_events, write_nodes
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, a_pool, run, shares, terms
from tests.support import JUNE, a_ledger, write

DAYS = 3
NOW = JUNE + DAYS * DAY
#: Both clocks of a test begin here: half an hour before June.
BEFORE = JUNE - HOUR // 2
#: All times of the property tests are whole numbers of these.
STEP = 600
POOL = a_pool(units=SLURM, days=None, beyond="rates")  # type: ignore[arg-type]
H100 = (("partition", "h100"),)


def node(name: str, gpus: int = 8, *partitions: str) -> Node:
    return Node(name, partitions or ("h100",), (("gres/gpu:h100", gpus), ("node", 1)))


def down(name: str, start: int, end: int | None, gpus: int = 8, state: str = "DOWN") -> Event:
    return Event("alpha", name, start, end, state, (("gres/gpu:h100", gpus),))


def registered(start: int, gpus: int | None, end: int | None = None) -> Event:
    units = () if gpus is None else (("gres/gpu:h100", gpus),)
    return Event("alpha", "", start, end, "", units)


def see(ledger: Ledger, at: int, *nodes: Node) -> None:
    with ledger.transaction():
        write_nodes(ledger, "alpha", at, nodes, ())


def hear(ledger: Ledger, *events: Event, at: int = NOW) -> None:
    with ledger.transaction():
        write_events(ledger, [registered(NOW + DAY, 0), *events], at)


def priced(ledger: Ledger, *runs: Run, pool: Pool = POOL, as_of: int = NOW) -> Utilisation:
    write(ledger, *runs)
    price(ledger, terms(pool), as_of)
    (found,) = utilisation(ledger, [pool], CALENDAR, CALENDAR.period("2026-06"))
    return found


class Look(NamedTuple):
    """A collection: when, and the GPUs and the partition of each node."""

    at: int
    nodes: tuple[tuple[str, int, str], ...]


times = st.integers(0, DAYS * DAY // STEP).map(lambda n: JUNE + n * STEP)
names = st.sampled_from(["n1", "n2", "n3"])
looks = st.lists(
    st.lists(st.tuples(names, st.integers(0, 8), st.sampled_from(["h100", "debug"])),
             unique_by=lambda item: item[0], max_size=3), min_size=1, max_size=4,
).flatmap(lambda seen: st.lists(times, min_size=len(seen), max_size=len(seen), unique=True).map(
    lambda at: [Look(BEFORE, (("n1", 8, "h100"),)),
                *(Look(t, tuple(nodes)) for t, nodes in zip(sorted(at), seen, strict=True))]
))  # fmt: skip
downs = st.lists(
    st.builds(down, names, times, st.none() | times, st.just(8),
              st.sampled_from(["DOWN", "DRAINED", "IDLE~"])), max_size=5,
    unique_by=lambda event: (event.node, event.start),
).map(lambda found: [
    event._replace(end=None if event.end is None else max(event.start, event.end))
    for event in found
])  # fmt: skip
runs = st.lists(
    st.tuples(times, st.integers(1, 60), st.integers(1, 12)), max_size=4,
).map(lambda rows: [
    run(i, "nlp", start - JUNE, length * STEP, gpus)
    for i, (start, length, gpus) in enumerate(rows, 1)
])  # fmt: skip


def has(seen: list[Look], time: int, partition: str | None) -> dict[str, int]:
    """GPUs of each node that fits at a time."""
    look = [look for look in seen if look.at <= time][-1]
    return {name: gpus for name, gpus, of in look.nodes if partition in (None, of)}


def is_down(events: list[Event], name: str, time: int) -> bool:
    return any(
        event.node == name and event.state != "IDLE~"
        and event.start <= time and (event.end is None or time < event.end)
        for event in events
    )  # fmt: skip


def told(seen: list[Look], events: list[Event]) -> Ledger:
    ledger = a_ledger()
    for at, nodes in seen:
        see(ledger, at, *(node(name, gpus, of) for name, gpus, of in nodes))
    hear(ledger, *events)
    return ledger


@given(looks, downs, st.sampled_from([None, "h100"]), times, times)
@settings(max_examples=100, deadline=None)
def test_capacity_and_down_time_are_what_nodes_had_step_by_step(
    seen: list[Look], events: list[Event], partition: str | None, one: int, two: int
) -> None:
    start, end = min(one, two), max(one, two)
    pool = replace(POOL, match=H100 if partition else ())
    capacity = Capacity(told(seen, events).db, CALENDAR)
    there = broken = 0
    for time in range(start, end, STEP):
        fits = has(seen, time, partition)
        there += STEP * sum(fits.values())
        broken += STEP * sum(n for name, n in fits.items() if is_down(events, name, time))
    assert (capacity.of(pool, start, end), capacity.down(pool, start, end)) == (there, broken)


@given(looks, downs, runs, st.sampled_from(["hour", "day", "month"]))
@settings(max_examples=60, deadline=None)
def test_pools_bear_and_leave_unused_what_an_hour_by_hour_count_says(
    seen: list[Look], events: list[Event], ran: list[Run], step: str
) -> None:
    pool = replace(POOL, step=step)
    ledger = told(seen, events)
    found = priced(ledger, *ran, pool=pool)
    length = {"hour": HOUR, "day": DAY, "month": DAYS * DAY}[step]
    whole = unused = Fraction(0)
    capacity = broken = 0
    for slot in range(JUNE, NOW, length):
        steps = range(slot, slot + length, STEP)
        room = sum(STEP * sum(has(seen, t, None).values()) for t in steps)
        held = sum(
            STEP * int(one.alloc_tres.rpartition("=")[2])
            for t in steps for one in ran if one.start <= t < one.start + one.elapsed
        )  # fmt: skip
        off = sum(
            STEP * n for t in steps for name, n in has(seen, t, None).items()
            if is_down(events, name, t)
        )  # fmt: skip
        cost = Fraction(8 * TICKS * length, HOUR)
        left = max(room - held, 0)
        unused += cost * left / room if room else cost
        whole, capacity, broken = whole + cost, capacity + room, broken + min(off, left)
    assert (found.capacity_seconds, found.down_seconds) == (capacity, broken)
    assert found.cost_ticks == whole
    # each day's share of a pool is cut to whole ticks
    assert abs(found.unused_ticks - unused) <= 10 * DAYS


def test_a_node_that_is_down_while_a_run_holds_it_is_used() -> None:
    ledger = a_ledger()
    see(ledger, BEFORE, node("n1"))
    hear(ledger, down("n1", JUNE, JUNE + 2 * HOUR))
    # all eight for the first hour, two of them for the second
    found = priced(ledger, run(1, "nlp", 0, HOUR, 8), run(2, "nlp", HOUR, HOUR, 2))
    assert found.down_seconds == 6 * HOUR
    assert found.used_seconds == 10 * HOUR


def test_a_second_node_halves_what_a_used_hour_costs() -> None:
    ledger = a_ledger()
    see(ledger, BEFORE, node("n1"))
    see(ledger, JUNE + DAY, node("n1"), node("n2"))
    found = priced(ledger, run(1, "nlp", 0, 2 * DAY, 8), as_of=JUNE + 2 * DAY)
    by_day = dict(shares(ledger, "day", where="category = 'share'")[i][:2] for i in (0, 1))
    assert by_day == {FIRST: 24 * 8 * TICKS, FIRST + 1: 24 * 4 * TICKS}
    assert found.capacity_seconds == 24 * DAY


def test_a_what_if_knows_the_same_nodes() -> None:
    ledger = a_ledger()
    see(ledger, BEFORE, node("n1"))
    hear(ledger, down("n1", JUNE, JUNE + HOUR))
    found = priced(ledger, run(1, "nlp", 0, DAY, 4))
    june = CALENDAR.period("2026-06")
    with rehearsed(ledger, terms(POOL), june, NOW) as copy:
        assert utilisation(copy, [POOL], CALENDAR, june) == [found]


def test_clusters_are_counted_together_or_one_is_named() -> None:
    ledger = a_ledger()
    see(ledger, BEFORE, node("n1"))
    with ledger.transaction():
        write_nodes(ledger, "beta", BEFORE, [node("n1", 4)], ())
    for match, gpus in (((), 12), ((("cluster", "alpha"),), 8), ((("cluster", "beta"),), 4)):
        pool = replace(POOL, match=match)
        assert Capacity(ledger.db, CALENDAR).of(pool, JUNE, NOW) == gpus * (NOW - JUNE)


def test_of_fixed_units_nothing_is_said_of_what_was_down() -> None:
    found = priced(a_ledger(), pool=a_pool(units=8))
    assert (found.down_seconds, found.capacity_seconds) == (None, 8 * DAYS * DAY)


def test_what_was_down_is_not_known_of_days_that_events_do_not_reach() -> None:
    ledger = a_ledger()
    see(ledger, BEFORE, node("n1"))
    hear(ledger, down("n1", JUNE, None), at=JUNE + 2 * DAY)
    assert priced(ledger, as_of=JUNE + 2 * DAY).down_seconds == 8 * 2 * DAY
    found = priced(ledger)
    assert (found.down_seconds, found.capacity_seconds) == (None, 8 * DAYS * DAY)


def test_the_past_of_a_cluster_is_what_it_registered() -> None:
    ledger = a_ledger()
    # the controller is away for an hour: its nodes are not
    hear(ledger, registered(BEFORE, 4, JUNE + DAY - HOUR), registered(JUNE + DAY, 12),
         down("n7", JUNE, JUNE + HOUR, gpus=4))  # fmt: skip
    see(ledger, JUNE + 2 * DAY, node("n1"))
    found = priced(ledger)
    assert (found.capacity_seconds, found.down_seconds) == ((4 + 12 + 8) * DAY, 4 * HOUR)


def test_nodes_that_a_cluster_registered_and_that_were_away_were_not_there() -> None:
    ledger = a_ledger()
    # c1 is a cloud node and f1 a future one; n1 was switched off for a day, and is owned
    hear(
        ledger, registered(BEFORE, 24), down("c1", BEFORE - HOUR, JUNE + DAY, state="IDLE~"),
        down("f1", BEFORE, None, state="FUTR"), down("n1", JUNE, JUNE + DAY, state="IDLE~"),
    )  # fmt: skip
    see(ledger, JUNE + 2 * DAY, node("n1"), node("n2", 1))
    found = priced(ledger)
    assert (found.capacity_seconds, found.down_seconds) == ((8 + 16 + 9) * DAY, 0)


@pytest.mark.parametrize("events, said", [
    ((), "only from 2026-06-02T00:00:00+00:00 on"),
    # before accounting knew the SKU nothing is told of it
    ((registered(BEFORE, None), registered(JUNE + HOUR, 8)), "only from 2026-06-01T01:00:00"),
])  # fmt: skip
def test_a_time_before_anything_was_known_is_an_error_with_the_way_out(
    events: tuple[Event, ...], said: str
) -> None:
    ledger = a_ledger()
    see(ledger, JUNE + DAY, node("n1"))
    hear(ledger, *events)
    with pytest.raises(AllocationError) as error:
        priced(ledger)
    assert said in str(error.value)
    assert "slurm-finops collect nodes" in str(error.value)
    assert "(reserved)" in str(error.value)


def test_the_past_of_a_partition_is_not_known_from_what_the_cluster_registered() -> None:
    ledger = a_ledger()
    hear(ledger, registered(BEFORE, 8))
    see(ledger, JUNE + DAY, node("n1"))
    with pytest.raises(AllocationError, match="not of its partitions"):
        priced(ledger, pool=replace(POOL, match=H100))


@pytest.mark.parametrize("match, said", [
    ((("cluster", "beta"),), "no nodes of beta are known yet; run: slurm-finops collect nodes"),
    ((("partition", "h1OO"),), "no node of partition h1OO has had gres/gpu:h100"),
])  # fmt: skip
def test_a_pool_that_no_node_fits_is_an_error(match: tuple[tuple[str, str]], said: str) -> None:
    ledger = a_ledger()
    see(ledger, BEFORE, node("n1"))
    with pytest.raises(AllocationError, match=said):
        priced(ledger, pool=replace(POOL, match=match))


def test_nothing_collected_yet_is_an_error() -> None:
    with pytest.raises(AllocationError, match="run: slurm-finops collect nodes"):
        priced(a_ledger())


def test_more_in_use_than_the_nodes_had_is_an_error_that_says_so() -> None:
    ledger = a_ledger()
    see(ledger, BEFORE, node("n1"))
    with pytest.raises(AllocationError, match=r"nodes had 8\.00, and 9\.00 were"):
        priced(ledger, run(1, "nlp", 0, HOUR, 9), pool=replace(POOL, beyond="error"))

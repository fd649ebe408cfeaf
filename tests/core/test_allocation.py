"""Pools by use: every tick of a pool has one bearer, and each unit-second the same price."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.allocation import Class, Slots, cover, covered, share
from slurm_finops.core.money import TICKS

ONE = Class((0,))
slots = st.integers(1, 4)


@st.composite
def scenes(draw: st.DrawFn) -> tuple[dict[int, Slots], dict[Class, list[int]]]:
    """Up to three pools over some slots, and use by classes of any chain of them."""
    width = draw(slots)
    amount = st.lists(st.integers(0, 10**13), min_size=width, max_size=width)
    held = st.lists(st.integers(0, 40_000), min_size=width, max_size=width)
    pools = {
        number: Slots(draw(amount), draw(st.none() | held), draw(st.booleans()))
        for number in range(draw(st.integers(1, 3)))
    }
    chains = st.lists(st.sampled_from(sorted(pools)), min_size=1, unique=True).map(sorted)
    kinds = draw(st.lists(chains, max_size=4))
    classes = {
        Class(tuple(chain), frozenset(n for n in chain if draw(st.booleans()))) for chain in kinds
    }
    return pools, {one: draw(held) for one in sorted(classes, key=repr)}


@given(scenes())
def test_price_by_use_and_unused_is_the_cost_of_each_slot(scene) -> None:  # type: ignore[no-untyped-def]
    pools, use = scene
    found = cover(pools, use)
    for number, pool in pools.items():
        for slot, cost in enumerate(pool.costs):
            borne = sum(
                units[slot] * found.price[number, one][slot]
                for one, units in use.items() if number in one.chain
            )  # fmt: skip
            assert borne + found.unused[number][slot] == cost


@given(scenes())
def test_use_is_covered_once_and_no_pool_covers_more_than_it_has(scene) -> None:  # type: ignore[no-untyped-def]
    pools, use = scene
    found = cover(pools, use)
    for one, units in use.items():
        for slot in range(len(units)):
            parts = [found.part[number, one][slot] for number in one.chain]
            assert sum(parts) + found.beyond[one][slot] == 1
            assert min(*parts, found.beyond[one][slot]) >= 0
    for number, pool in pools.items():
        for slot, capacity in enumerate(pool.capacity or ()):
            covered = sum(
                units[slot] * found.part[number, one][slot]
                for one, units in use.items() if number in one.chain
            )  # fmt: skip
            assert covered <= capacity


@given(scenes())
def test_use_goes_beyond_only_what_is_full(scene) -> None:  # type: ignore[no-untyped-def]
    pools, use = scene
    found = cover(pools, use)
    for one, units in use.items():
        for slot, held in enumerate(units):
            if held and found.beyond[one][slot]:
                assert all(
                    pools[number].capacity is not None
                    and found.unused[number][slot] * pools[number].capacity[slot] == 0
                    for number in one.chain
                )


def test_a_unit_second_costs_the_same_for_all_and_what_is_idle_is_left() -> None:
    hour = 8 * 3600
    found = cover({0: Slots([80 * TICKS], [hour])}, {ONE: [hour // 4]})
    assert found.price[0, ONE] == [Fraction(80 * TICKS, hour)]
    assert found.unused[0] == [60 * TICKS]


def test_a_share_of_the_bill_leaves_nothing_unused() -> None:
    found = cover({0: Slots([80 * TICKS, 80 * TICKS], None)}, {ONE: [100, 0]})
    assert found.price[0, ONE] == [Fraction(80 * TICKS, 100), 0]
    # but for a time without any use at all
    assert found.unused[0] == [0, 80 * TICKS]


def test_what_is_beyond_one_pool_is_use_for_the_next() -> None:
    both = Class((0, 1))
    found = cover({0: Slots([10], [100]), 1: Slots([30], [60])}, {both: [200]})
    assert found.part[0, both] == [Fraction(1, 2)]
    assert found.part[1, both] == [Fraction(60, 200)]
    assert found.beyond[both] == [Fraction(40, 200)]


def test_the_buyers_own_use_comes_first_where_the_rule_says_so() -> None:
    buyer, other = Class((0,), frozenset({0})), ONE
    pools = {0: Slots([100], [100], buyer_first=True)}
    found = cover(pools, {buyer: [80], other: [80]})
    assert (found.part[0, buyer], found.part[0, other]) == ([1], [Fraction(20, 80)])
    found = cover({0: pools[0]._replace(buyer_first=False)}, {buyer: [80], other: [80]})
    assert (found.part[0, buyer], found.part[0, other]) == ([Fraction(5, 8)], [Fraction(5, 8)])


two = st.lists(st.integers(0, 99), min_size=2, max_size=2)


@given(
    st.dictionaries(st.text("abc", min_size=1), two),
    st.lists(st.fractions(0, 10**6), min_size=2, max_size=2), st.fractions(0, 10**9),
)  # fmt: skip
def test_whole_ticks_sum_and_lie_within_one_of_what_they_are_worth(
    use: dict[str, list[int]], price: list[Fraction], unused: Fraction
) -> None:
    worth = {
        key: sum((u * p for u, p in zip(units, price, strict=True)), Fraction(0))
        for key, units in use.items()
    }
    total = round(sum(worth.values(), unused))
    found = share(total, use, dict.fromkeys(use, price), unused)
    assert sum(found.ticks.values()) + found.unused == total
    assert all(abs(found.ticks[key] - worth[key]) < 1 for key in use)
    backwards = share(total, dict(reversed(use.items())), dict.fromkeys(use, price), unused)
    assert backwards.ticks == found.ticks


def test_one_hour_of_a_node_by_tokens_loses_no_cent() -> None:
    # 31.36 an hour; 12.544, 7.84, 4.704, 3.7632 and 2.5088, each rounded alone, sum to 31.35
    use = {"cv": [25], "nlp": [40], "platform": [15], "product": [8], "research": [12]}
    price = [Fraction(3136, 100)]
    found = share(3136, use, dict.fromkeys(use, price), Fraction(0))
    assert found.ticks == {
        "cv": 784, "nlp": 1255, "platform": 470, "product": 251, "research": 376,
    }  # fmt: skip


def test_whole_unit_seconds_of_a_part_sum_to_the_whole() -> None:
    use = {"a": [10, 20], "b": [5, 5]}
    assert covered(use, {key: [Fraction(1), Fraction(1)] for key in use}) == {"a": 30, "b": 10}
    found = covered(use, {key: [Fraction(1, 2), Fraction(1, 4)] for key in use})
    assert found == {"a": 10, "b": 4}

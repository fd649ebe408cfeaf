"""Pools as rates: use that one may cover is priced at nothing, while one is there."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest

from slurm_finops.core.accrual import Cost
from slurm_finops.core.period import Calendar
from slurm_finops.core.pools import SLURM, Overhead, Pool, Spread, check_pools, pool_rates
from slurm_finops.core.rates import Rate, RateBook, RateError

UTC = Calendar(ZoneInfo("UTC"))
H100 = "gres/gpu:h100"
JUNE, JULY, AUGUST = (UTC.period(f"2026-{month:02d}") for month in (6, 7, 8))
ON_DEMAND = Rate(H100, 3_920_000, 0)
SPOT = Rate(H100, 2_910_000, 0, pricing="spot", match=(("partition", "spot"),))


def a_pool(name: str = "reserved", first: int = JUNE.first, last: int | None = JULY.last,
           **more: object) -> Pool:  # fmt: skip
    cost = Cost("hourly", 1, "hour", 0, 1)
    pool = Pool(name, "reserved", ((H100, 1),), 8, (cost,), first, last, where="pools[1]")
    return replace(pool, **more)  # type: ignore[arg-type]


def kinds(rates: list[Rate], partition: str = "h100") -> list[tuple[int, str | None]]:
    """``(from, kind of pricing)`` of a run's segments."""
    segments = RateBook(rates).segments(H100, {"partition": partition, "cluster": "alpha"})
    return [(s.start, s.card.pricing if s.card else None) for s in segments[1:]]


def test_a_pool_comes_before_the_on_demand_rate_and_only_while_it_lasts() -> None:
    rates = [ON_DEMAND, *pool_rates([a_pool()], UTC)]
    assert kinds(rates) == [
        (0, "on_demand"), (JUNE.start, "committed"), (JULY.end, "on_demand"),
    ]  # fmt: skip
    segment = RateBook(rates).segments(H100, {})[2]
    assert segment.curve.price_at(JUNE.start) == 0  # type: ignore[union-attr]
    assert segment.list_curve.price_at(JUNE.start) == 3_920_000  # type: ignore[union-attr]


def test_without_any_rate_what_the_pool_does_not_last_for_is_unpriced() -> None:
    assert kinds(pool_rates([a_pool()], UTC)) == [(JUNE.start, "committed"), (JULY.end, None)]
    assert kinds(pool_rates([a_pool(last=None)], UTC)) == [(JUNE.start, "committed")]


def test_a_rate_with_more_match_keys_still_wins() -> None:
    rates = [ON_DEMAND, SPOT, *pool_rates([a_pool()], UTC)]
    assert {kind for _, kind in kinds(rates, "spot")} == {"spot"}


def test_pools_that_follow_each_other_are_one_stretch() -> None:
    after = a_pool("renewed", JULY.last, AUGUST.last)
    rates = pool_rates([after, a_pool()], UTC)
    assert [(rate.start, rate.pricing) for rate in rates] == [
        (JUNE.start, "committed"), (AUGUST.end, ""),
    ]  # fmt: skip
    check_pools([after, a_pool()])


@pytest.mark.parametrize(("other", "why"), [
    (a_pool("other"), "could both cover one run at the same time"),
    (a_pool("other", match=(("cluster", "alpha"),), step="day"), "differ in step"),
    (a_pool("other", rank=1, use=((H100, 2),)), "a SKU must take as much of both"),
    (a_pool("other", rank=1, units=SLURM), "the nodes of one would be counted for the other"),
])  # fmt: skip
def test_pools_at_odds_are_named(other: Pool, why: str) -> None:
    with pytest.raises(RateError, match=why) as error:
        check_pools([a_pool(), other])
    assert "pools[1] (reserved)" in str(error.value)


@pytest.mark.parametrize("other", [
    a_pool("other", rank=1),
    a_pool("other", match=(("partition", "spot"),)),
    a_pool("other", use=(("gres/gpu:a100", 1),)),
    a_pool("other", first=JULY.last, last=None),
])  # fmt: skip
def test_pools_that_cannot_both_cover_a_run_or_are_ranked_stand_together(other: Pool) -> None:
    one = a_pool(match=(("partition", "h100"),)) if other.match else a_pool()
    check_pools([one, other])


def test_what_is_covered_first_has_more_match_keys_then_the_higher_rank() -> None:
    pools = [a_pool("b"), a_pool("a"), a_pool("c", rank=1), a_pool("d", match=(("qos", "x"),))]
    assert [p.name for p in sorted(pools, key=lambda pool: pool.order)] == ["d", "c", "a", "b"]


def test_shared_services_are_named_by_account_partition_or_user() -> None:
    rule = Overhead("services", ("ops-*",), ("monitoring",), ("prometheus",), Spread("even"))
    assert rule.matches("ops-web", "h100", "x")
    assert rule.matches("nlp", "monitoring", "x")
    assert rule.matches("nlp", "h100", "prometheus")
    assert not rule.matches("nlp", "h100", "x")

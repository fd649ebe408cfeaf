"""The laws of allocation: all owners' costs are the bills, to the tick, whatever the mix."""

from collections import defaultdict
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.accrual import accrued
from slurm_finops.core.money import TICKS
from slurm_finops.core.pools import METHODS, Spread
from slurm_finops.core.runs import Run
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import DIMENSIONS, Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import (
    CALENDAR,
    DAY,
    FIRST,
    HOUR,
    a_credit,
    a_line,
    a_pool,
    run,
    services,
    shares,
    terms,
)
from tests.support import JUNE, a_ledger, write

DAYS = 4
NOW = JUNE + DAYS * DAY
ALL = Scope(FIRST - 1, FIRST + DAYS + 5)
teams = st.sampled_from(["nlp", "cv", "ops", ""])
some_runs = st.lists(
    st.tuples(teams, st.integers(0, 3 * DAY), st.integers(1, 30 * HOUR), st.integers(1, 4),
              st.sampled_from(["h100", "spot"])), max_size=8,
).map(lambda rows: [
    run(i, team, start, length, gpus, partition=partition)
    for i, (team, start, length, gpus, partition) in enumerate(rows, 1)
])  # fmt: skip
spreads = st.builds(
    Spread, st.sampled_from(METHODS), st.sampled_from(["gpu_hours", "cost"]),
    st.just((("cv", 2), ("new", 1))), st.none() | st.just("ops"), st.sampled_from(["day", "month"]),
)  # fmt: skip
pools = st.builds(
    a_pool, hourly=st.integers(0, 50 * TICKS), units=st.none() | st.integers(1, 6),
    days=st.none() | st.integers(1, 5), step=st.sampled_from(["hour", "day", "month"]),
    kind=st.sampled_from(["reserved", "owned"]), unused=spreads,
    match=st.sampled_from([(), (("partition", "h100"),)]),
)  # fmt: skip


@st.composite
def sites(draw: st.DrawFn) -> Terms:
    """One or two pools (a second is ranked above), rules, lines and credits."""
    found = draw(st.lists(pools, max_size=2))
    if len(found) == 2:
        more = {"name": "second", "rank": 1, "step": found[0].step}
        found[1] = found[1].__class__(**{**vars(found[1]), **more})
    buyers = [p.__class__(**{**vars(p), "buyer": "nlp", "buyer_first": p.units is not None})
              if draw(st.booleans()) else p for p in found]  # fmt: skip
    lines = draw(st.none() | st.builds(
        a_line, st.integers(0, 10**13), spreads, st.none() | st.just(Tags(team="cv", model="m"))))
    credit = draw(st.none() | st.builds(
        a_credit, st.integers(0, 10**13), st.none() | st.just("nlp")))
    overhead = draw(st.none() | st.builds(
        services, st.sampled_from(["even", "proportional"]), st.sampled_from(["gpu_hours", "cost"]),
        st.none() | st.just("cv")))  # fmt: skip
    return terms(
        *buyers, lines=(lines,) if lines else (), credits=(credit,) if credit else (),
        overhead=(overhead,) if overhead else (),
    )  # fmt: skip


def settled(runs: list[Run], site: Terms) -> Ledger:
    ledger = a_ledger()
    write(ledger, *runs)
    price(ledger, site, NOW)
    return ledger


def bills(ledger: Ledger, site: Terms) -> int:
    """Every bill of the days that have ended, in ticks."""
    (rated,) = ledger.db.execute("SELECT ifnull(SUM(effective_ticks), 0) FROM charges").fetchone()
    beyond = sum(row[-2] for row in shares(ledger, "category", where="category = 'beyond'"))
    what = site.allocation
    costs = [cost for pool in what.pools if pool.last is None or pool.last >= FIRST + DAYS
             for cost in pool.costs]  # fmt: skip
    costs += [one.cost for one in (*what.lines, *what.credits)]
    ended = [
        accrued(pool.costs[0], JUNE, JUNE + (pool.last - FIRST) * DAY, CALENDAR)
        for pool in what.pools if pool.last is not None and pool.last < FIRST + DAYS
    ]  # fmt: skip
    return rated + beyond + sum(accrued(c, JUNE, NOW, CALENDAR) for c in costs) + sum(ended)


@given(some_runs, sites())
@settings(max_examples=150)
def test_the_costs_of_all_owners_are_the_sum_of_the_bills(runs: list[Run], site: Terms) -> None:
    ledger = settled(runs, site)
    total = sum(row.effective_ticks for row in spend(ledger.db, ALL, ("team",)))
    assert total == bills(ledger, site)


@given(some_runs, sites())
@settings(max_examples=50)
def test_every_way_to_look_at_it_has_the_same_total(runs: list[Run], site: Terms) -> None:
    ledger = settled(runs, site)
    sums = {
        name: [sum(column) for column in zip(*(row[3:6] for row in spend(ledger.db, ALL, (name,))),
                                             strict=True)] or [0, 0, 0]
        for name in DIMENSIONS
    }  # fmt: skip
    assert len({tuple(total) for total in sums.values()}) == 1, sums


@given(some_runs, sites())
@settings(max_examples=100)
def test_the_parts_of_an_origin_over_a_window_add_to_the_whole(
    runs: list[Run], site: Terms
) -> None:
    ledger = settled(runs, site)
    parts: dict[tuple[object, ...], int] = defaultdict(int)
    for *what, units, rest, effective, billed in shares(
        ledger, "name", "category", "window", "of_units", "of_ticks"
    ):
        parts[(*what, units * TICKS + rest)] += billed if "purchase" in what else effective
    for (name, category, window, whole), total in parts.items():
        assert total == whole, (name, category, window)
    assert len({key[:-1] for key in parts}) == len(parts)


@given(some_runs, sites())
@settings(max_examples=60)
def test_night_by_night_comes_to_the_same_as_once_at_the_end(runs: list[Run], site: Terms) -> None:
    ledger = a_ledger()
    for day in range(1, DAYS + 1):
        tonight = JUNE + day * DAY
        write(ledger, *(
            one if one.end <= tonight else one._replace(
                state="RUNNING", provisional=True, end=None, elapsed=tonight - one.start)
            for one in runs if one.start < tonight
        ))  # fmt: skip
        price(ledger, site, tonight)
    columns = "day", "name", "category", "team", "project", "partition", "method", "unit_seconds"
    at_end = settled([r._replace(elapsed=min(r.elapsed, NOW - r.start)) for r in runs], site)
    kept = f"day < {FIRST + DAYS}"
    assert shares(ledger, *columns, where=kept) == shares(at_end, *columns, where=kept)


def by_hour(runs: list[Run], hour: int) -> dict[str, int]:
    """Unit-seconds by team in an hour of June, run by run."""
    held: dict[str, int] = defaultdict(int)
    start = JUNE + hour * HOUR
    for one in runs:
        overlap = min(one.start + one.elapsed, start + HOUR) - max(one.start, start)
        gpus = int(one.alloc_tres.partition("=")[2].partition(",")[0])
        if overlap > 0 and one.partition == "h100":
            held[one.account] += gpus * overlap
    return held


@given(some_runs, st.integers(1, 6) | st.none(), st.integers(1, 50 * TICKS))
@settings(max_examples=100)
def test_shares_are_what_an_hour_by_hour_calculation_says(
    runs: list[Run], units: int | None, hourly: int
) -> None:
    pool = a_pool(units=units, hourly=hourly, match=(("partition", "h100"),))
    ledger = settled(runs, terms(pool))
    exact: dict[str, Fraction] = defaultdict(Fraction)
    beyond: dict[str, Fraction] = defaultdict(Fraction)
    for hour in range(24 * DAYS):
        held = by_hour(runs, hour)
        used = sum(held.values())
        whole = max(used, units * HOUR) if units else used
        for account, seconds in held.items():
            exact[account] += Fraction(hourly * seconds, whole)
            if units and used > units * HOUR:
                over = Fraction(seconds * (used - units * HOUR), used)
                beyond[account] += over * 3_920_000
    for category, expected in (("share", exact), ("beyond", beyond)):
        found = dict.fromkeys(expected, 0)
        for team, _, ticks, _ in shares(ledger, "team", "category",
                                        where=f"category = '{category}'"):  # fmt: skip
            found[team or "nobody"] += ticks
        assert all(abs(found[name] - cost) < 2 * DAYS for name, cost in expected.items())
    # what is beyond is cut down, as every run's own cost is
    assert all(found[name] <= cost for name, cost in beyond.items())

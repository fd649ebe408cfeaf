"""The laws of charging: what every second costs, however runs arrive and policies change."""

from collections import defaultdict
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.core.rates import RateError
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.billing.moments import PARTS, costs
from tests.billing.pools import DAY, shares
from tests.billing.sites import GPU, H100, Site, changes, sites, some_runs
from tests.support import JUNE, a_ledger, write

NOW = JUNE + 6 * DAY
#: Charges by what things are called, for ids come in the order of arrival.
CHARGES = """
SELECT day, job_id_raw, submit, skus.name, cards.sku, cards.match, cards.rank, cards.pricing,
  cards.policy, team, project, quantity, seconds, list_ticks, contracted_ticks, effective_ticks,
  billed_ticks, rounded_ticks, forgiven_ticks, subsidised_ticks
FROM charges JOIN jobs ON jobs.id = usage_id JOIN skus ON skus.id = sku_id
  JOIN tag_sets ON tag_sets.id = charges.tag_set_id
  LEFT JOIN rate_cards AS cards ON cards.id = rate_card_id
ORDER BY day, job_id_raw, submit, skus.name, rate_card_id <> 0, cards.sku, cards.match,
  cards.rank, cards.pricing, cards.policy
"""
SHARES = ("day", "name", "category", "team", "project", "partition", "method", "unit_seconds")


def charged(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    """All that a ledger says anybody owes."""
    return {
        "charges": ledger.db.execute(CHARGES).fetchall(), "shares": shares(ledger, *SHARES),
    }  # fmt: skip


EMPTY = a_ledger()


def fresh() -> Ledger:
    """An empty ledger, copied: its tables are made in a tenth of the time."""
    ledger = Ledger._connect(":memory:")
    EMPTY.db.backup(ledger.db)
    return ledger


def settled(runs: list[Run], site: Site) -> Ledger:
    ledger = fresh()
    write(ledger, *runs)
    priced(ledger, site)
    return ledger


def priced(ledger: Ledger, site: Site, now: int = NOW) -> None:
    try:
        terms = site.terms
        assert terms.book
    except RateError:
        assume(False)
    price(ledger, terms, now)


def by_day(ledger: Ledger) -> dict[tuple[int, int, int, str], dict[str, Any]]:
    """``(day, job, submit, SKU)`` -> sums of its charges; None where one is unpriced."""
    names = ("seconds", "listed", "contracted", "effective", "billed", "rounded", "forgiven",
             "subsidised")  # fmt: skip
    found: dict[Any, dict[str, Any]] = defaultdict(lambda: dict.fromkeys(names, 0) | {"none": 0})
    for day, job, submit, sku, *_, seconds, listed, contracted, effective, billed, rounded, \
            forgiven, subsidised in ledger.db.execute(CHARGES):  # fmt: skip
        row = (seconds, listed, contracted, effective, billed, rounded, forgiven, subsidised)
        for name, value in zip(names, row, strict=True):
            found[day, job, submit, sku][name] += value or 0
        found[day, job, submit, sku]["none"] += effective is None
    return found


@given(some_runs, sites())
@settings(max_examples=60)
def test_every_run_costs_what_its_seconds_cost(runs: list[Run], site: Site) -> None:
    found = by_day(settled(runs, site))
    for run in runs:
        for (day, sku), cost in costs(site, run).items():
            mine = found.pop((day, run.job_id_raw, run.submit, sku), None)
            if mine is None:  # nothing to bill until a rate names it
                assert cost.unpriced, (day, sku)
                assert sku not in (GPU, H100), (day, sku)
                continue
            where = (day, sku, mine, cost)
            assert mine["seconds"] == cost.seconds or sku not in (GPU, H100), where
            assert bool(mine["none"]) == cost.unpriced or sku not in (GPU, H100), where
            for part in PARTS:
                allowed = cost.slack * (2 if part in ("forgiven", "subsidised") else 1)
                assert abs(mine[part] - cost.ticks[part]) <= allowed, (part, where)
            assert abs(mine["rounded"] - cost.rounded) <= cost.slack, where
    assert not found


@given(some_runs, sites())
@settings(max_examples=25)
def test_what_is_effective_is_billed_forgiven_or_subsidised(runs: list[Run], site: Site) -> None:
    ledger = settled(runs, site)
    effective, billed, forgiven, subsidised, odd = ledger.db.execute(
        "SELECT sum(effective_ticks), sum(billed_ticks), sum(forgiven_ticks), "
        "sum(subsidised_ticks), count(*) FILTER (WHERE effective_ticks IS NULL AND "
        "(rounded_ticks, forgiven_ticks, subsidised_ticks) <> (0, 0, 0)) FROM charges"
    ).fetchone()
    assert (effective or 0) == (billed or 0) + (forgiven or 0) + (subsidised or 0)
    assert odd == 0


@given(some_runs, sites(), st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_arrival_changes_nothing(runs: list[Run], site: Site, chance: Any) -> None:
    """Shuffled and in batches; what ended may have been seen while it ran."""
    at_once = charged(settled(runs, site))
    ledger = fresh()
    arriving = list(runs)
    for run in runs:
        if not run.provisional and run.elapsed > 1 and chance.random() < 0.5:
            part = run.elapsed // 2
            arriving.append(run._replace(
                state="RUNNING", provisional=True, end=None, elapsed=part, suspended=0))
    chance.shuffle(arriving)
    while arriving:
        size = chance.randint(1, 3)
        write(ledger, *arriving[:size])
        del arriving[:size]
        priced(ledger, site, NOW)
    assert charged(ledger) == at_once


@given(some_runs, sites())
@settings(max_examples=25)
def test_night_by_night_comes_to_the_same_as_once(runs: list[Run], site: Site) -> None:
    ledger = fresh()
    for day in range(7):
        tonight = JUNE + day * DAY
        write(ledger, *(
            run if run.start + run.elapsed <= tonight else run._replace(
                state="RUNNING", provisional=True, end=None, elapsed=tonight - run.start,
                suspended=0)
            for run in runs if run.start < tonight
        ))  # fmt: skip
        priced(ledger, site, tonight)
    assert charged(ledger) == charged(settled(runs, site))


@given(some_runs, sites())
@settings(max_examples=15)
def test_pricing_again_changes_nothing(runs: list[Run], site: Site) -> None:
    ledger = settled(runs, site)
    before, written = charged(ledger), ledger.db.total_changes
    audited = ledger.db.execute("SELECT count(*) FROM audit").fetchone()
    found = price(ledger, site.terms, NOW)
    assert (found.new, found.again) == (0, 0)
    assert charged(ledger) == before
    assert ledger.db.execute("SELECT count(*) FROM audit").fetchone() == audited
    assert ledger.db.total_changes - written < 3


@given(some_runs, changes())
@settings(max_examples=60)
def test_a_change_of_the_policy_is_as_if_it_had_always_been(
    runs: list[Run], both: tuple[Site, Site]
) -> None:
    one, two = both
    ledger = settled(runs, one)
    before = charged(ledger)
    priced(ledger, two)
    assert charged(ledger) == charged(settled(runs, two))
    priced(ledger, one)
    assert charged(ledger) == before



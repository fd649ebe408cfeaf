"""What nobody used of reservations, against a count second by second in fractions."""

from collections import defaultdict
from fractions import Fraction
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.core.rates import Rate
from slurm_finops.core.reservations import IdleRule, Reservation
from slurm_finops.core.runs import Run
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import DAY, FIRST, HOUR, run
from tests.billing.reservations import (
    ALICE,
    CV,
    NLP,
    NOBODY,
    course,
    idle,
    nodes,
    show,
    site,
    total,
)
from tests.support import JUNE, a_ledger, write

#: All happens around the midnight after the first of June, seconds into June.
SINCE, UNTIL = DAY - HOUR - 900, DAY + HOUR + 700
END = 2 * DAY
H100, A100 = "gres/gpu:h100", "gres/gpu:a100"
#: what the nodes have, before and from a time on at which they were looked at again
CHANGE = DAY + 1234
HAVE = {"n1": {H100: 4}, "n2": {H100: 2, A100: 1}, "n3": {A100: 3}}
HAVE_THEN = HAVE | {"n2": {H100: 1}}
#: (from, micro-units an hour for `per` units)
PRICES = {H100: ((0, 3_920_000, 3), (DAY - 100, 2_500_001, 1)), A100: ((DAY - 2000, 700_003, 7),)}
RATES = tuple(
    Rate(sku, micros, JUNE + at if at else 0, per, where=f"{sku} {at}")
    for sku, steps in PRICES.items() for at, micros, per in steps
)  # fmt: skip
RULES = (
    IdleRule("courses", "course-*", share=Fraction(2, 3), first=FIRST),
    IdleRule("rest", first=FIRST),
)
SITE = site(*RULES, rates=RATES)
TEAM = {NLP: "nlp", ALICE: "nlp", CV: "cv", NOBODY: None}

moments = st.integers(SINCE, UNTIL)
spans = st.tuples(moments, moments).filter(lambda span: span[0] < span[1])


class Site(NamedTuple):
    """Reservations and runs; each reservation as it was planned and as it came to be."""

    planned: list[Reservation]
    came: list[Reservation]
    runs: list[Run]


@st.composite
def sites(draw: st.DrawFn) -> Site:
    planned, came = [], []
    for number in range(draw(st.integers(1, 3))):
        start, end = draw(spans)
        holders = draw(st.lists(st.sampled_from([*TEAM]), min_size=1, max_size=3, unique=True))
        names = draw(st.lists(st.sampled_from([*HAVE]), min_size=1, unique=True))
        one = course(
            start, end, *sorted(holders), number=number, nodes=",".join(names),
            name=["course-a", "course-b", "exam"][number],
            tres=draw(st.sampled_from(["cpu=192", "cpu=192", "cpu=1", f"cpu=64,{H100}=2"])),
        )  # fmt: skip
        # planned for longer, and deleted; or given other nodes on the way
        planned.append(one._replace(end=one.end + draw(st.sampled_from([0, 5000]))))
        middle = draw(st.none() | st.integers(start, end))
        if middle is None or not start < middle < end:
            came.append(one)
        else:
            came += one._replace(end=JUNE + middle), one._replace(start=JUNE + middle, nodes="n1")
    rows = draw(st.lists(st.tuples(
        spans, st.integers(1, 5), st.sampled_from([H100, A100]),
        st.sampled_from(["course-a", "course-b", "exam", ""]),
    ), max_size=5))  # fmt: skip
    runs = [
        run(i, "nlp", a, b - a, reservation=name, alloc_tres=f"gres/gpu={n},{sku}={n}")
        for i, ((a, b), n, sku, name) in enumerate(rows, 1)
    ]
    return Site(planned, came, runs)


def seen(ledger: Ledger) -> Ledger:
    nodes(ledger, 0, *HAVE.items(), cpu=64)
    nodes(ledger, CHANGE, *HAVE_THEN.items(), cpu=64)
    return ledger


def settled(one: Site) -> Ledger:
    ledger = seen(a_ledger())
    show(ledger, SITE, END, *one.came)
    write(ledger, *one.runs)
    price(ledger, SITE, JUNE + END)
    return ledger


def price_at(sku: str, second: int) -> Fraction:
    """Micro-units an hour for a unit: a tick is what it costs for a second."""
    steps = [Fraction(micros, per) for at, micros, per in PRICES[sku] if at <= second]
    return steps[-1] if steps else Fraction(0)


def held_back(one: Reservation, second: int) -> dict[str, int]:
    """Units at a second, by what the nodes had then."""
    if H100 in one.tres:
        return {H100: 2}
    if one.tres == "cpu=1":
        return {}
    found: dict[str, int] = defaultdict(int)
    for name in one.nodes.split(","):
        for sku, count in (HAVE if second < CHANGE else HAVE_THEN)[name].items():
            found[sku] += count
    return found


def exact(one: Site) -> dict[tuple[str, str | None], Fraction]:
    """What each rule comes to by team: every hour of every reservation, second by second."""
    found: dict[tuple[str, str | None], Fraction] = defaultdict(Fraction)
    for booked in one.came:
        rule = next(rule for rule in RULES if rule.matches(booked.name, ()))
        mine = [r for r in one.runs if r.reservation == booked.name]
        teams = {TEAM[holder] for holder in booked.holders} - {None} or {None}
        for hour in range(SINCE // HOUR, UNTIL // HOUR + 1):
            seconds = [
                t for t in range(hour * HOUR, (hour + 1) * HOUR)
                if booked.start <= JUNE + t < booked.end
            ]  # fmt: skip
            left: dict[str, int] = defaultdict(int)
            prices: dict[str, Fraction] = defaultdict(Fraction)
            for t in seconds:
                for sku, units in held_back(booked, t).items():
                    left[sku] += units
                for sku in PRICES:
                    prices[sku] += price_at(sku, t)
                for r in mine:
                    if r.start <= JUNE + t < r.start + r.elapsed:
                        count, sku = r.alloc_tres.partition(",")[2].rpartition("=")[::-2]
                        left[sku] -= int(count)
            extra = sum(-units for sku, units in left.items()
                        if units < 0 and not any(sku in held_back(booked, t) for t in seconds))
            for sku in sorted(left):
                units = max(0, left[sku])
                taken = min(units, extra)
                extra -= taken
                for team in teams:
                    cost = prices[sku] * (units - taken) / len(seconds) * rule.share
                    found[rule.name, team] += cost / len(teams)
    return found


@given(sites())
@settings(max_examples=40)
def test_each_team_bears_what_a_count_second_by_second_says(one: Site) -> None:
    expected = exact(one)
    found = {row[:2]: row[2] for row in idle(settled(one), "name", "team")}
    # each reservation is cut down to whole ticks a day, and these are parted among teams
    within = 2 * 2 * len(one.came)
    for key in expected.keys() | found.keys():
        assert abs(found.get(key, 0) - expected[key]) < within, key


@given(sites())
@settings(max_examples=25)
def test_the_costs_of_all_owners_sum_to_what_was_charged_and_what_rules_came_to(
    one: Site,
) -> None:
    ledger = settled(one)
    everything = Scope(FIRST - 1, FIRST + 5)
    rows = spend(ledger.db, everything, ("team",))
    (charged,) = ledger.db.execute("SELECT ifnull(SUM(effective_ticks), 0) FROM charges").fetchone()
    rules = total(idle(ledger, "name"))
    assert sum(row.effective_ticks for row in rows) == charged + rules
    assert sum(row.billed_ticks for row in rows) == charged + rules
    short = sum(exact(one).values()) - rules
    # cut down once for each reservation and day
    assert 0 <= short < 2 * len(one.came) or not one.came
    whole = dict(ledger.db.execute(
        "SELECT day || '/' || origin_id, of_units * 3600000000 + of_ticks FROM allocations"))
    parts: dict[str, int] = defaultdict(int)
    for day, origin, units, ticks in ledger.db.execute(
        "SELECT day, origin_id, effective_units, effective_ticks FROM allocations"
    ):
        parts[f"{day}/{origin}"] += units * 3_600_000_000 + ticks
    assert parts == whole


def nightly(ledger: Ledger, one: Site, tonight: int, late: bool) -> None:
    """A night's collection, as things are by then, and its pricing, which may be late."""
    now = JUNE + tonight
    shown = []
    for booked in one.came:
        if booked.start <= now:
            plan = next(p for p in one.planned if p.number == booked.number)
            shown.append(booked if booked.end <= now else booked._replace(end=plan.end))
    show(ledger, SITE, tonight, *shown)
    write(ledger, *(
        r if r.end <= now else r._replace(  # type: ignore[operator]
            state="RUNNING", provisional=True, end=None, elapsed=now - r.start)
        for r in one.runs if r.start < now
    ))  # fmt: skip
    price(ledger, SITE, JUNE + END if late else now)


@given(sites(), st.lists(moments, min_size=1, max_size=3).map(sorted), st.booleans())
@settings(max_examples=40)
def test_night_by_night_comes_to_the_same_as_once_at_the_end(
    one: Site, at: list[int], late: bool
) -> None:
    ledger = seen(a_ledger())
    for tonight in [*at, END]:
        nightly(ledger, one, tonight, late)
    columns = "day", "name", "category", "team", "cost_center", "method"
    assert idle(ledger, *columns) == idle(settled(one), *columns)


@given(sites())
@settings(max_examples=15)
def test_another_night_changes_nothing(one: Site) -> None:
    ledger = settled(one)
    before = idle(ledger, "day", "name", "team")
    show(ledger, SITE, END + HOUR, *one.came)
    assert price(ledger, SITE, JUNE + END).shared.days == 0
    assert idle(ledger, "day", "name", "team") == before

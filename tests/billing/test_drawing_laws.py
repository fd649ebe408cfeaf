"""Allocations and credits against an oracle that walks from second to second."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Factor
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import TICKS
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, POLICY, run
from tests.support import JUNE, a_ledger, write

#: All days have ended: none is looked at again but for a reason.
NOW = JUNE + 70 * DAY
H100 = "gres/gpu:h100"
#: Prices in whole currency units a second, so that a second's cost is far from a tick.
RATES = (
    Rate(H100, 3_600_000_000, 0, where="1"),
    Rate(H100, 7_200_000_000, JUNE + DAY + 1000, where="2"),
)

runs = st.lists(
    st.tuples(
        st.sampled_from(("nlp", "cv")), st.sampled_from(("a", "b")),
        st.integers(0, 3 * DAY), st.integers(1, DAY), st.integers(1, 4),
        st.sampled_from(("normal", "high")),
    ),
    max_size=6,
)  # fmt: skip
some_lots = st.lists(
    st.tuples(
        st.sampled_from(("nlp", "cv")), st.sampled_from((None, "a", "b")), st.booleans(),
        st.integers(0, 300_000), st.integers(0, 3), st.integers(1, 3), st.integers(1, 3),
        st.sampled_from((Fraction(0), Fraction(1), Fraction(1, 3))), st.booleans(),
    ),
    max_size=4,
)  # fmt: skip


def lots_of(drawn) -> tuple[Lot, ...]:  # type: ignore[no-untyped-def]
    found = []
    for rank, (team, project, hours, amount, first, days, weight, carry, partly) in enumerate(drawn):
        last = FIRST + first + days
        found.append(Lot(
            f"lot {rank}", team, project, hours, amount * (MICRO if hours else TICKS) + rank,
            FIRST + first, last, ((H100, weight),) if hours else (),
            (("qos", "high"),) if partly else (), rank, carry, last + 1 if carry else None,
        ))  # fmt: skip
    return tuple(found)


def stored(given) -> list:  # type: ignore[no-untyped-def,type-arg]
    return [
        run(number, team, start, elapsed, gpus, qos=qos,
            comment=f'{{"team": "{team}", "project": "{project}"}}')
        for number, (team, project, start, elapsed, gpus, qos) in enumerate(given, 1)
    ]  # fmt: skip


def drawn(ledger: Ledger) -> dict[tuple[str, int, int], tuple[int, int]]:
    rows = ledger.db.execute(
        "SELECT lots.name, day, job_id_raw, units, ticks FROM draws JOIN lots ON lots.id = lot_id "
        "JOIN jobs ON jobs.id = usage_id"
    )
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}  # type: ignore[misc]


def by_the_second(given, lots: tuple[Lot, ...], factor: Fraction):  # type: ignore[no-untyped-def]
    """``(lot, day, run)`` -> ticks and units, and whether the second is shared (lot, day)."""
    found: dict[tuple[str, int, int], list[Fraction]] = {}
    shared: set[tuple[str, int]] = set()
    left = {lot.name: Fraction(lot.amount) for lot in lots}
    ordered = sorted(lots, key=lambda lot: lot.order)
    cuts = sorted({0, 5 * DAY, 1000 + DAY, *(d * DAY for d in range(6)),
                   *(s for _, _, s, _, _, _ in given), *(s + e for _, _, s, e, _, _ in given)})  # fmt: skip
    for since, until in zip(cuts, cuts[1:], strict=False):
        day = FIRST + since // DAY
        if since % DAY == 0:
            for lot in lots:
                if day == lot.last:
                    left[lot.name] = Fraction(int(left[lot.name] * lot.carry))
        active = [
            (number, team, project, gpus, factor if qos == "high" else Fraction(1), qos)
            for number, (team, project, start, elapsed, gpus, qos) in enumerate(given, 1)
            if start <= since < start + elapsed
        ]
        price_now = 2 if since >= DAY + 1000 else 1
        second = since
        while second < until and active:
            # a stretch of seconds that go alike: as many as every lot in turn can pay whole
            owed = {n: [Fraction(g * price_now) * f * TICKS, Fraction(g) * f * MICRO]
                    for n, _, _, g, f, _ in active}  # fmt: skip
            steps = until - second
            plan: list[tuple[Lot, list[tuple[int, Fraction, Fraction, int]]]] = []
            covered: set[int] = set()
            for lot in ordered:
                if not (lot.first <= day < lot.ends) or left[lot.name] <= 0:
                    continue
                mine = [
                    (n, *owed[n], dict(lot.use).get(H100, 1)) for n, team, project, _, _, qos in active
                    if team == lot.team and lot.project in (None, project) and n not in covered
                    and (not lot.match or qos == "high")
                ]
                asked = sum(u * w if lot.hours else t for _, t, u, w in mine)
                if asked:
                    steps = min(steps, int(left[lot.name] // asked))
                    plan.append((lot, mine))
                    covered |= {n for n, *_ in mine}
            if steps:
                for lot, mine in plan:
                    for n, ticks, units, weight in mine:
                        asked = units * weight if lot.hours else ticks
                        _add(found, lot, day, n, ticks * steps, asked * steps)
                        left[lot.name] -= asked * steps
                second += steps
                continue
            rest = {n: list(both) for n, both in owed.items()}
            for lot in ordered:  # a second in which some lot ends
                if not (lot.first <= day < lot.ends) or left[lot.name] <= 0:
                    continue
                mine = [
                    (n, dict(lot.use).get(H100, 1)) for n, team, project, _, _, qos in active
                    if team == lot.team and lot.project in (None, project)
                    and (not lot.match or qos == "high")
                ]
                asks = {n: rest[n][1] * w if lot.hours else rest[n][0] for n, w in mine}
                whole = sum(asks.values())
                part = min(Fraction(1), left[lot.name] / whole) if whole else Fraction(0)
                if 0 < part < 1:
                    shared.add((lot.name, day))
                for n, _ in mine:
                    _add(found, lot, day, n, rest[n][0] * part, asks[n] * part)
                    rest[n] = [amount * (1 - part) for amount in rest[n]]
                left[lot.name] -= whole * part
            second += 1
    return found, left


def _add(found, lot: Lot, day: int, number: int, ticks: Fraction, units: Fraction) -> None:  # type: ignore[no-untyped-def]
    total = found.setdefault((lot.name, day, number), [Fraction(0), Fraction(0)])
    total[0] += ticks
    total[1] += units


@settings(max_examples=60, deadline=None)
@given(runs, some_lots, st.sampled_from((Fraction(1), Fraction(3, 2), Fraction(0))))
def test_lots_pay_what_a_walk_through_all_seconds_says(given, drawn_lots, factor) -> None:  # type: ignore[no-untyped-def]
    lots = lots_of(drawn_lots)
    ledger = a_ledger()
    write(ledger, *stored(given))
    charging = Charging(lots=lots, factors=(Factor("priority", factor, (("qos", "high"),)),))
    terms = Terms(RATES, POLICY, CALENDAR, charging=charging)
    price(ledger, terms, NOW)
    expected, left = by_the_second(given, lots, factor)
    got = drawn(ledger)
    for key in {*expected, *got}:
        ticks, units = expected.get(key, [Fraction(0), Fraction(0)])
        real = got.get(key, (0, 0))
        # whole amounts of the last second: a few of what the lot counts, and a tick each
        assert abs(real[0] - units) <= 8, (key, real, units)
        assert abs(real[1] - ticks) <= TICKS * 2 / MICRO * 8 + 8, (key, real, ticks)
    for lot in lots:
        taken = sum(units for (name, _, _), (units, _) in got.items() if name == lot.name)
        assert taken <= lot.amount
    before = got
    price(ledger, terms, NOW)
    assert drawn(ledger) == before


@settings(max_examples=40, deadline=None)
@given(runs, some_lots, some_lots, st.randoms(use_true_random=False), st.integers(0, 4))
def test_in_whatever_order_runs_and_lots_come_the_draws_are_the_same(  # type: ignore[no-untyped-def]
    given, drawn_lots, before, random, cut
) -> None:
    wanted = Terms(RATES, POLICY, CALENDAR, charging=Charging(lots=lots_of(drawn_lots)))
    at_once = a_ledger()
    write(at_once, *stored(given))
    price(at_once, wanted, NOW)
    in_parts = a_ledger()
    shuffled = stored(given)
    random.shuffle(shuffled)
    other = Terms(RATES, POLICY, CALENDAR, charging=Charging(lots=lots_of(before)))
    write(in_parts, *shuffled[:cut])
    price(in_parts, other, NOW)
    for one in shuffled[cut:]:
        write(in_parts, one)
        price(in_parts, wanted, NOW)
    price(in_parts, wanted, NOW)
    assert drawn(in_parts) == drawn(at_once)


@settings(max_examples=40, deadline=None)
@given(runs, some_lots, st.integers(0, 5), st.booleans())
def test_what_a_credit_takes_is_not_paid_by_a_lot(given, drawn_lots, which, whole) -> None:  # type: ignore[no-untyped-def]
    from tests.billing.test_drawing import credit

    terms = Terms(RATES, POLICY, CALENDAR, charging=Charging(lots=lots_of(drawn_lots)))
    ledger = a_ledger()
    write(ledger, *stored(given))
    price(ledger, terms, NOW)
    before = drawn(ledger)
    if which < len(given):
        number = credit(ledger, which + 1, Fraction(1) if whole else Fraction(1, 3))
        price(ledger, terms, NOW)
        rows = ledger.db.execute(
            "SELECT sum(ticks) FROM draws JOIN jobs ON jobs.id = usage_id WHERE job_id_raw = ?",
            (which + 1,),
        ).fetchone()
        charged = ledger.db.execute(
            "SELECT sum(billed_ticks) FROM charges JOIN jobs ON jobs.id = usage_id "
            "WHERE job_id_raw = ?", (which + 1,),
        ).fetchone()  # fmt: skip
        assert (rows[0] or 0) <= charged[0]
        if whole:
            assert rows[0] == charged[0]
        credit(ledger, number, None)
        price(ledger, terms, NOW)
    assert drawn(ledger) == before

"""Allocations and credits against an oracle that walks from second to second over a midnight."""

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Factor, Forgiven
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import TICKS
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.draws import credited
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope, charged
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, POLICY, run
from tests.billing.test_drawing import credit
from tests.support import JUNE, a_ledger, write

#: All days have ended: none is looked at again but for a reason.
NOW = JUNE + 70 * DAY
H100 = "gres/gpu:h100"
#: From 200 seconds before a midnight on.
SINCE = DAY - 200
#: One currency unit a second, then two; a quarter of both is somebody else's.
RATES = (
    Rate(H100, 3_600_000_000, 0, where="1", subsidy=900_000_000),
    Rate(H100, 7_200_000_000, JUNE + DAY - 50, where="2", subsidy=1_800_000_000),
)
RULES = {
    "factors": (Factor("priority", Fraction(3, 2), (("qos", "high"),)),
                Factor("scavenger", Fraction(0), (("qos", "free"),))),
    "forgiven": (Forgiven("lost nodes", ("NODE_FAIL",), Fraction(1, 2)),),
}  # fmt: skip
FACTORS = {"normal": Fraction(1), "high": Fraction(3, 2), "free": Fraction(0)}

runs = st.lists(
    st.tuples(
        st.sampled_from(("nlp", "cv")), st.sampled_from(("a", "b")),
        st.integers(0, 300), st.integers(1, 250), st.integers(1, 4),
        st.sampled_from(tuple(FACTORS)), st.sampled_from(("COMPLETED", "NODE_FAIL")),
    ),
    min_size=1, max_size=5,
)  # fmt: skip
some_lots = st.lists(
    st.tuples(
        st.sampled_from(("nlp", "cv")), st.sampled_from((None, "a", "b")), st.booleans(),
        st.integers(0, 700), st.integers(0, 1), st.integers(1, 2), st.integers(1, 3),
        st.sampled_from((Fraction(0), Fraction(1), Fraction(1, 3))), st.booleans(),
    ),
    max_size=4,
)  # fmt: skip


def lots_of(drawn) -> tuple[Lot, ...]:  # type: ignore[no-untyped-def]
    return tuple(
        Lot(
            f"lot {rank}", team, project, hours, amount * (MICRO if hours else TICKS) + rank,
            FIRST + first, FIRST + first + days, ((H100, weight),) if hours else (),
            (("qos", "high"),) if partly else (), rank, carry,
            FIRST + first + days + 1 if carry else None,
        )
        for rank, (team, project, hours, amount, first, days, weight, carry, partly)
        in enumerate(drawn)
    )  # fmt: skip


def stored(given) -> list:  # type: ignore[no-untyped-def,type-arg]
    return [
        run(number, team, SINCE + start, elapsed, gpus, qos=qos, state=state,
            comment=f'{{"team": "{team}", "project": "{project}"}}')
        for number, (team, project, start, elapsed, gpus, qos, state) in enumerate(given, 1)
    ]  # fmt: skip


def terms(drawn) -> Terms:  # type: ignore[no-untyped-def]
    return Terms(RATES, POLICY, CALENDAR, charging=Charging(lots=lots_of(drawn), **RULES))  # type: ignore[arg-type]


def drawn(ledger: Ledger) -> dict[tuple[str, int, int], tuple[int, int]]:
    rows = ledger.db.execute(
        "SELECT lots.name, day, job_id_raw, units, ticks FROM draws JOIN lots ON lots.id = lot_id "
        "JOIN jobs ON jobs.id = usage_id"
    )
    return {tuple(row[:3]): tuple(row[3:]) for row in rows}  # type: ignore[misc]


class Walk:
    """What every lot pays of every run, a second at a time, in fractions."""

    def __init__(self, given, lots: tuple[Lot, ...]) -> None:  # type: ignore[no-untyped-def]
        self.given = given
        self.lots = sorted(lots, key=lambda lot: lot.order)
        self.left = {lot.name: Fraction(lot.amount) for lot in lots}
        self.paid: dict[tuple[str, int, int], list[Fraction]] = {}
        self.midnight()
        for second in range(SINCE, DAY + 400):
            if second == DAY:
                self.midnight(1)
            self.second(second)

    def midnight(self, days: int = 0) -> None:
        for lot in self.lots:
            if lot.last == FIRST + days:  # all of it is whole ticks, or millionths
                self.left[lot.name] = Fraction(int(self.left[lot.name] * lot.carry))

    def second(self, second: int) -> None:
        owed = {}
        for number, (team, project, start, elapsed, gpus, qos, state) in enumerate(self.given, 1):
            if start <= second - SINCE < start + elapsed:
                part = gpus * FACTORS[qos] * (Fraction(1, 2) if state == "NODE_FAIL" else 1)
                each = 2 if second >= DAY - 50 else 1
                owed[number, team, project, qos] = [part * each * TICKS * 3 / 4, part * MICRO]
        for lot in self.lots:
            if lot.first <= FIRST + second // DAY < lot.ends:
                self.pay(lot, FIRST + second // DAY, owed)

    def pay(self, lot: Lot, day: int, owed) -> None:  # type: ignore[no-untyped-def]
        weight = dict(lot.use).get(H100, 1)
        mine = {
            key: both[1] * weight if lot.hours else both[0] for key, both in owed.items()
            if key[1] == lot.team and lot.project in (None, key[2])
            and (not lot.match or key[3] == "high")
        }  # fmt: skip
        whole = sum(mine.values())
        part = min(Fraction(1), self.left[lot.name] / whole) if whole else Fraction(0)
        self.left[lot.name] -= part * whole
        for key, asked in mine.items():
            total = self.paid.setdefault((lot.name, day, key[0]), [Fraction(0), Fraction(0)])
            total[0] += asked * part
            total[1] += owed[key][0] * part
            owed[key] = [amount * (1 - part) for amount in owed[key]]


@settings(max_examples=120, deadline=None)
@given(runs, some_lots)
def test_lots_pay_what_a_walk_through_all_seconds_says(given, drawn_lots) -> None:  # type: ignore[no-untyped-def]
    lots = lots_of(drawn_lots)
    ledger = a_ledger()
    write(ledger, *stored(given))
    price(ledger, terms(drawn_lots), NOW)
    walk, got = Walk(given, lots), drawn(ledger)
    for key in {*walk.paid, *got}:
        units, ticks = walk.paid.get(key, [Fraction(0), Fraction(0)])
        real = got.get(key, (0, 0))
        # a second that is shared is so in whole parts: what of it is one millionth or tick
        # more of one lot is some ticks of its price
        assert abs(real[0] - units) <= 20_000, (key, real, units)
        assert abs(real[1] - ticks) <= 20_000, (key, real, ticks)
    for lot in lots:
        taken = sum(units for (name, _, _), (units, _) in got.items() if name == lot.name)
        assert taken <= lot.amount
    price(ledger, terms(drawn_lots), NOW)
    assert drawn(ledger) == got


@settings(max_examples=40, deadline=None)
@given(runs, some_lots, some_lots, st.randoms(use_true_random=False), st.integers(0, 4))
def test_in_whatever_order_runs_and_lots_come_the_draws_are_the_same(  # type: ignore[no-untyped-def]
    given, drawn_lots, before, random, cut
) -> None:
    wanted = terms(drawn_lots)
    at_once = a_ledger()
    write(at_once, *stored(given))
    price(at_once, wanted, NOW)
    in_parts = a_ledger()
    shuffled = stored(given)
    random.shuffle(shuffled)
    other = terms(before)
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
    ledger = a_ledger()
    write(ledger, *stored(given))
    price(ledger, terms(drawn_lots), NOW)
    before = drawn(ledger)
    if which < len(given):
        number = credit(ledger, which + 1, Fraction(1) if whole else Fraction(1, 3))
        price(ledger, terms(drawn_lots), NOW)
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
            assert (rows[0] or 0) == charged[0]
        credit(ledger, number, None)
        price(ledger, terms(drawn_lots), NOW)
    assert drawn(ledger) == before


@settings(max_examples=25, deadline=None)
@given(runs, some_lots, st.integers(1, 5), st.sampled_from(("user", "sku", "qos", "state", "day")))
def test_effective_is_billed_and_all_that_is_not(given, drawn_lots, which, dimension) -> None:  # type: ignore[no-untyped-def]
    """Of every owner, of each run, and of all together, whatever is asked for."""
    ledger = a_ledger()
    write(ledger, *stored(given))
    price(ledger, terms(drawn_lots), NOW)
    if which <= len(given):
        credit(ledger, which, Fraction(1, 3))
        price(ledger, terms(drawn_lots), NOW)
    scope = Scope(FIRST, FIRST + 30)
    whole = spend(ledger.db, scope, ())
    for found in (whole, spend(ledger.db, scope, ("team", "project", dimension))):
        for row in found:
            taken = row.forgiven_ticks + row.subsidised_ticks + row.credited_ticks
            assert row.effective_ticks == row.billed_ticks + taken
        for name in ("effective_ticks", "billed_ticks", "credited_ticks"):
            assert sum(getattr(r, name) for r in found) == sum(getattr(r, name) for r in whole)
    for (run_id,) in ledger.db.execute("SELECT id FROM jobs").fetchall():
        one = Scope(FIRST, FIRST + 30, "usage_id = ?", (run_id,))
        (row,) = charged(ledger.db, one, ())
        off = sum(ticks for _, ticks in credited(ledger.db, one, ()))
        taken = row.forgiven_ticks + row.subsidised_ticks
        assert 0 <= off <= row.billed_ticks == row.effective_ticks - taken

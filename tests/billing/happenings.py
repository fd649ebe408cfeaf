"""Ledgers that things happen to, month after month, and what is to be true of them.

The oracle is what reports read, which knows nothing of statements.
"""

from collections import Counter
from datetime import date
from itertools import groupby

from hypothesis import strategies as st

from slurm_finops.billing.owed import Books
from slurm_finops.billing.pricing import price
from slurm_finops.billing.verifying import verify
from slurm_finops.core.charging import Charging, Forgiven
from slurm_finops.core.funds import SUSPENSE, WHOLE, Fund, Funding, Split
from slurm_finops.core.lots import Lot
from slurm_finops.core.money import TICKS, to_minor
from slurm_finops.core.surcharges import Surcharge, levied
from slurm_finops.ledger import posted as table
from slurm_finops.ledger.disputes import Adjustment, Move, add
from slurm_finops.ledger.shares import spend
from slurm_finops.ledger.spend import Scope
from slurm_finops.ledger.store import Ledger
from tests.billing.books import AUGUST, close_month, stated
from tests.billing.pools import (
    DAY,
    FIRST,
    HOUR,
    RATE,
    a_credit,
    a_line,
    a_pool,
    run,
    services,
    terms,
)
from tests.support import a_ledger, write

MONTHS = ("2026-05", "2026-06", "2026-07")
TEAMS = ("nlp", "cv", "ops", "")
TAX = Surcharge("VAT", "tax", 81_000)
FEE = Surcharge("fee", "surcharge", 333_333, last=FIRST)
CAP = 40 * TICKS
FUNDS = (
    Fund("a", "1", cap_ticks=CAP, fallback="b"), Fund("b", "2", last=FIRST + 20), Fund("c", "3"),
)  # fmt: skip
FUNDING = Funding(FUNDS, (
    (("nlp", None), (Split(0, (("a", 700_001), ("c", 299_999))),)),
    (("cv", "cv-p"), (Split(FIRST - 10, (("b", WHOLE),)),)),
), untagged="c")  # fmt: skip

happenings = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(1, 6), st.sampled_from(TEAMS),
                  st.integers(-31 * DAY, 40 * DAY), st.integers(1, 40 * HOUR), st.integers(1, 3),
                  st.sampled_from(("COMPLETED", "NODE_FAIL"))),
        st.tuples(st.just("price"), st.sampled_from((3_920_000, 1_000_001, 0))),
        st.tuples(st.just("shared"), st.integers(0, 15)),
        st.tuples(st.just("lot"), st.integers(0, 30)),
        st.tuples(st.just("credit"), st.sampled_from(TEAMS), st.integers(-999, 999)),
        st.tuples(st.just("move"), st.sampled_from(TEAMS), st.sampled_from(("a", "c", SUSPENSE))),
        st.tuples(st.just("close")),
    ),
    min_size=3, max_size=14,
)  # fmt: skip


class Site:
    """A ledger that things happen to, and what is to be true of it."""

    def __init__(self, kind: str, taxed: bool) -> None:
        self.ledger: Ledger = a_ledger()
        self.rate, self.shared, self.lot = RATE, 0, 0
        self.books = Books(
            kind, funding=FUNDING, surcharges=(TAX, FEE) if taxed else (),
            centres={"nlp": "cc-nlp", "cv": "cc-cv", "ops": "cc-ops"},
        )  # fmt: skip
        self.closed = 0

    def price(self) -> None:
        has = [bool(self.shared & bit) for bit in (1, 2, 4, 8)]
        found = terms(
            *([a_pool(units=2, days=20)] if has[0] else []), rates=(self.rate,),
            lines=(a_line(7 * TICKS + 1),) if has[1] else (),
            overhead=(services(),) if has[2] else (),
            credits=(a_credit(3 * TICKS, "nlp"),) if has[3] else (),
        )  # fmt: skip
        lots = (Lot("gift", "nlp", None, False, self.lot * TICKS, FIRST - 31, FIRST + 10),)
        rules = Charging(
            forgiven=(Forgiven("lost", ("NODE_FAIL",)),), lots=lots if self.lot else (),
        )  # fmt: skip
        price(self.ledger, found.__class__(**{**found.__dict__, "charging": rules}), AUGUST)

    def happen(self, what: str, *how) -> None:  # type: ignore[no-untyped-def]
        getattr(self, f"_{what}")(*how)

    def _run(self, number, team, start, elapsed, gpus, state) -> None:  # type: ignore[no-untyped-def]
        write(self.ledger, run(number, team, start, elapsed, gpus, state=state,
                               submit=1_000_000))  # fmt: skip

    def _price(self, micros: int) -> None:
        self.rate = RATE._replace(price=micros)

    def _shared(self, shared: int) -> None:
        self.shared = shared

    def _lot(self, lot: int) -> None:
        self.lot = lot

    def _credit(self, team: str, minor: int) -> None:
        if minor and self.closed < len(MONTHS):
            with self.ledger.transaction() as db:
                add(db, Adjustment(0, MONTHS[self.closed], team or None, None, minor, "why", "dean",
                                   1, "me"))  # fmt: skip

    def _move(self, team: str, fund: str) -> None:
        if self.closed and fund != "b":
            with self.ledger.transaction() as db:
                add(db, Move(0, MONTHS[0], team or None, None, fund, "b", "why", "dean", 1,
                             "me"))  # fmt: skip

    def _close(self) -> None:
        if self.closed < len(MONTHS):
            self.price()
            close_month(self.ledger, MONTHS[self.closed], self.books)
            self.closed += 1
            self.check()

    def check(self) -> None:
        lines = stated(self.ledger)
        assert self.truth() == sums(lines)
        for period in table.closed(self.ledger.db):
            mine = [line for line in lines if line.period == period.label]
            assert period.amount_minor == sum(line.billed_minor for line in mine)
            for one in table.statements_of(self.ledger.db, period.id):
                of = [line for line in mine if line.statement == one.number]
                assert one.amount_minor == sum(line.billed_minor for line in of)
            self.of_month(period.label, lines)
        assert verify(self.ledger.db).fault == ""

    def of_month(self, label: str, lines) -> None:  # type: ignore[no-untyped-def]
        """Of a month's costs, whenever they were stated."""
        mine = [line for line in lines if _month(line.day) == label]
        stated_first = [line for line in mine if line.period == label]
        # what the month was closed with, and all that was ever said of it
        for some in (stated_first, mine):
            exact = sum(line.billed_ticks for line in some)
            assert sum(line.billed_minor for line in some) == to_minor(exact, 2)

        def line(one):  # type: ignore[no-untyped-def]
            return one.tags[:2], one.tags.cost_center, one.item, one.payer, one.cluster

        # what is corrected of few lines may have to make up for what the others were rounded
        for some, near in ((stated_first, 1), (mine, 2)):
            for _, of in groupby(sorted(some, key=lambda one: str(line(one))), key=line):
                found = list(of)
                exact = 100 * sum(one.billed_ticks for one in found)
                apart = abs(sum(one.billed_minor for one in found) * TICKS - exact)
                assert apart < near * TICKS

    def truth(self) -> Counter:  # type: ignore[type-arg]
        """Billed and effective ticks by day, team and project, as reports have them."""
        found: Counter = Counter()  # type: ignore[type-arg]
        bases: Counter = Counter()  # type: ignore[type-arg]
        last = FIRST + (0, 30, 61)[self.closed - 1]
        scope = Scope(FIRST - 31, last)
        for row in spend(self.ledger.db, scope, ("day", "team", "project", "cluster")):
            day, team, project, cluster = row.key
            found[day, team, project, "billed"] += row.billed_ticks
            found[day, team, project, "effective"] += row.effective_ticks
            bases[day, team, project, cluster] += row.billed_ticks
        rows = self.ledger.db.execute("SELECT period, team, amount_minor FROM adjustments")
        for period, team, minor in rows.fetchall():
            if MONTHS.index(period) < self.closed:
                day = f"{period}-{30 if period == '2026-06' else 31}"
                found[day, team, None, "billed"] += minor * TICKS // 100
                bases[day, team, None, None] += minor * TICKS // 100
        for (day, team, project, _), billed in bases.items():
            for _, ticks in levied(billed, "", _number(day), self.books.surcharges):
                found[day, team, project, "billed"] += ticks
        return Counter({key: ticks for key, ticks in found.items() if ticks})


def _number(day: str) -> int:
    return date.fromisoformat(day).toordinal() - date(1970, 1, 1).toordinal()


def _day(number: int) -> str:
    return date.fromordinal(number + date(1970, 1, 1).toordinal()).isoformat()


def _month(number: int) -> str:
    return _day(number)[:7]


def sums(lines) -> Counter:  # type: ignore[no-untyped-def,type-arg]
    found: Counter = Counter()  # type: ignore[type-arg]
    for line in lines:
        key = _day(line.day), line.tags.team, line.tags.project
        found[*key, "billed"] += line.billed_ticks
        found[*key, "effective"] += line.effective_ticks
    return Counter({key: ticks for key, ticks in found.items() if ticks})

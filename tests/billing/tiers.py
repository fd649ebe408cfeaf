"""Runs around the midnight of a fiscal year, and what tiers make of them from second to second."""

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from hypothesis import strategies as st

from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Piece, Tier
from slurm_finops.core.rates import CLASS, NEVER, Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, POLICY, run
from tests.support import JUNE

NOW = JUNE + 70 * DAY
#: A fiscal year begins on 1 July; runs lie in the minutes around that midnight.
JULY = JUNE + 30 * DAY
SINCE, UNTIL = -120, 120
H100 = "gres/gpu:h100"
#: One unit a second, so that a second costs whole ticks by any ratio there is here.
RATE = Rate(H100, 3_600_000_000, 0, where="1")
TICKS = 3_600_000_000
#: nlp is industry from the fiscal year on, and cv always is.
CLASSES = (
    ("nlp", (Piece(NEVER, "internal"), Piece(JULY, "industry"))),
    ("cv", (Piece(NEVER, "industry"),)),
)
MATCHES = ((), (("qos", "high"),), (("partition", "p2"),), ((CLASS, "industry"),))
RATIOS = (Fraction(1, 2), Fraction(2, 3), Fraction(0), Fraction(5, 4))


class Held(NamedTuple):
    """A run: seconds are counted from the midnight of the fiscal year."""

    number: int
    team: str
    start: int
    elapsed: int
    gpus: int
    qos: str = "normal"
    partition: str = "p1"

    @property
    def stored(self) -> Run:
        comment = json.dumps({"team": self.team, "project": "p"})
        return run(
            self.number, self.team, 30 * DAY + self.start, self.elapsed, self.gpus,
            qos=self.qos, partition=self.partition, comment=comment,
        )  # fmt: skip


some_runs = st.lists(
    st.tuples(
        st.sampled_from(("nlp", "cv")), st.integers(SINCE, UNTIL - 1), st.integers(1, 100),
        st.integers(1, 8), st.sampled_from(("normal", "high")), st.sampled_from(("p1", "p2")),
    ),
    min_size=1, max_size=6,
).map(lambda drawn: [Held(n, *one) for n, one in enumerate(drawn, 1)])  # fmt: skip
_thresholds = st.lists(st.integers(1, 500), min_size=1, max_size=3, unique=True).map(sorted)
_instants = st.one_of(st.none(), st.integers(SINCE, UNTIL))


@st.composite
def some_tiers(draw) -> tuple[Tier, ...]:  # type: ignore[no-untyped-def]
    found = []
    for name in draw(st.sampled_from(((), ("a",), ("a", "b")))):
        steps = [(0, draw(st.sampled_from((Fraction(1), Fraction(3, 2)))))]
        steps += [(one, draw(st.sampled_from(RATIOS))) for one in draw(_thresholds)]
        start, end = draw(_instants), draw(_instants)
        times = {} if start is None else {"start": JULY + start}
        times |= {} if end is None or (start is not None and end <= start) else {"end": JULY + end}
        match = draw(st.sampled_from(MATCHES))
        found.append(Tier(name, ("gres/gpu",), tuple(steps), match, **times))
    return tuple(found)


def terms(tiers: Sequence[Tier], begins: tuple[int, int] = (7, 1)) -> Terms:
    policy = Charging(CLASSES, tiers=tuple(tiers), fiscal_year=begins)
    return Terms((RATE,), POLICY, CALENDAR, charging=policy)


def class_of(team: str, second: int) -> str:
    return "industry" if team == "cv" or second >= 0 else "internal"


def fits(tier: Tier, one: Held, second: int) -> bool:
    says = {"qos": one.qos, "partition": one.partition, CLASS: class_of(one.team, second)}
    return (
        all(says[key] == value for key, value in tier.match)
        and tier.start <= JULY + second < tier.end
    )


def walked(held: Sequence[Held], tiers: Sequence[Tier], resets: bool = True) -> dict[int, Fraction]:
    """Run -> its ticks, by a walk through all seconds."""
    used: dict[tuple[str, str], int] = {}
    cost = {one.number: Fraction(0) for one in held}
    for second in range(SINCE, UNTIL + 101):
        if second == 0 and resets:
            used.clear()
        here = [one for one in held if one.start <= second < one.start + one.elapsed]
        # what all of them use in this second counts from the next one on
        before = dict(used)
        for one in here:
            price = Fraction(one.gpus * TICKS)
            for tier in tiers:
                if fits(tier, one, second):
                    key = tier.name, one.team
                    reached = before.get(key, 0)
                    price *= [ratio for since, ratio in tier.steps if since <= reached][-1]
                    used[key] = used.get(key, 0) + one.gpus
            cost[one.number] += price
    return cost


def charged(ledger: Ledger) -> dict[int, int]:
    """Run -> ticks billed."""
    rows = ledger.db.execute(
        "SELECT job_id_raw, sum(billed_ticks) FROM charges JOIN jobs ON jobs.id = usage_id "
        "WHERE rate_card_id > 0 GROUP BY 1"
    )
    return dict(rows.fetchall())


def everything(ledger: Ledger) -> list[list]:  # type: ignore[type-arg]
    """All that pricing made, by names."""
    return [ledger.db.execute(query).fetchall() for query in (
        "SELECT job_id_raw, day, skus.name, policy, seconds, billed_ticks, team FROM charges "
        "JOIN jobs ON jobs.id = usage_id JOIN skus ON skus.id = sku_id "
        "JOIN rate_cards ON rate_cards.id = rate_card_id "
        "JOIN tag_sets ON tag_sets.id = charges.tag_set_id ORDER BY 1, 2, 3, 4",
        "SELECT tier, team, day, used FROM tier_days ORDER BY 1, 2, 3",
        "SELECT tier, team, start, level FROM tier_levels ORDER BY 1, 2, 3",
    )]  # fmt: skip

"""Meters of a run's use, second by second, against the charges that its days were given."""

from fractions import Fraction

import pytest

from slurm_finops.billing.meters import forgiven, meters, units_of
from slurm_finops.billing.pricer import Pricer
from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Applied, Charging, Factor, Forgiven, Rounding
from slurm_finops.core.credits import Claim, stretches
from slurm_finops.core.lots import MICRO, Meter
from slurm_finops.core.money import TICKS
from slurm_finops.core.rates import Rate
from slurm_finops.ledger import draws as table
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, run
from tests.support import JUNE, a_ledger, write

#: One unit an hour, a quarter of it somebody else's, from noon of 2 June on two.
RATES = (
    Rate("gres/gpu:h100", 1_000_000, 0, where="1", subsidy=250_000),
    Rate("gres/gpu:h100", 2_000_000, JUNE + DAY + 12 * HOUR, where="2", subsidy=500_000),
)
RULES = Charging(
    factors=(Factor("priority", Fraction(3, 2), (("qos", "high"),)),),
    forgiven=(Forgiven("lost nodes", ("NODE_FAIL",), Fraction(1, 2)),),
    rounding=(Rounding("by the hour", 3600),),
)
TERMS = Terms(RATES, POLICY, CALENDAR, charging=RULES)
#: Of the price of an hour: what a factor makes of it, less what is forgiven; and less the subsidy.
KEPT = Fraction(3, 2) * Fraction(1, 2)
NET = KEPT * Fraction(3, 4)


@pytest.fixture
def ledger() -> Ledger:
    """Two GPUs from the evening of 1 June, for 30 hours and a half, which are booked as 31."""
    made = a_ledger()
    write(made, run(1, "nlp", 20 * HOUR, 30 * HOUR + 1800, 2, qos="high", state="NODE_FAIL"))
    price(made, TERMS, JUNE + 70 * DAY)
    return made


def meter_of(ledger: Ledger, day: int) -> Meter:
    said = {card: Applied.of(text) for card, text, _ in table.policies(ledger.db)}
    ratios = {card: (one.factor * one.kept).as_integer_ratio() for card, one in said.items()}
    with ledger.transaction():
        (found,) = meters(
            Pricer(ledger, TERMS), table.held(ledger.db, 1), ratios, CALENDAR, FIRST + day
        ).values()
    return found


def midnight(day: int) -> int:
    return JUNE + day * DAY


def test_by_the_end_of_a_day_it_has_come_to_what_the_day_was_charged(ledger: Ledger) -> None:
    charged = {
        day - FIRST: (ticks, units_of(quantity, seconds, KEPT.as_integer_ratio()))
        for day, quantity, seconds, ticks in ledger.db.execute(
            "SELECT day, quantity, sum(seconds), sum(billed_ticks) FROM charges GROUP BY day"
        )
    }
    assert len(charged) == 3
    for day, amounts in charged.items():
        assert meter_of(ledger, day)(midnight(day + 1)) == amounts


def test_inside_a_day_it_is_what_that_day_has_come_to(ledger: Ledger) -> None:
    # nothing of the evening before is in it; two GPUs at one unit for an hour
    second = meter_of(ledger, 1)
    assert second(midnight(1)) == (0, 0)
    assert second(midnight(1) + HOUR) == (2 * NET * TICKS, 2 * KEPT * HOUR * MICRO)
    # and at two after noon
    assert second(midnight(1) + 13 * HOUR) == ((24 + 4) * NET * TICKS, 26 * KEPT * HOUR * MICRO)
    # nor anything of the night after
    assert second(midnight(2) + HOUR) == second(midnight(2))
    first = meter_of(ledger, 0)
    assert first(midnight(0) + 20 * HOUR) == (0, 0)
    assert first(midnight(0) + 21 * HOUR) == (2 * NET * TICKS, 2 * KEPT * HOUR * MICRO)


def test_what_booked_time_adds_comes_with_the_last_second(ledger: Ledger) -> None:
    last, end = meter_of(ledger, 2), midnight(2) + 2 * HOUR + 1800
    before, after = last(end - 1), last(end)
    assert after[0] - before[0] == (1800 + 1) * 4 * NET * TICKS / 3600
    assert after[1] - before[1] == 2 * KEPT * MICRO
    assert last(midnight(3)) == after


def a_meter(second: int) -> tuple[int, int]:
    return 12 * second, 6 * second


def test_credits_take_their_turns_and_leave_the_rest() -> None:
    # from 10 on a half, and from 20 on of what that leaves two thirds
    claims = [Claim(10, 50, 1, 2, 1), Claim(20, 30, 2, 3, 2)]
    amounts, left = forgiven(a_meter, stretches(claims), 0, 100)
    assert amounts == {1: (240, 120), 2: (10 * 4, 10 * 2)}
    assert left(100) == (1200 - 280, 600 - 140)
    assert left(20) == (240 - 60, 120 - 30)
    assert left(25) == (300 - 60 - 30 - 20, 150 - 30 - 15 - 10)


def test_of_a_day_credits_count_from_its_midnight() -> None:
    amounts, _ = forgiven(lambda second: a_meter(second - 40), stretches([Claim(0, 60, 1, 2, 1)]),
                          40, 100)  # fmt: skip
    assert amounts == {1: (120, 60)}

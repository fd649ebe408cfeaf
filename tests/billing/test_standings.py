"""How budgets stand, against sums made by hand."""

from dataclasses import replace
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.billing.pricing import price
from slurm_finops.billing.standings import Moment, Standing, standings
from slurm_finops.billing.terms import Terms
from slurm_finops.core.budgets import MONTH, SPAN, YEAR, Budget
from slurm_finops.core.charging import Charging
from slurm_finops.core.forecast import Range, forecast
from slurm_finops.core.lots import Lot
from slurm_finops.core.money import TICKS, to_minor
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, run
from tests.billing.test_exposure import going
from tests.support import JUNE, a_ledger, write

#: One currency unit an hour.
TERMS = Terms((Rate("gres/gpu:h100", 1_000_000, 0, where="1"),), POLICY, CALENDAR)
JANUARY = 1, 1


def spending(days: dict[int, int], *more: object, team: str = "nlp") -> Ledger:
    """A ledger in which a team spends so many units on each day of ``days``, June's first 0."""
    ledger = a_ledger()
    runs = [
        run(number, team, day * DAY, HOUR, units)
        for number, (day, units) in enumerate(days.items(), 1) if units
    ]  # fmt: skip
    write(ledger, *runs, *more)  # type: ignore[arg-type]
    price(ledger, TERMS, JUNE + 400 * DAY)
    return ledger


def at(day: int, seconds: int = 0) -> Moment:
    """``seconds`` into a day of June, the first is 0."""
    return Moment(FIRST + day, JUNE + day * DAY + seconds, FIRST + day)


def one(ledger: Ledger, budget: Budget, moment: Moment) -> Standing:
    (found,) = standings(ledger, TERMS, [budget], 2, moment, JANUARY)
    return found


EVERY_DAY = dict.fromkeys(range(-60, 15), 10)
MONTHLY = Budget("nlp", None, MONTH, 200_00)


def test_a_month_half_way() -> None:
    found = one(spending(EVERY_DAY), MONTHLY, at(15))
    assert (found.spent_minor, found.left_minor, found.pace_minor) == (150_00, 50_00, 100_00)
    assert found.gone == Fraction(1, 2)
    assert found.end == Range(300_00, 300_00, 300_00)
    assert found.used_up == (FIRST + 19, FIRST + 19)  # ten a day: 200 at the end of the 20th
    assert (found.history, found.days_left, found.is_young) == (75, 15, False)


def test_a_budget_that_lasts_and_one_that_is_used_up() -> None:
    ledger = spending(EVERY_DAY)
    assert one(ledger, MONTHLY._replace(limit_minor=301_00), at(15)).used_up == (None, None)
    assert one(ledger, MONTHLY._replace(limit_minor=120_00), at(15)).used_up == (
        FIRST + 11, FIRST + 11,
    )  # fmt: skip


def test_what_is_spent_today_is_not_spent_twice() -> None:
    ledger = spending(EVERY_DAY | {15: 10})
    assert one(ledger, MONTHLY, at(15, 7200)).end == Range(300_00, 300_00, 300_00)
    more = spending(EVERY_DAY | {15: 500})
    found = one(more, MONTHLY, at(15, 7200))
    assert found.spent_minor == 650_00
    assert found.end == Range(650_00, 650_00, 650_00)


def test_a_young_group_has_no_forecast() -> None:
    found = one(spending(dict.fromkeys(range(15), 10)), MONTHLY, at(15))
    assert (found.end, found.used_up, found.history) == (None, (None, None), 15)
    assert found.is_young


def test_a_past_month_is_final_and_a_coming_one_unbegun() -> None:
    ledger = spending(EVERY_DAY)
    may = Moment(FIRST, JUNE, FIRST - 1)
    found = one(ledger, MONTHLY, may)
    assert (found.spent_minor, found.gone, found.end) == (310_00, 1, None)
    assert found.used_up == (FIRST - 12, FIRST - 12)  # the 20th of May
    assert not found.is_young
    july = at(15)._replace(shown=FIRST + 35)
    found = one(ledger, MONTHLY, july)
    assert (found.spent_minor, found.gone, found.end, found.used_up) == (0, 0, None, (None, None))


def test_a_fiscal_year_and_a_grant() -> None:
    ledger = spending(EVERY_DAY)
    year = Budget("nlp", None, YEAR, 5000_00)
    grant = Budget("nlp", None, SPAN, 1000_00, "grant", FIRST - 10, FIRST + 90)
    found = standings(ledger, TERMS, [year, grant], 2, at(15), (6, 1))
    assert [one.spent_minor for one in found] == [150_00, 250_00]
    assert [one.end and one.end.middle for one in found] == [365 * 10_00, 1000_00]
    assert found[1].used_up[0] == FIRST + 89
    gone = grant._replace(first=FIRST - 60, last=FIRST - 1)
    assert standings(ledger, TERMS, [gone], 2, at(15), (6, 1)) == []


def test_a_project_is_its_own_and_a_team_all_of_its() -> None:
    days = dict.fromkeys(range(-40, 15), 10)
    other = [run(1000 + day, "nlp", day * DAY, HOUR, 1, comment='{"team": "nlp"}')
             for day in range(15)]  # fmt: skip
    ledger = spending(days, *other)
    found = standings(
        ledger, TERMS, [MONTHLY, MONTHLY._replace(project="nlp-p")], 2, at(15), JANUARY
    )
    assert [one.spent_minor for one in found] == [165_00, 150_00]


def test_running_jobs_raise_the_high_end() -> None:
    long = going(5000, "nlp", 14 * DAY, 24 * HOUR, 24 * 300)
    ledger = spending(EVERY_DAY | {14: 0}, long)
    found = one(ledger, MONTHLY, at(15))
    assert found.exposed_minor == 15 * 24_00
    assert found.end is not None
    assert found.end.high == 140_00 + 24_00 + 15 * 24_00
    assert found.used_up[1] is not None and found.used_up[0] is not None
    assert found.used_up[1] < found.used_up[0]
    unlimited = spending(EVERY_DAY, going(5000, "nlp", 14 * DAY, 0, None))
    assert one(unlimited, MONTHLY, at(15)).unlimited == 1


def test_what_an_allocation_pays_is_neither_spent_nor_forecast() -> None:
    ledger = a_ledger()
    write(ledger, *(
        run(day + 100, "nlp", day * DAY, HOUR, 10) for day in range(-40, 15)
    ))  # fmt: skip
    grant = Lot("grant", "nlp", None, False, 350 * TICKS, FIRST - 20, FIRST + 30)
    terms = replace(TERMS, charging=Charging(lots=(grant,)))
    price(ledger, terms, JUNE + 400 * DAY)
    (found,) = standings(ledger, terms, [MONTHLY], 2, at(15), JANUARY)
    # the grant paid for 35 days, up to the last but none of the half month
    assert found.spent_minor == 0
    assert found.end == Range(0, 0, 0)


@settings(max_examples=40)
@given(
    st.lists(st.integers(0, 30), min_size=40, max_size=70), st.integers(1, 29),
    st.integers(1, 900_00),
)  # fmt: skip
def test_it_is_the_forecast_beside_what_is_spent(
    units: list[int], day: int, limit: int
) -> None:
    days = {day - len(units) + i: one for i, one in enumerate(units)}
    found = one(spending(days), MONTHLY._replace(limit_minor=limit), at(day))
    begun = [one for one in days if days[one]]
    spent = sum(days.get(one, 0) for one in range(day))
    assert found.spent_minor == spent * 100
    history = [days[one] * TICKS for one in range(begun[0], day)] if begun else []
    coming = forecast(history, 30 - day)
    assert (found.end is None) == (coming is None)
    if coming and found.end:
        whole, left = coming.plus(spent * TICKS), limit * TICKS // 100
        assert found.end == tuple(to_minor(one, 2) for one in whole)
        expected, worst = found.used_up
        assert (expected is not None) == (whole.middle >= left)
        assert (worst is not None) == (whole.high >= left)
        assert expected is None or (worst is not None and worst <= expected)

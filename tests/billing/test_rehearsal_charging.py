"""What if, where teams are on tiers, hold allocations and were given credits."""

from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.rehearsal import rehearsed
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Tier
from slurm_finops.core.rates import Rate
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, POLICY, run
from tests.billing.test_drawing import credit, hours, money
from tests.support import JUNE, a_ledger, write

NOW = JUNE + 70 * DAY
PERIOD = CALENDAR.period("2026-06")
#: Ten units at a price of which no unit has a whole number of ticks.
RATE = Rate("gres/gpu:h100", 31_360_001, 0, per=7, where="rates[1]")
#: 100 GPU-hours at the price, and then at nine tenths, and from 150 on at half of it.
VOLUME = Tier("volume", ("gres/gpu",), (
    (0, Fraction(1)), (100 * HOUR, Fraction(9, 10)), (150 * HOUR, Fraction(1, 2)),
))  # fmt: skip
SPRING = {"first": FIRST - 40, "last": FIRST + 20, "carry": Fraction(1, 2), "carried": FIRST + 30}
LOTS = (hours(160, **SPRING), money(500, name="fund", team="cv", first=FIRST - 40))
#: nlp passes 100 hours in the run that goes on into June, on a day with another that does not,
#: and 150 in June.
RUNS = (
    run(1, "nlp", -40 * DAY, 78 * HOUR, 1), run(2, "nlp", -25 * DAY, 10 * HOUR, 2),
    run(9, "nlp", -4 * HOUR, HOUR, 1),
    run(3, "cv", -20 * DAY, 30 * HOUR, 1), run(4, "nlp", -2 * HOUR, 20 * HOUR, 1),
    run(5, "nlp", DAY, 20 * HOUR, 2), run(6, "cv", DAY, 90 * HOUR, 1),
    run(7, "nlp", 21 * DAY, 20 * HOUR, 1), run(8, "cv", 25 * DAY, HOUR, 1),
)  # fmt: skip


def terms(*, tiers: tuple[Tier, ...] = (VOLUME,), lots=LOTS, rate: Rate = RATE) -> Terms:  # type: ignore[no-untyped-def]
    return Terms((rate,), POLICY, CALENDAR, charging=Charging(tiers=tiers, lots=lots))


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = a_ledger(tmp_path / "ledger.db")
    write(made, *RUNS)
    credit(made, 8, Fraction(1, 3))
    price(made, terms(), NOW)
    return made


@contextmanager
def by(ledger: Ledger, other: Terms, folder: Path) -> Iterator[Ledger]:
    with rehearsed(ledger, other, PERIOD, NOW, folder) as then:
        yield then


def figures(ledger: Ledger) -> tuple[list, list]:  # type: ignore[type-arg]
    """All charges and draws of June."""
    charges = ledger.db.execute(
        "SELECT day, job_id_raw, policy, sum(effective_ticks), sum(billed_ticks), sum(seconds) "
        "FROM charges JOIN jobs ON jobs.id = usage_id "
        "JOIN rate_cards ON rate_cards.id = rate_card_id "
        "WHERE day >= ? AND day < ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
        (PERIOD.first, PERIOD.last),
    )
    draws = ledger.db.execute(
        "SELECT day, lots.name, credit_id, job_id_raw, units, ticks FROM draws "
        "JOIN jobs ON jobs.id = usage_id LEFT JOIN lots ON lots.id = lot_id "
        "WHERE day >= ? AND day < ? ORDER BY 1, 2, 3, 4",
        (PERIOD.first, PERIOD.last),
    )
    return charges.fetchall(), draws.fetchall()


def test_unchanged_terms_come_to_the_ledgers_figures(ledger: Ledger, tmp_path: Path) -> None:
    charges, draws = figures(ledger)
    assert {row[2] for row in charges if row[1] in (4, 5, 7)} == {
        '{"factors": [["volume", "9/10"]]}', '{"factors": [["volume", "1/2"]]}',
    }  # fmt: skip
    assert {(row[1], bool(row[2])) for row in draws} == {
        ("grant", False), ("fund", False), (None, True),
    }  # fmt: skip
    with by(ledger, terms(), tmp_path) as then:
        assert figures(then) == (charges, draws)


def test_a_team_on_its_second_level_stays_there_at_another_price(
    ledger: Ledger, tmp_path: Path
) -> None:
    with by(ledger, terms(rate=RATE._replace(price=7_000_000)), tmp_path) as then:
        first = [row for row in figures(then)[0] if row[1] == 4]
    # eighteen hours of June at nine tenths of 1.00
    assert [(row[2], row[3]) for row in first] == [
        ('{"factors": [["volume", "9/10"]]}', 18 * 900_000 * 3600)
    ]


@pytest.mark.parametrize("other", [
    # what is counted is not what the ledger counted: it is counted again, from its runs
    {"tiers": (VOLUME, Tier("cv's", ("gres/gpu",), ((0, Fraction(1)), (50 * HOUR, Fraction(0)))))},
    {"tiers": (Tier("other", ("gres/gpu:h100",), VOLUME.steps),)},
    {"tiers": (Tier("volume", VOLUME.skus, VOLUME.steps, start=JUNE - 38 * DAY),)},
    {"tiers": (Tier("volume", VOLUME.skus, ((0, Fraction(2)), (82 * HOUR, Fraction(1)))),)},
    {"tiers": ()},
])  # fmt: skip
def test_other_tiers_count_what_was_used_before(ledger: Ledger, tmp_path: Path, other) -> None:  # type: ignore[no-untyped-def]
    fresh = a_ledger()
    write(fresh, *RUNS)
    credit(fresh, 8, Fraction(1, 3))
    price(fresh, terms(lots=(), **other), NOW)
    with by(ledger, terms(lots=(), **other), tmp_path) as then:
        assert figures(then) == figures(fresh)


def test_a_lot_that_is_made_larger_has_what_was_drawn_of_it_gone(
    ledger: Ledger, tmp_path: Path
) -> None:
    larger = (hours(190, **SPRING), LOTS[1])
    with by(ledger, terms(tiers=(), lots=larger), tmp_path) as then:
        drawn = dict(then.db.execute(
            "SELECT day, drawn FROM lot_days JOIN lots ON lots.id = lot_id WHERE name = 'grant'"
        ).fetchall())  # fmt: skip
        before = sum(units for day, units in drawn.items() if day < FIRST)
    # 101 hours are of April and May, the last at nine tenths; of the 89.1 that are left 58 are
    # used by the 20th, and half of the rest by a run after that
    assert before * 10 == 1009 * HOUR * 1_000_000
    assert (sum(drawn.values()) - before) * 100 == (5800 + 1555) * HOUR * 1_000_000


def test_a_new_lot_is_whole_and_one_that_counts_otherwise_too(
    ledger: Ledger, tmp_path: Path
) -> None:
    other = (money(10_000, **SPRING), hours(5, name="new", team="cv", first=FIRST - 40))
    with by(ledger, terms(tiers=(), lots=other), tmp_path) as then:
        names = then.db.execute(
            "SELECT name, min(day) >= ? FROM lot_days JOIN lots ON lots.id = lot_id GROUP BY 1",
            (FIRST,),
        ).fetchall()
    assert names == [("grant", 1), ("new", 1)]


def test_a_credit_that_was_revoked_forgives_nothing(ledger: Ledger, tmp_path: Path) -> None:
    credit(ledger, 1, None)
    with by(ledger, terms(), tmp_path) as then:
        assert not any(row[2] for row in figures(then)[1])

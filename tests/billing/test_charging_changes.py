"""What a change of the charging policy prices again: all that it touches, and little else."""

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Charging, Factor, Forgiven, Group, Piece, Rounding, Timeline
from slurm_finops.core.rates import NEVER, Rate
from slurm_finops.core.runs import Run
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, HOUR, POLICY, run
from tests.billing.test_charging import CPU_RATE, H100_RATE, INDUSTRY, NOW, bill, priced
from tests.support import JUNE, write

RATES = (H100_RATE, H100_RATE._replace(price=6_000_000, match=INDUSTRY), CPU_RATE)
EVENING, NIGHT = 20 * HOUR, 26 * HOUR
#: On the first evening, over the first midnight, and on the third day.
RUNS = (
    run(1, "nlp", EVENING, HOUR), run(2, "nlp", EVENING, 6 * HOUR, state="FAILED"),
    run(3, "nlp", 2 * DAY, HOUR, qos="high", state="NODE_FAIL"), run(4, "cv", 2 * DAY, HOUR),
    run(5, "", 2 * DAY, HOUR, partition="spot"), run(6, "nlp", 2 * DAY, HOUR, alloc_tres="cpu=8"),
)  # fmt: skip


def site(*rates: Rate, **policy: Any) -> Terms:
    return Terms(rates or RATES, POLICY, CALENDAR, charging=Charging(**policy))


def always(of_class: str) -> Timeline:
    return (Piece(NEVER, of_class),)


def since(day: int, of_class: str, before: str = "") -> Timeline:
    return (Piece(NEVER, before), Piece(JUNE + day * DAY, of_class))


def queued(ledger: Ledger, then: Terms) -> int:
    """How many runs a change prices again; their charges are as if it had always been."""
    found = price(ledger, then, NOW)
    assert found.new == 0
    columns = "job_id", "day", "policy", "skus.name"
    assert bill(ledger, *columns) == bill(priced(then, *RUNS), *columns)
    return found.again


HALF = Factor("half", Fraction(1, 2))
LOST = Forgiven("lost", ("NODE_FAIL",))
HOURS = Rounding("hours", 3600, 7200)
SHARE = Group("share", ("cpu", "gres/gpu"))
HIGH = (("qos", "high"),)


@pytest.mark.parametrize(("policy", "again"), [
    ({"factors": (HALF,)}, 6),
    ({"factors": (replace(HALF, match=HIGH),)}, 1),
    ({"factors": (replace(HALF, match=(("partition", "h100"),)),)}, 5),
    ({"factors": (replace(HALF, match=(("cluster", "beta"),)),)}, 0),
    ({"factors": (replace(HALF, match=(("cluster", "alpha"),)),)}, 6),
    # a class is no word of a run's: they are all looked at
    ({"factors": (replace(HALF, match=INDUSTRY),)}, 6),
    ({"factors": (replace(HALF, end=JUNE + EVENING),)}, 0),
    ({"factors": (replace(HALF, end=JUNE + EVENING + 36),)}, 2),
    ({"factors": (replace(HALF, start=JUNE + EVENING + HOUR),)}, 5),
    ({"factors": (replace(HALF, start=JUNE + NIGHT, end=JUNE + 2 * DAY),)}, 0),
    ({"forgiven": (LOST,)}, 1),
    ({"forgiven": (replace(LOST, states=("NODE_FAIL", "FAILED")),)}, 2),
    ({"forgiven": (replace(LOST, states=("TIMEOUT",)),)}, 0),
    ({"rounding": (HOURS,)}, 6),
    ({"rounding": (replace(HOURS, match=HIGH),)}, 1),
    ({"groups": (SHARE,)}, 6),
    ({"groups": (replace(SHARE, match=HIGH),)}, 1),
    ({"default_class": "industry"}, 6),
    ({"classes": (("nlp", always("industry")),)}, 4),
    ({"classes": (("nlp", since(1, "industry")),)}, 4),
    ({"classes": (("cv", since(2, "industry")),)}, 1),
    ({"classes": (("ops", always("industry")),)}, 0),
])  # fmt: skip
def test_a_rule_that_comes_or_goes_touches_the_runs_it_is_for(
    policy: dict[str, Any], again: int
) -> None:
    ledger = priced(site(), *RUNS)
    assert queued(ledger, site(**policy)) == again
    assert queued(ledger, site()) == again


@pytest.mark.parametrize(("one", "two", "again"), [
    # of a date that moves only what lies behind the earlier one
    ({"classes": (("nlp", since(1, "industry")),)}, {"classes": (("nlp", since(2, "industry")),)},
     3),
    ({"classes": (("nlp", since(2, "industry")),)}, {"classes": (("nlp", since(3, "industry")),)},
     2),
    # what others are is nothing to a team that says what it is
    ({"classes": (("nlp", always("x")),)},
     {"classes": (("nlp", always("x")),), "default_class": "industry"}, 2),
    ({"classes": (("nlp", since(2, "industry", "x")),), "default_class": "x"},
     {"classes": (("nlp", since(2, "industry", "y")),), "default_class": "y"}, 6),
    # a team that says nothing any more is what others are
    ({"classes": (("nlp", always("industry")),), "default_class": "x"}, {"default_class": "x"}, 4),
    ({"factors": (HALF,)}, {"factors": (replace(HALF, ratio=Fraction(2)),)}, 6),
    ({"factors": (HALF,)}, {"factors": (replace(HALF, name="other"),)}, 6),
    ({"factors": (HALF,)}, {"factors": (replace(HALF, skus=("cpu",)),)}, 6),
    ({"forgiven": (LOST,)}, {"forgiven": (replace(LOST, part=Fraction(1, 2)),)}, 1),
    ({"forgiven": (LOST,)}, {"forgiven": (replace(LOST, states=("FAILED",)),)}, 2),
    ({"rounding": (HOURS,)}, {"rounding": (replace(HOURS, minimum=0),)}, 6),
    ({"groups": (SHARE,)}, {"groups": (replace(SHARE, combine="sum"),)}, 6),
])  # fmt: skip
def test_a_rule_that_changes_touches_what_it_was_and_what_it_is_for(
    one: dict[str, Any], two: dict[str, Any], again: int
) -> None:
    ledger = priced(site(**one), *RUNS)
    assert queued(ledger, site(**two)) == again
    assert queued(ledger, site(**one)) == again


def test_factors_in_another_order_are_named_in_it() -> None:
    three = (HALF, Factor("double", Fraction(2), HIGH), Factor("free", Fraction(0), INDUSTRY))
    ledger = priced(site(factors=three), *RUNS)
    for order in (three, three[::-1]):
        assert queued(ledger, site(factors=order)) == (0 if order is three else 6)
        said = bill(ledger, "policy", job_id="3")[0][0]
        assert list(dict(json.loads(said)["factors"])) == [
            factor.name for factor in order if factor.name != "free"
        ]
    # rules of which only one applies may stand in any
    forgiven = (LOST, replace(LOST, name="more", match=HIGH))
    ledger = priced(site(forgiven=forgiven), *RUNS)
    assert queued(ledger, site(forgiven=forgiven[::-1])) == 0
    ((detail,),) = ledger.db.execute(
        "SELECT detail FROM audit WHERE action = 'charging' ORDER BY id DESC LIMIT 1")
    assert detail == "written in another order: 0 runs to price again"


def test_what_had_no_price_gets_one_with_its_class() -> None:
    rates = H100_RATE, CPU_RATE._replace(match=INDUSTRY)
    ledger = priced(site(*rates), *RUNS)
    assert bill(ledger, job_id="6") == [(None,) * 7]
    assert queued(ledger, site(*rates, classes=(("nlp", always("industry")),))) == 4
    assert bill(ledger, "skus.name", job_id="6")[0][0] == "cpu"


@pytest.mark.parametrize(("one", "two"), [
    (site(*RATES), site(*RATES, H100_RATE._replace(price=8_000_000, start=JUNE + 24 * HOUR))),
    (site(), site(factors=(replace(HALF, start=JUNE + EVENING + 2 * HOUR),))),
    (site(classes=(("nlp", since(9, "industry")),)),
     site(classes=(("nlp", since(1, "industry")),))),
])  # fmt: skip
def test_a_change_behind_its_end_touches_a_run_that_books_so_long(one: Terms, two: Terms) -> None:
    """The first run ends at nine in the evening, and books until one."""
    booking = Charging(rounding=(Rounding("five hours", 1, 5 * HOUR),))
    one, two = (
        replace(then, charging=replace(then.charging, rounding=booking.rounding))
        for then in (one, two)
    )
    ledger = priced(one, *RUNS)
    before = bill(ledger, job_id="1")
    queued(ledger, two)
    assert bill(ledger, job_id="1") != before


def test_a_policy_that_is_new_with_the_runs_prices_each_once() -> None:
    ledger = priced(site(), RUNS[0])
    more: list[Run] = list(RUNS[1:])
    write(ledger, *more)
    found = price(ledger, site(factors=(HALF,), default_class="industry"), NOW)
    assert (found.new, found.again) == (5, 1)


def test_the_audit_names_what_changed() -> None:
    ledger = priced(site(), *RUNS)
    price(ledger, site(factors=(HALF,), classes=(("nlp", always("x")),), default_class="y"), NOW,
          "admin")  # fmt: skip
    assert ledger.db.execute(
        "SELECT actor, detail FROM audit WHERE action = 'charging'"
    ).fetchall() == [
        ("admin", "factor half, class of all others, class of nlp: 6 runs to price again"),
    ]  # fmt: skip

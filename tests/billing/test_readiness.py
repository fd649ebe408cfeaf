"""What readiness reads of the ledger: use with what it bears, and what nobody owns."""

from datetime import UTC, datetime

from slurm_finops.billing.pricing import price
from slurm_finops.billing.readiness import (
    Seen,
    Unowned,
    known_from,
    known_names,
    seen,
    unowned,
    whole_weeks,
)
from slurm_finops.core.money import TICKS
from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.core.pools import Spread
from slurm_finops.core.readiness import Cost
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import CALENDAR, DAY, FIRST, HOUR, a_line, a_pool, run, services, terms
from tests.support import JUNE, a_ledger, write

MONTH = CALENDAR.period("2026-06")
NOW = JUNE + 40 * DAY


def priced(ledger: Ledger, *pools: object, **more: tuple[object, ...]) -> Seen:
    price(ledger, terms(*pools, **more), NOW)  # type: ignore[arg-type]
    return seen(ledger, MONTH)


def by_team(look: Seen) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for part in look.parts:
        found[part.tags.team] = found.get(part.tags.team, 0) + part.cost.ticks
    return found


def test_whole_weeks_end_before_now() -> None:
    monday = int(datetime(2026, 6, 29, tzinfo=UTC).timestamp())
    assert [week.label for week in whole_weeks(CALENDAR, monday, 4)] == [
        "2026-W23", "2026-W24", "2026-W25", "2026-W26",
    ]  # fmt: skip
    assert whole_weeks(CALENDAR, monday - 1, 4)[-1].label == "2026-W25"
    # over the turn of a year with 53 weeks
    january = int(datetime(2027, 1, 12, tzinfo=UTC).timestamp())
    assert [week.label for week in whole_weeks(CALENDAR, january, 3)] == [
        "2026-W52", "2026-W53", "2027-W01",
    ]  # fmt: skip


def test_use_at_rates_is_told_by_its_tags() -> None:
    ledger = a_ledger()
    assert known_from(ledger) is None
    write(ledger, run(1, "nlp", DAY, 10 * HOUR), run(2, "nlp", 0, 10 * HOUR, comment="{"),
          run(3, "", 0, 5 * HOUR))  # fmt: skip
    look = priced(ledger)
    hour = 392 * TICKS // 100
    assert sorted((part.tags.team or "", part.valid, part.cost) for part in look.parts) == [
        ("", False, Cost(2, 15 * hour)), ("nlp", True, Cost(1, 10 * hour)),
    ]  # fmt: skip
    assert (look.teams, look.untagged) == ({"nlp": Cost(1, 10 * hour)}, 15 * hour)
    assert unowned(ledger, look) == [
        Unowned("", "nlp", Cost(1, 10 * hour)), Unowned("", "nobody", Cost(1, 5 * hour)),
    ]  # fmt: skip
    assert known_from(ledger) == FIRST


def test_use_has_its_share_of_a_pool_and_nothing_of_what_nobody_used() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, 30 * DAY, gpus=2), run(2, "", 0, 30 * DAY, gpus=2))
    look = priced(ledger, a_pool())  # 8 an hour for 8 units, of which 4 were used
    month = 30 * 24 * TICKS
    assert by_team(look) == {"nlp": 2 * month, None: 2 * month}
    assert look.nobodys == [("reserved", "unused", 4 * month)]
    assert look.unowned == 6 * month
    assert unowned(ledger, look) == [
        Unowned("unused", "reserved", Cost(0, 4 * month)),
        Unowned("", "nobody", Cost(1, 2 * month)),
    ]  # fmt: skip


def test_what_a_rule_puts_on_a_team_is_its_cost_and_no_use_of_it() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, 30 * DAY, gpus=8))
    look = priced(ledger, a_pool(units=16, unused=Spread("carried", to="cv")))
    month = 30 * 24 * TICKS
    assert by_team(look) == {"nlp": 4 * month}
    assert look.teams == {"nlp": Cost(1, 4 * month), "cv": Cost(0, 4 * month)}
    assert (look.nobodys, look.unowned, unowned(ledger, look)) == ([], 0, [])


def test_shared_services_that_others_carry_are_nobodys_fault() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, 10 * HOUR), run(2, "", 0, 5 * HOUR, account="ops"))
    look = priced(ledger, overhead=(services(),))
    assert by_team(look) == {"nlp": 10 * 392 * TICKS // 100, None: 0}
    assert (look.untagged, unowned(ledger, look)) == (0, [])
    assert look.teams["nlp"].ticks == 15 * 392 * TICKS // 100


def test_a_line_that_names_nobody_is_nobodys() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, 10 * HOUR))
    look = priced(ledger, lines=(a_line(100 * TICKS, Spread("carried")),))
    assert unowned(ledger, look) == [Unowned("line", "egress", Cost(0, 100 * TICKS))]


def test_names_that_a_site_knows() -> None:
    policy = Policy(
        allowed={"environment": ("dev", "prod"), "team": ("lab",)},
        teams=(TeamRule("nlp", "cc-1", ("llama",)), TeamRule("cv")),
    )
    assert known_names(policy) == {
        "team": {"nlp", "cv", "lab"}, "project": {"llama"}, "environment": {"dev", "prod"},
        "model": set(), "cost_center": {"cc-1"},
    }  # fmt: skip

"""What is to be told, and what was told already."""

import pytest

from slurm_finops.billing.alerts import DAY as ODD
from slurm_finops.billing.alerts import FORECAST, SPENT, Alert, Wanted, alerts
from slurm_finops.billing.standings import Moment
from slurm_finops.core.budgets import SPAN, Budget
from slurm_finops.core.money import TICKS
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import FIRST, HOUR, run
from tests.billing.test_standings import EVERY_DAY, JANUARY, MONTHLY, TERMS, at, spending

ALL = Wanted((50, 80, 100), True, True, 50 * TICKS)
BUDGETS = Wanted((50, 80, 100), True, False, 0)


def found(
    ledger: Ledger, moment: Moment, *budgets: Budget, wanted: Wanted = BUDGETS
) -> list[Alert]:
    return alerts(ledger, TERMS, budgets, [], wanted, 2, moment, JANUARY)


def keys(alerts: list[Alert]) -> list[str]:
    return [alert.key for alert in alerts]


@pytest.mark.parametrize(("limit", "said"), [
    (1000_00, []),
    (310_00, []),  # 300 are expected
    (300_00, ["month 2026-06: 50% of 300.00"]),
    (290_00, ["month 2026-06: 50% of 290.00", "month 2026-06: forecast over 290.00"]),
    (187_50, ["month 2026-06: 80% of 187.50", "month 2026-06: forecast over 187.50"]),
    (150_00, ["month 2026-06: 100% of 150.00"]),
    (20_00, ["month 2026-06: 100% of 20.00"]),
    (0, ["month 2026-06: 100% of 0.00"]),
])  # fmt: skip
def test_of_many_thresholds_the_highest_and_whether_it_lasts(limit: int, said: list[str]) -> None:
    assert keys(found(spending(EVERY_DAY), at(15), MONTHLY._replace(limit_minor=limit))) == said


def test_a_budget_that_nobody_touches_is_silent() -> None:
    nobody = Budget("cv", None, "month", 0)
    assert found(spending(EVERY_DAY), at(15), nobody) == []


def test_what_is_told_is_told_once_and_no_lower_threshold_after_it() -> None:
    (eighty, _) = found(spending(EVERY_DAY), at(15), MONTHLY._replace(limit_minor=187_50))
    assert not eighty.is_told([])
    assert eighty.is_told(["month 2026-06: 80% of 187.50"])
    assert eighty.is_told(["x", "month 2026-06: 100% of 187.50"])
    # half was told, another month was, another limit was
    assert not eighty.is_told(["month 2026-06: 50% of 187.50"])
    assert not eighty.is_told(["month 2026-05: 80% of 187.50", "month 2026-06: 80% of 200.00"])
    assert not eighty.is_told(["month 2026-06: forecast over 187.50"])


def test_a_grant_whose_name_looks_like_a_key_is_only_itself() -> None:
    grant = Budget("nlp", None, SPAN, 100_00, "x: 100% of 5.00", FIRST, FIRST + 60)
    (alert,) = found(spending(EVERY_DAY), at(15), grant)
    days = "2026-06-01..2026-07-31"
    assert alert.key == f"span x: 100% of 5.00 {days}: 100% of 100.00"
    assert not alert.is_told([f"span x: 100% of 5.00 {days}"])
    assert alert.is_told([f"span x: 100% of 5.00 {days}: 120% of 100.00"])


def test_a_budget_that_is_renewed_with_its_name_and_amount_is_another() -> None:
    before = Budget("nlp", None, SPAN, 10_00, "quota", FIRST - 30, FIRST)
    (told,) = found(spending(EVERY_DAY), at(5), before)
    renewed = before._replace(first=FIRST, last=FIRST + 30)
    (alert,) = found(spending(EVERY_DAY), at(15), renewed)
    assert alert.key == "span quota 2026-06-01..2026-07-01: 100% of 10.00"
    assert not alert.is_told([told.key])
    assert alert.is_told([alert.key])


def test_what_ended_more_than_a_week_ago_is_no_news() -> None:
    ledger = spending(dict.fromkeys(range(-60, 0), 10))
    month = MONTHLY._replace(limit_minor=300_00)
    assert keys(found(ledger, at(7), month)) == ["month 2026-05: 100% of 300.00"]
    assert keys(found(ledger, at(8), month)) == []
    grant = Budget("nlp", None, SPAN, 10_00, "grant", FIRST - 20, FIRST + 3)
    said = keys(found(ledger, at(10), grant))
    assert said == ["span grant 2026-05-12..2026-06-04: 100% of 10.00"]
    assert keys(found(ledger, at(11), grant)) == []


def test_a_budget_that_has_not_begun_is_silent() -> None:
    grant = Budget("nlp", None, SPAN, 10_00, "grant", FIRST + 20, FIRST + 50)
    assert found(spending(EVERY_DAY), at(15), grant) == []


def test_of_a_young_group_thresholds_only() -> None:
    ledger = spending(dict.fromkeys(range(5, 15), 10))
    assert keys(found(ledger, at(15), MONTHLY._replace(limit_minor=120_00))) == [
        "month 2026-06: 80% of 120.00"
    ]


def test_an_unusual_day_with_its_costliest_runs() -> None:
    more = [
        run(7000 + units, "nlp", 13 * 24 * HOUR, HOUR, units, user=f"u{units}")
        for units in range(20, 27)
    ]  # fmt: skip
    (alert,) = found(spending(EVERY_DAY, *more), at(15), wanted=ALL)
    assert (alert.kind, alert.team, alert.project) == (ODD, "nlp", None)
    assert (alert.key, alert.report) == ("day 2026-06-14", "alert:team:nlp")
    odd = alert.odd
    assert odd is not None
    assert (odd.cost_minor, odd.usual_minor, odd.limit_minor) == (171_00, 10_00, 60_00)
    assert [run.user for run in odd.runs] == ["u26", "u25", "u24", "u23", "u22"]
    first = odd.runs[0]
    assert (first.cluster, first.job_id, first.project, first.experiment, first.state) == (
        "alpha", "7026", "nlp-p", None, "COMPLETED",
    )  # fmt: skip
    assert (odd.runs[0].effective_ticks, odd.runs[0].gpu_seconds) == (26 * TICKS, 26 * HOUR)
    assert odd.of == 8


def test_a_dear_day_that_is_a_week_old_or_below_the_floor_is_not_told() -> None:
    more = run(7000, "nlp", 4 * 24 * HOUR, HOUR, 100)
    assert keys(found(spending(EVERY_DAY, more), at(11), wanted=ALL)) == ["day 2026-06-05"]
    assert found(spending(EVERY_DAY, more), at(12), wanted=ALL) == []
    high = ALL._replace(floor_ticks=101 * TICKS)
    assert found(spending(EVERY_DAY, more), at(11), wanted=high) == []
    assert found(spending(EVERY_DAY, more), at(11), wanted=BUDGETS) == []


def test_a_project_that_asks_for_it_and_what_nobody_tagged() -> None:
    more = run(7000, "nlp", 13 * 24 * HOUR, HOUR, 100)
    bare = [run(8000 + day, "", day * 24 * HOUR, HOUR, 100 if day == 14 else 1)
            for day in range(-40, 15)]  # fmt: skip
    ledger = spending(EVERY_DAY, more, *bare)
    said = alerts(ledger, TERMS, [], [("nlp", "nlp-p")], ALL, 2, at(15), JANUARY)
    assert [(one.report, one.key) for one in said] == [
        ("alert:untagged", "day 2026-06-15"), ("alert:team:nlp", "day 2026-06-14"),
        ("alert:project:nlp/nlp-p", "day 2026-06-14"),
    ]  # fmt: skip


def test_the_runs_of_a_day_are_its_owners_alone() -> None:
    """Of nobody's day those that nobody tagged, of a project's its own."""
    dear = [run(7000, "nlp", 13 * 24 * HOUR, HOUR, 100), run(7001, "cv", 13 * 24 * HOUR, HOUR, 90)]
    bare = [run(8000 + day, "", day * 24 * HOUR, HOUR, 100 if day == 13 else 1)
            for day in range(-40, 15)]  # fmt: skip
    said = alerts(spending(EVERY_DAY, *dear, *bare), TERMS, [], [("nlp", "nlp-p")], ALL, 2, at(15),
                  JANUARY)  # fmt: skip
    assert [(one.report, one.odd.runs[0].job_id, one.odd.of) for one in said if one.odd] == [
        ("alert:untagged", "8013", 1), ("alert:team:nlp", "7000", 2),
        ("alert:project:nlp/nlp-p", "7000", 2),
    ]  # fmt: skip


def test_kinds_are_what_they_say() -> None:
    said = found(spending(EVERY_DAY), at(15), MONTHLY._replace(limit_minor=187_50))
    assert [one.kind for one in said] == [SPENT, FORECAST]
    assert said[0].percent == 80

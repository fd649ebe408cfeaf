"""What alerts say, in a mail and in a list; and what names may not do there."""

import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from slurm_finops.billing.alerts import Alert, OddDay, Wanted, alerts, of_budget
from slurm_finops.billing.standings import Standing
from slurm_finops.core.budgets import MONTH, SPAN, YEAR, Budget
from slurm_finops.core.characters import is_control
from slurm_finops.core.forecast import Range
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Period
from slurm_finops.ledger.endings import Ended
from slurm_finops.reports.alerts import (
    Style,
    as_json,
    headline,
    mail_html,
    mail_text,
    runs,
    subject,
)
from tests.billing.pools import CALENDAR, FIRST
from tests.billing.test_standings import JANUARY, MONTHLY, TERMS, at, spending
from tests.reports.test_hostile import MOVING
from tests.reports.test_render import HEADER, HOSTILE

STYLE = Style(HEADER)
GERMAN = Style(replace(HEADER, locale="de_DE", currency="EUR"))
AS_OF = "2026-06-16 03:15 UTC"
WANTED = Wanted((50, 80, 100), True, False, 0)


def a_standing(**more: object) -> Standing:
    """4,000 of 5,000 spent half way through June, expected to last until the 20th."""
    found = Standing(
        Budget("nlp", "llama", MONTH, 5000_00), CALENDAR.period("2026-06"), 4000_00,
        Fraction(1, 2), 90, Range(6000_00, 8000_00, 9500_00), (FIRST + 19, FIRST + 17), 250_00, 2,
        15,
    )  # fmt: skip
    return found._replace(**more)  # type: ignore[arg-type]


def told(one: Standing, kind: int = 0) -> Alert:
    return list(of_budget(one, WANTED, 2))[kind]


def an_odd_day(**more: object) -> Alert:
    runs = tuple(
        Ended("alpha", str(4711 + i), f"user{i % 2}", f"run {i}", "llama",
              f"sweep-{i}" if i else None, "OUT_OF_MEMORY" if i else "COMPLETED", 0, 3600,
              4_500_000 - i, (1600 - i) * TICKS, (1500 - i) * TICKS)
        for i in range(5)
    )  # fmt: skip
    odd = OddDay(FIRST + 12, 2400_00, 100_00, 150_00, runs, 17)._replace(**more)  # type: ignore[arg-type]
    return Alert("day", "nlp", None, "day 2026-06-13", odd=odd)


@pytest.mark.parametrize(("alert", "said"), [
    (told(a_standing()), "nlp / llama: 80.0% of the budget for June 2026 is spent"),
    (told(a_standing(), 1),
     "nlp / llama: the budget for June 2026 is expected to last until 20 June 2026"),
    (told(a_standing(used_up=(FIRST + 29, FIRST + 20)), 1),
     "nlp / llama: the budget for June 2026 is expected to be overspent by 3,000.00 USD"),
    (told(a_standing(spent_minor=5000_00)), "nlp / llama: the budget for June 2026 is used up"),
    (told(a_standing(spent_minor=5100_10)),
     "nlp / llama: the budget for June 2026 is used up, 100.10 USD over"),
    (an_odd_day(), "nlp: 13 June 2026 cost 2,400.00 USD, and such a day usually 100.00 USD"),
    (told(a_standing(
        budget=Budget("nlp", None, YEAR, 5000_00), period=CALENDAR.fiscal_year(FIRST, (7, 1)))),
     "nlp: 80.0% of the budget for the fiscal year 1 July 2025 to 30 June 2026 is spent"),
    (told(a_standing(
        budget=Budget("nlp", None, YEAR, 5000_00), period=CALENDAR.fiscal_year(FIRST))),
     "nlp: 80.0% of the budget for the year 2026 is spent"),
    (told(a_standing(
        budget=Budget("nlp", None, SPAN, 5000_00, "Horizon 101"),
        period=CALENDAR.days(FIRST, FIRST + 60, "Horizon 101"))),
     "nlp: 80.0% of the budget for Horizon 101 is spent"),
])  # fmt: skip
def test_the_subject_says_it(alert: Alert, said: str) -> None:
    assert subject(alert, HEADER) == said


def test_a_mail_of_a_budget(golden: Callable[[str, str], None]) -> None:
    golden("alert-budget.txt", mail_text(told(a_standing()), STYLE, AS_OF))
    golden("alert-budget.html", mail_html(told(a_standing()), STYLE, AS_OF))


def test_a_mail_of_a_day(golden: Callable[[str, str], None]) -> None:
    golden("alert-day.txt", mail_text(an_odd_day(), STYLE, AS_OF))
    golden("alert-day.html", mail_html(an_odd_day(), STYLE, AS_OF))


def test_without_history_no_forecast_is_made_up() -> None:
    text = mail_text(told(a_standing(end=None, used_up=(None, None), history=12)), STYLE, AS_OF)
    assert "there are 12 days of use, and a forecast\n  needs 28" in text
    assert "8 times of 10" not in text


def test_figures_and_dates_are_those_of_the_locale() -> None:
    assert subject(told(a_standing()), GERMAN.header) == (
        "nlp / llama: 80,0\u00a0% of the budget for Juni 2026 is spent"
    )
    text = mail_text(told(a_standing(), 1), GERMAN, AS_OF).replace("\n  ", " ")
    assert "is expected to last until 20. Juni 2026" in text
    assert "4.000,00 EUR of 5.000,00 EUR are spent" in text
    assert "50,0\u00a0% of its time is over" in text
    odd = mail_text(an_odd_day(of=1500), GERMAN, AS_OF).replace("\n  ", " ")
    assert "13. Juni 2026 cost 2.400,00 EUR" in odd
    assert "1.495 more are not shown" in odd
    assert "alpha/4711: 1.500,00 EUR, 1.250,0 GPU-hours" in odd
    html = mail_html(an_odd_day(), GERMAN, AS_OF)
    assert "1.250,0 GPU-hours" in html and ">1.500,00<" in html and ">EUR<" in html


def test_where_something_is_shared_a_run_is_told_by_its_list_price() -> None:
    text = mail_text(an_odd_day(at_list=True), STYLE, AS_OF)
    assert "The costliest runs of that day, at list price; 12 more are not shown:" in text
    assert "alpha/4711: 1,600.00 USD" in text


def test_people_are_names_numbers_or_nothing() -> None:
    odd = an_odd_day().odd
    assert odd is not None
    assert [run["user"] for run in runs(odd, STYLE)] == [f"user{i}" for i in (0, 1, 0, 1, 0)]
    numbers = runs(odd, Style(HEADER, "pseudonyms"))
    assert [run["user"] for run in numbers] == [f"person {i}" for i in (1, 2, 1, 2, 1)]
    for people in ("pseudonyms", "none"):
        style = Style(HEADER, people)
        for text in (mail_text(an_odd_day(), style, AS_OF), mail_html(an_odd_day(), style, AS_OF),
                     str(as_json(an_odd_day(), style, [], []))):  # fmt: skip
            assert "user0" not in text
            assert ("person 1" in text) == (people == "pseudonyms")
    assert {run["user"] for run in runs(odd, Style(HEADER, "none"))} == {""}
    assert "user" not in as_json(an_odd_day(), Style(HEADER, "none"), [], [])["costliest"][0]


def test_json_has_what_machines_read() -> None:
    found = as_json(an_odd_day(), STYLE, ["pi@example.org"], [])
    assert (found["cost"], found["usual"], found["limit"]) == ("2400.00", "100.00", "150.00")
    assert (found["day"], found["runs"], len(found["costliest"])) == ("2026-06-13", 17, 5)
    assert found["costliest"][1] == {
        "cluster": "alpha", "job_id": "4712", "user": "user1", "project": "llama",
        "experiment": "sweep-1", "state": "OUT_OF_MEMORY", "gpu_seconds": 4_499_999,
        "list_cost": "1599.00", "effective_cost": "1499.00",
    }  # fmt: skip
    assert found["costliest"][0]["experiment"] is None
    budget = as_json(told(a_standing()), STYLE, [], ["pi@example.org"])
    assert budget["budget"]["left"] == "1000.00"
    assert (budget["percent"], budget["to_be_told"]) == (80, ["pi@example.org"])


def test_json_has_names_as_they_are() -> None:
    long = "run-" * 100
    (run, *_) = an_odd_day().odd.runs  # type: ignore[union-attr]
    named = an_odd_day(runs=(run._replace(user=long, project=long, experiment=long),))
    (told_of,) = as_json(named, STYLE, [], [])["costliest"]
    assert (told_of["user"], told_of["project"], told_of["experiment"]) == (long, long, long)


@pytest.mark.parametrize("name", [*HOSTILE, MOVING, "x" * 10_000, "日" * 3000])
def test_names_do_nothing_in_a_mail(name: str) -> None:
    run = Ended(name, name, name, name, name, name, name, 0, None, 3600, TICKS, TICKS)
    odd = an_odd_day(runs=(run,) * 5)._replace(team=name)
    span = told(a_standing(
        budget=Budget(name, name, SPAN, 5000_00, name),
        period=Period(name, FIRST, FIRST + 30, 0, 1),
    ))  # fmt: skip
    for alert in (odd, span):
        head, text = subject(alert, HEADER), mail_text(alert, STYLE, AS_OF)
        html = mail_html(alert, STYLE, AS_OF)
        assert not any(map(is_control, head))
        assert not any(is_control(char) for char in text.replace("\n", ""))
        assert len(head) < 400
        assert len(html) < 60_000
        text_of = re.sub(r"<[^>]*>", "", html)
        assert "<" not in text_of
        tags = set(re.findall(r"<(\w+)", html))
        assert tags <= {"html", "head", "meta", "title", "style", "body", "table", "tr", "td", "th",
                        "p", "h1", "bdi", "div", "br", "span"}  # fmt: skip
        assert "onerror=" not in re.sub(r">[^<]*<", "><", html)


def test_what_a_real_ledger_has_reads_well() -> None:
    ledger = spending(dict.fromkeys(range(-60, 15), 10))
    found = alerts(ledger, TERMS, [MONTHLY._replace(limit_minor=187_50)], [], WANTED, 2, at(15),
                   JANUARY)  # fmt: skip
    assert [headline(one, HEADER) for one in found] == [
        "80.0% of the budget for June 2026 is spent",
        "the budget for June 2026 is expected to last until 19 June 2026",
    ]

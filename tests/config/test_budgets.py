"""Budgets and [alerts] of finops.toml, and each slip in them."""

from datetime import date
from pathlib import Path

import pytest

from slurm_finops.config import Alerts, Config, load
from slurm_finops.config.budgets import all_budgets
from slurm_finops.core.budgets import MONTH, SPAN, YEAR, Budget
from slurm_finops.core.period import Period, day_number
from slurm_finops.errors import ConfigError
from tests.support import a_config

TEAM = """
[[teams]]
name = "nlp"
budget = "1000.00"
budget_year = "9000"
[[teams.budgets]]
name = "grant"
amount = "2500.50"
from = 2026-03-15
until = 2027-01-01
[[teams.projects]]
name = "llama"
budget_year = "400"
[[teams.projects.budgets]]
name = "grant"
amount = "70"
from = 2026-01-01
until = 2026-02-01
"""


def loaded(tmp_path: Path, text: str) -> Config:
    return load(a_config(tmp_path, 'cluster = "alpha"\ncurrency = "USD"\n' + text))


def day(*of: int) -> int:
    return day_number(date(*of))


def test_a_month_a_year_and_the_life_of_a_grant(tmp_path: Path) -> None:
    config = loaded(tmp_path, TEAM)
    assert list(all_budgets(config.teams)) == [
        Budget("nlp", None, MONTH, 100_000),
        Budget("nlp", None, YEAR, 900_000),
        Budget("nlp", None, SPAN, 250_050, "grant", day(2026, 3, 15), day(2027, 1, 1)),
        Budget("nlp", "llama", YEAR, 40_000),
        Budget("nlp", "llama", SPAN, 7_000, "grant", day(2026, 1, 1), day(2026, 2, 1)),
    ]


def test_the_days_of_each_kind(tmp_path: Path) -> None:
    config = loaded(tmp_path, TEAM)

    def days(number: int) -> Period:
        budget = list(all_budgets(config.teams))[number]
        return budget.period(config.calendar, day(2026, 6, 13), (10, 1))

    assert (days(0).label, days(0).first, days(0).last) == (
        "2026-06", day(2026, 6, 1), day(2026, 7, 1),
    )  # fmt: skip
    assert (days(1).first, days(1).last) == (day(2025, 10, 1), day(2026, 10, 1))
    assert (days(2).label, days(2).first, days(2).last) == (
        "grant", day(2026, 3, 15), day(2027, 1, 1),
    )  # fmt: skip


@pytest.mark.parametrize(("old", "new", "said"), [
    ('"2500.50"', "2500.50", 'teams[1].budgets[1].amount: is a number; write it as a text, amount'),
    ("until = 2027-01-01", "until = 2026-03-15", "teams[1].budgets[1].until: is not after from"),
    ("until = 2027-01-01", "", "teams[1].budgets[1].until: is missing; expected a date"),
    ('name = "grant"\namount = "2500.50"', 'amount = "1"', "teams[1].budgets[1].name: is missing"),
    ('"9000"', '"9000.001"', "teams[1].budget_year: '9000.001' has more than 2 decimals"),
    ("budget_year", "budget_yaer", "teams[1].budget_yaer: is no key here; did you mean"),
    ('"70"', '"70"\nevery = 1', "teams[1].projects[1].budgets[1].every: is no key here"),
    ("[[teams.projects]]", '[[teams.budgets]]\nname = "grant"\namount = "1"\nfrom = 2026-01-01\n'
     "until = 2026-02-01\n[[teams.projects]]", "teams[1].budgets: 'grant' is given twice"),
])  # fmt: skip
def test_slips_in_budgets_are_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, TEAM.replace(old, new, 1))
    assert said in str(error.value)


def test_alerts_and_what_they_are_without_a_table(tmp_path: Path) -> None:
    assert loaded(tmp_path, "").alerts == Alerts(
        (50, 80, 100), True, True, (), slack=True, floor_minor=5000
    )
    text = ('[alerts]\nthresholds = [100, 75]\nforecast = false\nunusual = false\n'
            'floor = "0.50"\nto = ["finops@example.org"]\n'
            "slack = false\n")  # fmt: skip
    assert loaded(tmp_path, text).alerts == Alerts(
        (75, 100), False, False, ("finops@example.org",), slack=False, floor_minor=50
    )


@pytest.mark.parametrize(("text", "said"), [
    ("thresholds = [50, 50]", "alerts.thresholds: is [50, 50]; each is given once"),
    ("thresholds = [0]", "alerts.thresholds: has 0; expected 1 to 1000 percent of a budget"),
    ('thresholds = ["80"]', "alerts.thresholds: has '80'; expected a list of percentages"),
    ("thresholds = 80", "alerts.thresholds: is 80; expected a list of percentages"),
    ("floor = 5", 'alerts.floor: is a number; write it as a text, floor = "5"'),
    ('to = ["nobody"]', "alerts.to: 'nobody' is no address"),
    ("forcast = true", "alerts.forcast: is no key here; did you mean 'forecast'?"),
])  # fmt: skip
def test_slips_in_alerts_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, f"[alerts]\n{text}\n")
    assert said in str(error.value)

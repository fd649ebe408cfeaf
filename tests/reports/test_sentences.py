"""The six answers: what is said, and what is not where nothing is known."""

from dataclasses import replace
from datetime import date

import pytest

from slurm_finops.reports.sentences import answers
from slurm_finops.reports.view import Ahead, Allotment, Trend, Waste
from tests.reports.test_render import a_budget, a_page


@pytest.mark.parametrize(
    ("trend", "said"),
    [
        (Trend("week", 12_000), "Nothing to compare it with yet."),
        (Trend("week", 12_000, 10_000), "20.0% more than the week before (100.00 USD)."),
        (Trend("day", 5_000, 10_000), "50.0% less than the day before (100.00 USD)."),
        (Trend("month", 10_000, 10_000), "As much as the month before (100.00 USD)."),
        (Trend("week", 12_000, 0), "120.00 USD more than the week before (0.00 USD)."),
        (Trend("week", 12_000, -500), "125.00 USD more than the week before (−5.00 USD)."),
        (Trend("month", 12_000, 10_000, days=12),
         "20.0% more than the month before by then (100.00 USD)."),
        (Trend("week", 12_000, 10_000, (9_000, 13_000), 8),
         "20.0% more than the week before (100.00 USD); within the usual 90.00 to 130 USD of "
         "the 8 weeks before."),
        (Trend("week", 14_000, 14_000, (9_000, 13_000), 8),
         "As much as the week before (140.00 USD); more than the usual 90.00 to 130 USD of "
         "the 8 weeks before."),
        (Trend("week", 8_000, 8_000, (9_000, 13_000), 8),
         "As much as the week before (80.00 USD); less than the usual 90.00 to 130 USD of "
         "the 8 weeks before."),
        (Trend("", 12_000), ""),
    ],
)  # fmt: skip
def test_whether_it_is_normal(trend: Trend, said: str) -> None:
    assert answers(a_page(trend=trend)).normal == said


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (None, "200.00 of 1,000.00 USD for June 2026 is spent (20.0%); 800.00 is left until "
               "30 June."),
        (Ahead(60_000, 70_000, 80_000),
         "200.00 of 1,000.00 USD for June 2026 is spent (20.0%); it lasts: about 700 by 30 June "
         "(600 to 800)."),
        (Ahead(60_000, 90_000, 120_000),
         "200.00 of 1,000.00 USD for June 2026 is spent (20.0%); it should last, but may not: "
         "about 900 by 30 June (600 to 1,200)."),
        (Ahead(90_000, 120_000, 150_000, date(2026, 6, 25)),
         "200.00 of 1,000.00 USD for June 2026 is spent (20.0%); at this pace it is used up on "
         "25 June: about 1,200 by 30 June (900 to 1,500)."),
    ],
)  # fmt: skip
def test_whether_the_budget_will_last(ahead: Ahead | None, said: str) -> None:
    budget = a_budget(100_000, 20_000, by=6, ahead=ahead)
    assert answers(a_page(budgets=(budget,))).budget == said


def test_a_budget_that_does_not_last_is_the_first_thing_to_do() -> None:
    ahead = Ahead(90_000, 120_000, 150_000, date(2026, 6, 25))
    budget = a_budget(100_000, 20_000, by=6, ahead=ahead)
    # 800.00 for the 24 days from 7 June
    assert answers(a_page(budgets=(budget,))).to_do[0] == (
        "Spend at most 33.33 USD a day until 30 June (June 2026), or ask for more."
    )
    over = answers(a_page(budgets=(a_budget(10_000, 20_000),)))
    assert over.to_do[0].startswith("The budget for June 2026 is used up")


def test_several_budgets_are_told_shortly() -> None:
    budgets = (
        a_budget(100_000, 20_000, by=6, ahead=Ahead(60_000, 70_000, 80_000)),
        a_budget(100_000, 20_000, by=6, name="grant", ahead=Ahead(60_000, 90_000, 120_000)),
        a_budget(100_000, 20_000, by=6, name="year",
                 ahead=Ahead(90_000, 120_000, 150_000, date(2026, 6, 25))),
        a_budget(10_000, 20_000, by=6, name="gone"), a_budget(100_000, 20_000, name="past"),
    )  # fmt: skip
    assert answers(a_page(budgets=budgets)).budget == (
        "June 2026: 20.0% of 1,000.00 USD is spent, lasts: about 700 by the end. "
        "grant: 20.0% of 1,000.00 USD is spent, should last: about 900 by the end. "
        "year: 20.0% of 1,000.00 USD is spent, used up on 25 June. "
        "gone: 200.0% of 100.00 USD is spent. past: 20.0% of 1,000.00 USD is spent."
    )


def test_an_allocation_that_expires_is_to_be_used() -> None:
    lot = Allotment("grant", False, 100_000, 50_000, date(2026, 7, 9), expiring=True)
    assert (
        "Use what is left of the allocation grant by 9 July: then it expires."
        in answers(a_page(allotments=(lot,))).to_do
    )


def test_what_it_was_spent_on_names_the_three_costliest_and_counts_the_rest() -> None:
    assert answers(a_page(["a", "b", "c", "d"])).spent_on == "a 25.0%, b 25.0%, c 25.0%, d 25.0%"
    five = answers(a_page(["a", "b", "c", "d", "e"])).spent_on
    assert five == "a 20.0%, b 20.0%, c 20.0%, 2 others 40.0%"


def test_what_was_wasted_is_told_by_cause_and_what_is_left_as_one() -> None:
    waste = tuple(Waste(f"cause{i}", 1, 3600, 100 * (6 - i)) for i in range(5))
    page = a_page(waste=waste, suspended_seconds=0)
    assert answers(page).wasted == (
        "20.00 USD (7.4%) on 5 runs: 6.00 cause0, 5.00 cause1, 4.00 cause2, 5.00 otherwise."
    )
    assert answers(replace(page, waste=())).wasted == (
        "Nothing: every run that ended, ended well."
    )


def test_what_is_worth_less_than_a_hundredth_is_nothing_to_do() -> None:
    page = a_page(waste=(Waste("failed", 1, 1, 269),), faults=())
    assert answers(page).to_do == ()
    page = a_page(waste=(Waste("failed", 1, 1, 270),), faults=())
    assert len(answers(page).to_do) == 1


def test_an_empty_page_has_no_answers_to_give() -> None:
    page = a_page([], budgets=(), trend=None, waste=(), faults=(), suspended_seconds=0)
    assert answers(page).told() == []
    assert answers(page).to_do == ()

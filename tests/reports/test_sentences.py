"""The six answers: what is said, and what is not where nothing is known."""

from dataclasses import replace
from datetime import date

import pytest

from slurm_finops.reports.sentences import answers
from slurm_finops.reports.view import Ahead, Allotment, Budget, BudgetLine, Page, Trend, Waste
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
         "20.0% more than the same days of the month before (100.00 USD)."),
        (Trend("week", 12_000, 10_000, (9_000, 13_000), 8),
         "20.0% more than the week before (100.00 USD); within the usual 90.00 to 130 USD of "
         "8 weeks."),
        (Trend("week", 14_000, 14_000, (9_000, 13_000), 8),
         "As much as the week before (140.00 USD); more than the usual 90.00 to 130 USD of "
         "8 weeks."),
        (Trend("week", 8_000, 8_000, (9_000, 13_000), 8),
         "As much as the week before (80.00 USD); less than the usual 90.00 to 130 USD of "
         "8 weeks."),
        (Trend("week", 12_000, 10_000, (0, 13_000), 8),
         "20.0% more than the week before (100.00 USD); within the usual 0 to 130 USD of "
         "8 weeks."),
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
    assert answers(going_on(budget)).budgets == (said,)


def going_on(*budgets: Budget) -> Page:
    """A page of a month that is not over."""
    page = a_page(budgets=budgets)
    return replace(
        page, report=replace(page.report, header=replace(page.report.header, so_far=True))
    )


def test_a_period_that_is_over_says_by_when_a_budget_that_goes_on_was_spent() -> None:
    ahead = Ahead(90_000, 120_000, 150_000, date(2026, 6, 25))
    budget = a_budget(100_000, 20_000, by=6, ahead=ahead)
    assert answers(a_page(budgets=(budget,))).budgets[0].startswith(
        "200.00 of 1,000.00 USD for June 2026 is spent by 6 June (20.0%); at this pace it is used "
    )
    assert answers(a_page(budgets=(budget, budget))).budgets[0] == (
        "June 2026: 20.0% of 1,000.00 USD is spent by 6 June; at this pace it is used up on "
        "25 June."
    )


def test_a_budget_that_does_not_last_is_the_first_thing_to_do() -> None:
    ahead = Ahead(90_000, 120_000, 150_000, date(2026, 6, 25))
    budget = a_budget(100_000, 20_000, by=6, ahead=ahead)
    # 800.00 for the 24 days from 7 June
    assert answers(a_page(budgets=(budget,))).to_do[0] == (
        "Spend at most 33.33 USD a day until 30 June, or ask for more."
    )
    assert answers(a_page(budgets=(budget, budget))).to_do[0] == (
        "Spend at most 33.33 USD a day until 30 June (June 2026), or ask for more."
    )
    over = answers(a_page(budgets=(a_budget(10_000, 20_000, by=6),)))
    assert over.to_do[0].startswith("The budget for June 2026 is used up")
    past = answers(a_page(budgets=(a_budget(10_000, 20_000),)))
    assert not any("June 2026" in said for said in past.to_do)


def test_several_budgets_are_told_shortly() -> None:
    budgets = (
        a_budget(100_000, 20_000, by=6, ahead=Ahead(60_000, 70_000, 80_000)),
        a_budget(100_000, 20_000, by=6, name="grant", ahead=Ahead(60_000, 90_000, 120_000)),
        a_budget(100_000, 20_000, by=6, name="year",
                 ahead=Ahead(90_000, 120_000, 150_000, date(2026, 6, 25))),
        a_budget(10_000, 20_000, by=6, name="gone"), a_budget(100_000, 20_000, name="past"),
    )  # fmt: skip
    assert answers(going_on(*budgets)).budgets == (
        "June 2026: 20.0% of 1,000.00 USD is spent, lasts: about 700 by the end.",
        "Grant: 20.0% of 1,000.00 USD is spent, should last: about 900 by the end.",
        "Year: 20.0% of 1,000.00 USD is spent; at this pace it is used up on 25 June.",
        "Gone: 200.0% of 100.00 USD is spent, 100.00 over.",
        "Past: 20.0% of 1,000.00 USD is spent.",
    )


def a_line(team: str, limit: int, spent: int, used_up: date | None = None, **more: object) -> (
    BudgetLine
):
    found = BudgetLine(team, None, "June 2026", limit, spent, None, used_up, None)
    return replace(found, **more)  # type: ignore[arg-type]


def test_a_whole_site_is_told_how_many_budgets_are_used_up_and_with_whom_to_talk() -> None:
    lines = (
        a_line("nlp", 100_00, 150_00), a_line("cv", 100_00, 398_10), a_line("bio", 100_00, 10_00),
        a_line("hpc", 100_00, 90_00, date(2026, 6, 27)),
        a_line("nlp", 900_00, 950_00, name="the grant"), a_line("a", 1_00, 1_01),
    )  # fmt: skip
    said = answers(a_page(budgets=(), standings=lines))
    assert said.budgets == (
        "4 of 6 budgets used up: cv 398.1%, nlp (June 2026) 150.0%, nlp (the grant) 105.6%, and "
        "1 more; 1 more expected to be: hpc on 27 June.",
    )
    assert said.to_do[0] == "Talk to cv, nlp, a: their budgets are used up."
    ending = answers(a_page(budgets=(), standings=lines[2:4]))
    assert ending.budgets == ("1 of 2 budgets expected to be used up: hpc on 27 June.",)
    well = answers(a_page(budgets=(), standings=(a_line("bio", 100_00, 10_00),)))
    assert well.budgets == ("1 budget, none used up or expected to be.",)


def test_who_reads_a_whole_site_is_not_asked_to_mend_runs() -> None:
    page = replace(a_page(budgets=()), owner=None)
    (said,) = answers(page).to_do
    assert said.startswith("4 runs (9.90 USD) are not tagged as they should be: ask their teams")


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
        "20.00 USD (7.4%) on 5 runs: 6.00 cause0, 5.00 cause1, 9.00 otherwise."
    )
    unpriced = (Waste("failed", 2, 7200, 0), Waste("timed out", 1, 3600, -5))
    assert answers(replace(page, waste=unpriced)).wasted == (
        "3 runs did not end well: 3.0 GPU-hours, at no cost."
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

"""What pages say of costs that no run is behind."""

from zoneinfo import ZoneInfo

import pytest

from slurm_finops.billing.pricing import price
from slurm_finops.billing.standings import Moment
from slurm_finops.core.budgets import Budget
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import Calendar
from slurm_finops.core.pools import Spread
from slurm_finops.core.tags import Tags
from slurm_finops.reports.build import page, report
from slurm_finops.reports.pages import Pages
from slurm_finops.reports.render import mail_text, page_html, subject
from slurm_finops.reports.site import Owner, Site
from slurm_finops.reports.tables import report_json, table_text
from slurm_finops.reports.view import Page
from tests.billing.pools import CALENDAR, DAY, HOUR, POLICY, a_line, a_pool, run, terms
from tests.support import JUNE, a_ledger, write

JUNE_2026 = CALENDAR.period("2026-06")
SITE = Site("USD", 2, "UTC", Calendar(ZoneInfo("UTC")), POLICY)


@pytest.fixture
def shown() -> Page:
    """A team with two GPU-hours of a pool it bought, and a line without a project."""
    ledger = a_ledger()
    write(ledger, run(1, "nlp", 0, HOUR, 2))
    pool = a_pool(buyer="nlp", unused=Spread(to="nlp"), hourly=TICKS, units=8, days=1)
    line = a_line(10 * TICKS, tags=Tags(team="nlp"))
    site = terms(pool, lines=(line,))
    price(ledger, site, JUNE + 40 * DAY)
    now = Moment(JUNE_2026.last, JUNE_2026.end, JUNE_2026.last - 1)
    budget = Budget("nlp", None, "month", 10_000)
    pages = Pages(ledger, SITE, site, JUNE_2026, now, [(budget, JUNE_2026)])
    return pages.page(Owner("nlp"))


def test_the_figure_is_what_it_costs_and_not_what_is_billed(shown: Page) -> None:
    # 24.00 of the pool (0.25 of it for use) and 10.00
    assert subject(shown) == "nlp: 34.00 USD in June 2026"
    assert [one.spent_minor for one in shown.budgets] == [3400]


def test_what_no_run_is_behind_is_not_called_untagged(shown: Page) -> None:
    # the run has no experiment; of the costs without a project none is a run's
    by_project, by_experiment = mail_text(shown).split("By experiment")
    assert "(beside runs)" in by_project
    assert "(untagged)" not in by_project
    assert "(untagged)" in by_experiment
    assert "(beside runs)" in page_html(shown)
    assert shown.daily.names == ("(beside runs)", "nlp-p")
    assert shown.faults == ()


def test_a_purchase_is_no_row_of_a_page_and_one_of_a_table() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "cv", 0, HOUR, 8))
    price(ledger, terms(a_pool(days=1, unused=Spread(to="cv"))), JUNE + 40 * DAY)
    made = page(ledger, SITE, JUNE_2026)
    assert [row.key for row in made.report.spend.rows] == [("cv",)]
    whole = report(ledger, SITE, JUNE_2026, ("team",))
    assert "(beside runs)" in table_text(whole)
    rows = report_json(whole)["rows"]
    assert [(row["team"], row["effective_cost"], row["billed_cost"]) for row in rows] == [
        ("cv", "192.00", "0.00"), (None, "0.00", "192.00"),
    ]  # fmt: skip


def test_a_page_says_which_pool_and_line_costs_come_from(shown: Page) -> None:
    assert shown.tables[-1].by == ("origin", "category")
    assert [(row.key, row.effective_minor) for row in shown.tables[-1].rows] == [
        (("reserved", "unused"), 2375), (("egress", "line"), 1000), (("reserved", "share"), 25),
        ((None, "usage"), 0),
    ]  # fmt: skip
    assert "(rates) / usage" in mail_text(shown)


def test_a_page_of_priced_use_alone_has_no_such_table() -> None:
    ledger = a_ledger()
    write(ledger, run(1, "cv", 0, HOUR, 8))
    price(ledger, terms(), JUNE + 40 * DAY)
    assert all("origin" not in table.by for table in page(ledger, SITE, JUNE_2026).tables)

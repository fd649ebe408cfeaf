"""The mail and the page as a browser shows them: phone and desktop, light and dark."""

import re
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from slurm_finops.reports import render
from slurm_finops.reports.view import Ahead
from tests.browser.looks import DESKTOP, MAIL, PHONE, opened, wrong
from tests.reports.test_hostile import a_hostile_page
from tests.reports.test_render import a_budget, a_page

pytestmark = pytest.mark.browser

WIDTHS = pytest.mark.parametrize("width", [PHONE, MAIL])
SCHEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
#: What stands for a chart: as wide as one.
CHART = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='1152' height='500'%3E"
    "%3Crect width='1152' height='500' fill='%23ccc'/%3E%3C/svg%3E"
)


def as_read(html: str) -> str:
    """A mail as its reader shows it, with its images in place."""
    return re.sub(r"cid:[\w.@-]+", CHART, html)


@WIDTHS
@SCHEMES
def test_a_mail(chromium: Browser, width: int, dark: bool) -> None:
    with opened(chromium, as_read(render.mail_html(a_page())), width, dark) as page:
        assert wrong(page) == []


@pytest.mark.parametrize("budgets", [1, 2])
def test_the_first_screen_of_a_phone_has_all_six_answers(chromium: Browser, budgets: int) -> None:
    ahead = Ahead(60_000, 90_000, 120_000, date(2026, 6, 25))
    budget = a_budget(100_000, 20_000, by=6, ahead=ahead)
    html = as_read(render.mail_html(a_page(budgets=(budget,) * budgets, notes=())))
    with opened(chromium, html, PHONE, False) as page:
        for word in ("USD", "Normal?", "Budget", "Spent on", "Wasted", "To do"):
            row = page.get_by_text(word, exact=True).first.locator("xpath=ancestor::*[1]")
            box = row.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= 667, word


@pytest.mark.parametrize("width", [PHONE, MAIL, DESKTOP])
@SCHEMES
def test_a_page(chromium: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    path = tmp_path / "report.html"
    path.write_text(render.page_html(a_page()))
    with opened(chromium, path, width, dark) as page:
        assert wrong(page) == []


@SCHEMES
def test_names_of_any_length_stay_within_a_phone(chromium: Browser, dark: bool) -> None:
    hostile = a_hostile_page()
    for html in (as_read(render.mail_html(hostile)), render.page_html(hostile)):
        with opened(chromium, html, PHONE, dark) as page:
            assert wrong(page) == []

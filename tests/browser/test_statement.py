"""A statement as a browser shows it, and as it prints it."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from slurm_finops.cli.stating import say, statement_mail
from slurm_finops.reports.statement import Statement, statement
from tests.browser.looks import DESKTOP, MAIL, PHONE, low_contrast, opened, too_wide, wrong
from tests.reports.statements import (
    CLOSED,
    HEADER,
    LINES,
    a_draft,
    a_line,
    a_statement,
    of_a_fund,
    usage,
)
from tests.reports.test_hostile import MOVING
from tests.reports.test_render import HOSTILE
from tests.reports.test_statement_render import a_hostile_statement

pytestmark = pytest.mark.browser
SCHEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
#: What of an A4 sheet is between its margins, in CSS pixels.
SHEET = 688


@pytest.mark.parametrize("width", [PHONE, MAIL, DESKTOP])
@SCHEMES
def test_nothing_is_wrong_on_a_screen(chromium: Browser, width: int, dark: bool) -> None:
    for view in (a_statement(), a_draft(), of_a_fund()):
        for html in (say(view, "html"), statement_mail(view, "").html):
            with opened(chromium, html, width, dark) as page:
                assert wrong(page) == []


@SCHEMES
def test_names_of_any_length_stay_within_a_phone(chromium: Browser, dark: bool) -> None:
    view = a_hostile_statement([*HOSTILE, MOVING])
    for html in (say(view, "html"), statement_mail(view, "").html):
        with opened(chromium, html, PHONE, dark) as page:
            assert wrong(page) == []


def test_a_phone_needs_no_scrolling_to_see_an_amount(chromium: Browser) -> None:
    with opened(chromium, say(a_statement(), "html"), PHONE) as page:
        cells = page.locator("td.number").all()
        boxes = [box for cell in cells if (box := cell.bounding_box())]
        assert len(boxes) > 30
        assert max(box["x"] + box["width"] for box in boxes) <= PHONE


def many() -> Statement:
    """A hundred projects and more."""
    lines = [a_line(usage("spot"), i, 1, f"project-{i:03}") for i in range(120)]
    return statement([*lines, *LINES], CLOSED, HEADER)


def printed(page: Page, tmp_path: Path, paper: str) -> int:
    """How many sheets it takes."""
    data = page.pdf(format=paper, path=tmp_path / "statement.pdf")
    return len(re.findall(rb"/Type\s*/Page\b", data))


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_on_few_sheets(chromium: Browser, tmp_path: Path, paper: str) -> None:
    with opened(chromium, say(of_a_fund(), "html")) as page:
        assert printed(page, tmp_path, paper) == 1
    with opened(chromium, say(a_statement(), "html")) as page:
        assert printed(page, tmp_path, paper) in (2, 3)
    with opened(chromium, say(many(), "html")) as page:
        assert printed(page, tmp_path, paper) in (5, 6)


def test_paper_is_white_and_has_every_column_even_of_a_dark_screen(chromium: Browser) -> None:
    with opened(chromium, say(a_statement(), "html"), SHEET, dark=True) as page:
        page.emulate_media(media="print")
        assert too_wide(page) == []
        assert low_contrast(page) == []
        assert page.locator("body").evaluate("e => getComputedStyle(e).color") == "rgb(0, 0, 0)"
        assert page.get_by_role("columnheader", name="price model").is_visible()
        assert page.locator(".mark").count() == 0


def test_a_drafts_mark_is_across_each_sheet_and_on_no_screen(chromium: Browser) -> None:
    with opened(chromium, say(a_draft(), "html"), SHEET) as page:
        mark = page.locator(".mark")
        assert not mark.is_visible()
        page.emulate_media(media="print")
        assert mark.is_visible()
        assert mark.evaluate("e => getComputedStyle(e).position") == "fixed"
        assert page.get_by_text("Nothing of this is booked").is_visible()


def test_rows_are_whole_and_heads_repeat(chromium: Browser) -> None:
    with opened(chromium, say(many(), "html"), SHEET) as page:
        page.emulate_media(media="print")
        style = "(e, name) => getComputedStyle(e).getPropertyValue(name)"
        assert page.locator("tbody tr").first.evaluate(style, "break-inside") == "avoid"
        assert page.locator(".wide thead").first.evaluate(style, "display") == (
            "table-header-group")  # fmt: skip

"""The page in a browser: sorting, finding, links to runs, print; and nothing that a name can do."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from slurm_finops.reports import render
from slurm_finops.reports.archive import index_html
from slurm_finops.reports.view import Row, Spend
from tests.browser.looks import DESKTOP, MAIL, PHONE, opened, wrong
from tests.reports.test_archive import MONTHS, a_month
from tests.reports.test_hostile import a_hostile_page
from tests.reports.test_page import LINES, a_run
from tests.reports.test_render import HOSTILE, a_page

pytestmark = pytest.mark.browser
SCHEMES = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
WIDTHS = pytest.mark.parametrize("width", [PHONE, MAIL, DESKTOP])

#: As text, and as floats, they would stand in another order.
COSTS = {
    "big": 9_007_199_254_740_993_00, "bigger": 9_007_199_254_740_993_01, "small": 9_50,
    "hundred": 100_00, "back": -3_00, "free": None,
}  # fmt: skip


def priced() -> str:
    """A page whose first table has these costs."""
    rows = tuple(
        Row((name,), 1, 3600, cost or 0, cost or 0, cost or 0, unpriced=cost is None)
        for name, cost in COSTS.items()
    )
    whole = sum(filter(None, COSTS.values()))
    spend = Spend(("project",), rows, Row((), 6, 6 * 3600, whole, whole, whole))
    page = a_page(before=None, waste=(), budgets=(), trend=None, costliest=tuple(
        a_run(job) for job in ("4711", "4711_3", "4711+1")), standings=LINES)  # fmt: skip
    page = replace(page, report=replace(page.report, spend=spend))
    return render.page_html(page)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(priced())
    return path


@pytest.fixture
def page(chromium: Browser, file: Path) -> Iterator[Page]:
    with opened(chromium, file) as found:
        errors: list[str] = []
        found.on("pageerror", lambda error: errors.append(str(error)))
        yield found
        assert errors == []


def names(page: Page, heading: str = "By project") -> list[str]:
    """The first cells of a table's rows that are seen."""
    table = page.locator(f"h2:text-is('{heading}') ~ .wide").first
    cells = table.locator("tbody tr:visible td:first-child").all_inner_texts()
    return [text.split("\n")[0].split(" #")[0] for text in cells]


def head(page: Page, text: str, heading: str = "By project") -> Locator:
    table = page.locator(f"h2:text-is('{heading}') ~ .wide").first
    return table.locator("th", has_text=re.compile(f"^{text}"))


def said(page: Page, heading: str = "By project") -> str:
    return page.locator(f"h2:text-is('{heading}') ~ .shown").first.inner_text()


# ---- sorting


def test_money_is_sorted_exactly_and_what_has_none_is_last(page: Page) -> None:
    usd = head(page, "USD")
    usd.locator("button").click()
    assert names(page) == ["bigger", "big", "hundred", "small", "back", "free"]
    assert usd.get_attribute("aria-sort") == "descending"
    usd.locator("button").click()
    assert names(page) == ["back", "small", "hundred", "big", "bigger", "free"]
    assert usd.get_attribute("aria-sort") == "ascending"


def test_names_are_sorted_from_a_and_one_heading_at_a_time(page: Page) -> None:
    head(page, "USD").locator("button").click()
    head(page, "project").locator("button").click()
    assert names(page) == ["back", "big", "bigger", "free", "hundred", "small"]
    assert page.locator("[aria-sort]").count() == 1


def test_sorting_needs_no_mouse(page: Page) -> None:
    head(page, "USD").locator("button").focus()
    page.keyboard.press("Enter")
    assert names(page)[0] == "bigger"
    page.keyboard.press("Space")
    assert names(page)[0] == "back"


def test_budgets_are_sorted_by_their_figures(page: Page) -> None:
    head(page, "used up", "Budgets, USD").locator("button").click()
    assert names(page, "Budgets, USD") == ["bio", "nlp / llama", "cv", "nlp"]


# ---- finding


def test_what_a_search_leaves_is_counted_and_summed_to_the_last_cent(page: Page) -> None:
    page.fill("#find", "BIG")
    assert names(page) == ["big", "bigger"]
    assert said(page) == "2 of 6 shown: 18,014,398,509,481,986.01 of 18,014,398,509,482,092.51 USD"
    assert page.locator("[role=status]").inner_text().startswith("2 of ")


def test_all_words_must_be_in_a_row_and_a_sum_may_be_below_nothing(page: Page) -> None:
    page.fill("#find", "back zzz")
    assert names(page) == []
    assert said(page) == "0 of 6 shown: 0.00 of 18,014,398,509,482,092.51 USD"
    page.fill("#find", "back 1.0")
    assert said(page).startswith("1 of 6 shown: −3.00 of ")


def test_nothing_asked_for_is_everything(page: Page) -> None:
    page.fill("#find", "zzz")
    page.fill("#find", "")
    assert len(names(page)) == 6
    assert not page.locator(".shown:visible").count()
    assert page.locator("[role=status]").inner_text() == ""


# ---- links to runs


@pytest.mark.parametrize("anchor", ["run-alpha-4711", "run-alpha-4711_3", "run-alpha-4711.1"])
def test_a_link_shows_and_marks_its_run(chromium: Browser, file: Path, anchor: str) -> None:
    with opened(chromium, file) as page:
        page.goto(f"{file.as_uri()}#{anchor}")
        row = page.locator(f"[id='{anchor}']")
        assert row.evaluate("row => row === document.querySelector(':target')")
        box = row.bounding_box()
        assert box
        assert 0 < box["y"] < 800
        colours = page.locator("tr[id]").evaluate_all(
            "rows => rows.map(row => getComputedStyle(row).backgroundColor)"
        )
        assert len(set(colours)) == 2
        assert wrong(page) == []


def test_a_link_finds_its_run_behind_a_search_and_after_sorting(page: Page) -> None:
    head(page, "run", "Costliest runs").locator("button").click()
    page.fill("#find", "zzz")
    page.evaluate("location.hash = '#run-alpha-4711_3'")
    page.wait_for_function("document.querySelector('tr.linked')")
    assert page.locator("tr.linked").get_attribute("id") == "run-alpha-4711_3"
    assert page.input_value("#find") == ""
    assert page.locator("tr.linked").is_visible()


# ---- without a script, and on paper


def test_without_its_script_all_is_there_and_no_control(chromium: Browser, file: Path) -> None:
    file.write_text(file.read_text().replace("'sha256-", "'sha256-other"))
    with opened(chromium, file) as page:
        assert names(page) == list(COSTS)
        assert page.locator("button, input:visible").count() == 0


@SCHEMES
def test_print_shows_all_rows_in_black_on_white(
    chromium: Browser, file: Path, dark: bool
) -> None:
    with opened(chromium, file, width=690, dark=dark) as page:
        page.fill("#find", "zzz")
        page.emulate_media(media="print")
        assert names(page) == list(COSTS)
        assert page.locator("input:visible, .link:visible, .shown:visible").count() == 0
        body = page.locator("body")
        assert body.evaluate("e => getComputedStyle(e).color") == "rgb(27, 31, 36)"
        assert body.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("document.documentElement.scrollWidth") <= 690
        for paper in ("A4", "Letter"):
            assert 2 <= page.pdf(format=paper).count(b"/Type /Page\n") <= 4


# ---- looks, and names that would be more than names


@WIDTHS
@SCHEMES
def test_all_of_it_can_be_read(chromium: Browser, file: Path, width: int, dark: bool) -> None:
    with opened(chromium, file, width, dark) as page:
        assert wrong(page) == []
        page.fill("#find", "big")
        head(page, "USD").locator("button").click()
        assert wrong(page) == []


@WIDTHS
@SCHEMES
def test_an_index_can_be_read(chromium: Browser, tmp_path: Path, width: int, dark: bool) -> None:
    path = tmp_path / "index.html"
    path.write_text(index_html(MONTHS, MONTHS[0].header, "15 June 2026"))
    with opened(chromium, path, width, dark) as page:
        assert wrong(page) == []
        assert names(page, "By team") == ["cv", "nlp", "(untagged)"]
        head(page, "2026-06", "By team").locator("button").click()
        assert names(page, "By team") == ["nlp", "(untagged)", "cv"]
        page.fill("#find", "nlp")
        assert said(page, "By team") == "1 of 3 shown: 170.00 of 351.00 USD"


@WIDTHS
def test_hostile_names_are_text(chromium: Browser, tmp_path: Path, width: int) -> None:
    hostile = [*HOSTILE, "<script>document.title='x'</script>", "<svg onload=alert(1)>"]
    lines = [
        replace(line, team=name, project=name, name=name) for line in LINES for name in hostile
    ]
    made = replace(a_hostile_page(), standings=tuple(lines))
    index = index_html((a_month(6, **dict.fromkeys(hostile, 100)),), MONTHS[0].header, "")
    for html in (render.page_html(made), index):
        path = tmp_path / "page.html"
        path.write_text(html)
        with opened(chromium, path, width) as page:
            dialogs: list[str] = []
            page.on("dialog", lambda dialog, seen=dialogs: seen.append(dialog.message))
            page.reload()
            page.fill("#find", "<script>")
            assert page.locator("script").count() == 1
            assert page.locator("main img, main iframe, [onload], [onerror]").count() == 0
            assert names(page, "By project" if "By project" in html else "By team")
            assert wrong(page) == []
            assert dialogs == []

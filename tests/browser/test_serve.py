"""The served pages in a browser: figures that were clicked, names that attack, every width."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from slurm_finops.ledger.store import Ledger
from tests.browser.looks import DESKTOP, PHONE, opened, wrong
from tests.serving.served import Served, a_priced_ledger, run_command, served
from tests.support import CONFIG, JUNE, a_run, write

pytestmark = pytest.mark.browser

LONG = "long-" * 2048
HOSTILE = (
    "<script>document.title='owned'</script>", '"><img src=x onerror=document.title=1>',
    "{{7*7}}", "{% raise %}", "a\u202egnp.exe", "a\u2028b\x1b[2J", "';alert(1)//", LONG,
)  # fmt: skip
TEAMS = """
[[teams]]
name = "nlp"
budget = "10000.00"
[[teams]]
name = "cv"
budget = "1.00"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The golden month, and in August every hostile name in every place where one can stand."""
    folder, snapshots = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("snapshots")
    config = a_priced_ledger(folder, CONFIG + TEAMS, "alpha-2026-06.txt.gz")
    ledger = Ledger.open(folder / "ledger.db", "USD", "UTC")
    august = JUNE + 65 * 86_400
    for i, name in enumerate(HOSTILE):
        tags = {"team": name, "project": name, "experiment": name, "model": name}
        write(ledger, a_run(
            job_id_raw=990_000 + i, job_id=str(990_000 + i), job_name=name, user=name, account=name,
            submit=august, start=august, end=august + 3600, comment=json.dumps(tags),
        ))  # fmt: skip
    ledger.close()
    run_command(config, "price")
    with served(config, snapshots) as found:
        yield found


def figures(page: Page, column: str) -> list[str]:
    """A column of the table that is shown."""
    return page.locator(f"td.col-{column}").all_inner_texts()


def test_a_query_that_was_clicked_says_what_the_command_says(
    chromium: Browser, site: Served
) -> None:
    config = Path(site.process.args[2])  # type: ignore[index]
    report = json.loads(run_command(config, "report", "--period", "2026-06", "--format", "json"))
    with opened(chromium, f"{site.url}?month=2026-06", allow=site.url) as page:
        assert "22,579.20" in page.locator(".figure").inner_text()
        page.get_by_role("link", name="Spend by team").click()
        assert page.locator("h1").inner_text() == "Spend by team"
        assert figures(page, "team") == [row["team"] for row in report["rows"]]
        assert [text.replace(",", "") for text in figures(page, "effective_cost")] == [
            row["effective_cost"] for row in report["rows"]
        ]


def test_a_question_is_asked_for_a_team(chromium: Browser, site: Served) -> None:
    with opened(chromium, site.url, allow=site.url) as page:
        page.get_by_role("link", name="Costliest experiments").click()
        page.get_by_label("month").fill("2026-06")
        page.get_by_label("team").fill("cv")
        page.get_by_role("button", name="Ask").click()
        assert set(figures(page, "team")) == {"cv"}


def test_a_run_leads_to_all_that_is_known_of_it(chromium: Browser, site: Served) -> None:
    url = f"{site.url}finops/runs_of_user?user=nlp1&month=2026-06"
    with opened(chromium, url, allow=site.url) as page:
        job = figures(page, "job_id")[0]
        page.locator("td.col-run a").first.click()
        page.wait_for_url("**/runs/*")
        assert figures(page, "job_id") == [job]


PAGES = (
    "", "?month=2026-06", "finops", "finops/spend_by_team?month=2026-06", "finops/waste",
    "finops/untagged_runs", "finops/budgets_of_month?month=2026-06", "?month=2026-13",
    f"finops/runs_of_user?user={'nobody' * 99}", "finops/what_changed?since=2026",
    "finops/runs?_size=20", "finops/runs/1", "finops/months", "finops/nothing-of-the-kind",
)  # fmt: skip


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_look_right(chromium: Browser, site: Served, width: int, dark: bool) -> None:
    for path in PAGES:
        with opened(chromium, site.url + path, width, dark, allow=site.url) as page:
            assert wrong(page) == [], path


def test_what_the_runs_of_a_user_cost_is_on_a_screen(chromium: Browser, site: Served) -> None:
    url = f"{site.url}finops/runs_of_user?user=nlp1&month=2026-06"
    with opened(chromium, url, allow=site.url) as page:
        box = page.locator(".table-wrapper")
        assert box.evaluate("e => e.scrollWidth - e.clientWidth") == 0
        heads = page.locator("thead th").all_inner_texts()
        assert heads[3:5] == ["job name", "effective cost"]


def test_money_is_to_the_right(chromium: Browser, site: Served) -> None:
    columns = ("budget", "spent", "left", "used", "pace", "forecast", "forecast_low",
               "forecast_high", "running")  # fmt: skip
    with opened(chromium, f"{site.url}finops/budgets", allow=site.url) as page:
        for name in columns:
            for what in ("td", "th"):
                cell = page.locator(f"{what}.col-{name}").first
                assert cell.evaluate("e => getComputedStyle(e).textAlign") == "right", name


@pytest.mark.parametrize(
    "path", ["budgets_of_month?month=2026-06", "budgets?month=2026-06", "budgets?_size=1", "runs/1"]
)
def test_a_card_on_a_phone_has_words_and_nothing_empty(
    chromium: Browser, site: Served, path: str
) -> None:
    with opened(chromium, f"{site.url}finops/{path}", PHONE, allow=site.url) as page:
        cells = page.locator(".rows-and-columns td")
        seen = [cells.nth(i) for i in range(cells.count()) if cells.nth(i).is_visible()]
        assert 0 < len(seen) < cells.count()
        assert all(cell.inner_text().strip() for cell in seen)
        heads = [cell.evaluate("e => getComputedStyle(e, '::before').content") for cell in seen]
        assert all(heads) and not any("_" in head for head in heads)
        assert {'"used"', '"gpu hours"'} & set(heads)


def test_no_name_is_more_than_text(chromium: Browser, site: Served) -> None:
    paths = ("?month=2026-08", "finops/spend_by_team?month=2026-08",
             "finops/costliest_experiments?month=2026-08", "finops/runs?month=2026-08&_facet=team",
             "finops/runs_of_user?month=2026-08&user=%7B%7B7*7%7D%7D", "finops/users")  # fmt: skip
    for path in paths:
        with opened(chromium, site.url + path, PHONE, allow=site.url) as page:
            text = page.locator("body").inner_text()
            assert page.title() not in ("owned", "1")
            assert page.locator("main img, main script").count() == 0
            assert "{{7*7}}" in text
            assert "49" not in [word.strip() for word in text.split()]
            assert not set(text) & {"\u202e", "\u2028", "\x1b"}
            assert wrong(page) == [], path


def test_a_name_of_ten_thousand_characters_is_cut_and_whole_where_it_is_asked_for(
    chromium: Browser, site: Served
) -> None:
    # no tag may be so long; a job's name may
    url = f"{site.url}finops/runs?month=2026-08"
    with opened(chromium, url, PHONE, allow=site.url) as page:
        assert 150 < max(map(len, figures(page, "job_name"))) < 250
    (run,) = [row["run"] for row in site.rows(f"runs_of_user?month=2026-08&user={LONG}")]
    with opened(chromium, f"{site.url}finops/runs/{run}", PHONE, allow=site.url) as page:
        assert figures(page, "job_name") == [LONG]
        assert wrong(page) == []


def test_no_page_breaks_its_own_policy(chromium: Browser, site: Served) -> None:
    for path in ("", "finops", "finops/spend_by_team", "finops/runs"):
        with opened(chromium, "<p>before</p>", allow=site.url) as page:
            said: list[str] = []
            page.on("console", lambda message, to=said: to.append(message.text))
            page.on("pageerror", lambda error, to=said: to.append(str(error)))
            page.goto(site.url + path)
            page.wait_for_load_state("networkidle")
            assert said == [], path

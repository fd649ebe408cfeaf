"""The page as a file: its policy and script, its charts, addresses of runs, budgets of all."""

import base64
import hashlib
import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.reports import charts, parts, render
from slurm_finops.reports.canvas import svg_of
from slurm_finops.reports.inline import inline
from slurm_finops.reports.view import Ahead, BudgetLine, Costly
from tests.reports.test_render import HEADER, HOSTILE, a_budget, a_page

LINES = (
    BudgetLine("nlp", None, "June 2026", 100_000, 60_000, Ahead(75_000, 80_000, 95_000)),
    BudgetLine("nlp", "llama", "June 2026", 10_000, 9_000, Ahead(11_000, 12_000, 15_000),
               date(2026, 6, 20), date(2026, 6, 18)),
    BudgetLine("cv", None, "the grant <b>", 50_000, 70_000, None, date(2026, 5, 2)),
    BudgetLine("bio", None, "June 2026", 0, 0, None, None, date(2026, 6, 29)),
)  # fmt: skip


def a_run(job_id: str, cluster: str = "alpha") -> Costly:
    return Costly(job_id, cluster, "ann", "train", "FAILED", "2026-06-08T14:03:00+00:00", None,
                  3600, 392)  # fmt: skip


def anchors(*found: Costly) -> list[str]:
    return [run["anchor"] for run in parts.runs(a_page(costliest=found), None)]


# ---- what may run on it


def test_the_policy_allows_its_own_script_and_nothing_else() -> None:
    html = render.page_html(a_page(HOSTILE[:8]))
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ") == [
        "default-src 'none'", f"script-src 'sha256-{digest}'", "style-src 'unsafe-inline'",
        "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip


def test_the_script_ends_where_it_ends() -> None:
    script = render.script(HEADER)["script"]
    assert "</" not in script
    assert "<!--" not in script
    assert "\r" not in script  # a browser reads it as \n, and the hash would be another


@pytest.mark.parametrize(
    ("locale", "digits", "sample", "minus"),
    [
        ("en", 2, "1,000,000,000,000,000,000.00", "−"),
        ("de", 2, "1.000.000.000.000.000.000,00", "-"),
        ("en_IN", 2, "10,00,00,00,00,00,00,00,000.00", "-"),
        ("en", 0, "100,000,000,000,000,000,000", "−"),
    ],
)
def test_figures_that_the_script_makes_look_like_the_pages(
    locale: str, digits: int, sample: str, minus: str
) -> None:
    found = render.script(replace(HEADER, locale=locale, digits=digits))
    assert (found["sample"], found["minus"]) == (sample, minus)


# ---- charts


def test_charts_are_drawn_once_for_light_and_dark_in_the_pages_colours() -> None:
    html = render.page_html(a_page())
    assert html.count("<svg ") == 4
    assert "data:image" not in html
    drawn = "".join(re.findall(r"<svg .*?</svg>", html, flags=re.S))
    assert {"var(--paper)", "var(--ink)", "var(--axis)", "var(--plain)"} <= set(
        re.findall(r"var\(--\w+\)", drawn)
    )
    for ink in charts.LIGHT:
        assert ink.lower() not in drawn.lower()


def test_no_two_things_of_a_page_have_one_id() -> None:
    html = render.page_html(a_page(costliest=(a_run("1"), a_run("1"), a_run("1+1"))))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:url\(#|xlink:href="#)([^)"]+)', html))
    assert used
    assert used <= set(ids)


@pytest.mark.parametrize("name", [*HOSTILE, "--><script>alert(1)</script>", "]]></svg><b>"])
def test_a_drawing_holds_no_text_of_anybodys(name: str) -> None:
    page = a_page([name, "cv"])
    svg = charts.draw_daily(page.daily, HEADER, "project", form=svg_of)
    text = inline(svg, 0)
    drawn = {"svg", "g", "path", "use", "defs", "clipPath", "rect"}
    assert set(re.findall(r"<(\w+)", text)) <= drawn
    assert re.sub(r"<[^<>]*>", "", text).strip() == ""
    assert "<!--" not in text


def test_the_same_figures_are_the_same_svg() -> None:
    one, again = (
        charts.draw_budget(a_budget(), HEADER, form=svg_of) for _ in range(2)
    )
    assert one == again
    assert b"<dc:date>" not in one


# ---- addresses of runs


@pytest.mark.parametrize(
    ("job", "anchor"),
    [
        ("4711", "run-alpha-4711"),
        ("4711_3", "run-alpha-4711_3"),
        ("4711+1", "run-alpha-4711.1"),
        ("4711_[1-3]", "run-alpha-4711_~5b~1-3~5d~"),
        ('1" onclick="x', "run-alpha-1~22~~20~onclick~3d~~22~x"),
    ],
)
def test_a_run_has_an_address_that_any_url_keeps(job: str, anchor: str) -> None:
    assert anchors(a_run(job)) == [anchor]
    html = render.page_html(a_page(costliest=(a_run(job),)))
    assert f'<tr id="{anchor}">' in html
    assert f'href="#{anchor}"' in html


def test_requeued_runs_of_one_id_have_an_address_each() -> None:
    assert anchors(a_run("7"), a_run("8"), a_run("7")) == [
        "run-alpha-7", "run-alpha-8", "run-alpha-7.again-2",
    ]  # fmt: skip


@given(st.text(), st.text())
def test_two_jobs_never_share_an_address(one: str, other: str) -> None:
    first, second = anchors(a_run(one), a_run(other))
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+", first)
    assert (first == second.removesuffix(".again-2")) == (one == other)


# ---- budgets of all


def test_budgets_of_all_stand_in_one_table() -> None:
    found = parts.standings(a_page(standings=LINES))
    assert [(one["team"], one["project"], one["used"], one["expected"], one["range"],
             one["used_up"], one["over"]) for one in found] == [
        ("nlp", "", "60.0%", "800", "750 to 950", "–", False),
        ("nlp", "llama", "90.0%", "120", "110 to 150", "20 Jun 2026", True),
        ("cv", "", "140.0%", "–", "", "2 May 2026", True),
        ("bio", "", "–", "–", "", "29 Jun 2026 at worst", False),
    ]  # fmt: skip
    html = render.page_html(a_page(standings=LINES))
    assert "<h2>Budgets, USD</h2>" in html
    assert "the grant &lt;b&gt;" in html
    assert "<h2>Budgets, USD</h2>" not in render.page_html(a_page())


def test_a_table_is_sorted_by_what_its_cells_come_from() -> None:
    html = render.page_html(a_page())
    (row,) = re.findall(r'<tr>\s*<td class="name"><bdi>\s*nlp</bdi></td>.*?</tr>', html.split(
        "By project")[1].split("By experiment")[0], flags=re.S)  # fmt: skip
    cells = re.findall(r'data-n="(-?\d+)">([^<]+)<', row)
    assert cells == [
        ("3", "3"), ("324000", "90.0"), ("9000", "90.00"), ("9000", "33.3%"), ("125", "+12.5%"),
    ]  # fmt: skip

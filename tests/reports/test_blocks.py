"""What is posted to Slack: within its limits, and without a command in any name."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.characters import is_control
from slurm_finops.reports import blocks
from slurm_finops.reports.alert_blocks import payload as of_alert
from slurm_finops.reports.alerts import Style
from slurm_finops.reports.sentences import answers
from slurm_finops.reports.view import Page, Row, Spend
from tests.reports.test_alerts import STYLE, a_standing, an_odd_day, told
from tests.reports.test_allotments import HELD
from tests.reports.test_hostile import a_hostile_page
from tests.reports.test_render import HOSTILE, a_budget, a_page

CALLS = ["<!channel>", "<!here|here>", "@here", "@channel", "@everyone", "<@U123>", "<#C123>",
         "<https://evil.example.org|click>", "```", "`x`", "*bold*", ":boom:", "&lt;!channel&gt;",
         "zalgo" + "\u0301" * 9000]  # fmt: skip


def texts(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Every text object."""
    found = [block["text"] for block in payload["blocks"] if "text" in block]
    return found + [e for block in payload["blocks"] for e in block.get("elements", [])]


def check(payload: dict[str, Any]) -> None:
    """As docs.slack.dev says what is taken."""
    json.dumps(payload).encode()
    assert 1 <= len(payload["blocks"]) <= 50
    assert 1 <= len(payload["text"]) <= 3000
    for block in payload["blocks"]:
        assert block["type"] in ("header", "section", "context")
        assert len(block.get("elements", [])) <= 10
        if block["type"] == "header":
            assert block["text"]["type"] == "plain_text"
            assert len(block["text"]["text"]) <= 150
    for text in texts(payload):
        assert 1 <= len(text["text"]) <= 3000
        assert text["type"] == "plain_text" or text["verbatim"] is True
    for said in (payload["text"], *(text["text"] for text in texts(payload))):
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", said)
        assert not re.search(r"@(here|channel|everyone|group)\b", said, re.I)
        assert not [char for char in said if char != "\n" and is_control(char)]


def table(payload: dict[str, Any]) -> str:
    (found,) = [text["text"] for text in texts(payload) if text["type"] == "mrkdwn"]
    return found


def test_a_team_is_told_in_a_few_blocks(golden: Callable[[str, str], None]) -> None:
    payload = blocks.payload(a_page(allotments=HELD), "2026-07-01 03:15 UTC")
    check(payload)
    golden("slack.json", json.dumps(payload, indent=2, ensure_ascii=False) + "\n")


def test_the_figure_comes_first_and_in_the_notification() -> None:
    payload = blocks.payload(a_page())
    assert payload["blocks"][0]["text"]["text"] == "nlp: 269.97 USD in June 2026"
    assert payload["text"] == "nlp: 269.97 USD in June 2026"


@pytest.mark.parametrize("name", [*HOSTILE, *CALLS])
def test_no_name_is_a_command(name: str) -> None:
    page = a_page([name, None])
    payload = blocks.payload(replace(page, title=name, notes=(name,)), name)
    check(payload)
    assert table(payload).split("\n")[-2].split()[0] == "total", "no name crowds the figures out"
    assert table(payload).count("```") == 2
    assert table(payload).count("`") == 6


def test_a_hostile_page_stays_within_the_limits() -> None:
    page = a_hostile_page()
    check(blocks.payload(replace(page, report=replace(page.report, spend=page.tables[0]))))


@given(st.text(max_size=400), st.integers(1, 150))
def test_a_text_is_cut_within_no_escape(text: str, most: int) -> None:
    said = blocks.escaped(text, most)
    assert len(said) <= most
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", said)
    plain = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    typed = re.sub(r"@(?=(?:here|channel|everyone|group)\b)", "＠", text, flags=re.I)
    assert plain == typed or (plain.endswith("…") and typed.startswith(plain[:-1]))


def test_ten_rows_the_rest_and_the_total() -> None:
    rows = tuple(Row((f"p{i}",), 1, 3600, 100, 100, 100) for i in range(14))
    page = a_page()
    whole = Spend(("project",), rows, Row((), 14, 14 * 3600, 1400, 1400, 1400))
    page = replace(page, report=replace(page.report, spend=whole))
    lines = table(blocks.payload(page)).split("\n")
    assert len(lines) == 2 + 1 + 10 + 1 + 1
    assert lines[-3].split() == ["and", "4", "more", "4.0", "4.00"]
    assert lines[-2].split() == ["total", "14.0", "14.00"]
    assert len({len(line) for line in lines[1:-1]}) == 1


def test_the_answers_of_a_mail_are_given() -> None:
    page = a_page(budgets=(a_budget(100_000, 26_997),))
    said = blocks.payload(page)["blocks"][1]["text"]["text"].split("\n")
    known = answers(page)
    for name, text in known.told():
        assert f"{name.rstrip('?')}: {text}" in said
    assert known.told()
    assert [line for line in said if line.startswith("To do: ")] == [
        f"To do: {text}" for text in known.to_do
    ]


def test_what_must_be_known_of_the_figures_is_said() -> None:
    page: Page = a_page(allotments=HELD)
    said = blocks.payload(page)["blocks"][3]["text"]["text"].split("\n")
    assert said[0] == "• warning: nlp spring is used up"
    assert said[-1] == "• 3 records, of any period, could not be read (slurm-finops problems)"


# ---- an alert


def test_an_alert_is_told_in_a_few_blocks(golden: Callable[[str, str], None]) -> None:
    payload = of_alert(an_odd_day(), STYLE, "2026-06-16 03:15 UTC")
    check(payload)
    golden("slack-alert.json", json.dumps(payload, indent=2, ensure_ascii=False) + "\n")
    assert of_alert(told(a_standing()), STYLE, "")["text"] == (
        "nlp / llama: 80.0% of the budget for June 2026 is spent"
    )


@pytest.mark.parametrize("name", [*HOSTILE, *CALLS])
def test_no_name_of_an_alert_is_a_command(name: str) -> None:
    odd = an_odd_day().odd
    assert odd
    runs = tuple(
        run._replace(user=name, project=name, experiment=name, cluster=name, job_id=name)
        for run in odd.runs
    )
    alert = an_odd_day(runs=runs)._replace(team=name)
    for people in ("names", "none"):
        check(of_alert(alert, Style(STYLE.header, people), name))

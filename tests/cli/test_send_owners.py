"""Owners whose names hold a slash: each has a report of its own."""

import json
from pathlib import Path

import pytest

from tests.cli.test_send import at, finops, opened
from tests.delivery.server import Handler, smtp_server
from tests.support import CONFIG, JUNE, a_config, record, saved

A_DAY = 86_400
SITE = """
[mail]
from = "finops@example.org"
smtp = "smtp://127.0.0.1:{port}"
every = "month"
[alerts]
forecast = false
unusual = false
[[teams]]
name = "a"
email = ["a@example.org"]
[[teams.projects]]
name = "b/c"
budget = "1"
email = ["pi@example.org"]
[[teams]]
name = "a/b"
[[teams.projects]]
name = "c"
budget = "2"
email = ["pi@example.org"]
[[teams.projects]]
name = "d"
email = ["d@example.org"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    at(monkeypatch, JUNE + 30 * A_DAY + 3600)
    a_config(tmp_path, CONFIG + SITE.format(port=1))
    runs = [
        record(JobIDRaw=number, JobID=number, Comment=json.dumps(tags))
        for number, tags in enumerate((
            {"team": "a", "project": "b/c"}, {"team": "a/b", "project": "c"},
            {"team": "a/b", "project": "d"},
        ))
    ]  # fmt: skip
    (tmp_path / "runs.txt").write_text(saved(*runs))
    finops(tmp_path, "collect", "sacct", "--file", str(tmp_path / "runs.txt"))
    finops(tmp_path, "price")
    return tmp_path


def test_two_projects_that_read_alike_are_each_mailed(folder: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(folder, CONFIG + SITE.format(port=port))
        done = finops(folder, "send")
    assert done.output.count("sent: project:a/b/c 2026-06 to pi@example.org") == 2
    subjects = {str(opened(mail)["Subject"]).partition(":")[0] for mail in handler.mails}
    assert subjects == {"a", "a / b/c", "a/b / c", "a/b / d"}


def test_a_team_sends_no_other_teams_mails(folder: Path) -> None:
    handler = Handler()
    assert finops(folder, "send").exit_code == 3  # all wait for the server
    with smtp_server(handler) as port:
        a_config(folder, CONFIG + SITE.format(port=port))
        finops(folder, "send", "--team", "a")
    assert {str(opened(mail)["Subject"]).partition(":")[0] for mail in handler.mails} == {
        "a", "a / b/c",
    }  # fmt: skip


def test_two_projects_that_read_alike_are_each_told_of_their_budgets(folder: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        text = SITE.format(port=port).replace('"2"', '"1"')
        a_config(folder, CONFIG + text)
        done = finops(folder, "alerts", "send")
    assert done.output.count("sent: alert:project:a/b/c month 2026-06: 100% of 1.00") == 2
    assert len(handler.mails) == 2

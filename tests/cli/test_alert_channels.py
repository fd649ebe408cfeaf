"""Who is told of alerts, and by which way: owners, delegates, who is told of all, webhooks."""

import json
from pathlib import Path

import pytest

from tests.cli.test_alerts import TEAMS, an_unusual_day, collected, finops
from tests.cli.test_send import at
from tests.delivery.server import Handler, smtp_server
from tests.delivery.webhook import slack_server, webhook_file
from tests.support import CONFIG, JUNE, a_config

DAY = 86_400
#: Two are spent beyond 50 %: nlp and its project, of the same 784.00.
BUDGETS = TEAMS.replace("BUDGET", "1000").replace('"10000"', '"1500"')
WITHOUT_MAIL = BUDGETS[BUDGETS.index("[[teams]]") :]
HOOKED = WITHOUT_MAIL.replace('email = ["pi@example.org"]', 'slack_webhook_file = "nlp.webhook"')
SITE = '[slack]\nwebhook_file = "site.webhook"\n'


@pytest.fixture
def june(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The 21st of June: 784.00 are spent, 39.20 a day."""
    at(monkeypatch, JUNE + 20 * DAY + 3600)
    a_config(tmp_path, CONFIG)
    collected(tmp_path)
    return tmp_path


def site(folder: Path, config: str) -> None:
    a_config(folder, CONFIG + config)
    assert finops(folder, "price").exit_code == 0


def to(folder: Path, config: str, port: int = 1) -> dict[str, list[str]]:
    """Alert -> who is still to be told."""
    site(folder, config.replace("PORT", str(port)))
    said = json.loads(finops(folder, "alerts", "--format", "json").stdout)
    return {
        f"{one['project'] or one['team']} {one['kind']}": one["to_be_told"]
        for one in said["alerts"]
    }  # fmt: skip


def test_delegates_are_told_with_the_owners_of_a_team_and_of_its_projects(june: Path) -> None:
    lab = 'delegates = ["lab@example.org"]\n'
    mine = BUDGETS.replace("[[teams.projects]]", f"{lab}[[teams.projects]]")
    team = ["pi@example.org", "lab@example.org", "platform@example.org"]
    assert to(june, mine) == {
        "nlp spent": team, "nlp forecast": team, "llama spent": team,
    }  # fmt: skip
    own = mine.replace('"1500"', '"1500"\ndelegates = ["post@example.org"]')
    assert to(june, own) == {
        "nlp spent": team, "nlp forecast": team,
        "llama spent": ["post@example.org", "platform@example.org"],
    }  # fmt: skip


def test_each_is_posted_once_to_the_team_and_the_site_without_any_mail(june: Path) -> None:
    with slack_server() as slack:
        webhook_file(june, f"{slack.url}-nlp", name="nlp.webhook")
        webhook_file(june, slack.url, name="site.webhook")
        site(june, SITE + HOOKED)
        first, again = finops(june, "alerts", "send"), finops(june, "alerts", "send")
    assert first.exit_code == 0, first.output
    assert again.stdout == "nothing new is to be told\n"
    key = "alert:team:nlp month 2026-06: 50% of 1000.00"
    assert {f"sent: {key} to slack:team:nlp", f"sent: {key} to slack:site"} <= set(
        first.output.splitlines()
    )
    assert sorted(path[-6:] for path in slack.paths) == ["et-nlp"] * 3 + ["s3cret"] * 3
    posted = json.loads(slack.bodies[0])
    assert posted["text"] == "nlp: 78.4% of the budget for June 2026 is spent"
    assert "784.00 USD of 1,000.00 USD are spent" in posted["blocks"][1]["text"]["text"]
    assert finops(june, "alerts").stdout.count("2 of 2") == 3


def test_who_wants_none_in_slack_says_so(june: Path) -> None:
    off = "[alerts]\nslack = false\n" + SITE + HOOKED
    assert {*map(tuple, to(june, off).values())} == {()}


def test_people_in_a_post_are_as_privacy_says_of_slack(june: Path) -> None:
    an_unusual_day(june)
    webhook_file(june, "https://hooks.slack.com/services/T0/B0/x", name="site.webhook")
    said = {}
    for shown in ("names", "pseudonyms", "none"):
        privacy = f'[privacy]\npeople = "names"\nslack = "{shown}"\n'
        site(june, privacy + SITE + WITHOUT_MAIL)
        out = june / shown
        done = finops(june, "alerts", "send", "--dry-run", "--out", str(out))
        assert "0 mails and " in done.stderr, done.output
        (said[shown],) = [t for p in out.iterdir() if "usually" in (t := p.read_text())]
    assert "nlp1" in said["names"]
    assert "person 1" in said["pseudonyms"]
    assert not any("nlp1" in said[shown] for shown in ("pseudonyms", "none"))
    assert "person" not in said["none"]


def test_nightly_posts_them_where_there_is_no_mail(
    june: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slurm_finops.cli.nightly._collect", lambda *_: "nothing")
    with slack_server() as slack:
        webhook_file(june, slack.url, name="site.webhook")
        site(june, SITE + WITHOUT_MAIL)
        said = finops(june, "nightly")
    assert "alerts   3 alerts sent (" in said.stdout


def test_mail_and_slack_beside_each_other(june: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port, slack_server() as slack:
        webhook_file(june, slack.url, name="site.webhook")
        found = to(june, SITE + BUDGETS, port)
        assert found["nlp spent"] == ["pi@example.org", "platform@example.org", "slack:site"]
        assert finops(june, "alerts", "send").stdout.count("sent: ") == 9
    assert (len(handler.mails), len(slack.bodies)) == (6, 3)

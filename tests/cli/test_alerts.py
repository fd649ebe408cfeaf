"""alerts: listed, and mailed once to each through a real server."""

import email
import email.policy
import json
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from slurm_finops.billing.alerts import SPENT, Alert
from slurm_finops.cli import main
from slurm_finops.errors import InputError
from tests.cli.test_send import at
from tests.delivery.server import Handler, smtp_server
from tests.support import CONFIG, JUNE, a_config, record, saved

DAY = 86_400
TEAMS = """
[mail]
from = "finops@example.org"
smtp = "smtp://127.0.0.1:PORT"
[alerts]
to = ["platform@example.org"]
[[teams]]
name = "nlp"
email = ["pi@example.org"]
budget = "BUDGET"
[[teams.projects]]
name = "llama"
budget = "10000"
"""
#: Two H100s for five hours a day: 39.20.
DAYS = range(-60, 20)


def finops(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


def site(folder: Path, budget: str = "1000", port: int = 1) -> None:
    a_config(folder, CONFIG + TEAMS.replace("PORT", str(port)).replace("BUDGET", budget))


def runs(*hours: tuple[int, int]) -> str:
    """``(day, hours)`` of two GPUs."""
    return saved(*(
        record(JobIDRaw=1000 + day, JobID=1000 + day, Submit=JUNE + day * DAY,
               Start=JUNE + day * DAY, ElapsedRaw=long * 3600, End=JUNE + day * DAY + long * 3600)
        for day, long in hours
    ))  # fmt: skip


def collected(folder: Path, *more: tuple[int, int]) -> None:
    (folder / "runs.txt").write_text(runs(*((day, 5) for day in DAYS), *more))
    file = str(folder / "runs.txt")
    assert finops(folder, "collect", "sacct", "--file", file).exit_code == 0
    assert finops(folder, "price").exit_code == 0


@pytest.fixture
def june(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The 21st of June: 784.00 are spent, 39.20 a day."""
    at(monkeypatch, JUNE + 20 * DAY + 3600)
    site(tmp_path)
    collected(tmp_path)
    return tmp_path


def opened(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def test_what_is_so_is_listed(june: Path) -> None:
    assert finops(june, "alerts").stdout == (
        "team / project  what is so                                                       told\n"
        "nlp             78.4% of the budget for June 2026 is spent                       "
        "0 of 2\n"
        "nlp             the budget for June 2026 is expected to last until 26 June 2026  "
        "0 of 2\n"
    )
    answer = json.loads(finops(june, "alerts", "--format", "json").stdout)
    assert [one["key"] for one in answer["alerts"]] == [
        "month 2026-06: 50% of 1000.00", "month 2026-06: forecast over 1000.00",
    ]  # fmt: skip
    assert answer["alerts"][0]["to_be_told"] == ["pi@example.org", "platform@example.org"]
    assert answer["alerts"][0]["budget"]["forecast"] == {
        "low": "1176.00", "middle": "1176.00", "high": "1176.00",
    }  # fmt: skip


def test_nothing_to_tell(june: Path) -> None:
    site(june, "1000000")
    assert "nothing to tell: no budget has reached a threshold" in finops(june, "alerts").stdout


def test_each_is_mailed_once_to_each(june: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        site(june, "1000", port)
        first = finops(june, "alerts", "send")
        again = finops(june, "alerts", "send")
    assert first.exit_code == again.exit_code == 0, first.output
    assert again.stdout == "nothing new is to be told\n"
    assert len(handler.mails) == 4
    mails = [opened(mail) for mail in handler.mails]
    assert {(mail["To"], mail["Subject"].strip()) for mail in mails} == {
        (to, f"nlp: {what}") for to in ("pi@example.org", "platform@example.org")
        for what in ("78.4% of the budget for June 2026 is spent",
                     "the budget for June 2026 is expected to last until 26 June 2026")
    }  # fmt: skip
    assert all("Cc" not in mail and "Bcc" not in mail for mail in mails)
    text = mails[0].get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "784.00 USD of 1,000.00 USD are spent, 216.00 USD are left" in text
    assert "2 of 2" in finops(june, "alerts").stdout


def test_a_higher_threshold_and_another_limit_are_news_and_a_lower_one_is_not(june: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        said = []
        for budget in ("900", "900", "784", "900", "1000"):
            site(june, budget, port)
            said.append(finops(june, "alerts", "send").stdout.count("pi@example.org"))
    # 87 %, and that it will not last; nothing; used up; told before; another budget
    assert said == [2, 0, 1, 0, 2]


def test_of_two_thresholds_in_one_night_only_the_higher_is_ever_told(
    june: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        site(june, "900", port)
        finops(june, "alerts", "send")
        # runs turn out to have been shorter: only half is spent now
        text = runs(*((day, 5 if day < 12 else 0) for day in DAYS))
        (june / "runs.txt").write_text(text)
        finops(june, "collect", "sacct", "--file", str(june / "runs.txt"))
        finops(june, "price")
        listed = finops(june, "alerts").stdout
        again = finops(june, "alerts", "send").stdout
    assert "52.3% of the budget for June 2026 is spent  2 of 2" in listed
    assert again == "nothing new is to be told\n"


def test_an_unusual_day_is_told_with_its_runs(june: Path) -> None:
    site(june, "1000000")
    collected(june, (119, 1))  # of another time: told by nobody
    an_unusual_day(june)
    out = june / "mails"
    said = finops(june, "alerts", "send", "--dry-run", "--out", str(out))
    assert said.exit_code == 0, said.output
    assert len(list(out.iterdir())) == 2
    mail = opened(min(out.iterdir()).read_bytes())
    assert mail["Subject"] == (
        "nlp: 18 June 2026 cost 227.36 USD, and such a day usually 39.20 USD"
    )
    text = mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert "alpha/9017: 188.16 USD, 48.0 GPU-hours, nlp1, llama / run-1 (completed)" in text


def an_unusual_day(folder: Path) -> None:
    """One more run on the 18th of June, of two GPUs."""
    (folder / "more.txt").write_text(
        runs(*((day, 5) for day in DAYS)) + record_lines((17, 30))
    )
    finops(folder, "collect", "sacct", "--file", str(folder / "more.txt"))
    finops(folder, "price")


def record_lines(*hours: tuple[int, int]) -> str:
    """More runs, without the names of columns."""
    text = saved(*(
        record(JobIDRaw=9000 + day, JobID=9000 + day, Submit=JUNE + day * DAY,
               Start=JUNE + day * DAY, ElapsedRaw=long * 3600, End=JUNE + day * DAY + long * 3600)
        for day, long in hours
    ))  # fmt: skip
    return text.split("\n", 1)[1]


def test_a_server_that_is_away_is_exit_3_and_the_alert_waits(june: Path) -> None:
    away = finops(june, "alerts", "send")
    assert away.exit_code == 3
    assert "queued: alert:team:nlp month 2026-06: 50% of 1000.00 to pi@example.org" in away.output
    handler = Handler()
    with smtp_server(handler) as port:
        site(june, "1000", port)
        assert finops(june, "alerts", "send").stdout.count("sent: ") == 4


def test_what_is_not_priced_is_not_told(june: Path) -> None:
    (june / "late.txt").write_text(runs((19, 7)))
    finops(june, "collect", "sacct", "--file", str(june / "late.txt"))
    said = finops(june, "alerts", "send")
    assert said.exit_code != 0
    assert "1 run is not priced yet" in said.output
    assert "run: slurm-finops price, then send again" in said.output


def test_an_alert_that_cannot_be_written_stops_no_other(
    june: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(alert: Alert, *_: object) -> str:
        if alert.kind == SPENT:
            raise InputError("no such letter")
        return "that it will not last"

    monkeypatch.setattr("slurm_finops.reports.alerts.mail_text", broken)
    handler = Handler()
    with smtp_server(handler) as port:
        site(june, "1000", port)
        said = finops(june, "alerts", "send")
    assert said.exit_code == 3
    about = "alert:team:nlp month 2026-06"
    assert said.stdout.splitlines() == [
        f"failed: {about}: 50% of 1000.00 to pi@example.org (no such letter)",
        f"failed: {about}: 50% of 1000.00 to platform@example.org (no such letter)",
        f"sent: {about}: forecast over 1000.00 to pi@example.org",
        f"sent: {about}: forecast over 1000.00 to platform@example.org",
    ]
    out = june / "mails"
    site(june, "999")
    tried = finops(june, "alerts", "send", "--dry-run", "--out", str(out))
    assert (tried.exit_code, len(list(out.iterdir()))) == (2, 2)
    assert "2 mails written, none sent" in tried.output
    assert "50% of 999.00 to pi@example.org: no such letter" in tried.output


@pytest.mark.parametrize(
    ("mail", "export", "in_mail", "in_json"),
    [
        ("names", "none", ["nlp1"], []),
        ("none", "names", [], ["nlp1"]),
        ("pseudonyms", "names", ["person 1"], ["nlp1"]),
        ("names", "pseudonyms", ["nlp1"], ["person 1"]),
    ],
)
def test_who_is_shown_is_what_privacy_says_of_mails_and_of_exports(
    june: Path, mail: str, export: str, in_mail: list[str], in_json: list[str]
) -> None:
    an_unusual_day(june)
    path = june / "finops.toml"
    path.write_text(
        f'{path.read_text()}[privacy]\npeople = "none"\nmail = "{mail}"\nexport = "{export}"\n'
    )
    out = june / "mails"
    assert finops(june, "alerts", "send", "--dry-run", "--out", str(out)).exit_code == 0
    mailed = " ".join(one.read_text() for one in out.iterdir())
    assert [who for who in ("nlp1", "person 1") if who in mailed] == in_mail
    (day,) = alerts_of(june, "day")
    assert {run.get("user") for run in day["costliest"]} == set(in_json or [None])


def alerts_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    answer = json.loads(finops(folder, "alerts", "--format", "json").stdout)
    return [one for one in answer["alerts"] if one["kind"] == kind]


def test_mails_are_written_by_the_locale_and_what_machines_and_terminals_read_is_not(
    june: Path,
) -> None:
    site(june, "5000000")
    an_unusual_day(june)
    plain = finops(june, "alerts").stdout
    path = june / "finops.toml"
    path.write_text(f'locale = "de_DE"\n{path.read_text()}')
    out = june / "mails"
    finops(june, "alerts", "send", "--dry-run", "--out", str(out))
    subject = opened(min(out.iterdir()).read_bytes())["Subject"]
    assert subject.startswith("nlp: 18. Juni 2026 cost "), subject
    assert finops(june, "alerts").stdout == plain
    (day, *_) = alerts_of(june, "day")
    assert [(run["job_id"], run["gpu_seconds"]) for run in day["costliest"]][:1] == [
        ("9017", 2 * 24 * 3600),
    ]
    assert day["costliest"][0]["effective_cost"] == "188.16"


def test_nightly_calls_them_alerts(june: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("collect", "price", "report", "send"):
        monkeypatch.setattr(f"slurm_finops.cli.nightly._{step}", lambda *_: "done")
    with smtp_server(Handler()) as port:
        site(june, "1000", port)
        said = finops(june, "nightly")
    assert "alerts   4 alerts sent (" in said.stdout


def test_wrong_usage(june: Path, tmp_path: Path) -> None:
    assert finops(june, "alerts", "send", "--out", "x").exit_code == 2
    a_config(june, CONFIG)
    said = finops(june, "alerts", "send")
    assert said.exit_code == 2
    assert "[mail] is missing" in said.output

"""What nights send: to Slack alone, what waits, and several periods of many teams at once."""

from pathlib import Path

import pytest

from slurm_finops.ledger.outbox import LedgerOutbox
from slurm_finops.ledger.store import Ledger
from tests.cli.test_send import A_DAY, JUNE_30, at, collected, finops, opened
from tests.delivery.server import Handler, smtp_server
from tests.delivery.webhook import slack_server, webhook_file
from tests.support import CONFIG, a_config, record, saved

TEAMS = ("nlp", "cv", "platform", "research", "product")


def test_every_mail_of_a_catch_up_has_the_figure_of_its_own_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The costs of several periods are put in order of teams beside each other."""
    collected(tmp_path)
    ledger = Ledger.open(tmp_path / "ledger.db", "USD", "UTC")
    for team in TEAMS:
        LedgerOutbox(ledger).add(f"team:{team}", "2026-W23", "x", f"<{team}>", "s", b"x", 1)
    ledger.close()
    at(monkeypatch, JUNE_30 + A_DAY + 3600)
    out = tmp_path / "mails"
    assert finops(tmp_path, "send", "--dry-run", "--out", str(out)).exit_code == 0
    said = {str(opened(path.read_bytes())["Subject"]) for path in out.iterdir()}
    assert len(said) == 15
    for period in ("2026-W24", "2026-W26"):
        name = f"week {period[-2:]} of 2026"
        for team in TEAMS:
            words = ("report", "--period", period, "--team", team)
            total = finops(tmp_path, *words).stdout.split()[-1]
            assert [one for one in said if one.startswith(f"{team}: {total} USD in {name}")]


@pytest.fixture
def night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A month that is collected; each night collects nothing more."""
    collected(tmp_path)
    monkeypatch.setattr("slurm_finops.cli.nightly._collect", lambda *_: "nothing new")
    monkeypatch.setattr("slurm_finops.cli.nightly._report", lambda *_: "none")
    monkeypatch.setattr("slurm_finops.cli.nightly._alerts", lambda *_: "none")
    return tmp_path


def the_send_step(folder: Path) -> str:
    done = finops(folder, "nightly")
    (line,) = [line for line in done.output.splitlines() if line.startswith("send ")]
    return line.rpartition(" (")[0] or line


def test_a_night_posts_without_any_mail_settings(
    night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, JUNE_30 + A_DAY)
    text = (night / "finops.toml").read_text().partition("[mail]")[0]
    a_config(night, text)
    assert the_send_step(night).startswith("send     skipped: no [mail] and no webhook")
    with slack_server() as slack:
        webhook_file(night, slack.url, name="w")
        a_config(night, f'{text}[slack]\nwebhook_file = "w"\nevery = "month"\n')
        assert the_send_step(night) == "send     1 report sent"
    assert len(slack.bodies) == 1


def test_a_night_says_what_waits_and_does_not_fail_for_it(
    night: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler(("450 greylisted",))
    with smtp_server(handler) as port:
        text = (night / "finops.toml").read_text()
        a_config(night, text.replace("127.0.0.1:1", f"127.0.0.1:{port}") + 'every = "month"\n')
        at(monkeypatch, JUNE_30 + A_DAY)
        assert "FAILED: queued: team:nlp 2026-06" in finops(night, "nightly").output
        at(monkeypatch, JUNE_30 + A_DAY + 60)
        said = finops(night, "nightly")
        assert said.exit_code == 0
        assert "0 reports sent, 1 refused for now and not due yet" in said.output
        at(monkeypatch, JUNE_30 + 2 * A_DAY)
        assert the_send_step(night) == "send     1 report sent"


def test_a_month_that_was_sent_by_hand_is_no_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last whole month is due by itself, as if the old one had not been asked for."""
    handler = Handler()
    with smtp_server(handler) as port:
        monthly(tmp_path, port)
        at(monkeypatch, JUNE_30 + 40 * A_DAY)
        assert sent(tmp_path, "--period", "2026-04") == ["2026-04"]
        assert sent(tmp_path) == ["2026-07"]


def test_a_month_that_was_sent_by_hand_is_no_end_of_a_catch_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        monthly(tmp_path, port)
        at(monkeypatch, JUNE_30 - 40 * A_DAY)
        assert sent(tmp_path) == ["2026-04"]
        at(monkeypatch, JUNE_30 + 40 * A_DAY)
        assert sent(tmp_path, "--period", "2026-07") == ["2026-07"]
        assert sent(tmp_path) == ["2026-05", "2026-06"]


def test_the_next_month_is_the_same_by_hand_and_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        monthly(tmp_path, port)
        at(monkeypatch, JUNE_30 - 40 * A_DAY)
        assert sent(tmp_path, "--period", "2026-04") == ["2026-04"]
        at(monkeypatch, JUNE_30 + 40 * A_DAY)
        assert sent(tmp_path) == ["2026-05", "2026-06", "2026-07"]


def monthly(folder: Path, port: int) -> None:
    """A team that held something in each month up to July; and who is told of it each month."""
    text = (
        f'{CONFIG}[mail]\nfrom = "f@example.org"\nsmtp = "smtp://127.0.0.1:{port}"\n'
        'every = "month"\n[[teams]]\nname = "nlp"\nemail = ["pi@example.org"]\n'
    )
    a_config(folder, text)
    runs = [
        record(JobIDRaw=99 + day, JobID=99 + day, Submit=JUNE_30 - day * A_DAY,
               Start=JUNE_30 - day * A_DAY, End=JUNE_30 - day * A_DAY + 3600)
        for day in range(-30, 170, 10)
    ]  # fmt: skip
    (folder / "runs.txt").write_text(saved(*runs))
    finops(folder, "collect", "sacct", "--file", str(folder / "runs.txt"))
    finops(folder, "price")


def sent(folder: Path, *words: str) -> list[str]:
    done = finops(folder, "send", *words)
    return [line.split()[2] for line in done.output.splitlines() if line.startswith("sent: ")]

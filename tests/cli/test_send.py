"""send and nightly: the mail of a real month through a real server, once."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from tests.cli.test_collect import fake_sacct
from tests.delivery.server import Handler, smtp_server
from tests.support import a_config, record, saved

DEMO = Path(__file__).parents[2] / "docs" / "examples" / "demo.toml"
ALPHA = Path(__file__).parents[1] / "sacct" / "alpha-2026-06.txt.gz"


def finops(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["-c", str(folder / "finops.toml"), *words])


def site(folder: Path, port: int = 1) -> Path:
    text = DEMO.read_text().replace("smtp://mail.example.org:587", f"smtp://127.0.0.1:{port}")
    a_config(folder, text)
    return folder


def collected(folder: Path, port: int = 1) -> Path:
    site(folder, port)
    assert finops(folder, "collect", "sacct", "--file", str(ALPHA)).exit_code == 0
    assert finops(folder, "price").exit_code == 0
    return folder


def opened(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def test_each_team_gets_its_month_once(tmp_path: Path) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        collected(tmp_path, port)
        first = finops(tmp_path, "send", "--period", "2026-06")
        again = finops(tmp_path, "send", "--period", "2026-06")
    assert first.exit_code == again.exit_code == 0
    assert "sent: team:nlp 2026-06 to nlp-pi@example.org" in first.output
    assert "nothing is due" in again.output
    mails = {str(mail["To"]): mail for mail in map(opened, handler.mails)}
    assert len(handler.mails) == len(mails) == 5
    nlp = mails["nlp-pi@example.org"]
    assert nlp["Subject"] == "nlp: 9,031.68 USD in June 2026"
    assert "9,031.68" in nlp.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    html = nlp.get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "9,031.68" in html
    pictures = [part for part in nlp.walk() if part.get_content_type() == "image/png"]
    assert all(f"cid:{part['Content-ID'].strip('<>')}" in html for part in pictures)
    assert all(part.get_content().startswith(b"\x89PNG") for part in pictures)
    assert len(pictures) == 4


def test_a_dry_run_writes_mails_and_opens_nothing(tmp_path: Path) -> None:
    collected(tmp_path)
    out = tmp_path / "mails"
    result = finops(
        tmp_path, "send", "--period", "2026-06", "--dry-run", "--out", str(out), "--team", "cv"
    )
    assert result.exit_code == 0
    (path,) = out.iterdir()
    assert opened(path.read_bytes())["Subject"] == "cv: 5,644.80 USD in June 2026"


def test_a_server_that_is_away_is_exit_3_and_the_mail_waits(tmp_path: Path) -> None:
    collected(tmp_path)
    result = finops(tmp_path, "send", "--period", "2026-06", "--team", "cv")
    assert result.exit_code == 3
    assert "queued: team:cv 2026-06 to cv-pi@example.org (cannot reach" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--team", "nobody"], "no team 'nobody' with an email"),
        (["--resend", "7"], "the outbox has no mail 7"),
        (["--resend", "7", "--dry-run"], "--resend sends one stored mail as it is"),
        (["--resend", "7", "--period", "2026-06"], "--resend sends one stored mail as it is"),
        (["--out", "mails"], "--out is where --dry-run writes: without it mails are sent"),
        (["--period", "soon"], "'soon' is not a period"),
    ],
)
def test_wrong_usage_is_exit_2(tmp_path: Path, words: list[str], said: str) -> None:
    site(tmp_path)
    result = finops(tmp_path, "send", *words)
    assert result.exit_code == 2
    assert said in result.output


def test_without_mail_settings_the_missing_ones_are_named(tmp_path: Path) -> None:
    a_config(tmp_path)
    result = finops(tmp_path, "send")
    assert result.exit_code == 2
    assert "[mail] is missing" in result.output


CLOCKS = (
    "collect", "collecting", "price", "nightly", "send", "due", "subscriptions", "app", "standing",
    "alerts",
)  # fmt: skip


def at(monkeypatch: pytest.MonkeyPatch, now: int) -> None:
    """It is ``now`` for every command."""
    for module in CLOCKS:
        monkeypatch.setattr(f"slurm_finops.cli.{module}.now", lambda: now)


def test_nightly_is_a_line_a_step_and_sends_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_783_000_000  # 2026-07-02
    at(monkeypatch, now)
    monkeypatch.setattr("slurm_finops.cli.running.look_at_running", lambda *_: None)
    ran = {"Submit": now - 86_400 * 6, "Start": now - 86_400 * 6, "End": now - 86_400 * 6 + 3600}
    for name, value in fake_sacct(tmp_path, saved(record(**ran))).items():
        monkeypatch.setenv(name, value)
    handler = Handler()
    with smtp_server(handler) as port:
        site(tmp_path, port)
        first = finops(tmp_path, "nightly")
        again = finops(tmp_path, "nightly")
    assert first.exit_code == 0, first.output
    steps = [line.split()[0] for line in first.stdout.splitlines()]
    assert steps == ["collect", "price", "report", "send", "alerts"]
    assert "1 report sent" in first.stdout  # the other four teams held nothing
    assert "nothing is due" in again.stdout
    assert len(handler.mails) == 1
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [
        "2026-06.html", "2026-07.html",
    ]  # fmt: skip


def test_after_a_failed_collection_no_mail_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in fake_sacct(tmp_path, saved(record()), "echo broken >&2; exit 1").items():
        monkeypatch.setenv(name, value)
    site(tmp_path)
    result = finops(tmp_path, "nightly")
    assert result.exit_code == 3
    assert "collect  FAILED: sacct failed (exit 1): broken" in result.output
    assert "send     skipped: mails wait" in result.output
    assert "1 run priced" in result.output


def test_two_nights_never_run_at_once(tmp_path: Path) -> None:
    from slurm_finops.ledger.lock import writer_lock

    site(tmp_path)
    with writer_lock(tmp_path / "ledger.db", "slurm-finops nightly"):
        result = finops(tmp_path, "nightly")
    assert result.exit_code == 3
    assert "slurm-finops nightly (pid" in result.output


JUNE_30, A_DAY = 1_782_777_600, 86_400


def test_no_mail_leaves_out_what_nobody_has_priced(tmp_path: Path) -> None:
    site(tmp_path)
    finops(tmp_path, "collect", "sacct", "--file", str(ALPHA))
    result = finops(tmp_path, "send", "--period", "2026-06")
    assert result.exit_code == 1
    assert "1,067 runs are not priced yet" in result.output
    assert "slurm-finops price" in result.output


def test_a_month_that_has_not_ended_is_another_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        collected(tmp_path, port)
        words = ("send", "--period", "2026-06", "--team", "cv")
        for day, due in ((-5, True), (-5, False), (-4, True), (1, True), (2, False)):
            at(monkeypatch, JUNE_30 + day * A_DAY + 3600)
            assert ("nothing is due" in finops(tmp_path, *words).output) is not due
    subjects = [str(opened(mail)["Subject"]) for mail in handler.mails]
    assert [subject.partition(" in ")[2] for subject in subjects] == [
        "June 2026 so far", "June 2026 so far", "June 2026",
    ]  # fmt: skip


def test_after_an_outage_every_missed_week_is_mailed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        collected(tmp_path, port)
        for day in (-14, -1, 0, 30):  # 2026-06-16, -29, -30, 2026-07-30
            at(monkeypatch, JUNE_30 + day * A_DAY + 3600)
            finops(tmp_path, "send", "--team", "cv")
    weeks = [str(opened(mail)["Subject"]).partition("week ")[2][:2] for mail in handler.mails]
    assert weeks == ["24", "25", "26", "27"]


def test_a_project_with_an_address_gets_its_own_mail(tmp_path: Path) -> None:
    collected(tmp_path)
    address = 'name = "llama-finetune"\nemail = ["p@example.org"]\nbudget = "50.00"\n'
    text = (tmp_path / "finops.toml").read_text()
    a_config(tmp_path, text.replace('name = "llama-finetune"\n', address, 1))
    out = tmp_path / "mails"
    result = finops(tmp_path, "send", "--period", "2026-06", "--dry-run", "--out", str(out))
    assert result.exit_code == 0, result.output
    mails = [opened(path.read_bytes()) for path in sorted(out.iterdir())]
    assert len(mails) == 6
    (mail,) = [mail for mail in mails if mail["To"] == "p@example.org"]
    assert str(mail["Subject"]).startswith("nlp / llama-finetune: ")
    assert str(mail["Subject"]).endswith(" in June 2026, over budget")


def test_dry_runs_of_teams_in_any_script_are_a_file_a_mail(tmp_path: Path) -> None:
    text = DEMO.read_text().replace('"nlp"', '"实验"').replace('"cv"', '"数据"')
    a_config(tmp_path, text)
    for team in ("实验", "数据"):
        path = tmp_path / f"{team}.txt"
        path.write_text(saved(record(JobIDRaw=ord(team[0]), Comment=f'{{"team":"{team}"}}')))
        assert finops(tmp_path, "collect", "sacct", "--file", str(path)).exit_code == 0
    finops(tmp_path, "price")
    out = tmp_path / "mails"
    finops(tmp_path, "send", "--period", "2026-06", "--dry-run", "--out", str(out))
    assert len(list(out.iterdir())) == 2


def test_a_defect_in_one_step_costs_no_other(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    site(tmp_path)
    monkeypatch.setattr("slurm_finops.cli.collect.live", lambda *_: 1 // 0)
    result = finops(tmp_path, "nightly")
    assert result.exit_code == 3
    assert "collect  FAILED: ZeroDivisionError" in result.output
    assert "price    0 runs priced" in result.output

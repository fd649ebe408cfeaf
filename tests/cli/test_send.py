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
    assert len(pictures) == 2


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


def test_nightly_is_a_line_a_step_and_sends_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_783_000_000  # 2026-07-02
    for module in ("collect", "collecting", "price", "nightly", "send", "app"):
        monkeypatch.setattr(f"slurm_finops.cli.{module}.now", lambda: now)
    monkeypatch.setattr("slurm_finops.cli.running.look_at_running", lambda *_: None)
    for name, value in fake_sacct(tmp_path, saved(record(Submit=now - 86_400 * 6))).items():
        monkeypatch.setenv(name, value)
    handler = Handler()
    with smtp_server(handler) as port:
        site(tmp_path, port)
        first = finops(tmp_path, "nightly")
        again = finops(tmp_path, "nightly")
    assert first.exit_code == 0, first.output
    steps = [line.split()[0] for line in first.stdout.splitlines()]
    assert steps == ["collect", "price", "report", "send"]
    assert "5 mails sent" in first.stdout
    assert "nothing is due" in again.stdout
    assert len(handler.mails) == 5
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

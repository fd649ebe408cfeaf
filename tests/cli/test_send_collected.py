"""A period is sent as a whole one only once it is collected to its end."""

from pathlib import Path

import pytest

from tests.cli.test_collect import fake_sacct
from tests.cli.test_send import at, finops, opened
from tests.delivery.server import Handler, smtp_server
from tests.support import CONFIG, JUNE, a_config, record, saved

A_DAY = 86_400
JULY = JUNE + 30 * A_DAY
SITE = """
[mail]
from = "finops@example.org"
smtp = "smtp://127.0.0.1:{port}"
every = "month"
[[teams]]
name = "nlp"
email = ["pi@example.org"]
"""
WAITS = (
    "2026-06 waits: runs are collected up to 2026-06-20 02:00 UTC; run: slurm-finops collect sacct"
)


def collect(folder: Path, monkeypatch: pytest.MonkeyPatch, now: int) -> None:
    """Live, up to ``now``: an hour a day."""
    at(monkeypatch, now)
    runs = saved(*(
        record(JobIDRaw=day, JobID=day, Submit=JUNE + day * A_DAY, Start=JUNE + day * A_DAY,
               End=JUNE + day * A_DAY + 3600)
        for day in range(30) if JUNE + day * A_DAY + 3600 < now
    ))  # fmt: skip
    for name, value in fake_sacct(folder, runs).items():
        monkeypatch.setenv(name, value)
    assert finops(folder, "collect", "sacct").exit_code == 0
    assert finops(folder, "price").exit_code == 0


@pytest.fixture
def half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """It is the first of July, and June is collected up to the 20th."""
    a_config(tmp_path, CONFIG + SITE.format(port=1))
    collect(tmp_path, monkeypatch, JUNE + 19 * A_DAY + 7200)
    at(monkeypatch, JULY + 7200)
    return tmp_path


def test_half_a_month_waits_and_goes_once_it_is_whole(
    half: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(half, CONFIG + SITE.format(port=port))
        for words in (("send",), ("send", "--period", "2026-06")):
            done = finops(half, *words)
            assert (done.exit_code, done.stdout) == (0, f"{WAITS}\n")
        assert handler.mails == []
        collect(half, monkeypatch, JULY + 7200)
        assert finops(half, "send").stdout == "sent: team:nlp 2026-06 to pi@example.org\n"
        assert finops(half, "send").stdout.startswith("nothing is due")
    (mail,) = handler.mails
    assert str(opened(mail)["Subject"]) == "nlp: 235.20 USD in June 2026"


def test_nothing_waits_that_is_not_over(half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(half, CONFIG + SITE.format(port=port))
        at(monkeypatch, JULY - A_DAY)
        done = finops(half, "send", "--period", "2026-06")
    assert "waits" not in done.output
    assert str(opened(handler.mails[0])["Subject"]).endswith(" in June 2026 so far")


def test_days_and_a_month_that_wait_are_named_at_once(half: Path) -> None:
    text = SITE.format(port=1).replace('"month"', '["day", "week", "month"]')
    a_config(half, CONFIG + text)
    assert finops(half, "send").stdout == (
        "2026-W26, 2026-06, 2026-06-30 wait: runs are collected up to 2026-06-20 02:00 UTC; "
        "run: slurm-finops collect sacct\n"
    )


def test_a_look_is_given_with_a_warning(half: Path) -> None:
    out = half / "mails"
    done = finops(half, "send", "--dry-run", "--out", str(out))
    assert len(list(out.iterdir())) == 1
    assert f"warning: {WAITS}" in done.stderr
    handler = Handler()
    with smtp_server(handler) as port:
        a_config(half, CONFIG + SITE.format(port=port))
        done = finops(half, "send", "--to", "me@example.org")
    assert len(handler.mails) == 1
    assert f"warning: {WAITS}" in done.stderr


def test_a_night_says_what_waits(half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in ("collect", "price", "report", "alerts"):
        monkeypatch.setattr(f"slurm_finops.cli.nightly._{step}", lambda *_: "done")
    done = finops(half, "nightly")
    assert done.exit_code == 0, done.output
    assert f"send     {WAITS} (" in done.stdout


def test_what_was_sent_does_not_wait(half: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where an earlier collection is lost: what went out is not said to wait."""
    from slurm_finops.ledger.outbox import LedgerOutbox
    from slurm_finops.ledger.store import Ledger

    ledger = Ledger.open(half / "ledger.db", "USD", "UTC")
    LedgerOutbox(ledger).add("team:nlp", "2026-06", "pi@example.org", "<1>", "s", b"x", 1)
    ledger.db.execute("UPDATE outbox SET status = 'sent'")
    ledger.close()
    for words in (("send",), ("send", "--period", "2026-06")):
        assert finops(half, *words).stdout.startswith("nothing is due")

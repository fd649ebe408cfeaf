"""check: mails and posts that did not go out, and the files of Slack's webhooks."""

from pathlib import Path

import pytest

from slurm_finops.ledger.outbox import LedgerOutbox
from slurm_finops.ledger.store import Ledger
from tests.cli.test_check import NOW, findings, here, ledger
from tests.fake_slurm import no_slurm, slurm
from tests.support import CONFIG, JUNE, a_config

__all__ = ["here", "ledger", "no_slurm", "slurm"]
URL = "https://hooks.slack.com/services/T0/B0/s3cret"


def a_mail(ledger: Ledger, status: str, detail: str = "", due_at: int | None = None) -> int:
    """A stored mail that was tried once; its id."""
    outbox = LedgerOutbox(ledger)
    number = len(outbox.listed()) + 1
    to = f"pi{number}@example.org"
    outbox.add("team:nlp", "2026-06", to, f"<{number}@b>", "s", b"x", JUNE)
    outbox.mark(number, status, NOW, detail, 1, due_at)
    return number


@pytest.mark.usefixtures("slurm")
class TestOutbox:
    @pytest.mark.parametrize(("status", "said", "mend"), [
        ("failed", "1 (team:nlp 2026-06) to pi1@example.org was refused (550 no such user)",
         "slurm-finops send --resend 1"),
        ("unknown", "to pi1@example.org may or may not have arrived (550 no such user)",
         "once you know that it did not arrive: slurm-finops send --resend 1"),
    ])  # fmt: skip
    def test_mails_that_need_a_decision(
        self, ledger: Ledger, status: str, said: str, mend: str
    ) -> None:
        a_mail(ledger, status, "550 no such user; to send it again: slurm-finops send --resend 1")
        found = findings()["outbox"]
        assert said in found["what"]
        assert found["mend"] == mend

    def test_each_is_listed_with_its_id_up_to_some(self, ledger: Ledger) -> None:
        for i in range(7):
            a_mail(ledger, "unknown" if i % 2 else "failed", "550 no")
        what = findings()["outbox"]["what"]
        assert "7 mails not known to be delivered: 1 (team:nlp" in what
        assert "5 (team:nlp 2026-06) to pi5@example.org was refused (550 no)" in what
        assert what.endswith("; and 2 more")

    def test_mails_that_wait_for_their_server(self, ledger: Ledger) -> None:
        a_mail(ledger, "queued", "cannot reach x:25")
        found = findings()
        assert "outbox" not in found
        assert found["late mails"]["verdict"] == "warn"
        assert "the first since 2026-06-01 (cannot reach x:25)" in found["late mails"]["what"]
        assert "not before" not in found["late mails"]["mend"]

    def test_mails_that_were_refused_say_when_they_are_due(self, ledger: Ledger) -> None:
        a_mail(ledger, "queued", "450 later", JUNE + 900)
        mend = findings()["late mails"]["mend"]
        assert mend == (
            "the next send tries again, not before 2026-06-01T00:15:00+00:00; at once: "
            "slurm-finops send --now"
        )

    def test_mails_that_were_sent_or_never_tried_are_nobodys_worry(self, ledger: Ledger) -> None:
        a_mail(ledger, "sent")
        LedgerOutbox(ledger).add("team:cv", "2026-06", "cv@example.org", "<cv@b>", "s", b"x", JUNE)
        assert findings()["outbox"]["what"] == "no mail waits for a decision"


@pytest.mark.usefixtures("no_slurm")
class TestSlack:
    def test_a_webhook_for_this_users_eyes_only(self, here: Path) -> None:
        a_config(here, CONFIG + '[slack]\nwebhook_file = "w"\n')
        (here / "w").write_text(URL)
        (here / "w").chmod(0o600)
        assert findings()["slack"]["what"].startswith("1 webhook in files for this user's eyes")

    def test_webhooks_that_others_can_read_or_that_are_not_there(self, here: Path) -> None:
        text = '[[teams]]\nname = "nlp"\nslack_webhook_file = "none"\n'
        a_config(here, CONFIG + '[slack]\nwebhook_file = "w"\n' + text)
        (here / "w").write_text(URL)
        (here / "w").chmod(0o640)
        from tests.cli.test_check import run

        said = run("check").output
        assert "chmod 600" in said
        assert "teams[1].slack_webhook_file: cannot read" in said
        assert "s3cret" not in said

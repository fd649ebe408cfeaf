"""kill -9 between ``sending`` and the end, of a real process at a real server."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slurm_finops.ledger.outbox import LedgerOutbox
from tests.delivery.scripted import scripted
from tests.delivery.test_outbox_faults import again
from tests.support import a_ledger

ROOT = Path(__file__).parents[2]
#: Queues two mails and sends them to a server that never answers the end of the first.
PROGRAM = """
import sys
from tests.delivery.queueing import queue
from tests.delivery.test_outbox import a_mail
from slurm_finops.delivery.outbox import Outbox
from slurm_finops.delivery.smtp import MailChannel, SmtpServer
from slurm_finops.ledger.outbox import LedgerOutbox
from tests.support import a_ledger

store = LedgerOutbox(a_ledger(sys.argv[1]))
server = SmtpServer("127.0.0.1", int(sys.argv[2]), False)
outbox = Outbox(store, {"mail": MailChannel(server, "finops@example.org")})
for name in "ab":
    message = a_mail()
    message.replace_header("Message-ID", f"<{name}@example.org>")
    queue(outbox, "team:nlp", "2026-06", f"{name}@example.org", lambda: message, 1)
outbox.send_due(2)
"""


@pytest.mark.parametrize("at", ["RCPT", "."])
def test_a_killed_program_leaves_an_unknown_mail_and_the_others_go_on(
    tmp_path: Path, at: str
) -> None:
    path = tmp_path / "ledger.db"
    there = threading.Event()
    with scripted() as server:
        server.stalls[at] = there
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(path), str(server.port)], cwd=ROOT
        )
        assert there.wait(30), "it never came so far"
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    store = LedgerOutbox(a_ledger(path))
    assert [entry.status for entry in store.listed()] == ["sending", "queued"]
    with scripted() as server:
        outcomes = again(store, server.port).send_due(3)
        assert [(o.recipient, o.status) for o in outcomes] == [
            ("a@example.org", "unknown"), ("b@example.org", "sent"),
        ]  # fmt: skip
        assert again(store, server.port).send_due(4) == []
        assert server.connections == 1
        assert again(store, server.port).resend(1, 5).status == "sent"
    assert b"Message-ID: <a@example.org>" in server.mail

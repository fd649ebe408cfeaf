"""check: the mail server, which is logged in to and sent nothing."""

import socket
from pathlib import Path

import pytest

from tests.cli.test_check import findings, here, run
from tests.fake_slurm import no_slurm
from tests.support import CONFIG, a_config

__all__ = ["here", "no_slurm"]


def with_mail(here: Path, smtp: str, more: str = "") -> None:
    a_config(here, f'{CONFIG}[mail]\nfrom = "f@example.org"\nsmtp = "{smtp}"\n{more}')


@pytest.mark.usefixtures("no_slurm")
class TestMail:
    def test_a_server_that_nobody_runs(self, here: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            with_mail(here, f"smtp://127.0.0.1:{free.getsockname()[1]}")
            found = findings(code=1)["mail"]
        assert "cannot reach 127.0.0.1" in found["what"]

    def test_a_server_that_answers(self, here: Path) -> None:
        from aiosmtpd.controller import Controller
        from aiosmtpd.handlers import Sink

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        server = Controller(Sink(), hostname="127.0.0.1", port=port)
        server.start()
        try:
            with_mail(here, f"smtp://127.0.0.1:{port}")
            assert findings()["mail"]["what"] == f"reached 127.0.0.1:{port}, without TLS"
        finally:
            server.stop()

    def test_a_password_that_others_can_read(self, here: Path) -> None:
        (here / "secret").write_text("x")
        (here / "secret").chmod(0o644)
        with_mail(here, "smtp://u@127.0.0.1:1", 'password_file = "secret"\n')
        assert "mode 0644" in findings(code=1)["mail"]["what"]

    def test_a_user_without_a_password(self, here: Path) -> None:
        with_mail(here, "smtp://u@127.0.0.1:1")
        assert findings(code=1)["mail password"]["verdict"] == "warn"

    def test_a_password_in_the_url_is_not_repeated(self, here: Path) -> None:
        with_mail(here, "smtp://u:hunter2@127.0.0.1:1")
        done = run("check")
        assert done.exit_code == 1
        assert "holds a password" in done.stdout
        assert "hunter2" not in done.output

"""Every place where a server can refuse, babble or hang up, and what is to be done then."""

from pathlib import Path

import pytest

from slurm_finops.delivery.smtp import Permanent, SmtpServer, Temporary, Unknown, Unreachable
from slurm_finops.errors import ConfigError, OutsideError
from tests.delivery.scripted import HANG_UP, scripted

MAIL = b"Subject: hello\r\n\r\n.a line that begins with a dot\r\n"


def send(port: int, recipient: str = "pi@example.org", **more: object) -> None:
    server = SmtpServer("127.0.0.1", port, False, **more)  # type: ignore[arg-type]
    server.send(MAIL, "Finance <finops@example.org>", recipient)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ({"connect": b"554 no service"}, Unreachable),
        ({"connect": b"garbage"}, Unreachable),
        ({"connect": HANG_UP}, Unreachable),
        ({"EHLO": HANG_UP}, Unreachable),
        ({"EHLO": b"250-localhost\r\n250 STARTTLS", "STARTTLS": b"454 no TLS now"}, Unreachable),
        ({"MAIL": b"421 closing"}, Temporary),
        ({"MAIL": HANG_UP}, Temporary),
        ({"MAIL": b"530 log in first"}, Unreachable),
        ({"MAIL": b"553 not you"}, Permanent),
        ({"RCPT": b"450 greylisted"}, Temporary),
        ({"RCPT": b"550 nobody"}, Permanent),
        ({"RCPT": b"garbage"}, Temporary),
        ({"DATA": b"451 later"}, Temporary),
        ({"DATA": b"554 never"}, Permanent),
        ({"DATA": b"250 OK"}, Temporary),
        ({"dot": b"452 full"}, Temporary),
        ({"dot": b"552 too large"}, Permanent),
        ({"dot": b"garbage"}, Unknown),
        ({"dot": b"354 go on"}, Unknown),
        ({"dot": HANG_UP}, Unknown),
    ],
)
def test_each_refusal_is_of_its_kind(
    answers: dict[str, bytes], kind: type[OutsideError]
) -> None:
    with scripted(**answers) as server, pytest.raises(OutsideError) as error:
        send(server.port)
    assert type(error.value) is kind
    (said,) = answers.values() if len(answers) == 1 else list(answers.values())[1:]
    assert said.partition(b" ")[2].decode() in str(error.value)


@pytest.mark.parametrize("bye", [HANG_UP, b"500 what?", b"garbage"])
def test_a_mail_that_was_taken_is_taken_whatever_follows(bye: bytes) -> None:
    with scripted(QUIT=bye) as server:
        send(server.port)
    assert b"..a line that begins with a dot\r\n" in server.mail
    assert server.heard[1].startswith(b"mail FROM:<finops@example.org>")


def test_a_server_that_knows_only_helo_is_spoken_to() -> None:
    with scripted(EHLO=b"502 what?", HELO=b"250 hello") as server:
        send(server.port)
    assert server.mail


def test_a_servers_words_cannot_move_the_cursor() -> None:
    words = b"550-\x1b[2Jno\r\n550 \x07such " + b"x" * 2000 + b"\xff"
    with scripted(RCPT=words) as server, pytest.raises(Permanent) as error:
        send(server.port)
    assert str(error.value).isprintable()
    assert "no" in str(error.value)
    assert len(str(error.value)) < 500


def test_an_address_that_smtp_cannot_carry_is_refused_for_good() -> None:
    with scripted() as server, pytest.raises(Permanent, match="not ASCII"):
        send(server.port, "pi@exämple.org")
    assert server.connections == 0


def a_secret(folder: Path, text: str = "s3cret\n", mode: int = 0o600) -> Path:
    path = folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_password_stays_here_without_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("slurm_finops.delivery.smtp._LOOPBACK", ())
    with (
        scripted(EHLO=b"250-localhost\r\n250 AUTH PLAIN") as server,
        pytest.raises(Unreachable, match="offers no TLS"),
    ):
        send(server.port, user="finops", password_file=a_secret(tmp_path))
    assert not [line for line in server.heard if line.upper().startswith(b"AUTH")]


def test_a_login_on_loopback_needs_no_tls(tmp_path: Path) -> None:
    said = {"EHLO": b"250-localhost\r\n250 AUTH PLAIN", "AUTH": b"235 welcome"}
    with scripted(**said) as server:
        send(server.port, user="finops", password_file=a_secret(tmp_path))
    assert server.mail


def test_a_server_that_offers_no_login_is_said(tmp_path: Path) -> None:
    with scripted() as server, pytest.raises(Unreachable, match="AUTH"):
        send(server.port, user="finops", password_file=a_secret(tmp_path))


@pytest.mark.parametrize("text", ["", "\n", "pässword\n", "two\nlines\n"])
def test_a_password_that_cannot_be_sent_is_a_config_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="one line of ASCII"):
        _ = SmtpServer("h", 25, False, "u", a_secret(tmp_path, text)).password


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_password_file_is_its_owners_alone(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="chmod 600"):
        _ = SmtpServer("h", 25, False, "u", a_secret(tmp_path, mode=mode)).password


@pytest.mark.parametrize("url", ["smtp://h/x", "smtp://h?x=1", "smtp://h#x"])
def test_a_url_with_more_than_a_server_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match=r"mail\.smtp"):
        SmtpServer.parse(url)


def test_probing_sends_nothing() -> None:
    with scripted() as server:
        assert SmtpServer("127.0.0.1", server.port, False).probe().endswith("without TLS")
    assert not [line for line in server.heard if line.upper().startswith(b"MAIL")]

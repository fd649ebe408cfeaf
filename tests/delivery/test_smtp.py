"""Handing mail to a real server: what it took, what it refused, and what nobody can know."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from slurm_finops.delivery.message import Content, Picture, build
from slurm_finops.delivery.smtp import Permanent, SmtpServer, Temporary, Unknown
from slurm_finops.errors import ConfigError, InputError
from tests.delivery.server import Handler, certificate, smtp_server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
CONTENT = Content("nlp: 9.00 USD", "text, 9.00 €\n", "<p>9.00 €</p><img src='cid:a'>",
                  (Picture("a", PNG),))  # fmt: skip


def a_mail(**more: str) -> EmailMessage:
    content = CONTENT._replace(subject=more.get("subject", CONTENT.subject))
    return build(
        content, "finops@example.org", more.get("recipient", "pi@example.org"), "1@example.org",
        "slurm-finops.example.org", 1_780_272_000,
    )  # fmt: skip


def send(port: int, host: str = "127.0.0.1", **more: object) -> None:
    server = SmtpServer(host, port, False, **more)  # type: ignore[arg-type]
    server.send(a_mail(), "finops@example.org", "pi@example.org")


def test_text_html_and_picture_arrive() -> None:
    handler = Handler()
    with smtp_server(handler) as port:
        send(port)
    got = email.message_from_bytes(handler.mails[0], policy=email.policy.default)
    assert got["Subject"] == "nlp: 9.00 USD"
    assert got["Message-ID"] == "<1@example.org>"
    assert got["Auto-Submitted"] == "auto-generated"
    text = got.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.replace("\r\n", "\n") == CONTENT.text
    assert got.get_body(("html",)).get_content().strip() == CONTENT.html  # type: ignore[union-attr]
    pictures = [part for part in got.walk() if part.get_content_type() == "image/png"]
    assert [part["Content-ID"] for part in pictures] == ["<a>"]
    assert pictures[0].get_content() == PNG


def test_starttls_and_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler, pem = Handler(), certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    secret.chmod(0o600)
    with smtp_server(handler, pem, "s3cret") as port:
        send(port, "localhost", user="finops", password_file=secret)
        assert SmtpServer("localhost", port, False, "finops", secret).probe().endswith(", TLS")
    assert (handler.secure, handler.logins) == ([True], [b"finops"])


def test_a_wrong_password_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    secret = tmp_path / "secret"
    secret.write_text("wrong")
    secret.chmod(0o600)
    with (
        smtp_server(Handler(), pem, "s3cret") as port,
        pytest.raises(Temporary, match="refused to log finops in"),
    ):
        send(port, "localhost", user="finops", password_file=secret)


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    handler = Handler()
    with (
        smtp_server(handler, certificate(tmp_path)) as port,
        pytest.raises(Temporary, match="TLS failed"),
    ):
        send(port, "localhost")
    assert handler.mails == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("450 later", Temporary), ("550 no such mailbox", Permanent), ("drop", Unknown)],
)
def test_a_refusal_says_what_to_do_next(answer: str, kind: type[Exception]) -> None:
    with smtp_server(Handler((answer,))) as port, pytest.raises(kind) as error:
        send(port)
    assert type(error.value) is kind
    assert answer.partition(" ")[2] in str(error.value)


def test_a_server_that_is_not_there_is_for_later() -> None:
    with pytest.raises(Temporary, match="cannot reach"):
        send(1)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example.org", ("mail.example.org", 587, False, None)),
        ("smtp://me%40example.org@mail.example.org:25",
         ("mail.example.org", 25, False, "me@example.org")),
        ("smtps://mail.example.org", ("mail.example.org", 465, True, None)),
    ],
)  # fmt: skip
def test_urls(url: str, expected: tuple[object, ...]) -> None:
    server = SmtpServer.parse(url)
    assert (server.host, server.port, server.implicit_tls, server.user) == expected


@pytest.mark.parametrize(
    "url", ["mail.example.org", "http://x", "smtp://", "smtp://h:99999", "smtp://u:p4ss@h"]
)
def test_a_url_that_is_no_server_is_a_config_error(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        SmtpServer.parse(url)
    assert "mail.smtp" in str(error.value)
    assert "p4ss" not in str(error.value)


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        _ = SmtpServer("h", 25, False, "u", secret).password
    with pytest.raises(ConfigError, match="cannot read"):
        _ = SmtpServer("h", 25, False, "u", tmp_path / "none").password


@pytest.mark.parametrize("field", ["subject", "recipient"])
def test_a_line_break_in_a_header_is_refused(field: str) -> None:
    with pytest.raises(InputError, match="control character"):
        a_mail(**{field: "x@example.org\r\nBcc: everyone@example.org"})

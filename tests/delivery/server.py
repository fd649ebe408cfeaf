"""A real SMTP server on loopback, as strict or as broken as a test asks."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Handler:
    """Keeps what it accepts; ``answers`` are given to DATA in turn, then 250."""

    def __init__(self, answers: tuple[str, ...] = ()) -> None:
        self.answers = list(answers)
        self.mails: list[bytes] = []
        self.recipients: list[list[str]] = []
        self.secure: list[bool] = []
        self.logins: list[bytes | None] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.answers.pop(0) if self.answers else "250 OK"
        self.recipients.append(list(envelope.rcpt_tos))
        if answer == "drop":
            self.mails.append(bytes(envelope.content or b""))
            assert server.transport is not None
            server.transport.abort()
            await asyncio.sleep(0)
            return "250 never arrives"
        if answer.startswith("250"):
            self.mails.append(bytes(envelope.content or b""))
            self.secure.append(session.ssl is not None)
            self.logins.append(getattr(session, "auth_data", None))
        return answer


def certificate(folder: Path) -> Path:
    """A certificate for localhost, made here."""
    path = folder / "localhost.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", str(folder / "key.pem"), "-out", str(path)],
        check=True, capture_output=True,
    )  # fmt: skip
    return path


@contextmanager
def smtp_server(handler: Handler, tls: Path | None = None, password: str = "") -> Iterator[int]:
    """The server's port."""
    more: dict[str, Any] = {}
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls, tls.with_name("key.pem"))
        more |= {"tls_context": context, "require_starttls": True}
    if password:

        def authenticate(server, session, envelope, mechanism, data) -> AuthResult:  # type: ignore[no-untyped-def]
            right = isinstance(data, LoginPassword) and data.password == password.encode()
            return AuthResult(success=right, handled=False, auth_data=data.login if right else None)

        more |= {
            "authenticator": authenticate,
            "auth_required": True,
            "auth_exclude_mechanism": ["LOGIN"],
        }
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, **more)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()

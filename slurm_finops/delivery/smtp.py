"""One SMTP server: reached over TLS wherever it can be, its answers sorted by what to do next."""

import smtplib
import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slurm_finops.errors import ConfigError, OutsideError

_TIMEOUT = 30
_PORTS = {"smtp": 587, "smtps": 465}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Temporary(OutsideError):
    """The server may take it later."""


class Permanent(OutsideError):
    """The server will never take it."""


class Unknown(OutsideError):
    """The connection broke after the mail was handed over: it may or may not be on its way."""


@dataclass(frozen=True)
class SmtpServer:
    """Where mail goes out: from ``[mail] smtp`` and ``password_file``."""

    host: str
    port: int
    implicit_tls: bool
    user: str | None = None
    password_file: Path | None = None

    @classmethod
    def parse(cls, url: str, password_file: Path | None = None) -> "SmtpServer":
        """From ``smtp://user@host:587`` or ``smtps://host``.  Raises `ConfigError`."""
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = 0
        if parts.scheme not in _PORTS or not parts.hostname or port == 0:
            raise ConfigError(
                f"mail.smtp: {_without_password(url)!r} is no mail server; expected "
                '"smtp://mail.example.org:587" or "smtps://user@mail.example.org"'
            )
        if parts.password is not None:
            raise ConfigError(
                "mail.smtp: holds a password; put it into a file of mode 0600 and name that file "
                "as mail.password_file"
            )
        user = unquote(parts.username) if parts.username else None
        return cls(
            parts.hostname, port or _PORTS[parts.scheme], parts.scheme == "smtps", user,
            password_file,
        )  # fmt: skip

    @property
    def password(self) -> str | None:
        """The password; raises `ConfigError` if others may read its file."""
        path = self.password_file
        if path is None:
            return None
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
            text = path.read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            raise ConfigError(f"mail.password_file: cannot read {path}: {error.strerror}") from None
        if mode & 0o077:
            raise ConfigError(
                f"mail.password_file: {path} can be read by others (mode {mode:04o}); "
                f"chmod 600 {path}"
            )
        return text

    def probe(self) -> str:
        """Connect, log in, send nothing; what was reached.  Raises `OutsideError`."""
        with self._connected() as smtp:
            smtp.noop()
            secure = isinstance(smtp.sock, ssl.SSLSocket)
        return f"{self.host}:{self.port}, {'TLS' if secure else 'without TLS'}"

    def send(self, message: EmailMessage | bytes, sender: str, recipient: str) -> None:
        """Hand over one mail.  Raises `Temporary`, `Permanent` or `Unknown`."""
        data = message if isinstance(message, bytes) else as_sent(message)
        with self._connected() as smtp:
            _step(smtp, "MAIL", *smtp.mail(sender))
            _step(smtp, "RCPT", *smtp.rcpt(recipient))
            try:
                code, said = smtp.data(data)
            except smtplib.SMTPDataError as error:
                code, said = error.smtp_code, error.smtp_error  # type: ignore[assignment]
            except (smtplib.SMTPException, OSError) as error:
                raise Unknown(
                    f"{self.host} broke the connection after the mail was handed over "
                    f"({error or 'no answer'})"
                ) from None
            _step(smtp, "DATA", code, said)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        password = self.password
        context = ssl.create_default_context()
        try:
            smtp: smtplib.SMTP
            if self.implicit_tls:
                smtp = smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT, context=context)
            else:
                smtp = smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT)
        except ssl.SSLError as error:
            raise Temporary(f"{self.host}:{self.port}: TLS failed: {error.reason}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary(f"cannot reach {self.host}:{self.port}: {error}") from None
        try:
            self._greet(smtp, context, password)
            yield smtp
        except smtplib.SMTPAuthenticationError as error:
            raise Temporary(f"{self.host} refused to log {self.user} in: {_text(error.smtp_error)}"
                            ) from None  # fmt: skip
        except ssl.SSLError as error:
            raise Temporary(f"{self.host}:{self.port}: TLS failed: {error.reason}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Temporary(f"{self.host}: {error}") from None
        finally:
            _quit(smtp)

    def _greet(self, smtp: smtplib.SMTP, context: ssl.SSLContext, password: str | None) -> None:
        smtp.ehlo()
        if not self.implicit_tls and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        if self.user is None or password is None:
            return
        if not isinstance(smtp.sock, ssl.SSLSocket) and self.host not in _LOOPBACK:
            raise Permanent(
                f"{self.host} offers no TLS, and a password is never sent without; use smtps:// "
                "or a server that has STARTTLS"
            )
        smtp.login(self.user, password)


def as_sent(message: EmailMessage) -> bytes:
    """A mail's bytes with the line ends SMTP wants: smtplib mends them in texts only."""
    return message.as_bytes(policy=SMTP)


def _step(smtp: smtplib.SMTP, name: str, code: int, said: bytes) -> None:
    if 200 <= code < 400:
        return
    kind = Permanent if code >= 500 else Temporary
    raise kind(f"{smtp._host} answered {name} with {code} {_text(said)}")  # type: ignore[attr-defined]


def _quit(smtp: smtplib.SMTP) -> None:
    try:
        smtp.quit()
    except (smtplib.SMTPException, OSError):
        smtp.close()


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def _without_password(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url

"""One SMTP server: reached over TLS wherever it can be, its answers sorted by what to do next."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from urllib.parse import unquote, urlsplit

from slurm_finops.delivery.letter import Letter
from slurm_finops.delivery.pace import Pace
from slurm_finops.delivery.refusals import Permanent, Temporary, Unknown, Unreachable
from slurm_finops.delivery.secret import secret
from slurm_finops.delivery.words import one_line, words_of
from slurm_finops.errors import ConfigError, OutsideError

_TIMEOUT = 30
_PORTS = {"smtp": 587, "smtps": 465}
#: The server wants a login or TLS first (RFC 4954, 3207): nothing is wrong with the mail.
_LOGIN_FIRST = (530, 534, 535, 538)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


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
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:  # smtp://[bad, or no number for a port
            parts, port = urlsplit(""), 0
        beyond = parts.path.rstrip("/") or parts.query or parts.fragment
        if parts.scheme not in _PORTS or not parts.hostname or port == 0 or beyond:
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
        return (
            None if self.password_file is None
            else secret(self.password_file, "mail.password_file", "the password")
        )  # fmt: skip

    def check(self) -> None:
        """Raises `ConfigError` where no mail could be sent at all."""
        _ = self.password

    def probe(self) -> str:
        """Connect, log in, send nothing; what was reached.  Raises `OutsideError`."""
        with self._connected(self.password) as smtp:
            _step(smtp, "NOOP", *smtp.noop())
            secure = isinstance(smtp.sock, ssl.SSLSocket)
        return f"{self.host}:{self.port}, {'TLS' if secure else 'without TLS'}"

    def send(self, message: EmailMessage | bytes, sender: str, recipient: str) -> None:
        """Hand over one mail.  Raises `Temporary`, `Permanent` or `Unknown`; `ConfigError`
        before anything is sent."""
        data = message if isinstance(message, bytes) else as_sent(message)
        password = self.password
        if not recipient.isascii():
            raise Permanent(f"{recipient!r} is not ASCII; write its domain as xn--…")
        with self._connected(password) as smtp:
            _step(smtp, "MAIL", *smtp.mail(sender))
            _step(smtp, "RCPT", *smtp.rcpt(recipient))
            self._hand_over(smtp, data)

    def _hand_over(self, smtp: smtplib.SMTP, data: bytes) -> None:
        """From DATA on, only the server's own refusal says that it did not take the mail."""
        try:
            code, said = smtp.data(data)
        except smtplib.SMTPDataError as error:
            # it did not say 354, so nothing was handed over
            kind = Permanent if error.smtp_code >= 500 else Temporary
            raise kind(self._answer("DATA", error.smtp_code, error.smtp_error)) from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unknown(
                f"{self.host} broke the connection after the mail was handed over "
                f"({_words(error)})"
            ) from None
        if not 200 <= code < 300:
            kinds: dict[int, type[OutsideError]] = {4: Temporary, 5: Permanent}
            raise kinds.get(code // 100, Unknown)(self._answer("DATA", code, said))

    def _answer(self, name: str, code: int, said: bytes | str) -> str:
        return f"{self.host} answered {name} with {code} {one_line(said)}"

    @contextmanager
    def _connected(self, password: str | None) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        with self._told(Unreachable):
            smtp = self._open(context)
        try:
            with self._told(Unreachable):
                self._greet(smtp, context, password)
            with self._told(Temporary):
                yield smtp
            _quit(smtp)
        finally:
            smtp.close()

    def _open(self, context: ssl.SSLContext) -> smtplib.SMTP:
        if self.implicit_tls:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_TIMEOUT, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=_TIMEOUT)

    @contextmanager
    def _told(self, kind: type[Temporary]) -> Iterator[None]:
        """What smtplib, TLS and the network raise, as ``kind`` in the server's own words."""
        where = f"{self.host}:{self.port}"
        try:
            yield
        except smtplib.SMTPAuthenticationError as error:
            raise kind(f"{where} refused to log {self.user} in: {_words(error)}") from None
        except ssl.SSLError as error:
            raise kind(f"{where}: TLS failed: {_words(error)}") from None
        except smtplib.SMTPException as error:
            raise kind(f"{where}: {_words(error)}") from None
        except (OSError, ValueError) as error:
            # ValueError: a host name or an answer that cannot be encoded
            raise kind(f"cannot reach {where}: {_words(error)}") from None

    def _greet(self, smtp: smtplib.SMTP, context: ssl.SSLContext, password: str | None) -> None:
        smtp.ehlo_or_helo_if_needed()
        if not self.implicit_tls and smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
        if self.user is None or password is None:
            return
        if not isinstance(smtp.sock, ssl.SSLSocket) and self.host not in _LOOPBACK:
            # for later, not for good: nothing is wrong with the mails
            raise Unreachable(
                f"{self.host} offers no TLS, and a password is never sent without; use smtps:// "
                "or a server that has STARTTLS"
            )
        smtp.login(self.user, password)


class MailChannel:
    """Sends mails through one server, at a pace that it bears."""

    def __init__(self, server: SmtpServer, sender: str, pace: Pace | None = None) -> None:
        self.server = server
        self._sender = sender
        self._pace = pace or Pace(60, 60)

    def check(self) -> None:
        """Raises `ConfigError` where no mail could be sent at all."""
        self.server.check()

    def wait(self) -> None:
        """Until the next may go."""
        self._pace.wait()

    def send(self, entry: Letter) -> None:
        """Hand over a stored mail; raises as `SmtpServer.send`."""
        self.server.send(entry.message, self._sender, entry.recipient)


def as_sent(message: EmailMessage) -> bytes:
    """A mail's bytes with the line ends SMTP wants: smtplib mends them in texts only."""
    return message.as_bytes(policy=message.policy.clone(linesep=SMTP.linesep))


def _step(smtp: smtplib.SMTP, name: str, code: int, said: bytes) -> None:
    if 200 <= code < 300:
        return
    kind = Unreachable if code in _LOGIN_FIRST else Permanent if code >= 500 else Temporary
    raise kind(f"{smtp._host} answered {name} with {code} {one_line(said)}")  # type: ignore[attr-defined]


def _quit(smtp: smtplib.SMTP) -> None:
    """The mail is taken: what goes wrong with the farewell changes nothing."""
    with suppress(smtplib.SMTPException, OSError):
        smtp.quit()


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {one_line(error.smtp_error)}"
    return words_of(error)


def _without_password(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url

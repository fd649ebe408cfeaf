"""Slack's incoming webhooks: where a report is posted, and what its answers mean.

The URL of a webhook is a secret: who knows it may post.  It stands in a file of its
own, and in no message of this module.
"""

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from slurm_finops.delivery.letter import Letter
from slurm_finops.delivery.pace import Pace
from slurm_finops.delivery.refusals import Permanent, Temporary, Unknown, Unreachable
from slurm_finops.delivery.secret import secret
from slurm_finops.delivery.words import one_line, words_of
from slurm_finops.errors import ConfigError

#: Who a report on Slack is for, in the outbox: its webhook, whose address is a secret.
TO_SLACK = "slack"
#: The same of what is no report: before the report whose webhook it is for.
TO_SLACK_OF = "slack:"
_TIMEOUT = 30
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
#: 4xx that are not about what was posted: it took too long, or there was too much.
_LATER = (408, 425, 429)
#: A server may not keep us waiting for longer than that by its word alone.
_LONGEST = 86_400


class _StayHere(HTTPRedirectHandler):
    """What is posted is for the address in the file, and for no other that an answer names."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """No request: the answer is one like any other."""


@dataclass(frozen=True)
class Webhook:
    """An incoming webhook; ``url`` is for nobody's eyes."""

    url: str
    host: str

    @classmethod
    def read(cls, path: Path, key: str) -> "Webhook":
        """From a file of mode 0600 that ``key`` of finops.toml names.  Raises `ConfigError`."""
        url = secret(path, key, "the webhook's URL")
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname, parts.port
        except ValueError:  # https://[bad, or no number for a port
            parts, host = urlsplit(""), None
        safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
        if not (safe and host and url.isprintable()) or parts.username or " " in url:
            raise ConfigError(
                f"{key}: {path} holds no URL of a webhook; expected one line such as "
                "https://hooks.slack.com/services/T0000/B0000/xxxx"
            )
        return cls(url, host)

    def post(self, body: bytes) -> None:
        """Post JSON.  Raises `Temporary`, `Permanent` or `Unknown`."""
        request = Request(
            self.url, body, {"Content-Type": "application/json; charset=utf-8",
                             "User-Agent": "slurm-finops"},
        )  # fmt: skip
        try:
            with self._opener().open(request, timeout=_TIMEOUT):
                return  # 2xx: it was taken, whatever the rest of the answer is
        except HTTPError as error:
            with error:
                raise self._refused(error) from None
        except URLError as error:  # raised until all was said, and of no answer
            raise Unreachable(f"cannot reach {self.host}: {words_of(error.reason)}") from None
        except (OSError, HTTPException) as error:
            raise Unknown(
                f"{self.host} broke the connection after the report was posted ({words_of(error)})"
            ) from None

    def _opener(self) -> OpenerDirector:
        secure = HTTPSHandler(context=ssl.create_default_context())
        here = [ProxyHandler({})] if self.host in _LOOPBACK else []
        return build_opener(secure, _StayHere(), *here)

    def _refused(self, error: HTTPError) -> Temporary | Permanent:
        try:
            body = one_line(error.read(400))
        except (OSError, HTTPException):
            body = ""
        said = f"{self.host} answered {error.code} {body or one_line(str(error.reason))}".strip()
        if error.code in _LATER or error.code >= 500:
            return Temporary(said, _seconds(error.headers.get("Retry-After")))
        return Permanent(said)


class Post(NamedTuple):
    """What is posted, as the outbox keeps it; ``subject`` is its text for who sees no blocks."""

    message_id: str
    subject: str
    payload: Mapping[str, Any]

    @property
    def data(self) -> bytes:
        """The JSON of it."""
        return json.dumps(self.payload, ensure_ascii=False).encode()


class SlackChannel:
    """Posts each report to its webhook.

    ``files``: report -> (file of its webhook, key of finops.toml that names it).
    """

    def __init__(self, files: Mapping[str, tuple[Path, str]], pace: Pace | None = None) -> None:
        self._files = files
        # one a second is what Slack takes of one application (its page on rate limits)
        self._pace = pace or Pace(1, 1)

    def check(self) -> None:
        """Nothing: a webhook that cannot be used keeps back what is for it, and no more."""

    def wait(self) -> None:
        """Until the next may go."""
        self._pace.wait()

    def send(self, entry: Letter) -> None:
        """Post what is stored.  Raises `Temporary`, `Permanent`, `Unknown` or `ConfigError`."""
        other = entry.recipient.startswith(TO_SLACK_OF)
        report = entry.recipient.removeprefix(TO_SLACK_OF) if other else entry.report
        found = self._files.get(report)
        if found is None:
            raise ConfigError(f"no webhook file is configured for {report} any more")
        Webhook.read(*found).post(entry.message)


def _seconds(text: str | None) -> int:
    """Retry-After in seconds; a date there is not looked at."""
    found = int(text) if text and text.isascii() and text.isdecimal() else 0
    return min(found, _LONGEST)

"""What the outbox holds, and how it goes out."""

from typing import Protocol


class Letter(Protocol):
    """Something stored that goes out by one channel: a mail's bytes, or JSON for Slack."""

    @property
    def id(self) -> int: ...

    @property
    def channel(self) -> str: ...

    @property
    def report(self) -> str: ...

    @property
    def period(self) -> str: ...

    @property
    def recipient(self) -> str: ...

    @property
    def message(self) -> bytes: ...

    @property
    def tries(self) -> int: ...

    @property
    def queued_at(self) -> int: ...

    @property
    def due_at(self) -> int | None: ...

    @property
    def detail(self) -> str | None: ...


class Channel(Protocol):
    """A way out: mail, or Slack."""

    def check(self) -> None:
        """Raises `ConfigError` where nothing could be sent at all."""

    def wait(self) -> None:
        """Returns when the next may go."""

    def send(self, entry: Letter) -> None:
        """Hand it over.

        Raises `Temporary`, `Permanent` or `Unknown`; and `ConfigError` where nothing was
        handed over and nothing is wrong with it.
        """

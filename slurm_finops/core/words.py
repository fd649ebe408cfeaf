"""Words for people and for the ledger."""

from datetime import UTC, datetime

#: So much of a text from a file is said in an error.
SHOWN = 40


def count(number: int, one: str, many: str = "") -> str:
    """``1 run``, ``2,304 runs``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def utc(instant: int) -> str:
    """Epoch seconds as a person reads them: ``2026-06-01T12:00:00Z``."""
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%SZ}"


def storable(text: str) -> str:
    """A text from outside as a database takes it: stray bytes written out as ``\\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()


def shown(text: str) -> str:
    """A text from a file as it is said in an error: quoted, and not too long."""
    return repr(text if len(text) <= SHOWN else text[:SHOWN] + "…")

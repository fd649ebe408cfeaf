"""Words for people and for the ledger."""


def count(number: int, one: str, many: str = "") -> str:
    """``1 run``, ``2,304 runs``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def storable(text: str) -> str:
    """A text from outside as a database takes it: stray bytes written out as ``\\udcff``."""
    return text.encode("utf-8", "backslashreplace").decode()

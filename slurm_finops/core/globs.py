"""Names and globs (``*`` and ``?``), each matched whole, in work bounded by their length.

Not a regular expression: ``*-*-*-x`` would take one of those hours to say no.
"""

from collections.abc import Iterable

#: No glob fits a longer text: slurmctld waits while the hook compares.
MAX_BYTES = 256


class Globs:
    """A list of names or globs."""

    def __init__(self, globs: Iterable[str]) -> None:
        listed = tuple(globs)
        self.names = frozenset(glob for glob in listed if not is_glob(glob))
        self._globs = tuple(glob for glob in listed if is_glob(glob))

    def match(self, text: str) -> bool:
        """Whether any of them is, or fits, the whole text."""
        if text in self.names:
            return True
        return len(text.encode("utf-8", "surrogatepass")) <= MAX_BYTES and any(
            fits(glob, text) for glob in self._globs
        )


def is_glob(text: str) -> bool:
    """Whether it holds a wildcard."""
    return "*" in text or "?" in text


def fits(glob: str, text: str) -> bool:
    """Whether a glob fits a whole text: at a mismatch only the last ``*`` takes one more."""
    at = i = 0
    star, taken = -1, 0
    while i < len(text):
        if at < len(glob) and glob[at] == "*":
            star, taken = at, i
            at += 1
        elif at < len(glob) and glob[at] in ("?", text[i]):
            at, i = at + 1, i + 1
        elif star >= 0:
            taken += 1
            at, i = star + 1, taken
        else:
            return False
    return not glob[at:].strip("*")

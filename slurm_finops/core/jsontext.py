"""Why a text is not JSON, in words a researcher can act on.

Python's own scanner is fast and says whether; this one is asked only then, and
says where and what.  Its twin is ``scan.lua``, which reads every comment in the
job-submit hook: both give the same place and the same words (RFC 8259).
"""

import re
from collections.abc import Callable

_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_HEX = re.compile(r"[0-9a-fA-F]{4}")
_WORDS = ("true", "false", "null")


class NotJson(Exception):
    """``reason``, and the character (the first is 1) at which it holds."""

    def __init__(self, reason: str, at: int) -> None:
        super().__init__(f"{reason} at character {at + 1}")


def explain(text: str) -> str | None:
    """What is wrong with ``text`` as JSON, and where; None if nothing is.

    The caller has made sure that it is not nested too deep for recursion.
    """
    try:
        end = _space(text, _value(text, _space(text, 0)))
        if end < len(text):
            raise NotJson("something follows it", end)
    except NotJson as error:
        return str(error)
    return None


def _space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found
    return found.end()


def _value(text: str, at: int) -> int:
    """Where the value that begins at ``at`` ends."""
    char = text[at : at + 1]
    if char == "{":
        return _members(text, at + 1, "}", _member)
    if char == "[":
        return _members(text, at + 1, "]", _value)
    if char == '"':
        return _string(text, at)
    found = _NUMBER.match(text, at)
    if found:
        return found.end()
    for word in _WORDS:
        if text.startswith(word, at):
            return at + len(word)
    raise NotJson("expected a value", at)


def _members(text: str, at: int, close: str, member: Callable[[str, int], int]) -> int:
    """The members of an object or a list, up to and with its closing bracket."""
    at = _space(text, at)
    if text.startswith(close, at):
        return at + 1
    while True:
        at = _space(text, member(text, at))
        char = text[at : at + 1]
        if char == close:
            return at + 1
        if char != ",":
            raise NotJson(f'expected "," or "{close}"', at)
        at = _space(text, at + 1)


def _member(text: str, at: int) -> int:
    if not text.startswith('"', at):
        raise NotJson("expected a key in double quotes", at)
    at = _space(text, _string(text, at))
    if not text.startswith(":", at):
        raise NotJson('expected ":"', at)
    return _value(text, _space(text, at + 1))


def _string(text: str, at: int) -> int:
    began, at = at, at + 1
    while True:
        found = _PLAIN.match(text, at)
        assert found
        at = found.end()
        char = text[at : at + 1]
        if char == '"':
            return at + 1
        if not char:
            raise NotJson("a text without its closing quote", began)
        if char != "\\":
            raise NotJson(f"a control character (U+{ord(char):04X}) inside a text", at)
        at = _escape(text, at)


def _escape(text: str, at: int) -> int:
    kind = text[at + 1 : at + 2]
    if kind == "u":
        if not _HEX.match(text, at + 2):
            raise NotJson(r"\u without four hexadecimal digits", at)
        return at + 6
    if not kind or kind not in '"\\/bfnrt':
        raise NotJson(r"a \ that escapes nothing (for a \ itself write \\)", at)
    return at + 2

"""Values as Lua table constructors: data, whatever a person wrote into them."""

import re
from collections.abc import Mapping
from typing import Any

_SPECIAL = re.compile(r'["\\\x00-\x1f\x7f]')
_INDENT = "  "
#: What LuaJIT and Lua 5.1 keep exactly in their only kind of number, a double.
MAX_INTEGER = 2**53


def literal(value: Any, depth: int = 0) -> str:
    """A value as Lua 5.1 to 5.4 reads it: text, bool, int up to 2^53, mappings, sequences.

    ``None`` in a mapping leaves its key out.  Raises `ValueError` for anything else.
    """
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise ValueError(f"{value} is too large for a Lua number")
        return str(value)
    if isinstance(value, Mapping):
        items = [f"[{text(key)}] = {literal(item, depth + 1)}" for key, item in value.items()
                 if item is not None]  # fmt: skip
    elif isinstance(value, list | tuple):
        items = [literal(item, depth + 1) for item in value]
    else:
        raise ValueError(f"{type(value).__name__} has no Lua literal")
    return _table(items, depth)


def _table(items: list[str], depth: int) -> str:
    line = "{ " + ", ".join(items) + " }" if items else "{}"
    if len(line) + len(_INDENT) * depth <= 96 and "\n" not in line:
        return line
    inner, outer = _INDENT * (depth + 1), _INDENT * depth
    return "{\n" + "".join(f"{inner}{item},\n" for item in items) + outer + "}"


def text(value: str) -> str:
    """A Lua string; control characters by number, the rest as it is."""
    return '"' + _SPECIAL.sub(_escaped, value) + '"'


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    return f"\\{char}" if char in '"\\' else f"\\{ord(char):03d}"

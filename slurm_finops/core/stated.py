"""What a configuration states, and what two of them state otherwise: words for an audit.

By what stands in the file and not by what is made of it, so that a change has the
name of its key, and a key that is new tomorrow is seen without a word here.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, time
from typing import Any

#: Entry, such as ``teams nlp`` (``""`` is the top of the file) -> key -> value as a text.
Stated = Mapping[str, Mapping[str, str]]
#: So many lines, and characters of all of them, are kept of one change.
MOST_LINES, MOST_CHARACTERS = 20, 2_000
#: Of a longer text only what differs is said, with so much of what stands around it.
_LONG, _AROUND, _MOST = 160, 20, 400
_NONE, _UNSET, _BARE = "none", "not set", "no keys"
#: Of a URL: it has no place in the file, is refused where it would be used, and an audit
#: keeps all that it is told.
_PASSWORD = re.compile(r"(://[^\s/:@]*):.*@")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN_NAME = re.compile(r"[^\s\"/]+")


def stated(document: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """A TOML document by its entries: each table, and each of ``[[tables]]`` by its name."""
    found: dict[str, dict[str, str]] = {"": {}}
    for key, value in document.items():
        if isinstance(value, Mapping):
            _enter(found, key, value)
        elif _tables(value):
            _enter_all(found, key, value)
        else:
            found[""][_key(key)] = _text(value)
    return found


def _enter_all(found: dict[str, dict[str, str]], kind: str, tables: Iterable[Any]) -> None:
    for place, table in enumerate(tables, 1):
        entry = f"{kind} {_label(table) or f'#{place}'}"
        # of two with one name the second is told by its turn
        while entry in found:
            entry += "'"
        _enter(found, entry, table)


def _enter(found: dict[str, dict[str, str]], entry: str, table: Mapping[str, Any]) -> None:
    keys = found.setdefault(entry, {})
    for path, value in _paths(table, ""):
        if _tables(value) and all("name" in one for one in value):
            _enter_all(found, f"{entry} / {path}", value)
        else:
            keys[path] = _text(value)


def _paths(table: Mapping[str, Any], above: str) -> Iterable[tuple[str, Any]]:
    for key, value in table.items():
        path = f"{above}{_key(key)}"
        if isinstance(value, Mapping) and value:
            yield from _paths(value, f"{path}.")
        else:
            yield path, value


def _tables(value: Any) -> bool:
    """Whether it is a list of tables."""
    return isinstance(value, list) and bool(value) and all(isinstance(v, Mapping) for v in value)


def _label(table: Mapping[str, Any]) -> str:
    """By what one of several tables is known: its name, or what no two rates have in common."""
    if "name" in table:
        return _name(str(table["name"]))
    if "sku" not in table:
        return ""
    words = [_name(str(table["sku"]))]
    match = table.get("match")
    if isinstance(match, Mapping):
        words += [f"{key}={_name(str(value))}" for key, value in sorted(match.items())]
    words += [f"rank {table['rank']}"] if table.get("rank") else []
    words += [f"from {table['from']}"] if "from" in table else []
    return " ".join(words)


def _name(text: str) -> str:
    """Without quotes where nobody could take it for something else; a SKU has its slash."""
    plain = _PLAIN_NAME.fullmatch(text.replace("gres/", "", 1))
    return text if plain else _quoted(text)


def _key(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _quoted(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _text(value: Any) -> str:
    """A value as TOML would write it, alike for alike values."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return _quoted(_PASSWORD.sub(r"\1:…@", value))
    if isinstance(value, date | time):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(k)} = {_text(v)}' for k, v in sorted(value.items()))}}}"
    return repr(value)


def changes(before: Mapping[str, str], after: Mapping[str, str], none: str = _NONE) -> list[str]:
    """``key: old -> new`` for each key that has another text; first those that had one before.

    ``none`` stands for what is not there.  Long texts are cut down to where they differ.
    """
    return [
        f"{key}: {' -> '.join(_apart(before.get(key, none), after.get(key, none)))}"
        for key in _old_first(before, after)
        if before.get(key) != after.get(key)
    ]


def _old_first(before: Iterable[str], after: Iterable[str]) -> list[str]:
    """What was is kept nowhere else, so no flood of what is new may push it over a bound."""
    old = set(before)
    return [*sorted(old), *sorted(set(after) - old)]


def restated(before: Stated, after: Stated) -> dict[str, list[str]]:
    """What two configurations state otherwise: ``rates``, ``teams``, … -> lines of `changes`.

    An entry that is new or gone is one line; ``""`` are the keys at the top of the file.
    """
    found: dict[str, list[str]] = {}
    for entry in _old_first(before, after):
        old, new = before.get(entry), after.get(entry)
        if old is None or new is None:
            lines = changes(_whole(entry, old), _whole(entry, new))
        else:
            lines = changes(_named(entry, old), _named(entry, new), _UNSET)
        if lines:
            found.setdefault(entry.split(" ")[0], []).extend(lines)
    return found


def _whole(entry: str, keys: Mapping[str, str] | None) -> dict[str, str]:
    if keys is None:
        return {}
    return {entry: ", ".join(f"{key} = {text}" for key, text in keys.items()) or _BARE}


def _named(entry: str, keys: Mapping[str, str]) -> dict[str, str]:
    return {f"{entry} {key}" if entry else key: text for key, text in keys.items()}


def _apart(old: str, new: str) -> tuple[str, str]:
    """Both, without most of what long ones have in common."""
    if max(len(old), len(new)) > _LONG:
        same = _alike(old, new)
        tail = _alike(old[same:][::-1], new[same:][::-1])
        old, new = (_within(text, same, len(text) - tail) for text in (old, new))
    return _cut(old), _cut(new)


def _alike(one: str, two: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, two, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(two)))


def _within(text: str, first: int, last: int) -> str:
    first, last = max(0, first - _AROUND), min(len(text), last + _AROUND)
    return f"{'…' if first else ''}{text[first:last]}{'…' if last < len(text) else ''}"


def _cut(text: str) -> str:
    if len(text) <= _MOST:
        return text
    return f"{text[: _MOST // 2]}… ({len(text):,} characters) …{text[-_MOST // 2 :]}"


def bounded(lines: Sequence[str], more: int = 0) -> list[str]:
    """As many of the lines as an audit keeps of one change, and how many there are beside them.

    ``more`` were not even made.
    """
    kept: list[str] = []
    room = MOST_CHARACTERS
    for line in lines[:MOST_LINES]:
        room -= len(line)
        if room < 0 and kept:
            break
        kept.append(line)
    rest = len(lines) + more - len(kept)
    return [*kept, f"and {rest:,} more"] if rest else kept

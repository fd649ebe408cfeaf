"""Rows of a JSON file of prices, as texts by column, each with where it stands."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from slurm_finops.core.rows import Files, Row
from slurm_finops.errors import InputError


def json_pages(
    files: Files, key: str, item: str, needed: Sequence[str]
) -> Iterator[Row]:
    """The entries of JSON objects ``{key: [{…}], "NextToken": …}``, one or several pages.

    Numbers stay the texts that they are.  Raises `InputError` for what is no such
    object, and where every page says that another follows: the last is missing.
    """
    open_pages = []
    for name, lines in files:
        page = _json(name, "".join(lines).removeprefix("\ufeff"))
        entries = page.get(key) if isinstance(page, dict) else None
        if not isinstance(entries, list):
            raise InputError(f'{name} is no object {{"{key}": […]}}')
        open_pages.append(name if page.get("NextToken") else "")
        for number, entry in enumerate(entries, 1):
            yield _entry(name, number, entry, item, needed)
    if open_pages and all(open_pages):
        raise InputError(
            f"{open_pages[-1]} says by its NextToken that another page follows, and no file is "
            "the last: give all pages, or ask again without --max-items"
        )


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except json.JSONDecodeError as error:
        raise InputError(f"{name} line {error.lineno}: no JSON: {error.msg}") from None
    except RecursionError:
        raise InputError(f"{name} is nested too deeply to be a list of prices") from None


def _entry(name: str, number: int, entry: Any, item: str, needed: Sequence[str]) -> Row:
    if not isinstance(entry, dict):
        raise InputError(f"{name} entry {number} is no object")
    for key in needed:
        if not isinstance(entry.get(key), str):
            raise InputError(f"{name} entry {number} has no text as its {key}")
    texts = {key: value for key, value in entry.items() if isinstance(value, str)}
    return Row(name, "entry", number, texts[item], tuple(texts), tuple(texts.values()))

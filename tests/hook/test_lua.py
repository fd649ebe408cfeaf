"""Whatever a person wrote is data in Lua, and comes back as it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.hook.engine import VERSIONS, runtime
from slurm_finops.hook.lua import MAX_INTEGER, literal

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES = st.recursive(
    st.one_of(TEXTS, st.booleans(), st.integers(-MAX_INTEGER, MAX_INTEGER)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
LUAS = {version: runtime(version) for version in VERSIONS}


def same(value: Any, lua: Any) -> bool:
    if isinstance(value, dict):
        return len(list(lua)) == len(value) and all(
            same(item, lua[key.encode()]) for key, item in value.items()
        )
    if isinstance(value, list):
        return len(lua) == len(value) and all(
            same(item, lua[i]) for i, item in enumerate(value, 1)
        )
    return bool((value.encode() if isinstance(value, str) else value) == lua)


@given(VALUES)
def test_round_trip(value: Any) -> None:
    for lua in LUAS.values():
        assert same(value, lua.execute(b"return " + literal(value).encode()))


def test_what_is_none_is_left_out() -> None:
    assert literal({"a": None, "b": 1}) == '{ ["b"] = 1 }'


@pytest.mark.parametrize("value", [1.5, MAX_INTEGER + 1, {1}, None])
def test_what_has_no_exact_literal(value: object) -> None:
    with pytest.raises(ValueError, match="Lua"):
        literal(value)


def test_code_stays_text() -> None:
    for text in ('"] = os.exit() --', "\\", '\\"', "]]", "\n", "\0", "\x1a", "%s", "--[["):
        assert LUAS["5.1"].execute(f"return {literal(text)}".encode()) == text.encode()

"""The Lua finds the same near name as the Python, whatever is mistyped."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.near import MAX_LENGTH, nearest
from slurm_finops.hook.engine import VERSIONS, runtime

SOURCE = Path(__file__).parents[2] / "templates" / "hook" / "near.lua"
LUAS = [runtime(version) for version in VERSIONS]
NEAR = [lua.execute(SOURCE.read_bytes())[b"nearest"] for lua in LUAS]
ALPHABET = st.sampled_from("ab-1Bé😀")
NAMES = st.lists(st.text(ALPHABET, max_size=12), max_size=5)


@st.composite
def mistyped(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Some names, and one of them with a few slips in it."""
    names = draw(NAMES)
    text = list(draw(st.sampled_from([*names, draw(st.text(ALPHABET, max_size=12))])))
    for _ in range(draw(st.integers(0, 3))):
        at, how = draw(st.integers(0, len(text))), draw(st.integers(0, 3))
        if how == 0:
            text.insert(at, draw(ALPHABET))
        elif how == 1:
            del text[at : at + 1]
        elif how == 2:
            text[at : at + 1] = draw(ALPHABET)
        else:
            text[at : at + 2] = reversed(text[at : at + 2])
    return "".join(text), names


def check(text: str, names: list[str]) -> None:
    for lua, near in zip(LUAS, NEAR, strict=True):
        found = near(text.encode(), lua.table_from([name.encode() for name in names]))
        assert (None if found is None else found.decode()) == nearest(text, names), (text, names)


@given(mistyped())
def test_whatever_is_mistyped(case: tuple[str, list[str]]) -> None:
    check(*case)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("aa-b", ["😀a-b", "😀aa-b"]),  # bytes before it are no characters
        ("-aa-b", ["é-aa-b"]),
        ("abcdef", ["abcdex", "abcdxf", "abcdef"]),
        ("x" * MAX_LENGTH, ["x" * (MAX_LENGTH - 1), "y" * MAX_LENGTH]),
        ("x" * (MAX_LENGTH + 1), ["x" * MAX_LENGTH]),
        ("llama-finetun", [f"p{i}" for i in range(499)] + ["llama-finetune"]),
        ("llama-finetun", [f"p{i}" for i in range(500)] + ["llama-finetune"]),
    ],
)
def test_at_the_edges(text: str, names: list[str]) -> None:
    check(text, names)

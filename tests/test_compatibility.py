"""The page that compares releases shows what differs, once, and what does not."""

import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """The page of two releases' answers, a text a section."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from compat_page import page

    def made(old: dict[tuple[str, str], str], new: dict[tuple[str, str], str]) -> dict[str, str]:
        parts = page({"22.05": old, "24.11": new}).split("## ")[1:]
        return {part.partition("\n")[0]: part for part in parts}

    yield made
    for name in ("compat_page", "compat_probe", "sandbox"):
        sys.modules.pop(name, None)


def test_what_differs_stands_above_what_does_not(tables) -> None:  # type: ignore[no-untyped-def]
    same = {("submit", "srun"): "exit 1"}
    text = tables(same | {("submit", "sbatch"): "a|b"}, same | {("submit", "sbatch"): "`c`"})
    above, below = text["Submitting"].split("In all of them:")
    assert "| sbatch | `a\\|b` | `` `c` `` |" in above
    assert "srun" not in above
    assert "| srun | `exit 1` |" in below
    assert "Nothing differs." in text["Comments"]


def test_a_field_that_is_as_without_options_is_not_told_again(tables) -> None:  # type: ignore[no-untyped-def]
    plain = {("hook", "no options: account"): "nil", ("hook", "no options: qos"): "nil"}
    asked = {("hook", "--x: account"): "nil", ("hook", "--x: qos"): "high"}
    text = tables(plain, plain | asked)["What the hook is given"]
    assert "--x: account" not in text
    assert "| --x: qos | – | `high` |" in text
    assert "| no options: account, qos | `nil` |" in text


def test_of_long_lists_only_what_is_not_everywhere(tables) -> None:  # type: ignore[no-untyped-def]
    key = ("sacct", "only here sacct has")
    text = tables({key: "Comment Reserved"}, {key: "Comment Planned"})["What sacct prints"]
    assert "| only here sacct has | `Reserved` | `Planned` |" in text


def test_the_page_has_every_section_of_three_releases(tables) -> None:  # type: ignore[no-untyped-def]
    from compat_page import SECTIONS

    page = (SCRIPTS.parent / "docs" / "compatibility.md").read_text()
    table = page.partition("<!-- table -->\n")[2].partition("<!-- end -->\n")[0]
    parts = dict(part.split("\n", 1) for part in table.split("## ")[1:])
    assert list(parts) == list(SECTIONS.values())
    heads = {line for line in table.splitlines() if line.startswith("|  |")}
    (head,) = heads - {"|  | answer |"}
    assert [cell.strip()[:5] for cell in head.split("|")[2:5]] == ["22.05", "24.11", "26.05"]

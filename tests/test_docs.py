"""What the documentation says is what the code does."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    "page", ["commands.md", "tagging.md", "advise.md", "compare.md", "focus.md"]
)
def test_reference_pages_are_new(page: str) -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference.py", page],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert made == (ROOT / "docs" / page).read_text(), "run scripts/docs"


def test_the_picture_of_a_comparison_is_of_the_size_it_is_drawn_in() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / "scripts" / "reference.py", "images/compare.png"],
        capture_output=True, check=True,
    ).stdout  # fmt: skip
    # its bytes are those of one release of matplotlib; the header has width and height
    kept = (ROOT / "docs" / "images" / "compare.png").read_bytes()
    assert made[:24] == kept[:24], "run scripts/docs"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} -> {target}"


def test_scripts_that_the_readme_names_exist() -> None:
    for name in re.findall(r"`scripts/([\w-]+)", (ROOT / "README.md").read_text()):
        assert (ROOT / "scripts" / name).exists(), name

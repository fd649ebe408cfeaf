"""What an exported file is written as, by how its name ends."""

from pathlib import Path

import pytest

from tests.cli.periods import Site


@pytest.mark.parametrize(("name", "first"), [
    ("may.csv", "External ID,"), ("may", "External ID,"),
    ("may.beancount", 'option "operating_currency"'),
    ("may.hledger", "commodity "), ("may.journal", "commodity "),
])  # fmt: skip
def test_a_journal_is_what_its_name_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, first: str
) -> None:
    site = Site(tmp_path, monkeypatch)
    site.close()
    site.done("export", "journal", "2026-05", "--out", str(tmp_path / name))
    assert (tmp_path / name).read_text().startswith(first)
    site.done("export", "journal", "2026-05", "--format", "csv", "--out", str(tmp_path / name))
    assert (tmp_path / name).read_text().startswith("External ID,")

"""A journal by the whole path, from sacct to the checkers that accountants use."""

import pytest

from tests.cli.periods import Site, site

__all__ = ["site"]


@pytest.mark.ledger_checkers
@pytest.mark.parametrize("style", ["beancount", "hledger"])
def test_a_journal_is_taken_by_the_checkers_of_accountants_and_a_cent_more_is_not(
    site: Site, style: str, request: pytest.FixtureRequest
) -> None:
    site.close()
    path = site.folder / f"may.{style}"
    site.done("export", "journal", "2026-05", "--format", style, "--out", str(path))
    refuses = request.getfixturevalue("bean_check" if style == "beancount" else "hledger_check")
    text = path.read_text()
    assert refuses(text) == ""
    assert refuses(text.replace("100.00", "100.01", 1)) != ""

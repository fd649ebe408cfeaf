"""Retags of runs that are on statements already: somebody else approves them."""

import pytest

from tests.cli.periods import Site, site

__all__ = ["site"]

RETAG = ("retag", "add", "--match", "team=cv", "--set", "team=nlp", "--reason", "theirs")


def test_what_was_stated_is_retagged_with_somebody_elses_approval(site: Site) -> None:
    site.close()
    assert "somebody else has to approve it" in site.refused(*RETAG)
    site.done(*RETAG, "--approver", "dean")
    undo = ("retag", "undo", "1", "--reason", "it was not")
    assert "somebody else has to approve it" in site.refused(*undo)
    site.done(*undo, "--approver", "dean")


@pytest.mark.parametrize("approver", ["ops", "OPS", " ops", "ops\t"])
def test_who_types_it_does_not_approve_it(site: Site, approver: str) -> None:
    site.close()
    assert "ops types this" in site.refused(*RETAG, "--approver", approver)
    site.done(*RETAG, "--approver", "dean")
    undo = ("retag", "undo", "1", "--reason", "it was not", "--approver", approver)
    assert "ops types this" in site.refused(*undo)


def test_a_blank_is_nobody(site: Site) -> None:
    site.close()
    assert "somebody else has to approve it" in site.refused(*RETAG, "--approver", " ")
    site.done(*RETAG, "--approver", "dean")
    undo = ("retag", "undo", "1", "--reason", "it was not", "--approver", " ")
    assert "it is empty" in site.refused(*undo, code=2)

"""What is done about a month that was altered behind the program's back."""

import sqlite3

from tests.cli.periods import Site, site

__all__ = ["site"]


def altered(site: Site, sql: str) -> None:
    site.close()
    with sqlite3.connect(site.database) as db:
        db.execute(sql)


LESS = "UPDATE statement_lines SET amount_minor = amount_minor - 1 WHERE id = 2"


def test_nothing_is_closed_on_top_of_what_was_altered(site: Site) -> None:
    altered(site, LESS)
    said = site.unclosed("2026-06")
    assert "line 1 was altered: nothing is closed on top of that" in said


def test_nothing_altered_goes_to_finance_and_a_statement_warns(site: Site) -> None:
    altered(site, LESS)
    for what in ("journal", "focus"):
        assert "finance gets nothing of that" in site.refused("export", what, "2026-05")
    assert "was altered.  What follows is not what was stated" in site.noted("statement", "2026-05")


def test_a_month_that_was_taken_away_whole_is_missed_by_the_audit(site: Site) -> None:
    site.close()
    with sqlite3.connect(site.database) as db:
        for table in ("statement_lines", "statements", "periods"):
            db.execute(f"DELETE FROM {table}")
    assert site.run("period", "verify").stdout.startswith(
        "ALTERED: period 2026-05: it was closed, as the audit says, and is not there\n"
    )

"""Statements that are mailed: each to its owner, once."""

from tests.cli.periods import Site, site

__all__ = ["site"]

#: Nobody listens there, so what is queued stays.
MAIL = """
[mail]
from = "finops@example.org"
smtp = "smtp://127.0.0.1:1"
[[entities]]
name   = "University"
series = "U-"
[[entities]]
name   = "Hospital"
series = "H-"
[statements]
entity = "University"
"""
#: cv has nobody to tell, and comes first.
ONE = 'email = ["pi@example.org"]\n[[teams.payers]]\nfunds = { GRANT = "100" }'
TWO = """email = ["pi@example.org"]
[[teams.payers]]
funds = { GRANT = "60", CLINIC = "40" }"""
FUND = """
[[funds]]
name    = "CLINIC"
account = "77"
entity  = "Hospital"
"""


OLD = '[[teams.payers]]\nfunds = { GRANT = "100" }'


def queued(site: Site) -> list[tuple[str, str]]:
    return sorted(site.sql("SELECT report, substr(subject, 1, 18) FROM outbox"))


def test_who_has_no_address_keeps_nobody_elses_statement_back(site: Site) -> None:
    site.config(old=OLD, new=ONE, more=MAIL)
    site.close()
    told = site.run("statement", "2026-05", "--mail").output
    assert queued(site) == [("statement:team:nlp", "Statement U-000002")]
    assert "1 statement went to nobody, for want of an address: cv" in told


def test_a_team_of_two_entities_is_mailed_both_of_its_statements(site: Site) -> None:
    site.config(old=OLD, new=TWO, more=MAIL + FUND)
    site.close()
    for _ in range(2):  # the second time nothing is new
        site.run("statement", "2026-05", "--mail")
        assert queued(site) == [
            ("statement:team:nlp", "Statement U-000002"),
            ("statement:team:nlp@Hospital", "Statement H-000001"),
        ]

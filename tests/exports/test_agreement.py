"""Statement, journal and FOCUS file of a month are of the same cents, whatever happened."""

from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.journal import Accounts, entries
from slurm_finops.core.money import minor_text
from slurm_finops.exports.focus import About, rows
from slurm_finops.ledger import posted as table
from slurm_finops.reports.statement import Issue, statement
from tests.billing.books import stated
from tests.billing.happenings import MONTHS, Site, happenings
from tests.billing.pools import CALENDAR
from tests.reports.statements import HEADER

ABOUT = About(CALENDAR, "USD", 2, "a university", "a university", "alpha")


def exact(minor: int) -> Decimal:
    return Decimal(minor_text(minor, 2))


@settings(max_examples=25, deadline=None)
@given(happenings, st.sampled_from(("team", "project", "cost_center", "fund")))
def test_all_that_is_made_of_a_month_agrees_to_the_cent(happened, kind):
    site = Site(kind, taxed=True)
    for what in happened:
        site.happen(*what)
    while site.closed < len(MONTHS):
        site.happen("close")
    for period in table.closed(site.ledger.db):
        lines = stated(site.ledger, period.label)
        numbered = {
            one.number: one.amount_minor for one in table.statements_of(site.ledger.db, period.id)
        }
        paid = booked(lines)
        assert {n: paid.get(n, 0) for n in numbered} == numbered
        for version in ("1.2", "1.4"):
            billed: Counter = Counter()  # type: ignore[type-arg]
            for row in rows(lines, ABOUT, version):
                billed[row["InvoiceId"]] += row["BilledCost"]
            assert {n: exact(minor) for n, minor in numbered.items()} == {
                n: billed[n] for n in numbered
            }
        for number, minor in numbered.items():
            assert shown([line for line in lines if line.statement == number]) == minor


def booked(lines) -> dict[str, int]:  # type: ignore[no-untyped-def]
    """By statement, what its payers' lines of the journal come to."""
    found: Counter = Counter()  # type: ignore[type-arg]
    for entry in entries(lines, Accounts()):
        assert sum(line.amount for line in entry.lines) == 0
        for line in entry.lines:
            found[entry.statement] += line.amount if line.fund else 0
    return dict(found)


def shown(lines) -> int:  # type: ignore[no-untyped-def]
    issue = Issue("1", "", "team", None, "closed", 0, "", "", "", 0, "")
    view = statement(lines, issue, HEADER)
    assert view.total_minor == sum(section.minor for section in view.sections)
    assert view.total_minor == sum(minor for _, minor in view.books)
    return view.total_minor

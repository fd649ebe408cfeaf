"""Whatever happens to a ledger: statements and corrections are its truth, to tick and cent."""

from collections import Counter

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.billing.books import stated
from tests.billing.happenings import CAP, MONTHS, Site, happenings
from tests.billing.pools import DAY, FIRST, HOUR

#: A late run that moves what other days of its month bear of a line, and what is left of an
#: allocation for them.
OTHER_DAYS_OF_A_LINE = [
    ("shared", 2), ("run", 1, "nlp", 0, 9 * HOUR, 1, "COMPLETED"),
    ("run", 2, "cv", 20 * DAY, 9 * HOUR, 1, "COMPLETED"), ("close",), ("close",),
    ("run", 3, "nlp", 0, 30 * HOUR, 1, "COMPLETED"), ("close",),
]  # fmt: skip
OTHER_DAYS_OF_A_LOT = [
    ("price", 1_000_001), ("lot", 30), ("run", 1, "nlp", -9 * DAY, 20 * HOUR, 1, "COMPLETED"),
    ("close",), ("run", 2, "nlp", -29 * DAY, 20 * HOUR, 1, "COMPLETED"), ("close",),
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@example(OTHER_DAYS_OF_A_LINE, "team", False)
@example(OTHER_DAYS_OF_A_LOT, "team", False)
@given(happenings, st.sampled_from(("team", "project", "cost_center", "fund")), st.booleans())
def test_statements_and_corrections_are_todays_truth(happened, kind, taxed):
    site = Site(kind, taxed)
    for what in happened:
        site.happen(*what)
    while site.closed < len(MONTHS):
        site.happen("close")


#: A credit that made room under a cap, and is taken back.
A_CREDIT_TAKEN_BACK = [
    ("shared", 8), ("close",), ("run", 1, "nlp", 0, 17_493, 3, "COMPLETED"), ("close",),
    ("shared", 0),
]  # fmt: skip


@settings(max_examples=40, deadline=None)
@example(A_CREDIT_TAKEN_BACK)
@given(happenings)
def test_no_fund_is_ever_over_its_cap_nor_paid_outside_its_days(happened):
    site = Site("fund", taxed=False)
    for what in happened:
        if what[0] != "move":  # which is a person's decision
            site.happen(*what)
    site.happen("close")
    paid: Counter = Counter()  # type: ignore[type-arg]
    for line in stated(site.ledger):
        paid[line.payer.fund] += line.billed_ticks
        assert line.payer.fund != "b" or line.day < FIRST + 20
    assert paid["a"] <= CAP

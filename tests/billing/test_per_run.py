"""Lines in parts of runs: they sum to what was stated, and name a run where that can be said."""

from collections import Counter

from hypothesis import given, settings

from slurm_finops.billing.per_run import by_run
from slurm_finops.billing.stated import month
from slurm_finops.ledger import posted as table
from tests.billing.books import close_month, stated
from tests.billing.happenings import MONTHS, Site, happenings
from tests.billing.pools import CALENDAR, HOUR, run
from tests.billing.test_closing import FIRST, a_month, priced


def parts(ledger, label, books=None):  # type: ignore[no-untyped-def]
    from slurm_finops.billing.owed import Books

    found = month(ledger, books or Books(), CALENDAR, CALENDAR.period(label))
    return list(by_run(ledger, found, 2))


def billed(found) -> dict[str | None, int]:  # type: ignore[no-untyped-def]
    sums: Counter = Counter()  # type: ignore[type-arg]
    for part in found:
        sums[part.run and part.run.job_id] += part.posted.billed_minor
    return dict(sums)


def test_each_run_has_what_it_costs_in_a_draft_and_when_it_is_closed():
    ledger = a_month()
    draft = billed(parts(ledger, "2026-05"))
    close_month(ledger, "2026-05")
    assert draft == billed(parts(ledger, "2026-05")) == {"1": 100_00, "2": 10_00}


def test_what_changed_since_it_was_stated_is_of_no_run():
    ledger = a_month()
    close_month(ledger, "2026-05")
    priced(run(3, "nlp", FIRST, HOUR), ledger=ledger)
    close_month(ledger, "2026-06")
    # the first day of nlp's run had a late one beside it
    assert billed(parts(ledger, "2026-05")) == {None: 24_00, "1": 76_00, "2": 10_00}
    assert billed(parts(ledger, "2026-06")) == {None: 1_00}


@settings(max_examples=25, deadline=None)
@given(happenings)
def test_parts_sum_to_their_lines_to_the_tick_and_the_minor_unit(happened):
    site = Site("team", taxed=True)
    for what in happened:
        site.happen(*what)
    site.happen("close")
    for label in [one.label for one in table.closed(site.ledger.db)] + list(MONTHS[-1:]):
        if label == MONTHS[-1] and site.closed < len(MONTHS):
            continue
        sums: Counter = Counter()  # type: ignore[type-arg]
        for part in parts(site.ledger, label, site.books):
            key = part.posted.statement, part.posted.line
            for i, figure in enumerate(part.posted[10:16]):
                sums[*key, i] += figure
        for line in stated(site.ledger, label):
            key = line.statement, line.line
            assert [sums[*key, i] for i in range(6)] == list(line[10:16])

"""Months that close: what is stated once, and what comes after it."""

from dataclasses import replace

import pytest

from slurm_finops.billing.closing import Drawn, staged
from slurm_finops.billing.owed import Books
from slurm_finops.billing.pricing import price
from slurm_finops.billing.verifying import verify
from slurm_finops.core.funds import WHOLE, Fund, Funding, Split
from slurm_finops.core.journal import Accounts, entries
from slurm_finops.core.journal_status import REJECTED, Status
from slurm_finops.core.money import TICKS
from slurm_finops.core.rates import Rate
from slurm_finops.core.surcharges import Surcharge
from slurm_finops.ledger import posted as table
from slurm_finops.ledger.disputes import Adjustment, Hold, Move, add, revoke
from slurm_finops.ledger.journal import hear, keep
from slurm_finops.ledger.store import Ledger
from tests.billing.books import AUGUST, MAY, close_month, stated, totals
from tests.billing.pools import CALENDAR, DAY, HOUR, a_line, run, terms
from tests.support import JUNE, a_ledger, write

#: One currency unit an hour.
ONE = Rate("gres/gpu:h100", 1_000_000, 0, where="rates[1]")
FIRST = MAY - JUNE


def priced(*runs, ledger: Ledger | None = None, **more) -> Ledger:  # type: ignore[no-untyped-def]
    ledger = ledger or a_ledger()
    write(ledger, *runs)
    price(ledger, terms(rates=(ONE,), **more), AUGUST)
    return ledger


def a_month(**more) -> Ledger:  # type: ignore[no-untyped-def]
    """100 GPU-hours of nlp in May, and 10 of cv."""
    return priced(run(1, "nlp", FIRST, 100 * HOUR), run(2, "cv", FIRST, 10 * HOUR), **more)


def amounts(ledger: Ledger, label: str, **of) -> dict[tuple[object, ...], int]:  # type: ignore[no-untyped-def]
    found: dict[tuple[object, ...], int] = {}
    for line in stated(ledger, label):
        key = line.tags.team, line.item.category, line.correction
        found[key] = found.get(key, 0) + line.billed_minor
    return found


def test_a_month_is_stated_team_by_team():
    ledger = a_month()
    closed = close_month(ledger, "2026-05")
    assert closed.amount_minor == 110_00
    found = table.statements_of(ledger.db, closed.id)
    assert [(one.number, one.owner, one.amount_minor) for one in found] == [
        ("000001", "cv", 10_00), ("000002", "nlp", 100_00),
    ]  # fmt: skip
    assert verify(ledger.db).fault == ""


def test_a_late_job_is_a_correction_of_the_next_month_and_the_closed_one_stays():
    ledger = a_month()
    close_month(ledger, "2026-05")
    priced(run(3, "nlp", FIRST, HOUR), run(4, "nlp", 0, 5 * HOUR), ledger=ledger)
    close_month(ledger, "2026-06")
    assert totals(ledger) == {"2026-05": 110_00, "2026-06": 6_00}
    assert amounts(ledger, "2026-06") == {
        ("nlp", "usage", False): 5_00, ("nlp", "usage", True): 1_00,
    }  # fmt: skip
    (late,) = (line for line in stated(ledger, "2026-06") if line.correction)
    assert late.original == "000002"
    assert late.day == FIRST // DAY + JUNE // DAY


def test_a_corrected_price_is_a_correction_in_every_line_that_it_touches():
    ledger = a_month()
    close_month(ledger, "2026-05")
    price(ledger, terms(rates=(ONE._replace(price=900_000),)), AUGUST)
    close_month(ledger, "2026-06")
    assert amounts(ledger, "2026-06") == {
        ("nlp", "usage", True): -10_00, ("cv", "usage", True): -1_00,
    }  # fmt: skip


def test_a_retag_takes_from_one_and_gives_to_the_other():
    ledger = a_month()
    close_month(ledger, "2026-05")
    priced(run(2, "nlp", FIRST, 10 * HOUR, account="cv"), ledger=ledger)
    close_month(ledger, "2026-06")
    assert amounts(ledger, "2026-06") == {
        ("nlp", "usage", True): 10_00, ("cv", "usage", True): -10_00,
    }  # fmt: skip
    assert totals(ledger)["2026-06"] == 0


def test_a_month_that_nothing_changed_says_nothing_of_it_again():
    ledger = a_month()
    close_month(ledger, "2026-05")
    price(ledger, terms(rates=(ONE,)), AUGUST)
    assert close_month(ledger, "2026-06").lines == 0


def test_closing_twice_closes_once():
    ledger = a_month()
    first = close_month(ledger, "2026-05")
    assert close_month(ledger, "2026-05", actor="another") == first
    assert len(table.closed(ledger.db)) == 1


def test_what_is_shared_and_added_is_on_the_statement():
    ledger = a_month(lines=(a_line(50 * TICKS),))
    tax = Surcharge("VAT", "tax", WHOLE // 10)
    close_month(ledger, "2026-05", Books(surcharges=(tax,)))
    close_month(ledger, "2026-06", Books(surcharges=(tax,)))
    assert totals(ledger) == {"2026-05": 121_00, "2026-06": 55_00}


def test_a_tax_that_comes_later_corrects_what_was_closed():
    ledger = a_month()
    close_month(ledger, "2026-05")
    tax = Surcharge("VAT", "tax", WHOLE // 10)
    close_month(ledger, "2026-06", Books(surcharges=(tax,)))
    assert amounts(ledger, "2026-06") == {("nlp", "tax", True): 10_00, ("cv", "tax", True): 1_00}


# ---- funds

GRANT = Fund("grant", "4711", cap_ticks=60 * TICKS, fallback="dept")
DEPT = Fund("dept", "1000")
FUNDING = Funding((GRANT, DEPT), ((("nlp", None), (Split(0, (("grant", WHOLE),)),)),))


def by_fund(ledger: Ledger, label: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in stated(ledger, label):
        found[line.payer.fund] = found.get(line.payer.fund, 0) + line.billed_minor
    return {fund: minor for fund, minor in found.items() if minor}


def test_every_line_has_a_payer_and_no_fund_pays_more_than_its_cap():
    ledger = a_month()
    close_month(ledger, "2026-05", Books(funding=FUNDING))
    assert by_fund(ledger, "2026-05") == {"grant": 60_00, "dept": 40_00, "suspense": 10_00}


def test_what_is_taken_back_goes_to_whoever_paid_it():
    ledger = a_month()
    books = Books(funding=FUNDING)
    close_month(ledger, "2026-05", books)
    price(ledger, terms(rates=(ONE._replace(price=0),)), AUGUST)
    close_month(ledger, "2026-06", books)
    assert by_fund(ledger, "2026-06") == {"grant": -60_00, "dept": -40_00, "suspense": -10_00}


def test_what_was_paid_stays_where_it_is_when_the_funds_change():
    ledger = a_month()
    close_month(ledger, "2026-05", Books(funding=FUNDING))
    others = replace(FUNDING, payers=((("nlp", None), (Split(0, (("dept", WHOLE),)),)),))
    assert close_month(ledger, "2026-06", Books(funding=others)).lines == 0


def test_a_move_takes_from_one_fund_and_puts_on_another_once():
    ledger = a_month()
    books = Books(funding=FUNDING)
    close_month(ledger, "2026-05", books)
    move = Move(0, "2026-05", "cv", None, "suspense", "dept", "it is theirs", "dean", 1, "me")
    with ledger.transaction() as db:
        add(db, move)
    close_month(ledger, "2026-06", books)
    assert by_fund(ledger, "2026-06") == {"suspense": -10_00, "dept": 10_00}
    assert close_month(ledger, "2026-07", books).lines == 0


# ---- disputes


def test_what_is_held_is_stated_when_it_is_released():
    ledger = a_month()
    with ledger.transaction() as db:
        held = add(db, Hold(0, "2026-05", "cv", None, "not ours", 1, "me"))
    assert close_month(ledger, "2026-05").amount_minor == 100_00
    assert close_month(ledger, "2026-06").amount_minor == 0
    with ledger.transaction() as db:
        assert revoke(db, "holds", held, "it was", 2, "me")
    assert close_month(ledger, "2026-07").amount_minor == 10_00
    assert verify(ledger.db).fault == ""


def test_what_is_credited_is_a_line_of_its_own():
    ledger = a_month()
    with ledger.transaction() as db:
        add(db, Adjustment(0, "2026-05", "nlp", "nlp-p", -25_50, "slow disk", "dean", 1, "me"))
    close_month(ledger, "2026-05")
    assert amounts(ledger, "2026-05")["nlp", "adjustment", False] == -25_50


# ---- what was altered is found


@pytest.mark.parametrize(
    ("sql", "fault"),
    [
        ("UPDATE statement_lines SET amount_minor = amount_minor + 1 WHERE id = 3",
         "statement 000002 (nlp): line 2 was altered"),
        ("UPDATE statement_lines SET day = day + 1, seal = 7 WHERE id = 1",
         "statement 000001 (cv): line 1 was altered"),
        ("UPDATE posted_tags SET team = 'vc' WHERE team = 'cv'",
         "statement 000001 (cv): line 1 was altered"),
        ("UPDATE posted_payers SET account = '7'", "statement 000001 (cv): line 1 was altered"),
        ("DELETE FROM statement_lines WHERE id = 1", "has 0 lines, and was closed with 1"),
        ("UPDATE statements SET amount_minor = amount_minor + 1 WHERE id = 1",
         "statement 000001: its lines sum to 1000, and it says 1001"),
        ("UPDATE statements SET owner = 'vc' WHERE id = 1", "not what was closed"),
        ("UPDATE periods SET closed_by = 'nobody'", "not what was closed"),
        ("UPDATE periods SET basis = '{\"spent\":{}}'", "not what was closed"),
        ("DELETE FROM periods WHERE id = 1", "does not follow"),
        ("UPDATE posted_tags SET team = x'ff35' WHERE team = 'cv'",
         "statement 000001 (cv): line 1 was altered"),
        ("UPDATE periods SET closed_by = x'ff35'", "not what was closed"),
        ("UPDATE statements SET owner = x'ff35' WHERE id = 1", "not what was closed"),
        ("UPDATE statements SET first_line = 'x' WHERE id = 1",
         "statement 000001: where its lines are was altered"),
        ("UPDATE statements SET lines = x'31' WHERE id = 1",
         "statement 000001: where its lines are was altered"),
    ],
)  # fmt: skip
def test_whatever_is_altered_is_named(sql, fault):
    ledger = a_month()
    close_month(ledger, "2026-05")
    close_month(ledger, "2026-06")
    ledger.db.execute("PRAGMA foreign_keys = OFF")
    ledger.db.execute(sql)
    assert fault in verify(ledger.db).fault


def test_a_line_that_is_put_between_two_statements_is_named():
    ledger = a_month()
    close_month(ledger, "2026-05")
    line = ledger.db.execute("SELECT * FROM statement_lines WHERE id = 1").fetchone()
    ledger.db.execute("UPDATE statement_lines SET id = -id WHERE statement_id = 2")
    ledger.db.execute("UPDATE statement_lines SET id = 1 - id WHERE id < 0")
    ledger.db.execute("UPDATE statements SET first_line = first_line + 1 WHERE id = 2")
    assert verify(ledger.db).fault == ""  # where a line is kept is no part of what was stated
    places = ", ".join("?" * len(line))
    ledger.db.execute(f"INSERT INTO statement_lines VALUES ({places})", (2, *line[1:]))
    assert verify(ledger.db).fault == "line 2: it is on no statement"


def test_a_chain_that_was_made_anew_is_found_by_a_head_that_somebody_kept():
    ledger = a_month()
    kept = close_month(ledger, "2026-05").sha256
    assert verify(ledger.db, kept).fault == verify(ledger.db, kept[:12]).fault == ""
    assert "begins with" in verify(ledger.db, "f" * 64).fault


def test_a_draft_says_what_the_close_then_states():
    ledger = a_month()
    drawn = Drawn(staged(ledger, Books(), CALENDAR, CALENDAR.period("2026-05")), 2)
    draft = list(drawn.posted("2026-05"))
    close_month(ledger, "2026-05")
    of = [line._replace(line=0, statement="") for line in stated(ledger, "2026-05")]
    assert draft == of


# ---- what finance does not take


def test_what_finance_rejects_goes_to_suspense_once_and_can_be_moved_on():
    ledger = a_month()
    books = Books(funding=FUNDING)
    close_month(ledger, "2026-05", books)
    made = entries(stated(ledger, "2026-05"), Accounts())
    refused = next(
        line.external_id for entry in made for line in entry.lines if line.fund == "dept"
    )
    with ledger.transaction():
        keep(ledger, made, 1, "me")
        hear(ledger, [Status(refused, REJECTED, "closed account", "")], "answer.csv", 2, "me")
    close_month(ledger, "2026-06", books)
    assert by_fund(ledger, "2026-06") == {"dept": -40_00, "suspense": 40_00}
    assert close_month(ledger, "2026-07", books).lines == 0


def test_what_finance_rejects_of_two_statements_is_each_ones_own():
    ledger = priced(run(1, "nlp", FIRST, 10 * HOUR))
    of_dept = ((("nlp", None), (Split(0, (("dept", WHOLE),)),)),)
    books = Books(funding=replace(FUNDING, payers=of_dept))
    close_month(ledger, "2026-05", books)
    priced(run(2, "nlp", FIRST, HOUR), ledger=ledger)
    close_month(ledger, "2026-06", books)
    made = [*entries(stated(ledger, "2026-05"), Accounts()),
            *entries(stated(ledger, "2026-06"), Accounts())]  # fmt: skip
    refused = [line.external_id for entry in made for line in entry.lines if line.fund]
    with ledger.transaction():
        keep(ledger, made, 1, "me")
        hear(ledger, [Status(one, REJECTED, "no", "") for one in refused], "a.csv", 2, "me")
    close_month(ledger, "2026-07", books)
    assert by_fund(ledger, "2026-07") == {"dept": -11_00, "suspense": 11_00}

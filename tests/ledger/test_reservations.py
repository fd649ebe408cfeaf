"""Reservations in the ledger: each known up to when it was shown last, in any order."""

from itertools import permutations

from slurm_finops.core.reservations import Holder, Reservation
from slurm_finops.ledger.reservations import Changes, overlapping, write_reservations
from slurm_finops.ledger.store import Ledger
from tests.support import a_ledger

NLP, ALICE = Holder("nlp", ""), Holder("nlp", "alice")
#: a long way off
LATER = 1000
#: It was planned from 100 to 1000, got another node at 300, and was deleted at 400.
FIRST = Reservation("alpha", 7, 100, LATER, "course", "cpu=64", "", "n1", "3", (NLP,))
CUT = FIRST._replace(end=300)
SECOND = FIRST._replace(start=300, nodes="n[1-2]")
DELETED = SECOND._replace(end=400)


def see(ledger: Ledger, at: int, *shown: Reservation) -> Changes:
    with ledger.transaction():
        return write_reservations(ledger, shown, at)


def spans(ledger: Ledger) -> list[tuple[str, int, int]]:
    return [(one.what.nodes, *one.span) for one in overlapping(ledger.db, 0, 10 * LATER)]


def test_what_is_known_of_one_that_lasts_ends_where_it_was_seen() -> None:
    ledger = a_ledger()
    assert see(ledger, 90, FIRST) == Changes(1, 0, [])
    assert spans(ledger) == []
    assert see(ledger, 200, FIRST) == Changes(0, 0, [(100, 200)])
    assert spans(ledger) == [("n1", 100, 200)]
    assert see(ledger, 2 * LATER, FIRST) == Changes(0, 0, [(200, LATER)])
    assert see(ledger, 3 * LATER, FIRST) == Changes(0, 0, [])


def test_a_change_ends_a_row_and_begins_another() -> None:
    ledger = a_ledger()
    see(ledger, 350, FIRST)
    # it was known up to 350, and ended at 300
    assert see(ledger, 360, CUT, SECOND) == Changes(1, 1, [(300, 350), (300, 360)])
    assert see(ledger, 500, CUT, DELETED) == Changes(0, 1, [(360, 400)])
    assert spans(ledger) == [("n1", 100, 300), ("n[1-2]", 300, 400)]


def test_other_holders_or_nodes_of_a_row_are_of_all_of_its_time() -> None:
    ledger = a_ledger()
    see(ledger, 150, FIRST)
    assert see(ledger, 200, FIRST._replace(nodes="n2")).spans == [(100, 200)]


def test_answers_may_come_in_any_order() -> None:
    answers = [(90, (FIRST,)), (200, (FIRST,)), (350, (CUT, SECOND)), (500, (CUT, DELETED))]
    for order in permutations(answers):
        ledger = a_ledger()
        for at, shown in order:
            see(ledger, at, *shown)
        assert spans(ledger) == [("n1", 100, 300), ("n[1-2]", 300, 400)]


def test_the_same_answer_twice_changes_nothing() -> None:
    ledger = a_ledger()
    see(ledger, 200, FIRST)
    assert see(ledger, 200, FIRST) == Changes(0, 0, [])


def test_one_that_is_shown_no_more_stays_as_it_was_seen() -> None:
    ledger = a_ledger()
    see(ledger, 90, FIRST._replace(number=8, start=95))
    see(ledger, 200, FIRST)
    see(ledger, 300)
    # that which was never seen begun was moved or deleted before it began
    assert spans(ledger) == [("n1", 100, 200)]


def test_holders_stay_known_when_their_association_is_deleted() -> None:
    ledger = a_ledger()
    see(ledger, 150, FIRST._replace(associations="3,5", holders=(NLP, ALICE)))
    see(ledger, 200, FIRST._replace(associations="3,5", holders=(NLP,)))
    (one,) = overlapping(ledger.db, 0, LATER)
    assert one.what.holders == (NLP, ALICE)
    see(ledger, 250, FIRST._replace(associations="3", holders=(NLP,)))
    (one,) = overlapping(ledger.db, 0, LATER)
    assert one.what.holders == (NLP,)


def test_two_clusters_have_reservations_of_one_number() -> None:
    ledger = a_ledger()
    assert see(ledger, 200, FIRST, FIRST._replace(cluster="beta")).new == 2
    assert [one.what.cluster for one in overlapping(ledger.db, 0, LATER)] == ["alpha", "beta"]

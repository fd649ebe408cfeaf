"""Comments of running jobs become tags, by the rules of a collection."""

from itertools import permutations

import pytest

from slurm_finops.ledger.live import provisional, recall, remember, write_live
from tests.support import JUNE, TAGGED, a_ledger, a_run, write

SEAL = '{"slurm_finops":{"v":1,"tags":{"team":"cv","project":"sealed"}}}'
OTHER_SEAL = SEAL.replace('"cv"', '"forged"')
OTHER = '{"team":"other"}'


def running(**fields: object):  # type: ignore[no-untyped-def]
    given = {"comment": "", "end": None, "state": "RUNNING", "provisional": True, "elapsed": 60}
    return a_run(**given | fields)


def said(ledger) -> tuple[object, ...]:  # type: ignore[no-untyped-def]
    return ledger.db.execute(
        "SELECT comment, admin_comment, team, source FROM jobs "
        "JOIN tag_sets ON tag_sets.id = tag_set_id"
    ).fetchone()


@pytest.fixture
def ledger():  # type: ignore[no-untyped-def]
    made = a_ledger()
    write(made, running())
    yield made
    made.close()


def test_a_live_comment_is_the_runs_tags(ledger) -> None:  # type: ignore[no-untyped-def]
    write_live(ledger, {1: (TAGGED, "")})
    assert said(ledger) == (TAGGED, "", "nlp", "comment")


def test_twice_is_once_and_queues_nothing(ledger) -> None:  # type: ignore[no-untyped-def]
    write_live(ledger, {1: (TAGGED, SEAL)})
    ledger.db.execute("DELETE FROM pricing_queue")
    before = list(ledger.db.iterdump())
    write_live(ledger, {1: (TAGGED, SEAL)})
    assert list(ledger.db.iterdump()) == before


def test_a_changed_tag_is_priced_again(ledger) -> None:  # type: ignore[no-untyped-def]
    write_live(ledger, {1: (TAGGED, "")})
    assert ledger.db.execute("SELECT job_id FROM pricing_queue").fetchall() == [(1,)]


def test_an_empty_comment_never_erases_one(ledger) -> None:  # type: ignore[no-untyped-def]
    write_live(ledger, {1: (TAGGED, "JS1:x")})
    write_live(ledger, {1: ("", "")})
    assert said(ledger) == (TAGGED, "JS1:x", "nlp", "comment")


def test_a_later_live_comment_replaces_an_earlier_one(ledger) -> None:  # type: ignore[no-untyped-def]
    write_live(ledger, {1: (TAGGED, "")})
    write_live(ledger, {1: (OTHER, "")})
    assert said(ledger)[2:] == ("other", "comment")


def test_nothing_but_a_seal_replaces_a_seal(ledger) -> None:  # type: ignore[no-untyped-def]
    write_live(ledger, {1: (TAGGED, OTHER_SEAL)})
    # an administrator's correction
    for texts in [(TAGGED, SEAL), (OTHER, "JS1:stats"), (OTHER, "")]:
        write_live(ledger, {1: texts})
        assert said(ledger)[1:] == (SEAL, "cv", "seal")
    # nor can the end of the job, whose epilog wrote over it
    write(ledger, a_run(comment=OTHER, admin_comment="JS1:stats"))
    assert said(ledger) == (OTHER, SEAL, "cv", "seal")
    # and once it has ended, no later look at anything
    write_live(ledger, {1: (OTHER, OTHER_SEAL)})
    write(ledger, a_run(comment=OTHER, admin_comment=OTHER_SEAL))
    assert said(ledger) == (OTHER, SEAL, "cv", "seal")


def test_a_correction_stands_whichever_look_saw_it(ledger) -> None:  # type: ignore[no-untyped-def]
    write(ledger, running(admin_comment=OTHER_SEAL))
    write(ledger, a_run(admin_comment=SEAL))
    assert said(ledger)[1:] == (SEAL, "cv", "seal")


def test_a_seal_beats_a_comment_that_came_first(ledger) -> None:  # type: ignore[no-untyped-def]
    write_live(ledger, {1: (TAGGED, "")})
    write_live(ledger, {1: (TAGGED, SEAL)})
    assert said(ledger)[2:] == ("cv", "seal")


def test_a_run_that_ended_since_keeps_what_its_end_said(ledger) -> None:  # type: ignore[no-untyped-def]
    write(ledger, a_run(comment=TAGGED))
    write_live(ledger, {1: (OTHER, "")})
    assert said(ledger) == (TAGGED, "", "nlp", "comment")


def test_a_run_that_ended_without_a_comment_takes_the_live_one(ledger) -> None:  # type: ignore[no-untyped-def]
    """A cluster without AccountingStoreFlags=job_comment."""
    write(ledger, a_run(comment=""))
    write_live(ledger, {1: (TAGGED, SEAL)})
    assert said(ledger) == (TAGGED, SEAL, "cv", "seal")


@pytest.mark.parametrize("texts", [("", ""), (TAGGED, ""), (OTHER, "JS1:x"), (TAGGED, SEAL)])
@pytest.mark.parametrize("then", [("", ""), (TAGGED, ""), (OTHER, "JS1:y"), (OTHER, OTHER_SEAL)])
def test_the_same_as_if_sacct_had_said_it(
    texts: tuple[str, str], then: tuple[str, str]
) -> None:
    live, collected = a_ledger(), a_ledger()
    for ledger, through_live in ((live, True), (collected, False)):
        write(ledger, running(comment=texts[0], admin_comment=texts[1]))
        if through_live:
            write_live(ledger, {1: then})
        else:
            write(ledger, running(comment=then[0], admin_comment=then[1]))
    assert said(live) == said(collected)
    live.close()
    collected.close()


def test_the_order_of_looks_makes_no_difference_once_sealed() -> None:
    answers = set()
    for order in permutations([(TAGGED, ""), ("", SEAL), ("", "JS1:x")]):
        ledger = a_ledger()
        write(ledger, running())
        for texts in order:
            write_live(ledger, {1: texts})
        answers.add(said(ledger))
        ledger.close()
    assert answers == {(TAGGED, SEAL, "cv", "seal")}


def test_runs_that_have_not_ended_and_can_be_asked_for(ledger) -> None:  # type: ignore[no-untyped-def]
    write(
        ledger, running(job_id_raw=101),
        running(job_id_raw="16_3", job_id="16_3"), running(cluster="beta"), a_run(job_id_raw=102),
    )  # fmt: skip
    assert [(r.job_id_raw, r.submit, r.held) for r in provisional(ledger, "alpha")] == [
        (100, JUNE, None), (101, JUNE, None),
    ]  # fmt: skip


KEY = (100, JUNE)  # of a_run()
JS1 = "JS1:H4sIAAAAAAAC"


def remembered(ledger) -> list[tuple[object, ...]]:  # type: ignore[no-untyped-def]
    return ledger.db.execute("SELECT comment, admin_comment FROM seen_live").fetchall()


def test_a_seal_seen_before_the_run_was_collected_stands(ledger) -> None:  # type: ignore[no-untyped-def]
    fresh = a_ledger()
    remember(fresh, "alpha", {KEY: (TAGGED, SEAL)}, JUNE)
    remember(fresh, "alpha", {KEY: ("", JS1)}, JUNE + 60)  # the epilog has been there
    assert remembered(fresh) == [(TAGGED, SEAL)]
    write(fresh, a_run(admin_comment=JS1, comment=OTHER))
    recall(fresh)
    assert said(fresh) == (OTHER, SEAL, "cv", "seal")
    assert remembered(fresh) == []
    fresh.close()


def test_of_a_run_that_goes_on_it_is_kept(ledger) -> None:  # type: ignore[no-untyped-def]
    remember(ledger, "alpha", {KEY: (TAGGED, "")}, JUNE)
    recall(ledger)
    assert said(ledger) == (TAGGED, "", "nlp", "comment")
    remember(ledger, "alpha", {KEY: (OTHER, SEAL)}, JUNE + 60)
    recall(ledger)
    assert said(ledger) == (OTHER, SEAL, "cv", "seal")
    assert remembered(ledger) == [(OTHER, SEAL)]


def test_another_clusters_or_another_run_is_not_meant(ledger) -> None:  # type: ignore[no-untyped-def]
    remember(ledger, "beta", {KEY: (TAGGED, SEAL)}, JUNE)
    remember(ledger, "alpha", {(100, JUNE + 1): (TAGGED, SEAL), (101, JUNE): ("", "")}, JUNE)
    recall(ledger)
    assert said(ledger)[:2] == ("", "")
    assert len(remembered(ledger)) == 2


def test_what_never_ends_is_forgotten_in_the_end(ledger) -> None:  # type: ignore[no-untyped-def]
    remember(ledger, "alpha", {(7, JUNE): (TAGGED, "")}, JUNE)
    remember(ledger, "alpha", {(8, JUNE): (TAGGED, "")}, JUNE + 91 * 86_400)
    assert len(remembered(ledger)) == 1


def test_doing_it_twice_changes_nothing(ledger) -> None:  # type: ignore[no-untyped-def]
    remember(ledger, "alpha", {KEY: (TAGGED, SEAL)}, JUNE)
    recall(ledger)
    before = list(ledger.db.iterdump())
    remember(ledger, "alpha", {KEY: (TAGGED, SEAL)}, JUNE)
    recall(ledger)
    assert list(ledger.db.iterdump()) == before

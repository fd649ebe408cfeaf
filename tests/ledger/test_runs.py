"""Storing runs: replay changes nothing, settled beats provisional, tags are never lost."""

import json
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.runs import Problem, Run
from slurm_finops.core.tags import Claim, Tags
from slurm_finops.ledger.problems import write_problems
from slurm_finops.ledger.tag_sets import TagSets
from tests.support import JUNE, TAGGED, a_ledger, a_run, jobs, write

SEAL = json.dumps({"slurm_finops": {"v": 1, "tags": {"team": "cv", "project": "sealed"}}})


def dump(ledger) -> list[str]:  # type: ignore[no-untyped-def]
    return list(ledger.db.iterdump())


def running(elapsed: int, **fields: object) -> Run:
    return a_run(state="RUNNING", end=None, elapsed=elapsed, provisional=True, **fields)


def tags_of(ledger) -> tuple[str | None, ...]:  # type: ignore[no-untyped-def]
    return ledger.db.execute(
        "SELECT team, project, source FROM jobs JOIN tag_sets ON tag_sets.id = tag_set_id"
    ).fetchone()


def test_the_same_run_twice_is_one_run_and_no_change() -> None:
    ledger = a_ledger()
    assert write(ledger, a_run()) == (1, 0)
    before = dump(ledger)
    assert write(ledger, a_run(), a_run()) == (0, 0)
    assert dump(ledger) == before


def test_each_submit_of_a_requeued_job_is_a_run_of_its_own() -> None:
    ledger = a_ledger()
    assert write(ledger, a_run(state="REQUEUED"), a_run(submit=JUNE + 9)) == (2, 0)


def test_a_recycled_job_id_and_another_cluster_are_other_runs() -> None:
    ledger = a_ledger()
    runs = [a_run(), a_run(submit=JUNE + 86_400 * 400), a_run(cluster="beta")]
    assert write(ledger, *runs) == (3, 0)


def test_a_running_run_settles_when_it_ends() -> None:
    ledger = a_ledger()
    write(ledger, running(600))
    assert write(ledger, a_run()) == (0, 1)
    assert jobs(ledger, "state, elapsed, provisional") == [("COMPLETED", 3600, 0)]


def test_an_older_snapshot_never_undoes_a_newer_one() -> None:
    ledger = a_ledger()
    write(ledger, running(1200))
    assert write(ledger, running(600)) == (0, 0)
    write(ledger, a_run())
    assert write(ledger, running(1200)) == (0, 0)
    assert jobs(ledger, "state, elapsed, provisional") == [("COMPLETED", 3600, 0)]


def test_what_an_administrator_corrects_in_a_settled_run_is_taken() -> None:
    ledger = a_ledger()
    write(ledger, a_run())
    assert write(ledger, a_run(state="NODE_FAIL", elapsed=10)) == (0, 1)
    assert jobs(ledger, "state, elapsed") == [("NODE_FAIL", 10)]


def test_an_empty_comment_never_erases_one() -> None:
    ledger = a_ledger()
    write(ledger, running(600))
    write(ledger, a_run(comment=""))
    assert jobs(ledger, "state, comment") == [("COMPLETED", TAGGED)]
    assert tags_of(ledger) == ("nlp", "llama", "comment")


def test_a_comment_that_comes_late_is_taken() -> None:
    ledger = a_ledger()
    write(ledger, running(600, comment=""))
    assert tags_of(ledger) == (None, None, "none")
    write(ledger, a_run())
    assert tags_of(ledger) == ("nlp", "llama", "comment")


def test_a_comment_from_an_older_snapshot_fills_a_gap() -> None:
    ledger = a_ledger()
    write(ledger, a_run(comment=""))
    assert write(ledger, running(600)) == (0, 1)
    assert jobs(ledger, "state, comment") == [("COMPLETED", TAGGED)]
    assert tags_of(ledger)[0] == "nlp"


def test_the_first_seal_stands_whatever_is_written_over_it() -> None:
    ledger = a_ledger()
    write(ledger, running(600, admin_comment=SEAL))
    write(ledger, a_run(admin_comment="JS1:H4sIA", comment='{"team":"thief"}'))
    write(ledger, a_run(admin_comment=SEAL.replace("cv", "thief")))
    assert tags_of(ledger) == ("cv", "sealed", "seal")
    assert jobs(ledger, "admin_comment") == [(SEAL,)]


def test_a_seal_that_comes_late_wins_over_the_comment() -> None:
    ledger = a_ledger()
    write(ledger, running(600))
    write(ledger, a_run(admin_comment=SEAL))
    assert tags_of(ledger) == ("cv", "sealed", "seal")


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_snapshots_of_a_run_come_to_the_same_in_any_order(order: tuple[int, ...]) -> None:
    snapshots = [running(600, comment=""), running(1200, comment=""), a_run()]
    ledger = a_ledger()
    for i in order:
        write(ledger, snapshots[i])
    assert jobs(ledger, "state, elapsed, comment, provisional") == [("COMPLETED", 3600, TAGGED, 0)]


def test_only_what_costs_money_is_queued_for_pricing() -> None:
    ledger = a_ledger()
    queue = "SELECT job_id, was_start, was_end FROM pricing_queue"
    write(ledger, running(600))
    assert ledger.db.execute(queue).fetchall() == []
    write(ledger, running(600, job_name="renamed"))
    assert ledger.db.execute(queue).fetchall() == []
    write(ledger, running(1200))
    assert ledger.db.execute(queue).fetchall() == [(1, JUNE + 60, JUNE + 660)]
    write(ledger, a_run())
    assert ledger.db.execute(queue).fetchall() == [(1, JUNE + 60, JUNE + 1260)]


texts = st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
runs = st.builds(
    lambda i, submit, **fields: a_run(job_id_raw=i, submit=JUNE + submit, **fields),
    st.integers(1, 5), st.integers(0, 2), user=texts, job_name=texts, comment=texts,
    elapsed=st.integers(0, 9), partition=texts,
)  # fmt: skip


@given(st.lists(runs, max_size=90))
def test_a_replay_of_anything_changes_nothing(many: list[Run]) -> None:
    ledger = a_ledger()
    write(ledger, *many)
    last = {(run.job_id_raw, run.submit): run for run in many}
    before = dump(ledger)
    assert write(ledger, *last.values()) == (0, 0)
    assert dump(ledger) == before
    stored = jobs(ledger, "job_id_raw, submit, elapsed, job_name")
    assert sorted(stored) == sorted(
        (run.job_id_raw, run.submit, run.elapsed, run.job_name) for run in last.values()
    )


def test_tag_sets_with_the_same_hash_stay_apart(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("slurm_finops.ledger.tag_sets._content", lambda row: 7)
    ledger = a_ledger()
    sets = TagSets(ledger.db)
    claims = [Claim(Tags(team=name), (), "comment") for name in "abc"]
    with ledger.transaction():
        ids = [sets.id(claim) for claim in claims]
        assert len(set(ids)) == 3
        assert [sets.id(claim) for claim in claims] == ids
    assert [sets.claim(i) for i in ids] == claims


def test_a_problem_is_kept_once_with_its_text() -> None:
    ledger = a_ledger()
    for at in (5, 9):
        with ledger.transaction():
            write_problems(ledger, "sacct", [Problem("torn|li", "2 fields")], at)
    stored = ledger.db.execute("SELECT text, reason, first_seen, last_seen FROM problems")
    assert stored.fetchall() == [("torn|li", "2 fields", 5, 9)]


def test_a_failed_transaction_leaves_the_ledger_as_it_was() -> None:
    ledger = a_ledger()
    before = dump(ledger)
    with pytest.raises(RuntimeError), ledger.transaction():
        from slurm_finops.ledger.runs import RunWriter

        RunWriter(ledger).write([a_run()])
        raise RuntimeError
    assert dump(ledger) == before

"""The runs that credits are for: by name, by node, cut to windows, also those that come later."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slurm_finops.core.credits import Claim
from slurm_finops.core.rates import EVER, NEVER
from slurm_finops.core.runs import Run
from slurm_finops.ledger.credits import Granted, Wanted, applying, claims, matched
from slurm_finops.ledger.store import Ledger
from tests.billing.pools import DAY, HOUR
from tests.ledger.giving import AT, give, of_run, outage, ran
from tests.support import JUNE, a_ledger, write


def found(
    ledger: Ledger, wanted: Wanted, start: int = NEVER, end: int = EVER, **more: bool
) -> list[tuple[str, int, int]]:
    """Job id, and seconds of June, of what a credit is for."""
    given = Granted(1, wanted, AT, "root")
    names = dict(ledger.db.execute("SELECT id, job_id FROM jobs").fetchall())
    answer = matched(ledger.db, given, start, end, **more)  # type: ignore[arg-type]
    return sorted((names[run], since - JUNE, until - JUNE) for run, since, until in answer)


# ---- a run


def test_a_run_is_forgiven_from_its_start_for_the_time_that_has_elapsed() -> None:
    ledger = a_ledger()
    write(ledger, ran(100, 10, HOUR, suspended=60), ran(101), ran(100, cluster="beta"))
    assert found(ledger, of_run("100", 100)) == [("100", 10, 10 + HOUR)]
    assert found(ledger, of_run("100", 100), suspended=True) == [("100", 10, 70 + HOUR)]


def test_the_window_and_what_is_asked_for_cut_it() -> None:
    ledger = a_ledger()
    write(ledger, ran(100, 0, 100))
    cut = of_run("100", 100, since=JUNE + 20, until=JUNE + 80)
    assert found(ledger, cut) == [("100", 20, 80)]
    assert found(ledger, cut, JUNE + 30, JUNE + 40) == [("100", 30, 40)]
    assert found(ledger, cut, JUNE + 80, JUNE + 90) == []
    assert found(ledger, cut, NEVER, JUNE + 20) == []
    assert found(ledger, of_run("100", 100, since=JUNE + 100)) == []


def test_of_a_requeued_job_all_runs_are_meant_or_the_one_that_is_named() -> None:
    ledger = a_ledger()
    write(ledger, ran(100, 0, 50, state="REQUEUED"), ran(100, 60, 30))
    both = [("100", 0, 50), ("100", 60, 90)]
    assert found(ledger, of_run("100", 100)) == both
    assert found(ledger, of_run("100", 100, submit=JUNE + 60)) == both[1:]


def test_a_run_that_arrives_after_the_credit_is_forgiven_too() -> None:
    ledger = a_ledger()
    write(ledger, ran(100, 0, 50))
    given = give(ledger, of_run("100", 100))
    write(ledger, ran(100, 60, 30))
    assert [one[1:] for one in matched(ledger.db, given, NEVER, EVER)] == [
        (JUNE, JUNE + 50), (JUNE + 60, JUNE + 90),
    ]  # fmt: skip


def test_a_number_that_is_given_to_somebody_else_later_is_another_job() -> None:
    ledger = a_ledger()
    write(ledger, ran(100), ran(100, 400 * DAY, user="cv1"))
    write(ledger, ran(100, 500 * DAY, job_id="90_3"))
    assert found(ledger, of_run("100", 100)) == [("100", 0, HOUR)]


def test_what_holds_nothing_or_is_held_unbilled_is_forgiven_nothing() -> None:
    ledger = a_ledger()
    write(ledger, ran(100, 0, 0), ran(101, 0, 0)._replace(start=None), ran(102))
    ledger.db.execute("UPDATE jobs SET held = 'runaway' WHERE job_id = '102'")
    for job in (100, 101, 102):
        assert found(ledger, of_run(str(job), job)) == []
    assert found(ledger, outage("n1", 0, DAY)) == []


def test_an_array_is_all_its_tasks_and_a_task_is_itself() -> None:
    ledger = a_ledger()
    tasks = [ran(16 + i, i, 9, job_id=f"16_{i}") for i in (1, 2, 3)]
    others = [ran(160, job_id="160_1"), ran(1, job_id="1_16"), ran(20, job_id="16_1", user="cv1")]
    write(ledger, *tasks, *others, ran(30, 0, 0, job_id="16_[4-9]")._replace(start=None))
    all_tasks = [("16_1", 1, 10), ("16_2", 2, 11), ("16_3", 3, 12)]
    assert found(ledger, of_run("16", None)) == all_tasks
    assert found(ledger, of_run("16", None, submit=JUNE + 2)) == all_tasks[1:2]
    assert found(ledger, of_run("16_2", 18)) == all_tasks[1:2]
    assert found(ledger, of_run("16_2", None)) == all_tasks[1:2]
    write(ledger, ran(99, 50, 1, job_id="16_44"))
    assert ("16_44", 50, 51) in found(ledger, of_run("16", None))


def test_a_het_job_is_its_components() -> None:
    ledger = a_ledger()
    write(ledger, ran(16, 0, 5, job_id="16+0"), ran(17, 0, 5, job_id="16+1"))
    assert found(ledger, of_run("16", None)) == [("16+0", 0, 5), ("16+1", 0, 5)]
    assert found(ledger, of_run("16+1", 17)) == [("16+1", 0, 5)]


def test_a_run_that_a_saved_file_named_by_its_task_is_found() -> None:
    ledger = a_ledger()
    write(ledger, ran("16_3", 0, 5))
    assert found(ledger, of_run("16_3", "16_3")) == [("16_3", 0, 5)]


# ---- an outage


def test_an_outage_forgives_runs_that_held_any_of_its_nodes_while_it_lasted() -> None:
    ledger = a_ledger()
    write(ledger, ran(1, 0, 100, node_list="gpu01"), ran(2, 0, 100, node_list="gpu[03-09]"),
          ran(3, 0, 100, node_list="gpu1"), ran(4, 0, 100, node_list="None assigned"),
          ran(5, 0, 100, node_list=""), ran(6, 0, 20, node_list="gpu01"),
          ran(7, 50, 20, node_list="gpu01"), ran(8, 50, 9, node_list="gpu01", cluster="beta"),
          ran(9, 0, 21, node_list="login1,gpu[01,20]"))  # fmt: skip
    assert found(ledger, outage("gpu[01-03]", 20, 50)) == [
        ("1", 20, 50), ("2", 20, 50), ("9", 20, 21),
    ]  # fmt: skip


def test_an_outage_forgives_runs_that_are_collected_later() -> None:
    ledger = a_ledger()
    write(ledger, ran(1))
    given = give(ledger, outage("n[1-2]", 0, DAY))
    write(ledger, ran(2, node_list="n2"))
    assert len(matched(ledger.db, given, NEVER, EVER)) == 2


def test_nodes_that_cannot_be_read_are_said_and_credit_nothing() -> None:
    ledger = a_ledger()
    write(ledger, ran(1, node_list="n[1-"), ran(2))
    unread: set[str] = set()
    given = Granted(1, outage("n1", 0, DAY), AT, "root")
    assert len(matched(ledger.db, given, NEVER, EVER, unread=unread)) == 1
    assert unread == {"n[1-"}


def test_each_distinct_list_of_nodes_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from slurm_finops.core.hostlist import expand

    read: list[str] = []

    def noting(text: str) -> list[str]:
        read.append(text)
        return expand(text)

    monkeypatch.setattr("slurm_finops.ledger.credit_runs.expand", noting)
    ledger = a_ledger()
    write(ledger, *(ran(i, node_list=f"n[{i % 3}-5]") for i in range(30)),
          ran(99, DAY, node_list="n1"))  # fmt: skip
    many = [Granted(i, outage("n1", 0, HOUR), AT, "root") for i in (1, 2)]
    assert len(claims(ledger.db, many, NEVER, EVER)) == 20
    # the outages' own, and of the runs only those that overlap
    assert sorted(read) == ["n1", "n1", "n[0-5]", "n[1-5]", "n[2-5]"]


def test_many_credits_are_claims_on_each_run() -> None:
    ledger = a_ledger()
    write(ledger, ran(1, 0, 100), ran(2, 0, 100, node_list="n2"), ran(3, job_id="3_1", elapsed=7))
    give(ledger, outage("n1", 10, 50, num=1, den=2))
    give(ledger, of_run("1", 1))
    give(ledger, of_run("3", None, num=1, den=4))
    everything = applying(ledger.db, NEVER, EVER)
    answer = claims(ledger.db, everything, JUNE, JUNE + 40)
    assert {run: sorted(some, key=lambda c: c.credit) for run, some in answer.items()} == {
        1: [Claim(JUNE + 10, JUNE + 40, 1, 2, 1), Claim(JUNE, JUNE + 40, 1, 1, 2)],
        # it had ended when the outage began
        3: [Claim(JUNE, JUNE + 7, 1, 4, 3)],
    }  # fmt: skip


names = ["n1", "n2", "n3"]
some_runs = st.lists(st.tuples(
    st.integers(0, 40), st.integers(0, 30), st.sets(st.sampled_from(names)),
    st.sampled_from(["alpha", "beta"]),
), max_size=8)  # fmt: skip
some_outages = st.lists(st.tuples(
    st.integers(0, 40), st.integers(1, 30), st.sets(st.sampled_from(names), min_size=1),
    st.sampled_from(["alpha", "beta"]),
), max_size=4)  # fmt: skip


@settings(max_examples=60)
@given(some_runs, some_outages, st.integers(0, 60), st.integers(0, 60))
def test_each_second_of_a_run_is_claimed_by_the_outages_that_are_then(
    runs: list, outages: list, start: int, end: int  # type: ignore[type-arg]
) -> None:
    ledger = a_ledger()
    made: list[Run] = [
        ran(i, begun, elapsed, node_list=",".join(sorted(nodes)), cluster=cluster)
        for i, (begun, elapsed, nodes, cluster) in enumerate(runs)
    ]
    write(ledger, *made)
    many = [
        Granted(i, outage(",".join(sorted(nodes)), since, since + lasted, cluster=cluster), AT, "")
        for i, (since, lasted, nodes, cluster) in enumerate(outages)
    ]
    answer = claims(ledger.db, many, JUNE + start, JUNE + end)
    for number, (begun, elapsed, nodes, cluster) in enumerate(runs, 1):
        for second in range(75):
            inside = begun <= second < begun + elapsed and start <= second < end
            expected = [
                i for i, (since, lasted, broken, where) in enumerate(outages)
                if inside and since <= second < since + lasted and nodes & broken
                and where == cluster
            ]  # fmt: skip
            claimed = [c.credit for c in answer.get(number, ())
                       if c.since <= JUNE + second < c.until]  # fmt: skip
            assert sorted(claimed) == expected

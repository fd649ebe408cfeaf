"""After a collection: tags of running jobs, and runs that nobody runs any more."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.cli.running import look_at_running
from slurm_finops.ledger.held import hold
from slurm_finops.ledger.store import Ledger
from slurm_finops.sources import slurm as clients
from tests.fake_slurm import FakeSlurm, a_job, no_slurm, running_record, slurm
from tests.support import JUNE, TAGGED, a_config, a_ledger, a_run, jobs, record, write

__all__ = ["no_slurm", "slurm"]
SEAL = '{"slurm_finops":{"v":1,"tags":{"team":"cv"}}}'


def running(job: int = 100, **fields: object):  # type: ignore[no-untyped-def]
    given = {"comment": "", "end": None, "state": "RUNNING", "provisional": True, "elapsed": 60}
    return a_run(job_id_raw=job, job_id=str(job), **given | fields)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = a_ledger()
    yield made
    made.close()


def look(ledger: Ledger, cluster: str = "alpha") -> list[str]:
    """What is said on stderr."""
    said: list[str] = []

    def say(text: str, err: bool = False) -> None:
        assert err
        said.append(text)

    look_at_running(ledger, cluster, say)
    return said


def held(ledger: Ledger) -> list[object]:
    return [row[0] for row in jobs(ledger, "held")]


def test_with_nothing_running_nobody_is_asked(ledger: Ledger, slurm: FakeSlurm) -> None:
    write(ledger, a_run(), running(cluster="beta"))
    assert look(ledger) == []
    assert slurm.asked("scontrol") == slurm.asked("squeue") == []


def test_comments_of_running_jobs_are_stored(ledger: Ledger, slurm: FakeSlurm) -> None:
    write(ledger, running(1), running(2), running(3))
    slurm.squeue(a_job(1, JUNE, comment=TAGGED), a_job(2, JUNE, comment=TAGGED, admin_comment=SEAL),
                 a_job(3, JUNE), a_job(9, JUNE, comment="not ours"))  # fmt: skip
    assert look(ledger) == []
    assert jobs(ledger, "comment, admin_comment, claim") == [
        (TAGGED, "", 1), (TAGGED, SEAL, 2), ("", "", 0),
    ]  # fmt: skip
    assert held(ledger) == [None, None, None]
    assert slurm.asked("sacct") == []


def test_a_runaway_run_is_held_and_named(ledger: Ledger, slurm: FakeSlurm) -> None:
    write(ledger, running(1), running(2))
    slurm.squeue(a_job(1, JUNE))
    slurm.sacct(running_record(2))
    (said,) = look(ledger)
    assert said == (
        "warning: 1 run running in slurmdbd but unknown to slurmctld (Slurm calls them runaway): "
        "2; held unbilled.  List and mend them with: sacctmgr show runawayjobs"
    )
    assert held(ledger) == [None, "runaway"]
    (command,) = slurm.asked("sacct")
    assert command[-2:] == ["-j", "2"]
    # it is named for as long as it is held
    assert look(ledger) == [said]


def test_a_run_held_earlier_is_freed_when_it_is_listed_again(
    ledger: Ledger, slurm: FakeSlurm
) -> None:
    write(ledger, running(1), running(2), running(3))
    hold(ledger.db, {1: "runaway", 2: "not in sacct", 3: "by hand"})
    slurm.squeue(a_job(1, JUNE), a_job(2, JUNE), a_job(3, JUNE))
    assert look(ledger) == []
    assert held(ledger) == [None, None, "by hand"]


def test_a_run_that_ended_between_the_looks_is_stored_not_held(
    ledger: Ledger, slurm: FakeSlurm
) -> None:
    write(ledger, running(100))
    slurm.sacct(record())
    assert look(ledger) == []
    assert jobs(ledger, "state, provisional, held") == [("COMPLETED", 0, None)]


def test_a_requeued_job_is_another_run(ledger: Ledger, slurm: FakeSlurm) -> None:
    """Its id is listed, with a new Submit: the comment there is not this run's."""
    write(ledger, running(100))
    slurm.squeue(a_job(100, JUNE + 500, comment=TAGGED))
    slurm.sacct(record(State="REQUEUED", Comment=""),
                running_record(100, Submit=JUNE + 500, Start=JUNE + 510))  # fmt: skip
    assert look(ledger) == []
    assert jobs(ledger, "submit, state, comment, held") == [
        (JUNE, "REQUEUED", "", None), (JUNE + 500, "RUNNING", TAGGED, None),
    ]  # fmt: skip


def test_a_run_that_sacct_does_not_list_any_more_is_held(
    ledger: Ledger, slurm: FakeSlurm
) -> None:
    write(ledger, running(7))
    slurm.sacct()
    (said,) = look(ledger)
    assert "not in sacct any more: 7; held unbilled" in said
    assert held(ledger) == ["not in sacct"]


def test_a_controller_that_is_down_holds_nothing(ledger: Ledger, slurm: FakeSlurm) -> None:
    write(ledger, running(1))
    slurm.down()
    (said,) = look(ledger)
    assert "Unable to contact slurm controller" in said
    assert "None was held" in said
    assert held(ledger) == [None]


def test_a_controller_that_goes_down_in_between_holds_nothing(
    ledger: Ledger, slurm: FakeSlurm
) -> None:
    write(ledger, running(1))
    slurm.down()
    slurm.config()
    (said,) = look(ledger)
    assert "Failed while looking for jobs" in said
    assert held(ledger) == [None]


def test_a_sacct_that_fails_at_the_second_look_holds_nothing(
    ledger: Ledger, slurm: FakeSlurm
) -> None:
    write(ledger, running(1))
    slurm.say("sacct", err="sacct: error: slurmdbd is down\n", code=1)
    (said,) = look(ledger)
    assert "slurmdbd is down" in said
    assert held(ledger) == [None]


def test_the_controller_of_another_cluster_says_nothing_of_this_one(
    ledger: Ledger, slurm: FakeSlurm
) -> None:
    write(ledger, running(1))
    slurm.config(ClusterName="beta")
    (said,) = look(ledger)
    assert "'beta', not of 'alpha'" in said
    assert held(ledger) == [None]


def test_jobs_that_private_data_hides_are_not_runaway(
    ledger: Ledger, slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured on 22.05: squeue then lists none of them, and sacct all."""
    monkeypatch.setattr(clients, "_me", lambda: ("bob", 1234))
    write(ledger, running(1), running(2))
    slurm.config(PrivateData="jobs")
    slurm.squeue(a_job(1, JUNE, comment=TAGGED))
    slurm.sacct(running_record(2))
    (said,) = look(ledger)
    assert "1 run not seen in the controller, and not held: PrivateData in slurm.conf" in said
    assert held(ledger) == [None, None]
    assert jobs(ledger, "comment") == [(TAGGED,), ("",)]


@pytest.mark.usefixtures("no_slurm")
def test_a_machine_without_the_clients_is_told_what_to_install(ledger: Ledger) -> None:
    write(ledger, running(1))
    (said,) = look(ledger)
    assert "scontrol is not on this machine" in said


def test_many_runaways_are_named_shortly(ledger: Ledger, slurm: FakeSlurm) -> None:
    write(ledger, *(running(i) for i in range(1, 1402)))
    slurm.sacct(*(running_record(i) for i in range(1, 1402)))
    (said,) = look(ledger)
    assert "1,401 runs" in said
    assert "and 1,391 more" in said
    assert held(ledger) == ["runaway"] * 1401
    # a command line is not endless
    assert len(slurm.asked("sacct")) == 2


def test_a_light_look_keeps_seals_until_the_runs_are_collected(
    tmp_path: Path, slurm: FakeSlurm
) -> None:
    config = a_config(tmp_path)

    def collect(*words: str) -> Result:
        return CliRunner().invoke(main, ["-c", str(config), "collect", "sacct", *words])

    slurm.squeue(a_job(100, JUNE, comment=TAGGED, admin_comment=SEAL), a_job(101, JUNE))
    result = collect("--live")
    assert result.stdout == "2 jobs waiting or running, 1 of them sealed\n", result.output
    assert json.loads(collect("--live", "--format", "json").stdout) == {"jobs": 2, "sealed": 1}
    assert slurm.asked("sacct") == []
    slurm.squeue()
    slurm.sacct(record(AdminComment="JS1:x", Comment="{team:forged}"))
    assert collect("--since", "2026-06-01", "--until", "2026-06-02").exit_code == 0
    ledger = Ledger.open(tmp_path / "ledger.db", "USD", "UTC")
    assert jobs(ledger, "admin_comment, claim") == [(SEAL, 2)]
    ledger.close()


def test_a_light_look_at_a_controller_that_is_down_is_exit_3(
    tmp_path: Path, no_slurm: None
) -> None:
    words = ["-c", str(a_config(tmp_path)), "collect", "sacct", "--live"]
    assert CliRunner().invoke(main, words).exit_code == 3
    assert CliRunner().invoke(main, [*words, "--since", "2026-06-01"]).exit_code == 2


def test_a_name_or_a_comment_that_begins_with_a_new_line_ends_no_record(
    tmp_path: Path, slurm: FakeSlurm
) -> None:
    slurm.sacct(record(JobName="\nx", Comment="\n" + TAGGED),
                record(JobIDRaw=101, JobID=101, AdminComment="\n", Comment="\n\n"),
                record(JobIDRaw=102, JobID=102))  # fmt: skip
    words = ["-c", str(a_config(tmp_path)), "collect", "sacct"]
    window = ["--since", "2026-06-01", "--until", "2026-06-02"]
    assert CliRunner().invoke(main, [*words, *window]).stdout == (
        "3 records: 3 new runs, 0 changed, 0 as before\n"
    )
    ledger = Ledger.open(tmp_path / "ledger.db", "USD", "UTC")
    assert jobs(ledger, "job_name, admin_comment, comment") == [
        ("\nx", "", "\n" + TAGGED), ("train", "\n", "\n\n"), ("train", "", TAGGED),
    ]  # fmt: skip
    ledger.close()

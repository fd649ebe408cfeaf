"""What a real sacct printed for real jobs, in every shape a site may save it in."""

from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from slurm_finops.core.runs import Run
from slurm_finops.core.tags import claim_of
from slurm_finops.sources.sacct.saved import read_saved

SACCT = Path(__file__).parent.parent / "sacct"
LIVE = SACCT / "live"


def read(path: Path, delimiter: str = "|", zone: tzinfo = UTC):  # type: ignore[no-untyped-def]
    batches = list(read_saved(str(path), delimiter, "none", zone))
    runs = [run for batch in batches for run in batch.runs]
    return runs, [p for batch in batches for p in batch.problems], batches


def by_key(runs: list[Run]) -> dict[tuple[int | str, int], Run]:
    found = {(run.job_id_raw, run.submit): run for run in runs}
    assert len(found) == len(runs)
    return found


def test_an_unforgeable_delimiter_reads_every_record() -> None:
    runs, problems, _ = read(LIVE / "random-delimiter.txt", "\x1fq7Zk\x1f")
    assert len(by_key(runs)) > 40
    assert not problems


def test_a_plain_delimiter_reads_the_same_but_for_names_that_hold_it() -> None:
    true, _, _ = read(LIVE / "random-delimiter.txt", "\x1fq7Zk\x1f")
    found, problems, _ = read(LIVE / "saved.txt")
    whole = by_key(found)
    for key, run in by_key(true).items():
        if key not in whole:
            assert "|" in run.job_name + run.admin_comment or "\n" in run.job_name, run
            continue
        seen = whole[key]._replace(elapsed=run.elapsed, state=run.state, end=run.end,
                                   provisional=run.provisional)  # fmt: skip
        # a running job may have grown between the two prints; a comment that is no JSON
        # ends with its first line, and the rest of it is kept as a problem
        assert seen._replace(comment="") == run._replace(comment="")
        assert seen.comment == run.comment or (
            not run.comment.startswith("{") and run.comment.startswith(seen.comment + "\n")
        )
    assert len(found) + len(problems) >= len(true)


@pytest.mark.parametrize(
    ("name", "zone"), [("iso-utc.txt", UTC), ("iso-new-york.txt", ZoneInfo("America/New_York"))]
)
def test_local_times_come_to_the_same_instants(name: str, zone: tzinfo) -> None:
    epoch, _, _ = read(LIVE / "saved.txt")
    local, _, _ = read(LIVE / name, zone=zone)
    for key, run in by_key(local).items():
        other = by_key(epoch)[key]
        assert (run.start, run.comment, run.alloc_tres) == (
            other.start, other.comment, other.alloc_tres,
        )  # fmt: skip
    assert len(local) == len(epoch)


def test_steps_are_passed_over_and_change_nothing() -> None:
    alone, _, _ = read(LIVE / "saved.txt")
    among, _, batches = read(LIVE / "with-steps.txt")
    assert {run.job_id_raw for run in among} == {run.job_id_raw for run in alone}
    assert sum(batch.steps for batch in batches) > 20


def test_each_run_of_a_requeued_job_is_there() -> None:
    runs, _, _ = read(LIVE / "requeue.txt")
    jobs = [run.job_id_raw for run in runs]
    assert len(jobs) > len(set(jobs))
    assert len({(run.job_id_raw, run.submit) for run in runs}) == len(jobs)


def test_array_tasks_and_het_components_have_ids_of_their_own() -> None:
    runs, _, _ = read(LIVE / "array-het.txt")
    assert {"_", "+"} <= {char for run in runs for char in run.job_id if not char.isdigit()}
    assert len({run.job_id_raw for run in runs}) == len(runs)
    assert all(isinstance(run.job_id_raw, int) for run in runs)


def test_running_jobs_are_provisional() -> None:
    runs, _, batches = read(LIVE / "running.txt")
    running = [run for run in runs if run.state == "RUNNING"]
    assert running
    assert all(run.provisional and run.end is None and run.start for run in running)
    assert sum(batch.waiting for batch in batches) > 0


def test_comments_of_real_jobs_are_judged_and_never_raise() -> None:
    runs, _, _ = read(LIVE / "random-delimiter.txt", "\x1fq7Zk\x1f")
    teams = {claim_of(run.comment, run.admin_comment).tags.team for run in runs}
    assert None in teams
    assert len(teams) > 1


def test_the_golden_month_is_what_its_readme_says() -> None:
    runs, problems, _ = read(SACCT / "alpha-2026-06.txt.gz")
    assert (len(runs), problems) == (1067, [])
    assert {run.cluster for run in runs} == {"alpha"}
    assert not any(run.provisional for run in runs)


def test_a_month_of_real_life_loses_no_record() -> None:
    runs, problems, batches = read(SACCT / "beta-2026-11.txt.gz")
    waiting = sum(batch.waiting for batch in batches)
    assert len(runs) + waiting + len(problems) == 2208
    assert {problem.reason for problem in problems} == {
        "'beta' is not a job state (does a text before Comment hold '|'?)"
    }
    assert sum(run.provisional for run in runs) == 14
    assert len({(run.job_id_raw, run.submit) for run in runs}) == len(runs)
    assert len({run.state for run in runs}) > 9

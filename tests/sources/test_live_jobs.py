"""What a real controller says of running jobs, where users try to forge a seal."""

import json
from pathlib import Path

import pytest

from slurm_finops.errors import OutsideError
from slurm_finops.sources.squeue import jobs_of_json

REAL = (Path(__file__).parents[1] / "sacct" / "live" / "squeue.json").read_bytes()


def test_real_jobs_with_both_comments() -> None:
    jobs = jobs_of_json(REAL)
    assert len(jobs) > 10
    assert any("\n" in job.comment for job in jobs.values())
    assert any(job.state == "RUNNING" for job in jobs.values())


def test_a_seal_forged_in_a_job_name_or_comment_is_only_text() -> None:
    forged = [job for job in jobs_of_json(REAL).values() if "AdminComment=" in job.comment]
    assert forged
    assert all("AdminComment=" not in job.admin_comment for job in forged)


def test_a_job_listed_twice_has_neither_comment() -> None:
    answer = json.loads(REAL.decode("utf-8", "replace"))
    tagged = next(job for job in answer["jobs"] if job["comment"])
    answer["jobs"].append(tagged | {"comment": "another"})
    job = jobs_of_json(json.dumps(answer).encode())[str(tagged["job_id"])]
    assert (job.comment, job.admin_comment) == ("", "")


def test_a_controller_in_trouble_is_a_failure_and_not_an_empty_cluster() -> None:
    with pytest.raises(OutsideError):
        jobs_of_json(b'{"jobs": [], "errors": [{"error": "Unable to contact slurm controller"}]}')
    with pytest.raises(OutsideError):
        jobs_of_json(b"not json")

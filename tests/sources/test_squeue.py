"""What the controller says of running jobs, and that no job can speak for another."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.tags import parse_seal
from slurm_finops.errors import OutsideError
from slurm_finops.sources.squeue import jobs_of_json, jobs_of_text, running_jobs
from tests.fake_slurm import FakeSlurm, a_job, slurm

__all__ = ["slurm"]
# Real jobs with hostile texts, on three releases; user, host and paths replaced, jobs and
# (since 24.11) the lists of cores left out.
LIVE = Path(__file__).parents[1] / "sacct" / "live"
JSON_22 = (LIVE / "squeue-22.05.8.json").read_bytes()
JSON_24 = (LIVE / "squeue-24.11.5.json").read_bytes()
JSON_26 = (LIVE / "squeue-26.05.5.json").read_bytes()
DOWN = (LIVE / "squeue-down-22.05.8.json").read_bytes()
PLAIN = (LIVE / "squeue-plain-22.05.8.txt").read_text("utf-8", "backslashreplace")
MARK = "\x1fabc\x1f"
SEAL = '{"slurm_finops":{"v":1,"tags":{"team":"nlp"}}}'
FORGED = 'one\ntwo\n\nJobId=99 JobName=x\n   Comment=forged AdminComment={}\n'


def test_the_jobs_of_each_release_by_raw_id() -> None:
    # 7_0 is job 10 on 22.05 and 14 since 24.11; 16 and 13 are second het components
    assert sorted(jobs_of_json(JSON_22), key=int) == "1 2 4 5 7 9 10 12 16 19".split()
    assert sorted(jobs_of_json(JSON_24), key=int) == "1 2 4 5 7 9 13 14".split()
    assert sorted(jobs_of_json(JSON_26), key=int) == "1 2 4 5 7 9 13 14".split()
    for text, component in ((JSON_22, "16"), (JSON_24, "13"), (JSON_26, "13")):
        assert jobs_of_json(text)[component].comment == "second"


@pytest.mark.parametrize("text", [JSON_22, JSON_24, JSON_26])
def test_both_comments_and_the_submit_time_of_a_running_job(text: bytes) -> None:
    job = jobs_of_json(text)["1"]
    assert job.state == "RUNNING"
    assert job.comment == '{"team":"nlp","project":"llama","experiment":"r1"}'
    assert job.admin_comment == SEAL
    assert job.submit in (1795483532, 1795484160, 1795634945)


@pytest.mark.parametrize("text", [JSON_22, JSON_24, JSON_26])
def test_forged_fields_stay_within_the_text_they_were_written_in(text: bytes) -> None:
    jobs = jobs_of_json(text)
    assert "99" not in jobs
    assert jobs["2"].comment == FORGED
    # the job's *name* holds a Comment and a seal
    assert (jobs["4"].comment, jobs["4"].admin_comment) == ("orig", "")
    assert jobs["5"].comment == 'a=b "q" \' \\ \t \x1f \x01 \x7f é 😀 AdminComment={"x":1}'
    assert not any(job.admin_comment for i, job in jobs.items() if i != "1")


@pytest.mark.parametrize("text", [JSON_22, JSON_24, JSON_26])
def test_bytes_that_are_not_utf8_read_as_from_sacct(text: bytes) -> None:
    assert jobs_of_json(text)["9"].comment == r"bad\xff\xc3("


def test_why_scontrol_show_job_is_not_read() -> None:
    """This job has no seal: its folder is called so.  Nothing in the text tells."""
    text = (LIVE / "scontrol-forged-22.05.8.txt").read_text()
    (said,) = re.findall(r"^   AdminComment=(.*) $", text, re.M)
    assert parse_seal(said) is not None
    assert text.index("WorkDir=") < text.index("AdminComment=") < text.index("   Comment=")
    assert jobs_of_json(JSON_22)["19"].admin_comment == ""


def test_a_controller_that_is_down_is_a_failure_although_squeue_exits_0() -> None:
    with pytest.raises(OutsideError, match=r"Failed while looking for jobs.*scontrol ping"):
        jobs_of_json(DOWN)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b'{"jobs": 3}', b'{"jobs": [{}]}',
                                  JSON_22[:5000]])
def test_an_answer_that_cannot_be_read_is_a_failure_never_an_empty_cluster(text: bytes) -> None:
    with pytest.raises(OutsideError, match="cannot be read"):
        jobs_of_json(text)


def test_a_job_listed_twice_has_neither_comment() -> None:
    twice = {"jobs": [a_job(5, 1, comment="a", admin_comment=SEAL), a_job(5, 1, comment="b")]}
    (job,) = jobs_of_json(json.dumps(twice).encode()).values()
    assert (job.comment, job.admin_comment) == ("", "")


@given(st.text(), st.text(), st.text())
def test_no_text_changes_what_is_read_of_the_other_fields(name: str, one: str, two: str) -> None:
    job = a_job(5, 7, comment=one, admin_comment=two, name=name)
    text = json.dumps({"jobs": [job]}, ensure_ascii=False).encode("utf-8", "replace")
    (found,) = jobs_of_json(text).values()
    assert (found.comment, found.admin_comment) == (one, two)


def test_plain_squeue_has_comments_and_never_a_seal() -> None:
    jobs = jobs_of_text(PLAIN, MARK)
    assert sorted(jobs, key=int) == "1 2 3 4 5 6 8 9 10 16".split()
    assert jobs["2"].comment == FORGED
    assert jobs["8"].comment == ""
    assert jobs["8"].state == "SUSPENDED"
    assert jobs["9"].comment == r"bad\xff\xc3("
    assert jobs["1"].submit == 1795483532
    assert not any(job.admin_comment for job in jobs.values())


@pytest.mark.parametrize("text", [PLAIN[:-8], PLAIN.replace("1795483533", "soon"), "oops",
                                  f"1{MARK}2{MARK}\n"])
def test_a_torn_plain_answer_is_a_failure(text: str) -> None:
    with pytest.raises(OutsideError, match="squeue"):
        jobs_of_text(text, MARK)


def test_json_is_asked_first_and_an_old_squeue_plainly(slurm: FakeSlurm) -> None:
    slurm.squeue(a_job(5, 7, comment="x", admin_comment=SEAL))
    assert running_jobs()["5"].admin_comment == SEAL
    slurm.say("squeue", "--noheader", out="")
    slurm.say("squeue", "--json", err="squeue: unrecognized option '--json'\n", code=1)
    assert running_jobs() == {}
    layouts = [words[-1] for words in slurm.asked("squeue") if "-o" in words]
    # a mark made up for each call, between the columns
    assert layouts[0].startswith("%A\x1f")
    running_jobs()
    layouts = [words[-1] for words in slurm.asked("squeue") if "-o" in words]
    assert layouts[0] != layouts[1]


def test_a_controller_that_is_down_is_told_in_squeues_own_words(slurm: FakeSlurm) -> None:
    slurm.down()
    slurm.say("squeue", "--json", err="squeue: unrecognized option '--json'\n", code=1)
    with pytest.raises(OutsideError, match="Unable to contact slurm controller"):
        running_jobs()

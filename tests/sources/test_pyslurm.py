"""pyslurm beside sacct: the same jobs give the same runs, or the collection is refused."""

import json
import pwd
import sys
from datetime import UTC
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.runs import Problem, Run
from slurm_finops.errors import OutsideError
from slurm_finops.sources.pyslurm import alloc_tres, load, read_jobs
from slurm_finops.sources.sacct.record import FIELDS, RecordParser
from tests.fake_pyslurm import fake, install, overlaps, tres
from tests.fake_slurm import FakeSlurm, slurm
from tests.support import JUNE, read, record

__all__ = ["slurm"]
TESTS = Path(__file__).parents[1]
DAY = JUNE, JUNE + 86_400


def collected(
    module: Any, window: tuple[int, int] = DAY, cluster: str = "alpha"
) -> tuple[list[Run], list[Problem]]:
    batches = list(read_jobs(module, *window, cluster))
    return sorted(run for b in batches for run in b.runs), [p for b in batches for p in b.problems]


def by_sacct(*records: dict[str, str]) -> list[Run]:
    parser = RecordParser(FIELDS, "alpha", UTC)
    found = [parser.parse([item.get(name, "") for name in FIELDS]) for item in records]
    return sorted(run for run in found if isinstance(run, Run))


class Replay:
    """The real pyslurm's answers to what is asked of it, as they were captured."""

    def __init__(self, calls: list[dict[str, Any]]) -> None:
        self._calls = calls
        self.db = SimpleNamespace(JobFilter=dict, Jobs=self)

    def load(self, asked: dict[str, Any]) -> Any:
        answer = next(call for call in self._calls if call["asked"] == asked)
        jobs = dict(enumerate(map(self._job, answer["jobs"])))
        return SimpleNamespace(values=jobs.values, cpus=answer["cpus"])

    def _job(self, told: dict[str, Any]) -> Any:
        held = told["allocated_tres"]
        if held:
            held = SimpleNamespace(**{
                name: value and (
                    SimpleNamespace(**value) if "count" in value
                    else {key: SimpleNamespace(**item) for key, item in value.items()}
                ) for name, value in held.items()
            } | {kind: {} for kind, value in held.items() if value == {}})  # fmt: skip
        return SimpleNamespace(**told | {"allocated_tres": held})


@pytest.fixture
def lab_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """The users of the captured cluster."""
    uids = {"root": 0, "lab_alice": 1000}
    monkeypatch.setattr(pwd, "getpwnam", lambda name: SimpleNamespace(pw_uid=uids[name]))


def test_real_jobs_are_the_same_through_both(lab_users: None) -> None:
    real = json.loads((TESTS / "pyslurm" / "26.05.5.json").read_text())
    text = (TESTS / "pyslurm" / "sacct-26.05.5.txt").read_text()
    printed, problems, _ = read(text, "\x1fq7Zk\x1f")
    assert not problems
    found, problems = collected(Replay(real["calls"]), (real["since"], real["until"]), "lab")
    assert not problems
    assert found == sorted(printed)
    states = {run.state for run in found}
    assert {"REQUEUED", "RESIZING", "CANCELLED", "RUNNING", "FAILED"} <= states
    assert any(run.suspended for run in found)


@pytest.mark.parametrize(
    "name", ["random-delimiter.txt", "requeue.txt", "array-het.txt", "running.txt"]
)
def test_jobs_that_sacct_printed_are_the_same_as_objects(name: str) -> None:
    delimiter = "\x1fq7Zk\x1f" if name.startswith("random") else "|"
    text = (TESTS / "sacct" / "live" / name).read_text()
    ends = f"{delimiter}\n" if delimiter != "|" else "\n"
    header, *rows = (line.split(delimiter) for line in text.split(ends) if line)
    records = [dict(zip(header, row, strict=False)) for row in rows if len(row) == len(header)]
    assert len(records) > 1
    seen: dict[str, int] = {}
    for item in sorted(records, key=lambda r: int(r["Submit"])):
        item["Restarts"] = str(seen.get(item["JobIDRaw"], 0))
        seen[item["JobIDRaw"]] = int(item["Restarts"]) + 1
    found, problems = collected(fake(records), (1_795_000_000, 1_796_000_000))
    assert not problems
    assert found == by_sacct(*records)


def runs_of_a_job(draw: st.DrawFn, job_id: int) -> list[dict[str, str]]:
    """A job's runs: each but the last ends by a requeue or a resize, and the next begins there."""
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=5)
    at = JUNE + draw(st.integers(0, 100_000))
    restarts, runs = 0, []
    names = {"JobName": draw(text), "Comment": draw(text), "AdminComment": draw(text),
             "Account": draw(text)}  # fmt: skip
    resized = False
    for _ in range(draw(st.integers(1, 4))):
        waits = 0 if resized else draw(st.integers(0, 3000))
        lasts = draw(st.integers(1, 50_000))
        state = draw(st.sampled_from(["REQUEUED", "RESIZING", "PREEMPTED"]))
        mem = draw(st.integers(0, 4_000_000))
        gpus = draw(st.integers(0, 8))
        held = {"cpu": 4, "node": 1, "mem": mem} | (
            {"gres/gpu": gpus, "gres/gpu:h100": gpus} if gpus else {}
        )
        runs.append(record(
            JobIDRaw=job_id, JobID=job_id, Submit=at, Start=at + waits, End=at + waits + lasts,
            ElapsedRaw=lasts, State=state, Restarts=restarts, Eligible=at + min(waits, 2),
            AllocTRES=alloc_tres(tres(",".join(f"{n}={c}" for n, c in held.items()))), **names,
        ))  # fmt: skip
        at += waits + lasts
        resized = state == "RESIZING"
        restarts += not resized
    runs[-1]["State"] = draw(st.sampled_from(["COMPLETED", "CANCELLED by 0", "RUNNING"]))
    if runs[-1]["State"] == "RUNNING":
        runs[-1]["End"] = "Unknown"
    return runs


@given(st.data())
def test_whatever_was_requeued_or_resized_is_collected_whole(data: st.DataObject) -> None:
    number = data.draw(st.integers(1, 4))
    jobs = [data.draw(st.composite(runs_of_a_job)(i)) for i in range(1, 1 + number)]
    records = [item for runs in jobs for item in runs]
    start = JUNE + data.draw(st.integers(0, 150_000))
    end = start + data.draw(st.integers(1, 150_000))
    found, problems = collected(fake(records), (start, end))
    assert not problems
    assert set(by_sacct(*(r for r in records if overlaps(r, start, end)))) <= set(found)
    assert set(found) <= set(by_sacct(*records))


def test_a_run_that_is_hidden_and_cannot_be_found_refuses_the_window() -> None:
    first = record(State="REQUEUED", Visible="no")
    last = record(Submit=JUNE + 3660, Start=JUNE + 3700, End=JUNE + 3800, ElapsedRaw=100,
                  Restarts=1)  # fmt: skip
    with pytest.raises(OutsideError, match=r"job 100, which was requeued 1 time.*JOBCOND_FLAG_DUP"):
        collected(fake([first, last]))
    # what ended before the window is in another one's collection
    found, _ = collected(fake([first, last]), (JUNE + 3661, JUNE + 4000))
    assert found == by_sacct(last)


def test_a_requeue_that_skips_one_refuses_the_window() -> None:
    runs = [record(State="REQUEUED", Submit=JUNE + i, Start=JUNE + i, End=JUNE + i + 10,
                   ElapsedRaw=10, Restarts=i // 10) for i in (0, 10, 20)]  # fmt: skip
    assert len(collected(fake(runs))[0]) == 3
    runs[1]["Visible"] = "no"
    with pytest.raises(OutsideError, match="requeued 2 times"):
        collected(fake(runs))


def test_a_part_of_a_resized_job_that_is_not_found_refuses_the_window() -> None:
    part = record(State="RESIZING")
    rest = record(Submit=JUNE + 3660, Start=JUNE + 3661, End=JUNE + 3800, ElapsedRaw=100)
    with pytest.raises(OutsideError, match="a part of a job that was resized"):
        collected(fake([part, rest]))


def a_requeued_and_resized_job() -> list[dict[str, str]]:
    return [
        record(State=state, Submit=at, Start=at, End=at + 100, ElapsedRaw=100, Restarts=restarts)
        for state, at, restarts in (
            ("REQUEUED", JUNE, 0), ("RESIZING", JUNE + 100, 1), ("COMPLETED", JUNE + 200, 1),
        )
    ]  # fmt: skip


def test_a_resize_is_no_requeue() -> None:
    runs = a_requeued_and_resized_job()
    assert collected(fake(runs))[0] == by_sacct(*runs)


def test_what_ended_in_the_first_second_of_the_window_is_in_it() -> None:
    runs = a_requeued_and_resized_job()
    assert collected(fake(runs), (JUNE + 199, JUNE + 900))[0] == by_sacct(*runs[1:])
    assert collected(fake(runs), (JUNE + 201, JUNE + 900))[0] == by_sacct(runs[2])


def test_a_run_is_never_taken_for_the_one_before_it() -> None:
    _, part, rest = a_requeued_and_resized_job()
    with pytest.raises(OutsideError, match="a part of a job that was resized"):
        collected(fake([part | {"Restarts": "0"}, rest | {"Restarts": "0", "Eligible": str(JUNE)}]))


def test_nothing_more_is_asked_where_nothing_was_requeued() -> None:
    module = fake([record(JobIDRaw=i, JobID=i) for i in range(500)])
    assert len(collected(module)[0]) == 500
    assert module.asked == [{"start_time": DAY[0], "end_time": DAY[1]}]


def test_a_job_that_waits_is_passed_over_and_its_earlier_run_is_not() -> None:
    first = record(State="REQUEUED")
    waits = record(Submit=JUNE + 3660, Start="Unknown", End="Unknown", State="PENDING",
                   ElapsedRaw=0, AllocTRES="", NodeList="None assigned", Restarts=1)  # fmt: skip
    batches = list(read_jobs(fake([first, waits]), *DAY, "alpha"))
    assert [run for batch in batches for run in batch.runs] == by_sacct(first)
    assert sum(batch.waiting for batch in batches) == 1


def test_what_cannot_be_read_is_a_problem_and_the_rest_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    records = [record(JobIDRaw=i, JobID=i) for i in (1, 2, 3)]
    records[0]["Comment"] = "\udcff"
    records[2]["State"] = "?"
    module = fake(records)
    # as Cython does with a text that is not UTF-8
    as_bytes = property(lambda self: self._record["Comment"].encode().decode())
    monkeypatch.setattr("tests.fake_pyslurm.Job.comment", as_bytes)
    runs, problems = collected(module)
    assert [run.job_id_raw for run in runs] == [2]
    assert "pyslurm cannot read it" in problems[0].reason and "id=1 submit=" in problems[0].text
    assert problems[1].reason == "'?' is not a job state"


def test_what_pyslurm_prints_is_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    module = fake([record()])
    loads = module.db.Jobs.load
    module.db.Jobs.load = staticmethod(lambda asked: print("bb cray") or loads(asked))
    assert len(collected(module)[0]) == 1
    assert capsys.readouterr().out == ""


def test_a_slurmdbd_that_does_not_answer_is_said() -> None:
    module = fake([])

    def fails(asked: object) -> None:
        raise RuntimeError("Failed to get Jobs from slurmdbd")

    module.db.Jobs.load = staticmethod(fails)
    with pytest.raises(OutsideError, match="pyslurm failed: Failed to get Jobs from slurmdbd"):
        collected(module)


@pytest.mark.parametrize(
    ("mebibytes", "text"),
    [(0, "0M"), (500, "500M"), (1500, "1500M"), (1024, "1G"), (64_000, "62.50G"), (1536, "1.50G"),
     (1280, "1280M"),      (65_536, "64G"), (1 << 20, "1T"), (1_049_088, "1024.50G")],
)  # fmt: skip
def test_memory_as_sacct_prints_it(mebibytes: int, text: str) -> None:
    assert alloc_tres(tres(f"mem={mebibytes}")) == f"mem={text}"


@pytest.fixture
def of_25_11(slurm: FakeSlurm) -> None:
    slurm.config(SLURM_VERSION="25.11.1")


def test_a_pyslurm_that_fits_is_used(of_25_11: None, monkeypatch: pytest.MonkeyPatch) -> None:
    module = install(monkeypatch, fake([]))
    assert load() is module


def refused(monkeypatch: pytest.MonkeyPatch, module: Any) -> str:
    install(monkeypatch, module)
    with pytest.raises(OutsideError) as told:
        load()
    assert "\n" not in str(told.value)
    assert "slurm-finops collect sacct" in str(told.value)
    return str(told.value)


def test_a_missing_one_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refused(monkeypatch, None)
    assert "pyslurm is not installed: pip install 'slurm-finops[pyslurm]'" in said


def test_a_mismatch_names_both_releases(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm.config(SLURM_VERSION="22.05.8")
    said = refused(monkeypatch, fake([]))
    assert "pyslurm 25.11.2 is made for Slurm 25.11, and this cluster runs 22.05.8" in said
    assert "pip install 'pyslurm==22.5.*'" in said
    slurm.config(SLURM_VERSION="26.05.5")
    install(monkeypatch, fake([], "26.5.0"))
    load()


def test_a_mismatch_is_seen_before_its_library_is_loaded(
    slurm: FakeSlurm, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    slurm.config(SLURM_VERSION="22.05.8")
    (tmp_path / "pyslurm.py").write_text("import os; os._exit(9)\n")
    (tmp_path / "pyslurm-25.11.2.dist-info").mkdir()
    metadata = tmp_path / "pyslurm-25.11.2.dist-info" / "METADATA"
    metadata.write_text("Metadata-Version: 2.1\nName: pyslurm\nVersion: 25.11.2\n")
    monkeypatch.delitem(sys.modules, "pyslurm", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(OutsideError, match=r"pyslurm 25\.11\.2 is made for Slurm 25\.11"):
        load()


def test_one_whose_library_is_gone_is_said(
    of_25_11: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pyslurm.py").write_text("raise ImportError('libslurmfull.so: cannot open')\n")
    monkeypatch.delitem(sys.modules, "pyslurm", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(OutsideError, match=r"cannot be loaded \(libslurmfull\.so: cannot open"):
        load()


def test_a_gpu_blind_one_is_known_by_what_a_job_lacks(
    of_25_11: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = fake([])
    module.db.Job = type("Job", (), {
        name: None for name in dir(module.db.Job) if name != "allocated_tres"
    })  # fmt: skip
    assert "blind to GPUs (it has no db.Job.allocated_tres)" in refused(monkeypatch, module)


def test_one_that_cannot_prove_what_it_shows_is_refused(
    of_25_11: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = fake([])
    module.db.Job = type("Job", (), {
        name: None for name in dir(module.db.Job) if name != "requeue_count"
    })  # fmt: skip
    module.db.Jobs = dict
    said = refused(monkeypatch, module)
    assert "has no db.Job.requeue_count, db.Jobs.cpus" in said

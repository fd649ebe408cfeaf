"""The gate in a real slurmctld: damage to each file, and hostile comments."""

import random
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from slurm_finops.core.verdict import HEADER
from slurm_finops.hook.build import MODULE, POLICY, SUBMIT
from tests.hook.comments import comments
from tests.live.gated import GOOD, NO_TAGS, Gated, gate, made, rows

__all__ = ["gate", "made"]
pytestmark = pytest.mark.slurm

def test_a_script_with_a_slip_leaves_the_last_one(gate: Gated) -> None:
    path = gate.etc / SUBMIT
    whole = path.read_text()
    try:
        path.write_text("function slurm_job_submit(")
        assert gate.sbatch("--comment", NO_TAGS)[0] == 1
        assert gate.sbatch("-H", "--comment", GOOD)[0] == 0
    finally:
        path.write_text(whole)
    assert gate.sbatch("--comment", NO_TAGS)[0] == 1


@pytest.mark.parametrize("damage", ["gone", "cut short", "a folder"])
def test_a_policy_that_cannot_be_read_leaves_the_last_one(gate: Gated, damage: str) -> None:
    assert gate.sbatch("--comment", NO_TAGS)[0] == 1
    path = gate.etc / POLICY
    whole = path.read_text()
    path.unlink()
    if damage == "cut short":
        path.write_text(whole[: len(whole) // 2])
    elif damage == "a folder":
        path.mkdir()
    try:
        assert gate.sbatch("--comment", NO_TAGS)[0] == 1
        assert "the policy cannot be read: " in gate.log()
        # and a slurmctld that never read one does as the site says
        gate.reload()
        assert gate.sbatch("-H", "--comment", NO_TAGS)[0] == 0
        assert "there is no policy to judge by" in gate.log()
    finally:
        if path.is_dir():
            path.rmdir()
        path.write_text(whole)
    assert gate.sbatch("--comment", NO_TAGS)[0] == 1


def test_without_a_policy_a_site_may_refuse_everything(gate: Gated) -> None:
    gate.mode("enforce", on_error="reject")
    (gate.etc / MODULE).rename(gate.etc / "away")
    try:
        gate.reload()
        code, said = gate.sbatch("--comment", GOOD)
        assert code == 1
        assert "the tags of this job cannot be checked" in said
    finally:
        (gate.etc / "away").rename(gate.etc / MODULE)
        gate.reload()


def test_a_policy_is_replaced_while_jobs_come_in(gate: Gated) -> None:
    """Each of 200 submits is judged by the one policy or by the other, never by neither."""
    answers: list[tuple[int, str]] = []
    seen_by = {"enforce": 0, "warn": 0}

    def submit() -> None:
        for _ in range(50):
            code, said = gate.sbatch("-H", "--comment", NO_TAGS)
            answers.append((code, said))
            seen_by["enforce" if code else "warn"] += 1

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    turns = 0
    while any(thread.is_alive() for thread in threads):
        turns += 1
        gate.mode("warn" if turns % 2 else "enforce")
    for thread in threads:
        thread.join()
    assert len(answers) == 200
    assert all(HEADER in said for _, said in answers), answers
    assert turns > 4
    assert min(seen_by.values()) > 0, seen_by
    assert "cannot be read" not in gate.log()[-20_000:]


def test_hostile_comments(gate: Gated, request: pytest.FixtureRequest) -> None:
    """Nothing that is typed ends slurmctld, and what is accepted is in the ledger as it was."""
    gate.mode("warn")
    count = 10_000 if request.config.getoption("--full") else 500
    accepted: dict[str, bytes] = {}
    for comment in hostile(count):
        _, said = gate.sbatch(b"--comment=" + comment)
        found = re.search(r"Submitted batch job (\d+)", said)
        if found:
            accepted[found[1]] = comment
        else:
            assert len(comment) > 1024, (comment, said)
    assert len(accepted) > count * 0.9
    # the controller is done first; slurmdbd hears of it in its own time
    gate.cluster.wait("all ended", lambda: not gate.cluster.run("squeue", "-h"), 240 + count / 10)
    gate.cluster.wait("slurmdbd knows", lambda: accepted.keys() <= gate.ended(), 240)
    assert gate.finops("collect", "sacct").exit_code == 0
    stored = dict(rows(gate, "SELECT CAST(job_id_raw AS TEXT), comment FROM jobs"))
    missing = sorted(accepted.keys() - stored.keys(), key=int)
    assert not missing, gate.cluster.run("sacct", "-X", "-P", "-j", ",".join(missing))
    for job, comment in accepted.items():
        assert str(stored[job]).encode() == comment, job


def test_a_script_of_a_megabyte(gate: Gated) -> None:
    script = Path("/tmp") / f"{gate.user}.sh"
    script.write_text(f"#!/bin/sh\n# {'x' * 1_000_000}\ntrue\n")
    try:
        assert gate.ask("sbatch", "-o", "/dev/null", "--comment", NO_TAGS, str(script))[0] == 1
        assert gate.ask("sbatch", "-o", "/dev/null", "--comment", GOOD, str(script))[0] == 0
    finally:
        script.unlink()


def hostile(count: int) -> Iterator[bytes]:
    """Comments that an argument can carry, and that a utf8mb4 database keeps."""
    dice = random.Random(7)
    yield from (b"\n{}", b"\n", b"\n\n|", b"\x1f\n")  # what may look like a record's end
    made = 0
    for comment, _ in comments(count * 20, 7):
        if dice.random() < 0.05:
            comment += b"\n100|x|COMPLETED|\x1f\n"
        try:
            comment.decode()
        except UnicodeDecodeError:
            continue
        if comment and b"\0" not in comment:
            made += 1
            yield comment
        if made == count:
            return

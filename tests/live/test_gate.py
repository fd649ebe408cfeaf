"""The gate in a real slurmctld: each way in, what is said, changes, seals."""

import json
import re
import subprocess
from functools import partial

import pytest

from slurm_finops.core.tags import Tags
from slurm_finops.core.verdict import HEADER
from slurm_finops.hook.build import POLICY
from tests.live.gated import CONFIG, GOOD, NO_TAGS, OTHER, Gated, gate, made, rows

__all__ = ["gate", "made"]
pytestmark = pytest.mark.slurm

def test_right_tags_pass_in_silence_and_are_sealed(gate: Gated) -> None:
    code, said = gate.sbatch("-H", "--comment", GOOD)
    assert (code, re.sub(r"\d+", "N", said)) == (0, "Submitted batch job N\n")
    assert gate.sealed(gate.made[-1]) == Tags("nlp", "moe", "run-1")
    seal = json.loads(gate.job(gate.made[-1])["AdminComment"])["slurm_finops"]
    assert seal["user"] == gate.user


REFUSED = [
    f"error: {HEADER}",
    'error:   unknown project "mo"; known: moe',
    'error:   type: --comment=\'{"team":"nlp","project":"<project>","experiment":"x"}\'',
    "error:   with your own value for <project>",
    "error:   How to tag: https://wiki.example.org/tags",
]


@pytest.mark.parametrize("program", ["sbatch", "srun", "salloc"])
def test_each_way_in_is_refused_in_the_same_words(gate: Gated, program: str) -> None:
    words = ["--wrap=true"] if program == "sbatch" else ["true"]
    wrong = '{"team":"nlp","project":"mo","experiment":"x"}'
    code, said = gate.ask(program, f"--comment={wrong}", *words)
    assert code == 1
    assert said.splitlines()[:5] == [f"{program}: {line}" for line in REFUSED]
    code, said = gate.ask(program, f"--comment={GOOD}", *words)
    assert (code, HEADER in said) == (0, False)


def test_the_courtesy_of_a_client(gate: Gated) -> None:
    conf = gate.etc / "slurm.conf"
    before = conf.read_text()
    text = CONFIG.replace('[tags.exempt]\npartitions = ["debug"]\n', "")
    (gate.folder / "finops.toml").write_text(text)
    for words in (["build", "--out", str(gate.etc)], ["install"]):
        assert gate.finops("hook", *words).exit_code == 0
    asked = gate.log().count("slurm-finops: refused")
    try:
        conf.write_text(before + "CliFilterPlugins=lua\n")
        for program, words in (("sbatch", ["--wrap=true"]), ("srun", ["true"])):
            code, said = gate.ask(program, f"--comment={NO_TAGS}", *words)
            assert code == 1
            assert f"{program}: error: lua: {HEADER}\n" in said
        assert gate.sbatch("-H", "--comment", GOOD)[0] == 0
    finally:
        conf.write_text(before)
    assert gate.log().count("slurm-finops: refused") == asked


def test_what_is_only_warned_of_runs(gate: Gated) -> None:
    gate.mode("warn")
    code, said = gate.sbatch("-H", "--comment", NO_TAGS)
    assert code == 0
    assert f"sbatch: {HEADER}\n" in said
    assert "Submitted batch job" in said
    assert gate.sealed(gate.made[-1]) is None
    gate.mode("off")
    assert HEADER not in gate.sbatch("-H")[1]


def test_accounts_and_partitions(gate: Gated) -> None:
    code, said = gate.sbatch("-A", "product", "--comment", GOOD)
    assert code == 1
    assert 'account product may not charge team "nlp"' in said
    assert '"team":"cv"' in said
    assert gate.sbatch("-H")[0] == 1
    assert gate.sbatch("-H", "-p", "debug")[0] == 0
    assert gate.sbatch("-H", "-p", "debug,main")[0] == 1


@pytest.mark.parametrize(
    "options",
    [["--gres=gpu:h100:2"], ["--gpus=3"], ["--gpus-per-task=1", "-n2"], ["--exclusive"],
     ["--array=0-3"], ["-N2", "--gpus-per-node=2"]],
    ids=" ".join,
)  # fmt: skip
def test_however_gpus_are_asked_for(gate: Gated, options: list[str]) -> None:
    assert gate.sealed(gate.held(*options, "--comment", GOOD)) == Tags("nlp", "moe", "run-1")
    assert gate.sbatch(*options, "--comment", NO_TAGS)[0] == 1


@pytest.mark.parametrize(
    "options",
    [["--gres=gpu:h100:2", "-t", "60"], ["--gpus=3", "-t", "1-0"], ["-n2", "--gpus-per-task=1"],
     ["--gres=gpu:h100:1", "-N2", "--array=0-3", "-t", "90"], ["--gpus=h100:1", "-p", "debug"],
     ["-N2", "-n2", "--gpus-per-node=h100:2", "-t", "2-12:00:00"]],
    ids=" ".join,
)  # fmt: skip
def test_what_it_may_cost_is_what_estimate_says(gate: Gated, options: list[str]) -> None:
    gate.mode("enforce", extra="[hook]\nshow_cost = true\n")
    code, said = gate.sbatch("-H", "--comment", GOOD, *options)
    assert code == 0
    (line,) = re.findall(r"^sbatch: (.* USD .*)$", said, re.M)
    # without a limit of its own, a job has its partition's
    own = [] if "-t" in options else ["-t", "30" if "debug" in options else "60"]
    figure, made_of = gate.finops("estimate", *options, *own).stdout.splitlines()
    assert line == f"{figure.removeprefix('this job: ')} ({made_of.strip()})"


def test_each_component_of_a_het_job_is_judged(gate: Gated) -> None:
    code, _ = gate.sbatch("-H", "-n1", "--comment", GOOD, ":", "-n1", "--comment", OTHER)
    assert code == 0
    first = int(gate.made[-1])
    assert gate.sealed(f"{first}+0") == Tags("nlp", "moe", "run-1")
    assert gate.sealed(f"{first}+1") == Tags("nlp", "moe", "run-2")
    code, said = gate.sbatch("-n1", "--comment", GOOD, ":", "-n1", "--comment", NO_TAGS)
    assert code == 1
    assert '"project" is missing' in said


def test_formats_are_only_text(gate: Gated) -> None:
    wrong = '{"team":"%s%s%n","project":"%d","experiment":"%x"}'
    code, said = gate.sbatch("--comment", wrong)
    assert code == 1
    assert 'unknown team "%s%s%n"' in said
    right = '{"team":"nlp","project":"moe","experiment":"100%s"}'
    assert gate.sealed(gate.held("--comment", right)) == Tags("nlp", "moe", "100%s")


def test_an_owner_cannot_change_what_was_sealed(gate: Gated) -> None:
    job = gate.held("--comment", GOOD)
    for change in (f"Comment={OTHER}", "Comment=", "AdminComment=x"):
        code, said = gate.ask("scontrol", "update", f"JobId={job}", change)
        assert code == 1
        assert "denied" in said
        assert gate.job(job)["Comment"] == GOOD
        assert gate.sealed(job) == Tags("nlp", "moe", "run-1")
    assert gate.ask("scontrol", "update", f"JobId={job}", "TimeLimit=5")[0] == 0


def test_an_owner_cannot_move_to_an_account_that_may_not_pay(gate: Gated) -> None:
    job = gate.held("--comment", GOOD)
    code, said = gate.ask("scontrol", "update", f"JobId={job}", "Account=product")
    assert code == 1
    assert "Invalid account" in said
    assert gate.job(job)["Account"] == "research"
    spare = gate.held("-p", "debug")
    code, said = gate.ask("scontrol", "update", f"JobId={spare}", "Partition=main")
    assert (code, "denied" in said) == (1, True)


def test_root_can_and_it_is_sealed_anew(gate: Gated) -> None:
    job = gate.held("--comment", GOOD)
    gate.cluster.run("scontrol", "update", f"JobId={job}", f"Comment={OTHER}")
    assert gate.sealed(job) == Tags("nlp", "moe", "run-2")
    assert json.loads(gate.job(job)["AdminComment"])["slurm_finops"]["user"] == gate.user
    done = subprocess.run(
        ["scontrol", "update", f"JobId={job}", f"Comment={NO_TAGS}"], capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert gate.sealed(job) == Tags("nlp", "moe", "run-2")


def test_a_job_that_was_let_pass_is_mended_by_its_owner(gate: Gated) -> None:
    gate.mode("warn")
    job = gate.held("--comment", NO_TAGS)
    gate.mode("enforce")
    assert gate.ask("scontrol", "update", f"JobId={job}", "Comment=x")[0] == 1
    assert gate.job(job)["Comment"] == NO_TAGS
    assert gate.ask("scontrol", "update", f"JobId={job}", f"Comment={GOOD}")[0] == 0
    assert gate.job(job)["Comment"] == GOOD


def test_hook_test_asks_slurmctld(gate: Gated) -> None:
    result = gate.finops("hook", "test")
    assert result.exit_code == 0, result.output
    assert f"ok    {gate.etc / POLICY} is as finops.toml has it" in result.stdout
    words = "ok    slurmctld: a job without tags is told "
    assert words + "what to type and refused: the mode is enforce" in result.stdout
    for mode, told in (("warn", "what to type"), ("off", "nothing")):
        gate.mode(mode)
        assert f"{words}{told}: the mode is {mode}" in gate.finops("hook", "test").stdout


def test_what_was_sealed_wins_over_a_rewrite(gate: Gated) -> None:
    assert gate.sbatch("--comment", GOOD)[0] == 0
    job = gate.made[-1]
    gate.cluster.wait("it ended", lambda: gate.cluster.state(job) == "COMPLETED")
    forged = "Comment={team:cv}"
    rewrite = ("sacctmgr", "-i", "modify", "job", "where", f"jobid={job}", "set", forged)
    # slurmdbd knows whose job it was a moment after it knows how it ended
    gate.cluster.wait("it can be rewritten", lambda: gate.ask(*rewrite)[0] == 0)
    code, said = gate.ask(
        "sacctmgr", "-i", "modify", "job", "where", f"jobid={job}", "set", "AdminComment=x"
    )
    assert code != 0, said
    assert gate.finops("collect", "sacct").exit_code == 0
    query = f"SELECT team, project, tag_source, comment FROM runs WHERE job_id_raw = {job}"
    assert rows(gate, query) == [("nlp", "moe", "seal", forged.partition("=")[2])]
    told = json.loads(gate.finops("check", "--format", "json").stdout)["findings"]
    (changed,) = (found["what"] for found in told if found["name"] == "changed comments")
    assert changed.startswith("changed after submission: 1 run ("), changed
    assert job in changed


def test_a_seal_outlives_an_epilog_that_writes_over_it(gate: Gated) -> None:
    flag = gate.folder / "epilog"
    flag.write_text(f"{gate.etc}/slurm.conf")
    try:
        assert gate.sbatch("--comment", GOOD, wrap="sleep 3")[0] == 0
        job = gate.made[-1]
        gate.cluster.wait("it runs", lambda: gate.cluster.state(job) == "RUNNING")
        said = gate.finops("collect", "sacct", "--live")
        assert said.exit_code == 0, said.output
        assert "sealed" in said.stdout
        words = ("sacct", "-X", "-n", "-P", "-j", job, "-o", "AdminComment")
        text = partial(gate.cluster.run, *words)
        gate.cluster.wait("the epilog has written", lambda: text().upper() == "JS1:X")
    finally:
        flag.unlink()
    assert gate.finops("collect", "sacct").exit_code == 0
    query = f"SELECT team, project, tag_source FROM runs WHERE job_id_raw = {job}"
    assert rows(gate, query) == [("nlp", "moe", "seal")]

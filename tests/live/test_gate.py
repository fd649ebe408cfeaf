"""The gate in a real slurmctld: accept, warn, refuse; change; damage; hostile comments."""

import json
import os
import random
import re
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.core.tags import Tags, parse_seal
from slurm_finops.core.verdict import HEADER
from slurm_finops.hook.build import MODULE, POLICY, SUBMIT
from tests.hook.comments import comments
from tests.live.conftest import Cluster, a_cluster

pytestmark = pytest.mark.slurm
CONFIG = """\
cluster = "gated"
currency = "USD"
[tags]
mode = "enforce"
registry = true
help = "How to tag: https://wiki.example.org/tags"
[tags.exempt]
partitions = ["debug"]
[[rates]]
sku = "gres/gpu:h100"
price = "3.92"
from = 2020-01-01
[[teams]]
name = "nlp"
accounts = ["research"]
[[teams.projects]]
name = "moe"
[[teams]]
name = "cv"
accounts = ["product"]
[[teams.projects]]
name = "segment"
"""
GOOD = '{"team":"nlp","project":"moe","experiment":"run-1"}'
OTHER = '{"team":"nlp","project":"moe","experiment":"run-2"}'
NO_TAGS = '{"team":"nlp"}'


#: As jobstats does, which keeps its summary there; while the flag is up.
EPILOG = """#!/bin/sh
[ -e {flag} ] || exit 0
export SLURM_CONF=$(cat {flag})
sleep 1
exec sacctmgr -i modify job where jobid=$SLURM_JOB_ID set AdminComment=JS1:x
"""


class Gated:
    """A sandbox with the hook in it, and a user who submits."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.etc, self.user = cluster.root / "etc", cluster.user
        self.made: list[str] = []

    def finops(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["-c", str(self.folder / "finops.toml"), *words])

    def mode(self, mode: str, extra: str = "", **more: str) -> None:
        """The configuration in this mode, installed."""
        text = CONFIG.replace('"enforce"', f'"{mode}"') + extra
        for key, value in more.items():
            text = text.replace("registry", f'{key} = "{value}"\nregistry')
        (self.folder / "finops.toml").write_text(text)
        result = self.finops("hook", "install")
        assert result.exit_code == 0, result.output
        assert "uses it from the next job on" in result.stdout

    def ask(self, *words: str | bytes, user: str | None = None) -> tuple[int, str]:
        """A command as the user: its exit code and what it says."""
        done = subprocess.run(
            words, capture_output=True, timeout=60, cwd="/tmp", user=user or self.user,
            group=user or self.user, extra_groups=[], check=False,
        )  # fmt: skip
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def sbatch(self, *options: str | bytes, wrap: str = "true") -> tuple[int, str]:
        code, said = self.ask("sbatch", "-o", "/dev/null", *options, f"--wrap={wrap}")
        self.made += re.findall(r"Submitted batch job (\d+)", said)
        return code, said

    def held(self, *options: str) -> str:
        """The id of a job that waits."""
        code, said = self.sbatch("-H", *options)
        assert code == 0, said
        return self.made[-1]

    def job(self, job: str) -> dict[str, str]:
        text = self.cluster.run("scontrol", "show", "job", job)
        shown = r"(?:^   | )(Comment|AdminComment|Account)=(.*?) ?(?: QOS=.*)?$"
        return dict(re.findall(shown, text, re.M))

    def sealed(self, job: str) -> Tags | None:
        claim = parse_seal(self.job(job).get("AdminComment", ""))
        return claim and claim.tags

    def ended(self) -> set[str]:
        """The jobs that slurmdbd knows to have ended."""
        text = self.cluster.run("sacct", "-a", "-X", "-n", "-P", "-o", "JobIDRaw,State")
        ends = ("COMPLETED", "FAILED")
        return {line.partition("|")[0] for line in text.splitlines() if line.endswith(ends)}

    def controller(self) -> str:
        """slurmctld's pid: it is the same as long as nothing has killed it."""
        pid = (self.cluster.root / "pid" / "slurmctld.pid").read_text().strip()
        os.kill(int(pid), 0)
        return pid

    def reload(self) -> None:
        """slurmctld compares the script's time, which counts whole seconds."""
        time.sleep(1.1)
        os.utime(self.etc / SUBMIT)

    def log(self) -> str:
        return (self.cluster.root / "log" / "slurmctld.log").read_text(errors="replace")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gated]:
    if os.environ.get("SLURM_FINOPS_NO_SLURM") == "1":
        pytest.skip("SLURM_FINOPS_NO_SLURM=1")
    folder = tmp_path_factory.mktemp("gate")
    (folder / "finops.toml").write_text(CONFIG)
    hook = folder / "hook"
    assert CliRunner().invoke(
        main, ["-c", str(folder / "finops.toml"), "hook", "build", "--out", str(hook)]
    ).exit_code == 0  # fmt: skip
    users = f"sg{os.getpid()}a sg{os.getpid()}b"
    epilog = folder / "epilog.sh"
    epilog.write_text(EPILOG.format(flag=folder / "epilog"))
    epilog.chmod(0o755)
    with a_cluster(nodes="2", cluster="gated", job_submit=str(hook), users=users,
                   conf=f"EpilogSlurmctld={epilog}") as cluster:  # fmt: skip
        yield Gated(cluster, folder)


@pytest.fixture
def gate(made: Gated) -> Iterator[Gated]:
    pid = made.controller()
    made.mode("enforce")
    yield made
    if made.made:
        subprocess.run(["scancel", "--quiet", *made.made], check=False)
        made.made.clear()
    assert made.controller() == pid


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


def test_hook_test_asks_slurmctld(gate: Gated) -> None:
    result = gate.finops("hook", "test")
    assert result.exit_code == 0, result.output
    assert f"ok    {gate.etc / POLICY} is as finops.toml has it" in result.stdout
    words = "ok    slurmctld: a job without tags is told "
    assert words + "what to type and refused: the mode is enforce" in result.stdout
    for mode, told in (("warn", "what to type"), ("off", "nothing")):
        gate.mode(mode)
        assert f"{words}{told}: the mode is {mode}" in gate.finops("hook", "test").stdout


def rows(gate: Gated, sql: str) -> list[tuple[object, ...]]:
    ledger = sqlite3.connect(gate.folder / "ledger.db")
    try:
        return ledger.execute(sql).fetchall()
    finally:
        ledger.close()


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

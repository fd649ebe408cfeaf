"""What one release of Slurm does, as questions and answers, for scripts/compatibility."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator

from sandbox import HERE, Failure, Sandbox

ALICE, BOB = "lab_alice", "lab_bob"
PLAIN = "no options"
#: What jobs ask for, beside one that asks for nothing.
REQUESTS = [
    PLAIN,
    "--gres=gpu:h100:2", "--gres=gpu:2",
    "--gpus=3", "--gpus=h100:3", "-N2 --gpus-per-node=2", "-n2 --gpus-per-task=1",
    "-n2 --gpus-per-task=h100:1", "--sockets-per-node=1 --gpus-per-socket=1",
    "-n2 --tres-per-task=gres/gpu:1", "-n2 --tres-per-task=gres/gpu:h100:1",
    "--gpus=2 --ntasks-per-gpu=2", "--exclusive", "--array=0-3%2", "-p debug,main",
    "-A product", "-q normal", "-t 30", "--comment=%s", "--admin-comment=mine",
]  # fmt: skip
Row = tuple[str, str, str]
#: What srun and salloc say or not, as the scheduler was quick or slow.
_BY_CHANCE = re.compile(r"queued and waiting|has been (allocated|revoked)")
_NUMBERS = {
    "4294967294": "NO_VAL", "4294967295": "INFINITE", "65534": "NO_VAL16",
    "1.844674407371e+19": "NO_VAL64", "254": "NO_VAL8",
}  # fmt: skip


class Probe(Sandbox):
    """A cluster whose hook writes down what it is given."""

    def __init__(self, suite: str) -> None:
        super().__init__(
            suite=suite, nodes="2", gpus="4", job_submit=str(HERE / "compat_probe.lua")
        )
        self._read = 0

    def ask(self, *words: str, user: str | None = ALICE) -> tuple[int, str]:
        """Exit code, and all that was said; without what differs from run to run."""
        done = subprocess.run(
            words, env=self.env, user=user, group=user, extra_groups=[] if user else None,
            capture_output=True, cwd="/tmp", timeout=90, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        return done.returncode, (done.stderr + done.stdout).decode(errors="replace").strip()

    def told(self, *words: str, user: str | None = ALICE) -> str:
        """The same as one line."""
        code, said = self.ask(*words, user=user)
        said = re.sub(r"\b(job|JobId=|JobID=|jobid=|allocation|job_id) ?\d+", r"\1 N", said)
        said = re.sub(r"\d{4}-\d\d-\d\dT[\d:]+", "TIME", said).replace(str(self.root), "/srv/lab")
        said = re.sub(r"\d+ submitted", "N submitted", said)
        lines = [line.strip() for line in said.split("\n") if line and not _BY_CHANCE.search(line)]
        return f"exit {code}" + (": " + " ⏎ ".join(lines) if lines else "")

    def job(self, name: str, *options: str, user: str = ALICE, wrap: str = "true") -> str:
        """A job's id, or "" if it was refused."""
        _, said = self.ask(
            "sbatch", "--parsable", "-o", "/dev/null", "-J", name, *options, f"--wrap={wrap}",
            user=user,
        )  # fmt: skip
        return said.rpartition("\n")[2] if said.rpartition("\n")[2].isdecimal() else ""

    def seen(self) -> Iterator[tuple[str, str, str]]:
        """What the hook wrote since last asked: of what, field, value."""
        text = (self.root / "log" / "slurmctld.log").read_text(errors="replace")
        text, self._read = text[self._read :], len(text)
        for what, name, kind, value in re.findall(r"PROBE\|(.*?)\|(.*?)\|(.*?)\|(.*?)\|", text):
            yield what, name, "nil" if kind == "nil" else _shown(kind, value)

    def show(self, job: str, field: str) -> str:
        """A field of `scontrol show job`."""
        text = self.run("scontrol", "show", "job", job).decode(errors="replace")
        found = re.search(rf"(?:^| ){field}=(.*?) *$", text, re.M)
        return found[1] if found else "not shown"

    def accounted(self, job: str, field: str, *options: str) -> list[str]:
        text = self.run("sacct", "-X", "-n", "-P", "-j", job, *options, "-o", field)
        return text.decode(errors="replace").rstrip("\n").split("\n")

    def wait(self, what: str, until: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not until():
            if time.monotonic() > end:
                raise Failure(f"not within a minute: {what}")
            time.sleep(0.3)

    def wait_for(self, job: str, *states: str) -> None:
        self.wait(f"job {job} is {states}", lambda: (
            self.accounted(job, "State")[0].split(" ")[0] in states))  # fmt: skip


def _shown(kind: str, value: str) -> str:
    return _NUMBERS.get(value, value) if kind == "number" else f"{value!r}" if value else "''"


def answers(probe: Probe) -> Iterator[Row]:
    """Every question with its answer, in the order of the page."""
    for part in (
        _given, _ways_in, _odd_answers, _changes, _comments, _after, _accounts, _live, _settings,
    ):  # fmt: skip
        yield from part(probe)


def _given(probe: Probe) -> Iterator[Row]:
    """The fields of submitted jobs."""
    for options in REQUESTS:
        words = options.split() if options != PLAIN else []
        said = probe.told("sbatch", "-H", "-o/dev/null", "-J", options, *words, "--wrap=true")
        if "--tres-per-task=gres/gpu:1" in words or "--admin-comment=mine" in words:
            yield "submit", f"sbatch {options}", said
    probe.ask("sbatch", "-H", "-o/dev/null", "-J", "het component 0", ":", "-J",
              "het component 1", "--wrap=true")  # fmt: skip
    for what, name, value in probe.seen():
        yield "hook", f"{what.removeprefix('submit ')}: {name}", _known(name, value)


def _known(name: str, value: str) -> str:
    """Ids differ from run to run; that they are there does not."""
    return "set" if name in ("user_id", "job_id") and value not in ("nil", "NO_VAL") else value


def _ways_in(probe: Probe) -> Iterator[Row]:
    for program in ("sbatch", "srun", "salloc"):
        wrap = ("--wrap=true",) if program == "sbatch" else ("true",)
        for name, does in (("refuse", "refuses, with two lines"), ("tell", "accepts, the same")):
            said = probe.told(program, "-J", name, *wrap)
            yield "submit", f"{program}, the hook {does}", said


def _odd_answers(probe: Probe) -> Iterator[Row]:
    for name, what in (
        ("denied", "returns ESLURM_ACCESS_DENIED"), ("raise", "raises an error"),
        ("nothing", "returns nil"), ("text", "returns a text"),
        ("format", "gives log_user a bare %s and then refuses"),
    ):  # fmt: skip
        yield "submit", f"sbatch, the hook {what}", probe.told("sbatch", "-H", "-J", name,
                                                               "--wrap=true")  # fmt: skip


def _changes(probe: Probe) -> Iterator[Row]:
    job = probe.job("held", "-H", "--comment=before")
    list(probe.seen())
    said = probe.told("scontrol", "update", f"JobId={job}", "TimeLimit=5")
    yield "change", "scontrol update TimeLimit=5 by the owner", said
    yield from _seen_at(probe, {"modify no comment": "change of TimeLimit"})
    for what in ("refuse", "deny", "account", "pass", "raise"):
        said = probe.told("scontrol", "update", f"JobId={job}", f"Comment={what}")
        yield "change", f"scontrol update Comment={what} by the owner", said
        yield "change", f"Comment after {what}", probe.show(job, "Comment")
    yield "change", "another user's change", probe.told(
        "scontrol", "update", f"JobId={job}", "Comment=x", user=BOB)  # fmt: skip
    yield from _seen_at(probe, {"modify pass": "change of Comment", "record pass": "its job_rec"})
    for field, value in (("AdminComment", "x"), ("Account", "product")):
        said = probe.told("scontrol", "update", f"JobId={job}", f"{field}={value}")
        yield "change", f"scontrol update {field}={value} by the owner", said
    probe.run("scontrol", "update", f"JobId={job}", "AdminComment=roots")
    yield "change", "AdminComment after root set it", probe.show(job, "AdminComment")
    said = probe.told("scontrol", "update", f"JobId={job}", "Comment=seal")
    yield "change", "the hook sets admin_comment in the owner's change", said
    yield "change", "Comment after it", probe.show(job, "Comment")
    yield "change", "AdminComment after it", probe.show(job, "AdminComment")
    probe.run("scontrol", "update", f"JobId={job}", "Comment=")
    yield from _seen_at(probe, {"modify ": "Comment cleared"})


def _seen_at(probe: Probe, calls: dict[str, str]) -> Iterator[Row]:
    for what, name, value in probe.seen():
        if what in calls:
            yield "hook", f"{calls[what]}: {name}", _known(name, value)


def _comments(probe: Probe) -> Iterator[Row]:
    for size in (1024, 1025):
        said = probe.told("sbatch", "-H", "-J", "x", "--comment=" + "c" * size, "--wrap=true")
        yield "comment", f"--comment of {size:,} bytes", said
    for size in (1024, 1025, 4096, 65536):
        job = probe.job(f"seal-{size}", "-H")
        length = len(probe.show(job, "AdminComment")) if job else 0
        answer = f"{length:,} bytes kept" if job else "the job is refused"
        yield "comment", f"the hook seals with {size:,} bytes", answer
    first = probe.job("x", "-H", "--comment=first", ":", "-n1")
    yield "comment", "a het component without a comment has", probe.show(f"{first}+1", "Comment")


def _after(probe: Probe) -> Iterator[Row]:
    """What an owner may rewrite of a job that has ended, and what sacct then prints."""
    job = probe.job("seal-20", "--comment={\"Team\":\"a|b\"}")
    probe.wait_for(job, "COMPLETED")
    rewrite = ("sacctmgr", "-i", "modify", "job", "where", f"jobid={job}", "set")
    probe.wait("slurmdbd knows the owner", lambda: (
        probe.ask(*rewrite, "DerivedExitCode=3")[0] == 0))  # fmt: skip
    for field in ("Comment={\"Team\":\"X\"}", "AdminComment=x", "SystemComment=x", "WCKey=x",
                  "Extra=x", "Account=product"):  # fmt: skip
        yield "after", f"sacctmgr modify job set {field}, the owner", probe.told(*rewrite, field)
    yield "after", "Comment in sacct afterwards", probe.accounted(job, "Comment")[0]
    yield "after", "AdminComment in sacct afterwards", probe.accounted(job, "AdminComment")[0]
    said = probe.told(*rewrite, "Comment=x", user=BOB)
    yield "after", "sacctmgr modify job set Comment=x, another user", said
    said = probe.told("scontrol", "update", f"JobId={job}", "Comment=y")
    yield "after", "scontrol update Comment=y of an ended job", said


def _accounts(probe: Probe) -> Iterator[Row]:
    fields = "AllocTRES ReqTRES TimelimitRaw Timelimit NodeList ReqMem QOS".split()
    job = probe.job("x", "--gres=gpu:h100:2", "--comment=while running", wrap="sleep 60")
    probe.wait_for(job, "RUNNING")
    time.sleep(3)
    for field in ("Comment", "AdminComment", "End", "ExitCode"):
        yield "sacct", f"running: {field}", probe.accounted(job, field)[0] or "empty"
    probe.ask("scancel", job)
    probe.wait_for(job, "CANCELLED")
    uid = probe.run("id", "-u", ALICE).decode().strip()
    for field in (*fields, "State", "Comment"):
        yield "sacct", f"--gres=gpu:h100:2: {field}", probe.accounted(job, field)[0].replace(
            uid, "UID") or "empty"  # fmt: skip
    job = probe.job("x", "--gpus=3", wrap="exit 7")
    probe.wait_for(job, "FAILED")
    for field in ("ReqTRES", "AllocTRES", "State", "ExitCode"):
        yield "sacct", f"--gpus=3, exit 7: {field}", probe.accounted(job, field)[0]
    yield from _requeued(probe)
    yield from _lost_node(probe)
    known = sorted(probe.run("sacct", "--helpformat").decode().split())
    yield "sacct", "only here sacct has", " ".join(known)
    yield "sacct", "sacct -o AllocGRES", probe.told("sacct", "-o", "AllocGRES")


def _requeued(probe: Probe) -> Iterator[Row]:
    job = probe.job("x", "--requeue", wrap="sleep 300")
    probe.wait_for(job, "RUNNING")
    time.sleep(2)
    probe.run("scontrol", "requeue", job)
    probe.wait("it is requeued", lambda: len(probe.accounted(job, "State", "-D")) == 2)
    yield "sacct", "requeued, -D: State", ", ".join(probe.accounted(job, "State", "-D"))
    yield "sacct", "requeued, without -D: State", ", ".join(probe.accounted(job, "State"))
    submits = len(set(probe.accounted(job, "Submit", "-D")))
    yield "sacct", "requeued, -D: Submit", "a new one" if submits == 2 else "the same"
    probe.ask("scancel", job)


def _lost_node(probe: Probe) -> Iterator[Row]:
    job = probe.job("x", "--no-requeue", "-w", "n2", wrap="sleep 300")
    probe.wait_for(job, "RUNNING")
    probe.run("scontrol", "update", "NodeName=n2", "State=DOWN", "Reason=x")
    probe.wait_for(job, "NODE_FAIL")
    yield "sacct", "its node was set down: State", probe.accounted(job, "State")[0]
    # a node that answers may be back by itself, which scontrol calls an error
    probe.ask("scontrol", "update", "NodeName=n2", "State=RESUME", user=None)


def _live(probe: Probe) -> Iterator[Row]:
    """What squeue and sreport print, as far as it is read by programs."""
    probe.job("x", "-H")
    job = json.loads(probe.run("squeue", "--json"))["jobs"][-1]
    for field in ("job_state", "submit_time"):
        yield "live", f"squeue --json: {field} is", type(job[field]).__name__
    conf = probe.root / "etc" / "nobody.conf"
    text = (probe.root / "etc" / "slurm.conf").read_text()
    conf.write_text(re.sub(r"(?m)^SlurmctldPort=.*", "SlurmctldPort=1", text))
    code, _ = probe.ask("env", f"SLURM_CONF={conf}", "squeue", "--json", user=None)
    yield "live", "squeue --json where no controller answers", f"exit {code}"
    yield "live", "squeue -O AdminComment", probe.told("squeue", "-O", "AdminComment")
    for report in ("cluster utilization", "cluster AccountUtilizationByUser"):
        text = probe.run("sreport", "-P", "-T", "gres/gpu", *report.split()).decode()
        heads = [line for line in text.splitlines() if line.count("|") > 3]
        yield "live", f"sreport -P {report}", heads[0] if heads else "no head"


def _settings(probe: Probe) -> Iterator[Row]:
    text = probe.run("scontrol", "show", "config").decode()
    settings = dict(re.findall(r"^(\S+)\s+= ?(.*?) *$", text, re.M))
    keys = ("AccountingStorageType AccountingStoreFlags AccountingStorageTRES ClusterName "
            "JobSubmitPlugins PrivateData SlurmUser SLURM_CONF")  # fmt: skip
    for key in keys.split():
        value = settings.get(key, "not printed").replace(str(probe.root), "/srv/lab")
        yield "config", f"scontrol show config: {key}", value
    _, _, slurmdbd = probe.run("sacctmgr", "show", "config").decode().partition("SlurmDBD conf")
    kind = re.search(r"^StorageType +=.*/(\S+)", slurmdbd, re.M)
    yield "config", "sacctmgr show config: StorageType of slurmdbd", kind[1] if kind else "none"

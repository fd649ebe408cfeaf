"""What `hook test` looks at."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from slurm_finops.errors import OutsideError

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.policy import Policy
    from slurm_finops.hook.vectors import Vector

#: How many of the vectors, and of the site's own teams, are told when they differ.
_SHOWN = 3


class Report:
    """Lines to print, and whether any of them is a failure."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.failed = False

    def say(self, verdict: str, what: str) -> None:
        """One finding: ok, warn, fail or skip."""
        self.lines.append(f"{verdict:5} {what}")
        self.failed = self.failed or verdict == "fail"


def in_lua(report: Report, config: Config) -> None:
    """The vectors, then the site's own policy, in every Lua."""
    from slurm_finops.hook.engine import VERSIONS
    from slurm_finops.hook.vectors import load

    vectors = load()
    own = _own_vectors(config, vectors.cases)
    for version in VERSIONS:
        _compare(report, f"Lua {version}, the vectors", vectors.policy, vectors.help,
                 list(vectors.cases), version)  # fmt: skip
        _compare(report, f"Lua {version}, your policy", config.policy, config.gate.help, own,
                 version)  # fmt: skip


def _own_vectors(config: Config, cases: tuple[Vector, ...]) -> list[Vector]:
    """Right comments of every team, and those of the vectors, judged by the site's policy."""
    from slurm_finops.core.policy import Who
    from slurm_finops.core.tags import Tags, make_comment
    from slurm_finops.core.verdict import verdict
    from slurm_finops.hook.vectors import Vector

    policy = config.policy
    given = [(case.comment, case.who) for case in cases]
    for team in policy.teams:
        account = team.accounts[0] if team.accounts else "an-account"
        for project in team.projects or ("a-project",):
            tags = Tags(team.name, project, "an-experiment")
            given.append((make_comment(tags).encode(), Who(account, "somebody")))
    found = []
    for comment, who in given:
        answer = verdict(policy, comment.decode("utf-8", "surrogateescape"), who,
                         config.gate.help)  # fmt: skip
        found.append(Vector(comment, who, answer.kind, answer.lines))
    return found


def _compare(
    report: Report, what: str, policy: Policy, help_text: str, cases: list[Vector], version: str
) -> None:
    from slurm_finops.hook.build import build
    from slurm_finops.hook.engine import Engine

    with tempfile.TemporaryDirectory(prefix="slurm-finops-") as name:
        for file, text in build(policy, "enforce", "reject", help_text).items():
            (Path(name) / file).write_text(text)
        lua = Engine(Path(name), version)
        wrong = []
        for case in cases:
            answer = lua.judge(case.comment, case.who)
            if (answer.kind, answer.lines) != (case.kind, case.lines):
                wrong.append((case, answer))
    report.say("fail" if wrong else "ok", f"{what}: {len(cases) - len(wrong)} of {len(cases)} "
               "answered as they should be")  # fmt: skip
    for case, answer in wrong[:_SHOWN]:
        report.lines.append(f"      {case.comment!r}: {answer.kind}, not {case.kind}")


def installed(report: Report, folder: Path, files: Mapping[str, str]) -> None:
    """Whether what lies beside slurm.conf is what finops.toml says today."""
    from slurm_finops.hook.build import MODULE, POLICY, SUBMIT

    if not (folder / POLICY).exists():
        report.say("skip", f"{folder} holds no {POLICY}: slurm-finops hook install puts it there")
        return
    for name in (POLICY, MODULE):
        try:
            same = (folder / name).read_text("utf-8", "surrogateescape") == files[name]
        except OSError as error:
            report.say("fail", f"{folder / name}: {error.strerror}")
            continue
        if same:
            report.say("ok", f"{folder / name} is as finops.toml has it")
        else:
            report.say("warn", f"{folder / name} is another than finops.toml asks for: "
                       "slurm-finops hook install")  # fmt: skip
    try:
        text = (folder / SUBMIT).read_text("utf-8", "surrogateescape")
    except OSError as error:
        report.say("fail", f"{folder / SUBMIT}: {error.strerror}")
        return
    if MODULE not in text:
        report.say("fail", f"{folder / SUBMIT} does not load {MODULE}: see hook install")


def controller(report: Report, config: Config) -> None:
    """Whether a job without tags is answered as the mode says."""
    from slurm_finops.core.verdict import HEADER
    from slurm_finops.sources import slurm

    try:
        settings = slurm.show_config()
    except OutsideError as error:
        report.say("skip", f"slurmctld: {str(error).splitlines()[0]}")
        return
    plugins = settings.get("JobSubmitPlugins", "")
    _enforced(report, config.policy, settings.get("AccountingStorageEnforce", ""))
    if "lua" not in plugins.split(","):
        report.say("warn", f"slurmctld: JobSubmitPlugins={plugins}: no Lua is asked; "
                   "slurm-finops hook install says how to enable it")  # fmt: skip
        return
    mode, (refused, said) = config.gate.mode, _answer()
    # Slurm may refuse a job for reasons of its own: only our words tell that the gate was asked
    told = HEADER in said
    as_it_should = told == (mode != "off") and (refused or mode != "enforce")
    answer = "is told what to type" if told else "is told nothing"
    answer += " and refused" if told and refused and mode == "enforce" else ""
    if as_it_should:
        report.say("ok", f"slurmctld: a job without tags {answer}: the mode is {mode}")
    else:
        report.say("warn", f"slurmctld: a job without tags {answer}, although the mode is {mode}: "
                   "is this user exempt, or an older policy installed?")  # fmt: skip


def _enforced(report: Report, policy: Policy, enforce: str) -> None:
    """A name that Slurm does not check is one that anybody can give."""
    exempt, teams = policy.exempt, policy.teams
    leans_on = {
        "associations": exempt.accounts or policy.defaults or [t for t in teams if t.accounts],
        "qos": exempt.qos,
        "wckeys": [t for t in teams if t.wckeys],
    }
    given = enforce.split(",")
    for name, used in leans_on.items():
        if used and name not in given:
            report.say("warn", f"slurmctld: the policy goes by {name}, which Slurm does not check: "
                       f"anybody can name any; AccountingStorageEnforce={enforce or '(none)'}, "
                       f"add {name}")  # fmt: skip


def _answer() -> tuple[bool, str]:
    """Whether sbatch is refused a job without tags, which it is only to test; and its words."""
    command = ["sbatch", "--test-only", "--comment=", "--time=1", "--wrap=true"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False,
                              errors="backslashreplace")  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise OutsideError(f"sbatch --test-only: {error}") from None
    return done.returncode != 0, done.stderr

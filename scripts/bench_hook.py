"""What the gate costs slurmctld: its Lua alone, and real submits with it and without."""

from __future__ import annotations

import re
import statistics
import tempfile
from pathlib import Path

import click
from sandbox import Sandbox

from slurm_finops.core.policy import Policy, TeamRule
from slurm_finops.hook.build import SUBMIT, build
from slurm_finops.hook.engine import runtime

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
MARKS = "<!-- hook -->\n", "<!-- hook end -->\n"
PROJECTS = tuple(f"project-{i:02}-{j:02}" for i in range(20) for j in range(25))
SITE = Policy(registry=True, teams=(TeamRule("all", None, PROJECTS, ("research",)),))
SHORT = '{"team":"all","project":"project-19-24","experiment":"e"}'
LONG = SHORT[:-1] + ',"notes":"' + "x" * (1024 - len(SHORT) - 11) + '"}'
COMMENTS = {
    f"accepted and sealed, {len(SHORT)} bytes": SHORT,
    f"accepted and sealed, {len(LONG)} bytes": LONG,
    "refused, the near one of 500 projects found": SHORT.replace("19-24", "1924"),
    "refused, no project near": SHORT.replace("project-19-24", "something-else"),
    "refused, no comment": "",
}


SETUP = b"""
local function quiet() end
slurm = { SUCCESS = 0, ERROR = -1, log_user = quiet, log_info = quiet, log_error = quiet }
"""
#: Microseconds of processor time a submit, by Lua's own clock; without a comment those of the loop.
LOOP = b"""function(comment, count)
  local call = comment and slurm_job_submit or function() return 0 end
  local job = { comment = comment, default_account = "research", user_name = "user" }
  local began = os.clock()
  for _ = 1, count do
    job.admin_comment = nil
    call(job, {}, 1000)
  end
  return (os.clock() - began) * 1e6 / count
end"""


def lua_table(rounds: int, calls: int) -> list[str]:
    """Microseconds a call of slurm_job_submit, timed inside Lua 5.1, beside an empty function."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in build(SITE, "enforce", "accept").items():
            (Path(name) / file).write_text(text)
        lua = runtime()
        lua.execute(SETUP)
        lua.globals()[b"dofile"](f"{name}/{SUBMIT}".encode())
        time = lua.eval(LOOP)
        found: dict[str, list[float]] = {what: [] for what in ("floor", *COMMENTS)}
        for _ in range(rounds):
            for what, comment in {"floor": None, **COMMENTS}.items():
                found[what].append(time(None if comment is None else comment.encode(), calls))
    lines = ["| slurm_job_submit, 500 projects | median µs | spread |", "|---|---|---|"]
    for what, times in found.items():
        label = "an empty function, called the same way" if what == "floor" else what
        lines.append(f"| {label} | {statistics.median(times):.1f} | "
                     f"{min(times):.1f}–{max(times):.1f} |")  # fmt: skip
    return lines


EMPTY = """function slurm_job_submit() return slurm.SUCCESS end
function slurm_job_modify() return slurm.SUCCESS end
return slurm.SUCCESS
"""


def submit_table(submits: int) -> list[str]:
    """slurmctld's own figures of the submit RPC, in three clusters that are asked in turn."""
    with tempfile.TemporaryDirectory() as name, tempfile.TemporaryDirectory() as empty:
        for file, text in build(SITE, "enforce", "accept").items():
            (Path(name) / file).write_text(text)
        (Path(empty) / SUBMIT).write_text(EMPTY)
        with (
            Sandbox(nodes="1", cluster="without", users="bench_a") as without,
            Sandbox(nodes="1", cluster="bare", users="bench_a", job_submit=empty) as bare,
            Sandbox(nodes="1", cluster="gated", users="bench_a", job_submit=name) as gated,
        ):
            clusters = {"no job_submit plugin": without, "a job_submit.lua that does nothing": bare,
                        "with the hook": gated}  # fmt: skip
            times: dict[str, list[float]] = {what: [] for what in clusters}
            for _ in range(submits // 50):
                for what, cluster in clusters.items():
                    cluster.run("sdiag", "--reset")
                    for _ in range(50):
                        cluster.run("sbatch", "-H", "--uid=bench_a", f"--comment={SHORT}",
                                    "--chdir=/tmp", "--wrap=true")  # fmt: skip
                    times[what].append(_rpc(cluster.run("sdiag").decode()))
    lines = ["| the submit RPC in slurmctld, 50 submits a turn | median µs | spread |",
             "|---|---|---|"]  # fmt: skip
    for what, found in times.items():
        lines.append(f"| {what} | {statistics.median(found):.0f} | "
                     f"{min(found):.0f}–{max(found):.0f} |")  # fmt: skip
    return lines


def _rpc(sdiag: str) -> float:
    """The mean time of the submits since the last reset, as sdiag counts it."""
    found = re.search(r"REQUEST_SUBMIT_BATCH_JOB\s+\(\s*\d+\) count:(\d+)\s+ave_time:(\d+)", sdiag)
    if not found:
        raise SystemExit(f"sdiag names no submits:\n{sdiag}")
    return float(found[2])


@click.command()
@click.option("--rounds", default=9, show_default=True, help="How often the Lua is measured.")
@click.option("--calls", default=2000, show_default=True, help="Calls in each.")
@click.option("--submits", default=500, show_default=True, help="Real ones a cluster; 0: none.")
@click.option("--write/--no-write", default=True, show_default=True,
              help="Put the tables into docs/benchmarks.md.")  # fmt: skip
def main(rounds: int, calls: int, submits: int, write: bool) -> None:
    """Measure what the gate costs slurmctld."""
    lines = lua_table(rounds, calls)
    if submits:
        lines += ["", *submit_table(submits)]
    table = "\n".join(lines)
    click.echo(table)
    if write:
        head, _, rest = PAGE.read_text().partition(MARKS[0])
        PAGE.write_text(f"{head}{MARKS[0]}{table}\n{MARKS[1]}{rest.partition(MARKS[1])[2]}")


if __name__ == "__main__":
    main()

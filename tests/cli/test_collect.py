"""collect and price from the command line: what a person sees, right and wrong."""

import gzip
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from slurm_finops.cli import main
from slurm_finops.sources.sacct.record import FIELDS
from tests.support import CONFIG, JUNE, TAGGED, a_config, record, saved

RATES_OF_NOTHING = CONFIG[: CONFIG.index("[[rates]]")]


def finops(folder: Path, *words: str, stdin: str | bytes | None = None) -> Result:
    arguments = ["-c", str(folder / "finops.toml"), *words]
    return CliRunner().invoke(main, arguments, input=stdin, catch_exceptions=False)


def ledger(folder: Path) -> sqlite3.Connection:
    return sqlite3.connect(folder / "ledger.db")


@pytest.fixture
def site(tmp_path: Path) -> Path:
    a_config(tmp_path)
    return tmp_path


def put(folder: Path, text: str, name: str = "june.txt") -> str:
    path = folder / name
    path.write_text(text)
    return str(path)


def test_a_saved_file_is_collected_and_told(site: Path) -> None:
    path = put(site, saved(record(), record(JobIDRaw=101), record(JobIDRaw="100.batch")))
    result = finops(site, "collect", "sacct", "--file", path)
    assert result.exit_code == 0
    assert "3 records: 2 new runs, 0 changed, 0 as before; passed over: 1 step" in result.output


def test_a_second_collect_changes_nothing(site: Path) -> None:
    path = put(site, saved(record(), record(JobIDRaw=101)))
    finops(site, "collect", "sacct", "--file", path)
    before = [row for row in ledger(site).iterdump() if "ingest_runs" not in row]
    result = finops(site, "collect", "sacct", "--file", path)
    assert "0 new runs, 0 changed, 2 as before" in result.output
    assert [row for row in ledger(site).iterdump() if "ingest_runs" not in row] == before


def test_standard_input_and_gzip(site: Path) -> None:
    text = saved(record())
    assert finops(site, "collect", "sacct", "--file", "-", stdin=text).exit_code == 0
    (site / "june.gz").write_bytes(gzip.compress(text.encode()))
    result = finops(site, "collect", "sacct", "--file", str(site / "june.gz"))
    assert "1 as before" in result.output


def test_a_bad_record_is_counted_and_kept_and_the_rest_goes_on(site: Path) -> None:
    path = put(site, saved(record(), "torn|line", record(JobIDRaw=101)))
    result = finops(site, "collect", "sacct", "--file", path)
    assert result.exit_code == 0
    assert "warning: 1 record could not be read" in result.output
    stored = ledger(site).execute("SELECT text, reason FROM problems").fetchall()
    assert stored == [("torn|line", "2 fields where the header has 23")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("JobIDRaw|State\n", "the header lacks Submit, Start, End, AllocTRES"),
        ("JobIDRawxStatexSubmit\n1x2x3\n", "--delimiter"),
        (saved("garbage", "more|garbage"), "no readable record, 1 unreadable"),
        ("SQLite format 3\0" + "x" * 100, "is a binary file"),
        ("", "this is no sacct output"),
    ],
)
def test_input_that_cannot_serve_leaves_no_ledger(site: Path, text: str, said: str) -> None:
    result = finops(site, "collect", "sacct", "--file", put(site, text))
    assert result.exit_code == 2
    assert said in result.output
    assert not (site / "ledger.db").exists()


def test_a_header_and_nothing_else_is_an_empty_month(site: Path) -> None:
    result = finops(site, "collect", "sacct", "--file", put(site, saved()))
    assert result.exit_code == 0
    assert "0 records" in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--file", "/nowhere.txt"], "cannot read /nowhere.txt"),
        (["--file", "x", "--since", "2026-06-01"], "--since and --until are for a live collection"),
        (["--timezone", "UTC"], "--timezone is for --file"),
        (["--delimiter", "!"], "--delimiter is for --file"),
        (["--file", "x", "--timezone", "Mars"], "'Mars' is no known zone"),
        (["--file", "x", "--delimiter", ""], "must not be empty"),
        (["--since", "June"], "Invalid value for '--since': 'June' is not a period"),
        (["--since", "2026-06-02", "--until", "2026-06-02"], "nothing to collect: 2026-06-02T00"),
        (["--since", "2190-01-01"], ", which is now"),
        (["--print-command", "--since", "June"], "'June' is not a date such as 2026-06-01"),
    ],
)
def test_wrong_usage_is_exit_2(site: Path, words: list[str], said: str) -> None:
    result = finops(site, "collect", "sacct", *words)
    assert result.exit_code == 2
    assert said in result.output


def test_the_command_that_saves_a_file_is_one_line_that_a_shell_takes(tmp_path: Path) -> None:
    words = ("collect", "sacct", "--print-command", "--since", "2026-06-01")
    line = CliRunner().invoke(main, words).output
    assert line.count("\n") == 1
    (tmp_path / "sacct").write_text('#!/bin/sh\nprintf "%s|" "$TZ" "$SLURM_TIME_FORMAT" "$@"\n')
    (tmp_path / "sacct").chmod(0o755)
    subprocess.run(["sh", "-c", line], cwd=tmp_path, check=True,
                   env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})  # fmt: skip
    text = (tmp_path / "sacct.txt").read_text()
    words = re.sub(r"\|[0-9a-f]{12}\|", "RANDOM", text).split("|")[:-1]
    assert words == [
        "UTC", "%s", "-a", "-X", "-D", "-p", "--delimiter=RANDOM", "-S", "2026-06-01", "-o",
        ",".join(FIELDS),
    ]  # fmt: skip


def test_without_a_configuration_the_next_step_is_named(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SLURM_FINOPS_CONFIG", raising=False)
    result = CliRunner().invoke(main, ["price"])
    assert result.exit_code == 2
    assert "slurm-finops init" in result.output


def test_json_for_other_programs(site: Path) -> None:
    path = put(site, saved(record(), "torn|"))
    answer = json.loads(finops(site, "collect", "sacct", "--file", path, "--format", "json").stdout)
    assert answer == {
        "records": 1, "new": 1, "changed": 0, "problems": 1, "steps": 0, "waiting": 0,
    }  # fmt: skip


def test_what_has_no_rate_is_warned_of(tmp_path: Path) -> None:
    a_config(tmp_path, RATES_OF_NOTHING)
    finops(tmp_path, "collect", "sacct", "--file", put(tmp_path, saved(record())))
    result = finops(tmp_path, "price")
    assert result.exit_code == 0
    assert "no rate for gres/gpu:h100: 1 run, 2.0 unit-hours are in no cost" in result.output


FAKE_SACCT = """\
#!/bin/sh
for word in "$@"; do case $word in --delimiter=*) d=${word#--delimiter=};; esac; done
sed "s/|/$d/g; s/\\$/$d/" BODY
AFTER
"""


def fake_sacct(folder: Path, body: str, after: str = "") -> dict[str, str]:
    (folder / "body.txt").write_text(body)
    program = folder / "bin" / "sacct"
    program.parent.mkdir(exist_ok=True)
    program.write_text(FAKE_SACCT.replace("BODY", str(folder / "body.txt")).replace("AFTER", after))
    program.chmod(0o755)
    return {"PATH": f"{program.parent}:{os.environ['PATH']}"}


def test_a_live_window_is_read_as_a_stream(site: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    for name, value in fake_sacct(site, saved(record(JobName="a", Comment=TAGGED))).items():
        monkeypatch.setenv(name, value)
    words = ("collect", "sacct", "--since", "2026-06-01", "--until", "2026-06-03")
    result = finops(site, *words)
    assert result.exit_code == 0, result.output
    assert "2 records: 1 new run, 0 changed, 1 as before" in result.output
    windows = ledger(site).execute("SELECT since, until, status FROM ingest_runs").fetchall()
    assert windows == [
        (JUNE, JUNE + 86_400, "complete"), (JUNE + 86_400, JUNE + 172_800, "complete"),
    ]  # fmt: skip


def test_sacct_failing_half_way_keeps_what_was_whole_and_goes_on_from_there(
    site: Path,
    monkeypatch,  # type: ignore[no-untyped-def]
) -> None:
    words = ("collect", "sacct", "--since", "2026-06-01", "--until", "2026-06-02")
    after = "printf '102|torn'; echo 'sacct: error: slurmdbd went away' >&2; exit 1"
    for name, value in fake_sacct(site, saved(record(), record(JobIDRaw=101)), after).items():
        monkeypatch.setenv(name, value)
    result = finops(site, *words)
    assert result.exit_code == 3
    assert "slurmdbd went away" in result.output
    assert ledger(site).execute("SELECT COUNT(*) FROM jobs").fetchone() == (2,)
    assert ledger(site).execute("SELECT status FROM ingest_runs").fetchall() == [("failed",)]
    fake_sacct(site, saved(record(), record(JobIDRaw=101), record(JobIDRaw=102)))
    assert "1 new run, 0 changed, 2 as before" in finops(site, *words).output


def test_a_month_that_has_not_ended_is_collected_up_to_now(site: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr("slurm_finops.cli.collect.now", lambda: JUNE + 90_000)
    for name, value in fake_sacct(site, saved(record())).items():
        monkeypatch.setenv(name, value)
    words = ("collect", "sacct", "--since", "2026-06", "--until", "2026-07")
    assert finops(site, *words).exit_code == 0
    windows = ledger(site).execute("SELECT max(until) FROM ingest_runs").fetchone()
    assert windows == (JUNE + 90_000,)


@pytest.mark.parametrize(
    ("body", "said"), [("", "not even its header"), (saved("x"), "none could be read")]
)
def test_an_answer_that_says_nothing_is_no_collection(
    site: Path,
    monkeypatch,  # type: ignore[no-untyped-def]
    body: str,
    said: str,
) -> None:
    for name, value in fake_sacct(site, body).items():
        monkeypatch.setenv(name, value)
    result = finops(site, "collect", "sacct", "--since", "2026-06-01", "--until", "2026-06-02")
    assert result.exit_code in (2, 3)
    assert said in result.output
    assert ledger(site).execute("SELECT status FROM ingest_runs").fetchall() == [("failed",)]


def test_no_sacct_is_exit_3(site: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("PATH", str(site))
    result = finops(site, "collect", "sacct", "--since", "2026-06-01", "--until", "2026-06-02")
    assert result.exit_code == 3
    assert "cannot run sacct" in result.output


def run_in_the_background(site: Path, path: str) -> subprocess.Popen[bytes]:
    code = "from slurm_finops.cli import main; main()"
    words = [sys.executable, "-c", code, "-c", str(site / "finops.toml"), "collect", "sacct"]
    return subprocess.Popen([*words, "--file", path], stdout=subprocess.DEVNULL)


def stored(site: Path) -> int:
    """How many runs another process has committed so far."""
    try:
        return int(ledger(site).execute("SELECT COUNT(*) FROM jobs").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_a_collect_killed_at_any_moment_is_completed_by_the_next(site: Path) -> None:
    path = put(site, saved(*(record(JobIDRaw=i, JobName=f"n{i}") for i in range(120_000))))
    seen = []
    for least in (1, 50_001):  # killed within the second transaction, and within the third
        process = run_in_the_background(site, path)
        while stored(site) < least:
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        seen.append(stored(site))
    assert 0 < seen[0] < 120_000
    result = finops(site, "collect", "sacct", "--file", path)
    assert result.exit_code == 0
    assert ledger(site).execute("SELECT COUNT(*) FROM jobs").fetchone() == (120_000,)
    assert ledger(site).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_full_disk_is_said_and_the_same_command_completes_the_work(site: Path) -> None:
    path = put(site, saved(*(record(JobIDRaw=i, JobName="x" * 200) for i in range(20_000))))
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "from slurm_finops.cli import main; main()"
    )
    words = [sys.executable, "-c", code, "-c", str(site / "finops.toml"), "collect", "sacct"]
    full = subprocess.run([*words, "--file", path], capture_output=True, text=True, check=False)
    assert full.returncode == 3, full.stderr
    assert "make room and run the same command again" in full.stderr
    assert finops(site, "collect", "sacct", "--file", path).exit_code == 0
    assert ledger(site).execute("SELECT COUNT(*) FROM jobs").fetchone() == (20_000,)


def test_two_collects_at_once_lose_nothing(site: Path) -> None:
    paths = [
        put(site, saved(*(record(JobIDRaw=i) for i in range(start, start + 5000))), f"{start}.txt")
        for start in (0, 5000)
    ]
    processes = [run_in_the_background(site, path) for path in paths]
    assert [process.wait() for process in processes] == [0, 0]
    assert ledger(site).execute("SELECT COUNT(*) FROM jobs").fetchone() == (10_000,)

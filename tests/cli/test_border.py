"""The command line where its surroundings are hostile: no traceback, ever."""

import os
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import CONFIG, a_config, record, saved

PROGRAM = [sys.executable, "-c", "from slurm_finops.cli import main; main()"]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    a_config(tmp_path)
    other = record(JobIDRaw=2, Comment='{"team":"数据"}')
    (tmp_path / "june.txt").write_text(saved(record(), other))
    finops(tmp_path, "collect", "sacct", "--file", "june.txt")
    finops(tmp_path, "price")
    return tmp_path


def finops(folder: Path, *words: str | bytes, **more: object) -> subprocess.CompletedProcess[str]:
    command = [*PROGRAM, *words]
    options: dict = {"cwd": folder, "capture_output": True, "text": True} | more  # type: ignore[type-arg]
    done = subprocess.run(command, **options, check=False)  # type: ignore[call-overload]
    assert "Traceback" not in (done.stderr or ""), done.stderr
    return done


def test_a_disk_that_is_full_is_said_with_exit_3(site: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = finops(site, "report", "--period", "2026-06", capture_output=False, stdout=full,
                      stderr=subprocess.PIPE)  # fmt: skip
    assert (done.returncode, "No space left on device" in done.stderr) == (3, True)


def test_a_log_that_cannot_be_written_costs_no_night(site: Path) -> None:
    (site / "july.txt").write_text(saved(record(JobIDRaw=3)))
    finops(site, "collect", "sacct", "--file", "july.txt")
    with Path("/dev/full").open("w") as full:
        finops(site, "nightly", "--no-send", capture_output=False, stdout=full, stderr=full,
               env=os.environ | {"PATH": str(site)})  # fmt: skip
    with sqlite3.connect(site / "ledger.db") as db:
        assert db.execute("SELECT count(DISTINCT usage_id) FROM charges").fetchone() == (3,)
    db.close()


def test_a_terminal_of_another_alphabet(site: Path) -> None:
    done = finops(site, "report", "--period", "2026-06",
                  env=os.environ | {"PYTHONIOENCODING": "latin-1"})  # fmt: skip
    assert done.returncode == 0
    assert "\\u6570\\u636e" in done.stdout


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["report", "--team", b"\xff"], 2),
        (["report", "--by", b"\xff"], 2),
        (["collect", "sacct", "--file", b"\xff.txt"], 2),
        (["collect", "sacct", "--file", "/proc/self/mem"], 2),
        (["problems", "--settle", "9" * 30, "--why", "x"], 2),
        (["tags", "check", "--comment", b"\xff", "--strict"], 1),
        (["-c", b"\xff.toml", "check"], 1),
    ],
)
def test_arguments_that_are_no_text(site: Path, words: list, code: int) -> None:  # type: ignore[type-arg]
    assert finops(site, *words).returncode == code


def test_a_file_whose_name_is_no_text_is_collected(site: Path) -> None:
    name = os.fsencode(site) + b"/\xff.txt"
    Path(os.fsdecode(name)).write_text(saved(record(JobIDRaw=9)))
    assert finops(site, "collect", "sacct", "--file", name).returncode == 0


def test_a_pipe_and_a_closed_standard_input(site: Path) -> None:
    text = saved(record(JobIDRaw=4))
    done = finops(site, "collect", "sacct", "--file", "/dev/stdin", input=text)
    assert (done.returncode, "1 new run" in done.stdout) == (0, True)
    closed = f"exec {shlex.join(PROGRAM)} collect sacct --file - <&-"
    done = subprocess.run(
        ["sh", "-c", closed], cwd=site, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "standard input is closed" in done.stderr) == (2, True)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    a_config(tmp_path)
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        db.execute("CREATE TABLE bookmarks (url TEXT)")
    db.close()
    (tmp_path / "june.txt").write_text(saved(record()))
    done = finops(tmp_path, "collect", "sacct", "--file", "june.txt")
    assert (done.returncode, "another program's database" in done.stderr) == (2, True)
    with sqlite3.connect(tmp_path / "ledger.db") as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("bookmarks",)]
    db.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
def test_a_folder_that_may_not_be_entered_is_no_configuration(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, slurm_finops.cli.app as app\nfrom slurm_finops.cli import main\n"
        "app._DEFAULTS = (pathlib.Path(os.environ['SHUT']),)\n"
        # it may be nobody's to enter, either, where the package lies
        "import pkgutil, slurm_finops as package\nfrom importlib import import_module\n"
        "for module in pkgutil.walk_packages(package.__path__, 'slurm_finops.'):\n"
        "    import_module(module.name)\n"
        "os.setuid(65534)\nmain(['tags', 'check', '--comment', '{}'])\n"
    )
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o700)
    a_config(shut)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env=os.environ | {"SHUT": str(shut / "finops.toml")}, cwd="/",
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode, "no configuration can be read here" in done.stderr) == (0, True)


def test_thousands_of_rates_and_teams_are_read_at_once(tmp_path: Path) -> None:
    rates = "".join(
        f'[[rates]]\nsku = "gres/gpu:h100"\nprice = "1"\nfrom = 2026-01-01\n'
        f'match = {{ account = "a{i}" }}\n' for i in range(4000)
    )
    teams = "".join(f'[[teams]]\nname = "t{i}"\n' for i in range(8000))
    a_config(tmp_path, CONFIG + rates + teams)
    done = finops(tmp_path, "report", timeout=60)
    assert (done.returncode, "is not there yet" in done.stderr) == (2, True)

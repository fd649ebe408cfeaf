"""Opening a ledger: what it keeps for life, and what is said when it cannot be used."""

import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from sqlite_utils import Database

from slurm_finops.errors import ConfigError, InputError, OutsideError
from slurm_finops.ledger.lock import writer_lock
from slurm_finops.ledger.schema_moved import steps
from slurm_finops.ledger.store import SCHEMA_STEPS, Ledger
from tests.support import a_ledger, a_run, jobs, write


def test_a_ledger_opens_again_with_what_was_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    write(a_ledger(tmp_path / "l.db"), a_run())
    again = a_ledger(tmp_path / "l.db")
    assert again.db.execute("SELECT COUNT(*) FROM runs").fetchone() == (1,)


@pytest.mark.parametrize(("currency", "zone"), [("EUR", "UTC"), ("USD", "Asia/Tokyo")])
def test_currency_and_zone_are_fixed_by_the_first_run(tmp_path, currency: str, zone: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "l.db"
    a_ledger(path).close()
    Ledger.open(path, currency, zone).close()
    write(a_ledger(path), a_run())
    with pytest.raises(ConfigError, match="keeps its"):
        Ledger.open(path, currency, zone)
    with pytest.raises(ConfigError, match="keeps its"), Ledger.read(path, currency, zone):
        pass


def test_reading_makes_nothing(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match="not there yet"), Ledger.read(tmp_path / "l.db", "", ""):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_one_moment_while_another_writes(tmp_path) -> None:  # type: ignore[no-untyped-def]
    writer = a_ledger(tmp_path / "l.db")
    write(writer, a_run())
    with Ledger.read(tmp_path / "l.db", "USD", "UTC") as reader:
        write(writer, a_run(job_id_raw=2))
        assert len(jobs(reader)) == 1
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.db.execute("DELETE FROM jobs")


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("touched", [False, True])
def test_who_may_only_read_reads_a_ledger_that_nobody_writes(touched: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        ledger = a_ledger(folder / "l.db")
        write(ledger, a_run())
        ledger.close()
        (folder / "l.db").chmod(0o644)
        child = os.fork()
        if not child:
            os._exit(_read_as_nobody(folder / "l.db", touched))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == (3 if touched else 0)


def _read_as_nobody(path: Path, touched: bool) -> int:
    """The exit code of reading; ``touched``: the ledger changes meanwhile."""
    os.seteuid(65534)
    try:
        with Ledger.read(path, "USD", "UTC") as ledger:
            if len(jobs(ledger)) != 1:
                return 9
            if touched:
                os.seteuid(0)
                os.utime(path)
    except OutsideError as error:
        return error.exit_code if "changed while it was read" in str(error) else 8
    return 0


def test_others_may_not_read_a_ledger(tmp_path) -> None:  # type: ignore[no-untyped-def]
    a_ledger(tmp_path / "l.db").close()
    assert (tmp_path / "l.db").stat().st_mode & 0o777 == 0o640


def test_a_file_that_is_no_ledger_is_not_touched(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "l.db"
    path.write_text("dear diary " * 200)
    with pytest.raises(InputError, match="not a ledger"):
        a_ledger(path)
    assert path.read_text() == "dear diary " * 200


def test_a_folder_that_is_not_there_is_said(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(OutsideError, match="unable to open"):
        a_ledger(tmp_path / "no" / "l.db")


def test_money_that_is_not_an_integer_is_refused() -> None:
    ledger = a_ledger()
    ledger.db.execute("INSERT INTO skus VALUES (1, 'x', 0)")
    write(ledger, a_run())
    insert = f"INSERT INTO charges VALUES ({','.join('?' * 14)})"
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        ledger.db.execute(insert, (*[1] * 8, 0, 0, 0.5, 0, 0, 0))


def test_a_charge_whose_parts_are_not_its_cost_is_refused() -> None:
    ledger = a_ledger()
    ledger.db.execute("INSERT INTO skus VALUES (1, 'x', 0)")
    write(ledger, a_run())
    insert = f"INSERT INTO charges VALUES ({','.join('?' * 14)})"
    ledger.db.execute(insert, (1, 1, 1, 1, 1, 1, 1, 9, 9, 9, 3, 0, 2, 4))
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        ledger.db.execute(insert, (2, 1, 1, 1, 1, 1, 1, 9, 9, 9, 3, 0, 2, 5))


def test_opening_a_ledger_that_is_up_to_date_imports_no_sqlite_utils(tmp_path) -> None:  # type: ignore[no-untyped-def]
    a_ledger(tmp_path / "l.db").close()
    script = (
        "import sys\nfrom slurm_finops.ledger.store import Ledger\n"
        "Ledger.open(sys.argv[1], 'USD', 'UTC')\nassert 'sqlite_utils' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "l.db"], check=True)


def test_the_number_of_schema_steps_is_that_of_the_steps() -> None:
    assert len(steps.pending(Database(memory=True))) == SCHEMA_STEPS


def test_every_view_can_be_read() -> None:
    db = a_ledger().db
    views = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'view'")]
    assert {"runs", "costs", "shares", "credited"} <= set(views)
    assert [row for view in views for row in db.execute(f"SELECT * FROM {view}")] == []


def test_a_ledger_of_a_newer_release_is_left_alone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    ledger = a_ledger(tmp_path / "l.db")
    ledger.db.execute(f"PRAGMA user_version = {SCHEMA_STEPS + 1}")
    ledger.close()
    with pytest.raises(ConfigError, match=rf"newer slurm-finops.*step {SCHEMA_STEPS + 1}"):
        a_ledger(tmp_path / "l.db")


def test_references_are_checked_again_after_a_bulk_write_that_failed() -> None:
    ledger = a_ledger()
    with pytest.raises(ZeroDivisionError), ledger.bulk(), ledger.transaction():
        raise ZeroDivisionError
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        ledger.db.execute("INSERT INTO pricing_queue VALUES (1, 2, 3, 0)")


def test_a_second_writer_is_told_who_is_first(tmp_path) -> None:  # type: ignore[no-untyped-def]
    database = tmp_path / "l.db"
    with (
        writer_lock(database, "slurm-finops nightly"),
        pytest.raises(OutsideError, match=r"slurm-finops nightly \(pid \d+\)"),
        writer_lock(database, "slurm-finops collect"),
    ):
        pass


def test_a_writer_that_was_killed_leaves_no_lock(tmp_path) -> None:  # type: ignore[no-untyped-def]
    database = tmp_path / "l.db"
    holder = (
        "import sys, time\nfrom pathlib import Path\n"
        "from slurm_finops.ledger.lock import writer_lock\n"
        "with writer_lock(Path(sys.argv[1]), 'x'):\n  print('held', flush=True)\n  time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", holder, database], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    told: list[str] = []
    began = time.monotonic()
    process.kill()
    with writer_lock(database, "y", wait=30, waiting=told.append):
        assert time.monotonic() - began < 30
    process.wait()
    process.stdout.close()

"""Opening a ledger: what it keeps for life, and what is said when it cannot be used."""

import sqlite3
import subprocess
import sys
import time

import pytest

from slurm_finops.errors import ConfigError, InputError, OutsideError
from slurm_finops.ledger.lock import writer_lock
from slurm_finops.ledger.store import Ledger
from tests.support import a_ledger, a_run, write


def test_a_ledger_opens_again_with_what_was_written(tmp_path) -> None:  # type: ignore[no-untyped-def]
    write(a_ledger(tmp_path / "l.db"), a_run())
    again = a_ledger(tmp_path / "l.db")
    assert again.db.execute("SELECT COUNT(*) FROM runs").fetchone() == (1,)


@pytest.mark.parametrize(("currency", "zone"), [("EUR", "UTC"), ("USD", "Asia/Tokyo")])
def test_currency_and_zone_are_fixed_for_life(tmp_path, currency: str, zone: str) -> None:  # type: ignore[no-untyped-def]
    a_ledger(tmp_path / "l.db").close()
    with pytest.raises(ConfigError, match="keeps its"):
        Ledger.open(tmp_path / "l.db", currency, zone)


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
    columns = (1, 1, 1, 1, 1, 1, 1, 1, 1, 1)
    with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
        ledger.db.execute(f"INSERT INTO charges VALUES ({','.join('?' * 11)})", (*columns, 0.5))


def test_the_audit_only_grows() -> None:
    ledger = a_ledger()
    ledger.audit(1, "root", "rates", "changed")
    for statement in ("DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            ledger.db.execute(statement)


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

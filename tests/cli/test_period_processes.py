"""period close as real processes: two at once, one that is killed, and disks that do not write."""

import os
import resource
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.periods import Site, site

__all__ = ["site"]


def closing(site: Site) -> list[str]:
    return site.words("period", "close", "2026-05", "--yes", "--file", str(site.file))


def tables(site: Site) -> list[tuple[int, ...]]:
    """How much of what a close writes is there."""
    return site.sql(
        "SELECT (SELECT count(*) FROM periods), (SELECT count(*) FROM statements), "
        "(SELECT count(*) FROM statement_lines), (SELECT count(*) FROM audit "
        "WHERE action = 'period close')"
    )


def test_two_closes_at_once_close_once(site: Site) -> None:
    both = [
        subprocess.Popen(closing(site), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [one.communicate(timeout=60) for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    assert tables(site) == [(1, 2, 9, 1)]
    heads = {out.partition("head ")[2].split()[0] for out, _ in said}
    assert heads == {site.json("period", "verify")["head"]}
    assert sum("nothing was changed" in out for out, _ in said) == 1


#: Stops where the audit is to be written, the last thing of a close: by then all lines are.
STOP = """
from slurm_finops.ledger.store import Ledger
audit = Ledger.audit
def stop(self, at, actor, action, detail):
    audit(self, at, actor, action, detail)
    if action == "period close":
        self.db.execute("PRAGMA cache_size = 1")
        print("written", flush=True)
        time.sleep(60)
Ledger.audit = stop
"""


def test_a_close_that_is_killed_leaves_nothing_and_is_done_again(site: Site) -> None:
    program = closing(site)
    program[2] = program[2].replace("\n", f"\n{STOP}", 1)
    killed = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    assert killed.stdout.readline() == "written\n"
    killed.send_signal(signal.SIGKILL)
    killed.wait(timeout=10)
    killed.stdout.close()
    assert tables(site) == [(0, 0, 0, 0)]
    assert site.months() == {}
    assert site.sql("PRAGMA integrity_check") == [("ok",)]
    site.close()
    assert tables(site) == [(1, 2, 9, 1)]
    assert site.json("period", "verify")["intact"]


@pytest.mark.parametrize("after", [0.15, 0.3, 0.45, 0.6])
def test_one_that_is_killed_at_any_moment_has_closed_all_of_it_or_nothing(
    site: Site, after: float
) -> None:
    killed = subprocess.Popen(closing(site), stdout=subprocess.DEVNULL)
    time.sleep(after)
    killed.kill()
    killed.wait(timeout=10)
    assert tables(site) in ([(0, 0, 0, 0)], [(1, 2, 9, 1)])
    site.close()
    assert tables(site) == [(1, 2, 9, 1)]


def test_a_full_disk_is_said_and_the_ledger_is_as_it_was(site: Site) -> None:
    before = site.content()
    # the log of what is not yet in the ledger grows while a close writes
    most = site.database.stat().st_size
    checkpointed = sqlite3.connect(site.database)
    checkpointed.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpointed.close()

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, most))

    done = subprocess.run(closing(site), capture_output=True, text=True, preexec_fn=small,
                          check=False, timeout=60)  # fmt: skip
    assert done.returncode == 3, done
    assert "cannot write" in done.stderr
    assert "make room and run the same command again" in done.stderr
    assert site.content() == before
    site.close()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everything")
def test_a_ledger_that_may_not_be_written_is_said(site: Site) -> None:
    before = site.content()
    for path in (site.database, site.folder):
        path.chmod(path.stat().st_mode & ~0o222)
    try:
        done = subprocess.run(closing(site), capture_output=True, text=True, check=False)
    finally:
        site.folder.chmod(0o755)
    assert (done.returncode, done.stdout) == (3, "")
    assert site.content() == before


def test_a_ledger_on_a_read_only_file_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one sees it whose rights end at the file: SQLite itself says that it cannot write."""
    before = site.content()
    opened = sqlite3.connect

    def only_read(path: object, **more: object) -> sqlite3.Connection:
        return opened(f"{Path(str(path)).absolute().as_uri()}?mode=ro", uri=True, **more)  # type: ignore[arg-type]

    monkeypatch.setattr("slurm_finops.ledger.store.sqlite3.connect", only_read)
    done = site.run("period", "close", "2026-05", "--yes", "--file", str(site.file))
    monkeypatch.undo()
    assert (done.exit_code, done.stdout) == (3, "")
    assert "this user may not open" in done.stderr
    assert site.content() == before

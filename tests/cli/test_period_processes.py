"""period close as real processes: two at once, one that is killed, and disks that do not write."""

import os
import pty
import resource
import signal
import sqlite3
import subprocess
import tempfile
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


@pytest.mark.parametrize(("answer", "code"), [("n", 1), ("y", 0)])
def test_on_a_terminal_it_is_asked_once_more(site: Site, answer: str, code: int) -> None:
    person, terminal = pty.openpty()
    words = [word for word in closing(site) if word != "--yes"]
    asked = subprocess.Popen(words, stdin=terminal, stdout=subprocess.PIPE, text=True)
    os.write(person, f"{answer}\n".encode())
    said = asked.communicate(timeout=60)[0]
    os.close(person)
    os.close(terminal)
    assert asked.returncode == code
    assert said.startswith(f"Close 2026-05 of {site.database} for good? [y/N]: ")
    assert tables(site) == ([(0, 0, 0, 0)] if code else [(1, 2, 9, 1)])


#: It may be nobody's to enter, either, where the package lies.
NOBODY = """
import os, pkgutil, slurm_finops
from importlib import import_module
for module in pkgutil.walk_packages(slurm_finops.__path__, "slurm_finops."):
    import_module(module.name)
os.setuid(65534)
"""
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


@pytest.mark.parametrize("room", [20_000, 100_000])
def test_a_full_disk_is_said_and_the_ledger_is_as_it_was(site: Site, room: int) -> None:
    """Full as it is opened, and in the midst of what a close writes, of which there is 130 kB."""
    before = site.content()
    checkpointed = sqlite3.connect(site.database)
    checkpointed.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpointed.close()

    def small() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    done = subprocess.run(closing(site), capture_output=True, text=True, preexec_fn=small,
                          check=False, timeout=60)  # fmt: skip
    assert done.returncode == 3, done
    assert "cannot write" in done.stderr
    assert "make room and run the same command again" in done.stderr
    assert site.content() == before
    site.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user")
@pytest.mark.parametrize(("folder", "said"), [
    (0o755, "ledger.db.lock: Permission denied"), (0o777, "attempt to write a readonly database"),
])  # fmt: skip
def test_who_may_only_read_the_ledger_is_told_so(
    monkeypatch: pytest.MonkeyPatch, folder: int, said: str
) -> None:
    with tempfile.TemporaryDirectory() as name:
        site = Site(Path(name), monkeypatch)
        before = site.content()
        site.folder.chmod(folder)
        site.database.with_name("ledger.db.lock").unlink()
        site.database.chmod(0o644)
        program = closing(site)
        program[2] = program[2].replace("\n", f"\n{NOBODY}", 1)
        done = subprocess.run(program, capture_output=True, text=True, check=False, cwd="/")
        assert (done.returncode, done.stdout) == (3, ""), done
        assert said in done.stderr
        assert site.content() == before

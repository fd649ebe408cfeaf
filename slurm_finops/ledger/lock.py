"""One writer at a time: a lock file beside the ledger, freed by the kernel if its holder dies."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from slurm_finops.errors import OutsideError


@contextmanager
def writer_lock(
    database: Path, what: str, wait: float = 0, waiting: Callable[[str], None] = lambda who: None
) -> Iterator[None]:
    """Hold the ledger for writing, waiting up to ``wait`` seconds for another to finish.

    Raises `OutsideError` that names who holds it.
    """
    path = database.with_name(database.name + ".lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
    except OSError as error:
        raise OutsideError(f"cannot write {path}: {error.strerror}") from None
    try:
        _acquire(handle, path, wait, waiting)
        with suppress(OSError):  # on a full disk the lock holds, only its holder has no name
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{what} (pid {os.getpid()})".encode(), 0)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, path: Path, wait: float, waiting: Callable[[str], None]) -> None:
    until = time.monotonic() + wait
    told = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            holder = os.pread(handle, 200, 0).decode("utf-8", "replace") or "another program"
        if time.monotonic() >= until:
            raise OutsideError(
                f"{holder} is writing this ledger (lock {path}); nothing was done.  Run this "
                "again when it has finished"
            )
        if not told:
            waiting(holder)
            told = True
        time.sleep(0.2)

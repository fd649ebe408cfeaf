"""Keeping a snapshot served: made, served by a process of its own, and made anew when it is old.

The process that serves a snapshot never opens the ledger, and this one answers nobody.  Both
have the same listening socket: a new snapshot's server answers before the old one's ends, so
nobody is turned away.
"""

import errno
import json
import os
import select
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from types import FrameType
from typing import NamedTuple

from slurm_finops.errors import OutsideError
from slurm_finops.serving.layout import DATABASE
from slurm_finops.serving.settings import Serving

#: How long a server may take to answer for the first time, and to end.
_START_SECONDS, _END_SECONDS = 60, 10
_BACKLOG = 128
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Ended(BaseException):
    """Somebody wants this to end."""


@contextmanager
def listening(host: str, port: int, path: Path | None) -> Iterator[socket.socket]:
    """A listening socket at an address, or at a path that its folder's users may reach."""
    made = _at_path(path) if path else _at_address(host, port)
    try:
        made.listen(_BACKLOG)
        yield made
    finally:
        made.close()
        if path:
            path.unlink(missing_ok=True)


def _at_address(host: str, port: int) -> socket.socket:
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind)
    except OSError as error:
        raise OutsideError(f"--host {host}: {error.strerror or error}") from None
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
    except OSError as error:
        made.close()
        is_ours = error.errno != errno.EADDRNOTAVAIL
        hint = "name another --port" if is_ours else "this machine has no such address"
        raise OutsideError(
            f"cannot listen on {host} port {port}: {error.strerror}; {hint}"
        ) from None
    return made


def _at_path(path: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        _remove_stale(path)
        made.bind(str(path))
        path.chmod(0o660)
    except OSError as error:
        made.close()
        raise OutsideError(f"cannot listen on {path}: {error.strerror or error}") from None
    return made


def _remove_stale(path: Path) -> None:
    """A socket that nobody listens on is what a server left that could not end well."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise FileExistsError(None, "there is a file, and it is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise FileExistsError(None, "another program listens there")


class Server(NamedTuple):
    """A process that serves a snapshot, and the snapshot."""

    process: subprocess.Popen[bytes]
    snapshot: Path

    @classmethod
    def start(cls, listener: socket.socket, serving: Serving) -> "Server":
        """Serve a snapshot; returns when it answers.  Raises `OutsideError`."""
        process = subprocess.Popen(
            [sys.executable, "-m", "slurm_finops.serving.server"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, pass_fds=[listener.fileno()],
            # what a terminal sends is for us to pass on
            start_new_session=True,
        )  # fmt: skip
        server = cls(process, Path(serving.snapshot))
        asked = serving._asdict() | {"socket": listener.fileno()}
        assert process.stdin and process.stdout
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
        said = process.stdout.fileno()
        ready, _, _ = select.select([said], [], [], _START_SECONDS)
        if not ready or not os.read(said, 100).startswith(b"ready"):
            server.end()
            raise OutsideError("Datasette did not start; what it said stands above")
        return server

    def end(self) -> None:
        """End the process, and remove the snapshot."""
        process = self.process
        for pipe in (process.stdin, process.stdout):
            if pipe:
                with suppress(BrokenPipeError):
                    pipe.close()
        try:
            process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.snapshot.unlink(missing_ok=True)


class Source(NamedTuple):
    """Where snapshots come from: ``make`` writes one to a path, ``mark`` tells two apart."""

    make: Callable[[Path], Serving]
    mark: Callable[[], object]


def keep_serving(
    listener: socket.socket, source: Source, every: float, say: Callable[[str], None],
    started: Callable[[], None],
) -> None:  # fmt: skip
    """Serve until this process is told to end; look every so many seconds for something new.

    ``started`` is called when the first snapshot is served.  What goes wrong later is said,
    and the old snapshot stays.
    """
    with TemporaryDirectory(prefix="slurm-finops-serve-") as folder, _told_to_end():
        mark = source.mark()
        server = _next(listener, source, Path(folder), 0)
        number = 0
        try:
            started()
            while not _ended(server, every):
                new = source.mark()
                if new == mark:
                    continue
                number += 1
                try:
                    fresh = _next(listener, source, Path(folder), number)
                except Exception as error:  # whatever it is, yesterday's figures are still good
                    say(f"the figures of before stay: {error}")
                    continue
                server.end()
                server, mark = fresh, new
        except Ended:
            return
        finally:
            server.end()
        raise OutsideError("Datasette has ended by itself; what it said stands above")


def _next(listener: socket.socket, source: Source, folder: Path, number: int) -> Server:
    # Datasette calls a database what its file is called, and links are made with that
    place = folder / str(number)
    place.mkdir(mode=0o700)
    try:
        return Server.start(listener, source.make(place / f"{DATABASE}.db"))
    except BaseException:
        rmtree(place, ignore_errors=True)
        raise


def _ended(server: Server, seconds: float) -> bool:
    """Whether a server ends within so many seconds."""
    try:
        server.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def _told_to_end() -> Iterator[None]:
    """What ends a program raises `Ended` wherever this is; once, so that ending is not ended."""

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - signal's shape
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        raise Ended

    before = {one: signal.signal(one, end) for one in _ENDING}
    try:
        yield
    except Ended:
        pass
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def changed_since(database: Path) -> tuple[object, ...]:
    """What tells that a ledger has changed: its file, and what is not yet in it."""
    found: list[object] = []
    for path in (database, database.with_name(database.name + "-wal")):
        try:
            seen = path.stat()
        except OSError:
            continue
        # a reader may make an empty one
        if seen.st_size:
            found.append((seen.st_mtime_ns, seen.st_size))
    return tuple(found)

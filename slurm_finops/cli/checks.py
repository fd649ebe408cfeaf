"""What `check` looks at beside Slurm and the ledger itself: where the ledger lies, mail."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.errors import ConfigError, FinopsError

if TYPE_CHECKING:
    from slurm_finops.config import Config

OK, WARN, FAIL, SKIP = "ok", "warn", "fail", "skip"
#: RHEL 9 has it; before, UPSERT's and the views' SQL is not all there.
SQLITE_FLOOR = (3, 34, 0)
# Filesystems whose server may answer a lock late or not at all, and that cannot
# share memory between machines, which WAL needs (sqlite.org/wal.html).
_NETWORK = frozenset(
    "9p acfs afpfs afs beegfs ceph cifs coda davfs davfs2 fhgfs gcsfuse gfs2 glusterfs gpfs "
    "juicefs lustre ncpfs nfs nfs4 ocfs2 orangefs panfs pvfs2 quobyte rclone s3fs smb2 smb3 smbfs "
    "sshfs weka wekafs".split()
)
#: The type where no mount is known: in a chroot, / need not be one.
UNKNOWN = "unknown"
_LOCAL_FUSE = ("fuseblk", "fuse.fuse-overlayfs", "fuse.lxcfs", "fuse.ext2fs")


class Finding(NamedTuple):
    """One thing looked at: ok, warn, fail or skip; what was seen; how to mend it."""

    name: str
    verdict: str
    what: str
    mend: str = ""


def place(config: Config) -> Iterator[Finding]:
    """Where the ledger lies, and the SQLite that writes it."""
    folder = config.database.parent
    if not folder.is_dir():
        yield Finding("ledger folder", FAIL, f"{folder} does not exist", f"mkdir -p {folder}")
    else:
        yield _writable(config.database)
        if config.database.exists():
            yield _readers(config.database)
        # a link may lead to another disk than the one it lies on
        yield _filesystem(config.database.resolve().parent)
    version = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < SQLITE_FLOOR:
        floor = ".".join(map(str, SQLITE_FLOOR))
        yield Finding("SQLite", FAIL, f"{version} is too old: it takes {floor} or newer",
                      "use a Python that was built with a newer SQLite")  # fmt: skip
    else:
        yield Finding("SQLite", OK, version)


def _writable(database: Path) -> Finding:
    # SQLite and the lock make files beside the ledger, so the folder counts, too
    for path in (database.parent, database):
        if path.exists() and not os.access(path, os.W_OK):
            return Finding("ledger folder", FAIL, f"this user cannot write {path}",
                           "run this as the user who collects, or give it the right to write "
                           "there")  # fmt: skip
    return Finding("ledger folder", OK, f"{database.parent} can be written")


def _readers(database: Path) -> Finding:
    mode = database.stat().st_mode & 0o777
    if mode & 0o007:
        return Finding("ledger readers", WARN, f"everybody here may read {database} (mode "
                       f"{mode:04o}): who ran what, every comment and every mail",
                       f"chmod o= {database}")  # fmt: skip
    return Finding("ledger readers", OK, f"its owner and group only (mode {mode:04o})")


def _filesystem(folder: Path) -> Finding:
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError as error:
        return Finding("filesystem", SKIP, f"/proc/self/mountinfo: {error.strerror}")
    mount, kind = filesystem_of(folder, mounts)
    if kind == UNKNOWN:
        return Finding("filesystem", SKIP, f"what holds {folder} is in no line of "
                       "/proc/self/mountinfo: is this a chroot?")  # fmt: skip
    where = f"{folder} is on {kind}, mounted at {mount}"
    mend = "move the ledger to a local disk, and set database in the configuration to it"
    if is_network(kind):
        return Finding("filesystem", FAIL, f"{where}: SQLite's locks do not hold on a network "
                       "filesystem, and a ledger there can be damaged", mend)  # fmt: skip
    if kind.startswith("fuse") and kind not in _LOCAL_FUSE:
        return Finding("filesystem", WARN, f"{where}: a FUSE filesystem often is one on a "
                       "network", mend)  # fmt: skip
    return Finding("filesystem", OK, where)


def is_network(kind: str) -> bool:
    """Whether a type of filesystem, as in /proc/self/mountinfo, has its server elsewhere."""
    return kind.removeprefix("fuse.") in _NETWORK


def filesystem_of(path: Path, mountinfo: str) -> tuple[str, str]:
    """``(mount point, type)`` of what holds ``path``, from /proc/self/mountinfo.

    The longest mount point above the path; of several there the last, which
    covers the others (proc(5)); ``("/", UNKNOWN)`` if there is none.
    """
    found = "/", UNKNOWN
    for line in mountinfo.splitlines():
        head, _, tail = line.partition(" - ")
        if len(head.split()) < 5 or not tail:
            continue
        mount = _unescaped(head.split()[4])
        if path.is_relative_to(mount) and len(mount) >= len(found[0]):
            found = mount, tail.split()[0]
    return found


def _unescaped(text: str) -> str:
    """Blank, tab, newline and backslash stand in mountinfo as octal (proc(5))."""
    for octal, char in (("040", " "), ("011", "\t"), ("012", "\n"), ("134", "\\")):
        text = text.replace(f"\\{octal}", char)
    return text


def mail(config: Config) -> Iterator[Finding]:
    """The password's file and the server, which is logged in to and sent nothing."""
    from slurm_finops.delivery.smtp import SmtpServer

    settings = config.mail
    if settings is None:
        yield Finding("mail", SKIP, "no [mail] in the configuration: no mail is ever sent")
        return
    try:
        server = SmtpServer.parse(settings.smtp, settings.password_file)
        password = server.password
    except ConfigError as error:
        yield Finding("mail", FAIL, str(error), f"mend [mail] in {config.path}")
        return
    if server.user and password is None:
        yield Finding("mail password", WARN, f"{settings.smtp} names a user, but there is no "
                      "password_file: nobody logs in", "add password_file to [mail], or take the "
                      "user out of smtp")  # fmt: skip
    elif password is not None:
        yield Finding("mail password", OK, f"{settings.password_file}, for this user's eyes only")
    try:
        yield Finding("mail", OK, f"reached {server.probe()}")
    except FinopsError as error:
        yield Finding("mail", FAIL, str(error), f"mend smtp in [mail] of {config.path}, or ask "
                      "who runs that server")  # fmt: skip

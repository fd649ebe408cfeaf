"""What `check` looks at beside Slurm: the ledger and where it lies, rates, mail."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import count
from slurm_finops.errors import ConfigError, FinopsError

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.period import Period
    from slurm_finops.ledger.store import Ledger

OK, WARN, FAIL, SKIP = "ok", "warn", "fail", "skip"
#: RHEL 9 has it; before, UPSERT's and the views' SQL is not all there.
SQLITE_FLOOR = (3, 34, 0)
_FRESH_SECONDS = 2 * 86_400
_NAMED = 5
# Filesystems whose server may answer a lock late or not at all, and that cannot
# share memory between machines, which WAL needs (sqlite.org/wal.html).
_NETWORK = frozenset(
    "9p acfs afpfs afs beegfs ceph cifs coda davfs davfs2 fhgfs gcsfuse gfs2 glusterfs gpfs "
    "juicefs lustre ncpfs nfs nfs4 ocfs2 orangefs panfs pvfs2 quobyte rclone s3fs smb2 smb3 smbfs "
    "sshfs weka wekafs".split()
)
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


def _filesystem(folder: Path) -> Finding:
    try:
        mounts = Path("/proc/self/mountinfo").read_text("utf-8", "surrogateescape")
    except OSError as error:
        return Finding("filesystem", SKIP, f"/proc/self/mountinfo: {error.strerror}")
    mount, kind = filesystem_of(folder, mounts)
    where = f"{folder} is on {kind}, mounted at {mount}"
    mend = "move the ledger to a local disk, and set database in the configuration to it"
    if kind.removeprefix("fuse.") in _NETWORK:
        return Finding("filesystem", FAIL, f"{where}: SQLite's locks do not hold on a network "
                       "filesystem, and a ledger there can be damaged", mend)  # fmt: skip
    if kind.startswith("fuse") and kind not in _LOCAL_FUSE:
        return Finding("filesystem", WARN, f"{where}: a FUSE filesystem often is one on a "
                       "network", mend)  # fmt: skip
    return Finding("filesystem", OK, where)


def filesystem_of(path: Path, mountinfo: str) -> tuple[str, str]:
    """``(mount point, type)`` of what holds ``path``, from /proc/self/mountinfo.

    The longest mount point above the path; of several there the last, which
    covers the others (proc(5)).
    """
    found = "/", "unknown"
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


def ledger(config: Config, period: Period, as_of: int) -> Iterator[Finding]:
    """The ledger's own state; nothing in it is changed."""
    if not config.database.exists():
        yield Finding("ledger", SKIP, f"{config.database} is not there yet: the first collection "
                      "makes it")  # fmt: skip
        yield _rates(config)
        return
    uri = f"{config.database.as_uri()}?mode=ro"
    try:
        db = sqlite3.connect(uri, uri=True, timeout=10)
    except sqlite3.Error as error:
        yield Finding("ledger", FAIL, f"{config.database}: {error}", _RESTORE)
        return
    try:
        whole = _integrity(db, config)
        yield whole
        if whole.verdict != FAIL:
            yield from _contents(db, config, period, as_of)
    except sqlite3.Error as error:
        yield Finding("ledger", FAIL, f"{config.database}: {error}", "if this release is newer "
                      "than the ledger, any command that writes brings it up to date: "
                      "slurm-finops price")  # fmt: skip
    finally:
        db.close()


_RESTORE = "restore it from a backup, or move it away and collect anew"


def _integrity(db: sqlite3.Connection, config: Config) -> Finding:
    path = config.database
    try:
        said = [row[0] for row in db.execute("PRAGMA quick_check(3)") if row[0] != "ok"]
        # bulk writers do not check references, row by row; this looks at all of them
        said += [
            f"row {row} of {table} names a row of {parent} that is not there"
            for table, row, parent, _ in islice(db.execute("PRAGMA foreign_key_check"), 3)
        ]
        fixed = dict(db.execute("SELECT key, value FROM settings"))
    except sqlite3.DatabaseError as error:
        return Finding("ledger", FAIL, f"{path}: {error}", _RESTORE)
    if said:
        return Finding("ledger", FAIL, f"{path} is damaged: {'; '.join(said)}", _RESTORE)
    for key, value in (("currency", config.currency), ("timezone", config.timezone)):
        if fixed.get(key, value) != value:
            return Finding(
                "ledger", FAIL, f"{path} was made with {key} {fixed[key]!r}, the configuration "
                f"says {value!r}", f"put {key} = {fixed[key]!r} back, or name a new database",
            )  # fmt: skip
    (runs,) = db.execute("SELECT count(*) FROM jobs").fetchone()
    return Finding("ledger", OK, f"{path}: whole, {count(runs, 'run')}")


def _contents(
    db: sqlite3.Connection, config: Config, period: Period, as_of: int
) -> Iterator[Finding]:
    from slurm_finops.ledger.store import Ledger

    opened = Ledger(db, str(config.database))
    yield _unpriced(db, config, period)
    yield _pricing(opened, config)
    yield _collection(opened, config, as_of)
    yield _problems(db, config)
    yield _held(db)
    yield _provisional(db)
    yield _outbox(db)


def _unpriced(db: sqlite3.Connection, config: Config, period: Period) -> Finding:
    from slurm_finops.ledger.spend import Scope, unpriced

    missing = unpriced(db, Scope(period.first, period.last))
    if missing:
        what = ", ".join(
            f"{sku} ({count(runs, 'run')}, {seconds / 3600:,.1f} unit-hours)"
            for sku, runs, seconds in missing
        )
        return Finding("rates", FAIL, f"in {period.label} no rate prices {what}: they are in no "
                       "cost", f"add them to [[rates]] in {config.path}, then: slurm-finops price"
                       )  # fmt: skip
    return _rates(config, f"; all that was priced in {period.label} has one")


def _rates(config: Config, covered: str = "") -> Finding:
    if config.rates:
        return Finding("rates", OK, count(len(config.rates), "rate") + covered)
    return Finding("rates", WARN, "there is no price yet: runs are collected, and cost nothing",
                   f"put prices into [[rates]] in {config.path}")  # fmt: skip


def _pricing(opened: Ledger, config: Config) -> Finding:
    from slurm_finops.core.rates import touched
    from slurm_finops.ledger.pricing import priced_through
    from slurm_finops.ledger.rates import stored_rates
    db = opened.db
    (waiting,) = db.execute(
        "SELECT (SELECT count(*) FROM jobs WHERE id > ?) + (SELECT count(*) FROM pricing_queue)",
        (priced_through(opened),),
    ).fetchone()
    mend = "slurm-finops price"
    if waiting:
        return Finding("pricing", WARN, f"{count(waiting, 'run')} not priced yet", mend)
    if touched(stored_rates(db), config.rates):
        return Finding("pricing", WARN, "the rates have changed since the last pricing", mend)
    return Finding("pricing", OK, "every run is priced, by the rates as they are now")


def by_class(config: Config) -> Finding | None:
    """Rates matched by ``class``: no team has one yet."""
    places = [rate.where for rate in config.rates if "class" in dict(rate.match)]
    if not places:
        return None
    return Finding("rates by class", WARN, f"{', '.join(places)}: match by class, which no team "
                   "has yet: they never apply", "match by account, partition or QOS")  # fmt: skip


def was_live(config: Config) -> bool:
    """Whether the ledger was ever fed by sacct itself."""
    try:
        db = sqlite3.connect(f"{config.database.as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return False
    try:
        query = "SELECT 1 FROM ingest_runs WHERE source = 'sacct' LIMIT 1"
        return db.execute(query).fetchone() is not None
    except sqlite3.Error:
        return False
    finally:
        db.close()


def _collection(opened: Ledger, config: Config, as_of: int) -> Finding:
    from slurm_finops.ledger.ingest import collected_through
    through = collected_through(opened, "sacct", config.cluster)
    failed = opened.db.execute(
        "SELECT detail FROM ingest_runs WHERE source = 'sacct' AND cluster = ? "
        "AND status = 'failed' AND id = (SELECT max(id) FROM ingest_runs WHERE source = 'sacct' "
        "AND cluster = ?)",
        (config.cluster, config.cluster),
    ).fetchone()
    mend = "see that nightly runs (cron, its mail), then: slurm-finops collect sacct"
    last = f"; the last collection failed: {failed[0]}" if failed else ""
    if through is None:
        if failed:
            return Finding("collection", FAIL, f"never whole{last}", mend)
        return Finding("collection", SKIP, f"nothing was collected live for {config.cluster}")
    what = f"whole up to {config.calendar.isoformat(through)}{last}"
    if as_of - through > _FRESH_SECONDS:
        days = (as_of - through) // 86_400
        return Finding("collection", FAIL, f"{what}: {count(days, 'day')} behind", mend)
    return Finding("collection", WARN if failed else OK, what, mend if failed else "")


def _problems(db: sqlite3.Connection, config: Config) -> Finding:
    (number,) = db.execute("SELECT count(*) FROM problems").fetchone()
    if not number:
        return Finding("problems", OK, "every record could be read")
    reason, most = db.execute(
        "SELECT reason, count(*) FROM problems GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchone()
    return Finding(
        "problems", WARN,
        f"{count(number, 'record')} could not be read; {most:,} of them: {reason}",
        f'sqlite3 {config.database} "SELECT source, reason, text FROM problems"',
    )  # fmt: skip


def _held(db: sqlite3.Connection) -> Finding:
    from slurm_finops.ledger.held import held_runs

    held = held_runs(db)
    if not held:
        return Finding("held runs", OK, "none")
    names = ", ".join(f"{run} ({why})" for run, why in held[:_NAMED])
    more = f" and {len(held) - _NAMED:,} more" if len(held) > _NAMED else ""
    return Finding(
        "held runs", WARN, f"{count(len(held), 'run')} held unbilled: {names}{more}",
        "sacctmgr show runawayjobs lists and mends runaway ones; then: slurm-finops collect sacct",
    )  # fmt: skip


def _provisional(db: sqlite3.Connection) -> Finding:
    (number,) = db.execute("SELECT count(*) FROM jobs WHERE provisional = 1").fetchone()
    return Finding("provisional", OK, f"{count(number, 'run')} had not ended when seen last; "
                   "billed up to then" if number else "every run has ended")  # fmt: skip


def _outbox(db: sqlite3.Connection) -> Finding:
    rows = db.execute(
        "SELECT id, recipient, status, ifnull(detail, '') FROM outbox "
        "WHERE status IN ('failed', 'unknown') ORDER BY id"
    ).fetchall()
    if not rows:
        return Finding("outbox", OK, "no mail waits for a decision")
    number, recipient, status, detail = rows[0]
    meaning = "may or may not have arrived" if status == "unknown" else "was refused"
    return Finding(
        "outbox", WARN,
        f"{count(len(rows), 'mail')} not known to be delivered; the first: {number} to {recipient} "
        f"{meaning}" + (f" ({detail})" if detail else ""),
        f"slurm-finops send --resend {number}",
    )  # fmt: skip


def mail(config: Config) -> Iterator[Finding]:
    """The password's file and the server, which is logged in to and sent nothing."""
    from slurm_finops.delivery.smtp import SmtpServer

    settings = config.mail
    if settings is None:
        yield Finding("mail", SKIP, "no [mail] in the configuration: nothing is ever sent")
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

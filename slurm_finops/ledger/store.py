"""Opening a ledger: one connection, its settings, and errors in a person's words."""

import gc
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slurm_finops.errors import ConfigError, FinopsError, InputError, OutsideError

_BUSY_MS = 60_000
_CACHE_KIB = 32_768
#: How many steps `ledger.schema` has; it is only imported where one is missing.
SCHEMA_STEPS = 22


class Ledger:
    """An open ledger.  ``db`` is the connection, in autocommit: writers say `transaction`."""

    def __init__(self, db: sqlite3.Connection, path: str) -> None:
        self.db = db
        self.path = path

    @classmethod
    def open(cls, path: str | Path, currency: str, timezone: str) -> "Ledger":
        """Open ``path`` for writing, made if absent and brought to the newest schema step.

        Currency and billing zone are fixed once it holds a run; raises
        `ConfigError` if the configuration no longer says the same.
        """
        ledger = cls._connect(str(path))
        with translated(ledger.path):
            ledger._migrate()
            ledger._fix({"currency": currency, "timezone": timezone})
        return ledger

    @classmethod
    @contextmanager
    def read(cls, path: Path, currency: str, timezone: str) -> Iterator["Ledger"]:
        """Open ``path`` for reading only, as one may who has no right to write there.

        Raises `InputError` if there is none, and `OutsideError` if it changed
        while it was read, which only a reader without that right need fear.
        """
        if not path.exists():
            raise InputError(f"{path} is not there yet: slurm-finops collect makes it")
        with translated(str(path)):
            db, before = _read_only(path)
            ledger = cls(db, str(path))
            try:
                ledger._check_read({"currency": currency, "timezone": timezone})
                yield ledger
            finally:
                db.close()
        if before and before != _version(path):
            raise OutsideError(f"{path} changed while it was read; run this again")

    @classmethod
    def _connect(cls, path: str) -> "Ledger":
        with translated(path):
            made = path != ":memory:" and not Path(path).exists()
            db = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_MS / 1000)
            # before anything is stored; has no effect on a ledger that has pages
            db.execute("PRAGMA page_size = 8192")
            db.execute("PRAGMA journal_mode = WAL")
            # WAL with NORMAL never corrupts; power loss may undo the last
            # transactions, and collecting again brings them back
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            # fewer checkpoints: a page that many batches touch is copied once
            db.execute("PRAGMA wal_autocheckpoint = 8000")
            db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        if made:
            # who ran what, and what it cost, is not everybody's business
            Path(path).chmod(0o640)
        return cls(db, path)

    def _migrate(self) -> None:
        made = self._steps_made()
        if made > SCHEMA_STEPS:
            raise ConfigError(_newer(self.path, made))
        if made < SCHEMA_STEPS:
            from sqlite_utils import Database

            from slurm_finops.ledger.schema_stated import steps

            # the whole in one transaction: another process may be opening it, too
            if not made and self.db.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise InputError(
                    f"{self.path} is another program's database; nothing in it was changed.  Name "
                    "a new file as database"
                )
            with self.transaction() as db:
                steps.apply(Database(db, execute_plugins=False))
                db.execute(f"PRAGMA user_version = {SCHEMA_STEPS}")

    def _check_read(self, fixed: dict[str, str]) -> None:
        made = self._steps_made()
        if made > SCHEMA_STEPS:
            raise ConfigError(_newer(self.path, made))
        if made < SCHEMA_STEPS:
            raise OutsideError(
                f"{self.path} was made by an older slurm-finops: any command that writes brings it "
                "up to date, such as slurm-finops price"
            )
        if not self._is_empty():
            self._compare(fixed)

    def _steps_made(self) -> int:
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    def _is_empty(self) -> bool:
        return self.db.execute("SELECT 1 FROM jobs LIMIT 1").fetchone() is None

    def _fix(self, fixed: dict[str, str]) -> None:
        if not self._is_empty():
            self._compare(fixed)
        for key, value in fixed.items():
            if self.setting(key) != value:
                self.set(key, value)

    def _compare(self, fixed: dict[str, str]) -> None:
        for key, value in fixed.items():
            stored = self.setting(key)
            if stored not in (None, value):
                raise ConfigError(
                    f"{key} = {value!r}, but {self.path} was made with {stored!r}: a ledger that "
                    f"holds runs keeps its {key} for life.  Put {stored!r} back, or name a new "
                    "database"
                )

    def setting(self, key: str) -> str | None:
        """A stored setting."""
        row = self.db.execute("SELECT value FROM settings WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def set(self, key: str, value: str) -> None:
        """Store a setting."""
        self.db.execute(
            "INSERT INTO settings VALUES (?, ?) "
            "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of the block or nothing; waits for another writer."""
        with translated(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """For writers of millions of rows; begin it outside a transaction.

        No foreign-key checks, a fifth of storing a run (measured on SQLite 3.40):
        each id was looked up just before, and `check` proves all of them together.
        No cycle collector, a tenth: there are many tuples, and none is in a cycle.
        """
        collecting = gc.isenabled()
        self.db.execute("PRAGMA foreign_keys = OFF")
        gc.disable()
        try:
            yield
        finally:
            self.db.execute("PRAGMA foreign_keys = ON")
            if collecting:
                gc.enable()

    def audit(self, at: int, actor: str, action: str, detail: str) -> None:
        """Append to the audit."""
        self.db.execute(
            "INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?)",
            (at, actor, action, detail),
        )

    def close(self) -> None:
        self.db.close()


def _newer(path: str, step: int) -> str:
    return (
        f"{path} was made by a newer slurm-finops (schema step {step}, this one knows "
        f"{SCHEMA_STEPS}): upgrade this one"
    )


def _read_only(path: Path) -> tuple[sqlite3.Connection, tuple[int, int] | None]:
    """A connection for reading; with what must not change meanwhile, where that matters.

    In WAL mode even a reader makes files beside the ledger.  One who may not is
    shown it as it is, without a lock, and then it must not have changed.
    """
    try:
        return _snapshot(path, "mode=ro"), None
    except sqlite3.OperationalError:
        if path.with_name(path.name + "-wal").exists() or not os.access(path, os.R_OK):
            raise
    before = _version(path)
    return _snapshot(path, "immutable=1"), before


def _snapshot(path: Path, how: str) -> sqlite3.Connection:
    """A connection whose every answer is of the same moment, whoever writes meanwhile."""
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None,
        timeout=_BUSY_MS / 1000,
    )  # fmt: skip
    try:
        db.execute("BEGIN")
        db.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db


def _version(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


@contextmanager
def translated(path: str) -> Iterator[None]:
    """sqlite3's errors as ours, with what to do next."""
    try:
        yield
    except sqlite3.Error as error:
        raise _explained(path, error) from error
    except OverflowError as error:
        # 2.56 billion currency units for one run, SKU and day; or a damaged record
        raise InputError(f"a number is too large for the ledger (64 bits): {error}") from error


def _explained(path: str, error: sqlite3.Error) -> FinopsError:
    text = str(error)
    if "not a database" in text or "malformed" in text:
        hint = "Restore it from a backup, or move it away"
        return InputError(f"{path} is not a ledger: {text}.  {hint}")
    if "locked" in text or "busy" in text:
        return OutsideError(
            f"another program has been writing {path} for {_BUSY_MS // 1000} s; run this again "
            "when it is done.  Nothing was changed"
        )
    if "full" in text or "I/O" in text:
        return OutsideError(
            f"cannot write {path}: {text}.  What was whole is kept: make room and run the same "
            "command again"
        )
    if "readonly" in text or "unable to open" in text:
        return OutsideError(
            f"this user may not open {path} ({text}): check the path, and run this as the user "
            "who collects"
        )
    return OutsideError(f"{path}: {text}")

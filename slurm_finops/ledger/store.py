"""Opening a ledger: one connection, its settings, and errors in a person's words."""

import gc
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slurm_finops.errors import ConfigError, FinopsError, InputError, OutsideError

_BUSY_MS = 60_000
_CACHE_KIB = 32_768
#: How many steps `ledger.schema` has; it is only imported where one is missing.
SCHEMA_STEPS = 2


class Ledger:
    """An open ledger.  ``db`` is the connection, in autocommit: writers say `transaction`."""

    def __init__(self, db: sqlite3.Connection, path: str) -> None:
        self.db = db
        self.path = path

    @classmethod
    def open(cls, path: str | Path, currency: str, timezone: str) -> "Ledger":
        """Open ``path``, made if absent and brought to the newest schema step.

        Currency and billing zone are fixed when a ledger is made; raises
        `ConfigError` if the configuration no longer says the same.
        """
        ledger = cls._connect(str(path))
        with translated(ledger.path):
            ledger._migrate()
            ledger._fix("currency", currency)
            ledger._fix("timezone", timezone)
        return ledger

    @classmethod
    def _connect(cls, path: str) -> "Ledger":
        with translated(path):
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
        return cls(db, path)

    def _migrate(self) -> None:
        made = self._steps_made()
        if made > SCHEMA_STEPS:
            raise ConfigError(
                f"{self.path} was made by a newer slurm-finops (schema step {made}, this one knows "
                f"{SCHEMA_STEPS}): upgrade this one"
            )
        if made < SCHEMA_STEPS:
            from sqlite_utils import Database

            from slurm_finops.ledger.schema import steps

            # the whole in one transaction: another process may be opening it, too
            with self.transaction() as db:
                steps.apply(Database(db, execute_plugins=False))
                db.execute(f"PRAGMA user_version = {SCHEMA_STEPS}")

    def _steps_made(self) -> int:
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    def _fix(self, key: str, value: str) -> None:
        stored = self.setting(key)
        if stored is None:
            self.set(key, value)
        elif stored != value:
            raise ConfigError(
                f"{key} = {value!r}, but {self.path} was made with {stored!r}: a ledger keeps its "
                f"{key} for life.  Put {stored!r} back, or name a new database"
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
        return OutsideError(f"cannot write {path}: {text}.  Check the path and its permissions")
    return OutsideError(f"{path}: {text}")

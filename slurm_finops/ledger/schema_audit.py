"""Step of the ledger's tables that closes the audit to what replaces a row."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import statements
from slurm_finops.ledger.schema_told_to import steps as steps

#: SQLite fires no trigger for the row that an INSERT OR REPLACE deletes (unless
#: recursive_triggers is on, which whoever opens the file decides).  So an entry may only be put
#: behind the last one: nothing in between, and nothing so far ahead that no number is left.
#: Before an INSERT without an id, NEW.id is -1.
_KEPT = """
CREATE TRIGGER audit_kept_3 BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_kept_4 AFTER INSERT ON audit
WHEN NEW.id <> ifnull((SELECT max(id) FROM audit WHERE id <> NEW.id), 0) + 1
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
"""


@steps(name="0018_audit_kept")
def _audit_kept(db: Database) -> None:
    for statement in statements(_KEPT):
        db.conn.execute(statement)

"""Step of the ledger's tables for journals: what was sent to finance, and what it answered."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import one_of, statements
from slurm_finops.ledger.schema_periods import steps as steps


def _kept(table: str, said: str) -> str:
    """Triggers against what changes a row or puts another in its place.

    As of the audit: an INSERT OR REPLACE fires none for the row that it deletes.
    """
    stop = f"BEGIN SELECT RAISE(ABORT, '{said}'); END;"
    return f"""
CREATE TRIGGER {table}_kept_1 BEFORE UPDATE ON {table} {stop}
CREATE TRIGGER {table}_kept_2 BEFORE DELETE ON {table} {stop}
"""


_TABLES = f"""
-- A line of a journal as it was first exported.  amount_minor: above 0 for a debit; category:
-- '' of a payer's line, and of the other side all from fund to cost_center are.
CREATE TABLE journal_lines (
  external_id TEXT PRIMARY KEY, period TEXT NOT NULL, statement TEXT NOT NULL,
  entity TEXT NOT NULL, account TEXT NOT NULL,
  amount_minor INTEGER NOT NULL CHECK (typeof(amount_minor) = 'integer' AND amount_minor <> 0),
  category TEXT NOT NULL, fund TEXT NOT NULL, team TEXT NOT NULL, project TEXT NOT NULL,
  cost_center TEXT NOT NULL, correction INTEGER NOT NULL CHECK (correction IN (0, 1)),
  exported_at INTEGER NOT NULL) WITHOUT ROWID;
{_kept("journal_lines", "what was exported is append-only")}
CREATE TRIGGER journal_lines_kept_3 BEFORE INSERT ON journal_lines
WHEN EXISTS (SELECT 1 FROM journal_lines WHERE external_id = NEW.external_id)
BEGIN SELECT RAISE(ABORT, 'what was exported is append-only'); END;

-- What finance said of a line; of several the last holds.
CREATE TABLE journal_status (
  id INTEGER PRIMARY KEY,
  external_id TEXT NOT NULL REFERENCES journal_lines (external_id),
  status TEXT NOT NULL {one_of("status", "accepted rejected")},
  reason TEXT NOT NULL, reference TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL);
CREATE INDEX journal_status_of ON journal_status (external_id);
{_kept("journal_status", "what finance said is append-only")}
CREATE TRIGGER journal_status_kept_3 BEFORE INSERT ON journal_status
WHEN EXISTS (SELECT 1 FROM journal_status WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'what finance said is append-only'); END;
CREATE TRIGGER journal_status_kept_4 AFTER INSERT ON journal_status
WHEN NEW.id <> ifnull((SELECT max(id) FROM journal_status WHERE id <> NEW.id), 0) + 1
BEGIN SELECT RAISE(ABORT, 'what finance said is append-only'); END;

-- What finance did not take and so went to suspense, in the month that closed then.
CREATE TABLE journal_moved (
  external_id TEXT PRIMARY KEY REFERENCES journal_lines (external_id),
  period_id INTEGER NOT NULL REFERENCES periods (id)) WITHOUT ROWID;
{_kept("journal_moved", "what went to suspense is append-only")}
"""


@steps(name="0021_journal")
def _journal(db: Database) -> None:
    for statement in statements(_TABLES):
        db.conn.execute(statement)

"""Step of the ledger's tables for billing periods: what was stated, and may never change."""

from sqlite_utils import Database

from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.schema import statements
from slurm_finops.ledger.schema_retags import steps as steps

MONEY = ("list", "contracted", "effective", "billed")
#: Whole units of currency and ticks beside them, as in `allocations`.
COLUMNS = tuple(f"{money}_{part}" for money in MONEY for part in ("units", "ticks"))


def _integers(columns: tuple[str, ...]) -> str:
    return ", ".join(f"{c} INTEGER NOT NULL CHECK (typeof({c}) = 'integer')" for c in columns)


def _revocable(table: str, given: str, said: str) -> str:
    """Triggers by which rows can be revoked, once, and nothing else of them ever changes."""
    columns = given.split()
    new, old = (", ".join(f"{row}.{column}" for column in columns) for row in ("NEW", "OLD"))
    stop = f"BEGIN SELECT RAISE(ABORT, '{said}'); END;"
    return f"""
CREATE TRIGGER {table}_kept_1 BEFORE UPDATE ON {table}
WHEN OLD.revoked_at IS NOT NULL OR ({new}) IS NOT ({old}) {stop}
CREATE TRIGGER {table}_kept_2 BEFORE DELETE ON {table} {stop}
"""


_REVOKED = """revoked_at INTEGER, revoked_by TEXT, revoked_why TEXT CHECK (trim(revoked_why) <> ''),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)
    AND (revoked_at IS NULL) = (revoked_why IS NULL))"""

_TABLES = f"""
-- Who drew a month up for review, when, and what it came to, in all and (as JSON) on each
-- statement; the last holds.
CREATE TABLE drafts (
  id INTEGER PRIMARY KEY, period TEXT NOT NULL, at INTEGER NOT NULL, actor TEXT NOT NULL,
  {_integers(("amount_minor",))}, statements TEXT NOT NULL);
-- A closed month.  basis: by what it was made (rates, pools, policy, configuration, checks and
-- waivers) as JSON; sha256: over all of it and over the head of the month before.
CREATE TABLE periods (
  id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE,
  first INTEGER NOT NULL, last INTEGER NOT NULL CHECK (last > first),
  closed_at INTEGER NOT NULL, closed_by TEXT NOT NULL, drafted_by TEXT NOT NULL,
  tool TEXT NOT NULL, basis TEXT NOT NULL,
  {_integers(("amount_minor",))}, lines INTEGER NOT NULL,
  previous TEXT NOT NULL, sha256 TEXT NOT NULL CHECK (length(sha256) = 64));
CREATE TABLE statements (
  id INTEGER PRIMARY KEY, period_id INTEGER NOT NULL REFERENCES periods (id),
  series TEXT NOT NULL, place INTEGER NOT NULL CHECK (place > 0), number TEXT NOT NULL UNIQUE,
  entity TEXT NOT NULL, kind TEXT NOT NULL, owner TEXT,
  {_integers(("amount_minor",))}, first_line INTEGER NOT NULL, lines INTEGER NOT NULL,
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64), UNIQUE (series, place));
CREATE INDEX statements_of ON statements (period_id);

-- What lines name, each once: id of tags is a hash of them.
CREATE TABLE posted_tags (
  id INTEGER PRIMARY KEY, {", ".join(f"{key} TEXT" for key in KEYS)});
CREATE TABLE posted_items (
  id INTEGER PRIMARY KEY, category TEXT NOT NULL, sku TEXT NOT NULL, pricing TEXT NOT NULL,
  origin TEXT NOT NULL, method TEXT NOT NULL, of_class TEXT NOT NULL,
  UNIQUE (category, sku, pricing, origin, method, of_class));
CREATE TABLE posted_payers (
  id INTEGER PRIMARY KEY, fund TEXT NOT NULL, account TEXT NOT NULL, entity TEXT NOT NULL,
  UNIQUE (fund, account, entity));
-- A day's part of what a statement says; line: its number on the statement, whose rows have
-- adjoining ids.  original_id: the statement that it corrects, NULL where there was none;
-- seal: the first 63 bits of the row's own SHA-256.
-- No trigger guards these: whoever can open the file can drop one.  The chain of hashes does.
CREATE TABLE statement_lines (
  id INTEGER PRIMARY KEY, statement_id INTEGER NOT NULL REFERENCES statements (id),
  line INTEGER NOT NULL, original_id INTEGER REFERENCES statements (id),
  correction INTEGER NOT NULL CHECK (correction IN (0, 1)),
  day INTEGER NOT NULL, cluster_id INTEGER NOT NULL,
  tags_id INTEGER NOT NULL REFERENCES posted_tags (id),
  item_id INTEGER NOT NULL REFERENCES posted_items (id),
  payer_id INTEGER NOT NULL REFERENCES posted_payers (id),
  {_integers(("unit_seconds", *COLUMNS, "amount_minor"))},
  seal INTEGER NOT NULL);
CREATE INDEX statement_lines_days ON statement_lines (day);

-- Days of closed months on which costs have changed since they were stated.
CREATE TABLE unstated_days (day INTEGER PRIMARY KEY);

-- What is put on an owner's statement of a month by hand: a disputed line that is credited.
CREATE TABLE adjustments (
  id INTEGER PRIMARY KEY, period TEXT NOT NULL, team TEXT, project TEXT,
  amount_minor INTEGER NOT NULL CHECK (typeof(amount_minor) = 'integer' AND amount_minor <> 0),
  reason TEXT NOT NULL CHECK (trim(reason) <> ''), approver TEXT NOT NULL,
  at INTEGER NOT NULL, actor TEXT NOT NULL, {_REVOKED});
-- What of a month an owner disputes, and so is not stated until it is released.
CREATE TABLE holds (
  id INTEGER PRIMARY KEY, period TEXT NOT NULL, team TEXT, project TEXT,
  reason TEXT NOT NULL CHECK (trim(reason) <> ''),
  at INTEGER NOT NULL, actor TEXT NOT NULL, {_REVOKED});
-- What one fund paid of a closed month and another is to pay; stated in period_id, once.
CREATE TABLE moves (
  id INTEGER PRIMARY KEY, period TEXT NOT NULL, team TEXT, project TEXT,
  from_fund TEXT NOT NULL, to_fund TEXT NOT NULL CHECK (to_fund <> from_fund),
  justification TEXT NOT NULL CHECK (trim(justification) <> ''),
  approver TEXT NOT NULL CHECK (trim(approver) <> ''),
  at INTEGER NOT NULL, actor TEXT NOT NULL, period_id INTEGER REFERENCES periods (id));
CREATE TRIGGER moves_kept_1 BEFORE UPDATE ON moves
WHEN OLD.period_id IS NOT NULL
  OR (NEW.id, NEW.period, NEW.team, NEW.project, NEW.from_fund, NEW.to_fund,
      NEW.justification, NEW.approver, NEW.at, NEW.actor)
  IS NOT (OLD.id, OLD.period, OLD.team, OLD.project, OLD.from_fund, OLD.to_fund,
      OLD.justification, OLD.approver, OLD.at, OLD.actor)
BEGIN SELECT RAISE(ABORT, 'moves are append-only'); END;
CREATE TRIGGER moves_kept_2 BEFORE DELETE ON moves
BEGIN SELECT RAISE(ABORT, 'moves are append-only'); END;
{_revocable("adjustments", "id period team project amount_minor reason approver at actor",
            "adjustments are append-only: they can be revoked, once")}
{_revocable("holds", "id period team project reason at actor",
            "holds are append-only: they can be released, once")}
"""


@steps(name="0020_periods")
def _periods(db: Database) -> None:
    for statement in statements(_TABLES):
        db.conn.execute(statement)

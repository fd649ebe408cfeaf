"""Steps of the ledger's tables for what each recipient was told, and what was sent by hand."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import statements
from slurm_finops.ledger.schema_lots import CREDITED
from slurm_finops.ledger.schema_told import steps as steps

#: What was known of a report was told to all who had its mail of that period.
#: by_hand: its period was named, and was not the next that was due.  The index has all that
#: is asked of what was sent, since columns behind a mail's bytes are slow to read.
_TOLD_TO = """
CREATE TABLE told_to (
  entry INTEGER NOT NULL REFERENCES outbox (id), period TEXT NOT NULL,
  effective_minor INTEGER NOT NULL CHECK (typeof(effective_minor) = 'integer'),
  PRIMARY KEY (entry, period)) WITHOUT ROWID;
INSERT INTO told_to SELECT id, period, effective_minor
FROM told JOIN outbox USING (report, period) WHERE channel = 'mail';
DROP TABLE told;
ALTER TABLE outbox ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0;
CREATE INDEX outbox_periods ON outbox (report, channel, by_hand, period);
"""


@steps(name="0016_told_to")
def _told_to(db: Database) -> None:
    for statement in statements(_TOLD_TO):
        db.conn.execute(statement)


@steps(name="0017_credited")
def _credited(db: Database) -> None:
    """Where 0010_lots made a view that nobody could read."""
    db.create_view("credited", CREDITED, replace=True)

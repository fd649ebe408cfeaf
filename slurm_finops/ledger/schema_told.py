"""Step of the ledger's tables for what reports have told, so that a change can be told, too."""

from sqlite_utils import Database

from slurm_finops.ledger.schema_channels import steps as steps


@steps(name="0015_told")
def _told(db: Database) -> None:
    db.conn.execute(
        """CREATE TABLE told (
          report TEXT NOT NULL, period TEXT NOT NULL,
          effective_minor INTEGER NOT NULL CHECK (typeof(effective_minor) = 'integer'),
          at INTEGER NOT NULL, PRIMARY KEY (report, period)) WITHOUT ROWID"""
    )

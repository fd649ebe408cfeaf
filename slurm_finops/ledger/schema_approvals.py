"""Steps of the ledger's tables for approvals: who approved the prices that it charges by."""

from sqlite_utils import Database

from slurm_finops.ledger.schema_reservations import steps as steps


@steps(name="0012_approvals")
def _approvals(db: Database) -> None:
    # of an approval; approved_by is NULL where a rate has none.  review: a billing day
    for table in ("rates", "imported_rates"):
        for column in ("approved_by TEXT", "document TEXT", "review INTEGER"):
            db.conn.execute(f"ALTER TABLE {table} ADD COLUMN {column}")

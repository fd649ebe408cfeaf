"""Step of the ledger's tables for an outbox of several channels, which waits between its tries."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import one_of
from slurm_finops.ledger.schema_moved import steps as steps


@steps(name="0014_channels")
def _channels(db: Database) -> None:
    # due_at: what was refused for now is not tried again before; NULL: at once
    db.conn.execute(
        "ALTER TABLE outbox ADD COLUMN channel TEXT NOT NULL DEFAULT 'mail' "
        + one_of("channel", "mail slack")
    )
    db.conn.execute("ALTER TABLE outbox ADD COLUMN due_at INTEGER")

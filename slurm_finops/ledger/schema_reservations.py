"""Step of the ledger's tables for reservations."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import statements
from slurm_finops.ledger.schema_lots import steps as steps

#: number is Slurm's id of the reservation; each change while it lasts is another row.  until
#: is the end that was planned when it was last shown, at seen: what is known ends there.
#: associations are ids of accounting's; holders the pairs [account, user] that they stand
#: for, as JSON, the user "" for everybody of the account.
_RESERVATIONS = """
CREATE TABLE reservations (
  cluster_id INTEGER NOT NULL REFERENCES clusters (id),
  number INTEGER NOT NULL, start INTEGER NOT NULL, until INTEGER NOT NULL,
  seen INTEGER NOT NULL,
  name TEXT NOT NULL, tres TEXT NOT NULL, flags TEXT NOT NULL, nodes TEXT NOT NULL,
  associations TEXT NOT NULL, holders TEXT NOT NULL,
  PRIMARY KEY (cluster_id, number, start)) WITHOUT ROWID;
"""


@steps(name="0011_reservations")
def _reservations(db: Database) -> None:
    for statement in statements(_RESERVATIONS):
        db.conn.execute(statement)

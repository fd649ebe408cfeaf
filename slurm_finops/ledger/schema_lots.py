"""The step of the ledger's tables for what is taken off charges: lots and credits; and tiers."""

from sqlite_utils import Database

from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.schema import DAY_TEXT, decimal, statements
from slurm_finops.ledger.schema_credits import steps as steps

_TABLES = """
-- Allocations that teams hold; definition is the whole of what each says, so that a change
-- is seen.  drawn: ticks, or millionths of a unit-second where it counts hours.
CREATE TABLE lots (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, team TEXT NOT NULL, hours INTEGER NOT NULL,
  definition TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL);
CREATE TABLE lot_days (
  lot_id INTEGER NOT NULL REFERENCES lots (id), day INTEGER NOT NULL,
  drawn INTEGER NOT NULL CHECK (typeof(drawn) = 'integer' AND drawn > 0),
  PRIMARY KEY (lot_id, day)) WITHOUT ROWID;
-- What a lot pays of a run's use of a SKU on a day, or a credit by hand forgives of it; the
-- other id is 0.  What is billed is the charge less these.
CREATE TABLE draws (
  day INTEGER NOT NULL, lot_id INTEGER NOT NULL, credit_id INTEGER NOT NULL,
  usage_id INTEGER NOT NULL, sku_id INTEGER NOT NULL REFERENCES skus (id),
  tag_set_id INTEGER NOT NULL REFERENCES tag_sets (id),
  units INTEGER NOT NULL CHECK (typeof(units) = 'integer' AND units >= 0),
  ticks INTEGER NOT NULL CHECK (typeof(ticks) = 'integer' AND ticks >= 0),
  CHECK ((lot_id = 0) <> (credit_id = 0)),
  PRIMARY KEY (day, lot_id, credit_id, usage_id, sku_id)) WITHOUT ROWID;
-- What a team used on a day of what a tier counts, in unit-seconds.
CREATE TABLE tier_days (
  tier TEXT NOT NULL, team TEXT NOT NULL, day INTEGER NOT NULL, used INTEGER NOT NULL,
  PRIMARY KEY (day, tier, team)) WITHOUT ROWID;
-- From when on a team ('': nobody's) is on which level of a tier.
CREATE TABLE tier_levels (
  tier TEXT NOT NULL, team TEXT NOT NULL, start INTEGER NOT NULL, level INTEGER NOT NULL,
  PRIMARY KEY (tier, team, start)) WITHOUT ROWID;
"""


#: What allocations and credits paid of each run.
CREDITED = f"""SELECT {DAY_TEXT} AS day, lots.name AS allocation, nullif(credit_id, 0) AS credit,
  usage_id AS run, clusters.name AS cluster, job_id, user, account, partition, qos,
  {", ".join(f"tag_sets.{key}" for key in KEYS)}, skus.name AS sku,
  {decimal("ticks")} AS credited_cost
FROM draws LEFT JOIN lots ON lots.id = lot_id JOIN jobs ON jobs.id = usage_id
  JOIN clusters ON clusters.id = cluster_id JOIN contexts ON contexts.id = context_id
  JOIN skus ON skus.id = sku_id JOIN tag_sets ON tag_sets.id = draws.tag_set_id"""


@steps(name="0010_lots")
def _lots(db: Database) -> None:
    for statement in statements(_TABLES):
        db.conn.execute(statement)
    db.create_view("credited", CREDITED)

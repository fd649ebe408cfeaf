"""Steps of the ledger's tables for the charging policy: who pays how much of what a run costs."""

from sqlite_utils import Database

from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.schema import DAY_TEXT, decimal, statements
from slurm_finops.ledger.schema import steps as steps

_AMOUNT = "INTEGER NOT NULL DEFAULT 0 CHECK (typeof({0}) = 'integer'{1})"


def _amount(column: str, more: str = "") -> str:
    return f"{column} {_AMOUNT.format(column, more)}"


#: The trigger of the first step, and a state: a rule may forgive by it.
_QUEUE = """
DROP TRIGGER jobs_changed;
CREATE TRIGGER jobs_changed AFTER UPDATE ON jobs
WHEN (NEW.start, NEW.elapsed, NEW.suspended, NEW.cluster_id, NEW.context_id, NEW.tres_id,
      NEW.tag_set_id, NEW.held, NEW.state, NEW.provisional)
  IS NOT (OLD.start, OLD.elapsed, OLD.suspended, OLD.cluster_id, OLD.context_id, OLD.tres_id,
      OLD.tag_set_id, OLD.held, OLD.state, OLD.provisional)
BEGIN
  INSERT INTO pricing_queue (job_id, was_start, was_end)
  VALUES (OLD.id, OLD.start, OLD.start + OLD.elapsed + OLD.suspended)
  ON CONFLICT (job_id) DO UPDATE SET
    was_start = min(ifnull(was_start, excluded.was_start), excluded.was_start),
    was_end = max(ifnull(was_end, excluded.was_end), excluded.was_end)
    WHERE excluded.was_start IS NOT NULL;
END;
"""

#: A card says by which rules the rate's price was changed; policy is `core.charging`'s text.
_CARDS = f"""
CREATE TABLE cards (
  id INTEGER PRIMARY KEY,
  sku TEXT NOT NULL, match TEXT NOT NULL, rank INTEGER NOT NULL, pricing TEXT NOT NULL,
  policy TEXT NOT NULL DEFAULT '', of_class TEXT NOT NULL DEFAULT '',
  outdone INTEGER NOT NULL DEFAULT 0,
  UNIQUE (sku, match, rank, pricing, policy));
INSERT INTO cards (id, sku, match, rank, pricing)
  SELECT id, sku, match, rank, pricing FROM rate_cards;
DROP VIEW costs;
DROP TABLE rate_cards;
ALTER TABLE cards RENAME TO rate_cards;

ALTER TABLE rates ADD COLUMN
  {_amount("subsidy_micros", " AND subsidy_micros BETWEEN 0 AND price_micros")};
ALTER TABLE imported_rates ADD COLUMN
  {_amount("subsidy_micros", " AND subsidy_micros BETWEEN 0 AND price_micros")};
"""

#: Of a charge's effective cost: what booked time adds to the seconds held, what a rule
#: forgives, and what somebody else pays.  What is left is billed.
_PARTS = f"""
ALTER TABLE charges ADD COLUMN {_amount("rounded_ticks")};
ALTER TABLE charges ADD COLUMN {_amount("forgiven_ticks")};
ALTER TABLE charges ADD COLUMN {_amount("subsidised_ticks")}
  CHECK (billed_ticks + forgiven_ticks + subsidised_ticks = effective_ticks);
"""


@steps(name="0008_charging")
def _charging(db: Database) -> None:
    for statement in statements(_QUEUE + _CARDS + _PARTS):
        db.conn.execute(statement)
    db.create_view(
        "costs",
        f"""SELECT {DAY_TEXT} AS day, usage_id AS run, clusters.name AS cluster, job_id, user,
          account, partition, qos, state, {", ".join(KEYS)}, source AS tag_source,
          status AS tag_status, skus.name AS sku,
          ifnull(pricing, 'unpriced') AS pricing, quantity, seconds,
          CASE WHEN is_gpu THEN quantity * seconds ELSE 0 END AS gpu_seconds,
          {decimal("list_ticks")} AS list_cost,
          {decimal("contracted_ticks")} AS contracted_cost,
          {decimal("effective_ticks")} AS effective_cost,
          {decimal("rounded_ticks")} AS rounded_cost,
          {decimal("forgiven_ticks")} AS forgiven_cost,
          {decimal("subsidised_ticks")} AS subsidised_cost,
          {decimal("billed_ticks")} AS billed_cost
        FROM charges JOIN jobs ON jobs.id = usage_id JOIN clusters ON clusters.id = cluster_id
          JOIN contexts ON contexts.id = context_id JOIN skus ON skus.id = sku_id
          JOIN tag_sets ON tag_sets.id = charges.tag_set_id
          LEFT JOIN rate_cards ON rate_cards.id = rate_card_id""",
    )

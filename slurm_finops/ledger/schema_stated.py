"""Step of the ledger's views for what was stated, as people read it."""

from sqlite_utils import Database

from slurm_finops.core.money import MICROS, TICKS
from slurm_finops.core.tags import KEYS
from slurm_finops.ledger.schema import DAY_TEXT
from slurm_finops.ledger.schema_journal import steps as steps

_TICKS_A_MICRO = TICKS // MICROS


def _cost(money: str) -> str:
    """Six decimals as a text, made of integers alone."""
    half = _TICKS_A_MICRO // 2
    micros = f"({money}_units * {MICROS} + ({money}_ticks + {half}) / {_TICKS_A_MICRO})"
    return (
        f"printf('%s%d.%06d', CASE WHEN {micros} < 0 THEN '-' ELSE '' END, "
        f"abs({micros}) / {MICROS}, abs({micros}) % {MICROS}) AS {money}_cost"
    )


#: amount_minor is what counts: whole, in the smallest units of the currency.
STATED = f"""SELECT periods.label AS period, statements.number AS statement,
  statements.entity, statements.owner, line, correction, originals.number AS original,
  {DAY_TEXT} AS day, clusters.name AS cluster, {", ".join(KEYS)},
  category, sku, pricing, nullif(origin, '') AS origin, nullif(method, '') AS method,
  nullif(of_class, '') AS class, fund, account, unit_seconds,
  {", ".join(map(_cost, ("list", "contracted", "effective", "billed")))},
  statement_lines.amount_minor
FROM statement_lines JOIN statements ON statements.id = statement_id
  JOIN periods ON periods.id = statements.period_id JOIN posted_tags ON posted_tags.id = tags_id
  JOIN posted_items ON posted_items.id = item_id JOIN posted_payers ON posted_payers.id = payer_id
  LEFT JOIN clusters ON clusters.id = cluster_id
  LEFT JOIN statements AS originals ON originals.id = original_id"""


@steps(name="0022_stated")
def _stated(db: Database) -> None:
    db.create_view("stated", STATED)

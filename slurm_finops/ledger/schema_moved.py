"""Step of the ledger's tables for runs that were elsewhere, or at another time, than was known."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import statements
from slurm_finops.ledger.schema_approvals import steps as steps

#: What may change a run's charges.
_PRICED = """start elapsed suspended cluster_id context_id tres_id tag_set_id held state
provisional""".split()
#: And what may change what is made of charges that stay as they are: by these pools, tiers,
#: allocations and credits find their runs, and know at which second they held something.
_FOUND = "start context_id node_list job_id".split()


def _row(prefix: str, columns: list[str]) -> str:
    return f"({', '.join(f'{prefix}.{column}' for column in columns)})"


def _differs(columns: list[str]) -> str:
    return f"{_row('NEW', columns)} IS NOT {_row('OLD', columns)}"


def queueing(also: str = "0") -> str:
    """The trigger that queues a run where what it costs may change, or (SQL) ``also`` holds."""
    return f"""
DROP TRIGGER jobs_changed;
CREATE TRIGGER jobs_changed AFTER UPDATE ON jobs WHEN {_differs([*_PRICED, *_FOUND])}
  OR {also}
BEGIN
  INSERT INTO pricing_queue (job_id, was_start, was_end, moved)
  VALUES (OLD.id, OLD.start, OLD.start + OLD.elapsed + OLD.suspended, {_differs(_FOUND)})
  ON CONFLICT (job_id) DO UPDATE SET
    was_start = min(ifnull(was_start, excluded.was_start), excluded.was_start),
    was_end = max(ifnull(was_end, excluded.was_end), excluded.was_end),
    moved = max(moved, excluded.moved)
    WHERE excluded.was_start IS NOT NULL;
END;
"""


_MOVED = f"""
ALTER TABLE pricing_queue ADD COLUMN moved INTEGER NOT NULL DEFAULT 0;
{queueing()}"""


@steps(name="0013_moved")
def _moved(db: Database) -> None:
    for statement in statements(_MOVED):
        db.conn.execute(statement)

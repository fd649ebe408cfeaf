"""The step of the ledger's tables for credits that somebody gives by hand."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import one_of, statements
from slurm_finops.ledger.schema_charging import steps as steps

#: What revoking sets; nothing else of a credit ever changes.
_REVOKED = "revoked_at revoked_by revoked_why".split()
_GIVEN = """id kind cluster job_id job_id_raw user submit nodes since until num den reason ticket
approver at actor""".split()


def _row(prefix: str) -> str:
    return ", ".join(f"{prefix}.{column}" for column in _GIVEN)


_CREDITS = f"""
-- A run is named by cluster, job_id and user; job_id_raw is NULL where the name is that of a
-- whole array or het job, and submit where all its runs are meant.  since and until: NULL
-- where the whole of a run is.  num/den of it is forgiven, in lowest terms.
CREATE TABLE credits (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL {one_of("kind", "run outage")},
  cluster TEXT NOT NULL,
  job_id TEXT, job_id_raw INTEGER, user TEXT, submit INTEGER,
  nodes TEXT, since INTEGER, until INTEGER,
  num INTEGER NOT NULL CHECK (typeof(num) = 'integer' AND num > 0),
  den INTEGER NOT NULL CHECK (typeof(den) = 'integer' AND den >= num),
  reason TEXT NOT NULL CHECK (trim(reason) <> ''),
  ticket TEXT NOT NULL,
  approver TEXT NOT NULL CHECK (trim(approver) <> ''),
  at INTEGER NOT NULL, actor TEXT NOT NULL,
  {_REVOKED[0]} INTEGER, {_REVOKED[1]} TEXT, {_REVOKED[2]} TEXT CHECK (trim(revoked_why) <> ''),
  CHECK ((kind = 'run') = (job_id IS NOT NULL) AND (kind = 'run') = (user IS NOT NULL)),
  CHECK ((kind = 'outage') = (nodes IS NOT NULL)),
  CHECK (kind = 'run' OR since IS NOT NULL AND until IS NOT NULL),
  CHECK (since < until),
  CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)
    AND (revoked_at IS NULL) = (revoked_why IS NULL)));
CREATE TRIGGER credits_kept_1 BEFORE UPDATE ON credits
WHEN OLD.revoked_at IS NOT NULL OR ({_row("NEW")}) IS NOT ({_row("OLD")})
BEGIN SELECT RAISE(ABORT, 'credits are append-only: they can be revoked, once'); END;
CREATE TRIGGER credits_kept_2 BEFORE DELETE ON credits
BEGIN SELECT RAISE(ABORT, 'credits are append-only: they can be revoked, once'); END;
-- billing days whose credits must be applied again
CREATE TABLE undrawn_days (day INTEGER PRIMARY KEY);
"""


@steps(name="0009_credits")
def _credits(db: Database) -> None:
    for statement in statements(_CREDITS):
        db.conn.execute(statement)

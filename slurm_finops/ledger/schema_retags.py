"""The step of the ledger's tables for retags: corrections, by hand, of what runs say."""

from sqlite_utils import Database

from slurm_finops.ledger.schema import one_of, statements
from slurm_finops.ledger.schema_audit import steps as steps
from slurm_finops.ledger.schema_moved import queueing

#: What undoing sets; nothing else of a retag ever changes.
_UNDONE = "undone_at undone_by undone_why".split()
_GIVEN = """id kind cluster job_id job_id_raw user submit match since until sets reason ticket
approver at actor""".split()
_SAYS = "'retags are append-only: they can be undone, once'"


def _row(prefix: str) -> str:
    return ", ".join(f"{prefix}.{column}" for column in _GIVEN)


#: A rule may go by the name of a job, which can change while it runs.
_RENAMED = """NEW.job_name IS NOT OLD.job_name
  AND EXISTS (SELECT 1 FROM retags WHERE undone_at IS NULL)"""
_RETAGS = f"""
-- A run is named as in credits.  match and sets are JSON objects, by key; null is "has none",
-- and in sets takes a tag away.  since and until: when the runs of a rule started.
CREATE TABLE retags (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL {one_of("kind", "run rule")},
  cluster TEXT, job_id TEXT, job_id_raw INTEGER, user TEXT, submit INTEGER,
  match TEXT NOT NULL, since INTEGER, until INTEGER,
  sets TEXT NOT NULL CHECK (sets <> '{{}}'),
  reason TEXT NOT NULL CHECK (trim(reason) <> ''),
  ticket TEXT NOT NULL, approver TEXT NOT NULL,
  at INTEGER NOT NULL, actor TEXT NOT NULL,
  {_UNDONE[0]} INTEGER, {_UNDONE[1]} TEXT, {_UNDONE[2]} TEXT CHECK (trim(undone_why) <> ''),
  CHECK ((kind = 'run') = (job_id IS NOT NULL) AND (kind = 'run') = (user IS NOT NULL)),
  CHECK (kind = 'rule' OR cluster IS NOT NULL),
  CHECK ((kind = 'rule') = (match <> '{{}}')),
  CHECK (since < until),
  CHECK ((undone_at IS NULL) = (undone_by IS NULL)
    AND (undone_at IS NULL) = (undone_why IS NULL)));
CREATE TRIGGER retags_kept_1 BEFORE UPDATE ON retags
WHEN OLD.undone_at IS NOT NULL OR ({_row("NEW")}) IS NOT ({_row("OLD")})
BEGIN SELECT RAISE(ABORT, {_SAYS}); END;
CREATE TRIGGER retags_kept_2 BEFORE DELETE ON retags
BEGIN SELECT RAISE(ABORT, {_SAYS}); END;
-- for what replaces a row: see schema_audit
CREATE TRIGGER retags_kept_3 BEFORE INSERT ON retags
WHEN EXISTS (SELECT 1 FROM retags WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, {_SAYS}); END;
{queueing(_RENAMED)}"""

_SOURCES = "seal comment account rule none"


@steps(name="0019_retags")
def _retags(db: Database) -> None:
    for statement in statements(_RETAGS):
        db.conn.execute(statement)
    _widen(db)


def _widen(db: Database) -> None:
    """Let ``tag_sets.source`` be ``retag``.

    A check says nothing of how rows are stored, so it is rewritten where SQLite keeps it
    (https://www.sqlite.org/lang_altertable.html, at the end): there are millions of rows.
    """
    old, new = (one_of("source", text) for text in (_SOURCES, f"{_SOURCES} retag"))
    run = db.conn.execute
    (version,) = run("PRAGMA schema_version").fetchone()
    run("PRAGMA writable_schema = ON")
    try:
        changed = run(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
            "WHERE type = 'table' AND name = 'tag_sets' AND instr(sql, ?)",
            (old, new, old),
        ).rowcount
        run(f"PRAGMA schema_version = {version + 1}")
    finally:
        run("PRAGMA writable_schema = RESET")
    said = [row[0] for row in run("PRAGMA integrity_check(tag_sets)")]
    if changed != 1 or said != ["ok"]:
        raise RuntimeError(f"tag_sets cannot take retags: {changed} changed, {said[0]}")

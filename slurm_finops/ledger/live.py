"""What is learnt of jobs before they end: their comments, and which have not ended."""

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple

from slurm_finops.core.tags import claim_of
from slurm_finops.ledger.intern import Interner
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import TagSets

_RANK = {"none": 0, "comment": 1, "seal": 2}

# The rules of an upsert in ledger.runs, for a look at a run that is running: it
# is newer than what is stored unless the run has ended since.  An empty comment
# never erases one, and only another seal replaces a seal.
_NEWER = "provisional = 1"
_RESEALED = f"claim = 2 AND :claim = 2 AND {_NEWER}"
_BETTER = f"(claim < 2 AND (:claim = 2 OR :claim = 1 AND ({_NEWER} OR claim = 0)) OR {_RESEALED})"
_UPDATE = f"""UPDATE jobs SET
  comment = CASE WHEN :comment <> '' AND ({_NEWER} OR comment = '')
    THEN :comment ELSE comment END,
  admin_comment = CASE WHEN :admin_comment <> '' AND (claim < 2
      AND ({_NEWER} OR admin_comment = '' OR :claim = 2) OR {_RESEALED})
    THEN :admin_comment ELSE admin_comment END,
  tag_set_id = CASE WHEN {_BETTER} THEN :tag_set ELSE tag_set_id END,
  claim = max(claim, :claim)
WHERE id = :run AND (
  :comment NOT IN ('', comment) OR :admin_comment NOT IN ('', admin_comment)
  OR {_BETTER} AND tag_set_id <> :tag_set)"""


class Provisional(NamedTuple):
    """A run that had not ended when it was seen last; ``held`` says why it is not billed."""

    run: int
    job_id_raw: int
    submit: int
    job_id: str
    held: str | None


def provisional(ledger: Ledger, cluster: str) -> list[Provisional]:
    """The runs of a cluster that had not ended when they were seen last.

    Without those of a saved file that lacks JobIDRaw: no controller and no
    accounting knows them by ``16_3``, so neither can be asked about them.
    """
    rows = ledger.db.execute(
        "SELECT jobs.id, job_id_raw, submit, job_id, held FROM jobs "
        "JOIN clusters ON clusters.id = cluster_id "
        "WHERE provisional = 1 AND typeof(job_id_raw) = 'integer' AND name = ? ORDER BY jobs.id",
        (cluster,),
    )
    return [Provisional(*row) for row in rows]


def running_in(db: sqlite3.Connection, start: int, end: int) -> tuple[int, int]:
    """How many runs of ``[start, end)`` had not ended when last seen, and how many are held."""
    row = db.execute(
        "SELECT ifnull(sum(provisional = 1 AND held IS NULL), 0), ifnull(sum(held IS NOT NULL), 0) "
        "FROM jobs WHERE (provisional = 1 OR held IS NOT NULL) AND start < ? "
        "AND (provisional = 1 OR start + elapsed + suspended > ?)",
        (end, start),
    ).fetchone()
    return int(row[0]), int(row[1])


def write_live(ledger: Ledger, said: Mapping[int, tuple[str, str]]) -> None:
    """Store ``run id: (Comment, AdminComment)`` as the controller shows them now.

    Doing it twice changes nothing.  A pricing queue of what changed is kept by
    the ledger's own trigger.
    """
    with ledger.transaction() as db:
        tag_sets = TagSets(db)
        claims = {texts: claim_of(*texts) for texts in said.values()}
        found = {texts: (tag_sets.id(claim), _RANK[claim.source])
                 for texts, claim in claims.items()}
        db.executemany(
            _UPDATE,
            [
                {
                    "run": run, "comment": texts[0], "admin_comment": texts[1],
                    "tag_set": found[texts][0], "claim": found[texts][1],
                }
                for run, texts in said.items()
            ],
        )  # fmt: skip


#: Whatever has not come to an end in so long was lost, or will be seen again.
_KEPT_SECONDS = 90 * 86_400
_REMEMBER = """INSERT INTO seen_live VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (cluster_id, job_id_raw, submit) DO UPDATE SET
  comment = CASE WHEN excluded.comment <> '' THEN excluded.comment ELSE comment END,
  admin_comment = CASE WHEN excluded.admin_comment <> '' AND (claim < 2 OR excluded.claim = 2)
    THEN excluded.admin_comment ELSE admin_comment END,
  claim = max(claim, excluded.claim), seen = excluded.seen"""


def remember(
    ledger: Ledger, cluster: str, said: Mapping[tuple[int, int], tuple[str, str]], as_of: int
) -> None:
    """Keep ``(JobIDRaw, Submit): (Comment, AdminComment)`` as the controller shows them now.

    Only another seal replaces a seal, whoever writes over it when the job ends.  Those
    of jobs that are not collected yet wait for `recall`.
    """
    with ledger.transaction() as db:
        cluster_id = Interner(db, "clusters", ["name"])[cluster,]
        db.executemany(
            _REMEMBER,
            [
                (cluster_id, *key, *texts, _RANK[claim_of(*texts).source], as_of)
                for key, texts in said.items() if any(texts)
            ],
        )  # fmt: skip
        db.execute("DELETE FROM seen_live WHERE seen < ?", (as_of - _KEPT_SECONDS,))


_RECALLED = "FROM seen_live JOIN jobs USING (cluster_id, job_id_raw, submit)"


def recall(ledger: Ledger) -> None:
    """Give the runs in the ledger what was seen of them live; of those that ended, for good."""
    rows = ledger.db.execute(
        f"SELECT jobs.id, seen_live.comment, seen_live.admin_comment {_RECALLED}"
    )
    said = {run: (comment, admin_comment) for run, comment, admin_comment in rows}
    if not said:
        return
    write_live(ledger, said)
    with ledger.transaction() as db:
        db.execute(
            "DELETE FROM seen_live WHERE (cluster_id, job_id_raw, submit) IN "
            f"(SELECT cluster_id, job_id_raw, submit {_RECALLED} WHERE provisional = 0)"
        )

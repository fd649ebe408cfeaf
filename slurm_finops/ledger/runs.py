"""Writing runs: an upsert by natural key, so that any collection can be replayed."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import NamedTuple

from slurm_finops.core.runs import CLUSTER, CONTEXT, SAID, TRES, Run
from slurm_finops.core.tags import claim_of
from slurm_finops.ledger.bulk import BulkInsert
from slurm_finops.ledger.intern import Interner
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import TagSets

_KEY = ("cluster_id", "job_id_raw", "submit")
_FACTS = (
    "job_id", "job_name", "context_id", "state", "cancelled_by", "start", '"end"', "elapsed",
    "suspended", "timelimit", "tres_id", "node_list", "exit_code", "provisional",
)  # fmt: skip
_CLAIM = ("comment", "admin_comment", "tag_set_id", "claim")
_RANK = {"none": 0, "comment": 1, "seal": 2}

# Settled beats provisional, and a later look at a running job an earlier one:
# it makes no difference in which order snapshots arrive.
_NEWER = """(excluded.provisional < jobs.provisional OR excluded.provisional = jobs.provisional
  AND (jobs.provisional = 0 OR excluded.elapsed >= jobs.elapsed))"""
# An empty comment never erases one, and nothing but a seal replaces a seal, for an
# epilog may write there when a job ends: a newer one while the run had not ended,
# which is an administrator's correction.
_RESEALED = f"(jobs.claim = 2 AND excluded.claim = 2 AND jobs.provisional = 1 AND {_NEWER})"
_SET_CLAIM = f"""
  comment = CASE WHEN excluded.comment <> '' AND ({_NEWER} OR jobs.comment = '')
    THEN excluded.comment ELSE jobs.comment END,
  admin_comment = CASE WHEN excluded.admin_comment = '' OR jobs.claim = 2 AND NOT {_RESEALED}
    THEN jobs.admin_comment
    WHEN {_NEWER} OR jobs.admin_comment = '' OR excluded.claim = 2 THEN excluded.admin_comment
    ELSE jobs.admin_comment END,
  tag_set_id = CASE WHEN {{better}} THEN excluded.tag_set_id ELSE jobs.tag_set_id END,
  claim = max(jobs.claim, excluded.claim),
  held = CASE WHEN excluded.provisional = 0 THEN NULL ELSE jobs.held END"""
_BETTER = f"""(jobs.claim < 2 AND (excluded.claim = 2
  OR excluded.claim = 1 AND ({_NEWER} OR jobs.claim = 0)) OR {_RESEALED})"""


def _clause() -> str:
    facts = ",\n  ".join(
        f"{c} = CASE WHEN {_NEWER} THEN excluded.{c} ELSE jobs.{c} END" for c in _FACTS
    )
    new = ", ".join(f"excluded.{c}" for c in _FACTS)
    old = ", ".join(f"jobs.{c}" for c in _FACTS)
    return f"""ON CONFLICT ({", ".join(_KEY)}) DO UPDATE SET
  {facts},{_SET_CLAIM.format(better=_BETTER)}
WHERE {_NEWER} AND ({new}) IS NOT ({old})
  OR {_BETTER} AND excluded.tag_set_id <> jobs.tag_set_id
  OR excluded.comment NOT IN ('', jobs.comment) AND ({_NEWER} OR jobs.comment = '')
  OR excluded.admin_comment NOT IN ('', jobs.admin_comment) AND (jobs.claim < 2
    AND ({_NEWER} OR jobs.admin_comment = '' OR excluded.claim = 2) OR {_RESEALED})"""


_UPSERT = BulkInsert("jobs", (*_KEY, *_FACTS, *_CLAIM), _clause())
_CLAIMS = 50_000
_IDENTITY = slice(CLUSTER.stop, CONTEXT.start)
_EVENTS = slice(CONTEXT.stop, TRES.start)
_AFTER = slice(TRES.stop, Run._fields.index("provisional"))
_cluster, _context, _tres, _said = map(itemgetter, (CLUSTER, CONTEXT, TRES, SAID))


class Written(NamedTuple):
    """How many runs were new, and how many of the known ones changed."""

    new: int
    changed: int


class RunWriter:
    """Writes batches of runs."""

    def __init__(self, ledger: Ledger) -> None:
        self._db = db = ledger.db
        self._clusters = Interner(db, "clusters", ["name"])
        self._contexts = Interner(
            db, "contexts", ["user", "account", "partition", "qos", "wckey", "reservation"]
        )
        self._tres = Interner(db, "tres", ["alloc_tres"])
        self._claims = _Claims(TagSets(db))

    def write(self, runs: Sequence[Run]) -> Written:
        """Store a batch, inside a transaction; what is stored already stays as it is.

        Should the transaction be rolled back, the writer must not be used again:
        ids it gave out do not exist.
        """
        last = self._last_id()
        changed = _UPSERT.write(self._db, self._rows(runs))
        new = self._last_id() - last
        return Written(new, changed - new)

    def _last_id(self) -> int:
        return int(self._db.execute("SELECT ifnull(max(id), 0) FROM jobs").fetchone()[0])

    def _rows(self, runs: Sequence[Run]) -> Iterable[tuple[object, ...]]:
        """Rows of `jobs`, made column by column: a loop over runs took twice as long."""
        if not runs:
            return ()
        columns = list(zip(*runs, strict=True))
        tag_sets, ranks = zip(*map(self._claims.__getitem__, map(_said, runs)), strict=True)
        return zip(
            map(self._clusters.__getitem__, map(_cluster, runs)), *columns[_IDENTITY],
            map(self._contexts.__getitem__, map(_context, runs)), *columns[_EVENTS],
            map(self._tres.__getitem__, map(_tres, runs)), *columns[_AFTER],
            # as integers: sqlite3 looks for an adapter of each bool, which costs more than a row
            map(int, columns[_AFTER.stop]), *columns[SAID], tag_sets, ranks, strict=True,
        )  # fmt: skip


class _Claims(dict[tuple[str, str], tuple[int, int]]):
    """(comment, admin_comment) -> its tag set and rank; a bounded cache."""

    def __init__(self, tag_sets: TagSets) -> None:
        super().__init__()
        self._tag_sets = tag_sets

    def __missing__(self, said: tuple[str, str]) -> tuple[int, int]:
        claim = claim_of(*said)
        if len(self) >= _CLAIMS:
            self.clear()
        found = self[said] = self._tag_sets.id(claim), _RANK[claim.source]
        return found

"""Whose a run is: the tag policy, worked out once a claim and context, and what retags correct."""

from slurm_finops.billing.retagged import Corrections
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.tags import Claim
from slurm_finops.ledger.pricing import Held
from slurm_finops.ledger.retags import in_force
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import TagSets

_CACHE = 50_000


class Owners:
    """Which tag set a run is billed to.

    Where there are `retags` that is asked of each run (`of_held`); else, and wherever
    `is_plain`, of the claim and the context that many runs have (`of_run`).
    """

    def __init__(self, ledger: Ledger, policy: Policy) -> None:
        self._db = ledger.db
        self._policy = policy
        self._tag_sets = TagSets(ledger.db)
        self._whose: dict[int, Who] = {}
        self._found: dict[tuple[int, Who], int] = {}
        self._ids: dict[Claim, int] = {}
        # a site without rules of its own bills every claim as it stands
        self._plain = not policy.teams and not policy.defaults
        self.retags = Corrections(ledger.db, policy, in_force(ledger.db))

    def of_held(self, run: Held) -> int:
        """The tag set that a run is billed to."""
        retags = self.retags.of_run(run) if self.retags else ()
        if retags:
            found = self.retags.owner(run, retags)
            if found.applied:
                return self._id(found.claim)
        return self.of_run(run[7], run[5])

    def of_run(self, claimed: int, context_id: int) -> int:
        """The tag set that ``claimed`` is billed to when it comes from this context.

        No retag is looked at.
        """
        if self._plain:
            return claimed
        who = self._whose.get(context_id)
        if who is None:
            who = self._who(context_id)
        found = self._found.get((claimed, who))
        if found is None:
            found = self._attribute(claimed, who)
        return found

    def _who(self, context_id: int) -> Who:
        row = self._db.execute(
            "SELECT account, user, wckey FROM contexts WHERE id = ?", (context_id,)
        ).fetchone()
        # only what the policy looks at, so that its answers are shared
        used = self._policy.looks_at
        who = Who(*(value if name in used else "" for name, value in zip(Who._fields, row)))  # noqa: B905
        if len(self._whose) >= _CACHE:
            self._whose.clear()
        self._whose[context_id] = who
        return who

    def _attribute(self, claimed: int, who: Who) -> int:
        claim = self._tag_sets.claim(claimed)
        billed = self._policy.attribute(claim, who)
        found = claimed if billed == claim else self._tag_sets.id(billed)
        if len(self._found) >= _CACHE:
            self._found.clear()
        self._found[claimed, who] = found
        return found

    def _id(self, claim: Claim) -> int:
        found = self._ids.get(claim)
        if found is None:
            if len(self._ids) >= _CACHE:
                self._ids.clear()
            found = self._ids[claim] = self._tag_sets.id(claim)
        return found

"""What retags make of runs: asked once for each place, and for each claim that comes from there."""

import sqlite3
from collections.abc import Sequence
from functools import partial

from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.retags import Retag, Retagged, Retags, Rule, of_run, retagged
from slurm_finops.ledger.pricing import Held
from slurm_finops.ledger.retags import Places, named
from slurm_finops.ledger.tag_sets import TagSets

_CACHE = 50_000


class Corrections:
    """Some retags, asked for many runs.  It writes nothing."""

    def __init__(self, db: sqlite3.Connection, policy: Policy, retags: Sequence[Retag]) -> None:
        self._db = db
        self._policy = policy
        self._retags = Retags(retags)
        self._places = Places(db)
        self._tag_sets = TagSets(db)
        self._rules: dict[tuple[int, int], tuple[Rule, ...]] = {}
        self._found: dict[tuple[int, int, int, tuple[int, ...]], Retagged] = {}

    def __bool__(self) -> bool:
        """Whether there are any at all."""
        return bool(self._retags)

    def of_place(self, cluster: int, context: int) -> tuple[Rule, ...]:
        """Those that can be for runs from there, by ids."""
        found = self._rules.get((cluster, context))
        if found is None:
            if len(self._rules) >= _CACHE:
                self._rules.clear()
            place = self._places[cluster, context]
            found = self._rules[cluster, context] = self._retags.of_place(place)
        return found

    def of_run(self, run: Held) -> tuple[Retag, ...]:
        """Those that are for a run if its tags are what they ask for; () for most."""
        number, start, _, _, cluster, context, *_ = run
        rules = self.of_place(cluster, context)
        return of_run(rules, start, partial(named, self._db, number)) if rules else ()

    def owner(self, run: Held, retags: tuple[Retag, ...]) -> Retagged:
        """What a run is billed to, where these, from `of_run`, are for it."""
        _, _, _, _, cluster, context, _, claimed, *_ = run
        key = claimed, cluster, context, tuple(one.id for one in retags)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _CACHE:
                self._found.clear()
            place = self._places[cluster, context]
            who = Who(place.account, place.user, place.wckey)
            claim = self._tag_sets.claim(claimed)
            found = self._found[key] = retagged(self._policy, claim, who, retags)
        return found

"""Making and undoing retags: whom runs were billed to, whom they will be, and the audit of it."""

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.billing.retagged import Corrections
from slurm_finops.billing.terms import Terms
from slurm_finops.core.faults import Fault
from slurm_finops.core.policy import Policy
from slurm_finops.core.retags import Pairs, Retag, Wanted, shown
from slurm_finops.core.tags import KEYS, UNTAGGED, Tags, make_comment, parse_comment
from slurm_finops.core.words import count
from slurm_finops.ledger import retags as table
from slurm_finops.ledger.credited import gpu_count
from slurm_finops.ledger.pricing import SELECT_HELD, Held, priced_through, queue_runs
from slurm_finops.ledger.store import Ledger

#: Of one retag so many moves are kept in the audit.
_TOLD = 5
_OWNER = ("team", "project", "cost_center")


class Move(NamedTuple):
    """Runs that go from one owner to another; ``billed_ticks`` is what they are billed so far.

    ``before`` and ``after`` are tags by key: their owner's, and others that the retag sets.
    """

    before: Pairs
    after: Pairs
    runs: int
    gpu_seconds: int
    billed_ticks: int


class Effect(NamedTuple):
    """What a retag, or its undoing, does.

    ``touched`` are the runs (ids of ``jobs``) that it is for, ``changed`` those of them that
    are to be priced again, ``moves`` those whose tags change, the most runs first.
    ``unpriced`` of those touched were never priced; ``after`` is how many of them have which
    tags then.
    """

    touched: list[int]
    changed: list[int]
    moves: list[Move]
    unpriced: int
    after: dict[Tags, int]

    @property
    def same(self) -> int:
        """Runs that it is for and whose tags are as it says without it."""
        return len(self.touched) - sum(move.runs for move in self.moves)


# ---- making and undoing


def add(
    ledger: Ledger, terms: Terms, wanted: Wanted, at: int, actor: str
) -> tuple[Retag, Effect]:
    """Store a retag, audit it and queue the runs that it changes; a transaction of its own.

    Raises `InputError` where one in force does the same already.
    """
    with ledger.transaction() as db:
        table.check_new(db, wanted, terms.calendar)
        retag = table.insert(db, wanted, at, actor)
        effect = of_adding(ledger, terms, retag)
        queue_runs(db, effect.changed, priced_through(ledger))
        _audit(ledger, terms, retag, effect, "retag add", wanted.reason, at, actor)
    return retag, effect


def undo(
    ledger: Ledger, terms: Terms, number: int, why: str, at: int, actor: str
) -> tuple[Retag, Effect]:
    """Undo a retag, audit it and queue the runs that it had changed; as it now is.

    Raises `InputError` where there is none in force of that number.
    """
    with ledger.transaction() as db:
        retag = table.find(db, number, terms.calendar)
        effect = of_undoing(ledger, terms, retag)
        retag = table.end(db, retag, why, at, actor)
        queue_runs(db, effect.changed, priced_through(ledger))
        _audit(ledger, terms, retag, effect, "retag undo", why, at, actor)
    return retag, effect


def _audit(
    ledger: Ledger, terms: Terms, retag: Retag, effect: Effect, action: str, why: str, at: int,
    actor: str,
) -> None:  # fmt: skip
    said = f"{retag.id}: {table.told(terms.calendar, retag.wanted)}: {moved_text(effect)}; {why}"
    if retag.undone_at is None:
        said += f"; ticket {retag.wanted.ticket}" if retag.wanted.ticket else ""
        said += f"; approved by {retag.wanted.approver}" if retag.wanted.approver else ""
    ledger.audit(at, actor, action, said)


def moved_text(effect: Effect) -> str:
    """``project=llama -> project=llama-2 (12 runs)``: what changes, as the audit keeps it."""
    sums: dict[tuple[str, str], int] = {}
    for move in effect.moves:
        pairs = list(zip(move.before, move.after, strict=True))
        differing = [(a, b) for a, b in pairs if a != b]
        said = shown(tuple(a for a, _ in differing)), shown(tuple(b for _, b in differing))
        sums[said] = sums.get(said, 0) + move.runs
    told = [f"{a} -> {b} ({count(runs, 'run')})" for (a, b), runs in sums.items()]
    if len(told) > _TOLD:
        rest = count(sum([*sums.values()][_TOLD:]), "run")
        told[_TOLD:] = [f"and {count(len(told) - _TOLD, 'more move')} of {rest}"]
    return "; ".join(told) or "no run moves"


# ---- what they do


def of_adding(ledger: Ledger, terms: Terms, retag: Retag) -> Effect:
    """What a retag does, which need not be stored; writes nothing."""
    others = [one for one in table.in_force(ledger.db) if one.id != retag.id]
    return _effect(ledger, terms, retag, others, [*others, retag])


def of_undoing(ledger: Ledger, terms: Terms, retag: Retag) -> Effect:
    """What undoing a retag in force does; writes nothing."""
    stored = table.in_force(ledger.db)
    return _effect(ledger, terms, retag, stored, [one for one in stored if one.id != retag.id])


def touched(ledger: Ledger, terms: Terms, retag: Retag) -> list[int]:
    """The runs (ids of ``jobs``) that a retag is for, which need not be stored; writes nothing."""
    return of_adding(ledger, terms, retag).touched


def applied(db: sqlite3.Connection, policy: Policy, run: int) -> list[Retag]:
    """The retags in force that are applied to a run, by id."""
    stored = table.in_force(db)
    if not stored:
        return []
    corrections = Corrections(db, policy, stored)
    held = Held._make(db.execute(f"{SELECT_HELD} WHERE id = ?", (run,)).fetchone())
    found = corrections.owner(held, corrections.of_run(held))
    return [one for one in stored if one.id in found.applied]


class _Sums:
    """What is counted of one move."""

    def __init__(self) -> None:
        self.runs: list[int] = []
        self.gpu_seconds = 0
        self.ticks = 0


class _Tally:
    """Moves of runs, summed; and between which days their charges can lie."""

    def __init__(self, ledger: Ledger, terms: Terms, keys: Sequence[str]) -> None:
        self._db = ledger.db
        self._terms = terms
        self._keys = keys
        self._gpus: dict[int, int] = {}
        self._days: tuple[int, int] | None = None
        self._sums: dict[tuple[Pairs, Pairs], _Sums] = {}

    def add(self, run: Held, before: Tags, after: Tags) -> None:
        """One run."""
        gpus = self._gpus.get(run.tres_id)
        if gpus is None:
            gpus = self._gpus[run.tres_id] = gpu_count(table.tres(self._db, run.tres_id))
        one = self._sums.setdefault((self._of(before), self._of(after)), _Sums())
        one.runs.append(run.id)
        one.gpu_seconds += gpus * (
            run.elapsed + (run.suspended if self._terms.charge_suspended else 0)
        )
        end = run.start + run.elapsed + run.suspended
        first, last = self._terms.calendar.day_of(run.start), self._terms.calendar.day_of(end) + 1
        if self._days is not None:
            first, last = min(first, self._days[0]), max(last, self._days[1])
        self._days = first, last

    def _of(self, tags: Tags) -> Pairs:
        return tuple((key, getattr(tags, key)) for key in self._keys)

    def moves(self) -> list[Move]:
        """All of them with what these runs are billed, the most runs first."""
        if self._days is not None:
            of = {run: one for one in self._sums.values() for run in one.runs}
            for run, ticks in table.billed(self._db, of.keys(), *self._days):
                of[run].ticks += ticks
        found = [Move(before, after, len(one.runs), one.gpu_seconds, one.ticks)
                 for (before, after), one in self._sums.items()]  # fmt: skip
        return sorted(found, key=lambda move: (-move.runs, *map(_order, move[:2])))


def _order(pairs: Pairs) -> tuple[str, ...]:
    return tuple(value or "" for _, value in pairs)


def _effect(
    ledger: Ledger, terms: Terms, retag: Retag, before: Sequence[Retag], after: Sequence[Retag]
) -> Effect:
    was, will = (Corrections(ledger.db, terms.policy, many) for many in (before, after))
    whose: list[int] = []
    changed: list[int] = []
    then: dict[Tags, int] = {}
    keys = [key for key in KEYS if key in (*_OWNER, *dict(retag.wanted.sets))]
    tally = _Tally(ledger, terms, keys)
    for run in table.candidates(ledger.db, retag.wanted):
        old, new = (some.owner(run, some.of_run(run)) for some in (was, will))
        if retag.id not in (*old.applied, *new.applied):
            continue
        whose.append(run.id)
        then[new.claim.tags] = then.get(new.claim.tags, 0) + 1
        if old.claim != new.claim:
            changed.append(run.id)
        if old.claim.tags != new.claim.tags:
            tally.add(run, old.claim.tags, new.claim.tags)
    through = priced_through(ledger)
    return Effect(whose, changed, tally.moves(), sum(run > through for run in whose), then)


# ---- what may be set


def faults(policy: Policy, wanted: Wanted) -> tuple[Fault, ...]:
    """What the site would refuse in what a retag sets, each with the nearest it knows.

    A project is looked for among those of the team that is set, or that a rule asks for.
    """
    sets = {key: value for key, value in wanted.sets if value is not None}
    claim = parse_comment(make_comment(Tags(**sets)))
    if claim.faults:
        return claim.faults
    team = {key: value for key, value in wanted.match if key == "team" and "team" not in
            dict(wanted.sets)}  # fmt: skip
    judged = policy.judge(Tags(**(team | sets)))
    return tuple(fault for fault in judged if fault.key in sets and fault.code != "missing")


def faults_of_runs(policy: Policy, wanted: Wanted, effect: Effect) -> list[str]:
    """The same of the runs that it is for as far as they are known: each team's, in words."""
    sets = {key for key, value in wanted.sets if value is not None}
    found = (
        f"of team {tags.team}, {fault.message}" if tags.team else fault.message
        for tags in effect.after for fault in policy.judge(tags)
        if fault.key in sets and fault.code != "missing"
    )  # fmt: skip
    return list(dict.fromkeys(found))


def still_wrong(policy: Policy, effect: Effect) -> list[tuple[str, int]]:
    """What the policy finds wrong with tags after a retag, and with how many runs."""
    found: dict[str, int] = {}
    for tags, runs in effect.after.items():
        for fault in () if tags == UNTAGGED else policy.judge(tags):
            found[fault.message] = found.get(fault.message, 0) + runs
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))

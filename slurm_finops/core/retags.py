"""Retags: corrections, by hand, of what runs say of themselves.

A retag is of a job or of all runs that match a rule, and sets tags or takes them away.
It comes before everything a run says: before its seal, its Comment, its account's
defaults.  Several are applied in order of their ids, each to what those before it left,
and so the later wins key by key.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from slurm_finops.core.faults import UNREADABLE
from slurm_finops.core.globs import Globs
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.runs import whole
from slurm_finops.core.tags import ALIASES, KEYS, Claim

#: What a rule may look at beside tags: where a run came from, and its job's name (a glob).
PLACES = ("account", "user", "partition", "qos", "wckey")
NAME = "name"
MATCH_KEYS = (*PLACES, NAME, *KEYS)
#: How "has none" is written.
NONE = "-"

#: Keys and values in the order of their names; None where there is none.
Pairs = tuple[tuple[str, str | None], ...]


class Wanted(NamedTuple):
    """A retag as it is asked for: of a job (a `ledger.named.Job` of a cluster) or of a rule.

    ``since`` and ``until`` are epoch seconds, half-open: a rule is for runs that started
    then, at any time where they are None.  A rule without a cluster is for all of them.
    ``sets`` are tags; None takes one away.
    """

    kind: str
    cluster: str | None
    job_id: str | None
    job_id_raw: int | str | None
    user: str | None
    submit: int | None
    match: Pairs
    since: int | None
    until: int | None
    sets: Pairs
    reason: str
    ticket: str
    approver: str


class Retag(NamedTuple):
    """A retag that was made, and perhaps undone."""

    id: int
    wanted: Wanted
    at: int
    actor: str
    undone_at: int | None = None
    undone_by: str | None = None
    undone_why: str | None = None


class Place(NamedTuple):
    """Where a run came from."""

    cluster: str
    user: str
    account: str
    partition: str
    qos: str
    wckey: str


class Named(NamedTuple):
    """What a run is called."""

    job_id: str
    job_id_raw: int | str
    submit: int
    job_name: str


class Rule:
    """A retag, ready to be asked of many runs."""

    def __init__(self, retag: Retag) -> None:
        wanted = retag.wanted
        self.retag = retag
        self._places = [(key, value or "") for key, value in wanted.match if key in PLACES]
        names = [value or "" for key, value in wanted.match if key == NAME]
        self._name = Globs(names) if names else None
        #: Whether what a run is called tells if it is for it.
        self.by_name = wanted.kind == "run" or bool(names)

    def is_from(self, place: Place) -> bool:
        """Whether it can be for a run from there."""
        wanted = self.retag.wanted
        if wanted.cluster not in (None, place.cluster) or wanted.user not in (None, place.user):
            return False
        return all(getattr(place, key) == value for key, value in self._places)

    def begins(self, start: int | None) -> bool:
        """Whether it can be for a run that started then."""
        since, until = self.retag.wanted.since, self.retag.wanted.until
        if start is None:
            return since is None and until is None
        return (since is None or since <= start) and (until is None or start < until)

    def is_called(self, run: Named) -> bool:
        """Whether it can be for a run of that name."""
        wanted = self.retag.wanted
        if wanted.kind == "rule":
            return self._name is None or self._name.match(run.job_name)
        if wanted.submit not in (None, run.submit):
            return False
        if wanted.job_id_raw is not None:
            return (wanted.job_id_raw, wanted.job_id) == (run.job_id_raw, run.job_id)
        return wanted.job_id in (run.job_id, whole(run.job_id))


class Retags:
    """Some retags in order of their ids, asked first by place and then by run."""

    def __init__(self, retags: Iterable[Retag]) -> None:
        self._rules = [Rule(one) for one in sorted(retags, key=lambda one: one.id)]

    def __bool__(self) -> bool:
        return bool(self._rules)

    def of_place(self, place: Place) -> tuple[Rule, ...]:
        """Those that can be for runs from there."""
        return tuple(rule for rule in self._rules if rule.is_from(place))


def of_run(
    rules: Sequence[Rule], start: int | None, named: Callable[[], Named]
) -> tuple[Retag, ...]:
    """Those of a place's rules that are for a run, if its tags are what they ask for.

    ``named`` is called once at most, and only where a rule has to know.
    """
    found: list[Retag] = []
    called: Named | None = None
    for rule in rules:
        if not rule.begins(start):
            continue
        if rule.by_name:
            called = called or named()
            if not rule.is_called(called):
                continue
        found.append(rule.retag)
    return tuple(found)


class Retagged(NamedTuple):
    """A claim as it is billed, and the ids of the retags that were applied to it."""

    claim: Claim
    applied: tuple[int, ...] = ()


def retagged(policy: Policy, claim: Claim, who: Who, retags: Iterable[Retag]) -> Retagged:
    """What a claim is billed to, after those of ``retags`` whose tags it has, in their order.

    Each looks at the tags that the run would be billed to without it and those after it.
    """
    found, said, applied = policy.attribute(claim, who), dict[str, str | None](), list[int]()
    for one in retags:
        tags = found.tags._asdict()
        if any(tags[key] != value for key, value in one.wanted.match if key in tags):
            continue
        sets = dict(one.wanted.sets)
        said |= sets
        if sets.get("team", tags["team"]) != tags["team"]:
            # a cost centre that was said with another team goes with that; see `Policy.attribute`
            said.setdefault("cost_center", None)
        applied.append(one.id)
        found = _corrected(policy, claim, who, said)
    return Retagged(found, tuple(applied))


def _corrected(policy: Policy, claim: Claim, who: Who, said: dict[str, str | None]) -> Claim:
    """A claim as it is billed where these tags are set by hand.

    What was wrong with them is mended, and so is a comment that could not be read.  A team
    that is set is not contested: whoever sets it says so in the audit.
    """
    faults = tuple(
        fault for fault in claim.faults
        if fault.code not in UNREADABLE and ALIASES.get(fault.key, fault.key) not in said
    )  # fmt: skip
    tags = policy.filled(claim, who)._replace(**said)
    found = policy.registered(Claim(tags, faults, "retag"), who, contest="team" not in said)
    tags = found.tags
    if said.get("cost_center"):
        tags = tags._replace(cost_center=said["cost_center"])
    return Claim(tags, found.faults, "retag")


def shown(pairs: Pairs) -> str:
    """``account=nlp, project=-``: as they are typed."""
    return ", ".join(f"{key}={NONE if value is None else value}" for key, value in pairs)

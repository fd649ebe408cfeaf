"""The charging policy: what stands between a rate and what is billed.

A *factor* changes the price of some runs; a *group* makes a run pay the dearest of
several SKUs only; *rounding* books more time than was held; runs that end in some
states are *forgiven*.  Rules are dated, match as rates do, and say in the charge's
card that they were applied.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import Any, NamedTuple, Protocol, TypeVar

from slurm_finops.core.lots import Lot, check_lots
from slurm_finops.core.rates import EVER, NEVER, Match, RateError
from slurm_finops.core.usage import GPU, is_gpu

GRANULARITIES = {"second": 1, "minute": 60, "hour": 3600}
SUM, MAX = "sum", "max"
COMBINE = (SUM, MAX)


class _Rule(Protocol):
    """What all rules have: who they are for and from when until when."""

    @property
    def name(self) -> str: ...
    @property
    def match(self) -> Match: ...
    @property
    def rank(self) -> int: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def where(self) -> str: ...


R = TypeVar("R", bound=_Rule)


@dataclass(frozen=True)
class Factor:
    """Prices times ``ratio`` for the runs that match; several factors multiply."""

    name: str
    ratio: Fraction
    match: Match = ()
    skus: tuple[str, ...] = ()
    start: int = NEVER
    end: int = EVER
    where: str = ""
    rank: int = 0

    def is_for(self, sku: str) -> bool:
        """Whether it is for a SKU; ``gres/gpu`` stands for any type, and none named for all."""
        return not self.skus or covers(self.skus, sku)


@dataclass(frozen=True)
class Forgiven:
    """``part`` of the cost of runs that ended in one of ``states`` is nobody's."""

    name: str
    states: tuple[str, ...]
    part: Fraction = Fraction(1)
    match: Match = ()
    rank: int = 0
    start: int = NEVER
    end: int = EVER
    where: str = ""


@dataclass(frozen=True)
class Rounding:
    """A run that has ended books at least ``minimum`` seconds, in whole ``step`` seconds."""

    name: str
    step: int = 1
    minimum: int = 0
    match: Match = ()
    rank: int = 0
    start: int = NEVER
    end: int = EVER
    where: str = ""

    def booked(self, elapsed: int) -> int:
        """Seconds that a run of ``elapsed`` seconds, more than none, pays for."""
        return booked(elapsed, self.step, self.minimum)


def booked(elapsed: int, step: int, minimum: int) -> int:
    """Seconds that are paid for: at least ``minimum``, and in whole ``step`` seconds."""
    return -(-max(minimum, elapsed) // step) * step


@dataclass(frozen=True)
class Group:
    """SKUs of which a run pays all, or at each moment the dearest only.

    The latter is Slurm's ``MAX_TRES`` (slurm.conf, PriorityFlags), of a run's totals.
    """

    name: str
    skus: tuple[str, ...]
    combine: str = MAX
    match: Match = ()
    rank: int = 0
    start: int = NEVER
    end: int = EVER
    where: str = ""


@dataclass(frozen=True)
class Tier:
    """A factor by what a team has used of some SKUs since its fiscal year began.

    ``steps`` are ``(unit-seconds, ratio)``, the first from 0 on: a ratio holds from the
    second at which so much had been used.  ``match`` says which runs count and are priced by it.
    """

    name: str
    skus: tuple[str, ...]
    steps: tuple[tuple[int, Fraction], ...]
    match: Match = ()
    rank: int = 0
    start: int = NEVER
    end: int = EVER
    where: str = ""


class Piece(NamedTuple):
    """What a customer is from ``start`` on: its class, and the tier it has reached of each."""

    start: int
    of_class: str = ""
    tiers: tuple[tuple[str, int], ...] = ()


#: Pieces in order of time, the first from `NEVER` on.
Timeline = tuple[Piece, ...]
ALWAYS: Timeline = (Piece(NEVER),)


class Applied(NamedTuple):
    """Which rules made a charge, in their order: what its card says beside the rate."""

    of_class: str = ""
    factors: tuple[tuple[str, Fraction], ...] = ()
    forgiven: tuple[str, Fraction] | None = None
    #: the group of which another SKU is the dearest, so that this one costs nothing
    outdone: str = ""

    @property
    def factor(self) -> Fraction:
        """All factors as one."""
        found = Fraction(1)
        for _, ratio in self.factors:
            found *= ratio
        return found

    @property
    def kept(self) -> Fraction:
        """The part that is not forgiven."""
        return 1 - self.forgiven[1] if self.forgiven else Fraction(1)

    @property
    def text(self) -> str:
        """As a card keeps it: "" for nothing, else JSON with ratios as texts."""
        found: dict[str, Any] = {}
        if self.of_class:
            found["class"] = self.of_class
        if self.factors:
            found["factors"] = [[name, str(ratio)] for name, ratio in self.factors]
        if self.forgiven:
            found["forgiven"] = [self.forgiven[0], str(self.forgiven[1])]
        if self.outdone:
            found["outdone"] = self.outdone
        return json.dumps(found, ensure_ascii=False) if found else ""

    @classmethod
    def of(cls, text: str) -> "Applied":
        """The reverse of ``text``."""
        found = json.loads(text) if text else {}
        forgiven = found.get("forgiven")
        return cls(
            found.get("class", ""),
            tuple((name, Fraction(ratio)) for name, ratio in found.get("factors", ())),
            (forgiven[0], Fraction(forgiven[1])) if forgiven else None,
            found.get("outdone", ""),
        )


@dataclass(frozen=True)
class Charging:
    """A site's whole policy.  ``classes`` are ``(team, its timeline)``."""

    classes: tuple[tuple[str, Timeline], ...] = ()
    default_class: str = ""
    factors: tuple[Factor, ...] = ()
    forgiven: tuple[Forgiven, ...] = ()
    rounding: tuple[Rounding, ...] = ()
    groups: tuple[Group, ...] = ()
    tiers: tuple[Tier, ...] = ()
    lots: tuple[Lot, ...] = ()
    #: month and day on which a fiscal year begins: tiers count from there
    fiscal_year: tuple[int, int] = (1, 1)

    def __bool__(self) -> bool:
        return self != Charging(fiscal_year=self.fiscal_year)

    @property
    def rules(self) -> Iterable[_Rule]:
        return (*self.factors, *self.forgiven, *self.rounding, *self.groups, *self.tiers)

    @property
    def match_keys(self) -> frozenset[str]:
        """What any rule asks of a run."""
        return frozenset(key for rule in self.rules for key, _ in rule.match)

    @cached_property
    def _classes(self) -> dict[str, Timeline]:
        return dict(self.classes)

    @cached_property
    def otherwise(self) -> Timeline:
        """What whoever is no team of the registry is."""
        return (Piece(NEVER, self.default_class),) if self.default_class else ALWAYS

    @property
    def named_classes(self) -> set[str]:
        """The classes that some team is of."""
        timelines = (self.otherwise, *(timeline for _, timeline in self.classes))
        return {piece.of_class for timeline in timelines for piece in timeline} - {""}

    def timeline(self, team: str | None) -> Timeline:
        """What a team is, over all time."""
        return self._classes.get(team or "", self.otherwise)

    def class_at(self, team: str | None, instant: int) -> str:
        """The class of a team at an instant, "" for none."""
        pieces = self.timeline(team)
        return [piece for piece in pieces if piece.start <= instant][-1].of_class

    @property
    def longest_beyond(self) -> int:
        """Seconds behind its end that a run may book, at most."""
        return max((rule.booked(1) - 1 for rule in self.rounding), default=0)

    @cached_property
    def states(self) -> frozenset[str]:
        """The states that some rule forgives."""
        return frozenset(state for rule in self.forgiven for state in rule.states)

    def check(self) -> None:
        """Raise `RateError` for rules that could both apply to one run with equal right."""
        for one, two in combinations(self.forgiven, 2):
            if set(one.states) & set(two.states):
                _check_tie(one, two, "forgive one run", _HINT)
        for first, second in combinations(self.rounding, 2):
            _check_tie(first, second, "book one run's time", _HINT)
        check_lots(self.lots)
        for a, b in combinations(self.groups, 2):
            shared = sorted(sku for sku in a.skus if covers(b.skus, sku))
            shared += sorted(sku for sku in b.skus if covers(a.skus, sku) and sku not in shared)
            if shared and _meet(a, b):
                raise RateError(
                    f"{a.where} ({a.name}) and {b.where} ({b.name}) both have {shared[0]} and "
                    "could both apply to one run: which is first matters; put it in one group"
                )


_HINT = "give one of them a higher rank, or one more match key"


def _check_tie(one: _Rule, two: _Rule, both: str, hint: str) -> None:
    if len(one.match) == len(two.match) and one.rank == two.rank and _meet(one, two):
        raise RateError(
            f"{one.where} ({one.name}) and {two.where} ({two.name}) could both {both}; {hint}"
        )


def _meet(one: _Rule, two: _Rule) -> bool:
    """Whether some run at some moment could match both."""
    match = dict(one.match)
    return (
        all(match.get(key, value) == value for key, value in two.match)
        and one.start < two.end
        and two.start < one.end
    )


def merged(of_class: Timeline, levels: Mapping[str, Sequence[tuple[int, int]]]) -> Timeline:
    """A timeline of classes with the levels of tiers on it, ``(from, level)`` each in order."""
    cuts = {piece.start for piece in of_class} | {t for steps in levels.values() for t, _ in steps}
    found: list[Piece] = []
    for cut in sorted(cuts):
        piece = [one for one in of_class if one.start <= cut][-1]
        reached = {
            name: level for name, steps in levels.items() for start, level in steps if start <= cut
        }
        tiers = tuple((name, level) for name, level in sorted(reached.items()) if level)
        if not found or (found[-1].of_class, found[-1].tiers) != (piece.of_class, tiers):
            found.append(Piece(cut, piece.of_class, tiers))
    return tuple(found)


def covers(skus: Sequence[str], sku: str) -> bool:
    """Whether a list of SKUs has one; ``gres/gpu`` stands for GPUs of any type."""
    return sku in skus or (GPU in skus and is_gpu(sku))


def matching(rules: Iterable[R], dimensions: Mapping[str, str]) -> list[R]:
    """The rules that could apply to a run of these dimensions, at some moment."""
    return [
        rule for rule in rules
        if all(dimensions.get(key) == value for key, value in rule.match)
    ]  # fmt: skip


def at(rules: Iterable[R], instant: int) -> list[R]:
    """The rules that are in force at an instant."""
    return [rule for rule in rules if rule.start <= instant < rule.end]


def first(rules: Iterable[R]) -> R | None:
    """The one rule that applies of several: more match keys, then the higher rank."""
    return min(rules, key=lambda rule: (-len(rule.match), -rule.rank), default=None)


def edges(rules: Iterable[_Rule]) -> set[int]:
    """When what is in force of some rules can change."""
    return {time for rule in rules for time in (rule.start, rule.end)} - {NEVER, EVER}



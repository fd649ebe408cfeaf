"""Which way to pay suits which work: what runs look like, and a table of rules.

What accounting does not tell is not guessed.  Where it leaves open whether work
is training or inference, or in which environment it runs, each rule that may
hold is found, and only what all of them say is advised.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from slurm_finops.core.advice import FLOOR_PERCENT
from slurm_finops.core.rates import ON_DEMAND

SPOT, COMMITTED = "spot", "committed"
TRAINING, INFERENCE = "training", "inference"
PRODUCTION, TRIAL = "production", "dev or staging"
#: Runs below this are short: checkpoints would cost more than they save.
SHORT_MINUTES = 4 * 60
#: So many array tasks are many.
MANY = 20
#: States of runs that ended because of the machine, not of the work.
INTERRUPTED = frozenset(("PREEMPTED", "NODE_FAIL", "REQUEUED"))

_SAYS = re.compile(
    r"(?<![a-z])(?:(?P<training>(?:pre|re)?train|fine[-_. ]?tun|rlhf|sft(?![a-z])|dpo(?![a-z]))"
    r"|(?P<inference>infer|serve|serving|vllm|triton|endpoint))",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z]+")
_ENVIRONMENTS = {
    **dict.fromkeys(("prod", "production", "live"), PRODUCTION),
    **dict.fromkeys(
        ("dev", "develop", "development", "stage", "staging", "test", "testing", "sandbox"), TRIAL
    ),
}


def kind_of(*texts: str | None) -> str:
    """``training`` or ``inference``, by the first text with a word for one of them, else ""."""
    for text in texts:
        if text:
            kinds = {found.lastgroup for found in _SAYS.finditer(text)}
            if kinds:
                return (kinds.pop() or "") if len(kinds) == 1 else ""
    return ""


def environment_of(*texts: str | None) -> str:
    """`PRODUCTION` or `TRIAL`, by the first text with a word for one of them, else ""."""
    for text in texts:
        found = {_ENVIRONMENTS.get(word) for word in _WORD.findall((text or "").lower())} - {None}
        if found:
            return (found.pop() or "") if len(found) == 1 else ""
    return ""


class Lengths(NamedTuple):
    """Lengths of runs in whole minutes: of the middle run, the middle unit-hour, the longest.

    The middle unit-hour weighs runs by what they hold: half of all that was held
    lies in runs at least that long.
    """

    median: int
    typical: int
    longest: int

    @classmethod
    def of(cls, runs: Mapping[int, int], held: Mapping[int, int]) -> "Lengths":
        """From minutes -> runs of that length, and minutes -> what they held."""
        return cls(_middle(runs), _middle(held), max(runs, default=0))


def _middle(weights: Mapping[int, int]) -> int:
    """The largest value that half of the weight is at or above."""
    whole, counted = sum(weights.values()), 0
    for value in sorted(weights, reverse=True):
        counted += weights[value]
        if 2 * counted >= whole:
            return value
    return 0


class Workload(NamedTuple):
    """What a team's project did in one environment: of one SKU, within the period."""

    team: str | None
    project: str | None
    environment: str | None
    runs: int
    unit_seconds: int
    lengths: Lengths
    #: unit-seconds of runs by what names say of them; "" is what no name tells
    said: Mapping[str, int]
    #: seconds of the hours in which it held anything, and of the whole period
    held_seconds: int
    period_seconds: int
    array_runs: int = 0
    array_unit_seconds: int = 0
    #: runs by `INTERRUPTED` states, and jobs that ran more than once
    interrupted: Mapping[str, int] = {}
    restarted: int = 0

    @property
    def kind(self) -> str:
        """What more than half of the use is by its names, "" where they do not tell."""
        for kind in (TRAINING, INFERENCE):
            if 2 * self.said.get(kind, 0) > self.unit_seconds:
                return kind
        return ""

    @property
    def setting(self) -> str:
        """`PRODUCTION` or `TRIAL`, "" where neither tag nor project tells."""
        return environment_of(self.environment, self.project)

    @property
    def always_on(self) -> bool:
        return 100 * self.held_seconds >= FLOOR_PERCENT * self.period_seconds

    @property
    def short(self) -> bool:
        return self.lengths.typical < SHORT_MINUTES

    @property
    def batch(self) -> bool:
        """Many short tasks of arrays, which hold more than half of it."""
        return (
            self.array_runs >= MANY and self.short
            and 2 * self.array_unit_seconds > self.unit_seconds
        )  # fmt: skip


class Rule(NamedTuple):
    """Work of a kind for which ``holds`` (given its environment): how to pay for it."""

    work: str
    kind: str
    holds: Callable[[Workload, str], bool]
    models: tuple[str, ...]
    checkpoints: bool = False


#: The first that holds counts.
RULES = (
    Rule("training under 4 hours", TRAINING, lambda w, _: w.short, (ON_DEMAND,)),
    Rule("long training", TRAINING, lambda w, _: True, (SPOT,), checkpoints=True),
    Rule("asynchronous batch inference", INFERENCE, lambda w, _: w.batch, (SPOT,)),
    Rule("always-on production inference", INFERENCE,
         lambda w, setting: setting == PRODUCTION and w.always_on, (ON_DEMAND, COMMITTED)),
    Rule("production inference by the hour", INFERENCE,
         lambda w, setting: setting == PRODUCTION, (ON_DEMAND,)),
    Rule("dev or staging inference", INFERENCE,
         lambda w, setting: setting == TRIAL, (ON_DEMAND, SPOT)),
)  # fmt: skip


class Verdict(NamedTuple):
    """The rules that may hold for a workload, and what they all advise: nothing is undecided."""

    workload: Workload
    rules: tuple[Rule, ...]

    @property
    def models(self) -> tuple[str, ...]:
        first, *others = self.rules
        return tuple(
            model for model in first.models if all(model in rule.models for rule in others)
        )

    @property
    def checkpoints(self) -> bool:
        """Whether the work may be training that an interruption would throw back."""
        return SPOT in self.models and any(rule.checkpoints for rule in self.rules)


def judge(workload: Workload) -> Verdict:
    """Every rule that may hold, in the order of the table."""
    kinds = _kinds(workload)
    settings = [workload.setting] if workload.setting else [PRODUCTION, TRIAL]
    found = {
        next(i for i, rule in enumerate(RULES)
             if rule.kind == kind and rule.holds(workload, setting))
        for kind in kinds
        for setting in settings
    }  # fmt: skip
    return Verdict(workload, tuple(RULES[i] for i in sorted(found)))


def _kinds(workload: Workload) -> Iterable[str]:
    """What the work may be; many short tasks of an array are batch unless a name says training."""
    if workload.kind:
        return (workload.kind,)
    return (INFERENCE,) if workload.batch else (TRAINING, INFERENCE)

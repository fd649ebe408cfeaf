"""Whether chargeback may begin: the signals, from what use cost by its tags.

Chargeback is premature while one week's coverage is too low, a team with cost has no budget
or no cost centre, a cost has no owner, or tags differ where they should not.  Money is in
ticks; a coverage is in hundredths of a per cent, cut down and never rounded up.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from slurm_finops.core.near import near_pairs
from slurm_finops.core.tags import KEYS, Tags

#: Hundredths of a per cent that are the whole.
WHOLE = 10_000
#: Weeks that showback takes at the least before chargeback can be judged.
MIN_WEEKS, MAX_WEEKS = 4, 26
#: Tags with names that are used again and again; an experiment is new each time.
NAMED = tuple(key for key in KEYS if key != "experiment")
#: What of a project must be the same in each of its environments.
SAME = ("team", "cost_center")


class Cost(NamedTuple):
    """How many runs, and what they cost in ticks."""

    runs: int = 0
    ticks: int = 0

    def plus(self, other: "Cost") -> "Cost":
        return Cost(self.runs + other.runs, self.ticks + other.ticks)


class Part(NamedTuple):
    """Use with the same tags; ``valid``: all that are required are there and right."""

    tags: Tags
    valid: bool
    cost: Cost


class Covered(NamedTuple):
    """Ticks of use whose required tags are valid, and of all use."""

    valid: int
    all: int

    @property
    def share(self) -> int | None:
        """Hundredths of a per cent; None where nothing cost anything."""
        return self.valid * WHOLE // self.all if self.all > 0 else None

    def reaches(self, limit: int) -> bool:
        """Whether it is ``limit`` hundredths of a per cent or more; nothing reaches nothing."""
        return self.all > 0 and self.valid * WHOLE >= limit * self.all


def covered(parts: Iterable[Part]) -> Covered:
    """How much of what use cost has all its tags."""
    valid = whole = 0
    for part in parts:
        whole += part.cost.ticks
        valid += part.cost.ticks if part.valid else 0
    return Covered(valid, whole)


class Lacking(NamedTuple):
    """A team with cost, and what the registry does not say of it."""

    team: str
    cost: Cost
    registered: bool
    budget: bool
    cost_center: bool


def lacking(
    costs: Mapping[str, Cost], registered: Collection[str], budgeted: Collection[str],
    centred: Collection[str],
) -> list[Lacking]:  # fmt: skip
    """Teams with cost that have no budget or no cost centre, the costliest first."""
    found = [
        Lacking(team, cost, team in registered, team in budgeted, team in centred)
        for team, cost in costs.items()
        if cost.ticks > 0 and not (team in budgeted and team in centred)
    ]
    return sorted(found, key=lambda one: (-one.cost.ticks, one.team))


class Held(NamedTuple):
    """What an environment of a project has for a tag; ``value`` None: nothing."""

    environment: str
    value: str | None
    cost: Cost


class Split(NamedTuple):
    """A project whose ``key`` is not the same in each environment, the costliest first.

    ``common`` is the value that cost most, and ``cost`` is of all others.
    """

    project: str
    key: str
    common: str | None
    cost: Cost
    held: tuple[Held, ...]


def splits(parts: Sequence[Part]) -> list[Split]:
    """Projects whose team or cost centre differs by environment, the costliest first.

    Two teams with projects of one name differ only if one of them is in an environment in
    which the other is not.  Use without a team is untagged, and differs from nothing.
    """
    found = [
        _split(project, key, environments)
        for key in SAME
        for project, environments in _by_environment(parts, key).items()
        if len({frozenset(values) for values in environments.values()}) > 1
    ]
    return sorted(found, key=lambda one: (-one.cost.ticks, one.project, one.key))


def _split(project: str, key: str, environments: Mapping[str, "_Values"]) -> Split:
    every = _held(environments)
    totals: _Values = {}
    for _, value, cost in every:
        totals[value] = totals.get(value, Cost()).plus(cost)
    common = min(totals, key=lambda value: (-totals[value].ticks, value is None, value or ""))
    others = _summed(cost for value, cost in totals.items() if value != common)
    return Split(project, key, common, others, every)


_Values = dict[str | None, Cost]


def _by_environment(parts: Iterable[Part], key: str) -> dict[str, dict[str, _Values]]:
    """Project -> environment -> value of a tag -> cost, of what cost anything."""
    found: dict[str, dict[str, _Values]] = {}
    for tags, _, cost in parts:
        if None not in (tags.team, tags.project, tags.environment) and cost.ticks:
            environments = found.setdefault(str(tags.project), {})
            values = environments.setdefault(str(tags.environment), {})
            value = getattr(tags, key)
            values[value] = values.get(value, Cost()).plus(cost)
    return found


def _held(environments: Mapping[str, _Values]) -> tuple[Held, ...]:
    every = (
        Held(environment, value, cost)
        for environment, values in environments.items() for value, cost in values.items()
    )  # fmt: skip
    return tuple(sorted(every, key=lambda one: (-one.cost.ticks, one.environment, one.value or "")))


class Value(NamedTuple):
    """A tag's value and what it cost."""

    name: str
    cost: Cost


class Near(NamedTuple):
    """Two values of a tag that may be meant for one: the commoner, and the rarer."""

    key: str
    common: Value
    rare: Value


def near_values(
    parts: Sequence[Part], known: Mapping[str, Collection[str]], edits: int
) -> list[Near]:
    """Values ``edits`` slips apart at most, of which the rarer cost something, costliest first.

    No slip is between two values that are both ``known`` (by tag), and between two that
    differ in digits only: llama-7b and llama-70b are two models.
    """
    found = [
        near
        for key in NAMED
        for near in _near(key, _values(parts, key), frozenset(known.get(key, ())), edits)
    ]
    return sorted(found, key=lambda one: (-one.rare.cost.ticks, one.key, one.rare, one.common))


def _near(
    key: str, values: Mapping[str, Cost], known: frozenset[str], edits: int
) -> Iterable[Near]:
    for pair in near_pairs(values, edits):
        if known.issuperset(pair) or _without_digits(pair[0]) == _without_digits(pair[1]):
            continue
        rare, common = sorted((Value(name, values[name]) for name in pair), key=_commonness)
        if rare.cost.ticks > 0:
            yield Near(key, common, rare)


def _commonness(value: Value) -> tuple[int, int, str]:
    return value.cost.runs, value.cost.ticks, value.name


def _values(parts: Iterable[Part], key: str) -> dict[str, Cost]:
    found: dict[str, Cost] = {}
    for part in parts:
        value = getattr(part.tags, key)
        if value is not None:
            found[value] = found.get(value, Cost()).plus(part.cost)
    return found


def _without_digits(text: str) -> str:
    return "".join(char for char in text if not char.isdigit())


def _summed(costs: Iterable[Cost]) -> Cost:
    total = Cost()
    for cost in costs:
        total = total.plus(cost)
    return total

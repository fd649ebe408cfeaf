"""What is paid whether it is used or not, and who carries what nobody used.

A *pool* is capacity that was bought: its cost accrues with time, and use that it
covers pays a share of that cost instead of a rate.  *Overhead* is what shared
services use, a *line* is an amount of a bill beside compute, a *credit* is taken
off.  All of them are origins of costs that are apportioned, not priced.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Final, Literal

from slurm_finops.core.accrual import Cost
from slurm_finops.core.globs import Globs
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import ENDED, EVER, POOL_RANK, Match, Rate, RateError, united
from slurm_finops.core.reservations import IdleRule
from slurm_finops.core.tags import Tags
from slurm_finops.core.usage import GPU, is_gpu

COMMITTED = "committed"
#: Of what stretch of time a cost is shared by the use of the same stretch.
STEPS = ("hour", "day", "month")
PROPORTIONAL, EVEN, RATIOS, CARRIED = "proportional", "even", "ratios", "carried"
METHODS = (PROPORTIONAL, EVEN, RATIOS, CARRIED)
#: The buyer's own costs first, what is left by everybody's.
BUYER_FIRST = "buyer_first"
BASES = ("gpu_hours", "cost")
WINDOWS = ("day", "month")
#: Instead of a number of units: as many as the nodes had that Slurm showed.
SLURM: Final = "slurm"


@dataclass(frozen=True)
class Spread:
    """Who carries an amount: a method, and what it needs.

    ``ratios`` are ``(team, whole number)``, in proportion; ``to`` is a team, or
    None for nobody, which reports show as untagged.  ``over``: the days whose
    use is looked at together.
    """

    method: str = CARRIED
    by: str = "gpu_hours"
    ratios: tuple[tuple[str, int], ...] = ()
    to: str | None = None
    over: str = "month"


class _OfUse:
    """Which use something is about: SKUs, on billing days ``[first, last)``, of some runs."""

    use: tuple[tuple[str, int], ...]
    first: int
    last: int | None
    match: Match

    def takes(self, sku: str) -> int:
        """What a unit of a SKU takes of it, 0 for nothing; ``gres/gpu`` stands for any type."""
        use = dict(self.use)
        return use.get(sku) or (use.get(GPU, 0) if is_gpu(sku) else 0)

    def live(self, day: int) -> bool:
        return self.first <= day and (self.last is None or day < self.last)

    def covers(self, dimensions: Mapping[str, str]) -> bool:
        """Whether it is for runs with these dimensions; see `rates.MATCH_KEYS`."""
        return all(dimensions.get(key) == value for key, value in self.match)


@dataclass(frozen=True)
class Pool(_OfUse):
    """Capacity that costs with time, over the billing days ``[first, last)``.

    ``use`` is what a unit of each SKU takes of it.  ``units`` None: it has no
    capacity that could be left unused, and its whole cost is shared by use.  "slurm":
    as many as the nodes that fit had at each time.
    """

    name: str
    kind: str
    use: tuple[tuple[str, int], ...]
    units: int | Literal["slurm"] | None
    costs: tuple[Cost, ...]
    first: int
    last: int | None
    match: Match = ()
    rank: int = 0
    step: str = "hour"
    beyond: str = "error"
    buyer: str | None = None
    buyer_first: bool = False
    unused: Spread = Spread()
    where: str = ""
    #: whether its cost is billed to whoever bears it, and not where it was bought
    bills_use: bool = False

    @property
    def order(self) -> tuple[int, int, str]:
        """Which pool covers use first: more match keys, then the higher rank."""
        return -len(self.match), -self.rank, self.name


@dataclass(frozen=True)
class Recharge(_OfUse):
    """What rates are to recover: it covers no use, and changes what nobody pays.

    The charges of its use recover it; each of ``use`` weighs the same.
    """

    name: str
    use: tuple[tuple[str, int], ...]
    costs: tuple[Cost, ...]
    first: int
    last: int | None
    match: Match = ()
    where: str = ""


@dataclass(frozen=True)
class Overhead:
    """Runs of shared services, whose cost others carry: names or globs of whose they are."""

    name: str
    accounts: tuple[str, ...]
    partitions: tuple[str, ...]
    users: tuple[str, ...]
    spread: Spread
    where: str = ""

    def matches(self, account: str, partition: str, user: str) -> bool:
        return (
            Globs(self.accounts).match(account)
            or Globs(self.partitions).match(partition)
            or Globs(self.users).match(user)
        )


@dataclass(frozen=True)
class Line:
    """An amount beside compute: for one owner (``tags``) or spread over all."""

    name: str
    category: str
    cost: Cost
    tags: Tags | None
    spread: Spread
    where: str = ""


@dataclass(frozen=True)
class Credit:
    """An amount taken off what was used, by cost: everybody's, or its buyer's first."""

    name: str
    cost: Cost
    buyer: str | None
    spread: Spread
    where: str = ""


@dataclass(frozen=True)
class Allocation:
    """Everything of a site that is apportioned; and, beside it, what rates recover."""

    pools: tuple[Pool, ...] = ()
    overhead: tuple[Overhead, ...] = ()
    lines: tuple[Line, ...] = ()
    credits: tuple[Credit, ...] = ()
    reservations: tuple[IdleRule, ...] = ()
    recharge: tuple[Recharge, ...] = ()

    @property
    def named(self) -> list[tuple[str, str]]:
        """Every name, with where it stands: costs say by it what they come from."""
        every: list[Pool | Recharge | Credit | Overhead | Line | IdleRule] = [
            *self.pools, *self.recharge, *self.credits, *self.overhead, *self.lines,
            *self.reservations,
        ]  # fmt: skip
        return [(one.name, one.where) for one in every]

    def __bool__(self) -> bool:
        """Whether anything is apportioned."""
        return bool(
            self.pools or self.overhead or self.lines or self.credits or self.reservations
        )


def pool_rates(pools: Iterable[Pool], calendar: Calendar) -> list[Rate]:
    """The rates by which use that a pool may cover is priced: at nothing, while one is there.

    A rate without a kind of pricing ends its series, so that others apply again.
    """
    lasting: dict[tuple[str, Match, int], list[tuple[int, int]]] = {}
    where: dict[tuple[str, Match, int], str] = {}
    for pool in pools:
        end = EVER if pool.last is None else calendar.midnight(pool.last)
        for sku, _ in pool.use:
            series = sku, pool.match, POOL_RANK + pool.rank
            where.setdefault(series, f"{pool.where} ({pool.name})")
            lasting.setdefault(series, []).append((calendar.midnight(pool.first), end))
    rates = []
    for (sku, match, rank), spans in lasting.items():
        begin = Rate(sku, 0, 0, 1, COMMITTED, match, rank, where[sku, match, rank])
        for start, end in united(spans):
            rates.append(begin._replace(start=start))
            if end < EVER:
                rates.append(begin._replace(start=end, pricing=ENDED))
    return rates


def check_names(named: Iterable[tuple[str, str]]) -> None:
    """Raise `RateError` where one name is that of two; ``named`` are names, each with where."""
    found: dict[str, list[str]] = {}
    for name, where in named:
        found.setdefault(name, []).append(where)
    for name, places in found.items():
        if len(places) > 1:
            raise RateError(
                f"{name!r} names {len(places)} of [[pools]], [[overhead]], [[lines]], "
                f"[[reservations]] and imported lines: {' and '.join(places)}; give each a name "
                "of its own"
            )


def check_pools(pools: Iterable[Pool]) -> None:
    """Raise `RateError` for pools that could cover one run with equal right, or at odds."""
    for one, two in combinations(pools, 2):
        if not _could_meet(one, two):
            continue
        both = f"{one.where} ({one.name}) and {two.where} ({two.name})"
        if one.order[:2] == two.order[:2]:
            raise RateError(
                f"{both} could both cover one run at the same time; give one of them a higher "
                "rank (it covers first, the other what is beyond it), or another match"
            )
        if any(two.takes(sku) not in (0, weight) for sku, weight in one.use):
            raise RateError(f"{both} could cover one run together; a SKU must take as much of both")
        if SLURM in (one.units, two.units):
            raise RateError(
                f'{both} could cover one run together, and with units = "{SLURM}" the nodes of one '
                "would be counted for the other, too; give both a number of units, or other matches"
            )
        if one.step != two.step:
            raise RateError(
                f"{both} could cover one run together, and differ in step ({one.step}, "
                f"{two.step}); give them the same"
            )


def check_recharge(pools: Iterable[Recharge]) -> None:
    """Raise `RateError` for two pools that one charge would recover: it can do so once."""
    for one, two in combinations(pools, 2):
        if _could_meet(one, two):
            raise RateError(
                f"{one.where} ({one.name}) and {two.where} ({two.name}) would both be recovered by "
                "the same charges; give them other SKUs or matches, or make them one pool"
            )


def _could_meet(one: _OfUse, two: _OfUse) -> bool:
    match = dict(one.match)
    of_one_sku = any(two.takes(sku) for sku, _ in one.use) or any(
        one.takes(sku) for sku, _ in two.use
    )
    return (
        of_one_sku
        and all(match.get(key, value) == value for key, value in two.match)
        and (two.last is None or one.first < two.last)
        and (one.last is None or two.first < one.last)
    )

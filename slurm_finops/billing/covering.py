"""Pools against a month's use: who bears how much of each, what is unused, what is beyond."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import lcm
from operator import add
from typing import NamedTuple

from slurm_finops.billing.capacity import AllocationError, Capacity, Room, mean
from slurm_finops.billing.fitting import Fit, Fitting, Spans
from slurm_finops.billing.names import Names
from slurm_finops.core.accrual import accrued
from slurm_finops.core.allocation import Class, Coverage, Slots, cover, covered, share
from slurm_finops.core.money import apportion, split_amount
from slurm_finops.core.period import Calendar
from slurm_finops.core.pools import SLURM, Pool
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.rates import CLASS
from slurm_finops.ledger import allocation as table
from slurm_finops.ledger.allocation import Owner
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.use import HOUR, HourlyUse


class User(NamedTuple):
    """Use of one owner that stands in one relation to all pools; ``rule``: its overhead rule."""

    owner: Owner
    rule: int
    kind: Class


class Part(NamedTuple):
    """What a user bears of a pool (by its number) on a day; or pays beyond its last one."""

    pool: int
    user: User
    ticks: int
    unit_seconds: int
    beyond: bool = False


@dataclass
class Covered:
    """A day: parts of pools, ticks of each pool that no use bears, and room by Slurm's nodes."""

    parts: list[Part] = field(default_factory=list)
    unused: dict[int, int] = field(default_factory=dict)
    room: dict[int, Room] = field(default_factory=dict)


Use = dict[User, list[int]]


class Covering:
    """All pools of a site over the billing days of one month."""

    def __init__(
        self, ledger: Ledger, names: Names, calendar: Calendar, pools: Iterable[Pool],
        rule_of: Mapping[int, int], book: PriceBook, suspended: bool,
    ) -> None:  # fmt: skip
        self.pools = sorted(pools, key=lambda pool: pool.order)
        self._db = ledger.db
        self._names = names
        self._calendar = calendar
        self._rule_of = rule_of
        self._book = book
        self._cards = table.pool_cards(ledger.db)
        self._capacity = Capacity(ledger.db, calendar)
        self._reader = HourlyUse(
            ledger.db, calendar, ("charges.tag_set_id", "cluster_id", "context_id", "sku_id"),
            self._cards, suspended=suspended, spans=self._spans,
        )  # fmt: skip
        self._fitting: Fitting | None = None
        self._by_class = CLASS in book.match_keys
        self._midnight = 0
        self._whole = True
        self._month: dict[int, _Monthly] = {}
        self._coverage = Coverage()

    def begin(self, days: Sequence[int]) -> None:
        """Look at a month's days: pools that are shared by the month need them all."""
        self._whole = len(days) == self._calendar.month_of(days[0]).last - days[0]
        monthly = [n for n, pool in enumerate(self.pools) if pool.step == "month"]
        self._month = {}
        if not monthly:
            return
        totals: dict[Class, int] = {}
        by_day: dict[int, dict[Class, int]] = {}
        for day in days:
            by_day[day] = _totals(self._of_step(self._use(day), "month"))
            for kind, held in by_day[day].items():
                totals[kind] = totals.get(kind, 0) + held
        slots, costs = {}, {}
        for number in monthly:
            live = [day for day in days if self.pools[number].live(day)]
            if live:
                span = self._span(live[0])[0], self._span(live[-1])[1]
                costs[number] = {day: self._cost(number, *self._span(day)) for day in live}
                slots[number] = self._slots(number, [sum(costs[number].values())], [span])
        of_month = {kind: [held] for kind, held in totals.items()}
        self._coverage = cover(slots, of_month)
        for number in slots:
            month = _of_month(number, costs[number], self._coverage, by_day)
            if self.pools[number].units == SLURM:
                (held,), spans = _held(number, of_month, 1), map(self._span, costs[number])
                room = self._capacity.room_by_day(self.pools[number], held, list(spans))
                month.room.update(zip(costs[number], room, strict=True))
            self._month[number] = month

    def day(self, day: int) -> Covered:
        """Who bears what on a day; call `begin` with its month first."""
        found = Covered()
        use = self._use(day)
        start, end = self._span(day)
        hours = [(t, min(t + HOUR, end)) for t in range(start, end, HOUR)]
        for step, spans in (("hour", hours), ("day", [(start, end)])):
            mine = self._of_step(use, step)
            slots = {
                number: self._slots(number, [self._cost(number, *span) for span in spans], spans)
                for number, pool in enumerate(self.pools)
                if pool.step == step and pool.live(day)
            }  # fmt: skip
            by_class = _by_class(mine, len(spans))
            coverage = cover(slots, by_class)
            for number, pool in slots.items():
                unused = sum(coverage.unused[number], Fraction(0))
                self._share(found, number, sum(pool.costs), mine, coverage, unused)
                if self.pools[number].units == SLURM:
                    held = _held(number, by_class, len(spans))
                    found.room[number] = self._capacity.room(self.pools[number], held, spans)
            self._beyond(found, day, mine, coverage)
        mine = self._of_step(use, "month")
        for number, month in self._month.items():
            if day in month.borne:
                self._share(found, number, month.borne[day], mine, self._coverage, Fraction(0))
                found.unused[number] = month.unused[day]
                if day in month.room:
                    found.room[number] = month.room[day]
        if mine:
            self._beyond(found, day, mine, self._coverage)
        return found

    def purchased(self, day: int) -> dict[int, int]:
        """Ticks that the purchase of each reserved pool bills on a day: upfront, or by time."""
        found = {}
        start, end = self._span(day)
        for number, pool in enumerate(self.pools):
            if pool.kind != "reserved" or pool.bills_use or not pool.live(day):
                continue
            once = sum(c.ticks for c in pool.costs if c.every == "once" and start <= c.start < end)
            rest = (accrued(c, start, end, self._calendar) for c in pool.costs if c.every != "once")
            found[number] = once + sum(rest)
        return found

    def _share(
        self, found: Covered, number: int, total: int, use: Use, coverage: Coverage,
        unused: Fraction,
    ) -> None:  # fmt: skip
        mine = {user: units for user, units in use.items() if number in user.kind.chain}
        prices = {user: coverage.price[number, user.kind] for user in mine}
        shares = share(total, mine, prices, unused, self._place)
        found.unused[number] = shares.unused
        parts = {user: coverage.part[number, user.kind] for user in mine}
        held = covered(mine, parts, self._place)
        for user, ticks in shares.ticks.items():
            if held[user] or ticks:
                found.parts.append(Part(number, user, ticks, held[user]))

    def _beyond(self, found: Covered, day: int, use: Use, coverage: Coverage) -> None:
        """Use that no pool covers pays what it would without one, or is more than there can be."""
        over = {
            kind for kind, parts in coverage.beyond.items()
            # of a month that goes on it is not known yet: the days to come may take it up
            if any(parts) and (self._whole or self.pools[kind.chain[0]].step != "month")
        }
        users = {user: units for user, units in use.items() if user.kind in over}
        if not users:
            return
        priced, without = self._contracted(day)
        part_of = {user: coverage.beyond[user.kind] for user in users}
        held = covered(users, part_of, self._place)
        for user, units in users.items():
            parts = coverage.beyond[user.kind]
            worth = sum((u * part for u, part in zip(units, parts, strict=True)), Fraction(0))
            if not worth:
                continue
            number = user.kind.chain[-1]
            if self.pools[number].beyond == "error":
                raise AllocationError(self._too_small(number, day, use))
            if user in without:
                raise AllocationError(self._no_price(number, user, day))
            ticks = int(priced.get(user, 0) * worth / sum(units))
            found.parts.append(Part(number, user, ticks, held[user], beyond=True))

    def _too_small(self, number: int, day: int, use: Use) -> str:
        pool = self.pools[number]
        slots = zip(*(u for user, u in use.items() if number in user.kind.chain), strict=True)
        held = [sum(units) for units in slots]
        slot = max(range(len(held)), key=held.__getitem__)
        start, end = self._span(day)
        if pool.step == "hour":
            start, end = start + slot * HOUR, min(start + (slot + 1) * HOUR, end)
        in_use = f"{mean(held[slot], start, end)} were in use in the {pool.step} from"
        if pool.step == "month":
            in_use = "more were in use in the month of"
        there, mend = f"units is {pool.units}", "say how many there are"
        if pool.units == SLURM:
            of_slurm = mean(self._capacity.of(pool, start, end) or 0, start, end)
            there = f'units is "{SLURM}", whose nodes had {of_slurm}'
            mend = "run slurm-finops collect nodes more often"
        return (
            f"{pool.where} ({pool.name}): {there}, and {in_use} "
            f"{self._calendar.isoformat(start)}; {mend}, or beyond = \"rates\" "
            "if what is beyond them pays its on_demand rate"
        )

    def _no_price(self, number: int, user: User, day: int) -> str:
        pool = self.pools[number]
        return (
            f"{pool.where} ({pool.name}): use beyond its "
            f"{'' if pool.units == SLURM else f'{pool.units} '}units on "
            f"{self._calendar.isoformat(self._span(day)[0])[:10]} pays its on_demand rate, and "
            f"there is none for {' or '.join(sku for sku, _ in pool.use)} "
            f"(partition {user.owner[2] or 'unknown'})"
        )

    def _spans(self, key: tuple[int, int, int, int]) -> Spans:
        """When a pool is the rate of such use, of the day that is looked at."""
        tag_set, *rest = key
        fit = self._fit(tag_set, *rest) if self._fitting is not None else None
        return fit.spans if fit else ()

    def _use(self, day: int) -> Use:
        """Unit-seconds by hour of what a pool may cover; a unit counts what it takes of one."""
        found: Use = {}
        self._fit_on(day)
        fit_of, user_of = self._fit, self._user
        for (tag_set, cluster, context, sku), hours in self._reader.of_day(day).items():
            fit = fit_of(tag_set, cluster, context, sku)
            if fit is None:
                continue
            user = user_of(fit, tag_set, cluster)
            units = hours if fit.weight == 1 else [fit.weight * held for held in hours]
            seen = found.get(user)
            found[user] = units if seen is None else list(map(add, seen, units))
        return found

    def _contracted(self, day: int) -> tuple[dict[User, int], set[User]]:
        """What use costs without pools, and whose use of some SKU has no price then.

        A price of nothing is one.
        """
        found: dict[User, int] = {}
        without: set[User] = set()
        start, end = self._span(day)
        self._fit_on(day)
        for tag_set, cluster, context, sku, ticks in table.contracted(self._db, day, self._cards):
            fit = self._fit(tag_set, cluster, context, sku)
            if fit is not None:
                user = self._user(fit, tag_set, cluster)
                found[user] = found.get(user, 0) + ticks
                if not ticks and any(a < end and b > start for a, b in fit.unrated):
                    without.add(user)
        return found, without

    def _user(self, fit: Fit, tag_set: int, cluster: int) -> User:
        kind = fit.kind
        if fit.bought:
            team = self._names.team(tag_set)
            kind = Class(kind.chain, frozenset(n for n, buyer in fit.bought if buyer == team))
        return User((tag_set, cluster, fit.partition), fit.rule, kind)

    def _place(self, user: User) -> tuple[object, ...]:
        kind = user.kind
        return *self._names.place(user.owner), user.rule, kind.chain, sorted(kind.buys)

    def _fit_on(self, day: int) -> None:
        """Look at what fits on a day; kept for as long as the same pools are there."""
        live = tuple(number for number, pool in enumerate(self.pools) if pool.live(day))
        self._midnight = self._calendar.midnight(day)
        if self._fitting is None or self._fitting.live != live:
            self._fitting = Fitting(
                self.pools, live, self._names, self._rule_of, self._book
            )

    def _fit(self, tag_set: int, cluster: int, context: int, sku: int) -> Fit | None:
        """What fits on the day that is looked at."""
        assert self._fitting is not None
        of_class = ""
        if self._by_class:  # a team is of one class for whole days
            team = self._names.team(tag_set)
            of_class = self._book.charging.class_at(team, self._midnight)
        return self._fitting[cluster, context, sku, of_class]

    def _of_step(self, use: Use, step: str) -> Use:
        """The part of the use that is shared by this step, in its slots."""
        return {
            user: units if step == "hour" else [sum(units)]
            for user, units in use.items()
            if self.pools[user.kind.chain[0]].step == step
        }

    def _slots(self, number: int, costs: Sequence[int], spans: Sequence[tuple[int, int]]) -> Slots:
        pool = self.pools[number]
        found = (self._capacity.of(pool, *span) for span in spans)
        capacity = [units for units in found if units is not None]
        return Slots(costs, None if pool.units is None else capacity, pool.buyer_first)

    def _cost(self, number: int, start: int, end: int) -> int:
        return sum(accrued(cost, start, end, self._calendar) for cost in self.pools[number].costs)

    def _span(self, day: int) -> tuple[int, int]:
        return self._calendar.midnight(day), self._calendar.midnight(day + 1)


class _Monthly(NamedTuple):
    """A pool that is shared by the month's use: ticks by day, borne by use and unused."""

    borne: dict[int, int]
    unused: dict[int, int]
    room: dict[int, Room]


def _of_month(
    number: int, costs: Mapping[int, int], coverage: Coverage,
    by_day: Mapping[int, Mapping[Class, int]],
) -> _Monthly:  # fmt: skip
    """The month's cost on its days: by what each day's use is worth, and what is left by time."""
    worth = [
        sum((held * coverage.price[number, kind][0] for kind, held in by_day[day].items()
             if number in kind.chain), Fraction(0))
        for day in costs
    ]  # fmt: skip
    unused = sum(coverage.unused[number], Fraction(0))
    common = lcm(unused.denominator, *(part.denominator for part in worth))
    numbers = [part.numerator * (common // part.denominator) for part in (*worth, unused)]
    keys = [(0, day) for day in costs] + [(1, 0)]
    *borne, rest = apportion(sum(costs.values()), numbers, common, keys)
    idle = split_amount(rest, list(costs.values()), list(costs)) if rest else [0] * len(costs)
    return _Monthly(
        dict(zip(costs, borne, strict=True)), dict(zip(costs, idle, strict=True)), {}
    )


def _by_class(use: Use, slots: int) -> dict[Class, list[int]]:
    found: dict[Class, list[int]] = {}
    for user, units in use.items():
        total = found.setdefault(user.kind, [0] * slots)
        for i, held in enumerate(units):
            total[i] += held
    return found


def _held(number: int, by_class: Mapping[Class, Sequence[int]], slots: int) -> list[int]:
    """Unit-seconds of each slot that this pool may cover."""
    mine = [units for kind, units in by_class.items() if number in kind.chain]
    return [sum(units[slot] for units in mine) for slot in range(slots)]


def _totals(use: Use) -> dict[Class, int]:
    return {kind: units[0] for kind, units in _by_class(use, 1).items()}

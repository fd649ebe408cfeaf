"""What reservations held back and nobody used, hour by hour, at list price."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.billing.capacity import AllocationError
from slurm_finops.core.capacity import OPEN, Level, Span
from slurm_finops.core.hostlist import expand
from slurm_finops.core.money import split_amount
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy, Who
from slurm_finops.core.pools import Allocation
from slurm_finops.core.rates import Card, RateBook, Segment
from slurm_finops.core.reservations import (
    MAINT,
    Holder,
    IdleRule,
    Reservation,
    by_id,
    unused,
)
from slurm_finops.core.tags import Claim
from slurm_finops.core.usage import GPU, billable, is_device, is_gpu, parse_tres
from slurm_finops.ledger import allocation as table
from slurm_finops.ledger import capacity as nodes_table
from slurm_finops.ledger.capacity import Had
from slurm_finops.ledger.reservations import Stored, overlapping
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.use import HOUR, InReservation, add_hours, in_reservations

#: Ticks of each team, None for nobody's.
Parts = dict[str | None, int]
_Node = list[tuple[Span, Had]]


def dated(db: sqlite3.Connection, what: Allocation) -> Allocation:
    """With the day from which each rule goes: without one, that of the first charge.

    Before it nothing is known of what ran, and so nothing of what was not used.
    """
    if not what.reservations:
        return what
    first = db.execute("SELECT min(day) FROM charges").fetchone()[0]
    return replace(what, reservations=tuple(
        replace(rule, first=OPEN if first is None else first) if rule.first is None else rule
        for rule in what.reservations
    ))  # fmt: skip


def mark_known(
    ledger: Ledger, what: Allocation, calendar: Calendar, spans: Iterable[tuple[int, int]]
) -> None:
    """Have the days allocated again of whose reservations more or other is known now."""
    rules, last = dated(ledger.db, what).reservations, table.through(ledger)
    if not rules or last is None:
        return
    first = min(rule.first or 0 for rule in rules)
    for start, end in spans:
        days = range(max(first, calendar.day_of(start)), min(last, calendar.day_of(end - 1) + 1))
        table.mark(ledger.db, days)


class _Booked(NamedTuple):
    """A reservation under its rule (by number): what it holds back and at what prices.

    ``names`` are what runs in it are said to be in: its name, and its id.
    """

    rule: int
    cluster_id: int
    names: tuple[str, str]
    start: int
    end: int
    levels: dict[str, Level]
    prices: dict[str, tuple[Segment[Card], ...]]
    teams: tuple[str | None, ...]


class Reserved:
    """The reservations of a month's days that fall under a rule."""

    def __init__(
        self, db: sqlite3.Connection, rules: Sequence[IdleRule], policy: Policy,
        calendar: Calendar, book: RateBook, days: range, suspended: bool,
    ) -> None:  # fmt: skip
        self._db = db
        self._rules = rules
        self._policy = policy
        self._calendar = calendar
        self._book = book
        self._suspended = suspended
        self._nodes: dict[int, dict[str, _Node]] = {}
        self._booked = list(self._all(days)) if rules and days else []

    def day(self, day: int) -> dict[int, Parts]:
        """Rule -> team -> ticks for what was not used on a day; they sum to what it came to."""
        since, until = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        mine = [
            one for one in self._booked
            if one.start < until and one.end > since and (self._rules[one.rule].first or 0) <= day
        ]  # fmt: skip
        if not mine:
            return {}
        runs: dict[tuple[int, str], list[InReservation]] = {}
        for run in in_reservations(self._db, self._calendar, day, self._suspended):
            runs.setdefault((run.cluster_id, run.reservation), []).append(run)
        found: dict[int, Parts] = {}
        for one in mine:
            inside = [run for name in one.names for run in runs.get((one.cluster_id, name), ())]
            idle = _idle(one, inside, since, until)
            ticks = int(idle * self._rules[one.rule].share)
            parts = found.setdefault(one.rule, {})
            each = split_amount(ticks, [1] * len(one.teams), one.teams)
            for team, part in zip(one.teams, each, strict=True):
                parts[team] = parts.get(team, 0) + part
        return found

    def _all(self, days: range) -> Iterator[_Booked]:
        span = self._calendar.midnight(days.start), self._calendar.midnight(days.stop)
        for stored in overlapping(self._db, *span):
            what = stored.what
            number = next(
                (n for n, rule in enumerate(self._rules) if rule.matches(what.name, what.holders)),
                None,
            )
            # who has nodes to himself that are under maintenance?
            if number is not None and MAINT not in what.flags.split(","):
                yield self._book_of(number, stored)

    def _book_of(self, number: int, stored: Stored) -> _Booked:
        rule, what, (start, end) = self._rules[number], stored.what, stored.span
        there = self._there(rule, stored)
        partition = rule.partition or _partition(there)
        dimensions = {"cluster": what.cluster} | ({"partition": partition} if partition else {})
        levels = _held_back(what, there, self._book.skus, (start, end))
        prices = {sku: self._book.segments(sku, dimensions) for sku in levels}
        return _Booked(
            number, stored.cluster_id, (what.name, by_id(what.number)), start, end, levels,
            prices, self._teams(what.holders),
        )  # fmt: skip

    def _there(self, rule: IdleRule, stored: Stored) -> list[_Node]:
        """What its nodes had while it was there; a node that was never seen is left out.

        Raises `AllocationError` where those of the cluster were never collected.
        """
        names = expand(stored.what.nodes)
        if names and stored.cluster_id not in self._nodes:
            self._nodes[stored.cluster_id] = _by_name(
                nodes_table.nodes(self._db, stored.cluster_id)
            )
        known = self._nodes.get(stored.cluster_id, {})
        if names and not known and any(map(is_device, self._book.skus)):
            raise AllocationError(
                f"{rule.where} ({rule.name}): what the nodes of {stored.what.cluster} have is not "
                f"known, and so not what reservation {stored.what.name!r} held back; run: "
                "slurm-finops collect nodes"
            )
        start, end = stored.span
        found = [
            [(s, had) for s, had in known.get(name, ()) if s.start < end and s.end > start]
            for name in names
        ]
        return [node for node in found if node]

    def _teams(self, holders: Iterable[Holder]) -> tuple[str | None, ...]:
        """The teams whose lists, or whose accounts' default tags, name any holder."""
        found = set()
        for account, user in holders:
            who = Who(account, user)
            owner = self._policy.owner(who)
            found.add(owner.name if owner else self._policy.filled(Claim(), who).team)
        return tuple(sorted(team for team in found if team)) or (None,)


def _by_name(rows: Iterable[Had]) -> dict[str, _Node]:
    """What each node had, and when: one that was reserved before it was first seen was there."""
    found: dict[str, _Node] = {}
    for had in rows:
        spans = found.setdefault(had.node, [])
        end = OPEN if had.end is None else had.end
        spans.append((Span(had.start if spans else -OPEN, end, 1), had))
    return found


def _partition(there: Iterable[_Node]) -> str | None:
    """The one partition that all of these nodes are in, if there is one."""
    found = [set(had.partitions) for node in there for _, had in node]
    common = set.intersection(*found) if found else set()
    return common.pop() if len(common) == 1 else None


def _held_back(
    what: Reservation, there: Sequence[_Node], priced: frozenset[str], span: tuple[int, int]
) -> dict[str, Level]:
    """SKU -> its units over time.

    Slurm counts devices only where somebody reserved them as such; who has whole nodes
    has theirs, and who has some of their cores none.
    """
    tres = parse_tres(what.tres)
    units = dict(billable(tres, priced))
    if GPU in units:
        types = {sku for node in there for _, had in node for sku in had.units
                 if is_gpu(sku) and sku != GPU and had.units[sku]}  # fmt: skip
        if len(types) == 1:
            only = types.pop()
            units[only] = units.get(only, 0) + units.pop(GPU)
    spans = {sku: [Span(*span, count)] for sku, count in units.items()}
    first = sum(node[0][1].units.get("cpu", 0) for node in there)
    if not any(map(is_device, tres)) and tres.get("cpu", first) >= first:
        for node in there:
            for (start, end, _), had in node:
                for sku, count in had.units.items():
                    if count and is_device(sku):
                        spans.setdefault(sku, []).append(
                            Span(max(start, span[0]), min(end, span[1]), count)
                        )
    return {sku: Level(some) for sku, some in spans.items()}


def _idle(
    one: _Booked, runs: Iterable[InReservation], since: int, until: int
) -> Fraction:
    """Ticks for what nobody used of a reservation on the day ``[since, until)``."""
    hours = -(-(until - since) // HOUR)
    used: dict[str, list[int]] = {}
    for run in runs:
        held = used.setdefault(run.sku, [0] * hours)
        start, end = max(run.start, one.start, since), min(run.end, one.end, until)
        add_hours(held, run.units, start - since, end - since)
    ticks = Fraction(0)
    for hour in range(hours):
        start = max(since + hour * HOUR, one.start)
        end = min(since + (hour + 1) * HOUR, until, one.end)
        if start < end:
            over = {sku: level.over(start, end) for sku, level in one.levels.items()}
            back = {sku: units for sku, units in over.items() if units}
            left = unused(back, {sku: held[hour] for sku, held in used.items()})
            ticks += sum(
                (units * _list_price(one.prices[sku], start, end) / (end - start)
                 for sku, units in left.items() if units), Fraction(0),
            )  # fmt: skip
    return ticks


def _list_price(segments: Sequence[Segment[Card]], start: int, end: int) -> Fraction:
    """The list price of a unit over ``[start, end)`` in ticks, of which each has a rate."""
    found = Fraction(0)
    ends = [*(segment.start for segment in segments[1:]), OPEN]
    for segment, stop in zip(segments, ends, strict=True):
        first, last = max(start, segment.start), min(end, stop)
        if segment.list_curve is not None and first < last:
            curve = segment.list_curve
            found += Fraction(curve.between(first, last), curve.per)
    return found


def teams_of(policy: Policy) -> object:
    """What of a policy says whose a reservation is: a change of it places anew."""
    lists = [(team.name, team.accounts, team.users, team.wckeys) for team in policy.teams]
    return lists, policy.defaults

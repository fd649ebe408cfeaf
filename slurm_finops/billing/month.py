"""One month's allocation: from its charges and the site's rules to owners' parts.

Pools come first, day by day; then what shared services cost is taken off them; then
every pot (unused capacity, overhead, lines, credits) is placed on who used anything.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from slurm_finops.billing.covering import Covered, Covering
from slurm_finops.billing.fitting import NO_RULE
from slurm_finops.billing.names import Names
from slurm_finops.billing.reserved import Reserved
from slurm_finops.core.accrual import Cost, accrued
from slurm_finops.core.money import split_amount
from slurm_finops.core.period import Calendar
from slurm_finops.core.policy import Policy
from slurm_finops.core.pools import CARRIED, RATIOS, Allocation, Credit, Overhead, Pool, Spread
from slurm_finops.core.price_book import PriceBook
from slurm_finops.core.spread import Portion, Weights, credited, portions
from slurm_finops.core.tags import Claim, Tags
from slurm_finops.ledger import allocation as table
from slurm_finops.ledger.allocation import Owner, Row
from slurm_finops.ledger.store import Ledger
from slurm_finops.ledger.tag_sets import TagSets

#: Of what others carry by cost the cost is that of use, with its parts of pools; of a
#: credit it is everything.
_USED = ("share", "beyond", "shared")
_ALL = (*_USED, "unused", "overhead", "line", "credit")


class _Rules(dict[int, int]):
    """Context id -> the number of the overhead rule that its runs fall under."""

    def __init__(self, names: Names, rules: Sequence[Overhead]) -> None:
        super().__init__()
        self._names = names
        self._rules = rules

    def __missing__(self, context: int) -> int:
        of = self._names.context(context)
        found = next(
            (n for n, rule in enumerate(self._rules)
             if rule.matches(of.account, of.partition, of.user)),
            NO_RULE,
        )  # fmt: skip
        self[context] = found
        return found


class _Group(NamedTuple):
    """An owner on a day, shared services apart: what placing goes by."""

    owner: Owner
    team: str | None
    weights: dict[str, int]


@dataclass
class _Pot:
    """What an origin has to place, in ticks by day, and how: by its spread or by `plan`."""

    origin: int
    category: str
    spread: Spread
    method: str
    effective: dict[int, int] = field(default_factory=dict)
    billed: dict[int, int] = field(default_factory=dict)
    #: a line's own owner
    tags: Tags | None = None
    credit: Credit | None = None


class _Placing(NamedTuple):
    """A portion of a pot, of what it effectively costs or of what is billed."""

    pot: _Pot
    billed: bool
    #: the first day of the days that were looked at together, and what came up over them
    window: int
    whole: int
    portion: Portion


class Month:
    """One month's allocation, from its charges to its rows; write inside a transaction."""

    def __init__(
        self, ledger: Ledger, what: Allocation, policy: Policy, calendar: Calendar,
        ids: Mapping[str, int], days: range, book: PriceBook, suspended: bool,
    ) -> None:  # fmt: skip
        self._db = ledger.db
        self._what = what
        self._calendar = calendar
        self._ids = ids
        self._days = days
        self._centres = {team.name: team.cost_center for team in policy.teams}
        self._tag_sets = TagSets(ledger.db)
        self._names = Names(ledger.db)
        self._rules = _Rules(self._names, what.overhead)
        self._covering = Covering(
            ledger, self._names, calendar, what.pools, self._rules, book, suspended
        )
        self._day: int | None = None
        self._of_day: list[table.Held] = []
        self._unused = [
            _Pot(ids[pool.name], "unused", pool.unused, _words(pool.unused))
            for pool in self._covering.pools
        ]
        self._bought = [
            _Pot(ids[pool.name], "purchase", Spread(to=pool.buyer), "bought")
            for pool in self._covering.pools
        ]
        self._overhead = [
            _Pot(ids[rule.name], "overhead", rule.spread, _words(rule.spread))
            for rule in what.overhead
        ]
        self._reserved = Reserved(
            ledger.db, what.reservations, policy, calendar, book, days, suspended
        )

    def write(self) -> None:
        self._covering.begin(self._days)
        for day in self._days:
            self._pools_and_overhead(day)
            table.write(self._db, self._reserved_rows(day))
        self._spread([*self._unused, *self._bought, *self._overhead, *self._lines()], _USED)
        # each credit against what is left of all costs after the ones before it
        for pot in self._credits():
            self._spread([pot], _ALL)

    def _spread(self, pots: Sequence[_Pot], costs: Sequence[str]) -> None:
        """Place pots by who used anything, and what it cost in these categories."""
        weights: dict[str, dict[int, dict[str | None, int]]] = {"gpu_hours": {}, "cost": {}}
        if any(pot.credit or pot.spread.method != CARRIED for pot in pots):
            for day in self._days:
                for group in self._groups(day, costs):
                    for basis, by_day in weights.items():
                        teams = by_day.setdefault(day, {})
                        teams[group.team] = teams.get(group.team, 0) + group.weights[basis]
        placing: dict[int, list[_Placing]] = {}
        for pot in pots:
            for one in _planned(pot, weights[pot.spread.by], self._days):
                placing.setdefault(one.portion.day, []).append(one)
        for day in sorted(placing):
            self._place(day, placing[day], costs)

    def _pools_and_overhead(self, day: int) -> None:
        """A day's shares of pools, and what is taken off shared services."""
        covered = self._covering.day(day)
        for number, ticks in covered.unused.items():
            self._unused[number].effective[day] = ticks
            if self._covering.pools[number].bills_use:
                self._unused[number].billed[day] = ticks
        for number, ticks in self._covering.purchased(day).items():
            self._bought[number].billed[day] = ticks
        for number, room in covered.room.items():
            table.write_pool_day(self._db, day, self._unused[number].origin, *room)
        table.write(self._db, self._share_rows(day, covered))
        if self._what.overhead:
            table.write(self._db, self._shared_rows(day, covered))

    def _share_rows(self, day: int, covered: Covered) -> Iterator[Row]:
        sums: dict[tuple[int, str, Owner], list[int]] = {}
        wholes: dict[tuple[int, str], int] = {}
        for part in covered.parts:
            what = part.pool, "beyond" if part.beyond else "share"
            wholes[what] = wholes.get(what, 0) + part.ticks
            total = sums.setdefault((*what, part.user.owner), [0, 0])
            total[0] += part.ticks
            total[1] += part.unit_seconds
        for (number, category, owner), (ticks, held) in sums.items():
            pool, beyond = self._covering.pools[number], category == "beyond"
            yield _row(day, self._ids[pool.name], category, owner,
                       "list price" if beyond else _method(pool), day, held,
                       wholes[number, category], ticks,
                       ticks if beyond or pool.bills_use else 0)  # fmt: skip

    def _shared_rows(self, day: int, covered: Covered) -> Iterator[Row]:
        """What shared services cost that day, with their parts of pools, taken off them."""
        taken: dict[tuple[int, Owner], list[int]] = {}
        for held in self._held(day):
            rule = self._rules[held.context_id]
            if rule != NO_RULE:
                owner = self._owner(held)
                total = taken.setdefault((rule, owner), [0, 0, 0])
                total[0] += held.effective_ticks
                total[1] += held.billed_ticks
                total[2] += held.gpu_seconds
        for part in covered.parts:
            if part.user.rule != NO_RULE:
                total = taken.setdefault((part.user.rule, part.user.owner), [0, 0, 0])
                total[0] += part.ticks
                is_billed = part.beyond or self._covering.pools[part.pool].bills_use
                total[1] += part.ticks if is_billed else 0
        for (rule, _), (effective, billed, _) in taken.items():
            pot = self._overhead[rule]
            pot.effective[day] = pot.effective.get(day, 0) + effective
            pot.billed[day] = pot.billed.get(day, 0) + billed
        for (rule, owner), (effective, billed, seconds) in taken.items():
            pot = self._overhead[rule]
            yield _row(day, pot.origin, "shared", owner, "taken off", day, seconds,
                       -pot.effective[day], -effective, -billed)  # fmt: skip

    def _reserved_rows(self, day: int) -> Iterator[Row]:
        """What nobody used of reservations that day, on the teams that held them as such."""
        for number, parts in self._reserved.day(day).items():
            rule = self._what.reservations[number]
            whole = sum(parts.values())
            for team, ticks in parts.items():
                if ticks:
                    owner = self._as_such(Tags(team=team)), 0, ""
                    yield _row(day, self._ids[rule.name], "unused", owner,
                               f"{rule.holders} over holders", day, 0, whole, ticks,
                               ticks)  # fmt: skip

    def _held(self, day: int) -> list[table.Held]:
        """A day's use; kept for as long as it is the same day that is looked at."""
        if self._day != day:
            self._day, self._of_day = day, list(table.held(self._db, day))
        return self._of_day

    def _owner(self, held: table.Held) -> Owner:
        return held.tag_set_id, held.cluster_id, self._names.context(held.context_id).partition

    def _groups(self, day: int, categories: Sequence[str]) -> list[_Group]:
        """Who used anything that day beside shared services, and what it cost with these."""
        costs = table.placed(self._db, day, categories)
        seconds: dict[Owner, int] = {}
        for held in self._held(day):
            owner = self._owner(held)
            costs[owner] = costs.get(owner, 0) + held.effective_ticks
            shared = self._rules[held.context_id] != NO_RULE
            seconds[owner] = seconds.get(owner, 0) + (0 if shared else held.gpu_seconds)
        return [
            _Group(owner, self._names.team(owner[0]),
                   {"gpu_hours": seconds.get(owner, 0), "cost": max(cost, 0)})
            for owner, cost in costs.items()
        ]  # fmt: skip

    def _lines(self) -> Iterator[_Pot]:
        for line in self._what.lines:
            amounts = self._accrued(line.cost)
            method = "direct" if line.tags else _words(line.spread)
            yield _Pot(self._ids[line.name], "line", line.spread, method, amounts, amounts,
                       tags=line.tags)  # fmt: skip

    def _credits(self) -> Iterator[_Pot]:
        for credit in self._what.credits:
            amounts = self._accrued(credit.cost)
            method = "buyer first, then by cost" if credit.buyer else "by cost"
            yield _Pot(self._ids[credit.name], "credit", credit.spread, method, amounts, amounts,
                       credit=credit)  # fmt: skip

    def _accrued(self, cost: Cost) -> dict[int, int]:
        midnight = self._calendar.midnight
        return {
            day: accrued(cost, midnight(day), midnight(day + 1), self._calendar)
            for day in self._days
        }

    def _place(self, day: int, placing: Sequence[_Placing], costs: Sequence[str]) -> None:
        """A day's portions on its owners."""
        sums: dict[tuple[int, str, Owner], list[int]] = {}
        of: dict[tuple[int, str], _Placing] = {}
        groups = [] if all(one.portion.bare for one in placing) else self._groups(day, costs)
        for one in placing:
            what = one.pot.origin, one.pot.category
            of.setdefault(what, one)
            for owner, ticks in self._parts(groups, one.pot, one.portion):
                total = sums.setdefault((*what, owner), [0, 0])
                total[one.billed] += ticks
        rows = []
        for (origin, category, owner), (effective, billed) in sums.items():
            one = of[origin, category]
            rows.append(_row(day, origin, category, owner, one.pot.method, one.window, 0,
                             one.whole, effective, billed))  # fmt: skip
        table.write(self._db, rows)

    def _parts(
        self, groups: Sequence[_Group], pot: _Pot, portion: Portion
    ) -> Iterable[tuple[Owner, int]]:
        if portion.bare:
            return [((self._bare(pot, portion.team), 0, ""), portion.ticks)]
        if portion.everybody:
            mine = [g for g in groups if portion.team is None or g.team != portion.team]
        else:
            mine = [g for g in groups if g.team == portion.team]
        by = pot.spread.by
        mine = [group for group in mine if group.weights[by]]
        owners = [group.owner for group in mine]
        places = map(self._names.place, owners)
        weights = [group.weights[by] for group in mine]
        return zip(owners, split_amount(portion.ticks, weights, list(places)), strict=True)

    def _bare(self, pot: _Pot, team: str | None) -> int:
        """The tag set of a line's own owner, or of a team as such."""
        return self._as_such(pot.tags or Tags(team=team))

    def _as_such(self, tags: Tags) -> int:
        """The tag set of an owner that used nothing for this."""
        if tags.team and not tags.cost_center:
            tags = tags._replace(cost_center=self._centres.get(tags.team))
        return self._tag_sets.id(Claim(tags, (), "rule" if any(tags) else "none"))


def _planned(pot: _Pot, weights: Weights, days: range) -> Iterator[_Placing]:
    """Every portion of a pot, window by window."""
    windows = [days] if pot.spread.over == "month" else [range(day, day + 1) for day in days]
    for window in windows:
        use = {day: weights[day] for day in window if day in weights}
        whole = sum(pot.effective.get(day, 0) for day in window)
        for billed, amounts in ((False, pot.effective), (True, pot.billed)):
            mine = {day: amounts[day] for day in window if amounts.get(day)}
            whole = whole or sum(mine.values())
            credit = pot.credit
            found = (
                credited(mine, credit.buyer, pot.spread.to, use) if credit
                else portions(mine, pot.spread, use)
            )  # fmt: skip
            for portion in found:
                yield _Placing(pot, billed, window[0], whole, portion)


def _method(pool: Pool) -> str:
    of = "buyer first, then use" if pool.buyer_first else "use"
    return f"{of} of the {pool.step}"


def _words(spread: Spread) -> str:
    if spread.method == CARRIED:
        return CARRIED
    by = "" if spread.method == RATIOS else f" by {spread.by}"
    return f"{spread.method}{by} of the {spread.over}"


def _row(
    day: int, origin: int, category: str, owner: Owner, method: str, window: int, held: int,
    whole: int, effective: int, billed: int,
) -> Row:  # fmt: skip
    return Row(day, origin, category, *owner, method, window, held, whole, effective, billed)

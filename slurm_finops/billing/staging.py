"""What a month states: today's truth of its days, and of earlier ones what was not stated yet.

truth(day) - what was stated of the day, line by line: for the month's own days that is all,
for days of closed months a correction.  So the sum over all statements is today's truth.
Lines are staged in a temporary table, for a month may have a million; what they sum to is
kept beside, since that is rounded first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slurm_finops.billing.owed import Books, Owed
from slurm_finops.core.funds import SUSPENSE, Payers
from slurm_finops.core.journal_status import Sent
from slurm_finops.core.money import split_amount
from slurm_finops.core.period import Calendar, Period
from slurm_finops.core.posted import Item, Payer, owner_of
from slurm_finops.core.tags import Tags
from slurm_finops.ledger.disputes import Move, holds, open_moves
from slurm_finops.ledger.journal import to_move
from slurm_finops.ledger.posted import Figures, Key, days_of, pairs, posted_of, unstated
from slurm_finops.ledger.stage import Stage
from slurm_finops.ledger.store import Ledger

_NOTHING: Figures = (0, 0, 0, 0, 0)
#: A cost that is moved onto another fund later than this after its month is told of.
LATE_DAYS = 90
_CACHE = 50_000


class LineKey(NamedTuple):
    """What is one line for people: rounded once, before its days are.

    ``month``: of a correction the month that it is of, else "".
    """

    entity: str
    owner: str | None
    correction: bool
    month: str
    team: str | None
    project: str | None
    cost_center: str | None
    item: int
    payer: int
    cluster: int


class Words(NamedTuple):
    """What the numbers in a line's key stand for."""

    items: list[Item]
    payers: list[Payer]


@dataclass
class Told:
    """What a person should know of what is staged; ticks."""

    #: fund -> why another pays -> ticks
    left: dict[tuple[str, str], int] = field(default_factory=dict)
    held: dict[int, int] = field(default_factory=dict)
    moved: dict[int, int] = field(default_factory=dict)


class Staging:
    """Stages a month's lines; use it inside a transaction, or on a ledger that is only read."""

    def __init__(
        self, ledger: Ledger, books: Books, calendar: Calendar, period: Period,
        spent: Mapping[str, int],
    ) -> None:  # fmt: skip
        self.db = ledger.db
        self.books = books
        self.calendar = calendar
        self._period = period
        self._payers = Payers(books.funding, spent)
        self._funds = {fund.name: fund for fund in books.funding.funds}
        self.spent = dict(spent)
        self.stage = Stage(ledger.db)
        self.owed = Owed(ledger, books, calendar, self.stage)
        self.names = self.owed.names
        self._paying: list[Payer] = [Payer("", "", ""), *self.names.payers]
        self.holds = holds(ledger.db)
        self._moves = open_moves(ledger.db)
        #: lines of journals that finance does not take, and that are moved now
        self.refused = to_move(ledger.db)
        #: by day: key and payer -> what moves take from it and put on it
        self._moved: dict[int, dict[tuple[Key, int], list[int]]] = {}
        self.clusters = dict(ledger.db.execute("SELECT id, name FROM clusters").fetchall())
        #: by number
        self.lines: list[LineKey] = []
        #: by number of the line: the ticks it sums to
        self.sums: list[int] = []
        self._numbers: dict[tuple[int, str | bool, int, int, int], int] = {}
        self._whos: dict[tuple[str | None, ...], int] = {}
        self._of_tags: dict[int, int] = {}
        self._payer_of: dict[str, int] = {}
        self.told = Told()
        #: days of which something is held back, and so is to be looked at again
        self.held_days: set[int] = set()

    def run(self, days: Iterable[int] | None = None) -> None:
        """Stage all lines; ``days``: those of closed months that may have changed."""
        earlier = unstated(self.db) if days is None else days
        # a line that finance refuses is one of a statement; a move takes what is left
        for line in self.refused:
            self._refuse(line)
        for move in self._moves:
            self._move(move)
        for day in earlier:
            self._day(day, self._stated(day))
        for day in range(self._period.first, self._period.last):
            self._day(day, {})

    # ---- what of it is to be stated, and who pays it

    def _day(self, day: int, stated: Mapping[Key, Mapping[int, Figures]]) -> None:
        changes = list(_changes(self.owed.of(day), stated))
        # what is given back makes room under a cap for what is taken; ties by what is named
        changes.sort(key=lambda one: (one[1][4] >= 0, self._order(one[0])))
        for key, change, before in changes:
            if self.holds and (hold := self._hold(day, self.stage.tags(key[1]))):
                self.told.held[hold] = self.told.held.get(hold, 0) + change[4]
                self.held_days.add(day)
                continue
            for payer, figures in self._paid(day, key, change, before):
                self._put(day, key, payer, figures)

    def _paid(
        self, day: int, key: Key, change: Sequence[int], before: Mapping[int, Figures]
    ) -> Iterable[tuple[int, Sequence[int]]]:
        """Who pays a change: who paid what is taken back, and else who pays such a day."""
        billed = change[4]
        if before:
            whole = sum(figures[4] for figures in before.values())
            if not billed or (billed * whole < 0 and abs(billed) <= abs(whole)):
                return self._taken_back(day, change, before)
        tags = self.stage.tags(key[1])
        parts: dict[str, int] = {}
        for fund, ticks, why in self._payers.split(tags.team, tags.project, day, billed):
            parts[fund] = parts.get(fund, 0) + ticks
            self._count(fund, ticks)
            if why:
                self.told.left[fund, why] = self.told.left.get((fund, why), 0) + ticks
        if not billed:
            parts = dict(self._payers.shares(tags.team, tags.project, day))
        payers = [self._payer(fund) for fund in parts]
        if len(payers) == 1:
            return [(payers[0], change)]
        names, weights = list(parts), [abs(part) for part in parts.values()]
        columns = [split_amount(amount, weights, names) for amount in change[:4]]
        columns.append(list(parts.values()) if billed else [0] * len(parts))
        return zip(payers, zip(*columns, strict=True), strict=True)

    def _taken_back(
        self, day: int, change: Sequence[int], before: Mapping[int, Figures]
    ) -> Iterator[tuple[int, Sequence[int]]]:
        payers = sorted(before, key=lambda payer: self._paying[payer])
        columns = []
        for i, amount in enumerate(change):
            weights = [abs(before[payer][i]) for payer in payers]
            if not any(weights):
                weights = [abs(before[payer][4]) for payer in payers]
            if not any(weights):
                weights = [1] * len(payers)
            columns.append(split_amount(amount, weights, range(len(payers))))
        for payer, *figures in zip(payers, *columns, strict=True):
            if figures[4] > 0:  # a credit that is taken back is paid like any cost
                yield from self._charged(day, payer, figures)
                continue
            fund = self._paying[payer].fund
            self._payers.paid(fund, figures[4])
            self._count(fund, figures[4])
            yield payer, figures

    def _charged(
        self, day: int, payer: int, figures: Sequence[int]
    ) -> Iterable[tuple[int, Sequence[int]]]:
        """What a payer, or those after it, pay of what was credited to it."""
        parts = self._payers.charge(self._paying[payer].fund, day, figures[4])
        for fund, ticks, _ in parts:
            self._count(fund, ticks)
        if [part.fund for part in parts] == [self._paying[payer].fund]:
            return [(payer, figures)]
        weights, names = [part.ticks for part in parts], range(len(parts))
        columns = [split_amount(amount, weights, names) for amount in figures]
        payers = [self._payer(part.fund) for part in parts]
        return zip(payers, zip(*columns, strict=True), strict=True)

    def _stated(self, day: int) -> dict[Key, dict[int, Figures]]:
        """What was stated of a day, with what is moved now."""
        found = posted_of(self.db, day)
        for (key, payer), moved in self._moved.get(day, {}).items():
            now = _sum(found[key].get(payer, _NOTHING), moved)
            found[key][payer] = (now[0], now[1], now[2], now[3], now[4])
        return found

    def _move(self, move: Move) -> None:
        """What one fund paid of a closed month's lines goes to another."""
        month = self.calendar.period(move.period)
        target = self._payer(move.to_fund)
        for day in range(month.first, month.last):
            for key, by_payer in self._stated(day).items():
                tags = self.stage.tags(key[1])
                if not move.is_of(tags.team, tags.project):
                    continue
                for payer, figures in by_payer.items():
                    if self._paying[payer].fund == move.from_fund:
                        self._take(day, key, payer, target, figures)
                        done = self.told.moved.get(move.id, 0)
                        self.told.moved[move.id] = done + figures[4]

    def _refuse(self, line: Sent) -> None:
        """What finance does not take of a journal goes to suspense, until somebody moves it on."""
        target, first = self._payer(SUSPENSE), self.calendar.period(line.period).first
        for day in days_of(self.db, line.statement):
            if line.correction != (day < first):
                continue
            held = self._stated(day)
            for key, by_payer in posted_of(self.db, day, line.statement).items():
                tags = self.stage.tags(key[1])
                named = tags.team or "", tags.project or "", tags.cost_center or ""
                if named != (line.team, line.project, line.cost_center):
                    continue
                for payer, figures in by_payer.items():
                    if self._paying[payer][:2] == (line.fund, line.account):
                        # a later statement may have taken some of it off this payer already
                        left = held[key][payer]
                        part = figures if _covers(left[4], figures[4]) else left
                        self._take(day, key, payer, target, part)

    def _take(
        self, day: int, key: Key, payer: int, target: int, figures: Sequence[int]
    ) -> None:  # fmt: skip
        """Put a part of a line on another payer."""
        moved = self._moved.setdefault(day, {})
        for to, sign in ((payer, -1), (target, 1)):
            part = [sign * figure for figure in figures]
            moved[key, to] = _sum(moved.get((key, to), _NOTHING), part)
            self._put(day, key, to, part)
            self._payers.paid(self._paying[to].fund, part[4])
            self._count(self._paying[to].fund, part[4])

    def _order(self, key: Key) -> tuple[str, int, Item]:
        """The same in each ledger, unlike the numbers of clusters and items."""
        cluster, tags, item = key
        return self.clusters.get(cluster, ""), tags, self.owed.items[item]

    def _count(self, fund: str, ticks: int) -> None:
        self.spent[fund] = self.spent.get(fund, 0) + ticks

    def _hold(self, day: int, tags: Tags) -> int | None:
        month = self.calendar.month_of(day).label
        return next((h.id for h in self.holds if h.is_of(month, tags.team, tags.project)), None)

    def _put(self, day: int, key: Key, payer: int, figures: Sequence[int]) -> None:
        if not any(figures):
            return
        cluster, tags, item = key
        line = self._who(tags), day < self._period.first and self._month(day), item, payer, cluster
        number = self._numbers.get(line)
        if number is None:
            number = self._numbers[line] = len(self.lines)
            self.lines.append(self._line(day, key, payer))
            self.sums.append(0)
        self.sums[number] += figures[4]
        self.stage.put((number, day, cluster, tags, figures[0], *pairs(figures[1:])))

    def _line(self, day: int, key: Key, payer: int) -> LineKey:
        cluster, tags, item = key
        named, paying = self.stage.tags(tags), self._paying[payer]
        correction = day < self._period.first
        return LineKey(
            paying.entity, owner_of(self.books.kind, named, paying), correction,
            self._month(day) if correction else "", named.team, named.project, named.cost_center,
            item, payer, cluster,
        )  # fmt: skip

    def _month(self, day: int) -> str:
        return self.calendar.month_of(day).label

    def _who(self, tags: int) -> int:
        """A number for what a line has of tags: their team, project and cost centre."""
        found = self._of_tags.get(tags)
        if found is None:
            named = self.stage.tags(tags)
            who = named.team, named.project, named.cost_center
            if len(self._of_tags) >= _CACHE:
                self._of_tags.clear()
            found = self._of_tags[tags] = self._whos.setdefault(who, len(self._whos))
        return found

    def late(self, as_of: int) -> set[int]:
        """The moves of what is of a month that ended more than `LATE_DAYS` ago."""
        border = self.calendar.day_of(as_of) - LATE_DAYS
        return {one.id for one in self._moves if self.calendar.period(one.period).last <= border}

    def kept(self) -> dict[str, list[list[Any]]]:
        """What a statement is to say beside its lines, as a close keeps it.

        What is held (team, project, reason, ticks), moved (team, project, month, from, to,
        justification, approver, ticks) and refused (team, project, statement, fund, minor
        units).
        """
        held, moved = self.told.held, self.told.moved
        return {
            "held": [
                [one.team, one.project, one.reason, held[one.id]]
                for one in self.holds if one.id in held
            ],
            "moved": [
                [one.team, one.project, one.period, one.from_fund, one.to_fund,
                 one.justification, one.approver, moved[one.id]]
                for one in self._moves if one.id in moved
            ],
            "refused": [
                [one.team or None, one.project or None, one.statement, one.fund, one.amount]
                for one in self.refused
            ],
        }  # fmt: skip

    # ---- names

    def words(self) -> "Words":
        """Items and payers by their numbers."""
        return Words(self.owed.items, self._paying)

    def place(self, key: LineKey) -> tuple[object, ...]:
        """Where a line stands: by statement, what is of the month first, then by name."""
        names = (key.owner, key.team, key.project, key.cost_center)
        owner, *others = ((name is None, name or "") for name in names)
        return (key.entity, owner, key.correction, key.month, others, self.owed.items[key.item],
                self._paying[key.payer], self.clusters.get(key.cluster, ""))  # fmt: skip

    def _payer(self, fund: str) -> int:
        number = self._payer_of.get(fund)
        if number is None:
            number = self._payer_of[fund] = self._new_payer(fund)
        return number

    def _new_payer(self, fund: str) -> int:
        known = self._funds.get(fund)
        funding = self.books.funding
        payer = (
            Payer(fund, known.account, known.entity or funding.entity) if known
            else Payer(fund, funding.suspense_account, funding.entity)
        )  # fmt: skip
        number: int = self.names.payer(payer)
        if number == len(self._paying):
            self._paying.append(payer)
        return number


def _changes(
    truth: Mapping[Key, Sequence[int]], stated: Mapping[Key, Mapping[int, Figures]]
) -> Iterator[tuple[Key, Sequence[int], Mapping[int, Figures]]]:
    """What is not stated of a day yet, with what is, by payer."""
    for key in truth.keys() | stated.keys() if stated else truth:
        before, now = stated.get(key, {}), truth.get(key, _NOTHING)
        change = (
            [new - sum(old) for new, *old in zip(now, *before.values(), strict=True)] if before
            else now
        )  # fmt: skip
        if any(change):
            yield key, change, before


def _covers(whole: int, part: int) -> bool:
    """Whether an amount has another in it, on the same side of zero."""
    return whole * part >= 0 and abs(whole) >= abs(part)


def _sum(one: Sequence[int], two: Sequence[int]) -> list[int]:
    return [a + b for a, b in zip(one, two, strict=True)]

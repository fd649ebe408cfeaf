"""Funds: what finance books to, and which of them pays what on which billing day.

A team's or project's costs go to funds by dated percentages.  A fund that does not
pay on a day, or has paid all that it may, leaves it to its fallback, and what no
fund pays is in `SUSPENSE`: so every tick has a payer.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from slurm_finops.core.money import split_amount

#: The name of the fund that takes what has no other payer.
SUSPENSE = "suspense"
#: Parts of a split: 100 % in ten-thousandths of a per cent.
WHOLE = 1_000_000

#: Why a fund pays that no split names, or pays instead of the one that is named.
NO_PAYER, UNTAGGED = "no payer", "untagged"
NOT_BEGUN, EXPIRED, EXHAUSTED = "not begun", "expired", "exhausted"
#: What a part may say before any fund has left it to another.
_AS_NAMED = "", NO_PAYER, UNTAGGED


class Fund(NamedTuple):
    """What is booked to one account, on billing days ``[first, last)``; None is no border.

    ``cap_ticks``: how much may be posted to it in all.  ``fallback`` is the fund that
    pays what this one does not; ``entity`` the legal entity that bills it, "" for none.
    """

    name: str
    account: str
    first: int | None = None
    last: int | None = None
    cap_ticks: int | None = None
    fallback: str | None = None
    sponsor: str = ""
    entity: str = ""

    def refuses(self, day: int) -> str:
        """Why it pays nothing on a day: "" where it does."""
        if self.first is not None and day < self.first:
            return NOT_BEGUN
        return EXPIRED if self.last is not None and day >= self.last else ""


class Split(NamedTuple):
    """Who pays from a billing day on: funds and their parts, which sum to `WHOLE`."""

    first: int
    parts: tuple[tuple[str, int], ...]


#: A team, and one of its projects or None for all that have no payers of their own.
Owner = tuple[str, str | None]


@dataclass(frozen=True)
class Funding:
    """All funds, and who pays for whom.

    ``untagged`` pays for what names no team.  ``entity`` is that of the suspense fund.
    """

    funds: tuple[Fund, ...] = ()
    payers: tuple[tuple[Owner, tuple[Split, ...]], ...] = ()
    suspense_account: str = "suspense"
    untagged: str | None = None
    entity: str = ""


class Part(NamedTuple):
    """What a fund pays of an amount.

    ``why``: "" for the fund that the split names; else why the one that is named does
    not pay it, or that none is (`NO_PAYER`, `UNTAGGED`).
    """

    fund: str
    ticks: int
    why: str


class _Named(NamedTuple):
    """Who is named for a day: by name, with their parts of `WHOLE`.

    ``free``: none of them leaves anything to another on that day.
    """

    funds: tuple[str, ...]
    parts: tuple[int, ...]
    why: str
    free: bool


class Payers:
    """Splits amounts over funds, one after the other; a cap is used up as they come."""

    def __init__(self, funding: Funding, spent: Mapping[str, int]) -> None:
        """``spent``: ticks posted to each fund so far.  Raises ValueError for a cycle of fallbacks.

        A name in a split or fallback that is no fund is a KeyError when it is to pay.
        """
        if found := cycle(funding.funds):
            raise ValueError(f"the fallbacks lead back: {', '.join(found)}")
        self._funds = {fund.name: fund for fund in funding.funds}
        self._splits = {owner: sorted(splits) for owner, splits in funding.payers}
        self._untagged = funding.untagged
        self._spent = Counter(spent)
        #: the day that was asked for last, with who is named for whom: amounts come by day
        self._day = 0
        self._on_day: dict[tuple[str | None, str | None], _Named] = {}

    def split(self, team: str | None, project: str | None, day: int, ticks: int) -> list[Part]:
        """Who pays an amount of a day, by fund and reason; none of 0 ticks.

        Of a cap's last ticks a fund's own part comes first, then what reaches it by the
        fewest fallbacks, then by the name of the fund that the split names.  What is given
        back (below 0) goes to whom the dates say, and makes room under a cap.
        """
        named = self._named(team, project, day)
        amounts = split_amount(ticks, named.parts, named.funds)
        left = [
            Part(fund, amount, named.why)
            for fund, amount in zip(named.funds, amounts, strict=True) if amount
        ]  # fmt: skip
        return left if named.free else self._left(left, day)

    def charge(self, fund: str, day: int, ticks: int) -> list[Part]:
        """The same of what is one fund's, and of what it cannot pay its fallback's.

        A fund that there is no more pays all of it, as it did before.
        """
        if fund == SUSPENSE or fund in self._funds:
            return self._left([Part(fund, ticks, "")], day)
        return [Part(fund, ticks, "")]

    def _left(self, left: list[Part], day: int) -> list[Part]:
        """Who pays parts in the end, where dates or caps may leave some to others."""
        found: Counter[tuple[str, str]] = Counter()
        while left:
            further = []
            for part in left:
                taken, reason = self._taken(part, day)
                self.paid(part.fund, taken)
                found[part.fund, part.why] += taken
                if taken != part.ticks:
                    why = reason if part.why in _AS_NAMED else part.why
                    further.append(Part(self._after(part.fund), part.ticks - taken, why))
            left = further
        return [Part(fund, paid, why) for (fund, why), paid in sorted(found.items()) if paid]

    def paid(self, fund: str, ticks: int) -> None:
        """Somebody else decided that a fund pays so much, or gets it back (below 0)."""
        self._spent[fund] += ticks

    def shares(self, team: str | None, project: str | None, day: int) -> list[tuple[str, int]]:
        """Funds and parts of `WHOLE` as the dates have it, whatever the caps; by name."""
        named = self._named(team, project, day)
        if named.free:
            return list(zip(named.funds, named.parts, strict=True))
        found: Counter[str] = Counter()
        for name, part in zip(named.funds, named.parts, strict=True):
            found[heir(self._funds, name, day)] += part
        return sorted(found.items())

    def _named(self, team: str | None, project: str | None, day: int) -> _Named:
        if day != self._day:
            self._day = day
            self._on_day.clear()
        found = self._on_day.get((team, project))
        if found is None:
            parts, why = self._dated(team, project, day)
            names = tuple(sorted(parts))
            free = all(name == SUSPENSE or self._free(self._funds[name], day) for name in names)
            found = _Named(names, tuple(parts[name] for name in names), why, free)
            self._on_day[team, project] = found
        return found

    @staticmethod
    def _free(fund: Fund, day: int) -> bool:
        return fund.cap_ticks is None and not fund.refuses(day)

    def _dated(
        self, team: str | None, project: str | None, day: int
    ) -> tuple[Mapping[str, int], str]:
        """The parts of the funds that are named for a day, and why where no split does it."""
        if team is None:
            return {self._untagged or SUSPENSE: WHOLE}, UNTAGGED
        for owner in ((team, project), (team, None)):
            if split := _in_force(self._splits.get(owner, ()), day):
                parts: Counter[str] = Counter()
                for name, part in split.parts:
                    parts[name] += part
                return parts, ""
        return {SUSPENSE: WHOLE}, NO_PAYER

    def _taken(self, part: Part, day: int) -> tuple[int, str]:
        """What a fund pays of a part that comes to it, and why not all."""
        if part.fund == SUSPENSE:
            return part.ticks, ""
        fund = self._funds[part.fund]
        if reason := fund.refuses(day):
            return 0, reason
        if fund.cap_ticks is None:
            return part.ticks, ""
        # what is given back is less than any room
        return min(part.ticks, max(0, fund.cap_ticks - self._spent[part.fund])), EXHAUSTED

    def _after(self, fund: str) -> str:
        return self._funds[fund].fallback or SUSPENSE


def _in_force(splits: Sequence[Split], day: int) -> Split | None:
    """The last of some, in order, that holds on a day; None before the first."""
    return next((split for split in reversed(splits) if split.first <= day), None)


def heir(funds: Mapping[str, Fund], name: str, day: int) -> str:
    """Who pays on a day in a fund's place, caps aside: itself on its own days."""
    while name != SUSPENSE and funds[name].refuses(day):
        name = funds[name].fallback or SUSPENSE
    return name


def named_on(funding: Funding, day: int) -> dict[str, list[Owner | None]]:
    """Each fund that is named for a day, and for whom; None is what names no team."""
    found: dict[str, list[Owner | None]] = {}
    if funding.untagged is not None:
        found[funding.untagged] = [None]
    for owner, splits in funding.payers:
        split = _in_force(sorted(splits), day)
        for name in dict(split.parts) if split else ():
            found.setdefault(name, []).append(owner)
    return found


def cycle(funds: Iterable[Fund]) -> list[str]:
    """The names of funds whose fallbacks lead back to the first of them; [] where none do."""
    after = {fund.name: fund.fallback for fund in funds}
    for start in sorted(after):
        seen: list[str] = []
        name: str | None = start
        while name is not None and name not in seen:
            seen.append(name)
            name = after.get(name)
        if name is not None:
            return seen[seen.index(name) :]
    return []

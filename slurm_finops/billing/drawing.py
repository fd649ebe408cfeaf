"""Taking off charges what was credited by hand, and what teams' allocations pay.

Days are worked through in order, for a lot pays first what was used first.  Of a day
in which a lot pays all that is asked of it sums are enough; only where one ends is it
looked at by the second.  Like pricing it does what is to do: days whose charges or
credits have changed, and of teams whose lots held more or less than before all that follow.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from slurm_finops.billing.meters import forgiven, meters
from slurm_finops.billing.names import Names
from slurm_finops.billing.pricer import Pricer
from slurm_finops.billing.terms import Terms
from slurm_finops.billing.uses import Chain, Chains, Holders, Use, read
from slurm_finops.core.charging import Applied
from slurm_finops.core.credits import stretches
from slurm_finops.core.lots import Lot, Meter, Source, draw
from slurm_finops.core.rates import NEVER
from slurm_finops.ledger import credits as given
from slurm_finops.ledger import draws as table
from slurm_finops.ledger.allocation import unallocated
from slurm_finops.ledger.draws import Row
from slurm_finops.ledger.store import Ledger


def drawing(
    ledger: Ledger, terms: Terms, as_of: int, actor: str = "", since: int = NEVER
) -> int:
    """Bring what is taken off charges up to date; of how many days it was done.

    The days before ``since`` stay as they are.
    """
    _sync(ledger, terms, as_of, actor)
    with ledger.bulk(), ledger.transaction() as db:
        marked = given.undrawn(db)
        dirty = sorted(day for day in {*unallocated(db), *marked} if day >= since)
        known = table.days(db)
        done = 0
        if dirty and (terms.charging.lots or table.any_drawn(db) or given.listed(db)):
            last = max(dirty[-1], known[1] if known else dirty[-1])
            done = _Drawing(ledger, terms, dirty[0], last).write(dirty, last)
        given.mark_drawn(db, marked)
    return done


def outdated(ledger: Ledger, lots: Sequence[Lot]) -> bool:
    """Whether these lots, or credits by hand, are not what charges were taken off by."""
    stored = {name: one.definition for name, one in table.lots(ledger.db).items()}
    return stored != {name: text for name, (_, text) in _defined(lots).items()} or bool(
        given.undrawn(ledger.db)
    )


def _defined(lots: Sequence[Lot]) -> dict[str, tuple[Lot, str]]:
    """Lots by name, each with all that it says."""
    return {lot.name: (lot, repr(replace(lot, where=""))) for lot in lots}


def _sync(ledger: Ledger, terms: Terms, as_of: int, actor: str) -> None:
    """Store the lots, and mark the days that those which have changed could pay for."""
    stored = table.lots(ledger.db)
    wanted = _defined(terms.charging.lots)
    gone = [name for name in stored if name not in wanted]
    new = [
        name for name, (_, text) in wanted.items()
        if name not in stored or stored[name].definition != text
    ]  # fmt: skip
    if not gone and not new:
        return
    with ledger.transaction() as db:
        spans = [(one.first, one.last) for name, one in stored.items() if name in (*gone, *new)]
        spans += [(wanted[name][0].first, wanted[name][0].ends) for name in new]
        known = table.days(db)
        days: set[int] = set()
        for first, last in spans:
            if known:
                days |= set(range(max(first, known[0]), min(last, known[1] + 1)))
        for name in gone:
            table.drop_lot(db, stored[name].id)
        for name in new:
            lot, text = wanted[name]
            table.put_lot(db, name, lot.team, lot.hours, text, lot.first, lot.ends)
        # kept until the days are done: a run that is cut off goes on
        given.mark_undrawn(db, days)
        names = ", ".join(sorted({*gone, *new}))
        ledger.audit(as_of, actor, "allocations", f"{names}: {len(days)} days to draw again")


_NOTHING = Fraction(0)


class _Drawing:
    """Lots by their places in the order in which they are used."""

    def __init__(self, ledger: Ledger, terms: Terms, first: int, last: int) -> None:
        self._db = ledger.db
        self._calendar = terms.calendar
        self._names = Names(ledger.db)
        self._pricer = Pricer(ledger, terms)
        self._lots = sorted(terms.charging.lots, key=lambda lot: (lot.order, lot.name))
        self._holders = Holders(self._names, self._lots)
        stored = table.lots(ledger.db)
        self._ids = [stored[lot.name].id for lot in self._lots]
        drawn = table.drawn(ledger.db)
        self._drawn = [drawn.get(number, {}) for number in self._ids]
        self._teams = {lot.team for lot in self._lots}
        #: how much more was drawn of each lot on the days done than before: until it
        #: expires, and of what was carried on
        self._moved = [[0, 0] for _ in self._lots]
        #: of a day: the meters of a run's uses, by SKU id
        self._meters: dict[int, dict[int, Meter]] = {}
        #: what an hour takes of a lot, by the card that it was charged by
        self._ratios = {
            card: ((said := Applied.of(text)).factor * said.kept if paid else _NOTHING)
            .as_integer_ratio()
            for card, text, paid in table.policies(ledger.db)
        }
        span = terms.calendar.midnight(first), terms.calendar.midnight(last + 1)
        in_force = given.applying(ledger.db, *span)
        found = given.claims(ledger.db, in_force, *span, suspended=terms.charge_suspended)
        self._credits = {run: stretches(claims) for run, claims in found.items()}

    def write(self, dirty: Sequence[int], last: int) -> int:
        """Do these days, and those after them for teams whose lots hold something else now."""
        done, day = 0, dirty[0]
        while day <= last:
            place = bisect_left(dirty, day)
            is_dirty = place < len(dirty) and dirty[place] == day
            teams = self._teams if is_dirty else {
                self._lots[n].team for n, moved in enumerate(self._moved) if any(moved)
            }  # fmt: skip
            if teams or is_dirty:
                self._day(day, teams, is_dirty)
                done += 1
                day += 1
            elif place < len(dirty):
                day = dirty[place]
            else:
                break
        return done

    def _day(self, day: int, teams: set[str], credits_too: bool) -> None:
        self._meters.clear()
        places = [place for place, lot in enumerate(self._lots) if lot.team in teams]
        left = {
            place: self._lots[place].left(day, self._drawn[place])
            for place in places if self._lots[place].live(day)
        }  # fmt: skip
        holding = [place for place, amount in left.items() if amount]
        chains = Chains(self._names, self._holders.keys, self._lots, holding)
        rows: list[Row] = []
        for use, chain in read(
            self._db, day, self._holders, chains, self._ratios, self._credits
        ):
            made, use = self._credited(day, use)
            rows += made if credits_too else ()
            if chain.lots:
                chain.uses.append(use)
        now = dict.fromkeys(places, 0)
        for place, units, some in self._paid(day, [c for c in chains.values() if c.uses], left):
            now[place] += units
            rows += some
        drawn = {self._ids[place]: units for place, units in now.items()}
        table.replace_day(self._db, day, drawn, credits_too, rows)
        for place, units in now.items():
            carried = day >= self._lots[place].last
            self._moved[place][carried] += units - self._drawn[place].pop(day, 0)
            if units:
                self._drawn[place][day] = units

    def _credited(self, day: int, use: Use) -> tuple[list[Row], Use]:
        """What credits forgive of a use, and what is left of it."""
        usage, sku, tag_set, ticks, units = use
        start, end = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        amounts, left = forgiven(self._meter(day, use), self._credits[usage], start, end)
        self._meters[usage][sku] = left
        for amount in amounts.values():
            ticks, units = ticks - amount[0], units - amount[1]
        return [
            (day, 0, credit, usage, sku, tag_set, 0, of_credit)
            for credit, (of_credit, _) in amounts.items() if of_credit
        ], (usage, sku, tag_set, ticks, units)  # fmt: skip

    def _paid(
        self, day: int, chains: Sequence[Chain], left: Mapping[int, int]
    ) -> Iterator[tuple[int, int, list[Row]]]:
        """What lots pay of the uses of a day: a lot's place, units, and the rows of them."""
        asked = {chain: chain.asked for chain in chains}
        ending = self._ending(asked, left)
        rest = dict(left)
        late: dict[str, list[tuple[Use, Chain]]] = {}
        for chain in chains:
            place, weight = chain.lots[0]
            lot, number = self._lots[place], self._ids[place]
            if place in ending:
                late.setdefault(lot.team, []).extend((use, chain) for use in chain.uses)
                continue
            units = self._units(place, weight, *asked[chain])
            rest[place] -= units
            yield place, units, [
                (day, number, 0, usage, sku, tag_set, units * weight if lot.hours else ticks, ticks)
                for usage, sku, tag_set, ticks, units in chain.uses
                if ticks or (lot.hours and units)
            ]
        for of_team in late.values():
            yield from self._by_second(day, of_team, rest)

    def _units(self, place: int, weight: int, ticks: int, units: int) -> int:
        """What a lot gives for that."""
        return units * weight if self._lots[place].hours else ticks

    def _ending(
        self, asked: Mapping[Chain, tuple[int, int]], left: Mapping[int, int]
    ) -> set[int]:
        """The lots of which more may be asked than is left, of ticks and units by chain.

        All that is asked of one of them may be asked of the next in a chain, too.
        """
        ending: set[int] = set()
        while True:
            whole: dict[int, int] = {}
            for chain, both in asked.items():
                for place, weight in chain.lots:
                    whole[place] = whole.get(place, 0) + self._units(place, weight, *both)
                    if place not in ending:
                        break
            found = {place for place, amount in whole.items() if amount > left[place]}
            if found <= ending:
                return ending
            ending |= found

    def _by_second(
        self, day: int, late: Sequence[tuple[Use, Chain]], left: Mapping[int, int]
    ) -> Iterator[tuple[int, int, list[Row]]]:
        """The same of a team's uses which a lot that ends on this day may pay of."""
        called = {usage: table.called(self._db, usage) for usage in {use[0] for use, _ in late}}
        # by what runs are called wherever they are collected: which part of the last second
        # a run is paid must not hang on the order in which runs came
        late = sorted(late, key=lambda one: (*called[one[0][0]], self._names.sku(one[0][1])))
        chains = [dict(chain.lots) for _, chain in late]
        places = sorted({place for chain in chains for place in chain})
        sources = [
            Source(self._lots[n].hours, left[n], [chain.get(n, 0) for chain in chains])
            for n in places
        ]  # fmt: skip
        start, end = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        paid = draw([self._meter(day, use) for use, _ in late], sources, start, end)
        for place, column in zip(places, paid, strict=True):
            yield place, sum(part.units for part in column), [
                (day, self._ids[place], 0, *use[:3], part.units, part.ticks)
                for (use, _), chain, part in zip(late, chains, column, strict=True)
                if place in chain and (part.ticks or part.units)
            ]

    def _meter(self, day: int, use: Use) -> Meter:
        """Of a run's use of a SKU, less what credits forgive of it."""
        usage, sku = use[:2]
        found = self._meters.get(usage)
        if found is None:
            run = table.held(self._db, usage)
            found = meters(self._pricer, run, self._ratios, self._calendar, day)
            self._meters[usage] = found
        return found[sku]

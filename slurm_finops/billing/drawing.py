"""Taking off charges what was credited by hand, and what teams' allocations pay.

Days are worked through in order, for a lot pays first what was used first.  Of a day
in which a lot pays all that is asked of it sums are enough; only where one ends is it
looked at by the second.  Like pricing it does what is to do: days whose charges or
credits have changed, and of teams whose lots held more or less than before all that follow.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from slurm_finops.billing.meters import forgiven, meters, units_of
from slurm_finops.billing.names import Names
from slurm_finops.billing.pricer import Pricer
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Applied
from slurm_finops.core.credits import Stretch, stretches
from slurm_finops.core.lots import Lot, Meter, Source, draw
from slurm_finops.ledger import credits as given
from slurm_finops.ledger import draws as table
from slurm_finops.ledger.allocation import unallocated
from slurm_finops.ledger.draws import Charged, Row
from slurm_finops.ledger.store import Ledger


def drawing(ledger: Ledger, terms: Terms, as_of: int, actor: str = "") -> int:
    """Bring what is taken off charges up to date; of how many days it was done."""
    _sync(ledger, terms, as_of, actor)
    with ledger.transaction() as db:
        marked = given.undrawn(db)
        dirty = sorted({*unallocated(db), *marked})
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


@dataclass(slots=True)
class _Use:
    """A run's use of a SKU on a day: what is left to be paid of it, and by which lots."""

    row: Charged
    ticks: int
    units: int
    chain: tuple[tuple[int, int], ...]
    meter: Meter | None = None


class _Drawing:
    """Lots by their places in the order in which they are used."""

    def __init__(self, ledger: Ledger, terms: Terms, first: int, last: int) -> None:
        self._db = ledger.db
        self._calendar = terms.calendar
        self._names = Names(ledger.db)
        self._pricer = Pricer(ledger, terms)
        self._lots = sorted(terms.charging.lots, key=lambda lot: (lot.order, lot.name))
        stored = table.lots(ledger.db)
        self._ids = [stored[lot.name].id for lot in self._lots]
        drawn = table.drawn(ledger.db)
        self._drawn = [drawn.get(number, {}) for number in self._ids]
        self._of_team: dict[str, list[int]] = {}
        for place, lot in enumerate(self._lots):
            self._of_team.setdefault(lot.team, []).append(place)
        #: how much more was drawn of each lot on the days done than before: until it
        #: expires, and of what was carried on
        self._moved = [[0, 0] for _ in self._lots]
        self._chains: dict[tuple[int, int, int, int], tuple[tuple[int, int], ...]] = {}
        #: what an hour takes of a lot, by the card that it was charged by
        self._ratios = {
            card: (said := Applied.of(text)).factor * said.kept if paid else Fraction(0)
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
            teams = set(self._of_team) if is_dirty else {
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
        rows: list[Row] = []
        by_team: dict[str, list[_Use]] = {}
        for use, team in self._uses(day, teams, credits_too, rows):
            if use.chain:
                by_team.setdefault(team, []).append(use)
        for team, uses in by_team.items():
            rows += self._pay(day, team, uses)
        lots = [place for team in teams for place in self._of_team[team]]
        table.replace_day(self._db, day, [self._ids[n] for n in lots], credits_too, rows)
        sums: dict[int, int] = {}
        for row in rows:
            sums[row.lot_id] = sums.get(row.lot_id, 0) + row.units
        for place in lots:
            now = sums.get(self._ids[place], 0)
            carried = day >= self._lots[place].last
            self._moved[place][carried] += now - self._drawn[place].pop(day, 0)
            if now:
                self._drawn[place][day] = now

    def _uses(
        self, day: int, teams: set[str], credits_too: bool, rows: list[Row]
    ) -> Iterable[tuple[_Use, str]]:
        """What was used on a day that a lot or a credit may be for; credits are taken off."""
        found: dict[tuple[int, int], _Use] = {}
        for row in table.charged(self._db, day):
            team = self._names.team(row.tag_set_id) or ""
            credited = row.usage_id in self._credits
            if team not in teams and not credited:
                continue
            units = units_of(row.quantity, row.seconds, self._ratios[row.rate_card_id])
            use = found.get((row.usage_id, row.sku_id))
            if use is None:
                chain = self._chain(day, team, row) if team in teams else ()
                found[row.usage_id, row.sku_id] = _Use(row, row.billed_ticks, units, chain)
            else:
                use.ticks += row.billed_ticks
                use.units += units
        for use in found.values():
            if use.row.usage_id in self._credits:
                made = self._credited(day, use, self._credits[use.row.usage_id])
                rows += made if credits_too else ()
            yield use, self._names.team(use.row.tag_set_id) or ""

    def _credited(self, day: int, use: _Use, of_run: list[Stretch]) -> list[Row]:
        start, end = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        amounts, left = forgiven(self._meter(day, use), of_run, start, end)
        use.meter = left
        for ticks, units in amounts.values():
            use.ticks -= ticks
            use.units -= units
        return [
            Row(day, 0, credit, use.row.usage_id, use.row.sku_id, use.row.tag_set_id, 0, ticks)
            for credit, (ticks, _) in amounts.items() if ticks
        ]  # fmt: skip

    def _chain(self, day: int, team: str, row: Charged) -> tuple[tuple[int, int], ...]:
        """The lots that may pay for a charge, in their order, and what a unit takes of each."""
        key = row.tag_set_id, row.cluster_id, row.context_id, row.sku_id
        found = self._chains.get(key)
        if found is None:
            of, sku = self._names.context(row.context_id), self._names.sku(row.sku_id)
            dimensions = {
                "cluster": self._names.cluster(row.cluster_id), "partition": of.partition,
                "qos": of.qos, "account": of.account, "reservation": of.reservation,
            }  # fmt: skip
            project = self._names.project(row.tag_set_id)
            found = self._chains[key] = tuple(
                (place, self._lots[place].takes(sku)) for place in self._of_team[team]
                if self._lots[place].covers(project, dimensions) and self._lots[place].takes(sku)
            )  # fmt: skip
        return tuple(one for one in found if self._lots[one[0]].live(day))

    def _pay(self, day: int, team: str, uses: list[_Use]) -> list[Row]:
        """What lots pay of a team's uses of a day."""
        lots = [place for place in self._of_team[team] if self._lots[place].live(day)]
        left = {place: self._lots[place].left(day, self._drawn[place]) for place in lots}
        found: list[Row] = []
        asked = dict.fromkeys(lots, 0)
        for use in uses:
            place, weight = next(((p, w) for p, w in use.chain if left[p]), (None, 0))
            if place is None:
                continue
            units = use.units * weight if self._lots[place].hours else use.ticks
            asked[place] += units
            if units or use.ticks:
                found.append(self._row(day, place, use, use.ticks, units))
        if all(asked[place] <= left[place] for place in lots):
            return found
        return self._by_second(day, lots, left, uses)

    def _by_second(
        self, day: int, lots: Sequence[int], left: Mapping[int, int], uses: list[_Use]
    ) -> list[Row]:
        """The same of a day on which some lot ends."""
        called = {use.row.usage_id: table.held(self._db, use.row.usage_id)[1] for use in uses}
        # by what runs are called wherever they are collected: which part of the last second
        # a run is paid must not hang on the order in which runs came
        uses = sorted(
            uses, key=lambda u: (*called[u.row.usage_id], self._names.sku(u.row.sku_id))
        )
        all_meters = [use.meter or self._meter(day, use) for use in uses]
        chains = [dict(use.chain) for use in uses]
        sources = [
            Source(self._lots[n].hours, left[n], [chain.get(n, 0) for chain in chains])
            for n in lots if left[n]
        ]  # fmt: skip
        start, end = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        paid = draw(all_meters, sources, start, end)
        return [
            self._row(day, place, use, drawn.ticks, drawn.units)
            for place, column in zip((n for n in lots if left[n]), paid, strict=True)
            for use, drawn in zip(uses, column, strict=True)
            if place in dict(use.chain) and (drawn.ticks or drawn.units)
        ]

    def _row(self, day: int, place: int, use: _Use, ticks: int, units: int) -> Row:
        row = use.row
        return Row(
            day, self._ids[place], 0, row.usage_id, row.sku_id, row.tag_set_id, units, ticks
        )

    def _meter(self, day: int, use: _Use) -> Meter:
        run, _ = table.held(self._db, use.row.usage_id)
        return meters(self._pricer, run, self._ratios, self._calendar, day)[use.row.sku_id]


"""From when on each team is on which level of a tier: what it had used by then says so.

Use does not hang on prices, so runs are priced, what they used is counted, and those
of a team that is on another level than they were priced by are priced once more.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from slurm_finops.billing.names import Names
from slurm_finops.billing.terms import Terms
from slurm_finops.core.charging import Tier, covers
from slurm_finops.core.rates import CLASS, EVER, NEVER
from slurm_finops.ledger import pricing
from slurm_finops.ledger import tiers as table
from slurm_finops.ledger.allocation import unallocated
from slurm_finops.ledger.draws import days as days_charged
from slurm_finops.ledger.store import Ledger

_SETTING = "tiers"


class Earlier(NamedTuple):
    """The ledger whose runs those before the ``first`` day are: of a copy of some months."""

    ledger: Ledger
    first: int


def moved(ledger: Ledger, terms: Terms, earlier: Earlier | None = None) -> bool:
    """Bring all levels up to date; whether runs have to be priced again for it."""
    said = _said(terms)
    if not terms.charging.tiers and ledger.setting(_SETTING) in (None, said):
        return False
    with ledger.transaction() as db:
        counting = _Counting(ledger, terms, earlier)
        dirty: Iterable[int] = unallocated(db)
        if earlier:
            dirty = [day for day in dirty if day >= earlier.first]
        if ledger.setting(_SETTING) != said:  # what is counted has changed: of all days
            known = days_charged(db)
            dirty = range(known[0], known[1] + 1) if known else ()
            db.execute("DELETE FROM tier_days")
        for day in dirty:
            table.replace_day(db, day, counting.of_day(day))
        ledger.set(_SETTING, said)
        stored, wanted = table.levels(db), counting.levels()
        # of a tier that is gone all runs were priced again a moment ago
        there = {tier.name for tier in terms.charging.tiers}
        queued = 0
        for tier, team in sorted(stored.keys() | wanted.keys()):
            before, now = stored.get((tier, team), []), wanted.get((tier, team), [])
            if before != now:
                table.replace_levels(db, tier, team, now)
                for start, end in _differences(before, now) if tier in there else ():
                    # booked time goes by the levels of its own moments, past a run's end
                    first = terms.calendar.day_of(start - terms.charging.longest_beyond)
                    last = EVER if end == EVER else terms.calendar.day_of(end - 1) + 1
                    queued += pricing.queue_team(db, team, first, last)
    return queued > 0


def carry(earlier: Earlier, copy: Ledger, terms: Terms) -> None:
    """Give a copy what teams had used before its first day, since that day's fiscal year began."""
    if not terms.charging.tiers:
        return
    source, first = earlier
    known = table.days_of(source.db) if source.setting(_SETTING) == _said(terms) else None
    counting = _Counting(source, terms)
    year = terms.calendar.fiscal_year(first, terms.charging.fiscal_year)
    for day in range(year.first, first):
        used = counting.of_day(day) if known is None else known.get(day, [])
        table.replace_day(copy.db, day, used)
    copy.set(_SETTING, _said(terms))


def _said(terms: Terms) -> str:
    """All that what is counted goes by, but for runs: where it has changed all days are counted."""
    charging = terms.charging
    said = [(tier.name, tier.skus, tier.match, tier.start, tier.end) for tier in charging.tiers]
    if any(key == CLASS for tier in charging.tiers for key, _ in tier.match):
        # use without a rate has a class, too, of which its charge says nothing
        return repr((said, charging.classes, charging.default_class))
    return repr(said)


Steps = Sequence[tuple[int, int]]


def _differences(one: Steps, two: Steps) -> list[tuple[int, int]]:
    """Where two step functions, 0 before their first step, differ."""
    cuts = sorted({start for start, _ in (*one, *two)})
    ends = [*cuts[1:], EVER]
    return [
        (start, end) for start, end in zip(cuts, ends, strict=True)
        if _at(one, start) != _at(two, start)
    ]  # fmt: skip


def _at(steps: Steps, instant: int) -> int:
    return next((level for start, level in reversed(steps) if start <= instant), 0)


def _last_of_each(steps: table.Levels) -> table.Levels:
    """Of several steps in one second the last, which holds."""
    return list(dict(steps).items())


class _Counting:
    """What teams used of what the tiers of a site count."""

    def __init__(self, ledger: Ledger, terms: Terms, earlier: Earlier | None = None) -> None:
        self._db = ledger.db
        self._first = earlier.first if earlier else NEVER
        self._before = _Counting(earlier.ledger, terms) if earlier else self
        self._calendar = terms.calendar
        self._charging = terms.charging
        self._suspended = terms.charge_suspended
        self._names = Names(ledger.db)

    def of_day(self, day: int) -> list[tuple[str, str, int]]:
        """``(tier, team, unit-seconds)`` of a day."""
        found: dict[tuple[str, str], int] = {}
        for tier, team, quantity, start, end in self._counted(day):
            key = tier.name, team
            found[key] = found.get(key, 0) + quantity * (end - start)
        return [(*key, units) for key, units in found.items()]

    def levels(self) -> dict[tuple[str, str], table.Levels]:
        """Every team that has ever reached a step beyond the first."""
        tiers = {tier.name: tier for tier in self._charging.tiers}
        found = {}
        for (name, team), days in table.days(self._db).items():
            steps: table.Levels = []
            years = groupby(days, key=lambda one: self._year(one[0]))
            for (_, end), of_year in years:
                reached = self._reached(tiers[name], team, list(of_year))
                if reached:
                    steps += [*reached, (end, 0)]
            if steps:
                found[name, team] = _last_of_each(steps)
        return found

    def _year(self, day: int) -> tuple[int, int]:
        year = self._calendar.fiscal_year(day, self._charging.fiscal_year)
        return year.start, year.end

    def _reached(self, tier: Tier, team: str, days: Sequence[tuple[int, int]]) -> table.Levels:
        """The levels of one fiscal year, but for the first."""
        found: table.Levels = []
        before = 0
        for day, used in days:
            for level, (threshold, _) in enumerate(tier.steps):
                if level and before < threshold <= before + used:
                    found.append((self._second(tier, team, day, threshold - before), level))
            before += used
        # several thresholds may be passed in one second
        return _last_of_each(found)

    def _second(self, tier: Tier, team: str, day: int, units: int) -> int:
        """The first second of a day by which a team had used so many units of it."""
        counting = self if day >= self._first else self._before
        mine = [one[2:] for one in counting._counted(day) if one[:2] == (tier, team)]
        low, high = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        while high - low > 1:
            middle = (low + high) // 2
            held = sum(q * (min(b, middle) - a) for q, a, b in mine if a < middle)
            if held >= units:
                high = middle
            else:
                low = middle
        return high

    def _counted(self, day: int) -> Iterable[tuple[Tier, str, int, int, int]]:
        """``(tier, team, quantity, from, to)`` of a day."""
        since, until = self._calendar.midnight(day), self._calendar.midnight(day + 1)
        fits: dict[tuple[int, int, int, int], list[Tier]] = {}
        for row in table.used(self._db, day, self._suspended):
            key = row[:4]
            if key not in fits:
                fits[key] = self._fitting(row, since)
            for tier in fits[key]:
                start = max(row.start, since, tier.start)
                end = min(row.end, until, tier.end)
                if start < end:
                    yield tier, self._names.team(row.tag_set_id) or "", row.quantity, start, end

    def _fitting(self, row: table.Used, midnight: int) -> list[Tier]:
        of, sku = self._names.context(row.context_id), self._names.sku(row.sku_id)
        team = self._names.team(row.tag_set_id)
        dimensions = {
            "cluster": self._names.cluster(row.cluster_id), "partition": of.partition,
            "qos": of.qos, "account": of.account, "reservation": of.reservation,
            CLASS: self._charging.class_at(team, midnight),
        }  # fmt: skip
        return [
            tier for tier in self._charging.tiers
            if covers(tier.skus, sku)
            and all(dimensions.get(key) == value for key, value in tier.match)
        ]  # fmt: skip

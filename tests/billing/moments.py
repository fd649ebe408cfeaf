"""What runs cost, moment by moment in fractions: by the words of docs/charging.md, and no code.

Between two instants at which anything could change every second costs the same, so
whole stretches stand for their seconds.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from slurm_finops.core.runs import Run
from tests.billing.pools import DAY
from tests.billing.sites import CPU, GPU, H100, Site

#: Micro-units an hour for a second are ticks.
PARTS = ("listed", "contracted", "effective", "forgiven", "subsidised", "billed")


class Price(NamedTuple):
    """Ticks a second of all that a run holds of one SKU."""

    listed: Fraction
    contracted: Fraction
    effective: Fraction
    forgiven: Fraction
    subsidised: Fraction

    @property
    def billed(self) -> Fraction:
        return self.effective - self.forgiven - self.subsidised


@dataclass
class Cost:
    """What a run owes on a day for a SKU; ``slack`` ticks may be lost in cutting down."""

    seconds: int = 0
    ticks: dict[str, Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    rounded: Fraction = Fraction(0)
    slack: int = 0
    unpriced: bool = False


def team_of(run: Run) -> str:
    return "" if run.account == "nobody" else run.account


def class_of(site: Site, team: str, at: int) -> str:
    found = site.default_class
    for start, of_class, *_ in dict(site.classes).get(team, ()):
        if start <= at:
            found = of_class
    return found


def said_of(site: Site, run: Run, at: int) -> dict[str, str]:
    """What a match can ask of a run at a moment."""
    return {
        "cluster": run.cluster, "partition": run.partition, "qos": run.qos,
        "account": run.account, "reservation": run.reservation,
        "class": class_of(site, team_of(run), at),
    }  # fmt: skip


def fits(rule: Any, said: dict[str, str], at: int | None = None) -> bool:
    return all(said[key] == value for key, value in rule.match) and (
        at is None or rule.start <= at < rule.end)


def strongest(rules: list[Any]) -> Any:
    return max(rules, key=lambda rule: (len(rule.match), rule.rank), default=None)


def rates_at(site: Site, sku: str, said: dict[str, str], at: int) -> list[Any]:
    """The rates in force, the strongest first; of a series the latest."""
    found = []
    for name in dict.fromkeys((sku, GPU) if sku == H100 else (sku,)):
        series: dict[Any, Any] = {}
        for rate in sorted(site.rates, key=lambda rate: rate.start):
            if rate.sku == name and rate.start <= at and fits(rate, said):
                series[rate.match, rate.rank] = rate
        found += sorted(series.values(), key=lambda r: (-len(r.match), -r.rank))
    return found


def pool_at(site: Site, sku: str, said: dict[str, str], at: int, rates: list[Any]) -> bool:
    """Whether a pool comes before every rate: by the SKU's own name, then by keys of the match."""
    for pool in site.pools:
        if not (fits(pool, said) and pool.first * DAY <= at < pool.last * DAY):
            continue
        named = [name for name, _ in pool.use if name == sku or (name == GPU and sku == H100)]
        for name in named:
            weight = name == sku, len(pool.match)
            if all((rate.sku == sku, len(rate.match)) <= weight for rate in rates):
                return True
    return False


def price_at(site: Site, sku: str, quantity: int, run: Run, at: int) -> Price | None:
    """None where it has no price."""
    said = said_of(site, run, at)
    rates = rates_at(site, sku, said, at)
    pooled = pool_at(site, sku, said, at, rates)
    if not rates:
        return Price(*[Fraction(0)] * 5) if pooled else None
    rate = rates[0]
    public = [r for r in rates if r.pricing == "on_demand" and "class" not in dict(r.match)]
    if pooled and not public:
        listed = Fraction(0)
    else:
        by = (public or rates)[0]
        listed = Fraction(by.price * quantity, by.per)
    factor = Fraction(1)
    for one in site.factors:
        named = not one.skus or sku in one.skus or (sku == H100 and GPU in one.skus)
        if named and fits(one, said, at):
            factor *= one.ratio
    contracted = Fraction(rate.price * quantity, rate.per) * factor
    if pooled:
        return Price(listed, contracted, *[Fraction(0)] * 3)
    rule = strongest([f for f in site.forgiven if run.state in f.states and fits(f, said, at)])
    part = rule.part if rule else Fraction(0)
    of_price = Fraction(rate.subsidy, rate.price) if rate.price else Fraction(0)
    return Price(
        listed, contracted, contracted, contracted * part, contracted * (1 - part) * of_price
    )


def held(run: Run, site: Site) -> dict[str, int]:
    """What a run is asked for: devices, and whatever a rate or a pool names."""
    counts = {name: int(n) for name, n in (i.split("=") for i in run.alloc_tres.split(","))}
    counts[GPU] = counts.get(GPU, 0) - counts.get(H100, 0)
    named = {r.sku for r in site.rates} | {sku for p in site.pools for sku, _ in p.use}
    return {s: n for s, n in sorted(counts.items()) if n > 0 and (s != CPU or s in named)}


def prices_at(site: Site, run: Run, at: int) -> dict[str, Price | None]:
    """What each SKU of a run costs at a moment; of a group the dearest only.

    Of two that cost the same the device, or the first.  What a pool covers is compared by
    what it would cost without; where it would have no price, nothing is dearer.
    """
    skus = held(run, site)
    found = {sku: price_at(site, sku, n, run, at) for sku, n in skus.items()}
    said = said_of(site, run, at)
    for group in site.groups:
        mine = [s for s in skus if s in group.skus or (s == H100 and GPU in group.skus)]
        priced = [sku for sku in mine if found[sku] is not None]
        if len(mine) < 2 or not priced or not fits(group, said, at):
            continue
        unrated = [sku for sku in priced if not rates_at(site, sku, said, at)]
        dearest = max(priced, key=lambda sku: (
            sku in unrated, found[sku].contracted, sku.startswith("gres/"), -mine.index(sku)
        ))  # type: ignore[union-attr] # fmt: skip
        for sku in set(priced) - {dearest}:
            found[sku] = Price(*[Fraction(0)] * 5)
    return found


def instants(site: Site, since: int, until: int) -> list[int]:
    """Every moment at which something could change, and the days' midnights."""
    rules = (*site.factors, *site.forgiven, *site.groups)
    all_of_them = {
        since, until, *(rate.start for rate in site.rates),
        *(time for rule in rules for time in (rule.start, rule.end)),
        *(piece[0] for _, pieces in site.classes for piece in pieces),
        *(day * DAY for pool in site.pools for day in (pool.first, pool.last or 0)),
        *range(since // DAY * DAY, until, DAY),
    }  # fmt: skip
    return sorted(time for time in all_of_them if since <= time <= until)


def booked_end(site: Site, run: Run) -> int:
    """When a run has ended as far as it is charged; one that still runs is not rounded."""
    end = run.start + run.elapsed
    said = said_of(site, run, run.start)
    rule = strongest([rule for rule in site.rounding if fits(rule, said, run.start)])
    if run.provisional or rule is None or not run.elapsed:
        return end
    steps = -(-max(run.elapsed, rule.minimum) // rule.step)
    return run.start + steps * rule.step


def _stretches(site: Site, run: Run) -> Iterator[tuple[str, int, int, Price | None, bool]]:
    """``(SKU, from, to, price, whether it is past the run's end)``, in order of time."""
    end = run.start + run.elapsed
    booked = booked_end(site, run)
    moments = sorted({*instants(site, run.start, booked), end})
    for since, until in pairwise(moments):
        for sku, price in prices_at(site, run, since).items():
            yield sku, since, until, price, since >= end


def costs(site: Site, run: Run) -> dict[tuple[int, str], Cost]:
    """What a run owes by day and SKU; booked time is owed on its last day."""
    found: dict[tuple[int, str], Cost] = defaultdict(Cost)
    last = (run.start + run.elapsed - 1) // DAY
    at_end: dict[str, bool] = {}
    inexact = {
        sku for sku, _, _, price, _ in _stretches(site, run)
        if price and any(getattr(price, part).denominator > 1 for part in PARTS)
    }  # fmt: skip
    for sku, since, until, price, over in _stretches(site, run):
        if over and not at_end[sku]:
            continue  # nothing is booked of what had no price when the run ended
        cost = found[last if over else since // DAY, sku]
        if not over:
            at_end[sku] = price is not None
            cost.seconds += until - since
            cost.unpriced |= price is None
        if price is None:
            continue
        cost.slack += sku in inexact
        for part in PARTS:
            if not over or part != "listed":
                cost.ticks[part] += getattr(price, part) * (until - since)
        if over:
            cost.rounded += price.effective * (until - since)
    return found

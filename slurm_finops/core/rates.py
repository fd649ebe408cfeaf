"""Dated prices: which rate applies to a run, and its running integral over time.

Rates with the same SKU, match and rank form a *series*: each holds until the
next.  A series is a step function of time whose integral is kept as sorted
arrays, so any run costs two bisections however often the price moved.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, groupby, pairwise
from math import lcm
from typing import Generic, NamedTuple, TypeVar

from slurm_finops.core.approval import Approval
from slurm_finops.core.usage import GPU, is_gpu

ON_DEMAND = "on_demand"
PRICINGS = (ON_DEMAND, "spot", "committed")
#: A rate with this for its pricing ends its series: none of it applies from there on.
ENDED = ""
MATCH_KEYS = ("cluster", "partition", "qos", "account", "reservation", "class")
#: The one that is no word of Slurm's: what kind of customer a team is.
CLASS = "class"
Match = tuple[tuple[str, str], ...]


class Rate(NamedTuple):
    """``price`` micro-units of currency per hour for ``per`` units, from ``start`` on.

    Of the price somebody else pays ``subsidy``, as much or less.
    """

    sku: str
    price: int
    start: int
    per: int = 1
    pricing: str = ON_DEMAND
    match: Match = ()
    rank: int = 0
    where: str = ""
    subsidy: int = 0
    approval: Approval | None = None

    @property
    def series(self) -> tuple[str, Match, int]:
        """What the next rate must share to replace this one."""
        return self.sku, self.match, self.rank


class Card(NamedTuple):
    """What a charge names as its rate: a series, for as long as its pricing is the same.

    ``policy`` is what else made the charge, as `core.charging.Applied` writes it.
    """

    sku: str
    match: Match
    rank: int
    pricing: str
    policy: str = ""


class RateError(ValueError):
    """Rates that cannot stand together; the text names both."""


class Curve:
    """The integral of a price from the first rate's start, in micro-unit seconds.

    Prices with different ``per`` are brought to their least common multiple, so
    the integral over ``per`` is exact.
    """

    def __init__(self, times: Sequence[int], prices: Sequence[int], per: int = 1) -> None:
        self.per = per
        self.times = list(times)
        self._prices = list(prices)
        self._sums = [0]
        for i in range(1, len(times)):
            held = times[i] - times[i - 1]
            self._sums.append(self._sums[-1] + prices[i - 1] * held)

    @classmethod
    def of(cls, rates: Iterable[Rate], *, net: bool = False) -> "Curve":
        """The prices of a series; ``net`` of what is subsidised."""
        steps = sorted(rates, key=lambda rate: rate.start)
        per = lcm(*(rate.per for rate in steps))
        prices = [
            (rate.price - (rate.subsidy if net else 0)) * (per // rate.per) for rate in steps
        ]
        return cls([rate.start for rate in steps], prices, per)

    def times_ratio(self, above: int, below: int) -> "Curve":
        """Every price times a ratio; this very curve where that is 1."""
        if above == below:
            return self
        return Curve(self.times, [price * above for price in self._prices], self.per * below)

    def price_at(self, instant: int) -> int:
        """Micro-units an hour for ``per`` units, at or after the first step."""
        return self._prices[bisect_right(self.times, instant) - 1]

    def between(self, start: int, end: int) -> int:
        """Price integrated over ``[start, end)``, which does not begin before the first step."""
        times, prices = self.times, self._prices
        i = bisect_right(times, start) - 1
        j = bisect_right(times, end, i) - 1
        if i == j:
            return prices[i] * (end - start)
        sums = self._sums
        return (
            sums[j] - sums[i] + prices[j] * (end - times[j]) - prices[i] * (start - times[i])
        )


@dataclass(frozen=True)
class Series:
    """Rates of one SKU, match and rank in order of time."""

    rates: tuple[Rate, ...]

    @cached_property
    def curve(self) -> Curve:
        return Curve.of(self.rates)

    @cached_property
    def net_curve(self) -> Curve:
        """What is left of the prices after their subsidies: ``curve`` itself if there are none."""
        if any(rate.subsidy for rate in self.rates):
            return Curve.of(self.rates, net=True)
        return self.curve

    @cached_property
    def pricings(self) -> tuple[tuple[int, str], ...]:
        """Where the kind of pricing changes: ``(from, pricing)``."""
        return tuple(
            (next(group).start, pricing)
            for pricing, group in groupby(self.rates, key=lambda rate: rate.pricing)
        )

    @property
    def is_of_class(self) -> bool:
        """Whether it is for one class of customers only."""
        return any(key == CLASS for key, _ in self.rates[0].match)

    def pricing_at(self, instant: int) -> str | None:
        found = None
        for start, pricing in self.pricings:
            if start > instant:
                break
            found = pricing
        return found

    def card(self, pricing: str) -> Card:
        return Card(*self.rates[0].series, pricing)


C = TypeVar("C")


class Rest(NamedTuple):
    """What a charge is made of beside its effective cost and its list price.

    ``contracted``: what the site's rates come to, whatever a pool covers.  ``kept``: what
    is left when some is forgiven; ``net``: and when somebody else has paid a part.
    """

    contracted: Curve
    kept: Curve
    net: Curve


class Segment(NamedTuple, Generic[C]):
    """From ``start`` on: the card and curve that price a SKU, and the list price's curve.

    ``card`` and both curves are None while no rate applies.  A `Card` from a
    `RateBook`; whoever stores charges may put its own name of one there.  ``rest`` is
    None where all of it is ``curve``.
    """

    start: int
    card: C | None
    curve: Curve | None
    list_curve: Curve | None
    rest: Rest | None = None


#: Ranks that are written by hand are smaller, whatever their sign.
MAX_RANK = 1 << 20
#: And above any of those: at equal match keys a pool comes before rates.
POOL_RANK = 1 << 40

#: Before and after any instant, within SQLite's integers.
NEVER, EVER = -(1 << 62), 1 << 62


class RateBook:
    """All rates of a site.

    Most specific first: the SKU's own rates before those of ``gres/gpu``; more
    match keys before fewer; then the higher rank.  Raises `RateError` where two
    rates tie and could both apply to one run.
    """

    def __init__(self, rates: Iterable[Rate]) -> None:
        ordered = sorted(rates, key=lambda rate: (rate.series, rate.start))
        for one, two in pairwise(ordered):
            if (one.series, one.start) == (two.series, two.start):
                raise RateError(_same(one, two))
        self._series: dict[str, list[Series]] = {}
        for (sku, _, _), group in groupby(ordered, key=lambda rate: rate.series):
            self._series.setdefault(sku, []).append(Series(tuple(group)))
        for series in self._series.values():
            _check_ties(series)
        self.skus = frozenset(self._series)
        self.match_keys = frozenset(key for rate in ordered for key, _ in rate.match)

    def segments(self, sku: str, dimensions: Mapping[str, str]) -> tuple[Segment[Card], ...]:
        """How a SKU is priced over all time for runs with these dimensions.

        ``dimensions`` maps `MATCH_KEYS` to the run's values.
        """
        ranked = self.ranked(sku, dimensions)
        return joined(applied(ranked, cut) for cut in cuts_of(ranked))

    def values(self, key: str) -> list[str]:
        """What any rate asks of one of `MATCH_KEYS`, sorted."""
        series = (one for some in self._series.values() for one in some)
        matches = (dict(one.rates[0].match) for one in series)
        return sorted({match[key] for match in matches if key in match})

    def of(self, sku: str) -> list[Series]:
        """The series of one SKU, those that apply first before those that give way."""
        return sorted(
            self._series.get(sku, ()), key=lambda s: (-len(s.rates[0].match), -s.rates[0].rank)
        )

    def ranked(self, sku: str, dimensions: Mapping[str, str]) -> list[Series]:
        """The series that may price such runs, those that apply first before the others."""
        own = self._matching(sku, dimensions)
        if is_gpu(sku) and sku != GPU:
            own += self._matching(GPU, dimensions)
        return own

    def _matching(self, sku: str, dimensions: Mapping[str, str]) -> list[Series]:
        return [
            series
            for series in self.of(sku)
            if all(dimensions.get(key) == value for key, value in series.rates[0].match)
        ]


def cuts_of(ranked: Iterable[Series]) -> list[int]:
    """When what applies of some series can change."""
    return sorted({start for series in ranked for start, _ in series.pricings})


def joined(segments: Iterable[Segment[Card]]) -> tuple[Segment[Card], ...]:
    """Segments in order of time, from `NEVER` on; those that say the same made one."""
    found: list[Segment[Card]] = [Segment(NEVER, None, None, None)]
    for segment in segments:
        if segment[1:] != found[-1][1:]:
            found.append(segment)
    return tuple(found)


def applied(ranked: Iterable[Series], instant: int) -> Segment[Card]:
    """What the first of some series that is there at an instant makes of it.

    The list price is the first on-demand one that is for every class of customer.
    """
    live = [(series, kind) for series in ranked if (kind := series.pricing_at(instant))]
    if not live:
        return Segment(instant, None, None, None)
    series, pricing = live[0]
    public = (s for s, kind in live if kind == ON_DEMAND and not s.is_of_class)
    listed = next(public, series)
    card, curve = series.card(pricing), series.curve
    if series.rates[0].rank < POOL_RANK:
        rest = Rest(curve, curve, series.net_curve) if series.net_curve is not curve else None
        return Segment(instant, card, curve, listed.curve, rest)
    without = next((s for s, _ in live if s.rates[0].rank < POOL_RANK), series)
    return Segment(instant, card, curve, listed.curve, Rest(without.curve, curve, curve))


def _check_ties(series: list[Series]) -> None:
    """Raise `RateError` for two series of one weight that could both apply to one run.

    Two that match on the same keys differ in a value, and exclude each other.
    Others exclude each other if they differ on a key that both have: so each is
    looked up among those of other keys by the values on the keys they share.
    """
    kinds: dict[tuple[int, int], dict[tuple[str, ...], list[Rate]]] = {}
    for rate in (one.rates[0] for one in series):
        keys = tuple(key for key, _ in rate.match)
        kinds.setdefault((len(keys), rate.rank), {}).setdefault(keys, []).append(rate)
    for kind in kinds.values():
        for (keys, ones), (others, twos) in combinations(kind.items(), 2):
            shared = [key for key in keys if key in others]
            seen = {_on(rate, shared): rate for rate in ones}
            for two in twos:
                one = seen.get(_on(two, shared))
                if one is not None:
                    raise RateError(
                        f"{one.where} and {two.where} both price {one.sku} and could both apply "
                        "to one run; give one of them a higher rank or one more match key"
                    )


def _on(rate: Rate, keys: list[str]) -> tuple[str, ...]:
    match = dict(rate.match)
    return tuple(match[key] for key in keys)


def _same(one: Rate, two: Rate) -> str:
    return (
        f"{one.where} and {two.where} both price {one.sku} from the same moment for the same "
        "match; remove one, or give one a higher rank"
    )


def touched(old: Iterable[Rate], new: Iterable[Rate]) -> list[tuple[str, int, int]]:
    """``(sku, from, to)`` where two lists of rates can price differently."""
    before, after = (
        {rate._replace(where="", approval=None) for rate in rates} for rates in (old, new)
    )
    changed = before ^ after
    starts: dict[tuple[str, Match, int], list[int]] = {}
    for rate in sorted(before | after, key=lambda rate: rate.start):
        starts.setdefault(rate.series, []).append(rate.start)
    spans: dict[str, list[tuple[int, int]]] = {}
    for rate in changed:
        times = starts[rate.series]
        later = bisect_right(times, rate.start)
        end = times[later] if later < len(times) else EVER
        spans.setdefault(rate.sku, []).append((rate.start, end))
    return [(sku, *span) for sku in sorted(spans) for span in united(spans[sku])]


def united(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans that overlap or adjoin made one, in order."""
    united: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(end, united[-1][1])
        else:
            united.append((start, end))
    return united

"""Rates with the charging policy on them: how a SKU is priced over all time for some runs.

All that the policy says is worked into the curves of a few segments, so that a run
costs what it cost without one: two bisections.
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.core.charging import (
    ALWAYS,
    MAX,
    Applied,
    Charging,
    Factor,
    Forgiven,
    Group,
    Rounding,
    Tier,
    Timeline,
    at,
    covers,
    edges,
    first,
    matching,
)
from slurm_finops.core.rates import (
    CLASS,
    EVER,
    NEVER,
    POOL_RANK,
    Card,
    Curve,
    Rate,
    RateBook,
    Rest,
    Segment,
    Series,
    applied,
    cuts_of,
    joined,
)
from slurm_finops.core.usage import is_device

NOTHING = Curve([NEVER], [0])


class Priced(NamedTuple):
    """One SKU of a run: how many, and how they are priced over all time."""

    sku: str
    quantity: int
    segments: tuple[Segment[Card], ...]


class PriceBook(RateBook):
    """All rates of a site, and its charging policy."""

    def __init__(self, rates: Iterable[Rate], charging: Charging | None = None) -> None:
        super().__init__(rates)
        self.charging = charging or Charging()
        self.match_keys |= self.charging.match_keys
        self._scaled: dict[tuple[Curve, Fraction], Curve] = {}

    def segments(
        self, sku: str, dimensions: Mapping[str, str], timeline: Timeline = ALWAYS, state: str = ""
    ) -> tuple[Segment[Card], ...]:
        """As `RateBook.segments`, for a customer over time and runs that ended in ``state``."""
        if not self.charging:
            return super().segments(sku, dimensions)
        ends = [*(piece.start for piece in timeline[1:]), None]
        found: list[Segment[Card]] = []
        for piece, end in zip(timeline, ends, strict=True):
            here = {**dimensions, CLASS: piece.of_class} if piece.of_class else dimensions
            rules = _Rules(self.charging, sku, here, piece.tiers, state)
            ranked = self.ranked(sku, here)
            cuts = {piece.start, *cuts_of(ranked), *rules.edges}
            inside = sorted(c for c in cuts if c >= piece.start and (end is None or c < end))
            found += [self._segment(ranked, rules, piece.of_class, cut) for cut in inside]
        return joined(found)

    def _segment(
        self, ranked: Sequence[Series], rules: "_Rules", of_class: str, instant: int
    ) -> Segment[Card]:
        segment = applied(ranked, instant)
        card, curve, rest = segment.card, segment.curve, segment.rest
        if card is None or curve is None:
            return segment
        said = Applied(of_class, *rules.at(instant))
        contracted = self._times(rest.contracted if rest else curve, said.factor)
        if card.rank >= POOL_RANK:  # what a pool covers costs what its use bears of it
            said = Applied(of_class)
            if rest and rest.contracted is curve:  # no rate is behind it, and no price to multiply
                contracted = curve
            return segment._replace(
                card=card._replace(policy=said.text), rest=Rest(contracted, curve, curve)
            )
        effective = self._times(curve, said.factor)
        kept = self._times(effective, said.kept)
        net = self._times(rest.net if rest else curve, said.factor * said.kept)
        plain = contracted is effective and kept is effective and net is effective
        return Segment(
            instant, card._replace(policy=said.text), effective, segment.list_curve,
            None if plain else Rest(contracted, kept, net),
        )  # fmt: skip

    def _times(self, curve: Curve, ratio: Fraction) -> Curve:
        """A curve times a ratio, the same object for the same."""
        if ratio == 1:
            return curve
        if ratio == 0:
            return NOTHING
        found = self._scaled.get((curve, ratio))
        if found is None:
            found = curve.times_ratio(ratio.numerator, ratio.denominator)
            self._scaled[curve, ratio] = found
        return found

    def factors_at(
        self, sku: str, dimensions: Mapping[str, str], instant: int
    ) -> tuple[Fraction, ...]:
        """What the price of a SKU is multiplied by at most: of a tier its dearest step counts."""
        tiers = (tier for tier in self.charging.tiers if covers(tier.skus, sku))
        factors = (factor for factor in self.charging.factors if factor.is_for(sku))
        found = [dearest_step(tier) for tier in at(matching(tiers, dimensions), instant)]
        found += [factor.ratio for factor in at(matching(factors, dimensions), instant)]
        return tuple(ratio for ratio in found if ratio != 1)

    def values(self, key: str) -> list[str]:
        """What any rate or rule asks of one of `MATCH_KEYS`, sorted."""
        asked = (dict(rule.match).get(key) for rule in self.charging.rules)
        return sorted({*super().values(key), *(value for value in asked if value)})

    def rounding(
        self, dimensions: Mapping[str, str], timeline: Timeline = ALWAYS
    ) -> tuple[tuple[int, Rounding | None], ...]:
        """``(from, the rule)`` by when a run starts; () where none could ever apply."""
        found: list[tuple[int, Rounding | None]] = []
        ends = [*(piece.start for piece in timeline[1:]), None]
        for piece, end in zip(timeline, ends, strict=True):
            mine = matching(self.charging.rounding, {**dimensions, CLASS: piece.of_class})
            cuts = sorted({piece.start, *edges(mine)})
            for cut in (c for c in cuts if c >= piece.start and (end is None or c < end)):
                rule = first(at(mine, cut))
                if not found or found[-1][1] is not rule:
                    found.append((cut, rule))
        return () if all(rule is None for _, rule in found) else tuple(found)

    def combined(self, lines: Sequence[Priced], dimensions: Mapping[str, str]) -> list[Priced]:
        """The lines of a run with every group of its SKUs applied."""
        found = list(lines)
        for group in matching(self.charging.groups, dimensions):
            if group.combine != MAX:
                continue
            mine = [i for i, line in enumerate(found) if covers(group.skus, line.sku)]
            if len(mine) > 1:
                for i, line in zip(mine, dearest([found[i] for i in mine], group), strict=True):
                    found[i] = line
        return found


def dearest_step(tier: Tier) -> Fraction:
    """The highest of a tier's ratios."""
    return max(ratio for _, ratio in tier.steps)


class _Rules:
    """What of a policy can change the price of a SKU for some runs."""

    def __init__(
        self, charging: Charging, sku: str, dimensions: Mapping[str, str],
        tiers: tuple[tuple[str, int], ...], state: str,
    ) -> None:  # fmt: skip
        mine = (factor for factor in charging.factors if factor.is_for(sku))
        self._factors: list[Factor] = matching(mine, dimensions)
        self._forgiven: list[Forgiven] = matching(
            (rule for rule in charging.forgiven if state in rule.states), dimensions
        )
        counted = (tier for tier in charging.tiers if covers(tier.skus, sku))
        self._tiers: list[Tier] = matching(counted, dimensions)
        self._levels = dict(tiers)
        self.edges = edges([*self._factors, *self._forgiven, *self._tiers])

    def at(
        self, instant: int
    ) -> tuple[tuple[tuple[str, Fraction], ...], tuple[str, Fraction] | None]:
        """Factors and forgiveness in force, by name."""
        # a level may be of before the tier lost a step, until levels are made anew
        reached = (
            (tier.name, tier.steps[min(self._levels.get(tier.name, 0), len(tier.steps) - 1)][1])
            for tier in at(self._tiers, instant)
        )
        tiers = tuple((name, ratio) for name, ratio in reached if ratio != 1)
        factors = tuple((factor.name, factor.ratio) for factor in at(self._factors, instant))
        rule = first(at(self._forgiven, instant))
        return (*tiers, *factors), (rule.name, rule.part) if rule else None


def dearest(lines: Sequence[Priced], group: Group) -> list[Priced]:
    """The lines with nothing to pay wherever another of them costs more an hour.

    At equal cost a device pays, for it is what people ask for, or else the first.  What has
    no rate neither pays nor is outdone.  What a pool covers is compared by what it would
    cost without one; where another SKU costs more, it takes nothing of the pool.
    """
    cuts = {NEVER, *edges([group])}
    for line in lines:
        for segment in line.segments:
            curve = _contracted(segment)
            cuts |= {segment.start, *(curve.times if curve else ())}
    made: list[list[Segment[Card]]] = [[] for _ in lines]
    places = [0] * len(lines)
    for cut in sorted(cuts):
        here = []
        for i, line in enumerate(lines):
            while places[i] + 1 < len(line.segments) and line.segments[places[i] + 1].start <= cut:
                places[i] += 1
            here.append(line.segments[places[i]])
        costs = [_hourly(line.quantity, one, cut) for line, one in zip(lines, here, strict=True)]
        paying = max(range(len(lines)), key=lambda i: (costs[i], is_device(lines[i].sku), -i))
        for i, segment in enumerate(here):
            segment = segment._replace(start=cut)
            outdone = group.start <= cut < group.end and i != paying
            made[i].append(_outdone(segment, group.name) if outdone else segment)
    return [
        line._replace(segments=joined(segments))
        for line, segments in zip(lines, made, strict=True)
    ]


def _hourly(quantity: int, segment: Segment[Card], instant: int) -> Fraction:
    """Micro-units of currency an hour; below zero where no rate applies.

    Nothing is more than what a pool covers that has no rate behind it.
    """
    curve = _contracted(segment)
    if curve is segment.curve and segment.card and segment.card.rank >= POOL_RANK:
        return Fraction(EVER)
    if curve is None or instant < curve.times[0]:
        return Fraction(-1)
    return Fraction(quantity * curve.price_at(instant), curve.per)


def _contracted(segment: Segment[Card]) -> Curve | None:
    """By which SKUs are compared: what a pool covers is not for nothing."""
    return segment.rest.contracted if segment.rest else segment.curve


def _outdone(segment: Segment[Card], group: str) -> Segment[Card]:
    if segment.card is None:
        return segment
    said = Applied.of(segment.card.policy)._replace(outdone=group)
    return Segment(segment.start, segment.card._replace(policy=said.text), NOTHING, NOTHING)

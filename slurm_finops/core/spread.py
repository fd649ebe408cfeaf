"""Who carries an amount that no use bears by itself: idle capacity, overhead, lines, credits.

An amount is placed in steps, each by largest remainder: on teams where the rule
names or counts them, then on days, then on the owners of a day; so each step sums
to the one before and a month needs no list of all its owners.
"""

from collections.abc import Mapping
from typing import NamedTuple

from slurm_finops.core.money import split_amount
from slurm_finops.core.pools import CARRIED, EVEN, PROPORTIONAL, Spread

#: Day -> team (None: untagged) -> the weight of its use, >= 0.
Weights = Mapping[int, Mapping[str | None, int]]


class Portion(NamedTuple):
    """Ticks for a day: of one team, or of whoever used anything that day.

    ``everybody`` with a team is everybody but that team.  ``bare``: it goes to
    the team as such (None: to nobody), whatever it used.
    """

    day: int
    ticks: int
    team: str | None = None
    everybody: bool = False
    bare: bool = False


def portions(amounts: Mapping[int, int], spread: Spread, weights: Weights) -> list[Portion]:
    """``amounts`` (ticks by day, all of one sign) by a site's rule.

    Where nobody used anything that the rule could go by, ``spread.to`` carries it.
    """
    total = sum(amounts.values())
    if not total:
        return []
    if spread.method == CARRIED:
        return _bare(amounts, total, spread.to)
    if spread.method == PROPORTIONAL:
        return _by_day(total, _days(weights)) or _bare(amounts, total, spread.to)
    if spread.method == EVEN:
        named = {team for use in weights.values() for team, weight in use.items() if weight}
        ratios = {team: 1 for team in named if team is not None}
    else:
        ratios = {team: part for team, part in spread.ratios if part}
    if not ratios:
        return _bare(amounts, total, spread.to)
    teams = sorted(ratios)
    parts = split_amount(total, [ratios[team] for team in teams], teams)
    return [
        portion
        for team, part in zip(teams, parts, strict=True)
        for portion in _of_team(amounts, part, team, weights)
    ]


def credited(
    amounts: Mapping[int, int], buyer: str | None, to: str | None, weights: Weights
) -> list[Portion]:
    """A credit (ticks below zero, by day) against costs: the buyer's first, then everybody's.

    ``weights`` are costs in ticks.  Nobody is credited more than it cost; what
    is left over goes ``to`` a team as such.  Without a buyer all costs are equal.
    """
    left = -sum(amounts.values())
    own = {day: use.get(buyer, 0) if buyer else 0 for day, use in weights.items()}
    others = {day: cost - own[day] for day, cost in _days(weights).items()}
    found: list[Portion] = []
    for days, everybody in ((own, False), (others, True)):
        part = min(left, sum(days.values()))
        left -= part
        found += [p._replace(everybody=everybody, team=buyer) for p in _by_day(-part, days)]
    return found + _bare(amounts, -left, to)


def _days(weights: Weights) -> dict[int, int]:
    return {day: sum(use.values()) for day, use in weights.items()}


def _by_day(total: int, days: Mapping[int, int]) -> list[Portion]:
    """The total on days by weight, for everybody; nothing where there is no weight."""
    if not total or not any(days.values()):
        return []
    parts = split_amount(total, list(days.values()), list(days))
    return [Portion(day, t, everybody=True) for day, t in zip(days, parts, strict=True) if t]


def _of_team(
    amounts: Mapping[int, int], total: int, team: str, weights: Weights
) -> list[Portion]:
    days = {day: use.get(team, 0) for day, use in weights.items()}
    found = [p._replace(team=team, everybody=False) for p in _by_day(total, days)]
    return found or _bare(amounts, total, team)


def _bare(amounts: Mapping[int, int], total: int, team: str | None) -> list[Portion]:
    """The total on the days on which it came up."""
    if not total:
        return []
    parts = split_amount(total, [abs(ticks) for ticks in amounts.values()], list(amounts))
    return [
        Portion(day, t, team, bare=True) for day, t in zip(amounts, parts, strict=True) if t
    ]

"""Groups that spend in known ways: what forecasts are tried on.  In ticks a day."""

from collections.abc import Callable
from math import exp, sqrt
from random import Random

#: A group's days: a source of chance, how many days are its history, and how many come after.
Group = Callable[[Random, int, int], list[int]]
UNIT = 3_600_000_000


def _ticks(amount: float) -> int:
    return int(amount * UNIT)


def steady(chance: Random, past: int, coming: int) -> list[int]:
    """Every day about the same."""
    return [_ticks(1000 * chance.lognormvariate(0, 0.25)) for _ in range(past + coming)]


def weekly(chance: Random, past: int, coming: int) -> list[int]:
    """Little at the weekend."""
    first = chance.randrange(7)
    return [
        _ticks((1000 if (first + day) % 7 < 5 else 150) * chance.lognormvariate(0, 0.3))
        for day in range(past + coming)
    ]


def growing(chance: Random, past: int, coming: int) -> list[int]:
    """A third more every month."""
    return [
        _ticks(1000 * exp(0.01 * day) * chance.lognormvariate(0, 0.3))
        for day in range(past + coming)
    ]


def bursty(chance: Random, past: int, coming: int) -> list[int]:
    """Next to nothing, and now and then some dear days."""
    found, left, level = [], 0, 0.0
    for _ in range(past + coming):
        if not left and chance.random() < 0.08:
            left, level = 1 + int(chance.expovariate(1 / 3)), chance.lognormvariate(7, 0.7)
        found.append(_ticks(
            level * chance.lognormvariate(0, 0.2) if left else 20 * chance.random()
        ))  # fmt: skip
        left = max(0, left - 1)
    return found


def drifting(chance: Random, past: int, coming: int) -> list[int]:
    """Some weeks much, some weeks little, from one to the other slowly."""
    level, found = chance.gauss(0, 0.6), []
    for _ in range(past + coming):
        level = 0.95 * level + chance.gauss(0, 0.6 * sqrt(1 - 0.95**2))
        found.append(_ticks(1000 * exp(level) * chance.lognormvariate(0, 0.2)))
    return found


def heavy(chance: Random, past: int, coming: int) -> list[int]:
    """Days that differ by the hundredfold."""
    return [_ticks(300 * chance.paretovariate(1.5)) for _ in range(past + coming)]


def changed(chance: Random, past: int, coming: int) -> list[int]:
    """Since ten days three times as much as before, or a third."""
    return _changing(chance, past + coming, past - 10)


def changing(chance: Random, past: int, coming: int) -> list[int]:
    """From tomorrow on three times as much as before, or a third."""
    return _changing(chance, past + coming, past)


def _changing(chance: Random, days: int, at: int) -> list[int]:
    factor = chance.choice((1 / 3, 3))
    return [
        _ticks((factor if day >= at else 1) * 1000 * chance.lognormvariate(0, 0.25))
        for day in range(days)
    ]


GROUPS: dict[str, Group] = {
    "steady": steady, "weekly pattern": weekly, "growing by a third a month": growing,
    "drifting": drifting, "bursty": bursty, "heavy-tailed": heavy,
    "changed ten days ago": changed, "changes tomorrow": changing,
}  # fmt: skip

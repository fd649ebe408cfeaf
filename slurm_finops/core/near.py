"""Did you mean …?  The nearest of some names, in bounded work.

Nearness is the number of typing slips between two texts: a character left out,
put in, put for another, or two neighbours swapped (optimal string alignment).
Its twin is ``near.lua`` in the job-submit hook, which must find the same name.
"""

from collections.abc import Iterable, Iterator
from itertools import combinations

#: slurmctld waits while the hook thinks: so many names are compared and no more.
MAX_NAMES = 500
#: Longer texts are not compared: nobody mistypes one character of so many.
MAX_LENGTH = 64
_SLIPS = 2


def nearest(text: str, names: Iterable[str]) -> str | None:
    """The first of the nearest names: one slip for three characters, two at most.

    Upper and lower case of ASCII letters are the same; so ``NLP`` is near ``nlp``.
    """
    if len(text) > MAX_LENGTH:
        return None
    allowed = min(_SLIPS, len(text) // 3)
    wanted, best = _folded(text), None
    for name, _ in zip(names, range(MAX_NAMES), strict=False):
        slips = _slips(wanted, _folded(name), allowed)
        if slips is not None:
            if slips == 0:
                return name
            best, allowed = name, slips - 1
    return best


def near_pairs(names: Iterable[str], most: int) -> list[tuple[str, str]]:
    """All pairs of names with ``most`` slips between them at most, in order.

    As in `nearest` there is one slip for three characters of the shorter, and upper and
    lower case are the same: names that differ in nothing else are a pair of any length.
    Only names that are alike without ``most`` of their characters are compared, for whatever
    is so many slips apart is: the work grows with the names and not with their pairs.
    """
    alike: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        if len(name) <= MAX_LENGTH:
            for rest in _without(_folded(name), most):
                alike.setdefault(rest, []).append(name)
    pairs = {pair for group in alike.values() for pair in combinations(group, 2)}
    return sorted(pair for pair in pairs if _are_near(*pair, most))


def _are_near(one: str, two: str, most: int) -> bool:
    allowed = min(most, len(one) // 3, len(two) // 3)
    return _slips(_folded(one), _folded(two), allowed) is not None


def _without(text: str, most: int) -> Iterator[str]:
    """A text without up to ``most`` of its characters, each way once."""
    found = last = {text}
    for _ in range(most):
        last = {one[:i] + one[i + 1 :] for one in last for i in range(len(one))}
        found = found | last
    return iter(found)


def _folded(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)


def _slips(one: str, two: str, most: int) -> int | None:
    """The slips from ``one`` to ``two``; None if there are more than ``most``."""
    if abs(len(one) - len(two)) > most or len(two) > MAX_LENGTH:
        return None
    before: list[int] = []
    last = list(range(len(two) + 1))
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(two, 1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == two[j - 2] and one[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return None
        before, last = last, row
    return last[-1] if last[-1] <= most else None

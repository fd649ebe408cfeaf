"""Whether a day of a group cost more than its history makes likely; whole numbers only."""

from collections.abc import Sequence
from typing import NamedTuple

from slurm_finops.core.forecast import LEAST, WEEK

#: Weeks of history that a day is held against.
WEEKS = 8
#: So many times the median distance of days from what is usual is no wonder yet.
MADS = 10


class Unusual(NamedTuple):
    """Ticks: what a day cost, what such a day usually costs, and up to where it is no wonder."""

    ticks: int
    usual: int
    limit: int


def unusual(history: Sequence[int], ticks: int, floor: int = 0) -> Unusual | None:
    """Whether the day after ``history`` cost more than the group's history makes likely.

    It must be above the median of its weekday by ``floor`` ticks and by `MADS` times the
    median distance of all days from that of their own weekday; and cost half as much
    again as the second dearest day of the last `WEEKS` weeks, so that one day that was
    unusual hides no other.  None: it does not, or there are no `LEAST` days of history.
    """
    if len(history) < LEAST:
        return None
    seen = history[-WEEKS * WEEK :][::-1]
    medians = [median(seen[i::WEEK]) for i in range(WEEK)]
    own = medians[WEEK - 1]
    spread = median([abs(day - medians[i % WEEK]) for i, day in enumerate(seen)])
    limit = max(own + MADS * spread, own + floor, sorted(seen)[-2] * 3 // 2)
    return Unusual(ticks, own, limit) if ticks > limit else None


def median(values: Sequence[int]) -> int:
    """The middle one; of an even number the lower of the two."""
    return sorted(values)[(len(values) - 1) // 2]

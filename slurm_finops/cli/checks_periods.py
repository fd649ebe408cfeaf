"""check: what was closed, what changed since, months that are late, and what waits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import FAIL, OK, WARN, Finding
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.ledger.posted import Closed
    from slurm_finops.ledger.store import Ledger

#: A month that ended longer ago than this is to be closed, where months are closed.
_LATE_DAYS = 45
_NAMED = 5


def periods(opened: Ledger, config: Config, as_of: int) -> Iterator[Finding]:
    """Of a site that closes months, or that holds anything back."""
    from slurm_finops.ledger.posted import closed

    found = closed(opened.db)
    if found:
        yield _chain(opened)
        yield from _changed(opened, config, found)
        yield _late(opened, config, found[-1], as_of)
    yield from _waiting(opened, found)


def _chain(opened: Ledger) -> Finding:
    from slurm_finops.billing.verifying import verify
    from slurm_finops.reports.format import visible

    found = verify(opened.db)
    if found.fault:
        return Finding("closed periods", FAIL, f"ALTERED: {visible(found.fault)}",
                       "keep this file for whoever looks into it, and restore a backup that "
                       "slurm-finops period verify --head finds the head of a mail in")  # fmt: skip
    what = f"{count(found.periods, 'period')}, {count(found.lines, 'line')}"
    return Finding("closed periods", OK, f"{what}, as they were closed; head {found.head[:16]}")


def _changed(opened: Ledger, config: Config, found: Sequence[Closed]) -> Iterator[Finding]:
    """Days that changed since they were stated; that is no fault, and is told.

    Those of which something is held back are kept among them, and told as held.
    """
    from slurm_finops.ledger.disputes import holds
    from slurm_finops.ledger.posted import unstated

    days = unstated(opened.db)
    held = {one.period for one in holds(opened.db)}
    said = []
    for one in found:
        number = sum(one.first <= day < one.last for day in days)
        if number and one.label not in held:
            said.append(f"{count(number, 'day')} of {one.label}")
    if said:
        following = config.calendar.month_of(found[-1].last).label
        yield Finding("changed since", OK, f"{_some(said)} may have changed since they were "
                      f"stated: {following} corrects that when it closes")  # fmt: skip


def _late(opened: Ledger, config: Config, last: Closed, as_of: int) -> Finding:
    """Months that ended long ago, cost something and are not closed."""
    from slurm_finops.cli.closing import costs

    calendar = config.calendar
    border = calendar.day_of(as_of) - _LATE_DAYS
    late = []
    month = calendar.month_of(last.last)
    while month.last < border:
        if costs(opened, month):
            late.append(month.label)
        month = calendar.following(month)
    if late:
        what = f"not closed, and ended more than {_LATE_DAYS} days ago: {_some(late)}"
        return Finding("open months", WARN, what,
                       f"slurm-finops period draft {late[0]} says what keeps it open")  # fmt: skip
    return Finding("open months", OK, f"closed up to {last.label}; no month that ended more than "
                   f"{_LATE_DAYS} days ago is open")  # fmt: skip


def _waiting(opened: Ledger, found: Sequence[Closed]) -> Iterator[Finding]:
    """Holds and moves that are not stated; a hold of a closed month is owed by nobody yet."""
    from slurm_finops.ledger.disputes import holds, open_moves

    over = {one.label for one in found}
    kept, moves = holds(opened.db), open_moves(opened.db)
    said = [count(len(kept), "hold")] if kept else []
    said += [f"{count(len(moves), 'move')} onto another fund"] if moves else []
    if not said:
        return
    behind = [f"hold {one.id} of {one.period}" for one in kept if one.period in over]
    what = f"{' and '.join(said)} not stated yet"
    if behind:
        yield Finding("disputes", WARN, f"{what}; {_some(behind)}: the month closed without it",
                      "settle it, then slurm-finops period release; slurm-finops period disputes "
                      "lists all")  # fmt: skip
    else:
        yield Finding("disputes", OK, what)


def _some(said: Sequence[str]) -> str:
    more = f" and {len(said) - _NAMED:,} more" if len(said) > _NAMED else ""
    return ", ".join(said[:_NAMED]) + more

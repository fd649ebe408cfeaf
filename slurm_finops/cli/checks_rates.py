"""check: rates that nobody approved, and those that are past their review."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from slurm_finops.cli.checks import OK, WARN, Finding
from slurm_finops.core.words import count

if TYPE_CHECKING:
    from slurm_finops.config import Config
    from slurm_finops.core.rates import Rate

_NAMED = 5


def approvals(config: Config, rates: Sequence[Rate], as_of: int) -> Iterator[Finding]:
    """Of a site that has its rates approved: those in force that are not, or past their review."""
    from slurm_finops.core.approval import in_force, past_review

    if not any(rate.approval for rate in rates):
        return
    now = in_force(rates, as_of)
    bare = [rate for rate in now if rate.approval is None]
    overdue = past_review(now, as_of, config.calendar.day_of(as_of))
    if bare:
        yield Finding("approvals", WARN, f"in force and approved by nobody: {_named(bare)}",
                      "add approved_by to each, or import it with --approved-by")  # fmt: skip
    if overdue:
        yield Finding("reviews", WARN, f"in force and past review: {_named(overdue)}",
                      "have them reviewed, and set review to the next date; slurm-finops rates "
                      "list --past-review shows all")  # fmt: skip
    if not bare and not overdue:
        yield Finding("approvals", OK, f"{count(len(now), 'rate')} in force, each approved and "
                      "none past its review")  # fmt: skip


def _named(rates: Sequence[Rate]) -> str:
    from slurm_finops.core.period import day_date
    from slurm_finops.reports.format import visible

    def one(rate: Rate) -> str:
        review = rate.approval and rate.approval.review
        return visible(rate.where) + (f", review {day_date(review)}" if review else "")

    more = f"; and {len(rates) - _NAMED:,} more" if len(rates) > _NAMED else ""
    return "; ".join(map(one, rates[:_NAMED])) + more

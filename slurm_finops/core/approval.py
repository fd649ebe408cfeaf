"""Who approved a rate, by which document, and until when it stands without a review.

An approval changes no price: it is what an auditor asks for beside one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.core.period import day_date, day_number
from slurm_finops.core.words import count, shown, utc

if TYPE_CHECKING:
    from slurm_finops.core.rates import Rate

_NONE = "not approved"


class Approval(NamedTuple):
    """``document`` is a reference or URL, or ""; ``review`` a billing day, or None."""

    approved_by: str
    document: str = ""
    review: int | None = None

    def __str__(self) -> str:
        more = [self.document, f"review {day_date(self.review)}" if self.review is not None else ""]
        said = ", ".join(filter(None, more))
        return self.approved_by + (f" ({said})" if said else "")


def approval_of(approved_by: str, document: str, review: str) -> Approval | None:
    """An approval of three texts, any of which may be empty.  Raises ValueError."""
    if not approved_by:
        if document or review:
            raise ValueError("document and review belong to an approval; approved_by is empty")
        return None
    try:
        day = day_number(date.fromisoformat(review)) if review else None
    except ValueError:
        raise ValueError(f"review is {shown(review)}; expected a day such as 2027-07-01") from None
    return Approval(approved_by, document, day)


def changes(old: Iterable[Rate], new: Iterable[Rate]) -> list[str]:
    """Where two lists of rates are approved otherwise, in words; rates of one change together."""
    before, after = ({(rate.series, rate.start): rate.approval for rate in rates}
                     for rates in (old, new))  # fmt: skip
    found: dict[tuple[str, Approval | None, Approval | None], list[int]] = {}
    for (series, start) in before.keys() | after.keys():
        one, two = before.get((series, start)), after.get((series, start))
        if one != two:
            found.setdefault((series[0], one, two), []).append(start)
    return sorted(
        f"{sku} from {utc(min(starts))} on ({count(len(starts), 'rate')}): {two or _NONE}; "
        f"before: {one or _NONE}"
        for (sku, one, two), starts in found.items()
    )


def in_force(rates: Iterable[Rate], at: int) -> list[Rate]:
    """Of each series the rate that holds at a moment."""
    return list(_latest(rates, at).values())


def past_review(rates: Sequence[Rate], at: int, today: int) -> list[Rate]:
    """The rates whose day of review has ended, and which no later one has replaced.

    ``today`` is the billing day of ``at``.  A price that has had its time needs no review.
    """
    latest = _latest(rates, at)
    return [
        rate for rate in rates
        if rate.approval and rate.approval.review is not None and rate.approval.review < today
        and (rate.start > at or latest[rate.series].start == rate.start)
    ]  # fmt: skip


def _latest(rates: Iterable[Rate], at: int) -> dict[object, Rate]:
    found: dict[object, Rate] = {}
    for rate in sorted(rates, key=lambda rate: rate.start):
        if rate.start <= at:
            found[rate.series] = rate
    return found

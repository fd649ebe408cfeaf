"""The allocations that a team holds, as a block of its pages and mails."""

from collections.abc import Iterator
from typing import Any

from slurm_finops.reports.format import held, padded, short_date, shortened, visible
from slurm_finops.reports.view import Allotment, Header, Page

#: A longer name is cut: a warning is a line or two of a mail.
_NAME = 48


def allotment_rows(page: Page) -> list[dict[str, str]]:
    """For a template: the name, what is left, of how much, the last day."""
    header = page.report.header
    return [
        {"name": shortened(visible(one.name), _NAME), "left": held(one.left, one.hours, header),
         "amount": held(one.amount, one.hours, header), "last": short_date(one.last_day, header)}
        for one in page.allotments
    ]  # fmt: skip


def allotment_text(page: Page) -> Iterator[str]:
    """The same for who reads no HTML; nothing where the owner holds none."""
    rows = allotment_rows(page)
    if not rows:
        return
    yield f"{'Allocations':<26}{'left':>18}{'of':>18}{'last day':>14}"
    for row in rows:
        yield (f"{padded(row['name'], 26)}{row['left']:>18}{row['amount']:>18}{row['last']:>14}")


def allotment_warnings(page: Page) -> list[str]:
    """Of each that is used up, nearly so, or will expire soon with something left."""
    return [
        f"warning: {shortened(visible(one.name), _NAME)} {said}"
        for one in page.allotments for said in _warnings(one, page.report.header)
    ]  # fmt: skip


def _warnings(one: Allotment, header: Header) -> Iterator[str]:
    if one.used_up:
        yield "is used up"
    left = held(one.left, one.hours, header)
    if one.expiring:
        yield f"expires after {short_date(one.last_day, header)} with {left} left"
    elif one.low:
        yield f"has less than 10% left: {left}"


def allotment_block(page: Page) -> dict[str, Any]:
    """What a template shows; empty rows: nothing."""
    return {"rows": allotment_rows(page), "warnings": allotment_warnings(page)}

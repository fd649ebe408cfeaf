"""Values of finops.toml that more than one table has: prices, amounts, moments, matches, names."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from slurm_finops.config.table import Table
from slurm_finops.core.approval import Approval
from slurm_finops.core.money import MICROS, parse_decimal
from slurm_finops.core.period import Calendar, day_number
from slurm_finops.core.rates import (
    EVER,
    MATCH_KEYS,
    MAX_RANK,
    NEVER,
    ON_DEMAND,
    PRICINGS,
    Match,
    Rate,
)

MICRO_DIGITS = len(str(MICROS)) - 1
#: Days of other years are slips, and a cost from the year 26 would have 700,000 of them.
YEARS = range(2000, 2242)
_MONTH_DAY = re.compile(r"\d{2}-\d{2}", re.ASCII)
_PART = re.compile(r"-?\d{0,20}([./]\d{1,20})?", re.ASCII)


def rate_of(table: Table, calendar: Calendar) -> Rate:
    sku = table.text("sku", 'a TRES such as "gres/gpu:h100"')
    price = decimal(table, "price", MICRO_DIGITS, 'a text such as "3.92"')
    per = table.take("per", int, "a whole number of units", 1)
    if per < 1:
        raise table.fail("per", f"is {per}; expected 1 or more")
    start = instant(table, calendar)
    pricing = table.choice("pricing", PRICINGS, ON_DEMAND)
    match = match_of(table)
    rank = rank_of(table)
    subsidy = decimal(table, "subsidy", MICRO_DIGITS, 'a text such as "1.50"', "0")
    approval = approval_of(table)
    table.done()
    assert price is not None and subsidy is not None
    if subsidy > price:
        raise table.fail("subsidy", "is more than the price, of which it is a part")
    where = f"{table.name} ({sku})"
    return Rate(sku, price, start, per, pricing, match, rank, where, subsidy, approval)


def rank_of(table: Table) -> int:
    rank: int = table.take("rank", int, "a whole number", 0)
    if abs(rank) >= MAX_RANK:
        raise table.fail("rank", f"is {rank}; expected {1 - MAX_RANK} to {MAX_RANK - 1}")
    return rank


def approval_of(table: Table) -> Approval | None:
    """Who approved a rate, where that is said."""
    approved_by = table.text("approved_by", "who approved it", None)
    document = table.text("document", "a reference or URL", None)
    review = day_of(table, "review", None)
    if approved_by is not None:
        return Approval(approved_by, document or "", review)
    for key, value in (("document", document), ("review", review)):
        if value is not None:
            raise table.fail(key, "is of an approval; add approved_by: who approved it")
    return None


def decimal(table: Table, key: str, digits: int, expected: str, default: Any = ...) -> int | None:
    text = table.take(key, (str, int, float), expected, default)
    if text is None:
        return None
    if not isinstance(text, str):
        hint = f'{key} = "{text}"'
        raise table.fail(key, f"is a number; write it as a text, {hint}, so that it is exact")
    try:
        return parse_decimal(text, digits)
    except ValueError as error:
        raise table.fail(key, str(error)) from None


def instant(table: Table, calendar: Calendar, key: str = "from") -> int:
    """A date is midnight in the billing zone, as is a time without an offset there."""
    value = table.take(key, date, "a date such as 2026-01-01, without quotes")
    if not isinstance(value, datetime):
        value = datetime.combine(value, datetime.min.time())
    if value.tzinfo is None:
        value = value.replace(tzinfo=calendar.zone)
    if value.microsecond:
        raise table.fail(key, "expected whole seconds")
    return int(value.timestamp())


def day_of(table: Table, key: str, default: Any = ...) -> Any:
    """A date as a billing day."""
    value = table.take(key, date, "a date such as 2026-01-01, without quotes", default)
    if isinstance(value, datetime):
        raise table.fail(key, "expected a date without a time: this is for whole billing days")
    if value is not None and value.year not in YEARS:
        raise table.fail(key, f"is {value}; expected a day of {YEARS[0]} to {YEARS[-1]}")
    return None if value is None else day_number(value)


def span_of(table: Table, calendar: Calendar) -> tuple[int, int]:
    """``from`` and ``until``, either of which may be left out, as a half-open interval."""
    start = instant(table, calendar) if table.has("from") else NEVER
    end = instant(table, calendar, "until") if table.has("until") else EVER
    table.known("from", "until")
    if end <= start:
        raise table.fail("until", "is not after from")
    return start, end


def ratio(table: Table, key: str, expected: str, default: Any = ...) -> Fraction:
    """A number that is not below 0, as a text: a decimal or a fraction."""
    return part(table, key, table.take(key, (str, int, float), expected, default), expected)


def part(
    table: Table, key: str, text: object, expected: str = 'a text such as "0.25" or "1/4"'
) -> Fraction:
    """The same of what was taken already."""
    try:
        # a fraction of Python's may have an exponent, and then no end of digits
        plain = isinstance(text, str) and _PART.fullmatch(text)
        found = Fraction(str(text) if plain else "")
    except (ValueError, ZeroDivisionError):
        raise table.fail(key, f"is {text!r}; expected {expected}") from None
    if found < 0:
        raise table.fail(key, f"is {text}; it is not below 0")
    return found


def month_day(table: Table, key: str, default: str) -> tuple[int, int]:
    """A day of every year, such as ``07-01``: month and day."""
    text = table.text(key, 'a month and day such as "07-01"', default)
    try:
        if not _MONTH_DAY.fullmatch(text):
            raise ValueError(text)
        found = date.fromisoformat(f"2001-{text}")  # a year without 29 February
    except ValueError:
        raise table.fail(
            key, f'is {text!r}; expected a month and day that every year has, such as "07-01"'
        ) from None
    return found.month, found.day


def match_of(table: Table) -> Match:
    found = table.table("match")
    if found is None:
        return ()
    values = {key: found.text(key, "a name", None) for key in MATCH_KEYS}
    found.done()
    return tuple(sorted((key, value) for key, value in values.items() if value is not None))


def unique(table: Table, key: str, names: Iterable[str]) -> None:
    """No name may be given twice."""
    for name, times in Counter(names).items():
        if times > 1:
            raise table.fail(key, f"{name!r} is given twice")

"""Values of finops.toml that more than one table has: prices, amounts, moments, matches, names."""

import re
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from slurm_finops.config.table import Table
from slurm_finops.core.money import MICROS, parse_decimal
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import MATCH_KEYS, MAX_RANK, ON_DEMAND, PRICINGS, Match, Rate

MICRO_DIGITS = len(str(MICROS)) - 1
#: Days of other years are slips, and a cost from the year 26 would have 700,000 of them.
YEARS = range(2000, 2242)
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
    rank = table.take("rank", int, "a whole number", 0)
    if abs(rank) >= MAX_RANK:
        raise table.fail("rank", f"is {rank}; expected {1 - MAX_RANK} to {MAX_RANK - 1}")
    table.done()
    assert price is not None
    return Rate(sku, price, start, per, pricing, match, rank, f"{table.name} ({sku})")


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


def part(table: Table, key: str, text: object) -> Fraction:
    """A part of a whole, given as a text such as "0.25" or "1/4"; not below 0."""
    try:
        # a fraction of Python's may have an exponent, and then no end of digits
        plain = isinstance(text, str) and _PART.fullmatch(text)
        found = Fraction(str(text) if plain else "")
    except (ValueError, ZeroDivisionError):
        expected = 'expected a text such as "0.25" or "1/4"'
        raise table.fail(key, f"is {text!r}; {expected}") from None
    if found < 0:
        raise table.fail(key, f"is {text}; a part is not below 0")
    return found

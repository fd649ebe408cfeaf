"""Numbers and dates as a locale writes them, by babel; from whole numbers, never a float.

Words stay English: only figures, months and the order of a date's parts change.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel import Locale

#: What is written without babel's help.
PLAIN = "en"


@cache
def _locale(name: str) -> "Locale":
    from babel import Locale

    return Locale.parse(name.replace("-", "_"))


@cache
def _pattern(name: str, kind: str, decimals: int) -> str:
    """The locale's own pattern with exactly so many decimals: ``#,##0.00``, ``#,##,##0.00 %``."""
    locale = _locale(name)
    formats = locale.percent_formats if kind == "percent" else locale.decimal_formats
    whole, point, fraction = str(formats[None].pattern).partition(".")
    tail = fraction.lstrip("#0") if point else ""
    if not point:
        whole, tail = whole.rstrip("%\u00a0\u202f "), whole[len(whole.rstrip("%\u00a0\u202f ")) :]
    return whole + ("." + "0" * decimals if decimals else "") + tail


def number(scaled: int, decimals: int, name: str) -> str:
    """``scaled / 10**decimals``: ``9.031,68`` in German."""
    from babel.numbers import format_decimal

    value = Decimal(scaled).scaleb(-decimals)
    found: str = format_decimal(
        value, format=_pattern(name, "decimal", decimals), locale=_locale(name)
    )
    return found


def percent(tenths: int, name: str) -> str:
    """Tenths of a per cent: ``62,0 %`` in German."""
    from babel.numbers import format_percent

    found: str = format_percent(
        Decimal(tenths).scaleb(-3), format=_pattern(name, "percent", 1), locale=_locale(name)
    )
    return found


def day(of: date, skeleton: str, name: str) -> str:
    """A date in the order of the locale: ``MMMMd`` is ``8. Juni``, ``yMMMM`` is ``Juni 2026``."""
    from babel.dates import format_skeleton

    found: str = format_skeleton(skeleton, of, locale=_locale(name))
    return found


def span(first: date, last: date, skeleton: str, name: str) -> str:
    """Both days included: ``8.–14. Juni 2026``."""
    from babel.dates import format_interval

    found: str = format_interval(first, last, skeleton, locale=_locale(name))
    return found

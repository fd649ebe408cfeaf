"""Money as integers: ticks inside, minor units where something is booked.

A price is micro-units of currency per hour for ``per`` units of a SKU.  The
*tick* is 1/3,600,000,000 of a currency unit, which makes ``price x quantity x
seconds`` a whole number of ticks.  Nothing here takes or returns a float.
"""

from collections.abc import Sequence
from math import gcd
from typing import Any

MICROS = 1_000_000
SECONDS_PER_HOUR = 3600
TICKS = MICROS * SECONDS_PER_HOUR

#: Minor-unit digits that are not 2, from ISO 4217 (list one).
_DIGITS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


#: ISO 4217, list one: currencies that money is booked in.
CURRENCIES = frozenset(
    """AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD
    CAD CDF CHF CLF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS
    GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW
    KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD
    NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
    SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYI UYU UYW
    UZS VED VES VND VUV WST XAF XCD XCG XDR XOF XPF YER ZAR ZMW ZWG""".split()
)


def minor_digits(currency: str) -> int:
    """Digits after the point in which ``currency`` is booked (USD 2, JPY 0)."""
    return _DIGITS.get(currency, 2)


def parse_decimal(text: str, digits: int) -> int:
    """``text`` as a whole number of 10**-``digits``: ``("3.92", 6)`` is 3920000.

    Plain decimals only: no sign, exponent, grouping or surplus digits.  Raises
    ValueError naming what is wrong with the text.
    """
    whole, point, fraction = text.partition(".")
    if not (whole.isascii() and whole.isdigit()) or (
        point and not (fraction.isascii() and fraction.isdigit())
    ):
        raise ValueError(f"{text!r} is not a plain decimal number such as \"3.92\"")
    if len(fraction) > digits:
        raise ValueError(f"{text!r} has more than {digits} decimals")
    return int(whole + fraction.ljust(digits, "0"))


def join_ticks(units: int | None, ticks: int | None) -> int:
    """The total behind ``SUM(x / TICKS), SUM(x % TICKS)``, of any size.

    A 64-bit sum of ticks ends at 2.56 billion currency units; two sums and
    Python's integers do not.  ``None`` is SQL's sum of no rows.
    """
    return (units or 0) * TICKS + (ticks or 0)


def round_half_away(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` to the nearest integer, halves away from zero."""
    magnitude = (2 * abs(numerator) + denominator) // (2 * denominator)
    return magnitude if numerator >= 0 else -magnitude


def to_minor(ticks: int, digits: int) -> int:
    """Ticks as minor units of a currency with ``digits``; rounds once."""
    return round_half_away(ticks * 10**digits, TICKS)


def minor_text(minor: int, digits: int) -> str:
    """A decimal string as machines read it: ``(2257920, 2)`` is ``"22579.20"``."""
    sign = "-" if minor < 0 else ""
    whole, fraction = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{fraction:0{digits}d}" if digits else f"{sign}{whole}"


def exact_text(numerator: int, denominator: int, places: int = 0) -> str:
    """A fraction, not below zero, with all its digits and at least ``places`` decimals.

    ``(3136, 800)`` is ``"3.92"``; what has no end as a decimal stays a fraction: ``"10/3"``.
    """
    common = gcd(numerator, denominator)
    numerator, denominator = numerator // common, denominator // common
    digits, rest = 0, denominator
    while rest % 10 == 0:
        digits, rest = digits + 1, rest // 10
    while rest % 2 == 0 or rest % 5 == 0:
        digits, rest = digits + 1, rest // (2 if rest % 2 == 0 else 5)
    if rest > 1:
        return f"{numerator}/{denominator}"
    digits = max(digits, places)
    return minor_text(numerator * 10**digits // denominator, digits)


def grouped(minor: int, digits: int) -> str:
    """Minor units with thousands apart: ``22,579.20``; below zero with a real minus, U+2212."""
    whole, point, fraction = minor_text(abs(minor), digits).partition(".")
    sign = "−" if minor < 0 else ""
    return f"{sign}{int(whole):,}{point}{fraction}"


def apportion(
    total: int, numerators: Sequence[int], denominator: int, keys: Sequence[Any]
) -> list[int]:
    """Whole shares of ``total`` near ``numerators[i] / denominator``, by largest remainder.

    The quotas must sum to within one of ``total`` a share, as they do when
    ``total`` is their rounded sum.  Each quota is cut toward zero; the units
    still missing go one by one to the largest cut-off magnitudes of the right
    sign, ties by the smallest key, so the order of input never matters.  Negative quotas
    (corrections) are treated by magnitude.  The shares sum to ``total``.
    """
    shares = [abs(n) // denominator * (1 if n >= 0 else -1) for n in numerators]
    missing = total - sum(shares)
    if not missing:
        return shares
    step = 1 if missing > 0 else -1
    candidates = sorted(
        (-(abs(n) % denominator), keys[i], i)
        for i, n in enumerate(numerators)
        if n * step > 0 and n % denominator
    )
    if abs(missing) > len(candidates):
        raise ValueError(f"{total} is not the rounded sum of its quotas")
    for _, _, i in candidates[: abs(missing)]:
        shares[i] += step
    return shares


def apportion_ticks(ticks: Sequence[int], digits: int, keys: Sequence[Any]) -> list[int]:
    """Minor units of each amount, summing to the minor units of their sum."""
    scale = 10**digits
    total = to_minor(sum(ticks), digits)
    return apportion(total, [t * scale for t in ticks], TICKS, keys)


def split_amount(amount: int, weights: Sequence[int], keys: Sequence[Any]) -> list[int]:
    """``amount`` in whole parts proportional to ``weights`` (>= 0, not all 0)."""
    if len(weights) == 2:
        return _in_two(amount, weights, keys)
    whole = sum(weights)
    return apportion(amount, [amount * w for w in weights], whole, keys)


def _in_two(amount: int, weights: Sequence[int], keys: Sequence[Any]) -> list[int]:
    """The same as `apportion` says: most amounts that are split at all are split in two."""
    whole = weights[0] + weights[1]
    first, rest = divmod(abs(amount) * weights[0], whole)
    # what is cut off of the second is whole - rest
    if 2 * rest > whole or (2 * rest == whole and keys[0] <= keys[1]):
        first += 1
    if amount < 0:
        first = -first
    return [first, amount - first]

"""What stands in a file of prices, as integers: prices, moments, counts, SKUs."""

from datetime import datetime, tzinfo

from slurm_finops.core.money import MICROS, parse_decimal
from slurm_finops.core.usage import parse_tres
from slurm_finops.core.words import SHOWN, shown

_DIGITS = len(str(MICROS)) - 1
#: SQLite's largest integer.
_LARGEST = (1 << 63) - 1
#: No price begins after 2241, nor before 1970.
_NEVER = 1 << 33


def price_micros(text: str) -> int:
    """A price in micro-units: ``"98.3200000000"`` is 98320000.

    Zeros behind the sixth decimal say nothing; any other digit there is
    refused, as is whatever is no plain decimal.  Raises ValueError.
    """
    written = text.strip()
    if not written:
        raise ValueError("the price is empty")
    if written[0] in "-−":
        raise ValueError(f"the price {shown(text)} is negative")
    whole, point, fraction = written.partition(".")
    kept = fraction[:_DIGITS] + fraction[_DIGITS:].rstrip("0")
    if len(written) > SHOWN:
        raise ValueError(f"the price {shown(text)} is no number that a price can be")
    micros = parse_decimal(whole + point + kept, _DIGITS)
    if micros > _LARGEST:
        raise ValueError(f"the price {shown(text)} is larger than a ledger can hold")
    return micros


def moment(text: str, zone: tzinfo | None) -> int:
    """A date or time in ISO 8601 as epoch seconds; a part of a second is cut.

    ``zone`` is that of texts without an offset; None where each must have one.
    Raises ValueError.
    """
    try:
        found = datetime.fromisoformat(text.strip()).replace(microsecond=0)
        if found.tzinfo is None:
            if zone is None:
                raise ValueError
            found = found.replace(tzinfo=zone)
        instant = int(found.timestamp())
        if not 0 <= instant < _NEVER:
            raise ValueError
        return instant
    except (ValueError, OverflowError):
        example = "2026-06-01T12:00:00Z" if zone is None else "2026-06-01"
        raise ValueError(f"{shown(text)} is no time such as {example}") from None


def count(text: str) -> int | None:
    """A whole number of devices, one or more; ``8.0`` is 8.  None for anything else."""
    whole, _, fraction = text.strip().partition(".")
    if not (whole.isascii() and whole.isdigit()) or fraction.strip("0") or len(whole) > SHOWN:
        return None
    return int(whole) or None


def is_sku(text: str) -> bool:
    """Whether a text can name a TRES."""
    try:
        parse_tres(f"{text}=1")
    except ValueError:
        return False
    return "," not in text and "=" not in text

"""How figures and names look to people: the one place that decides it.

Everything is made from integers; machines read `minor_text` instead.
"""

import unicodedata
from datetime import date

from slurm_finops.core.characters import is_control
from slurm_finops.core.money import grouped, round_half_away
from slurm_finops.core.tags import KEYS
from slurm_finops.reports.view import Header, Row

#: Not strftime's: a report must not change with the locale of who makes it.
_MONTHS = (
    "January February March April May June July August September October November December"
).split()


#: What no run is behind: storage, idle time.
BESIDE = "(beside runs)"


def money(minor: int, header: Header) -> str:
    """Minor units with their currency: ``22,579.20 USD``."""
    return f"{grouped(minor, header.digits)} {header.currency}"


def cost(minor: int, row: Row, digits: int) -> str:
    """A row's money; a dash where nothing of it has a price, for that is not zero."""
    return "–" if row.unpriced else grouped(minor, digits)


def gpu_hours(seconds: int) -> str:
    """GPU-seconds as hours with one decimal, halves away from zero: ``2,304.0``."""
    return _tenths(round_half_away(seconds * 10, 3600))


def share(part: int, whole: int) -> str:
    """``part`` of ``whole`` in per cent with one decimal; a dash where there is no whole."""
    if whole <= 0:
        return "–"
    return f"{_tenths(round_half_away(part * 1000, whole))}%"


def _tenths(number: int) -> str:
    return grouped(number, 1)


def shown(name: str, value: str | None, runs: int = 1) -> str:
    """A dimension's value on one line; who has no tag is an owner too, *untagged*.

    What no run is behind (``runs`` 0) could not have been tagged.
    """
    if value is not None:
        return visible(value)
    if name == "origin":
        return "(rates)"
    if not runs:
        return BESIDE
    return "(untagged)" if name in KEYS else "(none)"


def row_name(by: tuple[str, ...], key: tuple[str | None, ...], runs: int = 1) -> str:
    """All of a row's dimensions: ``nlp / llama``."""
    return " / ".join(shown(name, value, runs) for name, value in zip(by, key, strict=True))


def visible(text: str) -> str:
    """``text`` with U+FFFD for what moves a cursor, reorders a line or cannot be seen.

    Names are typed by anybody: an escape sequence must not reach a terminal,
    nor a line break a mail's header.
    """
    if text.isascii() and text.isprintable():
        return text  # most are, and a million of them are asked for
    return "".join("\ufffd" if is_control(c) or "\ud800" <= c <= "\udfff" else c for c in text)


def columns(text: str) -> int:
    """How many columns of a fixed-width font ``text`` takes (UAX 11: wide ones take two)."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def shortened(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns, cut in the middle: names differ at their ends."""
    if columns(text) <= width:
        return text
    head, tail = text[: width // 2], text[-(width - width // 2 - 1) :]
    while columns(head) + columns(tail) >= width:
        head, tail = (head[:-1], tail) if columns(head) >= columns(tail) else (head, tail[1:])
    return f"{head}…{tail}"


def padded(text: str, width: int) -> str:
    """``text`` in exactly ``width`` columns."""
    short = shortened(text, width)
    return short + " " * (width - columns(short))


def month_name(label: str) -> str:
    """``2026-06`` as ``June 2026``."""
    return f"{_MONTHS[int(label[5:7]) - 1]} {label[:4]}"


def period_name(header: Header) -> str:
    """``June 2026``, ``week 23 of 2026 (1–7 June)``, ``1 June 2026``, ``1–14 June 2026``.

    Of one that has not ended: ``June 2026 so far``.
    """
    return _whole_period(header) + (" so far" if header.so_far else "")


def _whole_period(header: Header) -> str:
    first, last = header.first_day, header.last_day
    if header.label == f"{first:%Y-%m}":
        return month_name(header.label)
    year, week, _ = first.isocalendar()
    if header.label == f"{year}-W{week:02d}":
        return f"week {week} of {year} ({_span(first, last, year)})"
    return _span(first, last, None)


def in_period(header: Header) -> str:
    """The same after a figure: ``in June 2026``, ``on 1 June 2026``."""
    return f"{'on' if header.first_day == header.last_day else 'in'} {period_name(header)}"


def day_name(day: date) -> str:
    """``1 June``."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def short_day(day: date) -> str:
    """``1 Jun``."""
    return f"{day.day} {_MONTHS[day.month - 1][:3]}"


def short_date(day: date) -> str:
    """``1 Jun 2026``."""
    return f"{short_day(day)} {day.year}"


def held(amount: int, hours: bool, header: Header) -> str:
    """Tenths of GPU-hours or minor units, with what they are: ``673.2 h``, ``7,000.00 USD``."""
    return f"{_tenths(amount)} h" if hours else money(amount, header)


def _span(first: date, last: date, known_year: int | None) -> str:
    """Both days included; what they share is said once, and a known year not at all."""
    years = "" if first.year == last.year == known_year else f" {last.year}"
    if first == last:
        return f"{day_name(last)}{years}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_name(last)}{years}"
    start = day_name(first) if first.year == last.year else f"{day_name(first)} {first.year}"
    return f"{start} – {day_name(last)}{years}"

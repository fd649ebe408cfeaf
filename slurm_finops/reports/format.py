"""How figures and names look to people: the one place that decides it.

Everything is made from integers; machines read `minor_text` instead.
"""

import unicodedata
from datetime import date

from slurm_finops.core.characters import visible as visible  # a figure's neighbour everywhere
from slurm_finops.core.money import grouped, round_half_away
from slurm_finops.core.tags import KEYS
from slurm_finops.reports import locale
from slurm_finops.reports.view import Header, Row

#: Not strftime's: a report must not change with the locale of who makes it.
_MONTHS = (
    "January February March April May June July August September October November December"
).split()


#: What no run is behind: storage, idle time.
BESIDE = "(beside runs)"


def figure(minor: int, header: Header) -> str:
    """Minor units as the reader's locale writes them, without a currency: ``22,579.20``."""
    return number(minor, header.digits, header)


def money(minor: int, header: Header) -> str:
    """The same with its currency: ``22,579.20 USD``."""
    return f"{figure(minor, header)} {header.currency}"


def about(minor: int, header: Header) -> str:
    """What was never exact, such as a forecast, in whole units where there are many of them."""
    unit = 10**header.digits
    if abs(minor) < 100 * unit:
        return figure(minor, header)
    return number(round_half_away(minor, unit), 0, header)


def cost(minor: int, row: Row, header: Header) -> str:
    """A row's money; a dash where nothing of it has a price, for that is not zero."""
    return "–" if row.unpriced else figure(minor, header)


def gpu_hours(seconds: int, header: Header | None = None) -> str:
    """GPU-seconds as hours with one decimal, halves away from zero: ``2,304.0``."""
    return number(round_half_away(seconds * 10, 3600), 1, header)


def whole_number(many: int, header: Header | None = None) -> str:
    """A count: ``12,288``."""
    return number(many, 0, header)


def counted(many: int, one: str, header: Header | None, more: str = "") -> str:
    """``1 run``, ``2,304 runs``."""
    return f"{whole_number(many, header)} {one if many == 1 else more or one + 's'}"


def share(part: int, whole: int, header: Header | None = None) -> str:
    """``part`` of ``whole`` in per cent with one decimal; a dash where there is no whole."""
    if whole <= 0:
        return "–"
    tenths = round_half_away(part * 1000, whole)
    if header is None or header.locale == locale.PLAIN:
        return f"{grouped(tenths, 1)}%"
    return locale.percent(tenths, header.locale)


def number(scaled: int, decimals: int, header: Header | None = None) -> str:
    """``scaled / 10**decimals``.

    Without a header, as on a terminal, and in plain English babel is not asked.
    """
    if header is None or header.locale == locale.PLAIN:
        return grouped(scaled, decimals)
    return locale.number(scaled, decimals, header.locale)


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


def month_name(month: date, header: Header | None = None) -> str:
    """``June 2026``."""
    return _date(month, "yMMMM", f"{_MONTHS[month.month - 1]} {month.year}", header)


def period_name(header: Header) -> str:
    """``June 2026``, ``week 23 of 2026 (1–7 June)``, ``1 June 2026``, ``1–14 June 2026``.

    Of one that has not ended: ``June 2026 so far``.
    """
    return _whole_period(header) + (" so far" if header.so_far else "")


def _whole_period(header: Header) -> str:
    first, last = header.first_day, header.last_day
    if header.label == f"{first:%Y-%m}":
        return month_name(first, header)
    year, week, _ = first.isocalendar()
    if header.label == f"{year}-W{week:02d}":
        return f"week {week} of {year} ({_span(first, last, year, header)})"
    return _span(first, last, None, header)


def in_period(header: Header) -> str:
    """The same after a figure: ``in June 2026``, ``on 1 June 2026``."""
    return f"{'on' if header.first_day == header.last_day else 'in'} {period_name(header)}"


def day_name(day: date, header: Header | None = None) -> str:
    """``1 June``."""
    return _date(day, "MMMMd", f"{day.day} {_MONTHS[day.month - 1]}", header)


def full_date(day: date, header: Header | None = None) -> str:
    """``1 June 2026``."""
    return _date(day, "yMMMMd", f"{day_name(day)} {day.year}", header)


def short_day(day: date, header: Header | None = None) -> str:
    """``1 Jun``."""
    return _date(day, "MMMd", f"{day.day} {_MONTHS[day.month - 1][:3]}", header)


def short_date(day: date, header: Header | None = None) -> str:
    """``1 Jun 2026``."""
    return _date(day, "yMMMd", f"{short_day(day)} {day.year}", header)


def _date(day: date, skeleton: str, plain: str, header: Header | None) -> str:
    if header is None or header.locale == locale.PLAIN:
        return plain
    return locale.day(day, skeleton, header.locale)


def held(amount: int, hours: bool, header: Header) -> str:
    """Tenths of GPU-hours or minor units, with what they are: ``673.2 h``, ``7,000.00 USD``."""
    return f"{number(amount, 1, header)} h" if hours else money(amount, header)


def _span(first: date, last: date, known_year: int | None, header: Header) -> str:
    """Both days included; what they share is said once, and a known year not at all."""
    year_is_known = first.year == last.year == known_year
    if header.locale != locale.PLAIN:
        skeleton = "MMMMd" if year_is_known else "yMMMMd"
        return locale.span(first, last, skeleton, header.locale)
    years = "" if year_is_known else f" {last.year}"
    if first == last:
        return f"{day_name(last)}{years}"
    if (first.year, first.month) == (last.year, last.month):
        return f"{first.day}–{day_name(last)}{years}"
    start = day_name(first) if first.year == last.year else f"{day_name(first)} {first.year}"
    return f"{start} – {day_name(last)}{years}"

"""Charts as PNG: matplotlib's Figure on the Agg canvas, never pyplot.

Bars have float lengths, because pixels do; every figure that is written beside
one comes from the integers.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

from slurm_finops.core.advice import Hour
from slurm_finops.core.money import grouped
from slurm_finops.reports.format import (
    day_name,
    in_period,
    money,
    row_name,
    share,
    short_day,
    shortened,
    shown,
)
from slurm_finops.reports.view import Daily, Day, Header, Key, Spend

if TYPE_CHECKING:
    from slurm_finops.reports.comparison import Comparison

#: Okabe and Ito's colours, told apart by all common kinds of colour blindness.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "#7F7F7F",
)  # fmt: skip
#: Drawn for the 375 px of a phone, at twice its density: 8 points are then 11 pixels.
_WIDTH_PX, _DENSITY = 375, 2.2
_DPI = 100 * _DENSITY
_PARTS = len(PALETTE)
_TOP = 8
_Y_STEPS = 5


class _Ink(NamedTuple):
    paper: str
    text: str
    line: str
    plain: str


_LIGHT = _Ink("#ffffff", "#1b1f24", "#8c959f", "#6E7781")
_DARK = _Ink("#0d1117", "#e6edf3", "#57606a", "#9da7b1")


def label(text: str, width: int = 24) -> str:
    """A name as a chart can draw it: one line, no control characters, not too long."""
    clean = "".join(c if c.isprintable() and unicodedata.category(c) != "Cf" else " " for c in text)
    return shortened(clean, width)


def colours(names: Sequence[str | None]) -> dict[str | None, str]:
    """One colour a name, by its place: the same in every chart of a page."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def daily_png(
    daily: Daily, header: Header, dimension: str, *, width_px: int = _WIDTH_PX, dark: bool = False
) -> bytes:
    """Cost by day, stacked by name; ``dimension`` is what the names are values of."""
    daily, ink = _merged(daily), _DARK if dark else _LIGHT
    with _plain_matplotlib(ink):
        figure, axes = _figure(width_px, 250, ink)
        bars = list(_stacks(axes, daily, ink))
        _cost_axis(axes, daily, header)
        _day_axis(axes, [day.day for day in daily.days])
        names = [label(shown(dimension, name), 14) for name in daily.names]
        _legend(figure, bars, names, max(3, width_px // 125))
        return _png(figure)


def _merged(daily: Daily) -> Daily:
    """At most eight parts, the last of them the sum of the rest."""
    if len(daily.names) <= _PARTS:
        return daily
    keep = _PARTS - 1
    days = (Day(d.day, (*d.parts[:keep], sum(d.parts[keep:]))) for d in daily.days)
    return Daily((*daily.names[:keep], "other"), tuple(days))


def _stacks(axes: Any, daily: Daily, ink: _Ink) -> Iterator[Any]:
    """Bars name by name; what was given back hangs below the line."""
    places = range(len(daily.days))
    up, down = [0] * len(daily.days), [0] * len(daily.days)
    for i, colour in enumerate(colours(daily.names).values()):
        parts = [day.parts[i] for day in daily.days]
        base = [up[d] if part >= 0 else down[d] for d, part in enumerate(parts)]
        yield axes.bar(places, list(map(float, parts)), bottom=list(map(float, base)),
                       color=colour, width=0.8)  # fmt: skip
        for d, part in enumerate(parts):
            (up if part >= 0 else down)[d] += part
    axes.axhline(0, color=ink.line, linewidth=0.8)


def _cost_axis(axes: Any, daily: Daily, header: Header) -> None:
    """Round figures, written from whole minor units."""
    tops = [sum(p for p in day.parts if p > 0) for day in daily.days]
    lows = [sum(p for p in day.parts if p < 0) for day in daily.days]
    high, low = max(tops, default=0), min(lows, default=0)
    step = _round_step(max(high - low, 1), header.digits)
    ticks = range(low // step * step, (high // step + 1) * step, step)
    axes.set_yticks(list(map(float, ticks)), [_axis_figure(t, step, header.digits) for t in ticks])
    axes.set_ylim(float(low) * 1.06, float(max(high, 1)) * 1.06)
    axes.set_xlim(-0.7, max(len(daily.days), 1) - 0.3)
    axes.set_ylabel(f"{label(header.currency)} a day", fontsize=8)


def _round_step(reach: int, digits: int) -> int:
    """1, 2 or 5 times a power of ten minor units, so that a few of them reach ``reach``.

    At least one whole unit where that leaves two ticks: nobody reads cents on an axis.
    """
    unit = 10**digits
    step = unit if reach >= 2 * unit else 1
    while True:
        for times in (1, 2, 5):
            if step * times * _Y_STEPS >= reach:
                return step * times
        step *= 10


def _axis_figure(minor: int, step: int, digits: int) -> str:
    """A tick's figure, as short as it is exact."""
    unit = 10**digits
    if not minor:
        return "0"
    if step % (1_000_000 * unit) == 0:
        return f"{grouped(minor // (1_000_000 * unit), 0)} M"
    return grouped(minor // unit, 0) if step % unit == 0 else grouped(minor, digits)


def _day_axis(axes: Any, days: Sequence[date]) -> None:
    step = max(1, -(-len(days) // 6))
    axes.set_xticks(range(0, len(days), step), [short_day(day) for day in days[::step]])
    axes.tick_params(labelsize=8, length=2)
    axes.tick_params(axis="y", length=0)


def _legend(
    figure: Any, bars: Sequence[Any], names: Sequence[str], columns: int, title: str = ""
) -> None:
    """Above the bars and as wide as the figure, so that long names never squeeze the bars."""
    if not names or not all(map(len, bars)):
        return
    # matplotlib leaves out a label that begins with an underscore: they are written in afterwards
    legend = figure.legend([bar[0] for bar in bars], ["x"] * len(names), ncols=columns,
                           fontsize=7.5, frameon=False, loc="outside upper left",
                           handlelength=1, handletextpad=0.4, columnspacing=1,
                           title=title or None, title_fontsize=8, alignment="left")  # fmt: skip
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set(text=name, parse_math=False)


def top_png(
    spend: Spend, header: Header, coloured: Sequence[str | None] = (), *,
    width_px: int = _WIDTH_PX, dark: bool = False,
) -> bytes:  # fmt: skip
    """The costliest rows as bars, each with its name, cost and share written on it.

    ``coloured`` is the daily chart's legend where these rows are the same
    things; other things are all of one colour.
    """
    rows, ink = spend.rows[:_TOP], _DARK if dark else _LIGHT
    whole = spend.total.effective_minor
    colour = colours(coloured)
    with _plain_matplotlib(ink):
        figure, axes = _figure(width_px, 50 + 27 * max(len(rows), 2), ink)
        places = range(len(rows))
        axes.barh(places, [float(row.effective_minor) for row in rows], height=0.68,
                  color=[colour.get(row.key[0], ink.plain) for row in rows])  # fmt: skip
        axes.set_yticks(places, [label(row_name(spend.by, row.key, row.runs), 22) for row in rows],
                        fontsize=8, parse_math=False)  # fmt: skip
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        for place, row in zip(places, rows, strict=True):
            told = f"{grouped(row.effective_minor, header.digits)}  "
            told += share(row.effective_minor, whole)
            _tell(axes, told, row.effective_minor, place, ink)
        axes.margins(x=0.18)
        return _png(figure)


def duration_png(
    hours: Sequence[Hour], levels: Sequence[tuple[str, int]], unit: str, *,
    width_px: int = _WIDTH_PX, dark: bool = False,
) -> bytes:  # fmt: skip
    """The load-duration curve: hours by use, the most first, and levels as lines across it.

    ``levels`` are two ``(name, units)``; of the same units they share a line and a label.
    """
    ink = _DARK if dark else _LIGHT
    ordered = sorted(hours, key=lambda hour: Fraction(hour.unit_seconds, hour.seconds))[::-1]
    edges = [0]
    for hour in ordered:
        edges.append(edges[-1] + hour.seconds)
    most = -(-ordered[0].unit_seconds // ordered[0].seconds)
    top = max(most, *(units for _, units in levels), 1)
    use = [hour.unit_seconds / hour.seconds for hour in ordered]
    places = [edge / 3600 for edge in edges]
    with _plain_matplotlib(ink):
        figure, axes = _figure(width_px, 250, ink)
        axes.stairs(use, places, fill=True, color=PALETTE[4], alpha=0.35, linewidth=0)
        axes.stairs(use, places, baseline=None, color=PALETTE[0], linewidth=1.4)
        _level_lines(axes, levels, top, ink)
        _use_axes(axes, top, edges[-1], unit, ink)
        return _png(figure)


def _level_lines(
    axes: Any, levels: Sequence[tuple[str, int]], top: int, ink: _Ink
) -> None:
    """Each level with its label, at the left, where the curve is above them.

    The highest has it above its line, the next below and further on: they may be close.
    """
    shared: dict[int, list[str]] = {}
    for name, units in levels:
        shared.setdefault(units, []).append(f"{name}: {units:,}")
    for i, (units, names) in enumerate(sorted(shared.items(), reverse=True)):
        axes.axhline(float(units), color=PALETTE[5 - 4 * i], linewidth=1.2, linestyle=(0, (4, 2)))
        below = i > 0 and 8 * units > top
        text = axes.annotate(
            ", ".join(names), ((0.01, 0.5)[i], float(units)), xycoords=("axes fraction", "data"),
            xytext=(0, -3 if below else 3), textcoords="offset points", fontsize=8,
            va="top" if below else "bottom", color=ink.text, parse_math=False,
        )  # fmt: skip
        text.set_bbox({"facecolor": ink.paper, "alpha": 0.7, "linewidth": 0, "pad": 0.5})


def _use_axes(axes: Any, top: int, seconds: int, unit: str, ink: _Ink) -> None:
    """Round figures on both axes, written from whole units and hours."""
    step = _round_step(top, 0)
    ticks = range(0, top + step, step)
    axes.set_yticks(list(map(float, ticks)), [grouped(tick, 0) for tick in ticks])
    axes.set_ylim(0, float(top) * 1.15)
    axes.set_ylabel(f"{label(unit)} in use", fontsize=8, parse_math=False)
    whole = -(-seconds // 3600)
    step = _round_step(whole, 0)
    places = range(0, whole + 1, step)
    axes.set_xticks(list(map(float, places)), [grouped(place, 0) for place in places])
    axes.set_xlim(0, float(whole))
    axes.set_xlabel("hours, those of most use first", fontsize=8, color=ink.text)
    axes.tick_params(labelsize=8, length=2)
    axes.tick_params(axis="y", length=0)


def _tell(axes: Any, told: str, minor: int, place: float, ink: _Ink) -> None:
    """Write a bar's figure beside its end."""
    axes.annotate(told, (float(max(minor, 0)), place), xytext=(4, 0),
                  textcoords="offset points", va="center", fontsize=8, color=ink.text)  # fmt: skip


#: Bars of one owner, and what is between two owners, in pixels.
_BAR_PX, _GAP_PX = 13, 9
_LEGEND_PX = 16


def comparison_png(found: Comparison, *, width_px: int = _WIDTH_PX, dark: bool = False) -> bytes:
    """What each owner costs under each list, the costliest first, and the lists' totals.

    Each bar has its figure written beside it.  Owners past the first eight are one
    bar, and so are a list's lines: a list's bars sum to its total.
    """
    ink, digits, lists = _DARK if dark else _LIGHT, found.header.digits, len(found.columns)
    groups = _owners(found)
    height = _LEGEND_PX * (lists + 2) + (_BAR_PX * lists + _GAP_PX) * max(len(groups), 1)
    with _plain_matplotlib(ink):
        figure, axes = _figure(width_px, height, ink)
        thickness = _BAR_PX / (_BAR_PX * lists + _GAP_PX)
        bars = []
        for i, colour in enumerate(PALETTE[:lists]):
            places = [g + (i - (lists - 1) / 2) * thickness for g in range(len(groups))]
            costs = [group[i] for _, group in groups]
            bars.append(axes.barh(places, [float(cost or 0) for cost in costs],
                                  height=thickness * 0.9, color=colour))  # fmt: skip
            for place, cost in zip(places, costs, strict=True):
                told = "–" if cost is None else grouped(cost, digits)
                _tell(axes, told, cost or 0, place, ink)
        axes.set_yticks(range(len(groups)), [name for name, _ in groups], fontsize=8,
                        parse_math=False)  # fmt: skip
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.16, y=0.01)
        names = [f"{label(c.name, 30)}: {grouped(c.all_minor, digits)}" for c in found.columns]
        title = f"{found.header.currency} by {', '.join(found.by)} {in_period(found.header)}"
        _legend(figure, bars, names, max(1, width_px // 375), title)
        return _png(figure)


def _owners(found: Comparison) -> list[tuple[str, list[int | None]]]:
    """Owners' names and costs under each list; then the rest as one, and the lines."""
    def costs(key: Key) -> list[int | None]:
        owned = [column.costs.get(key) for column in found.columns]
        return [None if cost is None else cost.minor for cost in owned]

    keep = len(found.keys) if len(found.keys) <= _TOP else _TOP - 1
    groups = [
        (label(row_name(found.by, key, found.behind(key)), 22), costs(key))
        for key in found.keys[:keep]
    ]
    if rest := found.keys[keep:]:
        summed = [
            None if {*column} == {None} else sum(cost or 0 for cost in column)
            for column in zip(*map(costs, rest), strict=True)
        ]
        groups.append((f"{len(rest):,} others", summed))
    if any(column.lines for column in found.columns):
        groups.append(("lines", [c.lines_minor if c.lines else None for c in found.columns]))
    return groups or [("nothing held", [0] * len(found.columns))]


def daily_alt(daily: Daily, header: Header) -> str:
    """What the daily chart shows, in words."""
    totals = [(sum(day.parts), day.day) for day in daily.days]
    if not totals or not any(total for total, _ in totals):
        return f"No cost on any day {in_period(header)}."
    most, day = max(totals)
    highest = f"{money(most, header)} on {day_name(day)}"
    return f"Cost by day {in_period(header)}: the highest is {highest}."


def top_alt(spend: Spend, header: Header) -> str:
    """What the chart of the costliest rows shows, in words."""
    if not spend.rows:
        return f"Nothing was spent {in_period(header)}."
    first, whole = spend.rows[0], spend.total.effective_minor
    return (
        f"The costliest {', '.join(spend.by)} is {row_name(spend.by, first.key, first.runs)}: "
        f"{money(first.effective_minor, header)}, {share(first.effective_minor, whole)} of all."
    )


@contextmanager
def _plain_matplotlib(ink: _Ink) -> Iterator[None]:
    """matplotlib as it ships, whatever matplotlibrc says, and silent on glyphs its font lacks."""
    import logging
    import warnings

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams["text.color"] = ink.text
        warnings.filterwarnings("ignore", message="Glyph")
        yield


def _figure(width_px: int, height_px: int, ink: _Ink) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_px / 100, height_px / 100), dpi=_DPI, layout="constrained",
                    facecolor=ink.paper)  # fmt: skip
    FigureCanvasAgg(figure)
    axes = figure.add_subplot(facecolor=ink.paper)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(ink.line)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(colors=ink.text)
    axes.yaxis.label.set_color(ink.text)
    return figure, axes


def _png(figure: Any) -> bytes:
    """The same bytes for the same figures; a glyph the font lacks is drawn as a box."""
    out = io.BytesIO()
    figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()

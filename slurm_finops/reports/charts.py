"""The charts of pages and mails, as PNG or SVG; each with what it shows in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

from slurm_finops.reports.canvas import (
    DARK,
    LETTERS,
    LIGHT,
    PALETTE,
    WIDTH_PX,
    Ink,
    along,
    axis_figure,
    beside_bars,
    colours,
    figure_of,
    fit,
    label,
    labels,
    legend,
    legend_columns,
    legend_points,
    plain_matplotlib,
    png_of,
    round_step,
    tell,
)
from slurm_finops.reports.format import (
    about,
    counted,
    day_name,
    figure,
    in_period,
    money,
    row_name,
    share,
    short_day,
    shown,
    visible,
)
from slurm_finops.reports.view import Budget, Daily, Day, Header, Row, Spend, Waste

#: A drawing as a file: PNG or SVG.
Form = Callable[[Any], bytes]


class Draw(Protocol):
    """A chart that is drawn when it is needed: for the dark or not, as PNG or SVG."""

    def __call__(
        self, *, width_px: int = WIDTH_PX, dark: bool = False, form: Form = png_of
    ) -> bytes: ...


_PARTS = len(PALETTE)
_TOP = 8


def draw_daily(
    daily: Daily, header: Header, dimension: str, pace: int | None = None, *,
    width_px: int = WIDTH_PX, dark: bool = False, form: Form = png_of,
) -> bytes:  # fmt: skip
    """Cost by day, stacked by name; ``dimension`` is what the names are values of.

    ``pace``: what each day may take of the budget, as a line.
    """
    daily, ink = _merged(daily), DARK if dark else LIGHT
    with plain_matplotlib(ink):
        drawing, axes = figure_of(width_px, 250, ink)
        _stack(axes, daily, ink)
        told = _cost_axis(axes, daily, header)
        _day_axis(axes, [day.day for day in daily.days], header)
        if pace is not None:
            _pace_line(axes, pace, daily, header, ink)
        names = labels([shown(dimension, name) for name in daily.names], 18)
        columns = legend_columns(drawing, names)
        if daily.days:
            legend(drawing, list(colours(daily.names).values()), names, columns)
        fit(drawing, axes, told, above=legend_points(names, columns) + 4,
            unit=f"{label(header.currency)} a day")  # fmt: skip
        return form(drawing)


def _merged(daily: Daily) -> Daily:
    """At most eight parts, the last of them the sum of the rest."""
    if len(daily.names) <= _PARTS:
        return daily
    keep = _PARTS - 1
    days = (Day(d.day, (*d.parts[:keep], sum(d.parts[keep:]))) for d in daily.days)
    return Daily((*daily.names[:keep], "other"), tuple(days))


def _stack(axes: Any, daily: Daily, ink: Ink) -> None:
    """Bars name by name; what was given back hangs below the line."""
    from matplotlib.collections import PolyCollection

    up, down = [0] * len(daily.days), [0] * len(daily.days)
    for i, colour in enumerate(colours(daily.names).values()):
        corners = []
        for d, day in enumerate(daily.days):
            part, side = day.parts[i], up if day.parts[i] >= 0 else down
            low, high = float(side[d]), float(side[d] + part)
            side[d] += part
            corners.append([(d - 0.4, low), (d + 0.4, low), (d + 0.4, high), (d - 0.4, high)])
        # one shape a name: a bar each would take most of a chart's time
        axes.add_collection(PolyCollection(corners, facecolor=colour, linewidth=0))
    axes.axhline(0, color=ink.line, linewidth=0.8)


def _cost_axis(axes: Any, daily: Daily, header: Header) -> list[str]:
    """Round figures, written from whole minor units."""
    tops = [sum(p for p in day.parts if p > 0) for day in daily.days]
    lows = [sum(p for p in day.parts if p < 0) for day in daily.days]
    high, low = max(tops, default=0), min(lows, default=0)
    step = round_step(max(high - low, 1), header.digits)
    ticks = range(low // step * step, (high // step + 1) * step, step)
    told = [axis_figure(t, step, header) for t in ticks]
    axes.set_ylim(float(low) * 1.06, float(max(high, 1)) * 1.06)
    axes.set_xlim(-0.7, max(len(daily.days), 1) - 0.3)
    along(axes, "y", list(map(float, ticks)), told)
    return told


def _pace_line(axes: Any, pace: int, daily: Daily, header: Header, ink: Ink) -> None:
    """Beside bars that it does not dwarf; its label over the lower end of them."""
    heights = [sum(p for p in day.parts if p > 0) for day in daily.days]
    most, third = max(heights, default=0), -(-len(heights) // 3)
    if pace > 3 * most:
        return
    axes.axhline(float(pace), color=ink.text, linewidth=1.1, linestyle=(0, (4, 2)))
    axes.set_ylim(top=float(max(pace, most)) * 1.14)
    left = sum(heights[:third]) < sum(heights[-third:])
    _told_at(axes, f"budget: {figure(pace, header)} a day", 0.01 if left else 0.99, pace,
             "left" if left else "right", ink)  # fmt: skip


def pace_of(budgets: Sequence[Budget], daily: Daily) -> int | None:
    """What each day may take of the first budget, where it is for all of these days."""
    if not budgets or not daily.days:
        return None
    one = budgets[0]
    if one.first_day > daily.days[0].day or one.last_day < daily.days[-1].day:
        return None
    return one.limit_minor // ((one.last_day - one.first_day).days + 1)


def _day_axis(axes: Any, days: Sequence[date], header: Header) -> None:
    step = max(1, -(-len(days) // 5))
    along(axes, "x", range(0, len(days), step), [short_day(day, header) for day in days[::step]])


def draw_top(
    spend: Spend, header: Header, coloured: Sequence[str | None] = (), *,
    width_px: int = WIDTH_PX, dark: bool = False, form: Form = png_of,
) -> bytes:  # fmt: skip
    """The costliest rows as bars, each with its name, cost and share written on it.

    ``coloured`` is the daily chart's legend where these rows are the same
    things; other things are all of one colour.
    """
    ink, whole, colour = DARK if dark else LIGHT, spend.total.effective_minor, colours(coloured)
    return _bars([
        _Bar(
            row_name(spend.by, row.key, row.runs), row.effective_minor,
            f"{figure(row.effective_minor, header)}  {share(row.effective_minor, whole, header)}",
            colour.get(row.key[0], ink.plain),
        )
        for row in spend.rows[:_TOP]
    ], width_px, ink, form)  # fmt: skip


def draw_waste(
    waste: Sequence[Waste], header: Header, *, width_px: int = WIDTH_PX, dark: bool = False,
    form: Form = png_of,
) -> bytes:  # fmt: skip
    """What runs cost that did not end well, a bar a cause with its cost and how many they were."""
    return _bars([
        _Bar(
            row.cause, row.effective_minor,
            f"{figure(row.effective_minor, header)}  {counted(row.runs, 'run', header)}",
            PALETTE[5],
        )
        for row in waste if row.effective_minor > 0
    ], width_px, DARK if dark else LIGHT, form)  # fmt: skip


class _Bar(NamedTuple):
    name: str
    minor: int
    #: what is written behind it
    told: str
    colour: str


def _bars(bars: Sequence[_Bar], width_px: int, ink: Ink, form: Form) -> bytes:
    """A bar a line, the first at the top, each with its name before it and its figure behind."""
    told = [bar.told for bar in bars]
    with plain_matplotlib(ink):
        drawing, axes = figure_of(width_px, 20 + 27 * max(len(bars), 1), ink)
        names = beside_bars(drawing, [bar.name for bar in bars], told)
        axes.barh(range(len(bars)), [float(bar.minor) for bar in bars], height=0.68,
                  color=[bar.colour for bar in bars])  # fmt: skip
        axes.invert_yaxis()
        along(axes, "y", range(len(bars)), names)
        for place, bar in enumerate(bars):
            tell(axes, bar.told, bar.minor, place, ink)
        axes.margins(x=0)
        fit(drawing, axes, names, told, below=5)
        return form(drawing)


def draw_budget(
    budget: Budget, header: Header, *, width_px: int = WIDTH_PX, dark: bool = False,
    form: Form = png_of,
) -> bytes:  # fmt: skip
    """What was spent by each day of a budget's span, its pace, and what it may come to."""
    ink = DARK if dark else LIGHT
    length = (budget.last_day - budget.first_day).days + 1
    gone, ahead = len(budget.days), budget.ahead
    top = max(budget.limit_minor, budget.spent_minor, ahead.high_minor if ahead else 0, 1)
    with plain_matplotlib(ink):
        drawing, axes = figure_of(width_px, 220, ink)
        axes.plot([0, length], [0.0, float(budget.limit_minor)], color=ink.line, linewidth=1,
                  linestyle=(0, (4, 2)))  # fmt: skip
        axes.axhline(float(budget.limit_minor), color=ink.text, linewidth=1.1)
        _told_at(axes, f"budget {figure(budget.limit_minor, header)}", 0.01,
                 budget.limit_minor, "left", ink)  # fmt: skip
        axes.plot(range(gone + 1), [0.0, *map(float, budget.days)], color=PALETTE[0], linewidth=2.2)
        if ahead:
            _fan(axes, budget, length)
            _told_at(axes, f"about {about(ahead.middle_minor, header)}", 0.99,
                     ahead.middle_minor, "right", ink)  # fmt: skip
        step = round_step(top, header.digits)
        # those that lie below the upper end of the axis
        ticks = range(0, top * 29 // 25 + 1, step)
        told = [axis_figure(t, step, header) for t in ticks]
        axes.axhline(0, color=ink.line, linewidth=0.8)
        axes.set_ylim(0, float(top) * 1.16)
        axes.set_xlim(0, length)
        along(axes, "y", list(map(float, ticks)), told)
        _day_axis(axes, [budget.first_day + timedelta(i) for i in range(length)], header)
        fit(drawing, axes, told, unit=label(header.currency))
        return form(drawing)


def _fan(axes: Any, budget: Budget, length: int) -> None:
    """From what is spent to what it may come to at the end, 8 of 10 times."""
    ahead, gone = budget.ahead, len(budget.days)
    assert ahead is not None
    now = float(budget.spent_minor)
    axes.fill_between([gone, length], [now, float(ahead.low_minor)], [now, float(ahead.high_minor)],
                      color=PALETTE[4], alpha=0.35, linewidth=0)  # fmt: skip
    axes.plot([gone, length], [now, float(ahead.middle_minor)], color=PALETTE[0], linewidth=1.4,
              linestyle=(0, (2, 1.5)))  # fmt: skip
    axes.plot([gone], [now], marker="o", markersize=4, color=PALETTE[0])


def _told_at(axes: Any, said: str, place: float, minor: int, side: str, ink: Ink) -> None:
    """A label just above a line, at the left or the right."""
    text = axes.annotate(
        said, (place, float(minor)), xycoords=("axes fraction", "data"), xytext=(0, 2),
        textcoords="offset points", fontsize=LETTERS, ha=side, va="bottom", color=ink.text,
        parse_math=False,
    )  # fmt: skip
    text.set_bbox({"facecolor": ink.paper, "alpha": 0.75, "linewidth": 0, "pad": 0.5})


def daily_alt(daily: Daily, header: Header) -> str:
    """What the daily chart shows, in words."""
    totals = [(sum(day.parts), day.day) for day in daily.days]
    if not totals or not any(total for total, _ in totals):
        return f"No cost on any day {in_period(header)}."
    most, day = max(totals)
    highest = f"{money(most, header)} on {day_name(day, header)}"
    return f"Cost by day {in_period(header)}: the highest is {highest}."


def top_alt(spend: Spend, header: Header) -> str:
    """What the chart of the costliest rows shows, in words."""
    if not spend.rows:
        return f"Nothing was spent {in_period(header)}."
    first, whole = spend.rows[0], spend.total.effective_minor
    return (
        f"The costliest {', '.join(spend.by)} is {row_name(spend.by, first.key, first.runs)}: "
        f"{money(first.effective_minor, header)}, "
        f"{share(first.effective_minor, whole, header)} of all."
    )


def waste_alt(waste: Sequence[Waste], total: Row, header: Header) -> str:
    """What the chart of runs that did not end well shows, in words."""
    first = waste[0]
    cost = sum(one.effective_minor for one in waste)
    return (
        f"{money(cost, header)}, {share(cost, total.effective_minor, header)} of all, went to runs "
        f"that did not end well; most of it, {money(first.effective_minor, header)}, "
        f"{first.cause}."
    )


def budget_alt(budget: Budget, header: Header) -> str:
    """What the budget's chart shows, in words."""
    said = (
        f"{money(budget.spent_minor, header)} of {money(budget.limit_minor, header)} for "
        f"{visible(budget.name)} is spent by {day_name(budget.by, header)}"
    )
    if budget.ahead is None:
        return f"{said}."
    return (
        f"{said}; by {day_name(budget.last_day, header)} {money(budget.ahead.middle_minor, header)}"
        f" is expected, between {figure(budget.ahead.low_minor, header)} and "
        f"{figure(budget.ahead.high_minor, header)}."
    )

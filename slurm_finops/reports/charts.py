"""Charts as PNG: matplotlib's Figure on the Agg canvas, never pyplot.

Bars have float lengths, because pixels do; every figure that is written beside
one comes from the integers.
"""

import io
import unicodedata
from collections.abc import Sequence
from typing import Any

from slurm_finops.reports.tables import grouped, shown
from slurm_finops.reports.view import Daily, Header, Spend

#: Okabe and Ito's colours, told apart by all common kinds of colour blindness.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "#7F7F7F",
)  # fmt: skip
#: Drawn for the 375 px of a phone, at twice its density: 8 points are then 11 pixels.
_WIDTH, _DPI = 3.75, 220
_TOP = 8
_OTHER = "#6E7781"


def label(text: str, width: int = 24) -> str:
    """A name as a chart can draw it: one line, no mathematics, nothing that cannot be printed."""
    clean = "".join(c if c.isprintable() and unicodedata.category(c) != "Cf" else " " for c in text)
    short = clean if len(clean) <= width else clean[: width - 1] + "…"
    return short.replace("$", r"\$")


def colours(names: Sequence[str | None]) -> dict[str | None, str]:
    """One colour a name, by its place: the same in every chart of a page."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def daily_png(daily: Daily, header: Header, dimension: str) -> bytes:
    """Cost by day, stacked by name."""
    figure, axes = _figure(_WIDTH, 2.5)
    days = [day.day for day in daily.days]
    base = [0.0] * len(days)
    colour = colours(daily.names)
    for i, name in enumerate(daily.names):
        heights = [day.parts[i] / 10**header.digits for day in daily.days]
        axes.bar(days, heights, bottom=base, color=colour[name], width=0.8,
                 label=label(shown(dimension, name), 15))  # fmt: skip
        base = [low + high for low, high in zip(base, heights, strict=True)]
    axes.margins(y=0.06)
    axes.set_ylabel(f"{header.currency} a day", fontsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _day_axis(axes, days)
    if daily.names:
        axes.legend(ncols=3, fontsize=7.5, frameon=False, loc="lower left",
                    bbox_to_anchor=(-0.12, 1.0), borderaxespad=0.2,
                    handlelength=1, handletextpad=0.4, columnspacing=1)  # fmt: skip
    return _png(figure)


def _day_axis(axes: Any, days: Sequence[Any]) -> None:
    step = max(1, -(-len(days) // 6))
    ticks = days[::step]
    axes.set_xticks(ticks, [f"{day.day} {day:%b}" for day in ticks])
    axes.tick_params(labelsize=8, length=2)


def top_png(spend: Spend, header: Header, coloured: Sequence[str | None] = ()) -> bytes:
    """The costliest rows as bars, each with its name and cost written on it.

    ``coloured`` is the daily chart's legend where these rows are the same
    things; other things are all of one colour.
    """
    rows = spend.rows[:_TOP]
    figure, axes = _figure(_WIDTH, 0.5 + 0.27 * max(len(rows), 2))
    names = [
        label(" / ".join(shown(n, v) for n, v in zip(spend.by, row.key, strict=True)), 22)
        for row in rows
    ]
    costs = [row.billed_minor / 10**header.digits for row in rows]
    places = range(len(rows))
    colour = colours(coloured)
    axes.barh(places, costs, color=[colour.get(row.key[0], _OTHER) for row in rows], height=0.68)
    axes.set_yticks(places, names, fontsize=8)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    for place, row, cost in zip(places, rows, costs, strict=True):
        axes.annotate(
            grouped(row.billed_minor, header.digits), (max(cost, 0), place), xytext=(4, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    axes.margins(x=0.18)
    return _png(figure)


def daily_alt(daily: Daily, header: Header) -> str:
    """What the daily chart shows, in words."""
    totals = [(sum(day.parts), day.day) for day in daily.days]
    if not totals or not any(total for total, _ in totals):
        return f"No cost on any day of {header.label}."
    most, day = max(totals)
    return (
        f"Cost by day in {header.label}: the highest is {grouped(most, header.digits)} "
        f"{header.currency} on {day:%d %B}."
    )


def top_alt(spend: Spend, header: Header) -> str:
    """What the chart of the costliest rows shows, in words."""
    if not spend.rows:
        return f"Nothing was spent in {header.label}."
    first = spend.rows[0]
    name = " / ".join(shown(n, v) for n, v in zip(spend.by, first.key, strict=True))
    cost = f"{grouped(first.billed_minor, header.digits)} {header.currency}"
    return f"The costliest {', '.join(spend.by)} is {name}: {cost}."


def _figure(width: float, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure, axes


def _png(figure: Any) -> bytes:
    """The same bytes for the same figures; a glyph the font lacks is drawn as a box, in silence."""
    import logging
    import warnings

    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    out = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure.savefig(out, format="png", metadata={"Software": None})
    return out.getvalue()

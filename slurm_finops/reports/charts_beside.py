"""Charts beside a page's: price lists compared, and a load-duration curve."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from slurm_finops.core.advice import Hour
from slurm_finops.core.money import grouped
from slurm_finops.reports.canvas import (
    DARK,
    LETTERS,
    LIGHT,
    PALETTE,
    WIDTH_PX,
    Ink,
    along,
    figure_of,
    fit,
    label,
    legend,
    legend_points,
    plain_matplotlib,
    png_of,
    round_step,
    tell,
)
from slurm_finops.reports.format import in_period, row_name
from slurm_finops.reports.view import Key

if TYPE_CHECKING:
    from slurm_finops.reports.comparison import Comparison

_TOP = 8


def duration_png(
    hours: Sequence[Hour], levels: Sequence[tuple[str, int]], unit: str, *,
    width_px: int = WIDTH_PX, dark: bool = False,
) -> bytes:  # fmt: skip
    """The load-duration curve: hours by use, the most first, and levels as lines across it.

    ``levels`` are two ``(name, units)``; of the same units they share a line and a label.
    """
    ink = DARK if dark else LIGHT
    ordered = sorted(hours, key=lambda hour: Fraction(hour.unit_seconds, hour.seconds))[::-1]
    edges = [0]
    for hour in ordered:
        edges.append(edges[-1] + hour.seconds)
    most = -(-ordered[0].unit_seconds // ordered[0].seconds)
    top = max(most, *(units for _, units in levels), 1)
    use = [hour.unit_seconds / hour.seconds for hour in ordered]
    places = [edge / 3600 for edge in edges]
    with plain_matplotlib(ink):
        drawing, axes = figure_of(width_px, 250, ink)
        axes.stairs(use, places, fill=True, color=PALETTE[4], alpha=0.35, linewidth=0)
        axes.stairs(use, places, baseline=None, color=PALETTE[0], linewidth=1.4)
        _level_lines(axes, levels, top, ink)
        told = _use_axes(axes, top, edges[-1])
        drawing.text(0.99, 0.01, "hours, those of most use first", ha="right", va="bottom",
                     fontsize=LETTERS)  # fmt: skip
        fit(drawing, axes, told, below=30, unit=f"{label(unit)} in use")
        return png_of(drawing)


def _level_lines(
    axes: Any, levels: Sequence[tuple[str, int]], top: int, ink: Ink
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
            xytext=(0, -3 if below else 3), textcoords="offset points", fontsize=LETTERS,
            va="top" if below else "bottom", color=ink.text, parse_math=False,
        )  # fmt: skip
        text.set_bbox({"facecolor": ink.paper, "alpha": 0.7, "linewidth": 0, "pad": 0.5})


def _use_axes(axes: Any, top: int, seconds: int) -> list[str]:
    """Round figures on both axes, written from whole units and hours; those at the left."""
    step = round_step(top, 0)
    ticks = range(0, top * 23 // 20 + 1, step)  # that lie below the upper end of the axis
    told = [grouped(tick, 0) for tick in ticks]
    axes.set_ylim(0, float(top) * 1.15)
    along(axes, "y", list(map(float, ticks)), told)
    whole = -(-seconds // 3600)
    step = round_step(whole, 0)
    places = range(0, whole + 1, step)
    axes.set_xlim(0, float(whole))
    along(axes, "x", list(map(float, places)), [grouped(place, 0) for place in places])
    return told


#: Bars of one owner, and what is between two owners, in pixels.
_BAR_PX, _GAP_PX = 15, 9
_LEGEND_PX = 16


def comparison_png(found: Comparison, *, width_px: int = WIDTH_PX, dark: bool = False) -> bytes:
    """What each owner costs under each list, the costliest first, and the lists' totals.

    Each bar has its figure written beside it.  Owners past the first eight are one
    bar, and so are a list's lines: a list's bars sum to its total.
    """
    ink, digits, lists = DARK if dark else LIGHT, found.header.digits, len(found.columns)
    groups = _owners(found)
    height = _LEGEND_PX * (lists + 2) + (_BAR_PX * lists + _GAP_PX) * max(len(groups), 1)
    with plain_matplotlib(ink):
        drawing, axes = figure_of(width_px, height, ink)
        behind: list[str] = []
        thickness = _BAR_PX / (_BAR_PX * lists + _GAP_PX)
        for i, colour in enumerate(PALETTE[:lists]):
            places = [g + (i - (lists - 1) / 2) * thickness for g in range(len(groups))]
            costs = [group[i] for _, group in groups]
            axes.barh(places, [float(cost or 0) for cost in costs], height=thickness * 0.9,
                      color=colour)  # fmt: skip
            told = ["–" if cost is None else grouped(cost, digits) for cost in costs]
            behind += told
            for place, cost, said in zip(places, costs, told, strict=True):
                tell(axes, said, cost or 0, place, ink)
        axes.invert_yaxis()
        along(axes, "y", range(len(groups)), [name for name, _ in groups])
        axes.margins(x=0, y=0.01)
        names = [f"{label(c.name, 30)}: {grouped(c.all_minor, digits)}" for c in found.columns]
        title = f"{found.header.currency} by {', '.join(found.by)} {in_period(found.header)}"
        columns = max(1, width_px // WIDTH_PX)
        legend(drawing, PALETTE[:lists], names, columns, title)
        fit(drawing, axes, [name for name, _ in groups], behind, below=3,
            above=legend_points(names, columns) + 18)  # fmt: skip
        return png_of(drawing)


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

"""Charts beside a page's: price lists compared, and a load-duration curve."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from slurm_finops.core.advice import Hour
from slurm_finops.core.money import grouped
from slurm_finops.reports.canvas import (
    DARK,
    LIGHT,
    PALETTE,
    WIDTH_PX,
    Ink,
    figure_of,
    label,
    legend,
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
        _use_axes(axes, top, edges[-1], unit, ink)
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
            xytext=(0, -3 if below else 3), textcoords="offset points", fontsize=8,
            va="top" if below else "bottom", color=ink.text, parse_math=False,
        )  # fmt: skip
        text.set_bbox({"facecolor": ink.paper, "alpha": 0.7, "linewidth": 0, "pad": 0.5})


def _use_axes(axes: Any, top: int, seconds: int, unit: str, ink: Ink) -> None:
    """Round figures on both axes, written from whole units and hours."""
    step = round_step(top, 0)
    ticks = range(0, top + step, step)
    axes.set_yticks(list(map(float, ticks)), [grouped(tick, 0) for tick in ticks])
    axes.set_ylim(0, float(top) * 1.15)
    axes.set_ylabel(f"{label(unit)} in use", fontsize=8, parse_math=False)
    whole = -(-seconds // 3600)
    step = round_step(whole, 0)
    places = range(0, whole + 1, step)
    axes.set_xticks(list(map(float, places)), [grouped(place, 0) for place in places])
    axes.set_xlim(0, float(whole))
    axes.set_xlabel("hours, those of most use first", fontsize=8, color=ink.text)
    axes.tick_params(labelsize=8, length=2)
    axes.tick_params(axis="y", length=0)
#: Bars of one owner, and what is between two owners, in pixels.
_BAR_PX, _GAP_PX = 13, 9
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
        thickness = _BAR_PX / (_BAR_PX * lists + _GAP_PX)
        for i, colour in enumerate(PALETTE[:lists]):
            places = [g + (i - (lists - 1) / 2) * thickness for g in range(len(groups))]
            costs = [group[i] for _, group in groups]
            axes.barh(places, [float(cost or 0) for cost in costs], height=thickness * 0.9,
                      color=colour)  # fmt: skip
            for place, cost in zip(places, costs, strict=True):
                told = "–" if cost is None else grouped(cost, digits)
                tell(axes, told, cost or 0, place, ink)
        axes.set_yticks(range(len(groups)), [name for name, _ in groups], fontsize=8,
                        parse_math=False)  # fmt: skip
        axes.invert_yaxis()
        axes.set_xticks([])
        axes.spines["bottom"].set_visible(False)
        axes.margins(x=0.16, y=0.01)
        names = [f"{label(c.name, 30)}: {grouped(c.all_minor, digits)}" for c in found.columns]
        title = f"{found.header.currency} by {', '.join(found.by)} {in_period(found.header)}"
        legend(drawing, PALETTE[:lists], names, max(1, width_px // 375), title)
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

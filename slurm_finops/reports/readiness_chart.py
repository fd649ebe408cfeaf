"""Whether chargeback may begin, as a picture: each signal week by week."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slurm_finops.core.period import day_date
from slurm_finops.core.readiness import WHOLE
from slurm_finops.core.words import count
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
    plain_matplotlib,
    png_of,
)
from slurm_finops.reports.format import short_date
from slurm_finops.reports.readiness import PERCENT
from slurm_finops.reports.readiness_tables import HEADS, figure_text

if TYPE_CHECKING:
    from slurm_finops.reports.readiness import Readiness, Signal

#: Of one signal: its bars are 1 high, and its name stands above them.
_BAND, _BAND_PX = 1.6, 64
#: So many weeks have each its label.
_LABELS = 7
_GOOD, _BAD = PALETTE[2], PALETTE[5]


def readiness_png(found: Readiness, *, width_px: int = WIDTH_PX, dark: bool = False) -> bytes:
    """Bars for each week, in one colour where a signal is good and in another where it is not.

    Coverage is drawn of the whole, with a line where it is wanted; the others of their highest
    week.  A week of which nothing is known has a dash.
    """
    ink, many = DARK if dark else LIGHT, len(found.signals)
    with plain_matplotlib(ink):
        drawing, axes = figure_of(width_px, _BAND_PX * many + 56, ink)
        axes.set_xlim(-0.5, len(found.weeks) - 0.5)
        axes.set_ylim(0, _BAND * many)
        for place, signal in enumerate(found.signals):
            _band(axes, found, signal, _BAND * (many - 1 - place), ink)
        shown = _labelled(len(found.weeks))
        along(axes, "x", shown, [found.weeks[i].label[5:] for i in shown])
        for i, line in enumerate(_title(found)):
            drawing.text(0.02, 0.99 - 0.05 * i, line, ha="left", va="top", fontsize=LETTERS,
                         parse_math=False)  # fmt: skip
        fit(drawing, axes, [""], above=24)
        return png_of(drawing)


def _title(found: Readiness) -> tuple[str, str]:
    first, last = day_date(found.weeks[0].first), day_date(found.weeks[-1].last - 1)
    return (
        f"chargeback: {'ready' if found.ready else 'not yet'} ({found.currency})",
        f"{count(len(found.weeks), 'whole week')}, {short_date(first)} to {short_date(last)}",
    )


def _band(axes: Any, found: Readiness, signal: Signal, base: float, ink: Ink) -> None:
    top = WHOLE if signal.unit == PERCENT else max((v or 0 for v in signal.trend), default=0)
    colour = _GOOD if signal.ok else _BAD
    heights = [(value or 0) / (top or 1) for value in signal.trend]
    places = range(len(heights))
    axes.bar(places, heights, bottom=base, width=0.7, color=colour)
    axes.axhline(base, color=ink.line, linewidth=0.8)
    for i in places:
        if signal.trend[i] is None:
            axes.text(i, base + 0.05, "–", ha="center", va="bottom", fontsize=LETTERS)
    if signal.unit == PERCENT:
        axes.axhline(base + found.asked.coverage / WHOLE, color=ink.text, linewidth=0.8,
                     linestyle=(0, (4, 2)))  # fmt: skip
    told = f"{HEADS[signal.name]}: {figure_text(found, signal, signal.figure)}"
    told += ", ok" if signal.ok else ", not yet"
    axes.text(-0.5, base + 1.06, told, ha="left", va="bottom", fontsize=LETTERS, parse_math=False)


def _labelled(weeks: int) -> Sequence[int]:
    """Which weeks are named: the last, and others at even distances before it."""
    step = -(-weeks // _LABELS)
    return range((weeks - 1) % step, weeks, step)

"""What every chart is drawn on: matplotlib's Figure on the Agg canvas, never pyplot.

Bars have float lengths, because pixels do; every figure that is written beside
one comes from the integers.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from slurm_finops.reports.format import figure, number, shortened
from slurm_finops.reports.view import Header

#: Okabe and Ito's colours, told apart by all common kinds of colour blindness.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C6D31", "#7F7F7F",
)  # fmt: skip
#: Drawn for what a phone of 375 px has beside margins, at twice its density: letters of so
#: many points are then 12 pixels high.
WIDTH_PX, _DENSITY = 330, 2.5
_DPI = 100 * _DENSITY
LETTERS = 8.5
_Y_STEPS = 5
#: Between what is written and what is drawn, in points.
_PAD = 5
#: The least that is left of a line for the longest bar.
_LEAST = 24
#: Colours of a PNG: four shades between each of the palette's and the paper are enough.
_COLOURS = 64


class Ink(NamedTuple):
    paper: str
    text: str
    line: str
    plain: str


LIGHT = Ink("#ffffff", "#1b1f24", "#8c959f", "#6E7781")
DARK = Ink("#0d1117", "#e6edf3", "#57606a", "#9da7b1")


def label(text: str, width: int = 24) -> str:
    """A name as a chart can draw it: one line, no control characters, not too long."""
    clean = "".join(c if c.isprintable() and unicodedata.category(c) != "Cf" else " " for c in text)
    return shortened(clean, width)


def labels(names: Sequence[str], width: int) -> list[str]:
    """Several, that stay apart: of those that would be cut to the same, the end is kept."""
    cut = [label(name, width) for name in names]
    found = []
    for name, short in zip(names, cut, strict=True):
        same = [other for other, said in zip(names, cut, strict=True) if said == short]
        if len({*same}) > 1:
            begins = next(
                (i for i, chars in enumerate(zip(*same, strict=False)) if len({*chars}) > 1), 0
            )
            short = label(f"…{name[begins:]}", width)
        found.append(short)
    return found


def colours(names: Sequence[str | None]) -> dict[str | None, str]:
    """One colour a name, by its place: the same in every chart of a page."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def round_step(reach: int, digits: int) -> int:
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


def axis_figure(minor: int, step: int, header: Header) -> str:
    """A tick's figure, as short as it is exact."""
    unit = 10**header.digits
    if not minor:
        return "0"
    if step % (1_000_000 * unit) == 0:
        return f"{number(minor // (1_000_000 * unit), 0, header)} M"
    if step % unit == 0:
        return number(minor // unit, 0, header)
    return figure(minor, header)


def legend(
    drawing: Any, of: Sequence[str], names: Sequence[str], columns: int, title: str = ""
) -> None:
    """Names with their colours above the bars, as wide as all: long ones never squeeze the bars."""
    from matplotlib.patches import Patch

    if not names:
        return
    # matplotlib leaves out a label that begins with an underscore: they are written in afterwards
    patches = [Patch(facecolor=colour) for colour in of]
    legend = drawing.legend(patches, ["x"] * len(names), ncols=columns,
                           fontsize=LETTERS, frameon=False, borderaxespad=0.2, loc="upper left",
                           handlelength=1, handletextpad=0.4, columnspacing=1, title=title or None,
                           title_fontsize=LETTERS, alignment="left")  # fmt: skip
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set(text=name, parse_math=False)


def tell(axes: Any, told: str, minor: int, place: float, ink: Ink) -> None:
    """Write a bar's figure beside its end."""
    axes.annotate(
        told, (float(max(minor, 0)), place), xytext=(4, 0), textcoords="offset points",
        va="center", fontsize=LETTERS, color=ink.text,
    )  # fmt: skip


@contextmanager
def plain_matplotlib(ink: Ink) -> Iterator[None]:
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


def figure_of(width_px: int, height_px: int, ink: Ink) -> tuple[Any, Any]:
    """A figure with axes, in pixels of a screen; `fit` says where they are.

    What is written along the axes is written by `along`: matplotlib's ticks are four
    artists each, and made most of a chart's time.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(width_px / 100, height_px / 100), dpi=_DPI, facecolor=ink.paper)
    FigureCanvasAgg(drawing)
    axes = drawing.add_subplot(facecolor=ink.paper)
    axes.set_axis_off()
    return drawing, axes


def along(axes: Any, side: Literal["x", "y"], places: Sequence[float], told: Sequence[str]) -> None:
    """Write texts below the axes, or before them, each at its place."""
    below = side == "x"
    near = axes.get_xaxis_text1_transform if below else axes.get_yaxis_text1_transform
    va, ha = ("top", "center") if below else ("center", "right")
    for place, text in zip(places, told, strict=True):
        at = (place, 0) if below else (0, place)
        axes.text(*at, text, transform=near(_PAD)[0], fontsize=LETTERS, parse_math=False,
                  va=va, ha=ha)  # fmt: skip



def widest(drawing: Any, texts: Sequence[str]) -> float:
    """How wide the widest of these is, in points."""
    from matplotlib.font_manager import FontProperties

    renderer, font = drawing.canvas.get_renderer(), FontProperties(size=LETTERS)
    pixels = [renderer.get_text_width_height_descent(text, font, False)[0] for text in texts]
    return max(pixels, default=0) * 72 / float(drawing.dpi)


def beside_bars(drawing: Any, names: Sequence[str], told: Sequence[str]) -> list[str]:
    """Names cut to what is left of a line beside bars and what is told behind them."""
    room = drawing.get_size_inches()[0] * 72 - widest(drawing, told) - 4 * _PAD - _LEAST
    width = 22
    found = labels(names, width)
    while width > 6 and widest(drawing, found) > room:
        width -= 1
        found = labels(names, width)
    return found


def fit(
    drawing: Any, axes: Any, beside: Sequence[str], behind: Sequence[str] = (), *,
    above: float = 0, below: float = 20, unit: str = "",
) -> None:  # fmt: skip
    """Put axes where what is written around them has room: ``beside`` bars, and ``behind`` them.

    In points.  ``unit`` is written along the left.  matplotlib's own layout draws all of it
    three times to find the same, most of a chart's time.
    """
    wide, high = (inches * 72 for inches in drawing.get_size_inches())
    left = widest(drawing, beside) + 2 * _PAD + (13 if unit else 0)
    # something is left of bars, whatever is written around them
    right = min(widest(drawing, behind) + 2 * _PAD, wide - left - _LEAST)
    axes.set_position((
        left / wide, below / high, 1 - (left + right) / wide, 1 - (above + below + _PAD) / high,
    ))  # fmt: skip
    if unit:
        drawing.text(3 / wide, (1 + (below - above) / high) / 2, unit, rotation=90, ha="left",
                     va="center", fontsize=LETTERS, parse_math=False)  # fmt: skip


def legend_columns(drawing: Any, names: Sequence[str]) -> int:
    """As many columns as the longest name leaves room for."""
    wide = drawing.get_size_inches()[0] * 72
    # the patch, and what is between it, the name and the next column
    return max(1, int(wide // (widest(drawing, names) + 2.6 * LETTERS)))


def legend_points(names: Sequence[str], columns: int) -> float:
    """How high a legend of so many names is."""
    return 14 * -(-len(names) // columns) + 2 if names else 0


def png_of(drawing: Any) -> bytes:
    """The same bytes for the same figures; a glyph the font lacks is drawn as a box.

    With a palette: a third of the bytes, in less time.
    """
    from numpy import asarray
    from PIL import Image

    # savefig would draw the whole once more, to find out how large it is
    drawing.canvas.draw()
    shades = Image.fromarray(asarray(drawing.canvas.buffer_rgba())).convert("RGB")
    image = shades.quantize(_COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    # the paper is exactly that of the mail around it
    palette, paper = image.getpalette() or [], image.tobytes()[0]
    palette[3 * paper : 3 * paper + 3] = shades.tobytes()[:3]
    image.putpalette(palette)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def svg_of(drawing: Any) -> bytes:
    """The same as SVG, with text as outlines.

    Its layout is measured in matplotlib's own font: with the letters of another, labels
    of other lengths would overlap or be cut off, and what that font lacks has no width here.
    """
    import matplotlib

    out = io.BytesIO()
    # or ids were random, and the same figures never the same bytes
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "slurm-finops"}):
        drawing.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    return out.getvalue()

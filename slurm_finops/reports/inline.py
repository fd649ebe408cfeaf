"""A chart's SVG as part of a page: one drawing for light and dark, with no text of anybody's.

As an image a drawing could not take the page's colours, so that there would have to be two,
and base64 makes each a third longer.
"""

import re

from slurm_finops.reports.canvas import LIGHT

#: The ink a chart is drawn with, as the page calls it: it knows whether it is dark.
_INKS = {
    LIGHT.paper: "var(--paper)", LIGHT.text: "var(--ink)", LIGHT.line: "var(--axis)",
    LIGHT.plain: "var(--plain)",
}  # fmt: skip
#: Names stand in comments, beside the outlines of their letters.
_LEFT_OUT = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.S)
_ROOT = re.compile(r'<svg [^>]*viewBox="([^"]*)"[^>]*>')
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r'(?:url\(#|href="#)([^)"]+)')
_POINTS = re.compile(r' (d|x|y|width|height)="([^"]*)"')
_FINE = re.compile(r"\d+\.\d{3,}")
_EMPTY = re.compile(r"<(g|defs)>\s*</\1>")


def inline(svg: bytes, number: int) -> str:
    """``<svg …>…</svg>`` of what `canvas.svg_of` gives in `LIGHT`, for use within HTML.

    ``number`` tells the charts of a page apart: ids are the page's, not the chart's.
    """
    text = svg.decode()
    text = _LEFT_OUT.sub("", text[text.index("<svg ") :])
    text = _ROOT.sub(r'<svg viewBox="\1" aria-hidden="true">', text, count=1)
    used = set(_USED.findall(text))
    text = _ID.sub(lambda found: found[0] if found[1] in used else "", text)
    text = re.sub(r'(id="|url\(#|href="#)', rf"\g<1>c{number}-", text)
    for ink, name in _INKS.items():
        text = re.sub(re.escape(ink), name, text, flags=re.I)
    text = _POINTS.sub(lambda found: f' {found[1]}="{_rounded(found[2])}"', text)
    text = re.sub(r">\s+<", "><", text)
    while _EMPTY.search(text):
        text = _EMPTY.sub("", text)
    return text.strip()


def _rounded(points: str) -> str:
    """To a hundredth of a point, which no screen shows."""
    return " ".join(_FINE.sub(lambda found: f"{float(found[0]):.2f}", points).split())

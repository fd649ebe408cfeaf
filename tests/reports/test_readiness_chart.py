"""The picture of readiness: a band a signal, in a colour that says whether it is good."""

import io
from dataclasses import replace

from PIL import Image

from slurm_finops.reports.canvas import PALETTE
from slurm_finops.reports.readiness_chart import _labelled, readiness_png
from tests.reports.test_readiness import ASKED, a_month, a_site, judged


def shades(png: bytes) -> set[str]:
    image = Image.open(io.BytesIO(png)).convert("RGB")
    return {"#{:02X}{:02X}{:02X}".format(*colour) for _, colour in image.getcolors(1 << 16)}


def near(shade: str, found: set[str]) -> bool:
    """Whether a colour is there, as near as a palette of 64 brings it."""
    def parts(text: str) -> list[int]:
        return [int(text[i : i + 2], 16) for i in (1, 3, 5)]

    return any(all(abs(a - b) < 8 for a, b in zip(parts(shade), parts(one), strict=True))
               for one in found)  # fmt: skip


def test_good_and_bad_signals_have_colours_of_their_own() -> None:
    bad = shades(readiness_png(judged(a_month(), a_site())))
    assert near(PALETTE[5], bad)
    assert not near(PALETTE[2], bad)
    found = judged(a_month(bad=False), a_site())  # all but the pool is good
    both = shades(readiness_png(found))
    assert near(PALETTE[2], both)
    assert near(PALETTE[5], both)


def test_the_same_figures_are_the_same_bytes_also_where_nothing_is_known() -> None:
    found = judged(a_month(), a_site(), replace(ASKED, weeks=26))
    assert readiness_png(found) == readiness_png(found)


def test_weeks_are_labelled_from_the_last_on() -> None:
    assert [*_labelled(4)] == [0, 1, 2, 3]
    assert [*_labelled(26)] == [1, 5, 9, 13, 17, 21, 25]
    assert [*_labelled(8)] == [1, 3, 5, 7]

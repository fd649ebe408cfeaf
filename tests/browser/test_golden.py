"""Mails and pages look as when somebody looked at them last: small pictures, kept in grey.

A letter that another release of the browser draws otherwise is not seen at this size; a
chart, a colour or a line that is gone is.
"""

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat
from playwright.sync_api import Browser

from slurm_finops.cli.stating import say
from slurm_finops.reports import render
from slurm_finops.reports.view import Page
from tests.browser.looks import DESKTOP, PHONE, opened
from tests.conftest import GOLDEN
from tests.reports.statements import a_draft
from tests.reports.test_page import LINES, a_run
from tests.reports.test_render import a_page

pytestmark = pytest.mark.browser

#: So many pixels of the screen are one of the picture.
_SMALLER = 4
#: How far, of 255, a picture may be from the golden one: on average, and in any square of it.
_MEAN, _SQUARE, _SIDE = 3, 50, 4


def whole() -> Page:
    """A page with all that a page may have."""
    return a_page(costliest=tuple(a_run(job) for job in ("4711", "4711_3")), standings=LINES)


def a_mail() -> str:
    """The HTML of a mail with its charts."""
    page = whole()
    shown = iter(base64.b64encode(one.image).decode() for one in render.pictures(page))
    html = render.mail_html(page, "2026-07-01 03:15 UTC")
    return re.sub(r"cid:[\w.@-]+", lambda _: f"data:image/png;base64,{next(shown)}", html)


def looked_at(chromium: Browser, html: str, width: int, dark: bool) -> Image.Image:
    with opened(chromium, html, width, dark) as page:
        shot = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("L")
    return shot.resize((shot.width // _SMALLER, shot.height // _SMALLER), Image.Resampling.BOX)


def far(one: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Mean difference, and that of the square that differs most."""
    difference = ImageChops.difference(one, other)
    squares = difference.reduce(_SIDE)
    return ImageStat.Stat(difference).mean[0], ImageStat.Stat(squares).extrema[0][1]


@pytest.mark.parametrize(("name", "width", "dark"), [
    ("mail-phone", PHONE, False), ("mail-phone-dark", PHONE, True),
    ("page-phone", PHONE, False), ("page", DESKTOP, False), ("page-dark", DESKTOP, True),
    ("statement-phone-dark", PHONE, True), ("statement", DESKTOP, False),
])  # fmt: skip
def test_it_looks_as_it_did(
    chromium: Browser, request: pytest.FixtureRequest, tmp_path: Path, name: str, width: int,
    dark: bool,
) -> None:  # fmt: skip
    made = {"mail": a_mail, "page": lambda: render.page_html(whole()),
            "statement": lambda: say(a_draft(), "html")}  # fmt: skip
    html = made[name.partition("-")[0]]()
    seen, path = looked_at(chromium, html, width, dark), GOLDEN / "looks" / f"{name}.png"
    if request.config.getoption("--refresh-golden"):
        path.parent.mkdir(exist_ok=True)
        seen.quantize(32).save(path, optimize=True)
    with Image.open(path) as file:
        golden = file.convert("L")
    seen.save(tmp_path / path.name)
    said = f"look at {tmp_path / path.name} beside {path}, then --refresh-golden"
    assert seen.width == golden.width, said
    assert abs(seen.height - golden.height) * 50 <= golden.height, said
    mean, square = far(seen.resize(golden.size), golden)
    assert (mean <= _MEAN, square <= _SQUARE) == (True, True), f"{mean:.1f}, {square}: {said}"


def test_what_is_gone_is_seen(chromium: Browser) -> None:
    """Without a chart, or with one of another colour, a mail is far from what it was."""
    html = a_mail()
    before = looked_at(chromium, html, PHONE, False)
    for other in (
        re.sub(r"data:image/png;base64,[^\"]+", "data:,", html, count=1),
        html.replace("#0072b2", "#d8dee4").replace("#0072B2", "#d8dee4"),
    ):
        after = looked_at(chromium, other, PHONE, False).resize(before.size)
        mean, square = far(after, before)
        assert mean > _MEAN or square > _SQUARE, f"{mean:.1f}, {square}"

"""Each question finds what is wrong on a small bad page, and nothing on a good one."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.looks import (
    broken_images,
    low_contrast,
    opened,
    small_text,
    too_wide,
    without_alt,
    wrong,
)

pytestmark = pytest.mark.browser
PIXEL = (
    "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"
)
GOOD = f"""<!DOCTYPE html><meta name="viewport" content="width=device-width">
<body style="background: #fff; color: #222; font-size: 16px"><h1>Spend</h1>
<p>22,579.20 USD <img src="{PIXEL}" alt="daily cost"></p>
<div style="overflow-x: auto"><table style="width: 900px"><tr><td>scrolls</td></tr></table></div>
<span style="position: absolute; left: -9999px; color: #fff">for screen readers</span>
<svg width="9" height="9" aria-hidden="true"><rect width="9" height="9"/></svg>
<svg width="9" height="9"><title>a bar</title></svg></body>"""


def test_nothing_is_wrong_with_a_good_page(chromium: Browser) -> None:
    for width in (375, 600, 1280):
        with opened(chromium, GOOD, width) as page:
            assert wrong(page) == []


@pytest.mark.parametrize(
    "html",
    [
        "<div style='width: 500px'>wide</div>",
        "<div style='overflow: hidden'><p style='width: 500px'>cut off</p></div>",
        "<p style='margin-left: 300px; width: 100px'>pushed out</p>",
        "<p>" + "x" * 200 + "</p>",
    ],
)
def test_what_is_wider_than_the_screen_is_found(chromium: Browser, html: str) -> None:
    with opened(chromium, html, 375) as page:
        assert too_wide(page)


@pytest.mark.parametrize(
    "html",
    [
        "<p style='font-size: 11px'>a foot note</p>",
        "<p style='font-size: 16px'><small style='font-size: .7em'>a foot note</small></p>",
        "<input style='font-size: 10px' value='typed'>",
        # drawn for 100 px and shown in 50
        "<svg viewBox='0 0 100 100' width='50'><text y='50' font-size='20'>axis</text></svg>",
    ],
)
def test_text_that_is_too_small_is_found(chromium: Browser, html: str) -> None:
    with opened(chromium, html) as page:
        assert len(small_text(page)) == 1


def test_text_that_nobody_sees_may_be_small(chromium: Browser) -> None:
    hidden = ("display: none", "visibility: hidden", "opacity: 0")
    html = "".join(f"<p style='font-size: 5px; {how}'>x</p>" for how in hidden)
    with opened(chromium, html) as page:
        assert small_text(page) == []


@pytest.mark.parametrize(
    ("html", "dark"),
    [
        ("<p style='color: #777'>grey, 4.48:1</p>", False),
        ("<p style='color: #000; opacity: .5'>half there</p>", False),
        ("<p style='color: rgba(0, 0, 0, .5)'>half there</p>", False),
        ("<div style='background: #111'><p style='color: #222'>on its parent's</p></div>", False),
        # half black over white is grey
        ("<div style='background: rgba(0, 0, 0, .5)'><p style='color: #888'>x</p></div>", False),
        ("<p style='color: oklch(0.9 0 0)'>in another space</p>", False),
        ("<p style='background: linear-gradient(red, red)'>on an image</p>", False),
        ("<svg><text y='20' fill='#eee'>axis</text></svg>", False),
        # a page that says it can be dark is painted on black
        ("<meta name='color-scheme' content='light dark'><p style='color: #333'>x</p>", True),
        ("<style>@media (prefers-color-scheme: dark) {p {color: #eee}}</style><p>x</p>", True),
    ],
)
def test_text_that_cannot_be_read_is_found(chromium: Browser, html: str, dark: bool) -> None:
    with opened(chromium, html, dark=dark) as page:
        assert len(low_contrast(page)) == 1


@pytest.mark.parametrize(
    ("html", "dark"),
    [
        ("<p style='color: #767676'>4.54:1</p>", False),
        ("<p style='color: #777; font-size: 24px'>large</p>", False),
        ("<p style='color: #777; font: bold 19px serif'>bold and large</p>", False),
        ("<meta name='color-scheme' content='light dark'><p>x</p>", True),
        ("<p>a page that knows no dark stays light</p>", True),
    ],
)
def test_text_that_can_be_read_is_not(chromium: Browser, html: str, dark: bool) -> None:
    with opened(chromium, html, dark=dark) as page:
        assert low_contrast(page) == []


def test_the_two_schemes_differ(chromium: Browser) -> None:
    html = "<style>@media (prefers-color-scheme: dark) {p {font-size: 5px}}</style><p>x</p>"
    with opened(chromium, html) as page:
        assert small_text(page) == []
    with opened(chromium, html, dark=True) as page:
        assert len(small_text(page)) == 1


@pytest.mark.parametrize(
    "html",
    [
        f"<img src='{PIXEL}'>",
        f"<img src='{PIXEL}' alt=' '>",
        "<svg width='9' height='9'></svg>",
        "<div role='img'></div>",
    ],
)
def test_an_image_that_says_nothing_is_found(chromium: Browser, html: str) -> None:
    with opened(chromium, html) as page:
        assert len(without_alt(page)) == 1


def test_an_image_that_is_not_there_is_found(chromium: Browser) -> None:
    with opened(chromium, "<img src='data:image/png;base64,AAAA' alt='x'>") as page:
        page.wait_for_function("document.images[0].complete")
        assert len(broken_images(page)) == 1


def test_a_page_that_asks_the_network_fails(chromium: Browser, tmp_path: Path) -> None:
    html = tmp_path / "page.html"
    html.write_text("<img src='http://203.0.113.7/spy.png' alt='x'>")
    with pytest.raises(AssertionError, match=r"203\.0\.113\.7/spy"), opened(chromium, html) as page:
        page.wait_for_function("document.images[0].complete")

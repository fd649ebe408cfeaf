"""A page in a real browser, without the network; and what is wrong with how it looks.

    with opened(chromium, html, width=375, dark=True) as page:
        assert wrong(page) == []

Each question gives a list of texts, empty where nothing is wrong.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Route

#: A phone, a mail client's column, a desktop.
PHONE, MAIL, DESKTOP = 375, 600, 1280
_QUESTIONS = (Path(__file__).parent / "looks.js").read_text()


@contextmanager
def opened(
    chromium: Browser, what: str | Path, width: int = DESKTOP, dark: bool = False,
    allow: str = "", height: int = 800, density: float = 1,
) -> Iterator[Page]:  # fmt: skip
    """A page of HTML (a text), of a file, or at a URL below ``allow``.

    Whatever else is asked of the network fails; and so does the test, at the end.
    """
    asked: list[str] = []

    def answer(route: Route) -> None:
        url = route.request.url
        if url.startswith(("file:", "data:")) or (allow and url.startswith(allow)):
            route.continue_()
        else:
            asked.append(url)
            route.abort()

    context = chromium.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light",
        device_scale_factor=density,
    )  # fmt: skip
    try:
        context.set_default_timeout(20_000)
        context.route("**/*", answer)
        page = context.new_page()
        if isinstance(what, Path):
            page.goto(what.absolute().as_uri())
        elif allow and what.startswith(allow):
            page.goto(what)
        else:
            page.set_content(what)
        yield page
    finally:
        context.close()
    assert asked == [], f"the page asked the network for {asked}"


def _ask(page: Page, question: str) -> list[str]:
    found: Any = page.evaluate(f"{_QUESTIONS}.{question}()")
    return list(found)


def too_wide(page: Page) -> list[str]:
    """What reaches beyond the viewport, unless a box of its own scrolls it."""
    return _ask(page, "tooWide")


def small_text(page: Page) -> list[str]:
    """Text that is seen in under 12 px."""
    return _ask(page, "smallText")


def low_contrast(page: Page) -> list[str]:
    """Text below WCAG's AA: 4.5:1, and 3:1 where it is large; or over an image."""
    return _ask(page, "lowContrast")


def without_alt(page: Page) -> list[str]:
    """Images that say nothing to who does not see them, and are not marked as decoration."""
    return _ask(page, "withoutAlt")


def broken_images(page: Page) -> list[str]:
    """Images that did not load."""
    return _ask(page, "broken")


def wrong(page: Page) -> list[str]:
    """All of these."""
    questions = (too_wide, small_text, low_contrast, without_alt, broken_images)
    return [f"{ask.__name__}: {said}" for ask in questions for said in ask(page)]

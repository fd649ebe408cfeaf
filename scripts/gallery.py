"""Mails, pages and posts as pictures; see scripts/gallery."""

import base64
import email
import email.policy
import html
import io
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import click
from gallery_books import closed_site
from gallery_input import write_site
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
OUT, IMAGES = ROOT / "gallery-out", ROOT / "docs" / "images"
FINOPS = str(ROOT / ".venv" / "bin" / "slurm-finops")
WEEK = "2026-W23"
#: A post as a channel shows it, as far as it can be drawn without Slack.
SLACK = """<style>body { margin: 0; padding: 16px; background: #fff; color: #1d1c1d;
font: 15px/1.47 'DejaVu Sans', sans-serif } h1 { font-size: 18px; margin: 0 0 8px }
p { white-space: pre-line; margin: 0 0 8px } pre { background: #f8f8f8; border: 1px solid #ddd;
border-radius: 4px; padding: 8px; font: 12px/1.5 'DejaVu Sans Mono', monospace; overflow: hidden }
small { color: #616061; font-size: 12px }</style>"""


def finops(*words: str, site: Path = OUT) -> None:
    """Run a command of ours; raises if it fails."""
    command = [FINOPS, "-c", str(site / "finops.toml"), *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def mail_page(path: Path) -> str:
    """A mail's HTML with its pictures within."""
    mail: EmailMessage = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = mail.get_body(("html",))
    assert body is not None
    text: str = body.get_content()
    for part in mail.walk():
        if part.get_content_type() == "image/png":
            data = base64.b64encode(part.get_content()).decode()
            text = text.replace(f"cid:{part['Content-ID'].strip('<>')}",
                                f"data:image/png;base64,{data}")  # fmt: skip
    return text


def slack_page(path: Path) -> str:
    """A post's blocks in the order and the words that Slack gets."""
    lines = [SLACK]
    for block in json.loads(path.read_text())["blocks"]:
        texts = [block["text"]] if "text" in block else block["elements"]
        for text in texts:
            said = html.escape(html.unescape(text["text"]))
            tag = {"header": "h1", "context": "small"}.get(block["type"], "p")
            if said.startswith("```"):
                said, tag = said.strip("`").strip(), "pre"
            lines.append(f"<{tag}>{said}</{tag}>")
    return "\n".join(lines)


def picture(
    browser: Browser, name: str, text: str, width: int, height: int | None = None,
    dark: bool = False,
) -> None:  # fmt: skip
    """A screenshot: all of it, or its first screen of a height."""
    page = browser.new_page(
        viewport={"width": width, "height": height or 100}, device_scale_factor=1.5,
        color_scheme="dark" if dark else "light",
    )  # fmt: skip
    page.set_content(text)
    kept(name, page.screenshot(full_page=height is None))
    page.close()


def kept(name: str, png: bytes) -> None:
    """Store a picture in 64 colours: text and bars need no more, and it is a quarter as large."""
    path = IMAGES / f"{name}.png"
    Image.open(io.BytesIO(png)).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(
        path, optimize=True
    )
    click.echo(path.relative_to(ROOT))


@contextmanager
def served() -> Iterator[str]:
    """The address of `slurm-finops serve`."""
    process = subprocess.Popen(
        [FINOPS, "-c", str(OUT / "finops.toml"), "serve", "--port", "0"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = ""
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/?", said)):
            said = process.stdout.readline()
            if not said:
                raise click.ClickException("serve did not start")
        yield found[0]
    finally:
        process.terminate()
        process.wait()


def golden_month(site: Path) -> str:
    """The page that scripts/demo makes of June."""
    site.mkdir()
    shutil.copy(ROOT / "docs" / "examples" / "demo.toml", site / "finops.toml")
    month = ROOT / "tests" / "sacct" / "alpha-2026-06.txt.gz"
    finops("collect", "sacct", "--delimiter", "|", "--file", str(month), site=site)
    finops("price", site=site)
    finops("report", "--period", "2026-06", "--out", str(site / "page.html"), site=site)
    return (site / "page.html").read_text()


@click.command()
def main() -> None:
    """Make the pictures of docs/gallery.md and of the README anew."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    write_site(OUT)
    finops("collect", "sacct", "--delimiter", "|", "--file", str(OUT / "runs.txt"))
    finops("price")
    finops("send", "--period", WEEK, "--dry-run", "--out", str(OUT / "sent"))
    finops("report", "--period", "2026-05", "--out", str(OUT / "page.html"))
    mails = {path.name: path for path in (OUT / "sent").iterdir()}
    by_name = {
        name: next(path for key, path in sorted(mails.items()) if word in key)
        for name, word in (("nlp", "nlp-pi"), ("digest", "finance"), ("slack", ".json"))
    }
    with sync_playwright() as playwright, served() as address:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        nlp, digest = mail_page(by_name["nlp"]), mail_page(by_name["digest"])
        picture(browser, "gallery-mail-phone", nlp, 375, 667)
        picture(browser, "gallery-mail-phone-dark", nlp, 375, 667, dark=True)
        picture(browser, "gallery-mail", nlp, 600)
        picture(browser, "gallery-digest", digest, 600)
        picture(browser, "gallery-page", (OUT / "page.html").read_text(), 1100)
        picture(browser, "gallery-slack", slack_page(by_name["slack"]), 600)
        picture(browser, "report", golden_month(OUT / "june"), 1000, 800)
        statement, mail = closed_site(OUT / "books")
        picture(browser, "gallery-statement", statement.read_text(), 1000)
        picture(browser, "gallery-statement-phone", mail_page(mail), 375, 667)
        picture(browser, "gallery-statement-phone-dark", mail_page(mail), 375, 667, dark=True)
        page = browser.new_page(viewport={"width": 1100, "height": 800})
        page.goto(address)
        kept("gallery-serve", page.screenshot(full_page=True))
        browser.close()


if __name__ == "__main__":
    main()

"""docs/chargeback.md, typed from top to bottom: what the page shows is what a site sees.

Each block of the page is run where it stands.  A comment before it sets the day and the login;
heads and hashes are shown cut, for they change with every release.  --refresh-golden writes
the page's blocks anew.
"""

import re
import shlex
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from slurm_finops.cli import app, main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "chargeback.md"
_BLOCK = re.compile(r"(?:<!-- (?P<day>[\d-]+) (?P<login>\S+) -->\n)?```console\n(?P<text>.*?)```",
                    re.DOTALL)  # fmt: skip
_HASH = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")
_SHORT = re.compile(r"\b[0-9a-f]{16}\b")


def shown(text: str) -> str:
    """Without what no two releases have in common."""
    return _SHORT.sub("…", _HASH.sub("…", text))


class Site:
    """A site of the page: its folder, the day, and who types."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.head = ""

    def on(self, day: str, login: str) -> None:
        instant = int(datetime.fromisoformat(f"{day}T09:00:00+00:00").timestamp())
        self._patch.setattr(app.time, "time", lambda: instant)
        self._patch.setenv("SUDO_USER", login)

    def typed(self, line: str) -> str:
        words = shlex.split(line)
        if words[0] == "cp":
            Path(words[2]).write_bytes((ROOT / words[1]).read_bytes())
            return ""
        if words[0] == "sed":
            _, before, after, _ = words[2].split("/")
            path = Path(words[3])
            path.write_text(path.read_text().replace(before, after))
            return ""
        if words[0] == "sqlite3":
            import sqlite3

            with sqlite3.connect(words[1]) as db:
                db.execute(words[2])
            return ""
        assert words[0] == "slurm-finops", line
        words = [self.head[:16] if word == "HEAD" else word for word in words[1:]]
        done = CliRunner().invoke(main, words)
        if found := re.search(r"^head ([0-9a-f]{64})$", done.output, re.MULTILINE):
            self.head = found[1]
        return done.output if done.exit_code < 2 else done.output + f"exit {done.exit_code}\n"


def replayed(text: str, site: Site) -> str:
    """A block with what its commands really say."""
    found = []
    for command in re.findall(r"^\$ (.*(?:\\\n.*)*)", text, re.MULTILINE):
        said = shown(site.typed(command.replace("\\\n", " ")))
        found.append(f"$ {command}\n{said}")
    return "".join(found)


def test_the_page_is_what_a_site_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLURM_FINOPS_CONFIG", "finops.toml")
    site, page = Site(monkeypatch), PAGE.read_text()

    def run(block: re.Match[str]) -> str:
        if block["day"]:
            site.on(block["day"], block["login"])
        head = block[0].partition("```console\n")[0]
        return f"{head}```console\n{replayed(block['text'], site)}```"

    made = _BLOCK.sub(run, page)
    if request.config.getoption("--refresh-golden"):
        PAGE.write_text(made)
    assert made == PAGE.read_text(), "look at it, then --refresh-golden"


def test_what_the_page_says_of_the_configuration_is_in_it() -> None:
    config = (ROOT / "docs" / "examples" / "chargeback.toml").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        assert block in config

"""Two closed months for the gallery: docs/chargeback.md up to where July is closed."""

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import datetime
from pathlib import Path
from unittest import mock

from slurm_finops.cli import app, main

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "docs" / "examples"
JUNE = ROOT / "tests" / "sacct" / "alpha-2026-06.txt.gz"
#: How the files of both months are read.
SAVED = ("--delimiter", "|", "--file")
#: Whose statement is shown.
TEAM = "nlp"


class Books:
    """A site in a folder; what is typed there is typed on a day by a login."""

    def __init__(self, site: Path) -> None:
        self._site = site

    @contextmanager
    def on(self, day: str, login: str) -> Iterator[None]:
        """Nine in the morning of that day, for everything within."""
        instant = datetime.fromisoformat(f"{day}T09:00:00+00:00").timestamp()
        clock = mock.patch.object(app.time, "time", lambda: instant)
        with clock, mock.patch.dict(os.environ, SUDO_USER=login):
            yield

    def finops(self, *words: str) -> None:
        """A command of ours, unheard; raises if it fails."""
        config = str(self._site / "finops.toml")
        with redirect_stdout(io.StringIO()):
            code = main(["-c", config, *words], standalone_mode=False)
        if code:
            raise RuntimeError(f"{' '.join(words)}: exit {code}")


def closed_site(site: Path) -> tuple[Path, Path]:
    """Make the site; its statement of July as a page, and the mail that it comes in."""
    site.mkdir()
    config = site / "finops.toml"
    shutil.copy(EXAMPLES / "chargeback.toml", config)
    books, july = Books(site), EXAMPLES / "july.txt"
    with books.on("2026-07-02", "clerk"):
        books.finops("collect", "sacct", *SAVED, str(JUNE))
        books.finops("price")
        books.finops("period", "credit", "2026-06", "--team", "cv", "--amount", "120.00",
                     "--reason", "node gpu03 lost a day of work",
                     "--approver", "head-of-hpc")  # fmt: skip
        books.finops("period", "draft", "2026-06", *SAVED, str(JUNE))
    with books.on("2026-07-03", "controller"):
        books.finops("period", "close", "2026-06", "--yes", *SAVED, str(JUNE))
        books.finops("export", "journal", "2026-06", "--out", str(site / "june.csv"))
        books.finops("import", "journal-status", str(EXAMPLES / "answer.csv"))
    config.write_text(config.read_text().replace('"3.92"', '"3.90"'))
    with books.on("2026-08-04", "clerk"):
        books.finops("collect", "sacct", *SAVED, str(july))
        books.finops("retag", "add", "--run", "480001", "--set", "project=segmenter",
                     "--reason", "typed the wrong one", "--approver", "cv-pi")  # fmt: skip
        books.finops("period", "draft", "2026-07", *SAVED, str(july))
    with books.on("2026-08-05", "controller"):
        books.finops("period", "close", "2026-07", "--yes", *SAVED, str(july))
        page, mails = site / "statement.html", site / "statements"
        books.finops("statement", "2026-07", "--team", TEAM, "--out", str(page))
        books.finops("statement", "2026-07", "--team", TEAM, "--mail", "--dry-run",
                     "--out", str(mails))  # fmt: skip
    (mail,) = mails.iterdir()
    return page, mail

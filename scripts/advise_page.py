"""docs/advise.md: its answers and its picture, made anew from the saved sacct output.

    advise_page.py FILE.png      draws the picture
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from click.testing import CliRunner

from slurm_finops.cli import advising, app, main

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "advise.md"
MONTHS = ("alpha-2026-06", "beta-2026-11")
DRAWN = "advise --period 2026-11-01..2026-11-24 --committed 2.35"
#: 2026-11-25, when both months had been saved
_AT = 1_795_564_800
_ANSWER = re.compile(r"^\$ slurm-finops ([^\n]*)\n.*?(?=^```$)", re.MULTILINE | re.DOTALL)


@contextmanager
def demo() -> Iterator[Path]:
    """The demo's configuration, with both months collected and priced."""
    clocks = advising.now, app.now
    advising.now = app.now = lambda: _AT
    try:
        with TemporaryDirectory() as folder:
            config = Path(folder) / "finops.toml"
            config.write_text((ROOT / "docs" / "examples" / "demo.toml").read_text())
            for month in MONTHS:
                run(config, f"collect sacct --file {ROOT}/tests/sacct/{month}.txt.gz")
            run(config, "price")
            yield config
    finally:
        advising.now, app.now = clocks


def run(config: Path, words: str) -> str:
    """What a command prints."""
    result = CliRunner().invoke(main, ["-c", str(config), *words.split()])
    if result.exit_code:
        raise SystemExit(f"{words}: {result.output}")
    return result.stdout


def advise_page() -> str:
    """The page, each command in it answered again."""
    with demo() as config:
        return _ANSWER.sub(
            lambda found: f"$ slurm-finops {found[1]}\n{run(config, found[1])}", PAGE.read_text()
        )


if __name__ == "__main__":
    with demo() as config:
        run(config, f"{DRAWN} --picture {Path(sys.argv[1]).resolve()}")

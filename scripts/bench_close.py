"""Closing a month, writing its FOCUS rows, verifying it, and the next close; see scripts/bench."""

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
from bench_input import MONTH, START, TEAMS, write_sacct
from bench_policy import busy
from benchmarks import FINOPS, OUT, ROOT, Timed, collect, config, price, ratio, remove, run

CLOSED, NEXT = "2026-06", "2026-07"
#: Of each of five teams: 295 owners in all.
PROJECTS = 59
CHECKS = ("readiness", "unpriced", "reconcile", "provisional", "problems")
RATES = 'cluster = "alpha"\ncurrency = "USD"\n' + "".join(
    f'[[rates]]\nsku = "{sku}"\nprice = "{price}"\nfrom = 2026-01-01\n'
    for sku, price in (("gres/gpu:h100", "3.92"), ("cpu", "0.04"))
)
#: Half of the GPUs that are in use belong to a pool; one team's cost and a line are everybody's.
SHARED = """
[[pools]]
name = "h100"
kind = "reserved"
sku = "gres/gpu:h100"
units = 7000
billed = "use"
beyond = "rates"
from = 2026-06-01
until = 2026-07-01
hourly = "14000.00"
[pools.unused]
spread = "proportional"
[[overhead]]
name = "services"
accounts = ["platform"]
spread = "proportional"
[[lines]]
name = "egress"
amount = "1900.00"
every = "month"
from = 2026-06-01
until = 2026-07-01
spread = "proportional"
"""
#: The cap of the grant is reached in the middle of the month.
FUNDS = """
[[funds]]
name = "dept"
account = "0815"
[[funds]]
name = "grant"
account = "4711"
cap = "3000000.00"
fallback = "dept"
[[surcharges]]
name = "VAT"
kind = "tax"
percent = "8.1"
""" + "".join(
    f'[[funds]]\nname = "{team}"\naccount = "{team}-1"\n' for team in TEAMS
) + "".join(
    f'[[teams]]\nname = "{team}"\ncost_center = "cc-{team}"\n[[teams.payers]]\n'
    f'funds = {{ "{team}" = "60", "{"grant" if team == "cv" else "dept"}" = "40" }}\n'
    for team in TEAMS
)  # fmt: skip
WHOLE, BARE = RATES + SHARED + FUNDS, RATES + FUNDS
#: What `statement_lines` is when nothing but SQLite reads it and writes it as text.
PRINT = ".mode csv\n.output close.csv\nSELECT * FROM statement_lines ORDER BY id;\n"
#: What a close does after it has priced and looked whether it may.
ALONE = """\
import sys
from pathlib import Path
from types import SimpleNamespace

from slurm_finops.billing.closing import Closing, close
from slurm_finops.cli.books import books_of
from slurm_finops.config import load
from slurm_finops.ledger.store import Ledger

path, label = sys.argv[1:]
config = load(Path(path))
ledger = Ledger.open(config.database, config.currency, config.timezone)
month = config.calendar.period(label)
closing = Closing(month, month.end, "bench", "", "0", {})
close(ledger, books_of(SimpleNamespace(config=config)), config.calendar, closing)
"""


class Month(NamedTuple):
    """A month to close: its name, its runs, how many an experiment has, and its terms."""

    name: str
    runs: int
    each: int
    terms: str

    @property
    def settings(self) -> str:
        return config(f"close-{self.name}", self.terms)


@dataclass
class Found:
    """What was measured of a month; ``lines``: how many it has, ``corrections``: the next.

    ``wall`` and ``work``: seconds of the clock, and of a processor.
    """

    month: Month
    wall: dict[str, Timed] = field(default_factory=dict)
    work: dict[str, Timed] = field(default_factory=dict)
    lines: int = 0
    corrections: int = 0

    def note(self, name: str, call: Callable[[], tuple[float, float]]) -> None:
        before = busy()
        seconds, memory = call()
        wall = self.wall.setdefault(name, Timed(name))
        wall.seconds.append(seconds)
        wall.memory.append(memory)
        work = self.work.setdefault(name, Timed(name))
        work.seconds.append(busy() - before)
        click.echo(
            f"  {self.month.name}, {name}: {seconds:.1f} s, {work.seconds[-1]:.1f} s of a "
            f"processor, {memory:.0f} MiB", err=True,
        )  # fmt: skip


def months(runs: int) -> list[Month]:
    each = max(2, runs // 20_000)
    return [
        Month("usual", runs, each, WHOLE),
        Month("small", runs // 10, max(2, each // 10), WHOLE),
        Month("bare", runs, each, BARE),
        Month("distinct", runs, 1, BARE),
        Month("worst", runs, 1, WHOLE),
    ]


def close(month: Month, label: str) -> tuple[float, float]:
    waived = [word for check in CHECKS for word in ("--waive", f"{check}=measured")]
    return run([str(FINOPS), "-c", month.settings, "period", "close", label, "--yes", *waived])


def alone(month: Month, label: str) -> tuple[float, float]:
    return run([str(FINOPS.parent / "python"), "-c", ALONE, month.settings, label])


def late(month: Month) -> Path:
    """A run of the closed month that comes to light after it was closed."""
    path = OUT / "late.txt"
    write_sacct(path, 1, START + MONTH // 2, projects=PROJECTS)
    text = path.read_text()
    path.write_text(text.replace("\n1000|1000|", f"\n{1000 + month.runs}|{1000 + month.runs}|"))
    return path


def prepare(found: Found) -> None:
    """A ledger with a month's runs, priced, to be copied."""
    month = found.month
    path = OUT / f"month-{month.runs}-{month.each}.txt"
    if not path.exists():
        write_sacct(path, month.runs, projects=PROJECTS, each=month.each)
    remove(f"close-{month.name}.db")
    collect(path, month.settings)
    found.note("price", lambda: price(month.settings))
    remove("close-priced.db")
    shutil.move(OUT / f"close-{month.name}.db", OUT / "close-priced.db")


def measured(month: Month, rounds: int) -> Found:
    """Close a month and all that follows, in turn on copies of one ledger."""
    database = f"close-{month.name}.db"
    command = [str(FINOPS), "-c", month.settings]
    found = Found(month)
    prepare(found)
    for i in range(rounds):
        click.echo(f"round {i + 1} of {rounds}", err=True)
        for name, how in (("close", close), ("alone", alone)):
            remove(database)
            shutil.copy(OUT / "close-priced.db", OUT / database)
            found.note(name, partial(how, month, CLOSED))
        found.note("print", lambda: run(["sqlite3", database], PRINT))
        found.note("verify", lambda: run([*command, "period", "verify"]))
        found.note("focus", lambda: run([*command, "export", "focus", CLOSED, "--out", "june.csv"]))
        collect(late(month), month.settings)
        found.note("reprice", lambda: price(month.settings))
        found.note("next", lambda: alone(month, NEXT))
    found.lines, found.corrections = counted(database)
    for name in (database, "close-priced.db", "close.csv", "june.csv"):
        remove(name)
    return found


def counted(database: str) -> tuple[int, int]:
    db = sqlite3.connect(OUT / database)
    lines = dict(db.execute("SELECT label, lines FROM periods").fetchall())
    db.close()
    return lines[CLOSED], lines[NEXT]


SAID = {
    "price": "`price`",
    "close": "`period close`, which looks at readiness first",
    "alone": "closing alone: staged, rounded, hashed, written",
    "print": "the sqlite3 shell prints the lines as CSV",
    "verify": "`period verify`",
    "focus": "`export focus`, CSV",
    "reprice": "`price` after a late run",
    "next": "closing the next month alone, which corrects this one",
}
#: What each is told beside.
FLOOR = {"verify": "print", "focus": "print", "next": "alone"}
TITLES = {
    "usual": "{experiments} experiments; a pool, overhead and a line",
    "small": "{experiments} experiments; a pool, overhead and a line",
    "bare": "{experiments} experiments; nothing is shared",
    "distinct": "each an experiment of its own; nothing is shared",
    "worst": "each an experiment of its own; a pool, overhead and a line",
}


def table(found: Found) -> str:
    month = found.month
    title = TITLES[month.name].format(experiments=f"{month.runs // month.each:,}")
    rows = []
    for name, wall in found.wall.items():
        work, ratios = found.work[name], ["", ""]
        if floor := FLOOR.get(name):
            beside = " × printing" if floor == "print" else " × the first"
            ratios = [ratio(of[name], of[floor]) + beside for of in (found.wall, found.work)]
        rows.append(
            f"| {SAID[name]} | {wall.median:.1f} | {ratios[0]} | {work.median:.1f} | {ratios[1]} "
            f"| {max(wall.memory):.0f} |"
        )
    return "\n".join([
        f"{month.runs:,} runs, {title}: {found.lines:,} lines, and {found.corrections:,} in the "
        "next month.", "",
        "| what | s | ratio | s of a processor | ratio | peak MiB |", "|---|---|---|---|---|---|",
        *rows,
    ])  # fmt: skip


@click.command()
@click.option("--runs", default=1_000_000, show_default=True, help="Runs of the month.")
@click.option("--rounds", default=3, show_default=True, help="How often each is measured.")
@click.option("--only", multiple=True, type=click.Choice(list(TITLES)),
              help="Measure this month; may be given again.  [default: usual, small, bare]")
@click.option("--write/--no-write", default=True, show_default=True,
              help="Write docs/benchmarks.md.")
def main(runs: int, rounds: int, only: tuple[str, ...], write: bool) -> None:
    """Measure closing a month, exporting and verifying it, and correcting it in the next.

    \b
    Examples:
      scripts/bench close
      scripts/bench close --runs 100000 --rounds 1 --only usual --no-write
    """
    OUT.mkdir(exist_ok=True)
    asked = only or ("usual", "small", "bare")
    said = "\n\n".join([
        f"{rounds} rounds, medians; the first `price` once.",
        *(table(measured(month, rounds)) for month in months(runs) if month.name in asked),
    ])  # fmt: skip
    click.echo(said)
    if write:
        page = Path(ROOT, "docs", "benchmarks.md")
        head, _, rest = page.read_text().partition("<!-- close -->\n")
        tail = rest.partition("<!-- end of close -->\n")[2]
        page.write_text(f"{head}<!-- close -->\n{said}\n<!-- end of close -->\n{tail}")


if __name__ == "__main__":
    main()

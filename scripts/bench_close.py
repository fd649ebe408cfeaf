"""Closing a month, writing its FOCUS rows, verifying it, and the next close; see scripts/bench."""

import importlib.util
import shutil
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
from bench_input import MONTH, START, TEAMS, write_sacct
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
FOCUS = """\
import sys
from pathlib import Path

from zoneinfo import ZoneInfo

from slurm_finops.core.period import Calendar
from slurm_finops.exports.focus import About, rows
from slurm_finops.exports.focus_files import write_csv
from slurm_finops.ledger import posted
from slurm_finops.ledger.store import Ledger

with Ledger.reading(sys.argv[1], "USD", "UTC") as ledger:
    named = posted.Named(ledger.db)
    lines = (
        line for period in posted.closed(ledger.db)
        for one in posted.statements_of(ledger.db, period.id)
        for _, line in posted.lines(ledger.db, one, period.label, named)
    )
    about = About(Calendar(ZoneInfo("UTC")), "USD", 2, "site", "site", "alpha")
    with Path(sys.argv[2]).open("w", newline="") as file:
        write_csv(rows(lines, about, "1.2"), file, "1.2")
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


class Found(NamedTuple):
    """What was measured of a month; ``lines``: how many it has, ``corrections``: the next."""

    month: Month
    timed: dict[str, Timed]
    lines: int
    corrections: int


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


def late(month: Month) -> Path:
    """A run of the closed month that comes to light after it was closed."""
    path = OUT / "late.txt"
    write_sacct(path, 1, START + MONTH // 2, projects=PROJECTS)
    text = path.read_text()
    path.write_text(text.replace("\n1000|1000|", f"\n{1000 + month.runs}|{1000 + month.runs}|"))
    return path


def prepared(month: Month) -> tuple[float, float]:
    """A ledger with a month's runs, priced, to be copied; what pricing took."""
    path = OUT / f"month-{month.runs}-{month.each}.txt"
    if not path.exists():
        write_sacct(path, month.runs, projects=PROJECTS, each=month.each)
    remove(f"close-{month.name}.db")
    collect(path, month.settings)
    found = price(month.settings)
    remove("close-priced.db")
    shutil.move(OUT / f"close-{month.name}.db", OUT / "close-priced.db")
    return found


def measured(month: Month, rounds: int) -> Found:
    """Close a month and all that follows, in turn on copies of one ledger."""
    names = ["price", "close", "print", "verify", "focus", "reprice", "next"]
    timed = {name: Timed(name) for name in names}
    database = f"close-{month.name}.db"

    def note(name: str, found: tuple[float, float]) -> None:
        timed[name].seconds.append(found[0])
        timed[name].memory.append(found[1])
        click.echo(f"  {month.name}, {name}: {found[0]:.1f} s, {found[1]:.0f} MiB", err=True)

    priced = prepared(month)
    lines = corrections = 0
    for i in range(rounds):
        click.echo(f"round {i + 1} of {rounds}", err=True)
        note("price", priced)
        remove(database)
        shutil.copy(OUT / "close-priced.db", OUT / database)
        note("close", close(month, CLOSED))
        note("print", run(["sqlite3", database], PRINT))
        note("verify", run([str(FINOPS), "-c", month.settings, "period", "verify"]))
        if importlib.util.find_spec("slurm_finops.exports"):
            python = str(FINOPS.parent / "python")
            note("focus", run([python, "-c", FOCUS, database, "focus.csv"]))
        collect(late(month), month.settings)
        note("reprice", price(month.settings))
        note("next", close(month, NEXT))
        lines, corrections = counted(database)
    if not timed["focus"].seconds:
        del timed["focus"]
    for name in (database, "close-priced.db", "close.csv", "focus.csv"):
        remove(name)
    return Found(month, timed, lines, corrections)


def counted(database: str) -> tuple[int, int]:
    db = sqlite3.connect(OUT / database)
    lines = dict(db.execute("SELECT label, lines FROM periods").fetchall())
    db.close()
    return lines[CLOSED], lines[NEXT]


SAID = {
    "price": "`price`",
    "close": "`period close`",
    "print": "the sqlite3 shell prints the lines as CSV, the floor of what follows",
    "verify": "`period verify`",
    "focus": "daily FOCUS 1.2 as CSV",
    "reprice": "`price` after a late run",
    "next": "`period close` of the next month, which corrects it",
}
FLOOR = {"close": "price", "verify": "print", "focus": "print", "next": "close"}
TITLES = {
    "usual": "{experiments} experiments; pool, overhead and line",
    "small": "the same, a tenth of the runs",
    "bare": "{experiments} experiments; nothing is shared",
    "distinct": "each run an experiment of its own; nothing is shared",
    "worst": "each run an experiment of its own; pool, overhead and line",
}


def table(found: Sequence[Found], rounds: int) -> str:
    said = [f"{rounds} rounds, medians; the seconds of `price` are of one."]
    for month, timed, lines, corrections in found:
        title = TITLES[month.name].format(experiments=f"{month.runs // month.each:,}")
        said += [
            "", f"{month.runs:,} runs, {title}: {lines:,} lines, and {corrections:,} of the next "
            "month.", "",
            "| what | s | ratio | peak MiB |", "|---|---|---|---|",
        ]  # fmt: skip
        for name, one in timed.items():
            beside = FLOOR.get(name)
            of = f"{ratio(one, timed[beside])} × {SAID[beside]}" if beside else ""
            of = of.replace(SAID["print"], "floor")
            said.append(f"| {SAID[name]} | {one.median:.1f} | {of} | {max(one.memory):.0f} |")
    return "\n".join(said)


@click.command()
@click.option("--runs", default=1_000_000, show_default=True, help="Runs of the month.")
@click.option("--rounds", default=3, show_default=True, help="How often each is measured.")
@click.option("--only", multiple=True, type=click.Choice(list(TITLES)),
              help="Measure this month; may be given again.  [default: all but worst]")
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
    asked = only or tuple(name for name in TITLES if name != "worst")
    found = [measured(month, rounds) for month in months(runs) if month.name in asked]
    said = table(found, rounds)
    click.echo(said)
    if write:
        page = Path(ROOT, "docs", "benchmarks.md")
        head, _, rest = page.read_text().partition("<!-- close -->\n")
        tail = rest.partition("<!-- end of close -->\n")[2]
        page.write_text(f"{head}<!-- close -->\n{said}\n<!-- end of close -->\n{tail}")


if __name__ == "__main__":
    sys.exit(main())

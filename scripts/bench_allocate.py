"""Sharing a year of pools beside pricing the same runs; see scripts/bench."""

import shutil
from pathlib import Path

import click
from bench_input import START, YEAR, write_sacct
from benchmarks import FLAT, OUT, ROOT, Timed, collect, config, price, ratio, remove

RATE = FLAT.replace("2026", "2025")
#: Twelve months that are over, so that every day of them has a cost.
FIRST = START - YEAR
BILL = """
[[pools]]
name = "bill"
kind = "owned"
sku = "gres/gpu:h100"
from = 2025-06-01
until = 2026-06-01
hourly = "50000.00"
"""
RULES = BILL + """
[[overhead]]
name = "services"
accounts = ["platform"]
spread = "even"
[[lines]]
name = "egress"
amount = "1900.00"
every = "month"
from = 2025-06-01
until = 2026-06-01
spread = "proportional"
"""


def measured(runs: int, rounds: int) -> list[Timed]:
    """Plain pricing, and with pools and rules, in turn on copies of one ledger."""
    path = OUT / f"year-{runs}.txt"
    if not path.exists():
        write_sacct(path, runs, FIRST, YEAR)
    remove("year.db")
    collect(path, config("year", RATE))
    names = ("price", "share", "again", "rules")
    timed = {name: Timed(name) for name in names}
    settings = {
        "price": RATE, "share": RATE + BILL, "again": RATE + BILL.replace("50000", "60000"),
        "rules": RATE + RULES,
    }  # fmt: skip
    for i in range(rounds):
        click.echo(f"round {i + 1} of {rounds}", err=True)
        for name in names:
            if name != "again":
                remove("allocate.db")
                shutil.copy(OUT / "year.db", OUT / "allocate.db")
            seconds, memory = price(config("allocate", settings[name]))
            timed[name].seconds.append(seconds)
            timed[name].memory.append(memory)
            click.echo(f"  {name}: {seconds:.1f} s, {memory:.0f} MiB", err=True)
    return list(timed.values())


@click.command()
@click.option("--runs", default=1_000_000, show_default=True, help="Runs over twelve months.")
@click.option("--rounds", default=5, show_default=True, help="How often each is measured.")
@click.option("--write/--no-write", default=True, show_default=True,
              help="Write docs/benchmarks.md.")
def main(runs: int, rounds: int, write: bool) -> None:
    """Measure sharing hourly pools over a year beside pricing.

    \b
    Examples:
      scripts/bench allocate
      scripts/bench allocate --runs 100000 --rounds 1 --no-write
    """
    OUT.mkdir(exist_ok=True)
    plain, shared, again, rules = measured(runs, rounds)
    rows = [
        ("`price`, one rate", plain, "1"),
        ("`price`, and a year's bill shared hour by hour", shared,
         f"{ratio(shared, plain)} × price"),
        ("`price` after the bill has changed: sharing alone", again,
         f"{ratio(again, plain)} × price"),
        ("`price`, the bill, overhead and a line", rules, f"{ratio(rules, plain)} × price"),
    ]  # fmt: skip
    table = "\n".join([
        f"{runs:,} runs over twelve months, {rounds} rounds, medians.", "",
        "| what | median s | peak MiB | ratio |", "|---|---|---|---|",
        *(f"| {name} | {one.median:.1f} | {max(one.memory):.0f} | {said} |"
          for name, one, said in rows),
    ])  # fmt: skip
    click.echo(table)
    if write:
        page = Path(ROOT, "docs", "benchmarks.md")
        head, _, rest = page.read_text().partition("<!-- allocate -->\n")
        tail = rest.partition("<!-- end of allocate -->\n")[2]
        page.write_text(f"{head}<!-- allocate -->\n{table}\n<!-- end of allocate -->\n{tail}")


if __name__ == "__main__":
    main()

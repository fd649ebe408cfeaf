"""A charging policy beside pricing the same runs without one; see scripts/bench."""

import resource
import shutil
from itertools import pairwise
from pathlib import Path

import click
from bench_allocate import FIRST
from bench_input import TEAMS, YEAR, write_sacct
from benchmarks import OUT, ROOT, Timed, collect, config, price, ratio, remove

KINDS = ("academic", "academic", "internal", "industry", "industry")
#: Every run is charged for its GPUs, its CPUs and its memory.
RATES = (("gres/gpu:h100", "3.92", 1), ("cpu", "0.04", 1), ("mem", "0.005", 1024))
HEAD = 'cluster = "alpha"\ncurrency = "USD"\n' + "".join(
    f'[[rates]]\nsku = "{sku}"\nprice = "{micros}"\nper = {per}\nfrom = 2025-01-01\n'
    for sku, micros, per in RATES
)
CLASS_RATES = "".join(
    f'[[rates]]\nsku = "gres/gpu:h100"\nprice = "{micros}"\nfrom = 2025-01-01\n'
    f'match = {{ class = "{name}" }}\n{more}'
    for name, micros, more in (
        ("academic", "2.80", 'subsidy = "1.40"\n'), ("industry", "4.90", ""),
    )
)  # fmt: skip
FACTORS = "".join(
    f'[[factors]]\nname = "{name}"\nfactor = "{factor}"\n{more}\n'
    for name, factor, more in (
        ("normal", "21/20", 'match = { qos = "normal" }'),
        ("partition", "1.1", 'match = { partition = "h100" }\nskus = ["gres/gpu"]'),
        ("cv", "0.9", 'match = { account = "cv" }'),
        ("summer", "0.95", "from = 2025-07-01\nuntil = 2025-09-01"),
        ("memory", "1/2", 'skus = ["mem"]'),
    )
)
GROUP = '[[groups]]\nname = "node share"\nskus = ["cpu", "mem", "gres/gpu"]\ncombine = "max"\n'
FORGIVE = '[[forgive]]\nname = "failed"\nstates = ["FAILED"]\n'


def teams(classes: bool) -> str:
    """The registry, with a class of each team or without."""
    return "".join(
        f'[[teams]]\nname = "{team}"\n' + (f'class = "{kind}"\n' if classes else "")
        for team, kind in zip(TEAMS, KINDS, strict=True)
    )


def lots() -> str:
    """200 allocations: GPU-hours a quarter for each project, and money a month for each team.

    A run's project uses about 75,000 GPU-hours a quarter: every other of its
    allocations is used up before its time, and so are the teams' of six months.
    """
    quarters = ("2025-06-01", "2025-09-01", "2025-12-01", "2026-03-01", "2026-06-01")
    months = [f"20{25 + (5 + i) // 12}-{(5 + i) % 12 + 1:02d}-01" for i in range(13)]
    found = []
    for team in TEAMS:
        for number in range(7):
            for i, (start, end) in enumerate(pairwise(quarters)):
                hours = 50_000 if (number + i) % 2 else 100_000
                found.append(
                    f'[[allocations]]\nname = "{team}-p{number} {start}"\nteam = "{team}"\n'
                    f'project = "{team}-p{number}"\ngpu_hours = "{hours}"\n'
                    f"from = {start}\nuntil = {end}\n"
                )
        for i, (start, end) in enumerate(pairwise(months)):
            amount = "50000.00" if i % 2 else "500000.00"
            found.append(
                f'[[allocations]]\nname = "{team} {start}"\nteam = "{team}"\n'
                f'amount = "{amount}"\nfrom = {start}\nuntil = {end}\n'
            )
    return "".join(found[:200])


SETTINGS = {
    "plain": HEAD + teams(False),
    "classes": HEAD + CLASS_RATES + teams(True),
    "factors": HEAD + FACTORS + teams(False),
    "group": HEAD + GROUP + teams(False),
    "forgive": HEAD + FORGIVE + teams(False),
    "lots": HEAD + lots() + teams(False),
    "whole": HEAD + CLASS_RATES + FACTORS + GROUP + FORGIVE + lots() + teams(True),
}
SAID = {
    "plain": "`price`, rates of GPU, CPU and memory",
    "classes": "classes of teams, two with rates of their own, one subsidised",
    "factors": "five factors",
    "group": "a group of the three, of which the dearest is paid",
    "forgive": "a rule that forgives failed runs",
    "lots": "200 allocations",
    "whole": "all of these",
}


def busy() -> float:
    """Seconds of a processor that all commands so far took, their own and the kernel's."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measured(runs: int, rounds: int, names: list[str]) -> list[tuple[Timed, Timed]]:
    """Each of these, in turn on copies of one ledger: wall seconds, and a processor's."""
    path = OUT / f"year-{runs}.txt"
    if not path.exists():
        write_sacct(path, runs, FIRST, YEAR)
    remove("year.db")
    collect(path, config("year", HEAD))
    timed = {name: (Timed(name), Timed(name)) for name in names}
    for i in range(rounds):
        click.echo(f"round {i + 1} of {rounds}", err=True)
        for name in names:
            remove("policy.db")
            shutil.copy(OUT / "year.db", OUT / "policy.db")
            wall, work = timed[name]
            before = busy()
            seconds, memory = price(config("policy", SETTINGS[name]))
            work.seconds.append(busy() - before)
            wall.seconds.append(seconds)
            wall.memory.append(memory)
            click.echo(
                f"  {name}: {seconds:.1f} s, {work.seconds[-1]:.1f} s of a processor, "
                f"{memory:.0f} MiB", err=True,
            )  # fmt: skip
    return list(timed.values())


@click.command()
@click.option("--runs", default=1_000_000, show_default=True, help="Runs over twelve months.")
@click.option("--rounds", default=5, show_default=True, help="How often each is measured.")
@click.option("--only", multiple=True, type=click.Choice(list(SETTINGS)[1:]),
              help="Measure this beside plain pricing; may be given again.  [default: all]")
@click.option("--write/--no-write", default=True, show_default=True,
              help="Write docs/benchmarks.md.")
def main(runs: int, rounds: int, only: tuple[str, ...], write: bool) -> None:
    """Measure pricing under a charging policy beside pricing without one.

    \b
    Examples:
      scripts/bench policy
      scripts/bench policy --runs 100000 --rounds 1 --only lots --no-write
    """
    OUT.mkdir(exist_ok=True)
    names = ["plain", *(name for name in SAID if name != "plain" and (name in only or not only))]
    found = measured(runs, rounds, names)
    plain, plain_work = found[0]
    table = "\n".join([
        f"{runs:,} runs over twelve months, {rounds} rounds, medians; ratios to the first row.", "",
        "| what | s | ratio | s of a processor | ratio | peak MiB |", "|---|---|---|---|---|---|",
        *(f"| {SAID[wall.name]} | {wall.median:.1f} | {ratio(wall, plain)} "
          f"| {work.median:.1f} | {ratio(work, plain_work)} | {max(wall.memory):.0f} |"
          for wall, work in found),
    ])  # fmt: skip
    click.echo(table)
    if write:
        page = Path(ROOT, "docs", "benchmarks.md")
        head, _, rest = page.read_text().partition("<!-- policy -->\n")
        tail = rest.partition("<!-- end of policy -->\n")[2]
        page.write_text(f"{head}<!-- policy -->\n{table}\n<!-- end of policy -->\n{tail}")


if __name__ == "__main__":
    main()

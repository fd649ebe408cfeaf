"""300 mails of a month with their charts, from a ledger of a million runs; see scripts/bench."""

import re
import shutil
from pathlib import Path

import click
from bench_allocate import FIRST
from bench_input import TEAMS, YEAR, write_sacct
from benchmarks import (
    FINOPS,
    FLAT,
    OUT,
    ROOT,
    Timed,
    collect,
    config,
    price,
    ratio,
    remove,
    run,
    run_tree,
)

#: Of each of five teams; with the teams they are 300 owners, each with a page of its own.
PROJECTS = 59
MONTH = "2026-05"


def settings(recipients: int) -> str:
    """Every team and project has a budget and readers, so many in all."""
    owners = [(team, None) for team in TEAMS]
    owners += [(team, f"{team}-p{number}") for team in TEAMS for number in range(PROJECTS)]
    each, more = divmod(recipients, len(owners))
    found = []
    for i, (team, project) in enumerate(owners):
        readers = ", ".join(f'"r{i}-{k}@example.org"' for k in range(each + (i < more)))
        name = project or team
        table = "[[teams.projects]]" if project else "[[teams]]"
        found.append((team, not project, f'{table}\nname = "{name}"\nbudget = "2000000.00"\n'
                      f"email = [{readers}]\n"))  # fmt: skip
    found.sort(key=lambda one: (TEAMS.index(one[0]), not one[1]))
    mail = '[mail]\nfrom = "finops@example.org"\nsmtp = "smtp://127.0.0.1:9"\nevery = "month"\n'
    return "".join(text for *_, text in found) + mail


def written(name: str, text: str, mails: Path) -> tuple[float, float]:
    """Wall seconds and peak MiB of writing all mails of the month."""
    shutil.rmtree(mails, ignore_errors=True)
    command = [str(FINOPS), "-c", config(name, text), "send", "--period", MONTH, "--dry-run"]
    return run_tree([*command, "--out", str(mails)])


@click.command()
@click.option("--runs", default=1_000_000, show_default=True, help="Runs over twelve months.")
@click.option("--recipients", default=300, show_default=True, help="Mails of a month.")
@click.option("--rounds", default=3, show_default=True, help="How often each is measured.")
@click.option("--write/--no-write", default=True, show_default=True,
              help="Write docs/benchmarks.md.")
def main(runs: int, recipients: int, rounds: int, write: bool) -> None:
    """Measure rendering a month's mails beside one report of the same month.

    \b
    Examples:
      scripts/bench reports
      scripts/bench reports --runs 100000 --recipients 30 --rounds 1 --no-write
    """
    OUT.mkdir(exist_ok=True)
    path = OUT / f"projects-{runs}.txt"
    if not path.exists():
        write_sacct(path, runs, FIRST, YEAR, projects=PROJECTS)
    remove("mails.db")
    rates = FLAT.replace("2026", "2025")
    collect(path, config("mails", rates))
    price(config("mails", rates))
    mails = OUT / "mails"
    one, many = Timed("report"), Timed("mails")
    for i in range(rounds):
        click.echo(f"round {i + 1} of {rounds}", err=True)
        found = run([str(FINOPS), "-c", config("mails", rates), "report", "--period", MONTH])
        told = written("mails", rates + settings(recipients), mails)
        for timed, (seconds, memory) in ((one, found), (many, told)):
            timed.seconds.append(seconds)
            timed.memory.append(memory)
            click.echo(f"  {timed.name}: {seconds:.1f} s, {memory:.0f} MiB", err=True)
    files = sorted(mails.glob("*.eml"))
    assert len(files) == recipients, len(files)
    charts = sum(len(re.findall(rb"Content-Type: image/png", f.read_bytes())) for f in files)
    table = "\n".join([
        f"{runs:,} runs over twelve months; the mails of one month, {rounds} rounds, medians.", "",
        "| what | s | ratio | peak MiB |", "|---|---|---|---|",
        f"| `report` of the month as a table | {one.median:.1f} | {ratio(one, one)} "
        f"| {max(one.memory):.0f} |",
        f"| {recipients:,} mails with {charts:,} charts | {many.median:.1f} | {ratio(many, one)} "
        f"| {max(many.memory):.0f} |",
    ])  # fmt: skip
    click.echo(table)
    if write:
        page = Path(ROOT, "docs", "benchmarks.md")
        head, _, rest = page.read_text().partition("<!-- reports -->\n")
        tail = rest.partition("<!-- end of reports -->\n")[2]
        page.write_text(f"{head}<!-- reports -->\n{table}\n<!-- end of reports -->\n{tail}")


if __name__ == "__main__":
    main()

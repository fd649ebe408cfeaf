"""Collecting and pricing, side by side with a floor and a peer; see scripts/bench.

Every figure is of a whole process: wall time, and the most memory it held
(the kernel's own account).  What is compared runs in turn within one call, and
is told as ratios: machines differ, and one machine differs from itself.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import click
from bench_input import spot_rates, write_sacct

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench-out"
FINOPS = ROOT / ".venv" / "bin" / "slurm-finops"
FLAT = 'cluster = "alpha"\ncurrency = "USD"\n[[rates]]\nsku = "gres/gpu:h100"\n' \
       'price = "3.92"\nfrom = 2026-01-01\n'  # fmt: skip
PEER = """\
import csv, datetime, sqlite3, sys
from slurm2sql import slurm2sql

class Rows(csv.DictReader):
    # it reads local times only; the file has epoch seconds
    def __next__(self):
        row = super().__next__()
        for name in ("Submit", "Start", "End"):
            row[name] = datetime.datetime.utcfromtimestamp(int(row[name])).isoformat()
        return row

with open(sys.argv[1], newline="") as file:
    rows = Rows(file, delimiter="|", quoting=csv.QUOTE_NONE)
    slurm2sql(sqlite3.connect(sys.argv[2]), update=True, jobs_only=True, csv_input=rows)
"""


@dataclass
class Timed:
    """Runs of one command: wall seconds and peak MiB of each."""

    name: str
    seconds: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def run(command: list[str], stdin: str | None = None) -> tuple[float, float]:
    """Wall seconds and peak MiB of a command; raises if it fails."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=OUT
    )
    if process.stdin:
        process.stdin.write(stdin or "")
        process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise click.ClickException(f"{' '.join(command)} failed ({process.returncode})")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def run_tree(command: list[str]) -> tuple[float, float]:
    """The same of a command that starts others: the MiB of all of them, looked at every 0.2 s.

    What they share is counted once (Linux's Pss).
    """
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=OUT)
    most = 0
    while True:
        try:
            code = process.wait(0.2)
            break
        except subprocess.TimeoutExpired:
            most = max(most, sum(map(_pss, _tree(process.pid))))
    if code:
        raise click.ClickException(f"{' '.join(command)} failed ({code})")
    return time.perf_counter() - began, most / 1024


def _tree(pid: int) -> list[int]:
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(found for child in below for found in _tree(int(child)))]


def _pss(pid: int) -> int:
    """KiB of a process; 0 of one that has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def remove(name: str) -> None:
    for path in OUT.glob(f"{name}*"):
        path.unlink()


def config(name: str, text: str) -> str:
    path = OUT / f"{name}.toml"
    path.write_text(text + f'\ndatabase = "{name}.db"\n' if "[[rates]]" not in text else
                    f'database = "{name}.db"\n' + text)  # fmt: skip
    return str(path)


def input_file(runs: int) -> Path:
    path = OUT / f"sacct-{runs}.txt"
    if not path.exists():
        click.echo(f"writing {path.name} …", err=True)
        write_sacct(path, runs)
    return path


def floor(path: Path) -> tuple[float, float]:
    """The sqlite3 shell reads the same file into a table of texts: no parsing, no key."""
    remove("floor.db")
    return run(["sqlite3", "floor.db", ".mode list", ".separator |", f".import {path} jobs"])


def collect(path: Path, settings: str) -> tuple[float, float]:
    words = ("collect", "sacct", "--delimiter", "|", "--file", str(path))
    return run([str(FINOPS), "-c", settings, *words])


def price(settings: str) -> tuple[float, float]:
    return run([str(FINOPS), "-c", settings, "price"])


def peer_environment() -> str:
    """slurm2sql 0.9.9 in an environment of its own."""
    python = OUT / "peer" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(OUT / "peer")], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "slurm2sql==0.9.9"], check=True)
    (OUT / "peer.py").write_text(PEER)
    return str(python)


def main_table(runs: int, rounds: int) -> list[Timed]:
    """Floor, collecting and pricing in turn, ``rounds`` times."""
    path = input_file(runs)
    flat, spot = config("flat", FLAT), config("spot", Path(spot_rates(OUT)).read_text())
    names = ("floor", "collect", "flat", "spot", "again", "repriced")
    timed = {name: Timed(name) for name in names}

    def measure(name: str, answer: tuple[float, float]) -> None:
        timed[name].seconds.append(answer[0])
        timed[name].memory.append(answer[1])
        click.echo(f"  {name}: {answer[0]:.1f} s, {answer[1]:.0f} MiB", err=True)

    for i in range(rounds):
        click.echo(f"round {i + 1} of {rounds}", err=True)
        for name in ("flat.db", "spot.db"):
            remove(name)
        measure("floor", floor(path))
        measure("collect", collect(path, flat))
        shutil.copy(OUT / "flat.db", OUT / "spot.db")
        measure("flat", price(flat))
        measure("spot", price(spot))
        measure("again", collect(path, flat))
        measure("repriced", price(config("flat", FLAT.replace("3.92", "4.01"))))
        config("flat", FLAT)
    return list(timed.values())


def small_tables(runs: int) -> tuple[Timed, Timed, Timed, Timed]:
    """A day's file collected again; ``--help`` beside importing click alone."""
    day, helped, bare = Timed("one day again"), Timed("--help"), Timed("import click")
    whole = input_file(runs)
    short = OUT / "day.txt"
    with whole.open() as source, short.open("w") as target:
        for i, line in enumerate(source):
            if i > runs // 30:
                break
            target.write(line)
    flat = str(OUT / "flat.toml")
    python = str(FINOPS.parent / "python")
    fresh = Timed("one day, first")
    for _ in range(5):
        remove("fresh.db")
        fresh.seconds.append(collect(short, config("fresh", FLAT))[0])
        day.seconds.append(collect(short, flat)[0])
        bare.seconds.append(run([python, "-c", "import click"])[0])
        helped.seconds.append(run([str(FINOPS), "--help"])[0])
    return day, helped, bare, fresh


def ratio(one: Timed, two: Timed) -> str:
    """Pair by pair: median, and the spread."""
    pairs = sorted(a / b for a, b in zip(one.seconds, two.seconds, strict=True))
    return f"{statistics.median(pairs):.2f} ({pairs[0]:.2f}–{pairs[-1]:.2f})"


@click.command()
@click.option("--runs", default=1_000_000, show_default=True, help="Runs in the file.")
@click.option("--rounds", default=5, show_default=True, help="How often each is measured.")
@click.option("--memory-runs", default=5_000_000, show_default=True,
              help="Runs of the larger file, collected once for its memory; 0 leaves it out.")
@click.option("--peer/--no-peer", default=True, show_default=True, help="Measure slurm2sql too.")
@click.option("--write/--no-write", default=True, show_default=True,
              help="Write docs/benchmarks.md.")
def main(runs: int, rounds: int, memory_runs: int, peer: bool, write: bool) -> None:
    """Measure collecting and pricing beside a floor and a peer.

    \b
    Examples:
      scripts/bench
      scripts/bench --runs 100000 --rounds 1 --memory-runs 0 --no-peer --no-write
    """
    OUT.mkdir(exist_ok=True)
    floor_, collected, flat, spot, again, repriced = main_table(runs, rounds)
    day, helped, bare, fresh = small_tables(runs)
    lines = [
        f"| the sqlite3 shell's `.import`, the floor | {floor_.median:.1f} "
        f"| {max(floor_.memory):.0f} | 1 |",
        f"| `collect`, with key and indexes | {collected.median:.1f} | {max(collected.memory):.0f} "
        f"| {ratio(collected, floor_)} × floor |",
        f"| `collect` of the same file again | {again.median:.1f} | {max(again.memory):.0f} "
        f"| {ratio(again, collected)} × collect |",
        f"| `price`, one rate | {flat.median:.1f} | {max(flat.memory):.0f} "
        f"| {ratio(flat, collected)} × collect |",
        f"| `price`, a 5-minute spot series | {spot.median:.1f} | {max(spot.memory):.0f} "
        f"| {ratio(spot, collected)} × collect |",
    ]
    lines.append(
        f"| `price` again, after the rate has changed | {repriced.median:.1f} "
        f"| {max(repriced.memory):.0f} | {ratio(repriced, flat)} × the first |"
    )
    if peer:
        remove("peer.db")
        seconds, memory = run(
            [peer_environment(), "peer.py", str(input_file(runs)), str(OUT / "peer.db")]
        )
        lines.append(
            f"| slurm2sql 0.9.9, the peer | {seconds:.1f} | {memory:.0f} "
            f"| {seconds / collected.median:.1f} × collect |"
        )
    lines += [
        f"| `collect` of one day, first | {fresh.median:.2f} | | |",
        f"| `collect` of one day already in the ledger | {day.median:.2f} | | "
        f"{ratio(day, fresh)} × the first |",
        f"| `slurm-finops --help` | {helped.median:.3f} | | "
        f"{ratio(helped, bare)} × `python -c \"import click\"` |",
    ]
    if memory_runs:
        remove("large.db")
        large = config("large", FLAT)
        seconds, memory = collect(input_file(memory_runs), large)
        priced, price_memory = price(large)
        lines += [
            f"| `collect` of {memory_runs:,} runs | {seconds:.1f} | {memory:.0f} | |",
            f"| `price` of {memory_runs:,} runs | {priced:.1f} | {price_memory:.0f} | |",
        ]
    table = "\n".join(["| what | median s | peak MiB | ratio |", "|---|---|---|---|", *lines])
    click.echo(table)
    if write:
        _write_docs(table, runs, rounds)


def _write_docs(table: str, runs: int, rounds: int) -> None:
    """Put the table between the marks of docs/benchmarks.md."""
    page = ROOT / "docs" / "benchmarks.md"
    head, _, rest = page.read_text().partition("<!-- table -->\n")
    _, _, tail = rest.partition("<!-- end -->\n")
    size = input_file(runs).stat().st_size / 1e6
    version = sys.version.split()[0]
    said = (
        f"{runs:,} runs, {size:.0f} MB, {rounds} rounds, medians; Python {version}, "
        f"SQLite {__import__('sqlite3').sqlite_version}, {os.cpu_count()} cores.\n\n"
    )
    page.write_text(f"{head}<!-- table -->\n{said}{table}\n<!-- end -->\n{tail}")


if __name__ == "__main__":
    main()

"""collect: what ran, from Slurm's accounting into the ledger."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slurm_finops.cli.app import FORMAT, App, echo_json, now, pass_app, progress
from slurm_finops.core.words import count
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slurm_finops.cli.collecting import Source
    from slurm_finops.ledger.ingest import Tally
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.sources.sacct.saved import SavedFile
    from slurm_finops.sources.sacct.stream import Batch


@click.group()
def collect() -> None:
    """Read what ran into the ledger; doing it twice changes nothing.

    \b
    Examples:
      slurm-finops collect sacct
      slurm-finops collect sacct --since 2026-01-01
      slurm-finops collect sacct --file june.txt.gz
      slurm-finops collect pyslurm
      slurm-finops collect nodes
      slurm-finops collect reservations
    """


@collect.command("sacct")
@click.option("--file", "path", metavar="FILE", help="A saved sacct file (.gz too); - is stdin.")
@click.option("--delimiter", help="Of the saved file.  [default: as in its header]")
@click.option("--timezone", metavar="ZONE", help="Of times without an offset in the saved file.  "
              "[default: the configured one]")
@click.option("--since", metavar="DATE", help="Collect from here, live.  [default: where the last "
              "collection was whole]")
@click.option("--until", metavar="DATE", help="Collect up to here, live.  [default: now]")
@click.option("--live", "only_live", is_flag=True, help="Only keep the seals and tags of jobs that "
              "wait or run now: light, for cron every few minutes.")
@click.option("--print-command", is_flag=True, help="Print the command that saves such a file "
              "where Slurm is, and collect nothing.")
@FORMAT
@pass_app
def sacct(
    app: App, path: str | None, delimiter: str | None, timezone: str | None, since: str | None,
    until: str | None, only_live: bool, print_command: bool, style: str,
) -> None:  # fmt: skip
    """Collect runs from Slurm's accounting, live or from a saved file.

    Live, a first collection begins with this billing month (--since names an
    earlier day), and each later one goes on two days before the last one's end.

    \b
    Where Slurm's clients are on another machine, save a file there:
      slurm-finops collect sacct --print-command --since 2026-06-01 --until 2026-07-01
    prints the command for it; copy the file here, and
      slurm-finops collect sacct --file june.txt

    What an epilog writes over AdminComment is not lost where seals were seen
    before the job's end; the cron line for that:
      */5 * * * *  slurm-finops collect sacct --live

    Records that cannot be read are kept with the reason: slurm-finops problems.
    """
    if only_live:
        if path or since or until or print_command:
            raise click.UsageError("--live takes no file and no window")
        _look(app, style)
        return
    if print_command:
        click.echo(save_command(since, until))
        return
    if path is not None:
        if since or until:
            raise click.UsageError("--since and --until are for a live collection, not for --file")
        tally = from_file(app, path, delimiter, timezone)
        named = [] if path == "-" else [Path(path).name]
    else:
        for name, given in (("--timezone", timezone), ("--delimiter", delimiter)):
            if given is not None:
                raise click.UsageError(f"{name} is for --file: a live collection needs none")
        with app.writing("collect") as ledger:
            tally, named = live(app, ledger, since, until), []
    _tell(tally, named, style)


@collect.command("pyslurm")
@click.option("--since", metavar="DATE", help="Collect from here.  [default: where the last "
              "collection was whole]")
@click.option("--until", metavar="DATE", help="Collect up to here.  [default: now]")
@FORMAT
@pass_app
def pyslurm(app: App, since: str | None, until: str | None, style: str) -> None:
    """Collect the same runs from Slurm's accounting, through pyslurm.

    sacct and pyslurm give equal runs, so either goes on where the other ended.  scontrol
    and squeue are asked, too.  pyslurm must be of your Slurm's release:

    \b
      pip install 'slurm-finops[pyslurm]' 'pyslurm==25.11.*'

    A pyslurm that is missing, of another release, or blind to GPUs is refused in one line
    (exit 3).  So is a day of which it cannot be proved that pyslurm shows every run of the
    jobs that were requeued or resized: collect it with sacct.

    \b
    Examples:
      slurm-finops collect pyslurm
      slurm-finops collect pyslurm --since 2026-06-01 --until 2026-07-01
    """
    from functools import partial

    from slurm_finops.cli.collecting import Source
    from slurm_finops.sources.pyslurm import load, read_jobs

    source = Source("pyslurm", partial(read_jobs, load()))
    with app.writing("collect") as ledger:
        tally = live(app, ledger, since, until, source)
    _tell(tally, [], style)


@collect.command("nodes")
@click.option("--file-nodes", metavar="FILE", help="A saved answer of scontrol (.gz too).")
@click.option("--file-events", metavar="FILE", help="A saved answer of sacctmgr (.gz too).")
@click.option("--print-command", is_flag=True, help="Print the commands that save such files "
              "where Slurm is, and collect nothing.")
@FORMAT
@pass_app
def nodes(
    app: App, file_nodes: str | None, file_events: str | None, print_command: bool, style: str
) -> None:
    """Collect what the nodes have, and when they were down, for pools with units = "slurm".

    [[reservations]] go by what nodes have, too.  A node that appears, changes or is gone
    counts so from the time of the collection on.  nightly does this, too, where the
    configuration has such a pool or reservations.

    \b
    Where Slurm's clients are on another machine, save files there, and collect them in
    the order in which they were saved:
      slurm-finops collect nodes --print-command
      slurm-finops collect nodes --file-nodes nodes.txt --file-events events.txt

    Records that cannot be read are kept with the reason: slurm-finops problems.
    """
    from slurm_finops.cli.node_collecting import SAVE, collect_nodes, read_files, read_live

    if print_command:
        click.echo(SAVE)
        return
    saved = file_nodes or file_events
    answer = read_files(file_nodes, file_events) if saved else read_live(app.config.cluster)
    with app.writing("collect") as ledger:
        found = collect_nodes(app, ledger, answer)
    if style == "json":
        echo_json(found._asdict())
    else:
        click.echo("\n".join(found.lines()))


@collect.command("reservations")
@click.option("--file", "path", metavar="FILE", help="A saved answer of sacctmgr (.gz too).")
@click.option("--print-command", is_flag=True, help="Print the command that saves such a file "
              "where Slurm is, and collect nothing.")
@FORMAT
@pass_app
def reservations(app: App, path: str | None, print_command: bool, style: str) -> None:
    """Collect Slurm's reservations and who holds them, for [[reservations]].

    A reservation that lasts is known up to the time of the collection.  nightly does
    this, too, where the configuration has [[reservations]].  What the nodes of one have
    comes from collect nodes.

    \b
    Where Slurm's clients are on another machine, save a file there:
      slurm-finops collect reservations --print-command
      slurm-finops collect reservations --file reservations.txt

    Records that cannot be read are kept with the reason: slurm-finops problems.
    """
    from slurm_finops.cli.reservation_collecting import (
        collect_reservations,
        read_file,
        read_live,
        save_command,
    )

    if print_command:
        click.echo(save_command(app.config.cluster))
        return
    at, shown = read_file(path) if path else read_live(app.config.cluster)
    with app.writing("collect") as ledger:
        found = collect_reservations(app, ledger, at, shown)
    if style == "json":
        echo_json(found._asdict())
    else:
        click.echo("\n".join(found.lines()))


def _tell(tally: Tally, named: list[str], style: str) -> None:
    if style == "json":
        echo_json(vars(tally))
    else:
        for line in [*named, *told(tally)]:
            click.echo(line)


def _look(app: App, style: str) -> None:
    from slurm_finops.cli.running import look_live

    with app.writing("collect") as ledger:
        jobs, sealed = look_live(ledger, app.config.cluster)
    if style == "json":
        echo_json({"jobs": jobs, "sealed": sealed})
    else:
        click.echo(f"{count(jobs, 'job')} waiting or running, {sealed:,} of them sealed")


def save_command(since: str | None, until: str | None) -> str:
    """What saves a file that --file reads: times in epoch seconds, a delimiter nobody can guess."""
    from secrets import token_hex

    from slurm_finops.sources.sacct.record import FIELDS

    window = f"-S {_date(since, '--since')}" if since else "-S now-30days"
    if until:
        window += f" -E {_date(until, '--until')}"
    return (
        f"TZ=UTC SLURM_TIME_FORMAT=%s sacct -a -X -D -p --delimiter='|{token_hex(6)}|' "
        f"{window} -o {','.join(FIELDS)} > sacct.txt"
    )


def _date(text: str, option: str) -> str:
    from datetime import date

    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a date such as 2026-06-01", param_hint=f"'{option}'"
        ) from None


def from_file(app: App, path: str, delimiter: str | None, timezone: str | None) -> Tally:
    """Collect a saved file.  Nothing is opened for writing until a record could be read."""
    from slurm_finops.cli.collecting import collect_file

    batches = saved_batches(app, path, delimiter, timezone)
    size = Path(path).stat().st_size if path != "-" else None
    with app.writing("collect") as ledger, progress("collecting", size) as advance:
        seen = 0

        def show(batch) -> None:  # type: ignore[no-untyped-def]
            nonlocal seen
            advance(batch.position - seen)
            seen = batch.position

        return collect_file(ledger, batches, path, app.config.cluster, show)


def saved_batches(
    app: App, path: str, delimiter: str | None, timezone: str | None
) -> Iterator[Batch]:
    """A saved file as the options name it, read as far as its first readable record."""
    from slurm_finops.cli.collecting import checked
    from slurm_finops.sources.sacct.saved import read_saved

    if delimiter == "":
        raise click.BadParameter("must not be empty", param_hint="'--delimiter'")
    zone = _zone(timezone) if timezone else app.config.zone
    # who names the delimiter has chosen it
    opened = _warn_of_forgery if delimiter is None else lambda file: None
    return checked(read_saved(path, delimiter, app.config.cluster, zone, opened), path)


def _warn_of_forgery(file: SavedFile) -> None:
    if file.forgeable:
        click.echo(
            f"note: a job's name or comment may hold {file.delimiter!r}, and so pass for records "
            "of other people; save files with: slurm-finops collect sacct --print-command", err=True
        )


def live(
    app: App, ledger: Ledger, since: str | None, until: str | None, source: Source | None = None
) -> Tally:
    """Collect from a source (sacct), then look at what still runs."""
    from slurm_finops.cli.collecting import SACCT, collect_live, slices, window
    from slurm_finops.core.period import day_date

    calendar = app.config.calendar
    today = calendar.day_of(now())
    month = calendar.midnight(today - day_date(today).day + 1)
    start, end = window(ledger, app.config.cluster, month, now())
    if since:
        start = app.period(since, "--since").start
    if until:
        # what has not been yet must never be noted as collected
        end = min(end, app.period(until, "--until").start)
    if start >= end:
        raise InputError(
            f"nothing to collect: {calendar.isoformat(start)} is not before "
            f"{calendar.isoformat(end)}{'' if until else ', which is now'}"
        )
    automatic = since is None and until is None
    with progress("collecting", len(slices(start, end))) as advance:
        tally = collect_live(
            ledger, app.config.cluster, start, end, automatic, advance, source or SACCT
        )
    from slurm_finops.cli.running import look_at_running

    look_at_running(ledger, app.config.cluster)
    return tally


def _zone(name: str):  # type: ignore[no-untyped-def]
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise click.BadParameter(
            f"{name!r} is no known zone", param_hint="'--timezone'"
        ) from None


def told(tally: Tally) -> list[str]:
    """A collection in words."""
    passed = [count(tally.steps, "step")] if tally.steps else []
    if tally.waiting:
        passed.append(count(tally.waiting, "waiting job"))
    same = tally.records - tally.steps - tally.waiting - tally.new - tally.changed
    lines = [
        f"{count(tally.records, 'record')}: {count(tally.new, 'new run')}, "
        f"{tally.changed:,} changed, {max(same, 0):,} as before"
        + (f"; passed over: {', '.join(passed)}" if passed else "")
    ]
    if tally.problems:
        lines.append(
            f"warning: {count(tally.problems, 'record')} could not be read; each is kept with its "
            "reason: slurm-finops problems"
        )
    return lines

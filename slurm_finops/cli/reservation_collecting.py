"""Reservations and their holders into the ledger, from Slurm itself or from a saved file."""

from __future__ import annotations

from shlex import join
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import App, now
from slurm_finops.cli.node_collecting import first_of, saved
from slurm_finops.core.words import count
from slurm_finops.errors import InputError

if TYPE_CHECKING:
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.sources.reservations import Shown


class Collected(NamedTuple):
    """What a collection changed in the ledger; ``unknown`` are holders that are no association."""

    reservations: int
    new: int
    changed: int
    unknown_holders: int
    problems: int

    def lines(self) -> list[str]:
        found = [
            f"{count(self.reservations, 'reservation')}: {self.new:,} new, {self.changed:,} changed"
        ]
        if self.unknown_holders:
            found.append(
                f"note: {count(self.unknown_holders, 'holder')} of reservations not in accounting "
                "any more: collect more often, and they are known before they are deleted"
            )
        if self.problems:
            found.append(
                f"warning: {count(self.problems, 'record')} could not be read; each is kept with "
                "its reason: slurm-finops problems"
            )
        return found


def save_command(cluster: str) -> str:
    """What saves a file for --file: when, the associations, an empty line, the reservations."""
    from slurm_finops.sources.reservations import commands

    first, second = (f"TZ=UTC SLURM_TIME_FORMAT=%s {join(words)}" for words in commands(cluster))
    return f"{{ date +%s; {first}; echo;\n  {second}; }} > reservations.txt"


def read_live(cluster: str) -> tuple[int, Shown]:
    """Ask sacctmgr, and when.  Raises `OutsideError` where Slurm does not answer."""
    from slurm_finops.sources.reservations import commands, read_shown
    from slurm_finops.sources.slurm import run

    at = now()
    return at, read_shown(*(run(words).splitlines() for words in commands(cluster)))


def read_file(path: str) -> tuple[int, Shown]:
    """Read a saved file.  Raises `InputError`, also for one of which no record can be read."""
    from slurm_finops.sources.reservations import read_shown

    at, lines, _ = saved(path, "reservations")
    if "" not in lines[:-1]:  # what follows the last newline is no line
        raise InputError(
            f"{path}: no empty line between associations and reservations.  Save it with: "
            "slurm-finops collect reservations --print-command"
        )
    middle = lines.index("")
    shown = read_shown(lines[:middle], lines[middle:])
    if shown.problems and not shown.reservations:
        raise InputError(f"{path}: no reservation in it{first_of(shown.problems)}")
    return at, shown


def collect_reservations(app: App, ledger: Ledger, at: int, shown: Shown) -> Collected:
    """Store what was shown, all of it or nothing; days that it changes are allocated again."""
    from slurm_finops.billing.reserved import mark_known
    from slurm_finops.ledger.problems import write_problems
    from slurm_finops.ledger.reservations import write_reservations

    with ledger.transaction():
        new, changed, spans = write_reservations(ledger, shown.reservations, at)
        problems = write_problems(ledger, "sacctmgr", shown.problems, now())
        mark_known(ledger, app.config.allocation, app.config.calendar, spans)
    return Collected(len(shown.reservations), new, changed, shown.unknown, problems)


"""Nodes and their events into the ledger, from Slurm itself or from saved files."""

from __future__ import annotations

from shlex import join
from typing import TYPE_CHECKING, NamedTuple

from slurm_finops.cli.app import App, now
from slurm_finops.core.words import count
from slurm_finops.errors import InputError
from slurm_finops.sources.nodes import EVENTS, NODES, read_events, read_nodes

if TYPE_CHECKING:
    from slurm_finops.core.capacity import Event
    from slurm_finops.core.runs import Problem
    from slurm_finops.ledger.store import Ledger
    from slurm_finops.sources.nodes import Seen

#: What saves files for --file-nodes and --file-events: when, and what was printed.
SAVE = (
    f"{{ date +%s; {join(NODES)}; }} > nodes.txt\n"
    f"{{ date +%s; TZ=UTC SLURM_TIME_FORMAT=%s {join(EVENTS)}; }} > events.txt"
)
_EPOCH_DIGITS = 12


class Answer(NamedTuple):
    """What was read, each with when it was asked; None for what was not."""

    nodes: tuple[int, Seen] | None = None
    events: tuple[int, list[Event], list[Problem]] | None = None


class Collected(NamedTuple):
    """What a collection changed in the ledger; ``nodes`` and ``events`` None: not read."""

    nodes: int | None
    new: int
    changed: int
    gone: int
    events: int | None
    new_events: int
    problems: int

    def lines(self) -> list[str]:
        said = []
        if self.nodes is not None:
            said.append(
                f"{count(self.nodes, 'node')}: {self.new:,} new, {self.changed:,} changed, "
                f"{self.gone:,} gone"
            )
        if self.events is not None:
            said.append(f"{count(self.events, 'event')}: {self.new_events:,} new or ended")
        found = ["; ".join(said)]
        if self.events == 0:
            found.append(
                "note: no events, so when nodes were down is not known; live, PrivateData in "
                "slurmdbd.conf may hide them from this user"
            )
        if self.problems:
            found.append(
                f"warning: {count(self.problems, 'record')} could not be read; each is kept with "
                "its reason: slurm-finops problems"
            )
        return found


def read_live(cluster: str) -> Answer:
    """Ask scontrol and sacctmgr.  Raises `OutsideError` where Slurm does not answer."""
    from slurm_finops.sources.slurm import config_of, run

    config_of(cluster)
    at = now()
    return _answer(
        (at, run(NODES).splitlines(), join(NODES)), (at, run(EVENTS).splitlines(), EVENTS[0])
    )


def read_files(nodes: str | None, events: str | None) -> Answer:
    """Read saved files.  Raises `InputError`; a file begins with when it was saved."""
    return _answer(
        saved(nodes, "nodes") if nodes else None, saved(events, "nodes") if events else None
    )


def saved(path: str, what: str) -> tuple[int, list[str], str]:
    """When a file for `collect` of ``what`` was saved, its lines after that, and its name."""
    from slurm_finops.sources.files import TORN, open_text, why

    with open_text(path, "a saved answer of scontrol or sacctmgr") as (file, _):
        try:
            first, *lines = file.read().split("\n")
        except TORN as error:
            raise InputError(f"cannot read {path}: {why(error)}") from None
    first = first.strip()
    if not (first.isascii() and first.isdigit() and len(first) <= _EPOCH_DIGITS):
        raise InputError(
            f"{path}: line 1 is {first[:60]!r}; expected the time at which it was saved, in epoch "
            f"seconds.  Save it with: slurm-finops collect {what} --print-command"
        )
    if int(first) > now():
        raise InputError(f"{path}: line 1 says that it was saved in the future (epoch {first})")
    return int(first), lines, path


def _answer(
    nodes: tuple[int, list[str], str] | None, events: tuple[int, list[str], str] | None
) -> Answer:
    """Read both; what has not one readable record is refused before anything is written."""
    found = Answer()
    if nodes:
        at, lines, name = nodes
        seen = read_nodes(lines)
        if not seen.nodes and not seen.away:
            raise InputError(f"{name}: no node in it{first_of(seen.problems)}")
        found = found._replace(nodes=(at, seen))
    if events:
        at, lines, name = events
        read, problems = read_events(lines)
        if problems and not read:
            raise InputError(f"{name}: no readable event in it{first_of(problems)}")
        found = found._replace(events=(at, read, problems))
    return found


def first_of(problems: list[Problem]) -> str:
    """The end of an error about an answer of which nothing could be read."""
    if not problems:
        return ".  Nothing was written"
    first = problems[0]
    return f"; the first line: {first.reason}: {first.text[:200]!r}.  Nothing was written"


def collect_nodes(app: App, ledger: Ledger, answer: Answer) -> Collected:
    """Store what was read, all of it or nothing; days that it changes are allocated again."""
    from slurm_finops.ledger.capacity import Changes, write_events, write_nodes
    from slurm_finops.ledger.problems import write_problems

    cluster = app.config.cluster
    changes, new_events, problems = Changes(), 0, 0
    since: list[int | None] = []
    with ledger.transaction():
        if answer.nodes:
            at, seen = answer.nodes
            changes, moved = write_nodes(ledger, cluster, at, seen.nodes, seen.unclear)
            since.append(moved)
            problems += write_problems(ledger, "scontrol", seen.problems, now())
        if answer.events:
            at, events, unread = answer.events
            new_events, moved = write_events(ledger, events, at)
            since.append(moved)
            problems += write_problems(ledger, "sacctmgr", unread, now())
        _mark(app, ledger, [time for time in since if time is not None])
    return Collected(
        len(answer.nodes[1].nodes) if answer.nodes else None, *changes,
        len(answer.events[1]) if answer.events else None, new_events, problems,
    )  # fmt: skip


def _mark(app: App, ledger: Ledger, since: list[int]) -> None:
    """Days whose capacity is another than they were allocated by."""
    from slurm_finops.billing.reserved import dated
    from slurm_finops.core.pools import SLURM
    from slurm_finops.ledger.allocation import mark, through

    what = dated(ledger.db, app.config.allocation)
    firsts = [pool.first for pool in what.pools if pool.units == SLURM]
    firsts += [rule.first or 0 for rule in what.reservations]
    end = through(ledger)
    if firsts and since and end is not None:
        first = max(app.config.calendar.day_of(min(since)), min(firsts))
        mark(ledger.db, range(first, end))

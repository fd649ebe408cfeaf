"""The runs that credits given by hand are for, and what of each.

They are looked up when credits are applied, so that one which is collected later is
found, too.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

from slurm_finops.core.credits import Claim
from slurm_finops.core.hostlist import expand
from slurm_finops.core.rates import EVER, NEVER
from slurm_finops.ledger.named import like, whole

#: What Slurm lists as the nodes of a run that has none.
NO_NODES = ("", "None assigned", "(null)")


class Wanted(NamedTuple):
    """A credit as it is asked for: ``num/den`` of a run (a `named.Job`) or of an outage.

    ``since`` and ``until`` are epoch seconds, half-open; None for a run that is not cut
    there.  ``nodes`` is a hostlist expression, as it was typed.
    """

    kind: str
    cluster: str
    job_id: str | None
    job_id_raw: int | str | None
    user: str | None
    submit: int | None
    nodes: str | None
    since: int | None
    until: int | None
    num: int
    den: int
    reason: str
    ticket: str
    approver: str

    @property
    def part(self) -> Fraction:
        return Fraction(self.num, self.den)

    @property
    def window(self) -> tuple[int, int]:
        """When it holds, whatever its runs are."""
        return (NEVER if self.since is None else self.since,
                EVER if self.until is None else self.until)  # fmt: skip


class Granted(NamedTuple):
    """A credit that was given, and perhaps revoked."""

    id: int
    wanted: Wanted
    at: int
    actor: str
    revoked_at: int | None = None
    revoked_by: str | None = None
    revoked_why: str | None = None


class Matched(NamedTuple):
    """A run (a ``jobs.id``) and the seconds ``[since, until)`` of it that a credit is for."""

    run: int
    since: int
    until: int


#: Each credit that is for a run, with what of the run.
Found = Iterator[tuple[Granted, Matched]]


def matched(
    db: sqlite3.Connection, granted: Granted, start: int, end: int, *, suspended: bool = False,
    unread: set[str] | None = None,
) -> list[Matched]:  # fmt: skip
    """The runs that a credit is for, each with its seconds within ``[start, end)``.

    A run lasts from its start for the time that has elapsed, with ``suspended`` also for
    the time it was suspended, as where that is charged; the credit's window and
    ``[start, end)`` cut it.  Runs that are held unbilled are left out, as in pricing.

    **An outage credits a run that held any of its nodes, and its whole size**: where one
    node of sixteen breaks, the other fifteen wait, and the run with them.

    A list of nodes that cannot be read credits nothing, and is put into ``unread``.
    """
    return [one for _, one in _matches(db, [granted], start, end, suspended, unread)]


def claims(
    db: sqlite3.Connection, many: Sequence[Granted], start: int, end: int, *,
    suspended: bool = False,
) -> dict[int, list[Claim]]:  # fmt: skip
    """What each run (``jobs.id``) is credited within ``[start, end)``: `matched` of many.

    For `core.credits.stretches`.  All outages take one look through the runs, so ask for
    all days at once and not day by day.
    """
    found: dict[int, list[Claim]] = {}
    for granted, (run, since, until) in _matches(db, many, start, end, suspended, None):
        wanted = granted.wanted
        claim = Claim(since, until, wanted.num, wanted.den, granted.id)
        found.setdefault(run, []).append(claim)
    return found


class _Cut(NamedTuple):
    """A credit, and its window within what is asked for."""

    granted: Granted
    since: int
    until: int

    def of(self, run: int, start: int, end: int) -> Found:
        """What of the seconds of a run it is for, if anything."""
        since, until = max(start, self.since), min(end, self.until)
        if since < until:
            yield self.granted, Matched(run, since, until)


def _matches(
    db: sqlite3.Connection, many: Sequence[Granted], start: int, end: int, suspended: bool,
    unread: set[str] | None,
) -> Found:  # fmt: skip
    cuts = []
    for granted in many:
        since, until = granted.wanted.window
        if max(since, start) < min(until, end):
            cuts.append(_Cut(granted, max(since, start), min(until, end)))
    ended = "start + elapsed" + (" + suspended" if suspended else "")
    for cut in cuts:
        if cut.granted.wanted.job_id_raw is not None:
            yield from _of_key(db, cut, ended)
    named = [cut for cut in cuts if cut.granted.wanted.kind == "run"
             and cut.granted.wanted.job_id_raw is None]  # fmt: skip
    outages = [cut for cut in cuts if cut.granted.wanted.kind == "outage"]
    if named:
        yield from _of_names(db, named, ended)
    if outages:
        yield from _of_nodes(db, outages, ended, unread)


_HELD = "held IS NULL AND start < {ended}"
# CROSS JOIN: SQLite then reads the runs as they are stored, and not by an index of theirs
_RUNS = f"""SELECT jobs.id, start, {{ended}}, clusters.name, user, job_id, submit FROM jobs
  CROSS JOIN clusters ON clusters.id = cluster_id CROSS JOIN contexts ON contexts.id = context_id
WHERE {_HELD}"""


def _of_key(db: sqlite3.Connection, cut: _Cut, ended: str) -> Found:
    """The runs of one job, by the ledger's own key."""
    wanted = cut.granted.wanted
    rows = db.execute(
        f"{_RUNS.format(ended=ended)} AND cluster_id = (SELECT id FROM clusters WHERE name = ?) "
        "AND job_id_raw = ? AND job_id = ? AND user = ? AND submit = ifnull(?, submit)",
        (wanted.cluster, wanted.job_id_raw, wanted.job_id, wanted.user, wanted.submit),
    )
    for run, start, end, *_ in rows:
        yield from cut.of(run, start, end)


def _of_names(db: sqlite3.Connection, cuts: Sequence[_Cut], ended: str) -> Found:
    """The runs of whole arrays and het jobs: one look through all runs for all of these."""
    wanted: dict[tuple[str, str | None, str], list[_Cut]] = {}
    for cut in cuts:
        one = cut.granted.wanted
        wanted.setdefault((one.cluster, one.user, one.job_id or ""), []).append(cut)
    where = like(name for _, _, name in wanted)
    for run, start, end, cluster, user, job_id, submit in db.execute(
        f"{_RUNS.format(ended=ended)} AND {where}"
    ):
        for name in {job_id, whole(job_id)}:
            for cut in wanted.get((cluster, user, name), ()):
                if cut.granted.wanted.submit in (None, submit):
                    yield from cut.of(run, start, end)


def _of_nodes(
    db: sqlite3.Connection, cuts: Sequence[_Cut], ended: str, unread: set[str] | None
) -> Found:
    """The runs that held nodes of these outages: one look through all runs for all of them."""
    clusters = dict(db.execute("SELECT id, name FROM clusters").fetchall())
    held = _Held(cuts)
    # asked by SQLite, so that it hands over few rows: half the time where many runs overlap
    db.create_function("is_out", 1, lambda nodes: bool(held[nodes]))
    rows = db.execute(
        f"SELECT id, start, {ended}, cluster_id, node_list FROM jobs "
        f"WHERE {_HELD.format(ended=ended)} AND start < ? AND {ended} > ? AND is_out(node_list)",
        (max(cut.until for cut in cuts), min(cut.since for cut in cuts)),
    ).fetchall()
    for run, start, end, cluster, nodes in rows:
        for cut in held[nodes]:
            if cut.granted.wanted.cluster == clusters[cluster]:
                yield from cut.of(run, start, end)
    if unread is not None:
        unread |= held.unread


class _Held(dict[str, tuple[_Cut, ...]]):
    """A run's list of nodes -> the outages of any of them; each distinct list is read once."""

    def __init__(self, cuts: Sequence[_Cut]) -> None:
        super().__init__()
        self.unread: set[str] = set()
        self._of: dict[str, set[int]] = {}
        self._cuts = cuts
        for number, cut in enumerate(cuts):
            for name in expand(cut.granted.wanted.nodes or ""):
                self._of.setdefault(name, set()).add(number)

    def __missing__(self, nodes: str) -> tuple[_Cut, ...]:
        try:
            names = [] if nodes in NO_NODES else expand(nodes)
        except ValueError:
            self.unread.add(nodes)
            names = []
        numbers = {number for name in names for number in self._of.get(name, ())}
        self[nodes] = found = tuple(self._cuts[number] for number in sorted(numbers))
        return found

"""Reservations and who holds them, as sacctmgr prints them.

Measured on 22.05.8, 24.11.5 and 26.05.5, which are alike but for what is said of one:

- A change of the nodes, holders, flags or TRES of a reservation that has begun ends its
  row at that second, and another of the same ID begins there.  A change of its end alone
  changes the row; so does any change before it begins, that of its start too.
- One that is deleted early has its end then; one that is deleted before it began is
  gone.  None is renamed: NewName is no parameter of scontrol's.  The next of one name
  has another ID.  All rows are shown, however old, unless slurmdbd has purged them.
- TRES counts the CPUs.  GPUs are in it only where they were reserved as such (24.11 and
  newer: ``tres=gres/gpu:h100=2``; 22.05 refuses it): a reservation of whole nodes shows
  ``cpu=64`` and nothing of their GPUs.
- Associations are ids.  A user stands there with every account of his, also where his
  group was named; an account with its own id; ``accounts=-NAME`` leaves nothing there;
  with users and accounts both, the users' associations in these accounts.
- NodeNames is a list of hosts, ``n[1,3]``.  Times are epoch seconds by SLURM_TIME_FORMAT=%s.
- Name comes last, because it may hold bars.  It may hold a newline, too, and so what looks
  like another record; but only operators make reservations.

A job that asked for several (``--reservation=a,b``) has the one that it ran in.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from slurm_finops.core.hostlist import expand
from slurm_finops.core.reservations import Holder, Reservation
from slurm_finops.core.runs import Problem
from slurm_finops.core.usage import parse_tres
from slurm_finops.sources.nodes import epoch, whole

_IDS = re.compile(r"(?:\d{1,12}(?:,\d{1,12})*)?", re.ASCII)
#: (cluster, id of an association) -> who it is.
Associations = Mapping[tuple[str, int], Holder]


def commands(cluster: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What is asked of one cluster: its associations, then its reservations.

    Associations that were deleted are shown as long as accounting has runs of them.
    """
    return (
        ("sacctmgr", "-nP", "show", "assoc", "withdeleted", f"cluster={cluster}",
         "format=ID,Cluster,Account,User"),
        ("sacctmgr", "-nP", "show", "reservation", f"cluster={cluster}",
         "format=Cluster,ID,TimeStart,TimeEnd,TRES,Flags,NodeNames,Associations,Name"),
    )  # fmt: skip


class Shown(NamedTuple):
    """The reservations, and ``unknown``: ids of holders that no association has."""

    reservations: list[Reservation]
    unknown: int
    problems: list[Problem]


def read_shown(associations: Iterable[str], reservations: Iterable[str]) -> Shown:
    """What the `commands` print, a record a line."""
    problems: list[Problem] = []
    known = _associations(associations, problems)
    found = []
    unknown: set[tuple[str, int]] = set()
    for line in whole(reservations):
        try:
            one, missing = _reservation(line, known)
        except ValueError as error:
            problems.append(Problem(line, str(error)))
        else:
            found.append(one)
            unknown |= missing
    return Shown(found, len(unknown), problems)


def _associations(lines: Iterable[str], problems: list[Problem]) -> Associations:
    found = {}
    for line in whole(lines):
        fields = line.split("|")
        if len(fields) == 4 and fields[0].isdecimal() and fields[1] and fields[2]:
            number, cluster, account, user = fields
            found[cluster, int(number)] = Holder(account, user)
        else:
            problems.append(Problem(line, "it is no association: ID|Cluster|Account|User"))
    return found


def _reservation(
    line: str, known: Associations
) -> tuple[Reservation, set[tuple[str, int]]]:
    fields = line.split("|", 8)
    if len(fields) != 9:
        raise ValueError(f"{len(fields)} fields; expected 9: the rest of a name?")
    cluster, number, began, ends, tres, flags, nodes, ids, name = fields
    if not cluster or not name:
        raise ValueError(f"it names no {'reservation' if cluster else 'cluster'}")
    if not re.fullmatch(r"\d{1,12}", number, re.ASCII):
        raise ValueError(f"{number!r} is no ID")
    start, end = epoch(began), epoch(ends)
    if end < start:
        raise ValueError("it ends before it starts")
    parse_tres(tres)
    expand(nodes)
    if not _IDS.fullmatch(ids):
        raise ValueError(f"{ids[:60]!r} is no list of associations")
    keys = {(cluster, int(item)) for item in ids.split(",") if item}
    holders = tuple(sorted({known[key] for key in keys if key in known}))
    one = Reservation(
        cluster, int(number), start, end, name, tres, flags, nodes, ids, holders
    )
    return one, keys - known.keys()


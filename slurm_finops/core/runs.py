"""A Slurm run as its source told it, and a record that could not be read."""

import re
from typing import NamedTuple


class Run(NamedTuple):
    """One run of a job: key (cluster, job_id_raw, submit), for a requeue gives a new Submit.

    A NamedTuple, not a dataclass: a million are made in a collect, and a frozen
    dataclass takes eight times as long to build.  Times are epoch seconds,
    durations seconds, ``timelimit`` minutes; None where Slurm says Unknown.
    ``job_id_raw`` is text only where a saved file lacks JobIDRaw (``16_3``).
    """

    cluster: str
    job_id_raw: int | str
    submit: int
    job_id: str
    job_name: str
    # what repeats over many runs stays together, for the ledger's sake
    user: str
    account: str
    partition: str
    qos: str
    wckey: str
    reservation: str
    state: str
    cancelled_by: str
    start: int | None
    end: int | None
    elapsed: int
    suspended: int
    timelimit: int | None
    alloc_tres: str
    node_list: str
    exit_code: str
    provisional: bool
    comment: str
    admin_comment: str


def _from(first: str, last: str) -> slice:
    return slice(Run._fields.index(first), Run._fields.index(last) + 1)


#: Where the parts of a `Run` lie that the ledger keeps once for many runs.
CLUSTER = _from("cluster", "cluster")
CONTEXT = _from("user", "reservation")
TRES = _from("alloc_tres", "alloc_tres")
SAID = _from("comment", "admin_comment")


class Problem(NamedTuple):
    """A record that could not be read: its text and why."""

    text: str
    reason: str


def whole(name: str) -> str:
    """The array or het job that a name is a part of: 4711 of 4711_3; of 4711 itself."""
    return re.split("[_+]", name)[0]

"""What finance answers to a journal: lines accepted and rejected."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from slurm_finops.core.journal import Entry
from slurm_finops.core.near import nearest
from slurm_finops.core.rows import Row, only_columns
from slurm_finops.core.words import shown
from slurm_finops.errors import InputError

NEEDED = ("external_id", "status")
COLUMNS = (*NEEDED, "reason", "reference")
ACCEPTED, REJECTED = STATUSES = ("accepted", "rejected")


class Sent(NamedTuple):
    """A line as it was exported; from ``fund`` to ``cost_center`` "" where it is of no payer.

    ``amount`` in minor units, above 0 for a debit; ``category`` is "" of a payer's line.
    """

    external_id: str
    period: str
    statement: str
    entity: str
    account: str
    amount: int
    category: str
    fund: str
    team: str
    project: str
    cost_center: str
    correction: bool


class Status(NamedTuple):
    """What finance says of a line; ``reference`` is its own for it."""

    external_id: str
    status: str
    reason: str
    reference: str


def sent(entry: Entry) -> Iterator[Sent]:
    """An entry's lines as they are kept once they are exported."""
    for line in entry.lines:
        yield Sent(line.external_id, entry.period, entry.statement, entry.entity, *line[1:])


def statuses(rows: Iterable[Row], known: Mapping[str, Sent]) -> list[Status]:
    """What the rows of a file say, each line once.

    Raises `InputError`, naming the row, for a line that is not in ``known``, a status that
    is none, and a second row that says otherwise than the first.
    """
    found: dict[str, tuple[Status, str]] = {}
    for row in rows:
        status = _status(row)
        if status.external_id not in known:
            raise InputError(
                f"{row.where}: external_id: no line {shown(status.external_id)} was exported from "
                "this ledger; nothing was stored"
            )
        before, where = found.setdefault(status.external_id, (status, row.where))
        if before != status:
            raise InputError(
                f"{row.where}: {where} says otherwise of {shown(status.external_id)}; nothing was "
                "stored: a line has one answer"
            )
    return [status for status, _ in found.values()]


def _status(row: Row) -> Status:
    only_columns(row, COLUMNS)
    cells = {column: cell.strip() for column, cell in row.fields.items()}
    found = Status(*(cells.get(column, "") for column in COLUMNS))
    for column in NEEDED:
        if not cells[column]:
            raise InputError(f"{row.where}: {column} is empty; nothing was stored")
    word = found.status.lower()
    if word not in STATUSES:
        near = nearest(word, STATUSES)
        hint = f"did you mean {near!r}?" if near else f"expected {' or '.join(STATUSES)}"
        raise InputError(f"{row.where}: status: is {shown(found.status)}; {hint}")
    return found._replace(status=word)

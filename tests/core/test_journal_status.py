"""Finance's answers: read whole or not at all, and what of them goes to suspense."""

import pytest

from slurm_finops.core.journal import Accounts, entries
from slurm_finops.core.journal_status import (
    COLUMNS,
    Sent,
    Status,
    sent,
    statuses,
)
from slurm_finops.core.posted import Payer, Posted
from slurm_finops.core.rows import csv_rows
from slurm_finops.errors import InputError
from tests.core.posting import posted


def lines(*found: Posted) -> dict[str, Sent]:
    return {
        line.external_id: line for entry in entries(found, Accounts()) for line in sent(entry)
    }  # fmt: skip


KNOWN = lines(posted(500), posted(-20, payer=Payer("core", "4700", "uni")))
CREDITED, PAYER, REVENUE = KNOWN


def read(text: str) -> list[Status]:
    rows = csv_rows([("a.csv", text.splitlines(keepends=True))], "external_id", COLUMNS[:2])
    return statuses(rows, KNOWN)


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        read(text)
    return str(caught.value)


def test_answers_are_read_in_any_order_of_columns() -> None:
    text = f"status,reason,external_id\n Accepted ,,{PAYER}\nREJECTED,closed,{REVENUE}\n"
    assert read(text) == [
        Status(PAYER, "accepted", "", ""), Status(REVENUE, "rejected", "closed", ""),
    ]  # fmt: skip
    assert read(f"external_id,status,reference\n{PAYER},accepted,J-1\n")[0].reference == "J-1"


def test_the_same_row_twice_is_one_answer() -> None:
    assert len(read(f"external_id,status\n{PAYER},accepted\n{PAYER}, accepted\n")) == 1


@pytest.mark.parametrize(("text", "said"), [
    ("FIN-1,accepted\n", "a.csv line 2: external_id: no line 'FIN-1' was exported from this ledg"),
    (f"{PAYER},acepted\n", "a.csv line 2: status: is 'acepted'; did you mean 'accepted'?"),
    (f"{PAYER},posted\n", "a.csv line 2: status: is 'posted'; expected accepted or rejected"),
    (f"{PAYER},\n", "a.csv line 2: status is empty; nothing was stored"),
    (",accepted\n", "a.csv line 2: external_id is empty; nothing was stored"),
    (f"{PAYER},accepted\n{REVENUE},accepted\n{PAYER},rejected\n",
     f"a.csv line 4: a.csv line 2 says otherwise of {PAYER!r}; nothing was stored: a line has one"),
    (f"{PAYER},accepted\n{REVENUE}\n", "a.csv line 3: 1 field, but the header has 2: was the file"),
])  # fmt: skip
def test_a_file_is_refused_as_a_whole_and_the_row_named(text: str, said: str) -> None:
    assert refused("external_id,status\n" + text).startswith(said)


def test_a_column_that_is_none_is_refused() -> None:
    assert "a.csv has a column 'reasn'; the nearest is 'reason'" in refused(
        f"external_id,status,reasn\n{PAYER},accepted,x\n"
    )
    assert "no header with the column 'status'" in refused("external_id,state\n")

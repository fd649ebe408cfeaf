"""Finance's answers: read whole or not at all, and what of them goes to suspense."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.core.journal import Accounts, entries
from slurm_finops.core.journal_status import (
    COLUMNS,
    STATUSES,
    Move,
    Sent,
    Status,
    sent,
    statuses,
    to_suspense,
)
from slurm_finops.core.posted import Payer, Posted
from slurm_finops.core.rows import csv_rows
from slurm_finops.errors import InputError
from tests.core.posting import months, posted


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


def test_what_payers_were_charged_goes_to_suspense_and_the_other_side_stays() -> None:
    assert to_suspense(KNOWN.values(), "suspense") == [
        Move(PAYER, "2026-06", "FIN-2026-000007", "grant", "nlp", "llama", "CC-1", 500),
        Move(CREDITED, "2026-06", "FIN-2026-000007", "core", "nlp", "llama", "CC-1", -20),
    ]  # fmt: skip
    assert [move.fund for move in to_suspense(KNOWN.values(), "core")] == ["grant"]


@given(months(), st.data())
def test_what_moves_is_what_rejected_payers_were_billed(found: list[Posted], data) -> None:
    every = lines(*found)
    answers = data.draw(st.lists(st.sampled_from(STATUSES), min_size=len(every),
                                 max_size=len(every)))  # fmt: skip
    no = [line for line, answer in zip(every.values(), answers, strict=True)
          if answer == "rejected"]  # fmt: skip
    moves = to_suspense(reversed(no), "suspense")
    assert moves == to_suspense(no, "suspense")
    assert {move.external_id for move in moves} == {
        line.external_id for line in no if line.fund != "suspense" and not line.category
    }
    assert all(every[move.external_id].amount == move.amount for move in moves)

"""The file that finance takes: columns, figures and dates as a site says, and no formulas."""

import csv
import io

import pytest
from hypothesis import given

from slurm_finops.core.journal import Accounts, entries
from slurm_finops.core.journal_layout import FORMATS, Column, Layout
from slurm_finops.core.posted import Payer, Posted
from slurm_finops.core.tags import Tags
from slurm_finops.errors import InputError
from slurm_finops.exports.journal_csv import journal_csv
from tests.core.posting import months, posted

NAMES = Tags("-nlp", "=HYPERLINK(1)", cost_center="@cc")


def lines(found: list[Posted], layout: Layout, digits: int = 2) -> list[str]:
    data = journal_csv(entries(found, Accounts("4000")), layout, "USD", digits)
    return data.decode(layout.encoding).removesuffix("\r\n").split("\r\n")


def made(*columns: str, **how: object) -> Layout:
    return Layout(tuple(Column(value.strip("{}"), value) for value in columns), **how)  # type: ignore[arg-type]


def test_the_plain_file() -> None:
    assert lines([posted(123_456), posted(-6, "credit")], FORMATS["plain"]) == [
        "External ID,Entry,Statement,Date,Account,Debit,Credit,Currency,Entity,Fund,Team,Project,"
        "Cost centre,Memo",
        "FIN-2026-000007-5207a9d7810ee59a,FIN-2026-000007-0f9cae822e29b1b6,FIN-2026-000007,"
        "2026-06-30,4711-00,1234.50,,USD,uni,grant,nlp,llama,CC-1,2026-06 nlp / llama",
        "FIN-2026-000007-6a8f34bcddc1f587,FIN-2026-000007-0f9cae822e29b1b6,FIN-2026-000007,"
        "2026-06-30,4000,0.06,,USD,uni,,,,,2026-06 credit",
        "FIN-2026-000007-609efc30a12b1059,FIN-2026-000007-0f9cae822e29b1b6,FIN-2026-000007,"
        "2026-06-30,4000,,1234.56,USD,uni,,,,,2026-06 usage",
    ]  # fmt: skip


def test_figures_dates_and_sides_as_a_site_writes_them() -> None:
    layout = made(
        "{date}", "{side} {unsigned}", "{amount}", "{debit}", "{credit}", "{category}{correction}",
        "{counter}",
        dates="DD.MM.YYYY", decimal=",", delimiter=";", sides=("S", "H"), header=False,
    )  # fmt: skip
    assert lines([posted(7, correction=True)], layout) == [
        "30.06.2026;S 0,07;0,07;0,07;;correction;4000",
        "30.06.2026;H 0,07;-0,07;;0,07;usagecorrection;4711-00",
    ]
    assert lines([posted(7)], layout, 0)[1] == "30.06.2026;H 7;-7;;7;usage;4711-00"
    assert lines([posted(7)], layout, 3)[1] == "30.06.2026;H 0,007;-0,007;;0,007;usage;4711-00"


def test_what_somebody_typed_is_no_formula_and_what_we_counted_stays_a_number() -> None:
    layout = made("{amount}", "{team}", "{project}", "{cost_center}", "{fund}", "{account}",
                  header=False)  # fmt: skip
    found = posted(-5, tags=NAMES, payer=Payer("+grant", "-4711", "uni"))
    assert lines([found], layout)[0] == "-0.05,'-nlp,'=HYPERLINK(1),'@cc,'+grant,-4711"
    # an account is finance's own, and must come to it as it is


def test_a_formula_of_a_sites_own_holds_no_name_that_runs() -> None:
    layout = made('="{account}"', '="{team}"', header=False)
    assert lines([posted(5)], layout)[0] == '"=""4711-00""","\'=""nlp"""'


def test_a_sign_that_the_encoding_has_not_is_refused() -> None:
    layout = made("{team}", encoding="iso-8859-1")
    assert lines([posted(5, tags=Tags("Zürich"))], layout)[1] == "Zürich"
    with pytest.raises(InputError, match=r"line 2 of the file has '深', which iso-8859-1 cannot"):
        lines([posted(5, tags=Tags("深"))], layout)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_back(name: str) -> None:
    layout = FORMATS[name]
    head, *rows = csv.reader(lines([posted(5), posted(9, "tax")], layout),
                             delimiter=layout.delimiter)  # fmt: skip
    assert head == [column.name for column in layout.columns]
    assert [len(row) for row in rows] == [len(head)] * 3


@given(months())
def test_debits_credits_and_signed_amounts_are_those_of_the_lines(found: list[Posted]) -> None:
    layout = made("{debit}", "{credit}", "{amount}", "{external_id}", header=False)
    data = journal_csv(entries(found, Accounts()), layout, "USD", 2)
    assert journal_csv(entries(found[::-1], Accounts()), layout, "USD", 2) == data
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    cents = [[int(cell.replace(".", "") or 0) for cell in row[:3]] for row in rows]
    assert all(debit - credit == amount for debit, credit, amount in cents)
    assert sum(amount for _, _, amount in cents) == 0
    assert all("" in row[:2] for row in rows)

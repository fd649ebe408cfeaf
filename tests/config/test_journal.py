"""[journal] of finops.toml, and each slip in it."""

from pathlib import Path

import pytest

from slurm_finops.config import load
from slurm_finops.config.model import Journal
from slurm_finops.core.journal import Accounts
from slurm_finops.core.journal_layout import AMOUNTS, FIELDS, FORMATS, Column
from slurm_finops.errors import ConfigError
from tests.support import a_config

COLUMNS = """
[[journal.columns]]
name  = "Id"
value = "{external_id}"
[[journal.columns]]
name  = "Account"
value = "10-{account}"
[[journal.columns]]
name  = "Amount"
value = "{amount}"
"""


def loaded(tmp_path: Path, text: str) -> Journal:
    return load(a_config(tmp_path, 'cluster = "alpha"\ncurrency = "USD"\n' + text)).journal


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(tmp_path, text)
    return str(caught.value).removeprefix(f"{tmp_path / 'finops.toml'}: ")


def test_a_journal_works_where_nothing_is_said(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Journal(Accounts(), FORMATS["plain"])


def test_accounts(tmp_path: Path) -> None:
    text = '[journal]\nrevenue = "4000"\nrecovery = "4100"\n[journal.accounts]\ncredit = "4090"\n'
    assert loaded(tmp_path, text).accounts == Accounts(
        "4000", "4100", "Tax payable", {"credit": "4090"}
    )


def test_a_format_is_a_starting_point(tmp_path: Path) -> None:
    text = '[journal]\nformat = "sap"\ndate = "YYYYMMDD"\ndelimiter = "tab"\nsides = ["D", "C"]\n'
    layout = loaded(tmp_path, text).layout
    assert layout.columns == FORMATS["sap"].columns
    assert (layout.dates, layout.decimal, layout.delimiter) == ("YYYYMMDD", ",", "\t")
    assert layout.sides == ("D", "C")


def test_columns_of_ones_own(tmp_path: Path) -> None:
    text = '[journal]\nheader = false\nencoding = "windows-1252"\ndecimal = "comma"\n' + COLUMNS
    layout = loaded(tmp_path, text).layout
    assert layout.columns == (
        Column("Id", "{external_id}"), Column("Account", "10-{account}"),
        Column("Amount", "{amount}"),
    )  # fmt: skip
    assert (layout.header, layout.encoding, layout.decimal) == (False, "windows-1252", ",")


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_says_what_columns_of_ones_own_must(name: str) -> None:
    held = {field for column in FORMATS[name].columns for field in column.fields}
    assert held <= set(FIELDS)
    assert {"external_id", "account", "date", "currency"} <= held
    assert any(held.issuperset(names) for names in AMOUNTS)
    assert not any(column.has_braces_left for column in FORMATS[name].columns)


@pytest.mark.parametrize(("text", "said"), [
    ('formt = "sap"', "journal.formt: is no key here; did you mean 'format'?"),
    ('format = "sapp"', "journal.format: is 'sapp'; expected plain or signed or netsuite or sap"),
    ('revenue = ""', "journal.revenue: is empty; expected an account such as \"4000\""),
    ("revenue = 4000", "journal.revenue: is 4000; expected an account such as \"4000\""),
    ('date = "DD.MM.YY"', "journal.date: is 'DD.MM.YY'; expected YYYY, MM and DD in any order"),
    ('date = "MM/DD/MM"', "journal.date: is 'MM/DD/MM'; expected YYYY, MM and DD in any order"),
    ('decimal = ";"', "journal.decimal: is ';'; expected point or comma"),
    ('delimiter = "space"', "journal.delimiter: is 'space'; expected comma or semicolon or tab"),
    ('encoding = "latin1"', "journal.encoding: is 'latin1'; expected utf-8 or utf-8-sig or win"),
    ('header = "no"', "journal.header: is 'no'; expected true or false"),
    ('sides = ["S"]', "journal.sides: is ['S']; expected what debit and credit are called"),
    ('sides = ["S", "S"]', "journal.sides: is ['S', 'S']; expected what debit and credit are"),
    ('[journal.accounts]\ncredits = "4090"',
     "journal.accounts.credits: is no category; did you mean 'credit'?"),
    ('[journal.accounts]\nx = "4090"', "journal.accounts.x: is no category; known: usage, share"),
])  # fmt: skip
def test_each_slip_names_the_key(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, f"[journal]\n{text}\n").startswith(said)


@pytest.mark.parametrize(("old", "new", "said"), [
    ("{amount}", "{ammount}",
     "journal.columns[3].value: has {ammount}, which is no field; did you mean 'amount'?"),
    ("{amount}", "{x}", "journal.columns[3].value: has {x}, which is no field; known: external_id"),
    ("{amount}", "{amount", "journal.columns[3].value: is '{amount', with a brace that has no"),
    ("{amount}", "{debit}", "journal.columns: say no amount; expected {amount}, or {debit} and "
     "{credit}, or {unsigned} and {side} in one of them"),
    ("{account}", "", "journal.columns: have no {account}: nothing says where it is booked"),
    ("{external_id}", "{entry_id}", "journal.columns: have no {external_id}: nothing says which "),
    ('"Amount"', '"Id"', "journal.columns: 'Id' is given twice"),
    ("value = ", "values = ", "journal.columns[1].value: is missing; expected a text with fields"),
])  # fmt: skip
def test_each_slip_in_a_column(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert refused(tmp_path, COLUMNS.replace(old, new)).startswith(said)

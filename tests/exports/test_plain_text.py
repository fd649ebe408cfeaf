"""What beancount and hledger are given, by their own judgement: right, and not a cent beside it."""

import re
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slurm_finops.core.journal import Accounts, Entry, entries
from slurm_finops.core.money import minor_text
from slurm_finops.core.posted import Payer, Posted
from slurm_finops.core.tags import Tags
from slurm_finops.exports.beancount import beancount
from slurm_finops.exports.hledger import hledger
from slurm_finops.exports.plain_text import accounts, component
from tests.core.posting import months, posted

NASTY = Tags('x"\\ ; y', "a, date:2026/99/99 [2026-99-99]", cost_center="深 |")
CURRENCIES = {"USD": 2, "JPY": 0, "KWD": 3}
WRITERS = {"beancount": beancount, "hledger": hledger}
#: A program is started for each: few months, each with much in it.
FEW = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


Checks = dict[str, Callable[[str], str]]


@pytest.fixture
def checks(
    bean_check: Callable[[str], str], hledger_check: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> Checks:  # fmt: skip
    monkeypatch.setenv("LC_ALL", "C.UTF-8")  # hledger reads by it
    return {"beancount": bean_check, "hledger": hledger_check}


def accepts(check: Callable[[str], str], data: bytes) -> bool:
    said = check(data.decode())
    # what is refused is the sum, and not the way it is written
    assert not said or "balance" in said, said
    return not said


def one_more(data: bytes, which: int, digits: int) -> bytes:
    """The same with one of its amounts a minor unit larger."""
    found = list(re.finditer(r"  (-?[\d.]+)(?= [A-Z]{3}\n)", data.decode()))
    one = found[which % len(found)]
    more = minor_text(int(one[1].replace(".", "")) + 1, digits)
    return (data.decode()[: one.start(1)] + more + data.decode()[one.end(1) :]).encode()


def written(program: str, made: Sequence[Entry], currency: str) -> bytes:
    return WRITERS[program](made, currency, CURRENCIES[currency])


@pytest.mark.ledger_checkers
@pytest.mark.parametrize("program", WRITERS)
@pytest.mark.parametrize("currency", CURRENCIES)
def test_each_currency_is_accepted_and_one_minor_unit_more_is_not(
    program: str, currency: str, checks: Checks
) -> None:
    found = [posted(123_456, tags=NASTY), posted(7, "tax"), posted(-30, "credit", correction=True)]
    data = written(program, entries(found, Accounts()), currency)
    assert accepts(checks[program], data)
    for which in range(6):
        assert not accepts(checks[program], one_more(data, which, CURRENCIES[currency]))


@pytest.mark.ledger_checkers
@pytest.mark.parametrize("program", WRITERS)
@FEW
@given(found=months(30, 12), which=st.integers(0, 99), currency=st.sampled_from([*CURRENCIES]))
def test_any_month_is_accepted_and_one_minor_unit_more_is_not(
    program: str, found: list[Posted], which: int, currency: str, checks: Checks
) -> None:
    made = entries(found, Accounts())
    data = written(program, made, currency)
    assert written(program, entries(found[::-1], Accounts()), currency) == data
    assert accepts(checks[program], data)
    if made:
        assert not accepts(checks[program], one_more(data, which, CURRENCIES[currency]))


@pytest.mark.parametrize(("text", "name"), [
    ("4711", "4711"), ("Grant7", "Grant7"), ("4711-00", "4711--00"), ("R&D", "R-26-D"),
    ("grant", "Grant-x"), ("xgrant", "Xgrant-x"), ("-4711", "X--4711-y"), ("", "X-y"),
    ("éa", "X-e9-a-y"),
])  # fmt: skip
def test_account_strings_as_components(text: str, name: str) -> None:
    assert component(text) == name


@given(st.sets(st.text(st.sampled_from("aAxX0-2d y"), max_size=4), max_size=200))
def test_two_strings_never_become_one_component(texts: set[str]) -> None:
    found = [component(text) for text in texts]
    assert len(set(found)) == len(texts)
    assert all(re.fullmatch(r"[A-Z0-9][A-Za-z0-9-]*", one) for one in found)


def test_what_an_account_was_stands_beside_it() -> None:
    made = entries([posted(5), posted(5, payer=Payer("g", "r/d, x", ""))], Accounts("4000"))
    assert accounts(made) == [
        ("Expenses:R-2f-d-2c--20-x-x", "r/d, x"), ("Expenses:Uni-x:4711--00", "4711-00"),
        ("Income:4000", "4000"), ("Income:Uni-x:4000", "4000"),
    ]  # fmt: skip
    text = beancount(made, "USD", 2).decode()
    assert '2026-06-30 open Expenses:R-2f-d-2c--20-x-x USD\n  account: "r/d, x"\n' in text
    text = hledger(made, "USD", 2).decode()
    assert "account Expenses:R-2f-d-2c--20-x-x  ; account:r/d%2C x\n" in text


def test_ids_stand_beside_the_amounts() -> None:
    made = entries([posted(5)], Accounts())
    for line in made[0].lines:
        assert f'    external-id: "{line.external_id}"\n' in beancount(made, "USD", 2).decode()
        assert f"    ; external-id:{line.external_id}\n" in hledger(made, "USD", 2).decode()

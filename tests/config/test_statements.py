"""[statements], [[entities]] and [[surcharges]] of finops.toml, and each slip in them."""

from datetime import date
from pathlib import Path

import pytest

from slurm_finops.config import load
from slurm_finops.config.model import Entity, Statements
from slurm_finops.core.period import day_number
from slurm_finops.core.surcharges import Surcharge
from slurm_finops.errors import ConfigError
from tests.support import a_config

HEAD = 'cluster = "alpha"\ncurrency = "USD"\n'
EU = '[[entities]]\nname = "EU"\nseries = "EU-2026-"\n'
VAT = '[[surcharges]]\nname = "VAT"\nkind = "tax"\npercent = "8.1"\n'
JULY = day_number(date(2026, 7, 1))


def loaded(tmp_path: Path, text: str) -> Statements:
    return load(a_config(tmp_path, HEAD + text)).statements


def test_without_a_word_it_is_a_statement_a_team(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Statements("team", "", second_person=False)


def test_all_that_can_be_said(tmp_path: Path) -> None:
    said = '[statements]\nper = "fund"\nentity = "EU"\nsecond_person = true\n'
    more = VAT + 'from = 2026-07-01\nuntil = 2026-08-01\nclasses = ["external"]\n'
    found = loaded(tmp_path, said + EU + '[[entities]]\nname = "Clinic"\n' + VAT + more.replace(
        "VAT", "external VAT"))  # fmt: skip
    assert found == Statements(
        "fund", "EU", True, (Entity("EU", "EU-2026-"), Entity("Clinic")),
        (Surcharge("VAT", "tax", 81_000),
         Surcharge("external VAT", "tax", 81_000, ("external",), JULY, JULY + 31)),
    )  # fmt: skip
    assert [found.series(name) for name in ("EU", "Clinic", "")] == ["EU-2026-", "", ""]


@pytest.mark.parametrize("apart", [
    ("until = 2026-07-01\n", "from = 2026-07-01\n"),
    ("from = 2026-07-01\n", "until = 2026-07-01\n"),
    ('classes = ["external"]\n', 'classes = ["academic"]\n'),
])  # fmt: skip
def test_a_rate_may_change_and_differ_by_class(tmp_path: Path, apart: tuple[str, str]) -> None:
    one, two = apart
    assert len(loaded(tmp_path, VAT + one + VAT.replace("8.1", "7.7") + two).surcharges) == 2


@pytest.mark.parametrize(("text", "said"), [
    ('[statements]\nper = "user"\n',
     "statements.per: is 'user'; expected team or project or cost_center or fund"),
    ("[statements]\nsecond_person = 1\n", "statements.second_person: is 1; expected true or false"),
    ("[statements]\nsecond_persons = true\n", "is no key here; did you mean 'second_person'?"),
    (EU + '[statements]\nentity = "UE"\n',
     "statements.entity: 'UE' is none of [[entities]]; known: EU"),
    (EU + EU, "entities: 'EU' is given twice"),
    (EU + EU.replace('"EU"', '"Clinic"'),
     "entities[2].series: is 'EU-2026-', as that of 'EU': their statements would have the same"),
    ('[[entities]]\nname = "a"\n[[entities]]\nname = "b"\n',
     "entities[2].series: is '', as that of 'a': their statements would have the same numbers"),
    (VAT.replace("tax", "vat"), "surcharges[1].kind: is 'vat'; expected surcharge or tax"),
    (VAT.replace('"8.1"', "8.1"), 'surcharges[1].percent: is a number; write it as a text, perc'),
    (VAT.replace("8.1", "8.10001"), "surcharges[1].percent: '8.10001' has more than 4 decimals"),
    (VAT.replace("8.1", "-8.1"), "surcharges[1].percent: '-8.1' is not a plain decimal number"),
    (VAT.replace("percent", "per"), "surcharges[1].percent: is missing"),
    (VAT + "classes = []\n", "surcharges[1].classes: is empty; leave it out if it is for all"),
    (VAT + "from = 2026-07-01\nuntil = 2026-06-01\n", "surcharges[1].until: is not after from"),
    (VAT + VAT, "surcharges[2].name: 'VAT' is given twice for some days and customers; say until"),
    (VAT + "until = 2026-07-02\n" + VAT + "from = 2026-07-01\n", "surcharges[2].name: 'VAT' is"),
    (VAT + VAT + 'classes = ["external"]\n', "surcharges[2].name: 'VAT' is given twice"),
])  # fmt: skip
def test_a_slip_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert said in str(error.value)

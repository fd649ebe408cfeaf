"""[[funds]] and payers of finops.toml, and each slip in them."""

from datetime import date
from pathlib import Path

import pytest

from slurm_finops.config import load
from slurm_finops.core.funds import Fund, Funding, Split
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import day_number
from slurm_finops.core.rates import NEVER
from slurm_finops.errors import ConfigError
from tests.support import a_config

HEAD = 'cluster = "alpha"\ncurrency = "USD"\n'
GRANT = '[[funds]]\nname = "NSF-1234"\naccount = "4711-01"\n'
DEPT = '[[funds]]\nname = "DEPT"\naccount = "0815-00"\n'
TEAM = '[[teams]]\nname = "nlp"\n'
PAYERS = '[[teams.payers]]\nfunds = { "NSF-1234" = "60", DEPT = "40" }\n'
LATER = '[[teams.payers]]\nfrom = 2026-07-01\nfunds = { DEPT = "100" }\n'
SITE = GRANT + DEPT + TEAM
JULY = day_number(date(2026, 7, 1))


def loaded(tmp_path: Path, text: str) -> Funding:
    return load(a_config(tmp_path, HEAD + text)).funding


def test_a_site_without_funds_has_suspense(tmp_path: Path) -> None:
    assert loaded(tmp_path, "") == Funding()
    assert Funding().suspense_account == "suspense"


def test_a_fund_says_no_more_than_it_must(tmp_path: Path) -> None:
    assert loaded(tmp_path, GRANT).funds == (Fund("NSF-1234", "4711-01"),)


def test_all_that_a_fund_can_say(tmp_path: Path) -> None:
    more = (
        'from = 2026-07-01\nuntil = 2026-07-31\ncap = "50000.01"\nfallback = "DEPT"\n'
        'sponsor = "NSF"\nentity = "Example University"\n'
    )
    assert loaded(tmp_path, GRANT + more + DEPT).funds[0] == Fund(
        "NSF-1234", "4711-01", JULY, JULY + 30, 5_000_001 * TICKS // 100, "DEPT", "NSF",
        "Example University",
    )  # fmt: skip


def test_a_cap_is_in_the_currencys_own_decimals(tmp_path: Path) -> None:
    yen = GRANT + 'cap = "7"\n'
    found = load(a_config(tmp_path, HEAD.replace("USD", "JPY") + yen)).funding
    assert found.funds[0].cap_ticks == 7 * TICKS


def test_payers_are_dated_and_a_project_has_its_own(tmp_path: Path) -> None:
    project = '[[teams.projects]]\nname = "llama"\n' + LATER.replace("teams.", "teams.projects.")
    found = loaded(tmp_path, SITE + PAYERS + LATER + project)
    always = Split(NEVER, (("DEPT", 400_000), ("NSF-1234", 600_000)))
    later = Split(JULY, (("DEPT", 1_000_000),))
    assert found.payers == ((("nlp", None), (always, later)), (("nlp", "llama"), (later,)))


def test_four_decimals_of_a_per_cent_add_to_a_hundred(tmp_path: Path) -> None:
    thirds = PAYERS.replace('"60"', '"66.6667"').replace('"40"', '"33.3333"')
    (_, (split,)), *_ = loaded(tmp_path, SITE + thirds).payers
    assert split.parts == (("DEPT", 333_333), ("NSF-1234", 666_667))


def test_what_has_no_payer_and_what_has_no_team(tmp_path: Path) -> None:
    text = '[billing]\nsuspense = "9999"\nuntagged_fund = "DEPT"\n[statements]\nentity = "EU"\n'
    found = loaded(tmp_path, text + DEPT)
    assert (found.suspense_account, found.untagged, found.entity) == ("9999", "DEPT", "EU")


def test_the_teams_of_the_configuration_know_their_payers(tmp_path: Path) -> None:
    (team,) = load(a_config(tmp_path, HEAD + SITE + PAYERS)).teams
    assert [split.first for split in team.payers] == [NEVER]


@pytest.mark.parametrize(("text", "said"), [
    (GRANT.replace("NSF-1234", "suspense"),
     "funds[1].name: 'suspense' is where what has no payer goes; give it another"),
    (GRANT.replace("account", "acount"), "funds[1].account: is missing; expected what finance"),
    (GRANT + 'entitty = "EU"\n', "funds[1].entitty: is no key here; did you mean 'entity'?"),
    (GRANT + GRANT, "funds: 'NSF-1234' is given twice"),
    (GRANT + "cap = 50000\n", 'funds[1].cap: is a number; write it as a text, cap = "50000"'),
    (GRANT + 'cap = "1.005"\n', "funds[1].cap: '1.005' has more than 2 decimals"),
    (GRANT + "from = 2026-07-01\nuntil = 2026-07-01\n", "funds[1].until: is not after from"),
    (DEPT + GRANT + 'fallback = "DEPTS"\n',
     "funds[2].fallback: 'DEPTS' is none of [[funds]]; did you mean 'DEPT'?"),
    (GRANT + 'fallback = "suspense"\n',
     "funds[1].fallback: 'suspense' takes what no fund pays, without being named; leave it out"),
    (GRANT + 'fallback = "NSF-1234"\n', "funds: the fallbacks lead back: 'NSF-1234' to 'NSF-1234'"),
    (GRANT + 'fallback = "DEPT"\n' + DEPT + 'fallback = "NSF-1234"\n',
     "funds: the fallbacks lead back: 'DEPT' to 'NSF-1234', 'NSF-1234' to 'DEPT'; leave one"),
    (SITE + PAYERS.replace("DEPT", "DEP"),
     "teams[1].payers[1].funds.DEP: 'DEP' is none of [[funds]]; did you mean 'DEPT'?"),
    (TEAM + PAYERS, "funds.NSF-1234: 'NSF-1234' is none of [[funds]]; known: none"),
    (SITE + PAYERS.replace("DEPT", "suspense"), "funds.suspense: 'suspense' takes what no fund"),
    (SITE + PAYERS.replace('"40"', '"39.5"'),
     "teams[1].payers[1].funds: comes to 99.5 % and not to 100 %"),
    (SITE + PAYERS.replace('"40"', '"40.0001"'), "funds: comes to 100.0001 % and not to 100 %"),
    (SITE + PAYERS.replace('"40"', '"40.00001"'), "funds.DEPT: '40.00001' has more than 4 decim"),
    (SITE + PAYERS.replace('"40"', "40"), "funds.DEPT: is a number; write it as a text"),
    (SITE + PAYERS.replace('"40"', '"0"'), "funds.DEPT: is 0; leave out a fund that pays nothing"),
    (SITE + "[[teams.payers]]\nfunds = {}\n", "teams[1].payers[1].funds: is empty; expected"),
    (SITE + "[[teams.payers]]\nfrom = 2026-07-01\n", "teams[1].payers[1].funds: is missing; exp"),
    (SITE + PAYERS + "form = 1\n", "teams[1].payers[1].form: is no key here; did you mean 'from'?"),
    (SITE + LATER + PAYERS, "teams[1].payers[2].from: is missing; only the first payers are"),
    (SITE + LATER + LATER, "payers[2].from: is 2026-07-01, from when on those before it pay, too"),
    (SITE + LATER + LATER.replace("07", "06"),
     "payers[2].from: is 2026-06-01, before that of the payers before it (2026-07-01); put them"),
    (SITE + '[[teams.projects]]\nname = "llama"\n[[teams.projects.payers]]\nfunds = { D = "1" }\n',
     "teams[1].projects[1].payers[1].funds.D: 'D' is none of [[funds]]; known: NSF-1234, DEPT"),
    ('[billing]\nuntagged_fund = "DEP"\n' + DEPT,
     "billing.untagged_fund: 'DEP' is none of [[funds]]; did you mean 'DEPT'?"),
    ('[[entities]]\nname = "Example University"\n' + GRANT + 'entity = "Exampel University"\n',
     "funds[1].entity: 'Exampel University' is none of [[entities]]; did you mean 'Example Uni"),
])  # fmt: skip
def test_a_slip_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert said in str(error.value)

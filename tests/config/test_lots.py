"""[[allocations]] of finops.toml, and each slip in them."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from slurm_finops.config import load
from slurm_finops.core.lots import MICRO, Lot
from slurm_finops.core.money import TICKS
from slurm_finops.core.period import day_number
from slurm_finops.errors import ConfigError
from tests.support import a_config

TEAMS = '[[teams]]\nname = "nlp"\n[[teams]]\nname = "cv"\n'
HOURS = (
    '[[allocations]]\nname = "grant"\nteam = "nlp"\ngpu_hours = "10.5"\nfrom = 2026-06-01\n'
    "until = 2026-07-01\n"
)
MONEY = HOURS.replace('gpu_hours = "10.5"', 'amount = "5000"')


def loaded(tmp_path: Path, text: str) -> tuple[Lot, ...]:
    head = 'cluster = "alpha"\ncurrency = "USD"\n'
    return load(a_config(tmp_path, head + text + TEAMS)).charging.lots


def day(month: int) -> int:
    return day_number(date(2026, month, 1))


def test_hours_are_gpus_hours_and_money_is_for_anything(tmp_path: Path) -> None:
    (hours,) = loaded(tmp_path, HOURS)
    assert (hours.hours, hours.amount) == (True, 10 * 3600 * MICRO + 1800 * MICRO)
    assert (hours.first, hours.last, hours.ends) == (day(6), day(7), day(7))
    assert hours.use == (("gres/gpu", 1),)
    (money,) = loaded(tmp_path, MONEY)
    assert (money.hours, money.amount, money.use) == (False, 5000 * TICKS, ())


def test_what_it_is_for_and_what_goes_on(tmp_path: Path) -> None:
    text = HOURS + (
        'project = "p"\nrank = 2\ncarry = "1/3"\ncarry_until = 2026-09-01\n'
        'use = { "gres/gpu:a100" = 7, "gres/gpu:a100_1g.5gb" = 1 }\nmatch = { qos = "high" }\n'
    )
    (lot,) = loaded(tmp_path, text)
    assert (lot.project, lot.rank, lot.match) == ("p", 2, (("qos", "high"),))
    assert (lot.carry, lot.carried, lot.ends) == (Fraction(1, 3), day(9), day(9))
    assert [lot.takes(sku) for sku in ("gres/gpu:a100", "gres/gpu:a100_1g.5gb", "cpu")] == [7, 1, 0]


@pytest.mark.parametrize(("text", "said"), [
    (HOURS.replace('"nlp"', '"npl"'), "allocations[1].team: 'npl' is no team of [[teams]]; did"),
    (HOURS + 'amount = "1"\n', "allocations[1].gpu_hours: or amount says how much it is; give one"),
    (HOURS.replace('gpu_hours = "10.5"\n', ""), "or amount says how much it is"),
    (HOURS.replace('"10.5"', "10.5"), "is a number; write it as a text"),
    (HOURS.replace('"10.5"', '"10.555"'), "more than 2 decimals"),
    (HOURS.replace("2026-07-01", "2026-06-01"), "allocations[1].until: is not after from"),
    (HOURS + 'carry = "1/2"\n', "carry_until: and carry belong together"),
    (HOURS + "carry_until = 2026-08-01\n", "carry_until: and carry belong together"),
    (HOURS + 'carry = "2"\ncarry_until = 2026-08-01\n', "carry: is 2; no more can be carried"),
    (HOURS + 'carry = "1"\ncarry_until = 2026-07-01\n', "carry_until: is not after until"),
    (HOURS + 'skus = ["cpu"]\nuse = { cpu = 1 }\n', "use: and skus both say what it pays for"),
    (HOURS + "use = { cpu = 0 }\n", "use.cpu: is 0; expected a whole number from 1"),
    (HOURS + "use = {}\n", "allocations[1].use: names no SKU"),
    (MONEY + "use = { cpu = 1 }\n", "use: weighs hours, and this is an amount of money"),
    (HOURS + 'match = { class = "x" }\n', "match: has class; an allocation is one team's"),
    (HOURS + 'proejct = "p"\n', "allocations[1].proejct: is no key here; did you mean 'project'?"),
    (HOURS + HOURS, "allocations: 'grant' is given twice"),
    (HOURS + MONEY.replace('"grant"', '"more"'),
     "allocations[1] (grant) and allocations[2] (more) could both pay for one run and expire on"),
])  # fmt: skip
def test_what_cannot_be_meant_is_named_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, text)
    assert said in str(error.value)


@pytest.mark.parametrize("apart", [
    "rank = 1\n", 'project = "p"\n', "until = 2026-08-01\n", 'team = "cv"\n',
    'skus = ["cpu"]\n',
])  # fmt: skip
def test_two_of_which_one_comes_first_or_which_never_meet_may_stand(
    tmp_path: Path, apart: str
) -> None:
    key = apart.split(" ")[0]
    other = "".join(line + "\n" for line in HOURS.splitlines() if not line.startswith(key + " "))
    assert len(loaded(tmp_path, HOURS + other.replace('"grant"', '"more"') + apart)) == 2

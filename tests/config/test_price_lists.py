"""Files of price lists: one list or several, and what is said of what is wrong."""

import re
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from slurm_finops.config.price_lists import load_price_lists
from slurm_finops.core.compare import MonthlyLine, PriceList
from slurm_finops.core.period import Calendar
from slurm_finops.core.rates import Rate
from slurm_finops.errors import ConfigError

DOCS = Path(__file__).parents[2] / "docs"
UTC = Calendar(ZoneInfo("UTC"))
RATE = '[[rates]]\nsku = "gres/gpu:h100"\nprice = "6.88"\nfrom = 2026-01-01\n'
ONE = f'name = "a"\n{RATE}'
JANUARY = 1_767_225_600


def load(folder: Path, *texts: str, digits: int = 2) -> list[PriceList]:
    paths = []
    for i, text in enumerate(texts):
        paths.append(folder / f"{i}.toml")
        paths[-1].write_text(text)
    return load_price_lists(paths, UTC, digits, ["as charged"])


def test_the_documented_list_has_every_key(tmp_path: Path) -> None:
    page = (DOCS / "compare.md").read_text()
    text = re.findall(r"```toml\n(.*?)```", page, re.S)[0]
    assert load(tmp_path, text) == [
        PriceList(
            "provider A, by the hour",
            (Rate("gres/gpu:h100", 6_880_000, JANUARY, where="rates[1] (gres/gpu:h100)"),),
            "hour", 60, (MonthlyLine("egress", 190_000),),
        )
    ]  # fmt: skip


def test_a_list_says_no_more_than_it_must(tmp_path: Path) -> None:
    (found,) = load(tmp_path, ONE)
    assert (found.granularity, found.minimum, found.lines) == ("second", 0, ())


def test_a_file_of_several_lists(tmp_path: Path) -> None:
    both = "".join(
        f'[[lists]]\nname = "{name}"\n{RATE.replace("rates", "lists.rates")}' for name in "ab"
    )
    found = load(tmp_path, both, 'name = "c"\n' + RATE)
    assert [one.name for one in found] == ["a", "b", "c"]
    assert found[1].rates[0].where == "lists[2].rates[1] (gres/gpu:h100)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("granularit = 'hour'\n" + ONE, "granularit: is no key here; did you mean 'granularity'?"),
        ("granularity = 'day'\n" + ONE, "granularity: is 'day'; expected second or minute or hour"),
        ("minimum = -1\n" + ONE, "minimum: is -1; expected 0 to 31536000 seconds"),
        ("minimum = '60'\n" + ONE, "minimum: is '60'; expected a whole number of seconds"),
        (RATE, "name: is missing; expected what the list is called"),
        ("name = 'a'\n", "rates: 'a' has no price; expected one [[rates]] or more"),
        ("name = 'as charged'\n" + RATE,
         "name: 'as charged' is how the ledger's own charges are called; give it another name"),
        (ONE.replace("6.88", "-6.88"),
         "rates[1].price: '-6.88' is not a plain decimal number such as \"3.92\""),
        (ONE.replace("6.88", "6.8812345"), "rates[1].price: '6.8812345' has more than 6 decimals"),
        (ONE.replace('"6.88"', "6.88"),
         'rates[1].price: is a number; write it as a text, price = "6.88"'),
        (ONE.replace("price", "prise"), "rates[1].price: is missing"),
        (ONE + 'match = { class = "academic" }',
         "rates[1].match: names a class of customers, which are those of finops.toml; a list has "
         "one price for all: leave class out"),
        (ONE + RATE,
         "rates[1] (gres/gpu:h100) and rates[2] (gres/gpu:h100) both price gres/gpu:h100"),
        (ONE + "[[lines]]\nname = 'egress'\namount = '1.005'\n",
         "lines[1].amount: '1.005' has more than 2 decimals"),
        (ONE + "[[lines]]\nname = 'egress'\namount = '1'\n" * 2, "lines: 'egress' is given twice"),
        (ONE + "[[lines]]\nname = 'egress'\namont = '1'\n",
         "lines[1].amount: is missing; expected a text such as \"900.00\", a billing month; "
         "did you mean it by 'amont'?"),
        ("name = 'a'\n[[lists]]\nname = 'b'\n", "name: stands beside [[lists]]"),
        ("lists = []\n", "lists: is empty; expected one [[lists]] or more"),
        ("lists = 7\n", "lists: is 7; expected tables [[lists]]"),
        ("name = ", "not TOML: "),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_file_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, text)
    assert str(raised.value).startswith(f"{tmp_path / '0.toml'}: {said}")


def test_no_two_lists_have_one_name(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, ONE, ONE)
    first, second = tmp_path / "0.toml", tmp_path / "1.toml"
    assert str(raised.value) == (
        f"{second}: name: 'a' is also the name of a list in {first}; give it another name"
    )


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for path, said in [
        (tmp_path / "no.toml", "No such file or directory; name a file of price lists"),
        (tmp_path, "Is a directory; name a file of price lists"),
    ]:
        with pytest.raises(ConfigError) as raised:
            load_price_lists([path], UTC, 2)
        assert str(raised.value) == f"cannot read {path}: {said}"


def test_amounts_are_in_the_currencys_own_digits(tmp_path: Path) -> None:
    line = "[[lines]]\nname = 'egress'\namount = '900'\n"
    assert load(tmp_path, ONE + line, digits=0)[0].lines == (MonthlyLine("egress", 900),)

"""Lines of a CSV file: what a row means, and what is said of slips."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slurm_finops.config import load
from slurm_finops.config.lines import NEEDED, lines_of
from slurm_finops.config.model import Config
from slurm_finops.core.accrual import Cost
from slurm_finops.core.money import TICKS
from slurm_finops.core.pools import Line, Spread
from slurm_finops.core.rates import EVER
from slurm_finops.core.rows import csv_rows
from slurm_finops.core.tags import Tags
from slurm_finops.errors import InputError
from tests.support import CONFIG, JUNE, a_config

TEAMS = '\n[[teams]]\nname = "nlp"\n[[teams]]\nname = "platform"\n'
DAY = 86_400


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    return load(a_config(tmp_path_factory.mktemp("site"), CONFIG + TEAMS))


def read(config: Config, text: str) -> list[Line]:
    rows = csv_rows([("bill.csv", text.splitlines(keepends=True))], "name", NEEDED)
    return list(lines_of(rows, config))


def row(config: Config, **cells: str) -> Line:
    cells = {"name": "egress", "amount": "1900.00", "from": "2026-06-01"} | cells
    written = (f'"{cell}"' for cell in cells.values())
    (line,) = read(config, f"{','.join(cells)}\n{','.join(written)}\n")
    return line


def refused(config: Config, **cells: str) -> str:
    with pytest.raises(InputError) as caught:
        row(config, **cells)
    said = str(caught.value)
    assert said.startswith("bill.csv ")
    return said


def test_a_row_is_for_the_billing_month_of_its_day(config: Config) -> None:
    assert row(config, spread="even") == Line(
        "egress", "other", Cost("egress", 1900 * TICKS, "once", JUNE, JUNE + 30 * DAY), None,
        Spread("even"), "bill.csv line 2",
    )  # fmt: skip


def test_every_month_goes_on_until_it_says_otherwise(config: Config) -> None:
    assert row(config, spread="even", every="month").cost.end == EVER
    ended = row(config, spread="even", every="month", until="2026-08-01")
    assert ended.cost.end == JUNE + 61 * DAY


def test_columns_stand_in_any_order_and_cells_may_be_empty(config: Config) -> None:
    text = (
        "\ufeffteam,project,ratios, spread ,from,amount,name,currency,until\r\n"
        "nlp,llama,,,2026-06-01,7,storage,USD,\r\n"
        ",,nlp=0.6; platform = 2/5,ratios,2026-06-01, 8 ,support,,2026-06-02\r\n"
    )
    one, two = read(config, text)
    assert (one.tags, one.spread) == (Tags(team="nlp", project="llama"), Spread())
    assert (two.tags, two.spread.ratios) == (None, (("nlp", 3), ("platform", 2)))
    assert (two.cost.ticks, two.cost.end) == (8 * TICKS, JUNE + DAY)


@given(
    amount=st.decimals(0, 10**9, places=6), every=st.sampled_from(("once", "month", "year")),
    rule=st.sampled_from((
        {"spread": "even"}, {"spread": "carried", "to": "nlp"}, {"team": "nlp"},
        {"spread": "proportional", "by": "cost", "over": "day", "to": "platform"},
        {"spread": "ratios", "ratios": "nlp=1/3;platform=2/3"}, {"team": "nlp", "model": "m"},
    )),
    until=st.sampled_from(("", "2026-06-09", "2027-01-01")),
)  # fmt: skip
def test_a_row_means_what_the_same_table_of_finops_toml_means(
    tmp_path_factory: pytest.TempPathFactory, config: Config, amount: object, every: str,
    rule: dict[str, str], until: str,
) -> None:  # fmt: skip
    owner = {key: value for key, value in rule.items() if key in ("team", "model")}
    toml = f'[[lines]]\nname = "x"\namount = "{amount}"\nfrom = 2026-06-01\nevery = "{every}"\n'
    toml += f"until = {until}\n" if until else ""
    for key, value in rule.items():
        if key == "ratios":
            toml += 'ratios = { nlp = "1/3", platform = "2/3" }\n'
        elif not owner:
            toml += f'{key} = "{value}"\n'
    if owner:
        toml += f"tags = {{ {', '.join(f'{k} = {v!r}' for k, v in owner.items())} }}\n"
    path = a_config(tmp_path_factory.mktemp("toml"), CONFIG + TEAMS + toml)
    (meant,) = load(path).allocation.lines
    line = row(config, name="x", amount=str(amount), every=every, until=until, **rule)
    assert replace(line, where="") == replace(meant, where="")


@pytest.mark.parametrize(("cells", "said"), [
    ({"amount": "-5"}, "line 2: amount: is '-5', below zero; what is taken off a bill goes into"),
    ({"amount": "1.0000001"}, "line 2: amount: '1.0000001' has more than 6 decimals"),
    ({"amount": "1,900.00"}, "line 2: amount: '1,900.00' is not a plain decimal number"),
    ({"amount": "1e3"}, "amount: '1e3' is not a plain decimal number such as"),
    ({"amount": ""}, 'line 2: amount: is missing; expected a text such as "1200.00"'),
    ({"amount": "9" * 50}, "amount: is '99999"),
    ({"amount": "9" * 20}, "amount: is larger than a ledger can hold"),
    ({"from": "01.06.2026"}, "from: is '01.06.2026'; expected a date such as 2026-06-01"),
    ({"from": "20260601"}, "from: is '20260601'; expected a date"),
    ({"from": "2026-06-31"}, "from: is '2026-06-31'; expected a date"),
    ({"from": "0026-06-01"}, "from: is '0026-06-01'; expected a date"),
    ({"from": ""}, "from: is missing; expected a date such as 2026-06-01"),
    ({"until": "9999-12-31"}, "until: is '9999-12-31'; expected a date"),
    ({"until": "2026-06-01"}, "until: is not after from"),
    ({"name": ""}, "name: is missing; expected a name of its own"),
    ({"name": "a\u202eb"}, "which holds a character that cannot be seen"),
    ({"every": "hour"}, "every: is 'hour'; expected once or month or year"),
    ({"category": "egres"}, "category: is 'egres'; expected storage or egress or support"),
    ({"currency": "EUR"}, "currency: is 'EUR', and the ledger's USD; give the amount in it"),
    ({"spread": ""}, "spread: is missing: who carries it?  Give proportional or even or ratios"),
    ({"team": "nlp"}, "spread: and team both say who carries it; leave one empty"),
    ({"spread": "", "by": "cost", "project": "x"}, "by: and project both say who carries it"),
    ({"spread": "", "team": "npl"}, "team: 'npl' is no team of [[teams]]; did you mean 'nlp'?"),
    ({"to": "npl"}, "line 2: to: 'npl' is no team of [[teams]]; did you mean 'nlp'?"),
    ({"spread": "carried"}, "to: is missing: which team carries it?"),
    ({"by": "hours"}, "by: is 'hours'; expected gpu_hours or cost"),
    ({"over": "week"}, "over: is 'week'; expected day or month"),
    ({"spread": "ratios"}, "ratios: and spread = \"ratios\" belong together"),
    ({"ratios": "nlp=1"}, "ratios: and spread = \"ratios\" belong together"),
    ({"spread": "ratios", "ratios": "nlp=0.6;platform=0.3"}, "ratios: the parts add to 9/10"),
    ({"spread": "ratios", "ratios": "nlp=x"}, "line 2: ratios: nlp: is 'x'; expected"),
    ({"spread": "ratios", "ratios": "npl=1"}, "ratios: npl: 'npl' is no team of [[teams]]"),
    ({"spread": "ratios", "ratios": "nlp:1"}, "ratios: has 'nlp:1'; expected such as nlp=0.6;"),
    ({"spread": "ratios", "ratios": "nlp=1;nlp=0"}, "ratios: names 'nlp' twice"),
    ({"spred": "even"}, "has a column 'spred'; the nearest is 'spread'"),
])  # fmt: skip
def test_a_damaged_row_is_named_with_its_line_and_column(
    config: Config, cells: dict[str, str], said: str
) -> None:
    assert said in refused(config, **{"spread": "even"} | cells)


@pytest.mark.parametrize(("text", "said"), [
    ("name,amount\n", "bill.csv line 1 is no header with the column 'from'"),
    ("name,amount,from,spread,spread\na,1,2026-06-01,even,even\n", "bill.csv has a column twice"),
    ("name,amount,from\na,1\n", "bill.csv line 2: 2 fields, but the header has 3"),
    ("", "bill.csv ends before its header"),
])  # fmt: skip
def test_a_damaged_file_is_named(config: Config, text: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read(config, text)
    assert said in str(caught.value)


def test_without_a_registry_any_team_may_be_named(tmp_path: Path) -> None:
    assert row(load(a_config(tmp_path)), team="anybody").tags == Tags(team="anybody")

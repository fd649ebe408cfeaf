"""finops.toml: what is right, and what is said of what is not."""

import re
from pathlib import Path

import pytest

from slurm_finops.config import load
from slurm_finops.config.table import Table
from slurm_finops.core.rates import MATCH_KEYS
from slurm_finops.core.tags import KEYS
from slurm_finops.errors import ConfigError
from tests.support import CONFIG, a_config

DOCS = Path(__file__).parent.parent / "docs"
RATE = '[[rates]]\nsku = "gres/gpu:a100"\nprice = "1.50"\nfrom = 2026-01-01\n'


def documented() -> str:
    page = (DOCS / "configuration.md").read_text()
    return re.findall(r"```toml\n(.*?)```", page, re.S)[0]


def test_the_documented_file_loads_and_has_every_key(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    known: dict[str, set[str]] = {}
    done = Table.done

    def note(table: Table) -> None:
        known.setdefault(re.sub(r"\[\d+\]", "", table.name), set()).update(table._known)
        done(table)

    monkeypatch.setattr(Table, "done", note)
    loaded = load(a_config(tmp_path, documented()))
    assert loaded.rates[0].price == 3_920_000
    approval = loaded.rates[0].approval
    assert str(approval) == "rates committee (RC-2026-04, review 2027-06-30)"
    assert loaded.teams[1].budget_minor == 1_000_000
    text = documented()
    for table, keys in known.items():
        for key in keys - {*MATCH_KEYS, *KEYS}:
            assert re.search(rf"^\s*(\[+)?([\w.]+\.)?{key}\b", text, re.M), f"{table}.{key}"
    assert {"rates", "teams", "tags", "mail", "privacy", "billing"} <= set(known) | known[""]


def test_the_least_file_has_sensible_defaults(tmp_path) -> None:  # type: ignore[no-untyped-def]
    loaded = load(a_config(tmp_path, 'cluster = "c"\ncurrency = "JPY"\n'))
    assert (loaded.timezone, loaded.digits, loaded.gate.mode, loaded.mail) == (
        "UTC",
        0,
        "warn",
        None,
    )
    assert loaded.database == tmp_path / "ledger.db"


def test_a_date_is_midnight_in_the_billing_zone(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = CONFIG.replace('"UTC"', '"Asia/Tokyo"')
    (rate,) = load(a_config(tmp_path, text)).rates
    assert rate.start == 1_767_225_600 - 9 * 3600


def test_a_fiscal_year_is_the_calendar_year_or_begins_where_the_file_says(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert load(a_config(tmp_path)).fiscal_year == (1, 1)
    text = CONFIG + '[billing]\nfiscal_year = "07-01"\n'
    assert load(a_config(tmp_path, text)).fiscal_year == (7, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((CONFIG + f'[billing]\nfiscal_year = "{day}"', f"billing.fiscal_year: is {day!r}; "
           'expected a month and day that every year has, such as "07-01"')
          for day in ("02-29", "7-1", "W26-1", "13-01", "2026-07-01")),
        (CONFIG + 'review = 2027-01-01', "rates[1].review: is of an approval; add approved_by"),
        (CONFIG + 'document = "B"', "rates[1].document: is of an approval; add approved_by"),
        (CONFIG + 'approved_by = "b"\nreview = "soon"', "review: is 'soon'; expected a date"),
        (CONFIG + 'approved_by = "b"\nreview = 1926-01-01', "is 1926-01-01; expected a day"),
        (CONFIG + 'approved_by = ""', "rates[1].approved_by: is empty; expected who approved it"),
        ("", "cluster: is missing; expected the cluster's name"),
        ("cluster = 1", "cluster: is 1; expected the cluster's name"),
        ("cluster = ", "not TOML"),
        (CONFIG + "\nclustr = 1", "rates[1].clustr: is no key here"),
        ("clustr = 'a'\n" + CONFIG, "clustr: is no key here; did you mean 'cluster'?"),
        (CONFIG.replace("USD", "dollars"), "currency: is 'dollars'; expected an ISO 4217 code"),
        (CONFIG.replace("USD", "XXQ"), "currency: is 'XXQ'; expected an ISO 4217 code"),
        (CONFIG.replace("sku ", "skuu "), "rates[1].sku: is missing; expected a TRES such as "
         "\"gres/gpu:h100\"; did you mean it by 'skuu'?"),
        (CONFIG.replace("2026-01-01", '"2026-01-01"'), "a date such as 2026-01-01, without quotes"),
        (CONFIG + '[mail]\nfrom = "finops"\nsmtp = "smtp://x"', "mail.from: is 'finops'; expected"),
        (CONFIG + '[mail]\nfrom = "a@b\\nBcc: c@d"\nsmtp = "smtp://x"', "mail.from: is 'a@b\\nBcc"),
        (CONFIG.replace("UTC", "Mars/Phobos"), "timezone: 'Mars/Phobos' is no known zone"),
        (CONFIG.replace('"3.92"', "3.92"), 'is a number; write it as a text, price = "3.92"'),
        (CONFIG.replace("3.92", "3.9200001"), "has more than 6 decimals"),
        (CONFIG.replace("3.92", "-3.92"), "'-3.92' is not a plain decimal number"),
        (CONFIG.replace("2026-01-01", '"soon"'), "from: is 'soon'; expected a date"),
        (CONFIG + 'per = 0', "rates[1].per: is 0; expected 1 or more"),
        (CONFIG + 'pricing = "spott"', "is 'spott'; expected on_demand or spot or committed"),
        (CONFIG + 'match = { partitoin = "x" }', "did you mean 'partition'?"),
        (CONFIG + CONFIG[CONFIG.index("[[rates]]"):], "from the same moment for the same match"),
        (
            CONFIG + 'match = { partition = "x" }\n' + CONFIG[CONFIG.index("[[rates]]"):]
            + 'match = { qos = "y" }',
            "rates[1] (gres/gpu:h100) and rates[2] (gres/gpu:h100)",
        ),
        (CONFIG + '[tags]\nrequired = ["temp"]', "'temp' is no tag"),
        (CONFIG + '[tags.allowed]\ncc = ["x"]', "its name here is 'cost_center'"),
        (CONFIG + "[tags]\nmax_length = 0", "expected 1 to 1024 bytes"),
        (CONFIG + '[[teams]]\nname = "a"\n[[teams]]\nname = "a"', "teams: 'a' is given twice"),
        (CONFIG + '[[teams]]\nname = "a"\nemail = ["nobody"]', "'nobody' is no address"),
        (CONFIG + '[[teams]]\nname = "a"\nbudget = "1.234"', "has more than 2 decimals"),
        (CONFIG + '[mail]\nfrom = "a@b.c"', "mail.smtp: is missing"),
        (CONFIG + '[privacy]\npeople = "some"', "expected names or pseudonyms or none"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_file_key_and_remedy(tmp_path, text: str, said: str) -> None:  # type: ignore[no-untyped-def]
    path = a_config(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(path) in str(error.value)
    assert said in str(error.value)


def test_a_file_that_is_not_there_or_no_text_is_said(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="cannot read"):
        load(tmp_path / "no.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load(tmp_path / "b.toml")

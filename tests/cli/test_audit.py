"""audit: of each kind of change it says who, when, from what to what."""

import csv
import getpass
import io
import json
from pathlib import Path

import pytest
from click.testing import Result

from slurm_finops.ledger.store import Ledger
from tests.cli.test_problems import finops
from tests.support import JUNE, a_config, a_ledger, record, saved

SITE = """\
cluster  = "alpha"
currency = "USD"
timezone = "Europe/Zurich"

[tags]
required = ["team"]

[billing]
suspended = "free"

[[rates]]
sku   = "gres/gpu:h100"
price = "3.92"
from  = 2026-01-01

[[pools]]
name    = "reserved"
kind    = "reserved"
sku     = "gres/gpu:a100"
units   = 8
from    = 2026-06-01
until   = 2027-06-01
hourly  = "19.60"

[[factors]]
name   = "priority"
factor = "3/2"
match  = { qos = "high" }

[[lines]]
name   = "licence"
amount = "100.00"
every  = "month"
from   = 2026-06-01
tags   = { team = "nlp" }

[[allocations]]
name   = "grant"
team   = "nlp"
amount = "1000"
from   = 2026-06-01
until  = 2027-06-01

[[teams]]
name        = "nlp"
cost_center = "4711"
accounts    = ["nlp"]
budget      = "5000"
email       = ["pi@example.org"]
[[teams.projects]]
name   = "llama"
budget = "100"
"""


def a_site(folder: Path) -> Path:
    a_config(folder, SITE)
    (folder / "june.txt").write_text(saved(record()))
    assert finops(folder, "collect", "sacct", "--file", str(folder / "june.txt")).exit_code == 0
    priced(folder)
    return folder


def priced(folder: Path) -> Result:
    done = finops(folder, "price")
    assert done.exit_code == 0, done.output
    return done


def entries(folder: Path, *words: str) -> list[dict[str, str]]:
    answer = finops(folder, "audit", "--format", "json", *words)
    assert answer.exit_code == 0, answer.output
    found: list[dict[str, str]] = json.loads(answer.stdout)["entries"]
    return found


def details(folder: Path, *words: str) -> list[str]:
    return [one["detail"] for one in entries(folder, *words)]


@pytest.mark.parametrize(("old", "new", "action", "said"), [
    ('price = "3.92"', 'price = "4.10"', "configuration rates",
     'rates gres/gpu:h100 from 2026-01-01 price: "3.92" -> "4.10"'),
    ("units   = 8", "units   = 4", "configuration pools", "pools reserved units: 8 -> 4"),
    ('factor = "3/2"', 'factor = "2"', "configuration factors",
     'factors priority factor: "3/2" -> "2"'),
    ('amount = "100.00"', 'amount = "120.00"', "configuration lines",
     'lines licence amount: "100.00" -> "120.00"'),
    ('amount = "1000"', 'amount = "900"', "configuration allocations",
     'allocations grant amount: "1000" -> "900"'),
    ('budget      = "5000"', 'budget      = "6000"', "configuration teams",
     'teams nlp budget: "5000" -> "6000"'),
    ('budget = "100"\n', "", "configuration teams",
     'teams nlp / projects llama budget: "100" -> not set'),
    ('["pi@example.org"]', '["ops@example.org"]', "configuration teams",
     'teams nlp email: ["pi@example.org"] -> ["ops@example.org"]'),
    ('"4711"', '"4712"', "configuration teams", 'teams nlp cost_center: "4711" -> "4712"'),
    ('required = ["team"]', 'required = ["team", "project"]', "configuration tags",
     'tags required: ["team"] -> ["team", "project"]'),
    ('suspended = "free"', 'suspended = "charge"', "configuration billing",
     'billing suspended: "free" -> "charge"'),
    ('suspended = "free"', 'suspended = "charge"', "suspended",
     "free -> charge: 0 runs to price again"),
    ("[tags]", 'locale = "de"\n[tags]', "configuration", 'locale: not set -> "de"'),
    ("[tags]", '[privacy]\npeople = "names"\n[tags]', "configuration privacy",
     'privacy: none -> people = "names"'),
])  # fmt: skip
def test_what_finops_toml_says_otherwise_is_in_the_audit_from_the_next_price_on(
    tmp_path: Path, old: str, new: str, action: str, said: str
) -> None:
    folder = a_site(tmp_path)
    assert old in SITE
    a_config(folder, SITE.replace(old, new, 1))
    before = len(entries(folder))
    priced(folder)
    made = entries(folder)[before:]
    (one,) = [one for one in made if one["action"] == action]
    assert (one["by"], one["detail"]) == (getpass.getuser(), said)
    # and nothing is said twice
    priced(folder)
    assert len(entries(folder)) == before + len(made)


def test_a_night_sees_a_changed_budget_too(tmp_path: Path) -> None:
    folder = a_site(tmp_path)
    a_config(folder, SITE.replace('"5000"', '"7000"'))
    finops(folder, "nightly", "--no-send")  # there is no Slurm to collect from
    assert details(folder, "--action", "configuration teams") == [
        'teams nlp budget: "5000" -> "7000"'
    ]


def test_a_file_that_cannot_be_priced_by_is_not_noted(tmp_path: Path) -> None:
    folder = a_site(tmp_path)
    before = entries(folder)
    a_config(folder, SITE.replace('price = "3.92"', 'price = "free"'))
    assert finops(folder, "price").exit_code == 2
    a_config(folder, SITE)
    assert entries(folder) == before


def test_imported_prices_say_what_they_were_and_are(tmp_path: Path) -> None:
    folder = a_site(tmp_path)
    for name, price in (("one", "1.00"), ("two", "1.25")):
        file = folder / f"{name}.csv"
        file.write_text(f"sku,price,from\ncpu,{price},2026-06-01\n")
        done = finops(folder, "rates", "import", "csv", str(file), "--name", name, "--replace")
        assert done.exit_code == 0, done.output
    assert finops(folder, "rates", "remove", "two", "--yes").exit_code == 0
    found = details(folder, "--action", "rates ")
    at = "cpu from 2026-05-31T22:00:00Z"
    assert [one for one in found if " -> " in one] == [
        f"one: {at}: none -> 1.00/h on_demand (csv)",
        f"two: {at}: 1.00/h on_demand (csv) -> 1.25/h on_demand (csv)",
        f"two: {at}: 1.25/h on_demand (csv) -> none",
    ]


def test_what_was_settled_is_named(tmp_path: Path) -> None:
    folder = a_site(tmp_path)
    (folder / "july.txt").write_text(saved(record(), "torn|line", record(Submit="Unknown")))
    finops(folder, "collect", "sacct", "--file", str(folder / "july.txt"))
    finops(folder, "problems", "--settle", "2", "--why", "a torn copy")
    finops(folder, "problems", "--settle-all", "--why", "old")
    finops(folder, "problems", "--settle-all", "--why", "nothing is left")
    assert details(folder, "--action", "problems") == [
        "2: open -> settled: a torn copy", "1: open -> settled: old",
    ]


def test_an_installed_gate_is_in_the_audit_where_the_ledger_is(tmp_path: Path) -> None:
    folder, slurm = a_site(tmp_path), tmp_path / "slurm"
    slurm.mkdir()
    for words in ((), (), ("--rollback",)):
        a_config(folder, SITE.replace('["team"]', '["project"]') if words else SITE)
        finops(folder, "hook", "install", "--dir", str(slurm), *words)
    found = entries(folder, "--action", "hook")
    assert [one["action"] for one in found] == ["hook install"] * 3
    assert all(": none -> sha256 " in one["detail"] for one in found)
    a_config(folder, SITE.replace('["team"]', '["project"]'))
    finops(folder, "hook", "install", "--dir", str(slurm))
    finops(folder, "hook", "install", "--dir", str(slurm), "--rollback")
    there, back = entries(folder, "--action", "hook")[3:]
    old, _, new = there["detail"].partition(": ")[2].partition(" -> ")
    assert (back["action"], back["detail"].partition(": ")[2]) == (
        "hook rollback", f"{new} -> {old}"
    )
    # a machine without the ledger makes none for it
    (folder / "ledger.db").unlink()
    done = finops(folder, "hook", "install", "--dir", str(slurm))
    assert (done.exit_code, (folder / "ledger.db").exists()) == (0, False)


HOSTILE = "=1+1 \x1b[31m\u202e\nroot"


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    a_config(tmp_path)
    ledger = a_ledger(tmp_path / "ledger.db")
    ledger.audit(JUNE, "root", "rates", "1 changed")
    ledger.audit(JUNE + 86_400, "ops", "credits add", HOSTILE)
    ledger.close()
    return tmp_path


def test_the_table_has_the_newest_last_and_counts_those_before(hostile: Path) -> None:
    assert finops(hostile, "audit", "--since", "2026-06-01", "--until", "2026-06-02").output == (
        "at                         by    action  detail\n"
        "2026-06-01T00:00:00+00:00  root  rates   1 changed\n"
    )
    said = finops(hostile, "audit", "--last", "1").output
    assert said == (
        "and 1 earlier: --last\n"
        "at                         by   action       detail\n"
        "2026-06-02T00:00:00+00:00  ops  credits add  =1+1 \ufffd[31m\ufffd\ufffdroot\n"
    )


def test_a_spreadsheet_is_given_no_formula(hostile: Path) -> None:
    text = finops(hostile, "audit", "--format", "csv").stdout
    assert list(csv.reader(io.StringIO(text))) == [
        ["at", "by", "action", "detail"],
        ["2026-06-01T00:00:00+00:00", "root", "rates", "1 changed"],
        ["2026-06-02T00:00:00+00:00", "ops", "credits add", "'=1+1 \ufffd[31m\ufffd\ufffdroot"],
    ]
    nothing = finops(hostile, "audit", "--format", "csv", "--by", "nobody").stdout
    assert nothing == "at,by,action,detail\n"
    assert details(hostile) == ["1 changed", HOSTILE]
    assert details(hostile, "--last", "1") == [HOSTILE]


@pytest.mark.parametrize("people", ["pseudonyms", "none"])
def test_where_people_are_not_named_files_name_nobody(hostile: Path, people: str) -> None:
    path = hostile / "finops.toml"
    path.write_text(f'{path.read_text()}\n[privacy]\nexport = "{people}"\n')
    assert [(one["by"], one["detail"]) for one in entries(hostile)] == [(None, None)] * 2
    assert "root" not in finops(hostile, "audit", "--format", "csv").stdout
    assert "root" in finops(hostile, "audit").stdout


@pytest.mark.parametrize(("words", "code", "said"), [
    (["--action", "rate"], 0, "1 changed"),
    (["--action", "rtes"], 0, "no action in the audit begins so; there are: credits add, rates\n"),
    (["--by", "nobody"], 0, "nothing in the audit fits\n"),
    (["--since", "2026-06-02", "--until", "2026-06-02"], 2, "is not after --since"),
    (["--since", "June"], 2, "does not match the format '%Y-%m-%d'"),
    (["--last", "0"], 2, "is not in the range"),
])  # fmt: skip
def test_what_is_asked_wrong_is_answered_in_words(
    hostile: Path, words: list[str], code: int, said: str
) -> None:
    result = finops(hostile, "audit", *words)
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_a_ledger_in_which_nothing_was_done_says_so(tmp_path: Path) -> None:
    a_config(tmp_path)
    Ledger.open(tmp_path / "ledger.db", "USD", "UTC").close()
    assert finops(tmp_path, "audit").output == "nothing is in the audit yet\n"
